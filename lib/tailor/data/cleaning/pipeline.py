"""Run a history: on a table in memory, or on a file of any size, piece by piece, here or by an engine's workers."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import polars as pl

from tailor.data.cleaning.engines import EngineName, Map, one_by_one, open_engine
from tailor.data.cleaning.operation import Columns, Operation
from tailor.data.cleaning.passes import Entry, Loaded, Pass, Piece, PieceDone, file_of, load, run_pass
from tailor.data.cleaning.tally import Tally, nothing_left
from tailor.data.tables import count_bytes, read_pieces, write_pieces
from tailor.files import scratch_folder
from tailor.progress import Log
from tailor.records import Operation as Done

PIECE = 20_000
"""Rows of a piece."""
MOST_IN_MEMORY = 20_000_000
"""Bytes of a table above which its pieces lie on disk and every core works on them; below, starting takes longer."""


def clean(
    frame: pl.DataFrame,
    operations: Sequence[Operation],
    columns: Columns,
    log: Log,
    *,
    absent_columns: Literal["refuse", "skip"] = "refuse",
    rows_per_chunk: int = PIECE,
    aside: dict[int, Any] | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame, list[Done]]:
    """Apply a history to a table in memory.

    Args:
        frame: row_id, source and the data's columns, all text.
        operations: the history; entries that are off are recorded and do nothing.
        absent_columns: what becomes of an entry that names a column which is not there.
        rows_per_chunk: the rows that are worked on at a time; the result is the same.
        aside: filled with what entries keep outside the project (Operation.aside), by the entry's number.

    Returns:
        The rows that stay; the rows that went, with `operation`, `entry` (its number, from 1) and `reason`; what
        each entry did.

    Raises:
        WorkbenchError: an entry names a column that is not there, or nothing is left.
    """
    run = _Run(list(frame.iter_slices(rows_per_chunk)) or [frame], columns, one_by_one, log, absent_columns)
    done = run.all(operations)
    if aside is not None:
        aside |= run.aside
    kept = pl.concat(run.pieces)
    dropped = list(run.dropped)
    return kept, pl.concat(dropped, how="diagonal") if dropped else _none_dropped(kept), done


_MADE_BY = "02_gather_data"


@dataclass(frozen=True)
class Cleaned:
    """What a history made of a file."""

    rows_in: int
    rows_out: int
    operations: list[Done]


def clean_file(
    source: Path,
    operations: Sequence[Operation],
    columns: Columns,
    log: Log,
    *,
    kept: Path,
    dropped: Path,
    engine: EngineName = "here",
    workers: int | None = None,
    most_in_memory: int = MOST_IN_MEMORY,
    aside: dict[int, Any] | None = None,
) -> Cleaned:
    """Apply a history to a table that `tables` wrote, and write the rows that stay and those that went.

    All but small tables pass through Arrow files beside `kept`, three times the table's size at most, and memory
    holds a piece for each worker. Both files come out byte for byte the same, whichever way was taken.

    Raises:
        WorkbenchError: the file is damaged, an entry names a column that is not there, nothing is left, or the disk
            is full.
    """
    stored = engine != "here" or count_bytes(source, _MADE_BY) > most_in_memory
    with scratch_folder(kept) if stored else nullcontext() as folder:
        with open_engine(engine, workers) if stored else nullcontext(one_by_one) as spread:
            pieces: list[Piece] = []
            for place, frame in enumerate(read_pieces(source, _MADE_BY)):
                pieces += _first_pieces(frame, place, folder)
            run = _Run(pieces, columns, spread, log, folder=folder)
            del pieces
            done = run.all(operations)
        write_pieces(Loaded(run.pieces), kept)
        write_pieces(run.dropped, dropped, _none_dropped(load(run.pieces[0])))
    if aside is not None:
        aside |= run.aside
    return Cleaned(run.rows_in, run.rows_out, done)


def _first_pieces(frame: pl.DataFrame, place: int, folder: Path | None) -> list[Piece]:
    slices = list(frame.iter_slices(PIECE)) or [frame]
    if folder is None:
        return slices
    paths: list[Piece] = []
    for number, piece in enumerate(slices):
        paths.append(folder / f"rows-0-{place}-{number}.arrow")
        piece.write_ipc(paths[-1], compat_level=pl.CompatLevel.oldest())
    return paths


def _none_dropped(frame: pl.DataFrame) -> pl.DataFrame:
    own = {"operation": pl.String, "entry": pl.Int32, "reason": pl.String}
    return pl.DataFrame(schema={**frame.schema, **own})


class _Run:
    """A history on its way through the pieces of a table."""

    def __init__(
        self,
        pieces: list[Piece],
        columns: Columns,
        spread: Map,
        log: Log,
        absent: Literal["refuse", "skip"] = "refuse",
        folder: Path | None = None,
    ) -> None:
        self.pieces = pieces
        self.rows_in = self.rows_out = 0
        self._columns, self._protected = columns, frozenset()
        self._spread, self._log, self._absent, self._folder = spread, log, absent, folder
        self._dropped: dict[int, list[Piece]] = {}
        self._tallies: dict[int, Tally] = {}
        self._passes, self._finished = 1, 0
        self.aside: dict[int, Any] = {}

    def all(self, operations: Sequence[Operation]) -> list[Done]:
        """Apply the history: one pass up to each operation that must have seen the whole table, and a last one."""
        active = [Entry(number, o) for number, o in enumerate(operations, 1) if not o.off]
        self._passes += sum(entry.operation.scope == "table" for entry in active)
        waiting: list[Entry] = []
        for entry in active:
            if entry.operation.scope == "row":
                waiting.append(entry)
                continue
            results = self._pass(waiting, entry)
            waiting = []
            if entry.number not in results[0].left_out:
                surveys = Loaded([result.survey for result in results])
                decision = entry.operation.decide(surveys)
                waiting = [Entry(entry.number, entry.operation, decision)]
                if (aside := entry.operation.aside(decision)) is not None:
                    self.aside[entry.number] = aside
                _forget([result.survey for result in results])
        self._pass(waiting, None)
        given = frozenset().union(*(people.given for people in self.aside.values()))
        done = [
            self._tallies.get(number, Tally()).summary(operation, number, given)
            for number, operation in enumerate(operations, 1)
        ]
        if self.rows_in and not self.rows_out:
            raise nothing_left(self.rows_in, operations, done)
        return done

    @property
    def dropped(self) -> Loaded:
        """The rows that went: by entry, then in their order."""
        return Loaded([piece for number in sorted(self._dropped) for piece in self._dropped[number]])

    def _pass(self, entries: Sequence[Entry], following: Entry | None) -> list[PieceDone]:
        work = Pass(tuple(entries), following, self._columns, self._protected, self._absent, self._folder)
        results = []
        total = self._passes * len(self.pieces)
        for result in self._spread(partial(run_pass, work), self.pieces):
            results.append(result)
            self._finished += 1
            self._log.progress(self._finished, total, "pieces cleaned")
            place = len(results) - 1
            if file_of(result.kept) != file_of(self.pieces[place]):
                _forget([self.pieces[place]])
            self.pieces[place] = result.kept
            for number, tally in result.tallies.items():
                self._tallies.setdefault(number, Tally()).merge(tally)
            for number, gone in result.dropped.items():
                self._dropped.setdefault(number, []).append(gone)
        self.rows_out = sum(result.rows for result in results)
        if not self.rows_in:
            self.rows_in = self.rows_out + sum(tally.dropped for tally in self._tallies.values())
        self._columns, self._protected = results[0].columns, results[0].protected
        for note in results[0].notes:
            self._log.note(note)
        return results


def _forget(pieces: Sequence[object]) -> None:
    for piece in pieces:
        if path := file_of(piece):
            path.unlink()
