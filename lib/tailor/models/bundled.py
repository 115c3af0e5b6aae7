"""The files of a bundled model are compared with their SHA-256 sums before they are used.

One flipped bit in a weight gives a model that answers a little worse and never says why. Hashing 20 MB takes a few
hundredths of a second and is done once per process and file state.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from tailor.errors import WorkbenchError
from tailor.models.catalog import ModelSource

SUMS = "SHA256SUMS"
_checked: set[tuple[str, int, int]] = set()  # (path, size, time of last change)


def check_files(source: ModelSource) -> None:
    """Compare a bundled model's files with ``SHA256SUMS``; other models have no sums and pass.

    Raises:
        WorkbenchError: a file is missing or differs.
    """
    if source.kind != "bundled":
        return
    folder = Path(source.location)
    sums = folder / SUMS
    if not sums.is_file():
        return
    for line in sums.read_text(encoding="utf-8").splitlines():
        wanted, _, name = line.partition("  ")
        _check_file(source.name, folder / name, wanted)


def _check_file(model: str, path: Path, wanted: str) -> None:
    try:
        state = os.stat(path)
    except FileNotFoundError:
        raise WorkbenchError(
            found=f"{path.name} of the bundled model {model} is missing.",
            needed=f"every file that {SUMS} in the model's folder names.",
            fix=f"Restore the folder: git checkout -- data/models/{model}",
        ) from None
    key = (str(path), state.st_size, state.st_mtime_ns)
    if key in _checked:
        return
    found = sha256(path)
    if found != wanted:
        raise WorkbenchError(
            found=f"{path.name} of the bundled model {model} is damaged: its SHA-256 begins with {found[:12]}.",
            needed=f"the file whose SHA-256 begins with {wanted[:12]}, as {SUMS} says.",
            fix=f"Restore the folder: git checkout -- data/models/{model}",
        )
    _checked.add(key)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, as hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_sums(folder: Path) -> None:
    """Write ``SHA256SUMS`` over every file of a model folder but the card and the sums themselves."""
    names = sorted(p.name for p in folder.iterdir() if p.is_file() and p.name not in (SUMS, "README.md"))
    lines = [f"{sha256(folder / name)}  {name}" for name in names]
    (folder / SUMS).write_text("\n".join(lines) + "\n", encoding="utf-8")
