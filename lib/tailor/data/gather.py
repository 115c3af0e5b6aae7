"""From sources as people have them to one table of text, with every source copied unchanged and described.

Everything passes through in pieces: each source is read into small files beside each other, then, once all columns are
known, these become row groups of rows.parquet. Memory holds a piece, whatever a source's size.
"""

import random
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from tailor.data.alignment import align_columns, check_renames, rename_columns
from tailor.data.readers import Limits, Options
from tailor.data.sources import find_sources
from tailor.data.spool import PARTS, ROWS, SCRATCH, UNREADABLE, ReadSource, filled, read_part, read_sources
from tailor.data.tables import TableWriter
from tailor.errors import WorkbenchError, did_you_mean
from tailor.files import sha256_tree
from tailor.progress import Log
from tailor.records import Source, SourceCard

__all__ = ["ROWS", "UNREADABLE", "Choices", "gather"]

_UNALIGNED = ("documents", "code")


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
    listing = find_sources(given, resolve, choices.limits, choices.options, folder / SCRATCH)
    read = read_sources(listing, folder, choices.limits, lambda source: _options(source, choices), log)
    if not sum(source.rows for source in read):
        raise _no_rows(read)
    given_columns = [list(source.columns) for source in read]
    _name_columns(read, choices)
    _write_rows(read, given_columns, folder, choices, log)
    cards = _cards(read, choices)
    described = [_describe(source, folder, cards[source.name], choices) for source in read]
    for scratch in (SCRATCH, PARTS):
        shutil.rmtree(folder / scratch, ignore_errors=True)
    return described, listing.left_out


def _no_rows(read: list[ReadSource]) -> WorkbenchError:
    bad = sum(source.unreadable for source in read)
    first = next((source.first_bad for source in read if source.first_bad), "")
    names = ", ".join(source.name for source in read[:20])
    return WorkbenchError(
        f"none of the {bad:,} lines in {names} could be read; the first, {first}",
        "at least one readable row",
        "check delimiter and encoding in 02_gather_data, and the export that made the file",
    )


# --- one table -----------------------------------------------------------------------------------------------------
def _name_columns(read: list[ReadSource], choices: Choices) -> None:
    check_renames(choices.renames, read)
    for source in read:
        rename_columns(source, source.name, choices.renames)
    if choices.align:
        align_columns([source for source in read if source.item.reader not in _UNALIGNED])


def _write_rows(
    read: list[ReadSource], given: list[list[str]], folder: Path, choices: Choices, log: Log
) -> None:
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
                frame = read_part(part)
                part.unlink()
                start, end = start + frame.height, start
                if keep is not None:
                    places = pl.Series([i - end for i in keep if end <= i < start], dtype=pl.UInt32)
                    frame = frame.select(pl.all().gather(places))
                frame = frame.rename(names, strict=False).with_columns(pl.lit(source.name).alias("source"))
                writer.write(filled(frame, ["row_id", "source", *columns]))
                done += frame.height
                log.progress(done, total, "rows written")
            writer.flush()


def _drawn(source: ReadSource, choices: Choices) -> list[int] | None:
    """Which rows are kept, None for all: a random sample, since the first of a sorted file would all have one label."""
    most, total = choices.max_rows, source.rows
    if not most or total <= most:
        return None
    source.rows = most
    source.notes.append(f"{most:,} of {total:,} rows were drawn at random (max_rows)")
    return sorted(random.Random(choices.seed).sample(range(total), most))


# --- descriptions --------------------------------------------------------------------------------------------------
def _card_for(source: ReadSource, cards: Sequence[SourceCard]) -> SourceCard | None:
    """The card that a person wrote for a source: by its name under raw/, its file's name, or as it was named."""
    names = (source.name, source.item.name, source.item.given, Path(source.item.given).name)
    return next((card for card in cards if card.source in names), None)


def _cards(read: list[ReadSource], choices: Choices) -> dict[str, SourceCard]:
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


def _options(source: ReadSource, choices: Choices) -> Options:
    """How one source is read: its card may name another encoding, delimiter or header than all have."""
    card = _card_for(source, choices.cards)
    own = {
        key: getattr(card, key) for key in ("encoding", "delimiter", "header") if card and getattr(card, key)
    }
    return Options(**{**vars(choices.options), **own})


def _describe(source: ReadSource, folder: Path, card: SourceCard, choices: Choices) -> Source:
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
