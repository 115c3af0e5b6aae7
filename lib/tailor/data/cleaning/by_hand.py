"""What a person does with single rows: keep them whatever the operations say."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from tailor.data.cleaning.operation import CHANGES, Columns, Operation, Outcome, no_rows
from tailor.settings import setting


class KeepRows(Operation):
    """Keep rows that later operations would drop."""

    name = "keep_rows"
    title = "Keep rows by hand"
    names_rows = True

    rows: list[str] = setting(
        [],
        "Ids of rows (the row_id in dropped.parquet) that no later operation drops: this brings them back.",
    )

    def in_words(self) -> str:
        return name_rows(self.rows)

    def protects(self) -> tuple[str, ...]:
        return tuple(self.rows)

    def apply(self, frame: pl.DataFrame, columns: Columns, decision: Any = None) -> Outcome:
        return Outcome(frame, no_rows(frame), pl.DataFrame(schema=CHANGES))


def name_rows(rows: Sequence[str]) -> str:
    """The first few of some rows, and how many there are."""
    more = f" and {len(rows) - 3:,} more" if len(rows) > 3 else ""
    return ", ".join(rows[:3]) + more
