"""Files of what people say while they read rows: one JSON line each, safe against a crash and against two writers."""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

from filelock import FileLock

from tailor.files import write_text

Entry = TypeVar("Entry")
"""A dataclass whose fields are all text."""


def read_entries(
    path: Path, make: type[Entry], allowed: Callable[[Entry], bool]
) -> tuple[list[Entry], list[str]]:
    """The entries of a file in their order, and the lines that cannot be read (cut short by a crash).

    Args:
        make: a dataclass whose fields are all text.
        allowed: whether an entry's values are among those there can be.
    """
    if not path.exists():
        return [], []
    found, broken = [], []
    for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
        if not line.strip():
            continue
        try:
            values = json.loads(line)
            entry = make(**values)
            good = allowed(entry) and all(isinstance(value, str) for value in values.values())
        except (ValueError, TypeError, RecursionError):
            good = False
        if good:
            found.append(entry)
        else:
            broken.append(line)
    return found, broken


def change_entries(
    path: Path,
    read: Callable[[Path], tuple[list[Entry], list[str]]],
    change: Callable[[list[Entry]], Iterable[Entry]],
) -> None:
    """Replace a file's entries by what `change` makes of them; nobody else writes meanwhile.

    Lines that cannot be read move to a file beside it, `<name>.unreadable.jsonl`, so that nothing is lost.

    Raises:
        WorkbenchError: the disk is full, or the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{path.name}.lock")):
        found, broken = read(path)
        if broken:
            aside = path.with_name(f"{path.stem}.unreadable.jsonl")
            before = aside.read_text(encoding="utf-8") if aside.exists() else ""
            write_text(aside, before + "".join(f"{line}\n" for line in broken))
        lines = (json.dumps(asdict(entry), ensure_ascii=False) for entry in change(found))
        write_text(path, "".join(f"{line}\n" for line in lines))
