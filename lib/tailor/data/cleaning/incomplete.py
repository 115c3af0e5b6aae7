"""Rows with gaps: filled with a value, from another row about the same thing, or by a rule. (Dropped: `sieves`.)"""

from collections.abc import Sequence
from typing import Any

import polars as pl
from pydantic import field_validator

from tailor.blocks import Block, Table
from tailor.data.cleaning.operation import Columns, Operation, Outcome, Repair, rewrite
from tailor.data.cleaning.sieves import is_empty
from tailor.settings import setting

_KEY = "cleaning:key"


class FillEmpty(Repair):
    """Write one value into every empty cell."""

    name = "fill_empty"
    title = "Fill empty cells with a value"
    warning = "A value that nobody wrote is learned like any other: fill texts only with what may stand in an answer."
    acts_on = "required"

    value: str = setting("unknown", "What is written into empty cells.", min_length=1)

    def repair(self, cells: pl.Series, columns: Columns, decision: Any = None) -> pl.Series:
        return cells.set(is_empty(cells), self.value)

    def preview(self, frame: pl.DataFrame, columns: Columns) -> list[Block]:
        counts = [(name, int(is_empty(frame[name]).sum())) for name in self.chosen(columns)]
        return [Table(("column", "empty cells"), counts, f"Empty cells in {frame.height:,} rows")]


class FillFromSiblings(Operation):
    """Fill a gap from other rows with the same key: the address of a customer whose other tickets have it.

    With `correct`, a cell that differs from what nearly all its siblings say is written as theirs: a slip of the
    keyboard in one of twenty rows about the same house.
    """

    name = "fill_from_siblings"
    title = "Fill gaps from rows with the same key"
    scope = "table"
    acts_on = "names"

    key: list[str] = setting([], "The columns that together tell what a row is about, such as customer_id.")
    agreement: float = setting(
        0.8,
        "Fill only where at least this share of the rows with the same key say the same.",
        unit="share of rows",
        gt=0.5,
        le=1,
    )
    correct: bool = setting(
        False, "Also write over a cell that differs, where at least three siblings agree to that share."
    )

    def chosen(self, columns: Columns) -> tuple[str, ...]:
        return (
            tuple(name for name in (self.columns or columns.names) if name not in self.key)
            if self.key
            else ()
        )

    def named_columns(self) -> tuple[str, ...]:
        return (*self.key, *self.columns)

    def survey(self, frame: pl.DataFrame, columns: Columns) -> pl.DataFrame:
        """column, key, value, rows."""
        keyed = self._keyed(frame)
        parts = [
            keyed.select(_KEY, value=name)
            .filter(keyed[_KEY].is_not_null() & ~is_empty(keyed[name]))
            .group_by(_KEY, "value")
            .agg(rows=pl.len())
            .select(pl.lit(name).alias("column"), _KEY, "value", "rows")
            for name in self.chosen(columns)
        ]
        schema = {"column": pl.String, _KEY: pl.String, "value": pl.String, "rows": pl.UInt32}
        return pl.concat(parts) if parts else pl.DataFrame(schema=schema)

    def decide(self, surveys: Sequence[pl.DataFrame]) -> pl.DataFrame:
        """column, key, value: what most siblings say, where enough of them do; support: how many say it."""
        counts = pl.concat(list(surveys)).group_by("column", _KEY, "value").agg(pl.col("rows").sum())
        total = pl.col("rows").sum().over("column", _KEY)
        agreed = counts.with_columns(share=pl.col("rows") / total).filter(pl.col("share") >= self.agreement)
        return agreed.select("column", _KEY, said="value", support="rows").sort("column", _KEY)

    def apply(self, frame: pl.DataFrame, columns: Columns, decision: pl.DataFrame) -> Outcome:
        keyed = self._keyed(frame)
        mended = []
        for name in self.chosen(columns):
            known = decision.filter(pl.col("column") == name).drop("column")
            found = keyed.select(_KEY, name).join(known, on=_KEY, how="left", maintain_order="left")
            wanted = is_empty(frame[name])
            if self.correct:
                wanted |= (found["support"].fill_null(0) >= 3) & (frame[name] != found["said"]).fill_null(
                    False
                )
            change = wanted & found["said"].is_not_null()
            mended.append(
                pl.select(pl.when(change).then(found["said"]).otherwise(frame[name])).to_series().alias(name)
            )
        return rewrite(frame, mended)

    def _keyed(self, frame: pl.DataFrame) -> pl.DataFrame:
        """With the key in lower case; null where a part of it is empty."""
        if not self.key:
            return frame.with_columns(pl.lit(None, pl.String).alias(_KEY))
        gap = pl.any_horizontal(is_empty(frame[name]) for name in self.key)
        parts = [pl.col(name).fill_null("").str.strip_chars().str.to_lowercase() for name in self.key]
        return frame.with_columns(
            pl.when(gap).then(None).otherwise(pl.concat_str(parts, separator="\x1f")).alias(_KEY)
        )


class CompleteByRule(Operation):
    """Write a value where another column matches: "product contains 'card' -> department is 'Cards'"."""

    name = "complete_by_rule"
    title = "Complete by a rule"

    when_column: str = setting("", "The column that is looked at.")
    pattern: str = setting(
        "", "A regular expression that it has to match somewhere; '(?i)' at its start ignores case."
    )
    then_column: str = setting("", "The column that is written.")
    value: str = setting("", "What is written.")
    only_empty: bool = setting(True, "Leave cells that hold something as they are.")

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            pl.Series([""]).str.contains(pattern)
        except pl.exceptions.ComputeError as error:
            raise ValueError(f"not a regular expression ({str(error).splitlines()[-1].strip()})") from None
        return pattern

    def named_columns(self) -> tuple[str, ...]:
        return tuple(name for name in (self.when_column, self.then_column) if name)

    def apply(self, frame: pl.DataFrame, columns: Columns, decision: Any = None) -> Outcome:
        if not (self.pattern and self.when_column and self.then_column):
            return rewrite(frame, [])
        old = frame[self.then_column]
        wanted = frame[self.when_column].str.contains(self.pattern).fill_null(False)
        if self.only_empty:
            wanted &= is_empty(old)
        return rewrite(frame, [old.set(wanted, self.value)])
