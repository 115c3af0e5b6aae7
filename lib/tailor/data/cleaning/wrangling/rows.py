"""Edits of rows: removing those that facets choose or a person names, and one row for several values."""

from collections.abc import Sequence
from typing import Any, Literal

import polars as pl

from tailor.data.cleaning.by_hand import name_rows
from tailor.data.cleaning.grel.functions import plain_split, regex_split
from tailor.data.cleaning.limited_regex import LimitedPattern
from tailor.data.cleaning.operation import REASON, Columns, Operation, Outcome, drop, no_rows, rewrite
from tailor.data.cleaning.wrangling.faceted import Faceted, Seen, never_own
from tailor.data.cleaning.wrangling.facets import OWN_COLUMNS
from tailor.settings import setting


class RemoveRows(Faceted):
    """Drop the rows that the facets choose; without facets nothing goes."""

    name = "remove_rows"
    title = "Remove matching rows"
    relax = "narrow the operation's facets, or switch it off"

    reason: str = setting("", "Why these rows go; found out from the facets where it is empty.")
    all_rows: bool = setting(False, "Drop every row where there is no facet.", advanced=True)

    def apply(self, frame: pl.DataFrame, columns: Columns, decision: Seen | None = None) -> Outcome:
        if not self.where and not self.all_rows:
            return drop(frame, {})
        gone = frame.filter(self.rows_of(frame, decision))["row_id"]
        return drop(frame, dict.fromkeys(gone, self.reason or self._why()))

    def _why(self) -> str:
        return ", ".join(facet.in_words() for facet in self.where) or "every row was chosen"

    def in_words(self) -> str:
        return self.reason or self._why()


class DropRows(Operation):
    """Drop rows by hand."""

    name = "drop_rows"
    title = "Drop rows by hand"
    relax = "take rows off the operation's list, or switch it off"
    names_rows = True

    rows: list[str] = setting([], "Ids of the rows to drop.")
    reason: str = setting("dropped by hand", "Why they go.")

    def in_words(self) -> str:
        return name_rows(self.rows)

    def apply(self, frame: pl.DataFrame, columns: Columns, decision: Any = None) -> Outcome:
        here = frame["row_id"].is_in(self.rows)
        return drop(frame, dict.fromkeys(frame["row_id"].filter(here), self.reason))


class _ByRecord(Operation):
    """What moves values between the rows of a record: decided once, over the whole table."""

    key_column: str = setting("", "A filled cell here begins a record. Empty: the first column.")

    @property
    def scope(self) -> Literal["row", "table"]:  # type: ignore[override]
        return "table"

    def named_columns(self) -> tuple[str, ...]:
        names = [*self.columns[:1], *([self.key_column] if self.key_column else [])]
        return tuple(never_own(name, self.title) for name in names)

    def survey(self, frame: pl.DataFrame, columns: Columns) -> pl.DataFrame:
        key = self.key_column or next(name for name in frame.columns if name not in OWN_COLUMNS)
        return frame.select(
            "row_id", key=pl.col(key).fill_null(""), cell=pl.col(self.columns[0]).fill_null("")
        )


class SplitIntoRows(_ByRecord):
    """One row for each of the values in a cell: the first stays, the others go into rows of the same record below."""

    name = "split_into_rows"
    title = "Split cells into rows"

    separator: str = setting(",", "What parts the values.")
    regex: bool = setting(False, "The separator is a regular expression.")
    lengths: list[int] = setting([], "Cut into pieces of so many characters instead.")

    def decide(self, surveys: Sequence[pl.DataFrame]) -> dict[str, tuple[str, list[str]]]:
        """row_id -> its new cell, and the values for rows to be added below it."""
        rows = pl.concat(surveys).rows()
        plan: dict[str, tuple[str, list[str]]] = {}
        place = 0
        while place < len(rows):
            row_id, _, cell = rows[place]
            values = self._values(cell) if cell else []
            place += 1
            if len(values) < 2:
                continue
            plan[row_id] = (values[0], [])
            last = row_id
            for number, value in enumerate(values[1:], 1):
                # an empty cell of the same record takes a value; after the first that is not, rows are added
                if place < len(rows) and not rows[place][2] and not rows[place][1] and not plan[last][1]:
                    last = rows[place][0]
                    plan[last] = (value, [])
                    place += 1
                else:
                    plan[last][1].extend(values[number:])
                    break
        return plan

    def _values(self, cell: str) -> list[str]:
        if self.lengths:
            starts = [sum(self.lengths[:i]) for i in range(len(self.lengths))]
            return [cell[start : start + length] for start, length in zip(starts, self.lengths, strict=True)]
        if self.regex:
            return regex_split(LimitedPattern(self.separator, self.title, java=True), cell)
        return plain_split(cell, self.separator, keep_empty=True)

    def apply(self, frame: pl.DataFrame, columns: Columns, decision: Any = None) -> Outcome:
        plan, column = decision or {}, self.columns[0]
        cells = [
            plan[i][0] if i in plan else cell for i, cell in zip(frame["row_id"], frame[column], strict=True)
        ]
        outcome = rewrite(frame, [pl.Series(column, cells, dtype=pl.String)])
        rows, added = [], 0
        for row in outcome.frame.iter_rows(named=True):
            rows.append(row)
            for number, value in enumerate(plan.get(row["row_id"], ("", []))[1], 1):
                new = {"row_id": f"{row['row_id']}+{number}", "source": row["source"], column: value}
                rows.append({name: new.get(name) for name in frame.columns})
                added += 1
        whole = pl.DataFrame(rows, schema=frame.schema) if added else outcome.frame
        return Outcome(whole, outcome.dropped, outcome.changes)


class JoinRows(_ByRecord):
    """Bring the values of a record's rows together in its first row; rows that are empty then go."""

    name = "join_rows"
    title = "Join values of a record"

    separator: str = setting(", ", "What to write between the values.")

    def decide(self, surveys: Sequence[pl.DataFrame]) -> dict[str, str | None]:
        """row_id -> its new cell, for the rows of records with several rows."""
        plan: dict[str, str | None] = {}
        record: list[tuple[str, str]] = []
        begun = False
        for row_id, key, cell in [*pl.concat(surveys).rows(), ("", "end", "")]:
            if key:
                if begun and len(record) > 1:
                    plan[record[0][0]] = self.separator.join(value for _, value in record if value)
                    plan.update({other: None for other, _ in record[1:]})
                record, begun = [], True
            record.append((row_id, cell))
        return plan

    def apply(self, frame: pl.DataFrame, columns: Columns, decision: Any = None) -> Outcome:
        plan, column = decision or {}, self.columns[0]
        cells = [plan.get(i, cell) for i, cell in zip(frame["row_id"], frame[column], strict=True)]
        outcome = rewrite(frame, [pl.Series(column, cells, dtype=pl.String)])
        data = [name for name in frame.columns if name not in OWN_COLUMNS]
        touched = outcome.frame["row_id"].is_in([i for i, cell in plan.items() if cell is None])
        empty = (
            outcome.frame.select(pl.all_horizontal(pl.col(data).fill_null("") == "")).to_series() & touched
        )
        # kept as it was before, with the value that went into the record's first row
        gone = frame.filter(empty).with_columns(pl.lit("its value was joined to the row above").alias(REASON))
        dropped = gone if gone.height else no_rows(frame)
        return Outcome(outcome.frame.filter(~empty), dropped, outcome.changes)
