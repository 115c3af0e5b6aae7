"""What a GREL expression can see of a row."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

MOST_STEPS = 100_000


class Cell:
    """`cell` and `cells["X"]`: something with a value."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def field(self, name: str) -> Any:
        return self.value if name == "value" else None

    def has(self, name: str) -> bool:
        return name == "value"


class Cells:
    """`cells`: the row's cells by the name of their column."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values

    def field(self, name: str) -> Any:
        value = self.values.get(name)
        return None if value is None else Cell(value)

    def has(self, name: str) -> bool:
        return name in self.values


class Row:
    """`row`: its number from 0, its cells, the names of the columns."""

    def __init__(self, scope: "Scope") -> None:
        self.scope = scope

    def field(self, name: str) -> Any:
        known = {
            "index": self.scope.row_index,
            "cells": Cells(self.scope.cells),
            "columnNames": list(self.scope.cells),
        }
        return known.get(name)

    def has(self, name: str) -> bool:
        return name in ("index", "cells", "columnNames")


@dataclass
class Scope:
    """What an expression can see.

    Attributes:
        value: the cell's.
        cells: the row's values by column name; also what `cells["X"].value` reads.
        row_index: from 0.
        column: the name of the column worked on.
    """

    value: Any
    cells: Mapping[str, Any] = field(default_factory=dict)
    row_index: int = 0
    column: str = ""
    names: dict[str, Any] = field(default_factory=dict)
    steps: int = 0


Evaluate = Callable[[Scope], Any]


class TooLong(Exception):
    pass
