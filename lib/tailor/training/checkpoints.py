"""Checkpoints that are whole or not there: written under another name, sealed with every file's hash, renamed."""

import json
import os
import shutil
from pathlib import Path

from tailor.files import sha256_file, write_json
from tailor.progress import Log

SEAL = "complete.json"
KEEP = 2  # the newest, and one before it in case the newest is damaged


def seal(written: Path, folder: Path, step: int) -> Path:
    """Make the checkpoint in `written` valid and give it its name `folder`/step-000040; older ones are removed."""
    hashes = {
        file.relative_to(written).as_posix(): sha256_file(file)
        for file in sorted(written.rglob("*"))
        if file.is_file()
    }
    write_json(written / SEAL, {"step": step, "files": hashes})
    for file in written.rglob("*"):
        if file.is_file():
            with file.open("rb+") as opened:
                os.fsync(opened.fileno())
    final = folder / f"step-{step:06d}"
    shutil.rmtree(final, ignore_errors=True)
    os.replace(written, final)
    for old in all_checkpoints(folder)[:-KEEP]:
        shutil.rmtree(old, ignore_errors=True)
    return final


def all_checkpoints(folder: Path) -> list[Path]:
    """Every checkpoint in `folder`, whole or not, oldest first."""
    return sorted(folder.glob("step-*")) if folder.is_dir() else []


def last_complete(folder: Path, log: Log) -> Path | None:
    """The newest checkpoint whose files are as they were written. Damaged ones are told, and removed."""
    for checkpoint in reversed(all_checkpoints(folder)):
        if (problem := find_damage(checkpoint)) is None:
            return checkpoint
        log.note(f"Checkpoint {checkpoint.name} is damaged ({problem}): an earlier one is used.")
        shutil.rmtree(checkpoint, ignore_errors=True)
    return None


def find_damage(checkpoint: Path) -> str | None:
    """What is wrong with a checkpoint, in a few words; None for nothing."""
    try:
        files = json.loads((checkpoint / SEAL).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return "it was never finished"
    for name, digest in files.items():
        path = checkpoint / name
        if not path.is_file():
            return f"{name} is missing"
        if sha256_file(path) != digest:
            return f"{name} was changed"
    return None
