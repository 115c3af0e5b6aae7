"""Each of OpenRefine's operations as an entry of Tailor's history, or the reason why it is none."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tailor.data.cleaning.grel import Expression, text_of
from tailor.data.cleaning.openrefine.facets import CannotImport, list_facet, range_facet, text_facet
from tailor.data.cleaning.operation import Operation
from tailor.data.cleaning.wrangling import (
    AddColumn,
    BlankDown,
    Edit,
    Facet,
    FillDown,
    JoinRows,
    MassEdit,
    MoveColumns,
    RemoveColumns,
    RemoveRows,
    RenameColumns,
    ReorderColumns,
    SplitColumn,
    SplitIntoRows,
    TransformText,
)
from tailor.errors import WorkbenchError


@dataclass(frozen=True)
class Unsupported:
    """An operation that was not taken over.

    Attributes:
        number: its place in OpenRefine's history, from 1.
        op: its kind ("core/recon").
        description: OpenRefine's own sentence about it.
        reason: why not.
    """

    number: int
    op: str
    description: str
    reason: str


@dataclass
class Imported:
    """What became of a history.

    Attributes:
        operations: the entries, in order.
        unsupported: what was left out; while there is any, the table may differ from OpenRefine's.
        notes: sentences on what is done a little differently.
    """

    operations: list[Operation] = field(default_factory=list)
    unsupported: list[Unsupported] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Reader:
    """Goes through the operations in order, remembering which columns hold numbers by now."""

    def __init__(self) -> None:
        self.found = Imported()
        self.numbers: set[str] = set()
        self.guessed: set[str] = set()
        self.number = 0

    def read(self, number: int, item: dict) -> None:
        self.number = number
        op = str(item.get("op", ""))
        kind = op.removeprefix("core/")
        try:
            if kind not in _READERS:
                raise CannotImport(_reason(kind))
            operation = _READERS[kind](self, item)
        except CannotImport as reason:
            self._leave_out(op, item, str(reason))
        except WorkbenchError as error:
            self._leave_out(op, item, error.found)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            self._leave_out(
                op, item, f"it is not as OpenRefine writes it ({type(error).__name__}: {error})"[:200]
            )
        else:
            if operation is not None:
                self.found.operations.append(operation)

    def _leave_out(self, op: str, item: dict, reason: str) -> None:
        told = Unsupported(self.number, op[:80], str(item.get("description", ""))[:200], reason)
        self.found.unsupported.append(told)

    def note(self, text: str) -> None:
        self.found.notes.append(f"operation {self.number}: {text}")

    # --- rows ------------------------------------------------------------------------------------------------------
    def engine(self, item: dict, *columns: str, expression: Expression | None = None) -> dict[str, Any]:
        """The settings `where`, `records` and `numbers` of an operation with an engineConfig."""
        config = item.get("engineConfig") or {}
        facets = [facet for given in config.get("facets", []) if (facet := self.facet(given)) is not None]
        used = {*columns, *(facet.column for facet in facets), *(expression.columns if expression else ())}
        asked = [Expression(facet.expression) for facet in facets if facet.kind != "text"]
        if not all(e.value_only or e.columns for e in [*asked, *([expression] if expression else [])]):
            used |= self.numbers
        return {
            "where": facets,
            "records": config.get("mode") == "record-based",
            "numbers": sorted(name for name in used if self.is_numeric(name)),
        }

    def is_numeric(self, name: str) -> bool:
        base = re.sub(r" \d+$", "", name)
        return name in self.numbers or (base != name and base in self.guessed)

    def facet(self, given: dict) -> Facet | None:
        """A facet, or None where OpenRefine would filter nothing by it."""
        kind = str(given.get("type", "list")).removeprefix("core/")
        if kind not in ("list", "text", "range"):
            raise CannotImport(f"it has a facet of the kind '{kind[:40]}'")
        column = given.get("columnName") or ""
        if kind == "text":
            return text_facet(given, column)
        expression = self.expression(given.get("expression") or "value").text
        return (list_facet if kind == "list" else range_facet)(given, column, expression)

    def expression(self, text: Any) -> Expression:
        return Expression(str(text), f"operation {self.number}")

    # --- cells -----------------------------------------------------------------------------------------------------
    def mass_edit(self, item: dict) -> Operation:
        column, expression = item["columnName"], self.expression(item.get("expression") or "value")
        edits = [
            Edit(
                old=[text_of(value) for value in edit.get("from") or []],
                blank=bool(edit.get("fromBlank")),
                error=bool(edit.get("fromError")),
                new=text_of(edit["to"]),
            )
            for edit in item["edits"]
        ]
        settings = self.engine(item, column, expression=expression)
        return MassEdit(columns=[column], edits=edits, expression=expression.text, **settings)

    def text_transform(self, item: dict) -> Operation:
        column, expression = item["columnName"], self.expression(item["expression"])
        settings = self.engine(item, column, expression=expression)
        if expression.numeric:
            self.numbers.add(column)
        elif expression.textual and not settings["where"]:
            self.numbers.discard(column)
        return TransformText(
            columns=[column],
            expression=expression.text,
            on_error="keep" if self.on_error(item, "keep-original") == "keep-original" else "blank",
            repeat=min(1_000, int(item.get("repeatCount") or 0)) if item.get("repeat") else 0,
            **settings,
        )

    def on_error(self, item: dict, default: str) -> str:
        chosen = str(item.get("onError") or default).lower()
        if chosen == "store-error":
            self.note("OpenRefine would keep errors in the cells; here such cells are empty")
        return chosen

    def fill_down(self, item: dict) -> Operation:
        return FillDown(columns=[item["columnName"]], **self.engine(item, item["columnName"]))

    def blank_down(self, item: dict) -> Operation:
        return BlankDown(columns=[item["columnName"]], **self.engine(item, item["columnName"]))

    def split_into_rows(self, item: dict) -> Operation:
        lengths = self.lengths(item)
        separator = "," if lengths else item["separator"]
        return SplitIntoRows(
            columns=[item["columnName"]],
            key_column=item.get("keyColumnName") or "",
            separator=separator,
            regex=bool(item.get("regex")),
            lengths=lengths,
        )

    def lengths(self, item: dict) -> list[int]:
        if item.get("mode", "separator") == "separator":
            return []
        return [max(0, int(length)) for length in item["fieldLengths"]]

    def join_rows(self, item: dict) -> Operation:
        key = item.get("keyColumnName") or ""
        return JoinRows(columns=[item["columnName"]], key_column=key, separator=item["separator"])

    # --- rows and columns ------------------------------------------------------------------------------------------
    def remove_rows(self, item: dict) -> Operation:
        settings = self.engine(item)
        return RemoveRows(all_rows=not settings["where"], **settings)

    def rename(self, item: dict) -> Operation:
        old, new = item["oldColumnName"], item["newColumnName"]
        for group in (self.numbers, self.guessed):
            if old in group:
                group.discard(old)
                group.add(new.strip())
        return RenameColumns(names={old: new})

    def remove_columns(self, item: dict) -> Operation:
        names = item["columnNames"] if "columnNames" in item else [item["columnName"]]
        self.numbers -= set(names)
        return RemoveColumns(columns=list(names))

    def move(self, item: dict) -> Operation:
        return MoveColumns(columns=[item["columnName"]], place=int(item["index"]) + 1)

    def move_first(self, item: dict) -> Operation:
        return MoveColumns(columns=[item["columnName"]], place=1)

    def move_last(self, item: dict) -> Operation:
        return MoveColumns(columns=[item["columnName"]], place=-1)

    def reorder(self, item: dict) -> Operation:
        return ReorderColumns(columns=list(item["columnNames"]))

    def split_column(self, item: dict) -> Operation:
        column, lengths = item["columnName"], self.lengths(item)
        if item.get("guessCellType"):
            self.guessed.add(column)
        settings = self.engine(item, column)
        return SplitColumn(
            columns=[column],
            separator="," if lengths else item["separator"],
            regex=bool(item.get("regex")),
            lengths=lengths,
            most=max(0, int(item.get("maxColumns") or 0)),
            keep_original=not item.get("removeOriginalColumn", True),
            guess_numbers=bool(item.get("guessCellType")),
            **settings,
        )

    def add_column(self, item: dict) -> Operation:
        base, new = item["baseColumnName"], item["newColumnName"]
        expression = self.expression(item["expression"])
        settings = self.engine(item, base, expression=expression)
        copies = self.on_error(item, "set-to-blank") == "keep-original"
        if expression.numeric or (base in self.numbers and not expression.textual):
            self.numbers.add(new)
        return AddColumn(
            columns=[base],
            new_name=new,
            expression=expression.text,
            place=int(item["columnInsertIndex"]) + 1,
            on_error="copy" if copies else "blank",
            **settings,
        )

    def mark(self, item: dict) -> None:
        """Stars and flags change no cell; an operation that asks for them is left out by itself."""
        self.note(f"{item['op'].removeprefix('core/')} marks rows and changes no cell; nothing was added")


_READERS: dict[str, Callable[[Reader, dict], Operation | None]] = {
    "mass-edit": Reader.mass_edit,
    "text-transform": Reader.text_transform,
    "fill-down": Reader.fill_down,
    "blank-down": Reader.blank_down,
    "multivalued-cell-split": Reader.split_into_rows,
    "multivalued-cell-join": Reader.join_rows,
    "row-removal": Reader.remove_rows,
    "row-star": Reader.mark,
    "row-flag": Reader.mark,
    "column-rename": Reader.rename,
    "column-removal": Reader.remove_columns,
    "column-multi-removal": Reader.remove_columns,
    "column-move": Reader.move,
    "column-move-first": Reader.move_first,
    "column-move-last": Reader.move_last,
    "column-reorder": Reader.reorder,
    "column-split": Reader.split_column,
    "column-addition": Reader.add_column,
}

_REASONS = {
    "row-reorder": "it sorts the rows, and Tailor keeps them in the order of their files",
    "column-addition-by-fetching-urls": "it fetches pages from the network",
    "extend-reconciled-data": "it asks a service on the network",
    "transpose-columns-into-rows": "it makes other rows out of columns",
    "transpose-rows-into-columns": "it makes other columns out of rows",
    "key-value-columnize": "it makes other columns out of rows",
    "denormalize": "it is an old form of filling down within records",
    "column-move-left": "OpenRefine keeps no place for the column in the history",
    "column-move-right": "OpenRefine keeps no place for the column in the history",
}


def _reason(kind: str) -> str:
    if kind.startswith("recon"):
        return "it reconciles with a service on the network"
    return _REASONS.get(kind, "Tailor does not know this operation")
