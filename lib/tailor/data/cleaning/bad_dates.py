"""Dates that no row can have: unreadable ones, the 31st of February, and years far from all others."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Literal

import numpy as np
import polars as pl
from pydantic import field_validator

from tailor.blocks import Block, Table
from tailor.data.cleaning.doubt import Suspicion
from tailor.data.cleaning.operation import Columns, Outcome, rewrite
from tailor.data.cleaning.sieves import is_empty
from tailor.data.columns import NAMES, name_score
from tailor.data.dates import sortable
from tailor.settings import setting

_DEFAULTS = ("0001-01-01", "1899-12-30", "1900-01-01", "1970-01-01", "9999-12-31")
"""What programs write for "no date"."""
_SERIAL = r"^\s*\d{5}([.,]\d+)?\s*$"
_FIRST_DAY = date(1899, 12, 30)
_REACH = 3.0
"""Quartile distances beyond the quartiles: Tukey 1977, "far out"."""


class BadDates(Suspicion):
    """Find dates that cannot be. Numbers that a spreadsheet wrote for a date (45292) become the date."""

    name = "bad_dates"
    title = "Find impossible dates"
    relax = "set the action of bad_dates to 'empty' or 'mark'"
    scope = "table"
    acts_on = "names"

    action: Literal["mark", "empty", "drop"] = setting(
        "empty",
        "'empty' takes the date away and keeps the row; 'mark' says so in a column 'doubt'; 'drop' takes the row out.",
    )
    earliest: str = setting(
        "", "No date may lie before this one (2024-01-31). Empty: found from the other dates."
    )
    latest: str = setting("", "No date may lie after this one. Empty: found from the other dates.")

    @field_validator("earliest", "latest")
    @classmethod
    def _is_date(cls, value: str) -> str:
        return value and date.fromisoformat(value).isoformat()

    def chosen(self, columns: Columns) -> tuple[str, ...]:
        named = [
            n
            for n in columns.names
            if name_score(n, NAMES["time"]) and n not in (*columns.texts, *columns.labels)
        ]
        return tuple(self.columns or named)

    def survey(self, frame: pl.DataFrame, columns: Columns) -> pl.DataFrame:
        """column, cell, rows: every different cell, for whether 03/04 is March or April is told by the whole column."""
        parts = [
            frame.select(cell=name)
            .group_by("cell")
            .agg(rows=pl.len())
            .select(pl.lit(name).alias("column"), "cell", "rows")
            for name in self.chosen(columns)
        ]
        return (
            pl.concat(parts)
            if parts
            else pl.DataFrame(schema={"column": pl.String, "cell": pl.String, "rows": pl.UInt32})
        )

    def decide(self, surveys: Sequence[pl.DataFrame]) -> dict[str, dict[str, tuple[str, str]]]:
        """Column -> cell -> (what is wrong with it, what it becomes)."""
        counts = (
            pl.concat(list(surveys))
            .group_by("column", "cell")
            .agg(pl.col("rows").sum())
            .sort("column", "cell")
        )
        found = {}
        for (column,), part in counts.partition_by("column", as_dict=True, maintain_order=True).items():
            dates = sortable(part["cell"])
            # a column of something else ("time_zone", "date_format") is left alone
            if (
                part["rows"].filter(pl.Series([bool(text) for text in dates])).sum()
                > 0.5 * part["rows"].filter(~is_empty(part["cell"])).sum()
            ):
                found[column] = self._judge(
                    part["cell"], part["rows"].to_list(), [text[:10] for text in dates]
                )
        return found

    def _judge(self, cells: pl.Series, rows: list[int], dates: list[str]) -> dict[str, tuple[str, str]]:
        low, high = bounds(dates, rows)
        low, high = self.earliest or low, self.latest or high
        serial = cells.str.contains(_SERIAL).fill_null(False).to_list()
        judged = {}
        for cell, empty, number, day in zip(cells, is_empty(cells), serial, dates, strict=True):
            if empty:
                continue
            if number and low <= (written := _from_serial(cell)) <= high:
                judged[cell] = ("is a spreadsheet's number for a date", written)
            elif not day:
                judged[cell] = ("is no date", "")
            elif day in _DEFAULTS and not low <= day <= high:
                judged[cell] = ("is what programs write for 'no date'", "")
            elif not low <= day <= high:
                judged[cell] = (
                    f"lies {'before ' + low if day < low else 'after ' + high}, far from all others",
                    "",
                )
        return judged

    def apply(
        self, frame: pl.DataFrame, columns: Columns, decision: dict[str, dict[str, tuple[str, str]]]
    ) -> Outcome:
        reasons: dict[str, str] = {}
        mended = []
        for name, judged in decision.items():
            written = {cell: new for cell, (_, new) in judged.items() if new}
            wrong = {cell: why for cell, (why, new) in judged.items() if not new}
            if self.action == "empty":
                written |= dict.fromkeys(wrong)
            else:
                for row_id, cell in (
                    frame.filter(frame[name].is_in(list(wrong))).select("row_id", name).rows()
                ):
                    reasons.setdefault(row_id, f"'{name}' {wrong[cell]}: '{cell}'")
            mended.append(
                frame[name].replace(list(written), list(written.values())) if written else frame[name]
            )
        repaired = rewrite(frame, mended)
        if self.action == "empty":
            return repaired
        settled = self.settle(repaired.frame, reasons)
        return Outcome(settled.frame, settled.dropped, pl.concat([repaired.changes, settled.changes]))

    def columns_after(self, columns: Columns, decision: Any = None) -> Columns:
        return columns if self.action == "empty" else super().columns_after(columns, decision)

    def preview(self, frame: pl.DataFrame, columns: Columns) -> list[Block]:
        judged = self.decide([self.survey(frame, columns)])
        rows = [
            (name, cell, why, new) for name, cells in judged.items() for cell, (why, new) in cells.items()
        ]
        return [
            Table(
                ("column", "cell", "what is wrong", "becomes"),
                rows,
                f"{len(rows):,} different impossible dates",
            )
        ]


def bounds(dates: Sequence[str], rows: Sequence[int]) -> tuple[str, str]:
    """The first and last day (ISO) that is not far from all others: quartiles and three times their distance.

    At least a year is allowed on either side, so that a file of one week does not refuse the week after.
    """
    known = [
        (date.fromisoformat(day).toordinal(), count) for day, count in zip(dates, rows, strict=True) if day
    ]
    if not known:
        return "0001-01-01", "9999-12-31"
    days = np.repeat(*(np.array(part) for part in zip(*known, strict=True)))
    first, third = np.quantile(days, [0.25, 0.75])
    reach = max(_REACH * (third - first), 366)
    low, high = int(max(first - reach, 1)), int(min(third + reach, date.max.toordinal()))
    return date.fromordinal(low).isoformat(), date.fromordinal(high).isoformat()


def _from_serial(cell: str) -> str:
    return (_FIRST_DAY + timedelta(days=int(cell.strip()[:5]))).isoformat()
