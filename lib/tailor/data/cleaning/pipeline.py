"""Run operations in order, keeping every dropped row with its operation and reason."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from zlib import crc32

import polars as pl

from tailor.data.cleaning.operation import REASON, Columns, Operation, Outcome
from tailor.data.cleaning.privacy import mask
from tailor.errors import WorkbenchError, did_you_mean
from tailor.progress import Log
from tailor.records import Operation as Done

EXAMPLES = 20
_SHOWN = 300
"""Characters of a cell that an example in the record shows."""


def clean(
    frame: pl.DataFrame,
    operations: Sequence[Operation],
    columns: Columns,
    log: Log,
    *,
    absent_columns: Literal["refuse", "skip"] = "refuse",
    rows_per_chunk: int | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame, list[Done]]:
    """Apply a history to a table in memory.

    Args:
        frame: row_id, source and the data's columns, all text.
        operations: the history; entries that are off are recorded and do nothing.
        absent_columns: what becomes of an entry that names a column which is not there.
        rows_per_chunk: work in pieces, as a table larger than memory has to; the result is the same.

    Returns:
        The rows that stay; the rows that went, with `operation`, `entry` (its number, from 1) and `reason`; what
        each entry did.

    Raises:
        WorkbenchError: an entry names a column that is not there, or nothing is left.
    """
    total = frame.height
    chunks = [frame] if rows_per_chunk is None else list(frame.iter_slices(rows_per_chunk))
    dropped: list[pl.DataFrame] = []
    done: list[Done] = []
    protected: set[str] = set()
    for number, operation in enumerate(log.track(operations, "cleaning operations"), 1):
        tally = Tally()
        if not operation.off and has_its_columns(operation, number, frame.columns, absent_columns, log):
            decision = decide(operation, chunks, columns)
            outcomes = [apply_to(operation, chunk, columns, decision, protected) for chunk in chunks]
            chunks = [outcome.frame for outcome in outcomes]
            dropped += [with_reason(outcome, operation, number) for outcome in outcomes]
            for outcome in outcomes:
                tally.add(outcome)
            columns = operation.columns_after(columns, decision)
            protected |= set(operation.protects())
            if outcomes[0].note:
                log.note(f"{operation.title}: {outcomes[0].note}.")
        done.append(tally.summary(operation, number))
        frame = pl.concat(chunks)
    if total and not frame.height:
        raise nothing_left(total, operations, done)
    return frame, pl.concat(dropped or [_none_dropped(frame)], how="diagonal"), done


def decide(operation: Operation, chunks: Sequence[pl.DataFrame], columns: Columns) -> Any:
    """What a table operation does on all chunks; None for a row operation."""
    if operation.scope == "row":
        return None
    return operation.decide([operation.survey(chunk, columns) for chunk in chunks])


def apply_to(
    operation: Operation, chunk: pl.DataFrame, columns: Columns, decision: Any, protected: set[str]
) -> Outcome:
    """Apply an operation to one chunk; rows that are protected stay where they were."""
    outcome = operation.apply(chunk, columns, decision)
    back = outcome.dropped["row_id"].is_in(list(protected)) if protected else pl.Series([False])
    if not back.any():
        return outcome
    stay = pl.concat([outcome.frame, outcome.dropped.filter(back).select(outcome.frame.columns)])
    places = chunk.select("row_id").with_row_index("cleaning:place")
    stay = stay.join(places, on="row_id", how="left").sort("cleaning:place").drop("cleaning:place")
    return Outcome(stay, outcome.dropped.filter(~back), outcome.changes, outcome.note)


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


def _none_dropped(frame: pl.DataFrame) -> pl.DataFrame:
    own = {"operation": pl.String, "entry": pl.Int32, "reason": pl.String}
    return pl.DataFrame(schema={**frame.schema, **own})


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


@dataclass
class Tally:
    """What an entry did, added up over chunks. Which examples are kept depends on the rows alone, not on the chunks."""

    changed: int = 0
    dropped: int = 0
    _changes: list[tuple] = field(default_factory=list)
    _reasons: list[tuple] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        self.changed += outcome.changes["row_id"].n_unique()
        self.dropped += outcome.dropped.height
        self._changes = _sample(self._changes, outcome.changes.select("row_id", "before", "after"))
        self._reasons = _sample(self._reasons, outcome.dropped.select("row_id", REASON))

    def merge(self, later: "Tally") -> None:
        """Add the tally of the chunks that follow."""
        self.changed += later.changed
        self.dropped += later.dropped
        self._changes = _fewest(self._changes + later._changes)
        self._reasons = _fewest(self._reasons + later._reasons)

    def summary(self, operation: Operation, number: int) -> Done:
        """Counts and a few examples; personal data is masked also in what stood there before."""
        examples = [
            (row_id, *_around_change(mask(before or ""), mask(after or "")))
            for _, row_id, _, before, after in _in_file_order(self._changes)
        ] or [(row_id, "", mask(reason)) for _, row_id, _, reason in _in_file_order(self._reasons)]
        return Done(
            name=operation.name,
            number=number,
            off=operation.off,
            changed=self.changed,
            dropped=self.dropped,
            examples=examples,
        )


def _sample(kept: list[tuple], rows: pl.DataFrame) -> list[tuple]:
    """The examples kept so far and new ones, at most EXAMPLES: those whose row ids have the lowest checksums.

    That picks rows from all over the table, and the same ones however it was cut. Each is (checksum, row_id, place
    among the chunk's changes, ...).
    """
    if not rows.height:
        return kept
    marks = pl.Series("mark", [crc32(row_id.encode()) for row_id in rows["row_id"]], dtype=pl.UInt32)
    numbered = rows.with_row_index("place").with_columns(marks)
    lowest = numbered.bottom_k(EXAMPLES, by=["mark", "place"])
    return _fewest(
        [*kept, *lowest.select("mark", "row_id", "place", pl.exclude("mark", "row_id", "place")).rows()]
    )


def _fewest(rows: list[tuple]) -> list[tuple]:
    return sorted(rows, key=lambda row: row[:3])[:EXAMPLES]


def _in_file_order(rows: list[tuple]) -> list[tuple]:
    """By file, then line ("a.csv:9" before "a.csv:10"), then column."""

    def order(row: tuple) -> tuple:
        file, _, line = row[1].rpartition(":")
        return file, int(line) if line.isdecimal() else 0, line, row[2]

    return sorted(rows, key=order)


def _around_change(before: str, after: str) -> tuple[str, str]:
    """Both texts cut to the stretch around their first difference."""
    start = next((i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), 0)
    start = max(0, min(start, max(len(before), len(after)) - 1) - 60)

    def cut(text: str) -> str:
        piece = text[start : start + _SHOWN]
        return ("..." if start else "") + piece + ("..." if start + _SHOWN < len(text) else "")

    return cut(before), cut(after)


def nothing_left(total: int, operations: Sequence[Operation], done: Sequence[Done]) -> WorkbenchError:
    """The error of a history that drops every row: who took how many, and what to change in the worst."""
    takers = sorted((item for item in done if item.dropped), key=lambda item: -item.dropped)
    counts = ", ".join(f"{item.name} took {item.dropped:,}" for item in takers)
    worst = operations[takers[0].number - 1]
    fix = worst.relax or f"switch {worst.name} off"
    return WorkbenchError(f"all {total:,} rows were dropped: {counts}", "at least one row that stays", fix)
