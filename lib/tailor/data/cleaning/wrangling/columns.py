"""Edits of columns: their names, order and number. Tailor's own, row_id and source, stay first and untouched."""

from collections.abc import Sequence
from typing import Any, Literal

import polars as pl

from tailor.data.cleaning.grel import EvalError, Expression, parse_number, stored, text_of
from tailor.data.cleaning.grel.functions import plain_split, regex_split
from tailor.data.cleaning.grel.table import results
from tailor.data.cleaning.limited_regex import LimitedPattern
from tailor.data.cleaning.operation import CHANGES, Columns, Operation, Outcome, no_rows
from tailor.data.cleaning.wrangling.faceted import Faceted, Seen, never_own, offset_of
from tailor.data.cleaning.wrangling.facets import OWN_COLUMNS
from tailor.errors import WorkbenchError
from tailor.settings import setting


def _reshaped(frame: pl.DataFrame, note: str) -> Outcome:
    return Outcome(frame, no_rows(frame), pl.DataFrame(schema=CHANGES), note)


def _data_columns(frame: pl.DataFrame) -> list[str]:
    return [name for name in frame.columns if name not in OWN_COLUMNS]


def _in_order(frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    return frame.select([*(name for name in frame.columns if name in OWN_COLUMNS), *names])


class RenameColumns(Operation):
    """Give columns other names."""

    name = "rename_columns"
    title = "Rename columns"

    names: dict[str, str] = setting({}, "Old name: new name.")

    def named_columns(self) -> tuple[str, ...]:
        return tuple(never_own(name, self.title) for name in self.names)

    def apply(self, frame: pl.DataFrame, columns: Columns, decision: Any = None) -> Outcome:
        for name in self.names.values():
            if not name.strip() or (name in frame.columns and name not in self.names):
                raise WorkbenchError(
                    f"{self.title} would name a column '{name}', "
                    + ("and there is one of that name" if name.strip() else "which is no name"),
                    "a name that no other column has",
                    "choose another name",
                )
        note = ", ".join(f"'{old}' is now '{new}'" for old, new in self.names.items())
        return _reshaped(frame.rename({old: new.strip() for old, new in self.names.items()}), note)

    def columns_after(self, columns: Columns, decision: Any = None) -> Columns:
        return columns.renamed({old: new.strip() for old, new in self.names.items()})


class RemoveColumns(Operation):
    """Leave columns out. The raw file keeps them."""

    name = "remove_columns"
    title = "Remove columns"

    def named_columns(self) -> tuple[str, ...]:
        return tuple(never_own(name, self.title) for name in self.columns)

    def apply(self, frame: pl.DataFrame, columns: Columns, decision: Any = None) -> Outcome:
        return _reshaped(
            frame.drop(self.named_columns()), f"without {', '.join(self.columns)}" if self.columns else ""
        )

    def columns_after(self, columns: Columns, decision: Any = None) -> Columns:
        return columns.without(self.columns)


class MoveColumns(Operation):
    """Put columns at another place."""

    name = "move_columns"
    title = "Move columns"

    place: int = setting(
        1, "Where the first of them shall stand, counted from 1; -1 is the last place.", ge=-1
    )

    def named_columns(self) -> tuple[str, ...]:
        return tuple(never_own(name, self.title) for name in self.columns)

    def apply(self, frame: pl.DataFrame, columns: Columns, decision: Any = None) -> Outcome:
        rest = [name for name in _data_columns(frame) if name not in self.columns]
        place = len(rest) if self.place < 1 else min(len(rest), self.place - 1)
        return _reshaped(_in_order(frame, [*rest[:place], *self.columns, *rest[place:]]), "")


class ReorderColumns(Operation):
    """Put the columns in this order; columns that are not named go, as in OpenRefine."""

    name = "reorder_columns"
    title = "Reorder columns"

    def named_columns(self) -> tuple[str, ...]:
        return tuple(never_own(name, self.title) for name in self.columns)

    def apply(self, frame: pl.DataFrame, columns: Columns, decision: Any = None) -> Outcome:
        return _reshaped(_in_order(frame, self.columns) if self.columns else frame, "")

    def columns_after(self, columns: Columns, decision: Any = None) -> Columns:
        gone = [name for name in columns.names if name not in self.columns]
        return columns.without(gone) if self.columns else columns


class SplitColumn(Faceted):
    """Split the cells of a column into new columns beside it, named "City 1", "City 2" and so on."""

    name = "split_column"
    title = "Split a column"

    separator: str = setting(",", "What parts the pieces.")
    regex: bool = setting(False, "The separator is a regular expression.")
    lengths: list[int] = setting([], "Cut into pieces of so many characters instead.")
    most: int = setting(0, "At most so many pieces, the last with the rest; 0: no limit.", ge=0)
    keep_original: bool = setting(False, "Keep the column that is split.")
    guess_numbers: bool = setting(
        False, "Write pieces that read as numbers as numbers: '007' becomes '7'.", advanced=True
    )

    @property
    def scope(self) -> Literal["row", "table"]:  # type: ignore[override]
        return "table"

    def survey(self, frame: pl.DataFrame, columns: Columns) -> Any:
        first, height, _ = super().survey(frame, columns)
        widths = None if self.records else self._widths(frame, self._choose(frame))
        return first, height, frame if self.records else None, widths, frame.columns

    def decide(self, surveys: Sequence[Any]) -> Seen:
        seen = super().decide([survey[:3] for survey in surveys])
        if self.records:
            whole = pl.concat([survey[2] for survey in surveys])
            widths = self._widths(whole, self.rows_of(whole, Seen(rows=seen.rows)))
        else:
            widths = {name: max(survey[3][name] for survey in surveys) for name in self.columns}
        return Seen(seen.offsets, seen.rows, _new_names(widths, surveys[0][-1]))

    def _widths(self, frame: pl.DataFrame, rows: pl.Series) -> dict[str, int]:
        return {
            name: max((len(self.pieces(cell)) for cell in frame[name].filter(rows) if cell), default=0)
            for name in self.columns
        }

    def pieces(self, cell: str) -> list[str]:
        """The pieces of one cell, as OpenRefine splits it."""
        if self.lengths:
            found, start = [], 0
            for length in self.lengths:
                found.append(cell[start : start + max(0, length)])
                start += max(0, length)
        elif self.regex:
            found = regex_split(LimitedPattern(self.separator, self.title, java=True), cell, self.most)
        elif self.separator:
            found = cell.split(self.separator, self.most - 1 if self.most else -1)
        else:
            found = plain_split(cell, "", keep_empty=True)
        return [_as_number(piece) for piece in found] if self.guess_numbers else found

    def apply(self, frame: pl.DataFrame, columns: Columns, decision: Seen | None = None) -> Outcome:
        rows = self.rows_of(frame, decision)
        order = _data_columns(frame)
        for name in self.chosen(columns):
            made = decision.more[name] if decision else []
            split = [
                self.pieces(cell) if chosen and cell else []
                for cell, chosen in zip(frame[name], rows, strict=True)
            ]
            new = [
                pl.Series(new_name, [cell[i] if i < len(cell) else None for cell in split], dtype=pl.String)
                for i, new_name in enumerate(made)
            ]
            place = order.index(name)
            order[place + 1 : place + 1] = made
            if not self.keep_original:
                order.remove(name)
            frame = frame.with_columns(new)
        return _reshaped(_in_order(frame, order), "")

    def columns_after(self, columns: Columns, decision: Seen | None = None) -> Columns:
        for name in self.columns:
            columns = columns.with_new(decision.more[name] if decision else [], name)
        return columns if self.keep_original else columns.without(self.columns)


def _new_names(widths: dict[str, int], present: Sequence[str]) -> dict[str, list[str]]:
    """ "City 1", "City 2" ...: numbers of names that are taken are passed over."""
    taken, made = set(present), {}
    for name, width in widths.items():
        free = (f"{name} {n}" for n in range(1, width + len(taken) + 1) if f"{name} {n}" not in taken)
        made[name] = [new for new, _ in zip(free, range(width), strict=False)]
        taken.update(made[name])
    return made


def _as_number(piece: str) -> str:
    number = parse_number(piece)
    finite = number is not None and text_of(float(number)) not in ("NaN", "Infinity", "-Infinity")
    return text_of(number) if finite else piece


class AddColumn(Faceted):
    """A new column, worked out from another one by an expression in GREL."""

    name = "add_column"
    title = "Add a column"

    new_name: str = setting("", "The new column's name.")
    expression: str = setting("value", "For example value.length() or cells['City'].value + ', ' + value.")
    place: int = setting(
        0, "Where it shall stand, counted from 1; 0: right of the column it is made from.", ge=0
    )
    on_error: Literal["blank", "copy"] = setting(
        "blank", "Where the expression gives an error: an empty cell, or a copy of the original one."
    )

    def expressions(self) -> list[Expression]:
        return [*super().expressions(), Expression(self.expression, self.title)]

    def apply(self, frame: pl.DataFrame, columns: Columns, decision: Seen | None = None) -> Outcome:
        if not self.new_name.strip() or self.new_name in frame.columns:
            raise WorkbenchError(
                f"{self.title} would make a column '{self.new_name}', "
                + ("and there is one" if self.new_name.strip() else "which is no name"),
                "a name that no column has",
                "choose another name",
            )
        base = self.chosen(columns)[0] if self.columns else ""
        rows = self.rows_of(frame, decision)
        expression = Expression(self.expression, self.title)
        found = results(frame, base, expression, self.numbers, offset_of(frame, decision))
        originals = frame[base] if base else [None] * frame.height
        cells = [
            self._text(value, cell) if chosen else None
            for value, cell, chosen in zip(found, originals, rows, strict=True)
        ]
        order = _data_columns(frame)
        place = self.place - 1 if self.place else (order.index(base) + 1 if base else len(order))
        order.insert(place, self.new_name)
        new = frame.with_columns(pl.Series(self.new_name, cells, dtype=pl.String))
        return _reshaped(_in_order(new, order), "")

    def _text(self, found: Any, cell: str | None) -> str | None:
        value = stored(found)
        if isinstance(value, EvalError):
            return cell if self.on_error == "copy" else None
        return None if value is None else text_of(value)

    def columns_after(self, columns: Columns, decision: Seen | None = None) -> Columns:
        return columns.with_new([self.new_name], self.columns[0] if self.columns else columns.names[-1])
