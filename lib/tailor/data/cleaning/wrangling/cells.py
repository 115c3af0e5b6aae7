"""Edits of cells: a value for a value, an expression, filling down, blanking down, and single cells by hand."""

from collections.abc import Sequence
from typing import Any, Literal

import polars as pl

from tailor.data.cleaning.grel import (
    EvalError,
    Expression,
    Scope,
    is_filled,
    parse_number,
    stored,
    text_of,
)
from tailor.data.cleaning.grel.table import results
from tailor.data.cleaning.operation import Columns, Operation, Outcome, rewrite
from tailor.data.cleaning.wrangling.faceted import Faceted, Seen, never_own, offset_of
from tailor.data.cleaning.wrangling.facets import record_numbers
from tailor.settings import Settings, setting


class Edit(Settings):
    """Old values of a cell, and the one to write instead."""

    old: list[str] = setting([], "The values to replace.")
    blank: bool = setting(False, "Also empty cells.")
    error: bool = setting(False, "Also cells whose expression gives an error.")
    new: str = setting("", "What to write.")


class MassEdit(Faceted):
    """Write one value for another wherever it stands in a column: what clustering and "edit all" do."""

    name = "mass_edit"
    title = "Replace values"

    edits: list[Edit] = setting(
        [], "Which values become which; where two entries name a value, the later one counts."
    )
    expression: str = setting(
        "value", "What is looked up in place of the cell itself, in GREL.", advanced=True
    )

    def in_words(self) -> str:
        edits = [
            f"{', '.join(repr(old) for old in [*edit.old, *([''] if edit.blank else [])])} → {edit.new!r}"
            for edit in self.edits
        ]
        return "; ".join([*self.columns, *edits, *(f"where {facet.in_words()}" for facet in self.where)])

    def expressions(self) -> list[Expression]:
        return [*super().expressions(), Expression(self.expression, self.title)]

    def apply(self, frame: pl.DataFrame, columns: Columns, decision: Seen | None = None) -> Outcome:
        rows = self.rows_of(frame, decision)
        table = {old: edit.new for edit in self.edits for old in edit.old if old}
        blank = [edit.new for edit in self.edits if edit.blank or edit.old == [""]]
        error = [edit.new for edit in self.edits if edit.error]

        def look_up(found: Any, cell: str | None) -> str | None:
            if isinstance(found, EvalError):
                return error[-1] if error else cell
            if is_filled(found):
                return table.get(text_of(found), cell)
            return blank[-1] if blank else cell

        edited = []
        for name in self.chosen(columns):
            if self.expression == "value" and name not in self.numbers:
                new = frame[name].replace(table) if table else frame[name]
                if blank:
                    empty = frame[name].fill_null("") == ""
                    new = pl.select(pl.when(empty).then(pl.lit(blank[-1])).otherwise(new)).to_series()
            else:
                found = results(
                    frame,
                    name,
                    Expression(self.expression, self.title),
                    self.numbers,
                    offset_of(frame, decision),
                )
                new = pl.Series(map(look_up, found, frame[name]), dtype=pl.String)
            edited.append(where_chosen(rows, new, frame[name]))
        return rewrite(frame, edited)


class TransformText(Faceted):
    """Work out every cell of a column anew, by an expression in OpenRefine's language GREL."""

    name = "transform_text"
    title = "Transform cells"

    expression: str = setting("value", "For example value.trim() or value.replace('-', ' ').")
    on_error: Literal["keep", "blank"] = setting(
        "keep", "What becomes of a cell for which the expression gives an error: it is kept, or made empty."
    )
    repeat: int = setting(
        0,
        "Run it again on its own result, at most so often, until nothing changes.",
        ge=0,
        le=1_000,
        advanced=True,
    )

    def expressions(self) -> list[Expression]:
        return [*super().expressions(), Expression(self.expression, self.title)]

    def apply(self, frame: pl.DataFrame, columns: Columns, decision: Seen | None = None) -> Outcome:
        rows = self.rows_of(frame, decision)
        expression = Expression(self.expression, self.title)
        edited = []
        for name in self.chosen(columns):
            found = results(frame, name, expression, self.numbers, offset_of(frame, decision))
            if self.repeat:
                found = self._repeated(frame, name, expression, found)
            typed = name in self.numbers
            cells = [self._text(value, cell, typed) for value, cell in zip(found, frame[name], strict=True)]
            edited.append(where_chosen(rows, pl.Series(cells, dtype=pl.String), frame[name]))
        return rewrite(frame, edited)

    def _text(self, found: Any, cell: str | None, typed: bool) -> str | None:
        value = stored(found)
        if isinstance(value, EvalError):
            return cell if self.on_error == "keep" else None
        if typed and cell and not isinstance(value, (str, bool)) and value == parse_number(cell):
            return cell  # the number itself, written as it was
        return None if value is None else text_of(value)

    def _repeated(
        self, frame: pl.DataFrame, column: str, expression: Expression, found: list[Any]
    ) -> list[Any]:
        """OpenRefine stops repeating at the first error or equal value, and keeps what it had."""
        again = []
        for place, value in enumerate(found):
            cells = {} if expression.value_only else frame.row(place, named=True)
            for _ in range(self.repeat):
                value = stored(value)
                if isinstance(value, EvalError) or value is None:
                    break
                following = stored(expression(Scope(value, {**cells, column: value}, place, column)))
                if isinstance(following, EvalError) or (type(following), following) == (type(value), value):
                    break
                value = following
            again.append(value)
        return again


def where_chosen(rows: pl.Series, new: pl.Series, old: pl.Series) -> pl.Series:
    """The new cells in the rows that were chosen, the old ones elsewhere."""
    chosen = new if rows.all() else pl.select(pl.when(rows).then(new).otherwise(old)).to_series()
    return chosen.alias(old.name)


class _Downward(Faceted):
    """What looks at the row above: decided once, over the whole table."""

    @property
    def scope(self) -> Literal["row", "table"]:  # type: ignore[override]
        return "table"

    def survey(self, frame: pl.DataFrame, columns: Columns) -> Any:
        facets = {facet.column for facet in self.where if facet.column}
        simple = not self.records and all(expression.value_only for expression in self.expressions())
        kept = (
            [name for name in frame.columns if name in {"row_id", *self.columns, *facets}]
            if simple
            else frame.columns
        )
        return frame.select(kept)

    def decide(self, surveys: Sequence[pl.DataFrame]) -> dict[str, dict[str, str | None]]:
        """Column -> row_id -> the new cell, for the cells that change."""
        whole = pl.concat(surveys)
        rows = self._choose(whole)
        record = record_numbers(whole) if self.records else pl.Series([0] * whole.height)
        table = {}
        for column in self.columns:
            visited = zip(whole["row_id"], whole[column], record, rows, strict=True)
            table[column] = self.changed([(i, cell, r) for i, cell, r, chosen in visited if chosen])
        return table

    def changed(self, cells: list[tuple[str, str | None, int]]) -> dict[str, str | None]:
        """row_id -> the new cell, from (row_id, cell, record) of the chosen rows in order."""
        raise NotImplementedError

    def apply(
        self, frame: pl.DataFrame, columns: Columns, decision: dict[str, dict[str, str | None]] | None = None
    ) -> Outcome:
        edited = []
        for column in self.chosen(columns):
            table = (decision or {})[column]
            cells = [
                table.get(row_id, cell) for row_id, cell in zip(frame["row_id"], frame[column], strict=True)
            ]
            edited.append(pl.Series(column, cells, dtype=pl.String))
        return rewrite(frame, edited)


class FillDown(_Downward):
    """Give empty cells the value of the nearest filled cell above; in records mode only within the record."""

    name = "fill_down"
    title = "Fill down"

    def changed(self, cells: list[tuple[str, str | None, int]]) -> dict[str, str | None]:
        table: dict[str, str | None] = {}
        above, at = None, None
        for row_id, cell, record in cells:
            if record != at:
                above, at = None, record
            if cell:
                above = cell
            elif above is not None:
                table[row_id] = above
        return table


class BlankDown(_Downward):
    """Empty a cell that says the same as the chosen row above it; in records mode only within the record."""

    name = "blank_down"
    title = "Blank down"

    def changed(self, cells: list[tuple[str, str | None, int]]) -> dict[str, str | None]:
        table: dict[str, str | None] = {}
        above, at = None, None
        for row_id, cell, record in cells:
            if record != at:
                above, at = None, record
            if cell and cell == above:
                table[row_id] = None
            above = cell or None
        return table


class CellEdit(Settings):
    """One cell written by hand."""

    row_id: str = setting("", "The row.")
    column: str = setting("", "The column.")
    value: str | None = setting(None, "What to write; nothing empties the cell.")


class EditCells(Operation):
    """Write single cells by hand."""

    name = "edit_cells"
    title = "Edit cells by hand"
    names_rows = True

    cells: list[CellEdit] = setting(
        [], "The cells and what to write in them; the last word on a cell counts."
    )

    def in_words(self) -> str:
        told = [f"{cell.column} of {cell.row_id}: {cell.value or ''!r}" for cell in self.cells[:2]]
        more = [f"{len(self.cells) - 2:,} more"] if len(self.cells) > 2 else []
        return "; ".join([*told, *more])

    def chosen(self, columns: Columns) -> tuple[str, ...]:
        return self.named_columns()

    def named_columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(never_own(cell.column, self.title) for cell in self.cells))

    def apply(self, frame: pl.DataFrame, columns: Columns, decision: Any = None) -> Outcome:
        edited = []
        for column in self.named_columns():
            table = {cell.row_id: cell.value for cell in self.cells if cell.column == column}
            new = [table.get(row_id, old) for row_id, old in zip(frame["row_id"], frame[column], strict=True)]
            edited.append(pl.Series(column, new, dtype=pl.String))
        return rewrite(frame, edited)
