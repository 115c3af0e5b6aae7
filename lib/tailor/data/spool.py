"""Sources on their way: copied unchanged, read piece by piece into part files, and what cannot be read set aside."""

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import polars as pl

from tailor.data.readers import Limits, Options, Piece, Stream
from tailor.data.sources import Item, Listing, open_item
from tailor.data.tables import TableWriter
from tailor.errors import WorkbenchError
from tailor.progress import Log

ROWS = "rows.parquet"
UNREADABLE = "unreadable.parquet"
SCRATCH, PARTS = ".unpacked", ".parts"
_UNREADABLE_SCHEMA = {
    "row_id": pl.String,
    "source": pl.String,
    "line": pl.Int64,
    "reason": pl.String,
    "text": pl.String,
}


@dataclass
class ReadSource:
    """A source that was read into part files.

    Attributes:
        name: what it is called in the table, and under raw/.
        columns: as read; renamed in place before the table is written.
        parts: Arrow files with `row_id` and the columns as read.
    """

    item: Item
    name: str
    columns: list[str]
    format: str = ""
    encoding: str | None = None
    delimiter: str | None = None
    notes: list[str] = field(default_factory=list)
    parts: list[Path] = field(default_factory=list)
    rows: int = 0
    unreadable: int = 0
    first_bad: str = ""


def read_sources(
    listing: Listing, folder: Path, limits: Limits, options_of: Callable[["ReadSource"], Options], log: Log
) -> list[ReadSource]:
    """Copy every source into `folder` and read it into part files; what cannot be read goes into unreadable.parquet.

    Args:
        options_of: how a source is read.

    Raises:
        WorkbenchError: a source that a person named cannot be read; one found in a folder is set aside.
    """
    taken = {ROWS, UNREADABLE}
    read = []
    with TableWriter(folder / UNREADABLE, _UNREADABLE_SCHEMA) as unreadable:
        for item in log.track(listing.items, "sources"):
            name = _free_name(item, taken)
            source = ReadSource(item, name, [])
            try:
                _read_one(source, folder, limits, options_of(source), unreadable, log)
            except WorkbenchError as error:
                if not item.inside:
                    raise
                source.rows, source.parts, source.columns = 0, [], []
                source.format = source.format or item.reader
                _set_aside(source, [(f"{name}:0", name, 0, error.found, "")], unreadable)
            read.append(source)
    return read


def _read_one(
    source: ReadSource, folder: Path, limits: Limits, options: Options, unreadable: TableWriter, log: Log
) -> None:
    item = source.item
    if item.is_file:
        _copy(item, folder / source.name, folder / SCRATCH)
        item = _as_copied(item, folder / source.name)
    stream = open_item(item, limits, options)
    parts = folder / PARTS / source.name
    parts.mkdir(parents=True)
    for frame, bad in _batches(stream, source):
        if bad:
            _set_aside(source, bad, unreadable)
        if frame.height:
            path = parts / f"{len(source.parts)}.arrow"
            frame.write_ipc(path, compression="lz4")
            source.parts.append(path)
            source.rows += frame.height
            log.progress(source.rows, None, f"rows of {source.name} read")
    source.columns = stream.columns
    source.format, source.encoding, source.delimiter = stream.format, stream.encoding, stream.delimiter
    source.notes = stream.notes
    if not source.item.is_file:
        _snapshot(source, folder / source.name)


def _batches(stream: Stream, source: ReadSource) -> Iterator[tuple[pl.DataFrame, list[tuple]]]:
    """The stream's pieces with their row ids, put together until one is worth a file."""
    waiting: list[pl.DataFrame] = []
    bad: list[tuple] = []
    size = 0
    for piece in stream.pieces:
        if piece.frame.height:
            waiting.append(piece.frame.insert_column(0, _row_ids(piece, source.name)))
            size += piece.frame.estimated_size()
        bad += [
            (_row_id(source.name, line.file, line.line), source.name, line.line, line.reason, line.text)
            for line in piece.unreadable
        ]
        if size > TableWriter.BYTES or len(bad) > TableWriter.ROWS:
            yield _join(waiting), bad
            waiting, bad, size = [], [], 0
    yield _join(waiting), bad


def _join(frames: list[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(frames, how="diagonal") if frames else pl.DataFrame()


def _row_id(name: str, file: str, line: int) -> str:
    return f"{name}/{file}:{line}" if file else f"{name}:{line}"


def _row_ids(piece: Piece, name: str) -> pl.Series:
    if piece.files is not None:
        ids = [_row_id(name, file, line) for file, line in zip(piece.files, piece.lines, strict=True)]
        return pl.Series("row_id", ids, dtype=pl.String)
    return (name + ":" + piece.lines.cast(pl.String)).alias("row_id")


def _set_aside(source: ReadSource, bad: list[tuple], unreadable: TableWriter) -> None:
    source.unreadable += len(bad)
    source.first_bad = source.first_bad or f"{bad[0][0]}, {bad[0][3]}"
    unreadable.write(pl.DataFrame(bad, schema=_UNREADABLE_SCHEMA, orient="row"))


# --- copies --------------------------------------------------------------------------------------------------------
def _free_name(item: Item, taken: set[str]) -> str:
    """A plain name that no other source has."""
    if item.is_file and not item.is_folder:
        stem, _, ending = item.name.partition(".")
    else:
        stem, ending = item.name, "" if item.is_file else "parquet"
    stem = re.sub(r"[^\w.-]+", "_", stem).lstrip(".") or "file"
    ending = re.sub(r"[^\w.-]+", "_", ending)
    ending = f".{ending}" if ending else ""
    name, count = f"{stem}{ending}", 2
    while name.lower() in taken:
        name, count = f"{stem}-{count}{ending}", count + 1
    taken.add(name.lower())
    return name


def _copy(item: Item, target: Path, scratch: Path) -> None:
    """Copy a source's files; what was unpacked for us is moved."""
    for path, inside in item.files:
        to = target / inside if inside else target
        to.parent.mkdir(parents=True, exist_ok=True)
        if path.is_relative_to(scratch):
            shutil.move(path, to)
        else:
            shutil.copyfile(path, to)


def _as_copied(item: Item, target: Path) -> Item:
    """The source as it stands under raw/: what is described is what was read, whatever happens to the original."""
    files = tuple((target / inside if inside else target, inside) for _, inside in item.files)
    return Item(item.given, item.name, item.reader, files, item.inside)


def _snapshot(source: ReadSource, path: Path) -> None:
    """Keep what a database or the hub gave: asked again, they may say something else."""
    with TableWriter(path, dict.fromkeys(source.columns, pl.String)) as writer:
        for part in source.parts:
            writer.write(filled(read_part(part), source.columns))


def read_part(part: Path) -> pl.DataFrame:
    """A part file's rows, with their row ids, in memory."""
    return pl.read_ipc(BytesIO(part.read_bytes()))


def filled(frame: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """The frame with exactly these columns, those it lacks holding nothing."""
    missing = [name for name in columns if name not in frame.columns]
    return frame.with_columns(pl.lit(None, pl.String).alias(name) for name in missing).select(columns)
