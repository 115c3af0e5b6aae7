"""From sources as people have them to one table of text, with every source copied unchanged and described.

Everything passes through in pieces: each source is read into small files beside each other, then, once all columns are
known, these become row groups of rows.parquet. Memory holds a piece, whatever a source's size.
"""

import random
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import polars as pl

from tailor.data.alignment import align_columns, check_renames, rename_columns
from tailor.data.readers import Limits, Options, Piece, Stream
from tailor.data.sources import Item, Listing, find_sources, open_item
from tailor.data.tables import TableWriter
from tailor.errors import WorkbenchError, did_you_mean
from tailor.files import sha256_tree
from tailor.progress import Log
from tailor.records import Source, SourceCard

ROWS = "rows.parquet"
UNREADABLE = "unreadable.parquet"
_SCRATCH, _PARTS = ".unpacked", ".parts"
_UNALIGNED = ("documents", "code")
_UNREADABLE_SCHEMA = {
    "row_id": pl.String,
    "source": pl.String,
    "line": pl.Int64,
    "reason": pl.String,
    "text": pl.String,
}


@dataclass(frozen=True)
class Choices:
    """How sources are read and what is said about them.

    Attributes:
        card: what holds for every source.
        cards: what differs for one of them, found by `source`.
        frozen_test: the source, as named, whose rows are the test set.
    """

    card: SourceCard = field(default_factory=SourceCard)
    cards: Sequence[SourceCard] = ()
    options: Options = field(default_factory=Options)
    limits: Limits = field(default_factory=Limits)
    max_rows: int = 0
    seed: int = 0
    frozen_test: str = ""
    align: bool = True
    renames: Mapping[str, str] = field(default_factory=dict)


@dataclass
class _Read:
    """A source that was read into part files.

    Attributes:
        renamed: column as read -> column in the table.
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


def gather(
    given: Sequence[str], resolve: Callable[[str], Path], folder: Path, choices: Choices, log: Log
) -> tuple[list[Source], list[str]]:
    """Read every source and write `folder`: copies, rows.parquet and unreadable.parquet.

    rows.parquet has row_id ("source:line"), source, and the union of all columns, as text, null where a source has
    no such column; a row group holds rows of one source. unreadable.parquet has row_id, source, line, reason and the
    beginning of the text.

    Args:
        given: sources as a person names them (`tailor.data.sources`).
        resolve: finds a path.

    Returns:
        A description of each source, and a sentence for each file that was left out.

    Raises:
        WorkbenchError: a source that a person named cannot be read, or none has a row.
    """
    folder.mkdir(parents=True, exist_ok=True)
    listing = find_sources(given, resolve, choices.limits, choices.options, folder / _SCRATCH)
    read = _read_all(listing, folder, choices, log)
    if not sum(source.rows for source in read):
        raise _no_rows(read)
    given_columns = [list(source.columns) for source in read]
    _name_columns(read, choices)
    _write_rows(read, given_columns, folder, choices, log)
    cards = _cards(read, choices)
    described = [_describe(source, folder, cards[source.name], choices) for source in read]
    for scratch in (_SCRATCH, _PARTS):
        shutil.rmtree(folder / scratch, ignore_errors=True)
    return described, listing.left_out


# --- reading -------------------------------------------------------------------------------------------------------
def _read_all(listing: Listing, folder: Path, choices: Choices, log: Log) -> list[_Read]:
    taken = {ROWS, UNREADABLE}
    read = []
    with TableWriter(folder / UNREADABLE, _UNREADABLE_SCHEMA) as unreadable:
        for item in log.track(listing.items, "sources"):
            name = _free_name(item, taken)
            source = _Read(item, name, [])
            try:
                _read_one(source, folder, choices, unreadable, log)
            except WorkbenchError as error:
                if not item.inside:
                    raise
                source.rows, source.parts, source.columns = 0, [], []
                source.format = source.format or item.reader
                _set_aside(source, [(f"{name}:0", name, 0, error.found, "")], unreadable)
            read.append(source)
    return read


def _read_one(source: _Read, folder: Path, choices: Choices, unreadable: TableWriter, log: Log) -> None:
    item = source.item
    if item.is_file:
        _copy(item, folder / source.name, folder / _SCRATCH)
        item = _as_copied(item, folder / source.name)
    stream = open_item(item, choices.limits, _options(source, choices))
    parts = folder / _PARTS / source.name
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


def _batches(stream: Stream, source: _Read) -> Iterator[tuple[pl.DataFrame, list[tuple]]]:
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


def _set_aside(source: _Read, bad: list[tuple], unreadable: TableWriter) -> None:
    source.unreadable += len(bad)
    source.first_bad = source.first_bad or f"{bad[0][0]}, {bad[0][3]}"
    unreadable.write(pl.DataFrame(bad, schema=_UNREADABLE_SCHEMA, orient="row"))


def _no_rows(read: list[_Read]) -> WorkbenchError:
    bad = sum(source.unreadable for source in read)
    first = next((source.first_bad for source in read if source.first_bad), "")
    names = ", ".join(source.name for source in read[:20])
    return WorkbenchError(
        f"none of the {bad:,} lines in {names} could be read; the first, {first}",
        "at least one readable row",
        "check delimiter and encoding in 02_gather_data, and the export that made the file",
    )


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


def _snapshot(source: _Read, path: Path) -> None:
    """Keep what a database or the hub gave: asked again, they may say something else."""
    with TableWriter(path, dict.fromkeys(source.columns, pl.String)) as writer:
        for part in source.parts:
            writer.write(_filled(pl.read_ipc(BytesIO(part.read_bytes())), source.columns))


# --- one table -----------------------------------------------------------------------------------------------------
def _name_columns(read: list[_Read], choices: Choices) -> None:
    check_renames(choices.renames, read)
    for source in read:
        rename_columns(source, source.name, choices.renames)
    if choices.align:
        align_columns([source for source in read if source.item.reader not in _UNALIGNED])


def _write_rows(read: list[_Read], given: list[list[str]], folder: Path, choices: Choices, log: Log) -> None:
    columns = list(dict.fromkeys(name for source in read for name in source.columns))
    if len(columns) > choices.limits.columns:
        raise WorkbenchError(
            f"the sources together have {len(columns):,} different columns",
            f"at most {choices.limits.columns:,} columns",
            "gather fewer sources at once, or raise 02_gather_data.max_columns",
        )
    total, done = sum(source.rows for source in read), 0
    with TableWriter(folder / ROWS, dict.fromkeys(["row_id", "source", *columns], pl.String)) as writer:
        for source, old in zip(read, given, strict=True):
            names = dict(zip(old, source.columns, strict=True))
            keep = _drawn(source, choices)
            start = 0
            for part in source.parts:
                frame = pl.read_ipc(BytesIO(part.read_bytes()))
                part.unlink()
                start, end = start + frame.height, start
                if keep is not None:
                    places = pl.Series([i - end for i in keep if end <= i < start], dtype=pl.UInt32)
                    frame = frame.select(pl.all().gather(places))
                frame = frame.rename(names, strict=False).with_columns(pl.lit(source.name).alias("source"))
                writer.write(_filled(frame, ["row_id", "source", *columns]))
                done += frame.height
                log.progress(done, total, "rows written")
            writer.flush()


def _filled(frame: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    missing = [name for name in columns if name not in frame.columns]
    return frame.with_columns(pl.lit(None, pl.String).alias(name) for name in missing).select(columns)


def _drawn(source: _Read, choices: Choices) -> list[int] | None:
    """Which rows are kept, None for all: a random sample, since the first of a sorted file would all have one label."""
    most, total = choices.max_rows, source.rows
    if not most or total <= most:
        return None
    source.rows = most
    source.notes.append(f"{most:,} of {total:,} rows were drawn at random (max_rows)")
    return sorted(random.Random(choices.seed).sample(range(total), most))


# --- descriptions --------------------------------------------------------------------------------------------------
def _card_for(source: _Read, cards: Sequence[SourceCard]) -> SourceCard | None:
    """The card that a person wrote for a source: by its name under raw/, its file's name, or as it was named."""
    names = (source.name, source.item.name, source.item.given, Path(source.item.given).name)
    return next((card for card in cards if card.source in names), None)


def _cards(read: list[_Read], choices: Choices) -> dict[str, SourceCard]:
    """Each source's card: what is said for all, with what is said for it alone laid over it.

    Raises:
        WorkbenchError: a card for a source that is not there.
    """
    chosen = {source.name: _card_for(source, choices.cards) for source in read}
    used = [card for card in chosen.values() if card]
    names = [source.name for source in read]
    for card in choices.cards:
        if card not in used:
            raise WorkbenchError(
                f"02_gather_data.cards describes '{card.source}', and no source is called so",
                f"one of: {', '.join(names[:40])}",
                f"correct the card's 'source'.{did_you_mean(card.source, names)}",
            )
    return {
        name: choices.card.model_copy(update=(card or SourceCard()).model_dump())
        for name, card in chosen.items()
    }


def _options(source: _Read, choices: Choices) -> Options:
    """How one source is read: its card may name another encoding, delimiter or header than all have."""
    card = _card_for(source, choices.cards)
    own = {
        key: getattr(card, key) for key in ("encoding", "delimiter", "header") if card and getattr(card, key)
    }
    return Options(**{**vars(choices.options), **own})


def _describe(source: _Read, folder: Path, card: SourceCard, choices: Choices) -> Source:
    copy = folder / source.name
    files = [path for path in copy.rglob("*") if path.is_file()] if copy.is_dir() else [copy]
    return Source(
        name=source.name,
        given=source.item.given,
        format=source.format,
        encoding=source.encoding,
        delimiter=source.delimiter,
        rows=source.rows,
        unreadable=source.unreadable,
        columns=source.columns,
        files=len(files),
        bytes=sum(path.stat().st_size for path in files),
        sha256=sha256_tree(copy),
        origin=card.origin,
        owner=card.owner,
        licence=card.licence,
        consent=card.consent,
        frozen_test=bool(choices.frozen_test) and source.item.given == choices.frozen_test,
        notes=source.notes,
    )
