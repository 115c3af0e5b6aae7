"""From files as people have them to one table of text, with every source copied unchanged and described."""

import random
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from tailor.data.alignment import align_columns, check_renames, rename_columns
from tailor.data.readers import FORMATS, Found, Limits, format_of, read_file
from tailor.data.tables import write_table
from tailor.errors import WorkbenchError
from tailor.files import sha256_file
from tailor.progress import Log
from tailor.records import Source

ROWS = "rows.parquet"
UNREADABLE = "unreadable.parquet"


@dataclass(frozen=True)
class Choices:
    """How sources are read and what is said about them."""

    owner: str = ""
    licence: str = ""
    encoding: str = ""
    delimiter: str = ""
    max_rows: int = 0
    limits: Limits = field(default_factory=Limits)
    seed: int = 0
    frozen_test: Path | None = None
    align: bool = True
    renames: Mapping[str, str] = field(default_factory=dict)


def find_files(given: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """List the readable files among the paths given, looking into folders.

    Returns:
        The files in a stable order, and a sentence for each file that was left out.

    Raises:
        WorkbenchError: a link in a folder leads out of it, or nothing readable was found.
    """
    files: list[Path] = []
    notes: list[str] = []
    for path in given:
        inside = [path] if path.is_file() else _walk(path)
        for file in inside:
            if path.is_file() or format_of(file):
                files.append(file)
            else:
                notes.append(f"{file.name} was left out: '{file.suffix}' is not a format that is read")
    unique = list(dict.fromkeys(file.resolve() for file in files))
    if not unique:
        raise WorkbenchError(
            f"{', '.join(str(path) for path in given)} holds no file that can be read",
            f"at least one file ending in {', '.join(FORMATS)}",
            "name another file or folder in 02_gather_data.sources",
        )
    return unique, notes


def _walk(folder: Path) -> list[Path]:
    root = folder.resolve()
    files = []
    for file in sorted(folder.rglob("*")):
        if any(part.startswith(".") for part in file.relative_to(folder).parts):
            continue
        if file.is_symlink() and not file.resolve().is_relative_to(root):
            raise WorkbenchError(
                f"{file} is a link that leads out of {folder}",
                "a folder whose files are all inside it",
                "copy the file into the folder, or name it in 02_gather_data.sources itself",
            )
        if file.is_file():
            files.append(file)
    return files


def gather(files: Sequence[Path], folder: Path, choices: Choices, log: Log) -> list[Source]:
    """Read every file and write `folder`: the files unchanged, rows.parquet and unreadable.parquet.

    rows.parquet has row_id ("file:line"), source, and the union of all columns, as text, null where a source has
    no such column. unreadable.parquet has row_id, source, line, reason and the beginning of the text.

    Raises:
        WorkbenchError: a file that cannot be read, or none with a row.
    """
    folder.mkdir(parents=True, exist_ok=True)
    taken: set[str] = {ROWS, UNREADABLE}
    names = [_copy(path, folder, taken) for path in files]
    read = []
    for path in log.track(files, "files"):
        found = read_file(path, choices.limits, choices.encoding, choices.delimiter)
        _limit_rows(found, choices.max_rows, choices.seed)
        read.append(found)
    _name_columns(read, names, choices)
    rows = pl.concat([_frame(found, name) for found, name in zip(read, names, strict=True)], how="diagonal")
    bad = [
        (f"{name}:{line.line}", name, line.line, line.reason, line.text)
        for found, name in zip(read, names, strict=True)
        for line in found.unreadable
    ]
    if not rows.height:
        raise _no_rows(names, bad)
    write_table(rows, folder / ROWS)
    write_table(_unreadable_frame(bad), folder / UNREADABLE)
    frozen = choices.frozen_test.resolve() if choices.frozen_test else None
    return [
        _describe(found, name, folder / name, choices, path == frozen)
        for found, name, path in zip(read, names, files, strict=True)
    ]


def _name_columns(read: list[Found], names: list[str], choices: Choices) -> None:
    check_renames(choices.renames, read)
    for found, name in zip(read, names, strict=True):
        rename_columns(found, name, choices.renames)
    if choices.align:
        align_columns(read)


def _no_rows(names: list[str], bad: list[tuple]) -> WorkbenchError:
    return WorkbenchError(
        f"none of the {len(bad):,} lines in {', '.join(names)} could be read; the first, {bad[0][0]}, {bad[0][3]}",
        "at least one readable row",
        "check delimiter and encoding in 02_gather_data, and the export that made the file",
    )


def _copy(path: Path, folder: Path, taken: set[str]) -> str:
    """Copy a file under a plain name that no other source has."""
    stem, _, ending = path.name.partition(".")
    stem = re.sub(r"[^\w.-]+", "_", stem) or "file"
    ending = re.sub(r"[^\w.-]+", "_", ending)
    name, count = f"{stem}.{ending}", 2
    while name.lower() in taken:
        name, count = f"{stem}-{count}.{ending}", count + 1
    taken.add(name.lower())
    shutil.copyfile(path, folder / name)
    return name


def _limit_rows(found: Found, most: int, seed: int) -> None:
    """Keep a random sample in its order: the first rows of a sorted file would all have one label."""
    total = len(found.rows)
    if not most or total <= most:
        return
    keep = sorted(random.Random(seed).sample(range(total), most))
    found.rows = [found.rows[i] for i in keep]
    found.lines = [found.lines[i] for i in keep]
    found.notes.append(f"{most:,} of {total:,} rows were drawn at random (max_rows)")


def _frame(found: Found, name: str) -> pl.DataFrame:
    ids = [f"{name}:{line}" for line in found.lines]
    columns = zip(*found.rows, strict=True) if found.rows else [[] for _ in found.columns]
    values = dict(zip(found.columns, columns, strict=True))
    data = {"row_id": ids, "source": [name] * len(ids), **{key: list(cells) for key, cells in values.items()}}
    return pl.DataFrame(data, schema=dict.fromkeys(data, pl.String))


def _unreadable_frame(bad: list[tuple]) -> pl.DataFrame:
    schema = {
        "row_id": pl.String,
        "source": pl.String,
        "line": pl.Int64,
        "reason": pl.String,
        "text": pl.String,
    }
    return pl.DataFrame(bad, schema=schema, orient="row")


def _describe(found: Found, name: str, copy: Path, choices: Choices, frozen: bool) -> Source:
    return Source(
        name=name,
        format=found.format,
        encoding=found.encoding,
        delimiter=found.delimiter,
        rows=len(found.rows),
        unreadable=len(found.unreadable),
        columns=found.columns,
        bytes=copy.stat().st_size,
        sha256=sha256_file(copy),
        owner=choices.owner,
        licence=choices.licence,
        frozen_test=frozen,
        notes=found.notes,
    )
