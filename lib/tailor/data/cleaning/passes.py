"""One pass over one piece of a table: apply some entries of the history, then look what the next one needs to know.

A pass is the unit of work that engines hand to their workers, so all that goes in and out can be pickled. Pieces and
what comes of them are held in memory, or lie as Arrow files in a folder that every worker sees.
"""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from tailor.data.cleaning.operation import REASON, Columns, Operation, Outcome
from tailor.data.cleaning.tally import Tally
from tailor.data.tables import read_mapped
from tailor.errors import WorkbenchError, did_you_mean
from tailor.progress import Log


@dataclass(frozen=True)
class Sieved:
    """The rows at some places (uint32) of a file: what is left where rows were dropped and nothing else was done."""

    path: Path
    places: np.ndarray


Piece = pl.DataFrame | Path | Sieved
"""Rows of a table, or the file they lie in."""


@dataclass(frozen=True)
class Entry:
    """An entry of the history whose turn has come, with its number (from 1) and what it decided."""

    number: int
    operation: Operation
    decision: Any = None


@dataclass(frozen=True)
class Pass:
    """What is done to every piece.

    Attributes:
        entries: applied one after the other.
        next: the table operation whose survey is taken then, or None.
        columns: what is known of the columns before.
        protected: ids of rows that no entry drops.
        absent: what becomes of an entry that names a column which is not there.
        folder: where pieces are written; None to hold them in memory.
    """

    entries: tuple[Entry, ...]
    next: Entry | None
    columns: Columns
    protected: frozenset[str] = frozenset()
    absent: Literal["refuse", "skip"] = "refuse"
    folder: Path | None = None


@dataclass
class PieceDone:
    """What came of one piece. All but `kept`, `dropped`, `tallies` and `survey` are the same for every piece.

    Attributes:
        dropped: entry's number -> the rows it dropped, as dropped.parquet keeps them.
        left_out: numbers of the entries whose columns were not there.
        rows: how many stay.
        changed: something else was done than dropping rows.
    """

    kept: Piece
    columns: Columns
    protected: frozenset[str]
    rows: int = 0
    changed: bool = False
    dropped: dict[int, Piece] = field(default_factory=dict)
    tallies: dict[int, Tally] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    left_out: list[int] = field(default_factory=list)
    survey: Any = None


class _Notes(Log):
    def __init__(self, notes: list[str]) -> None:
        self.note = notes.append  # type: ignore[method-assign]


def run_pass(work: Pass, place: int, piece: Piece) -> PieceDone:
    """Do a pass over the piece that has a place (from 0) in the table.

    Raises:
        WorkbenchError: an entry names a column that is not there.
    """
    before = frame = load(piece)
    done = PieceDone(piece, work.columns, work.protected)
    for entry in work.entries:
        frame = _apply(entry, frame, done, work, place)
    if work.next and _is_possible(work.next, frame, done, work):
        survey = work.next.operation.survey(frame, done.columns)
        done.survey = _store(survey, work, f"survey-{work.next.number}-{place}")
    if done.changed:
        done.kept = _store(frame, work, f"rows-{work.entries[0].number}-{place}")
    elif frame.height < before.height:
        done.kept = _sieved(piece, before, frame)
    done.rows = frame.height
    return done


def _apply(entry: Entry, frame: pl.DataFrame, done: PieceDone, work: Pass, place: int) -> pl.DataFrame:
    operation = entry.operation
    if not _is_possible(entry, frame, done, work):
        return frame
    outcome = apply_to(operation, frame, done.columns, entry.decision, done.protected)
    done.changed |= not outcome.only_dropped
    done.tallies[entry.number] = tally = Tally()
    tally.add(outcome)
    if outcome.dropped.height:
        gone = with_reason(outcome, operation, entry.number)
        done.dropped[entry.number] = _store(gone, work, f"dropped-{entry.number}-{place}")
    if outcome.note:
        done.notes.append(f"{operation.title}: {outcome.note}.")
    done.columns = operation.columns_after(done.columns, entry.decision)
    done.protected |= frozenset(operation.protects())
    return outcome.frame


def _is_possible(entry: Entry, frame: pl.DataFrame, done: PieceDone, work: Pass) -> bool:
    possible = has_its_columns(entry.operation, entry.number, frame.columns, work.absent, _Notes(done.notes))
    if not possible:
        done.left_out.append(entry.number)
    return possible


# --- pieces on disk ------------------------------------------------------------------------------------------------
def _store(value: Any, work: Pass, name: str) -> Any:
    """Write a table as an Arrow file; anything else is small and travels as it is."""
    if work.folder is None or not isinstance(value, pl.DataFrame):
        return value
    path = work.folder / f"{name}.arrow"
    # the older layout holds each text once, whatever it was cut from
    value.write_ipc(path, compat_level=pl.CompatLevel.oldest())
    return path


def _sieved(piece: Piece, before: pl.DataFrame, after: pl.DataFrame) -> Piece:
    """What is left of a piece; of one in a file only the places, since to write it anew takes longer than the sieve."""
    if isinstance(piece, pl.DataFrame):
        return after
    places = pl.arg_where(before["row_id"].is_in(after["row_id"].implode()), eager=True).to_numpy()
    if isinstance(piece, Sieved):
        return Sieved(piece.path, piece.places[places])
    return Sieved(piece, places)


def file_of(piece: object) -> Path | None:
    """The file that a piece lies in; None for what lies in memory."""
    return piece.path if isinstance(piece, Sieved) else piece if isinstance(piece, Path) else None


def load(piece: Piece, names: Sequence[str] | None = None) -> pl.DataFrame:
    """A piece's rows, or some columns of them; of a file only these are read."""
    if isinstance(piece, pl.DataFrame):
        return piece if names is None else piece.select(names)
    if isinstance(piece, Sieved):
        return read_mapped(piece.path, names)[piece.places]
    return read_mapped(piece, names)


class Loaded(Sequence):
    """Pieces, each loaded when it is asked for and let go when it is no longer looked at."""

    def __init__(self, pieces: Sequence[Any], names: Sequence[str] | None = None) -> None:
        self._pieces, self._names = pieces, names

    def __len__(self) -> int:
        return len(self._pieces)

    def __getitem__(self, place: int) -> Any:
        piece = self._pieces[place]
        return load(piece, self._names) if isinstance(piece, Path | Sieved | pl.DataFrame) else piece

    def __iter__(self) -> Iterator[Any]:
        return (self[place] for place in range(len(self)))

    @property
    def folder(self) -> Path | None:
        """Where the pieces lie; None where they are held in memory."""
        first = self._pieces[0]
        return first.parent if isinstance(first, Path) else None

    def select(self, names: Sequence[str]) -> "Loaded":
        """The same with some columns only."""
        return Loaded(self._pieces, names)


# --- one entry -----------------------------------------------------------------------------------------------------
def apply_to(
    operation: Operation, chunk: pl.DataFrame, columns: Columns, decision: Any, protected: Set[str]
) -> Outcome:
    """Apply an operation to one chunk; rows that are protected stay where they were."""
    outcome = operation.apply(chunk, columns, decision)
    back = outcome.dropped["row_id"].is_in(list(protected)) if protected else pl.Series([False])
    if not back.any():
        return outcome
    stay = pl.concat([outcome.frame, outcome.dropped.filter(back).select(outcome.frame.columns)])
    places = chunk.select("row_id").with_row_index("cleaning:place")
    stay = stay.join(places, on="row_id", how="left").sort("cleaning:place").drop("cleaning:place")
    return replace(outcome, frame=stay, dropped=outcome.dropped.filter(~back))


def has_its_columns(operation: Operation, number: int, present: Sequence[str], absent: str, log: Log) -> bool:
    """Whether every column that an entry names is there at its turn.

    Raises:
        WorkbenchError: one is not, and absent columns are refused.
    """
    missing = [name for name in operation.named_columns() if name not in present]
    if not missing:
        return True
    if absent == "refuse":
        names = [name for name in present if name not in ("row_id", "source")]
        raise WorkbenchError(
            f"entry {number} ({operation.name}) names the column '{missing[0]}', and there is no such column then",
            f"one of: {', '.join(names)}",
            f"correct the column's name in that entry.{did_you_mean(missing[0], names)}",
        )
    log.note(f"{operation.title} was left out: there is no column '{missing[0]}'.")
    return False


def with_reason(outcome: Outcome, operation: Operation, number: int) -> pl.DataFrame:
    """The rows an entry dropped as dropped.parquet keeps them. A data column of one of these names makes way."""
    own = ("operation", "entry", "reason")
    taken = {name: f"{name}_in_data" for name in outcome.dropped.columns if name in own}
    return outcome.dropped.rename(taken).select(
        pl.exclude(REASON),
        pl.lit(operation.name).alias("operation"),
        pl.lit(number, pl.Int32).alias("entry"),
        pl.col(REASON).alias("reason"),
    )
