"""What the wrangling operations share: they work on the rows that facets choose, and may look at whole records."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import polars as pl

from tailor.data.cleaning.grel import Expression
from tailor.data.cleaning.operation import Columns, Operation
from tailor.data.cleaning.wrangling.facets import OWN_COLUMNS, Facet, choose_rows
from tailor.errors import WorkbenchError
from tailor.settings import setting


@dataclass(frozen=True)
class Seen:
    """What `decide` learned from all chunks.

    Attributes:
        offsets: the first row_id of each chunk -> how many rows come before it.
        rows: the row_ids chosen, where records decide; None where each row decides for itself.
        more: what the operation itself found out.
    """

    offsets: dict[str, int] = field(default_factory=dict)
    rows: frozenset[str] | None = None
    more: Any = None


class Faceted(Operation):
    """An operation on the rows that pass all its facets, in the columns it names and in no others."""

    where: list[Facet] = setting([], "Conditions that a row must meet, all of them. Empty: every row.")
    records: bool = setting(
        False,
        "Look at whole records, as OpenRefine's records mode does: rows whose first column is empty belong to the "
        "row above.",
        advanced=True,
    )
    numbers: list[str] = setting(
        [],
        "Columns in which a cell that reads as a number is one (OpenRefine's 'To number' was run on them).",
        advanced=True,
    )

    @property
    def scope(self) -> Literal["row", "table"]:  # type: ignore[override]
        """Records and row numbers cannot be told from one row alone."""
        return (
            "table"
            if self.records or not all(e.value_only or e.rowwise for e in self.expressions())
            else "row"
        )

    def expressions(self) -> list[Expression]:
        """Every expression in the settings."""
        return [
            Expression(facet.expression, self.title)
            for facet in self.where
            if facet.kind in ("values", "range")
        ]

    def chosen(self, columns: Columns) -> tuple[str, ...]:
        """The columns named; Tailor's own are never touched.

        Raises:
            WorkbenchError: row_id or source is among them.
        """
        return tuple(never_own(name, self.title) for name in self.columns)

    def named_columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([*self.columns, *(facet.column for facet in self.where if facet.column)]))

    def survey(self, frame: pl.DataFrame, columns: Columns) -> Any:
        """The chunk's first row and height, and what the facets look at where records decide."""
        first = frame["row_id"][0] if frame.height else None
        return first, frame.height, frame if self.records else None

    def decide(self, surveys: Sequence[Any]) -> Seen:
        offsets, count = {}, 0
        for first, height, _ in surveys:
            if height:
                offsets[first] = count
            count += height
        if not self.records:
            return Seen(offsets)
        whole = pl.concat([part for _, _, part in surveys])
        return Seen(offsets, frozenset(whole.filter(self._choose(whole))["row_id"]))

    def rows_of(self, frame: pl.DataFrame, seen: Seen | None) -> pl.Series:
        """Which rows of this chunk the operation works on."""
        if seen is not None and seen.rows is not None:
            return pl.Series([row_id in seen.rows for row_id in frame["row_id"]], dtype=pl.Boolean)
        return self._choose(frame, offset_of(frame, seen))

    def _choose(self, frame: pl.DataFrame, offset: int = 0) -> pl.Series:
        return choose_rows(frame, self.where, self.records, self.numbers, self.title, offset)


def offset_of(frame: pl.DataFrame, seen: Seen | None) -> int:
    """How many rows stand before this chunk."""
    return seen.offsets[frame["row_id"][0]] if seen is not None and frame.height else 0


def never_own(name: str, title: str) -> str:
    """The name, unless it is one of Tailor's own columns.

    Raises:
        WorkbenchError: it is.
    """
    if name in OWN_COLUMNS:
        raise WorkbenchError(
            f"{title} names the column '{name}', by which Tailor tells the rows apart",
            "a column of the data",
            "name another column",
        )
    return name
