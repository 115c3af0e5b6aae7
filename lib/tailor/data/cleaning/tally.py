"""What an entry of the history did: counts and a few examples, the same however the table was cut."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from zlib import crc32

import polars as pl

from tailor.data.cleaning.operation import REASON, Operation, Outcome
from tailor.data.cleaning.privacy import mask
from tailor.errors import WorkbenchError
from tailor.records import Operation as Done

EXAMPLES = 20
_SHOWN = 300
"""Characters of a cell that an example in the record shows."""


@dataclass
class Tally:
    """What an entry did, added up over chunks. Which examples are kept depends on the rows alone, not on the chunks."""

    changed: int = 0
    dropped: int = 0
    found: dict[str, dict[str, int]] = field(default_factory=dict)
    _changes: list[tuple] = field(default_factory=list)
    _reasons: list[tuple] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        self.changed += outcome.changes["row_id"].n_unique()
        self.dropped += outcome.dropped.height
        self._count(outcome.found)
        self._changes = _sample(self._changes, outcome.changes.select("row_id", "before", "after"))
        self._reasons = _sample(self._reasons, outcome.dropped.select("row_id", REASON))

    def merge(self, later: "Tally") -> None:
        """Add the tally of the chunks that follow."""
        self.changed += later.changed
        self.dropped += later.dropped
        self._count(later.found)
        self._changes = _fewest(self._changes + later._changes)
        self._reasons = _fewest(self._reasons + later._reasons)

    def _count(self, found: Mapping[str, Mapping[str, int]]) -> None:
        for column, kinds in found.items():
            here = self.found.setdefault(column, {})
            for kind, count in kinds.items():
                here[kind] = here.get(kind, 0) + count

    def summary(self, operation: Operation, number: int, given: frozenset[str] = frozenset()) -> Done:
        """Counts and a few examples; personal data is masked also in what stood there before.

        Args:
            given: first names that the data has shown to be some.
        """
        hide = partial(mask, given=given)
        examples = [
            (row_id, *_around_change(hide(before or ""), hide(after or "")))
            for _, row_id, _, before, after in _in_file_order(self._changes)
        ] or [(row_id, "", hide(reason)) for _, row_id, _, reason in _in_file_order(self._reasons)]
        return Done(
            name=operation.name,
            number=number,
            off=operation.off,
            changed=self.changed,
            dropped=self.dropped,
            found=self.found,
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
