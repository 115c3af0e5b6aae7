"""Expressions over a whole table of text, each distinct cell worked out once where that is enough."""

from collections.abc import Collection
from typing import Any

import polars as pl

from tailor.data.cleaning.grel.evaluator import Expression
from tailor.data.cleaning.grel.scope import Scope
from tailor.data.cleaning.grel.values import parse_number


def results(
    frame: pl.DataFrame,
    column: str,
    expression: Expression,
    numbers: Collection[str] = (),
    offset: int = 0,
) -> list[Any]:
    """Run an expression on every row.

    Args:
        frame: columns of text.
        column: whose cells are `value`; "" for none.
        numbers: columns in which a cell that reads as a number is one, because "To number" was run on it.
        offset: how many rows of the table stand before these (rowIndex).

    Returns:
        A GREL value for each row.
    """
    values = cells(frame, column, numbers) if column else [None] * frame.height
    if expression.value_only:
        known: dict[tuple[type, Any], Any] = {}
        for value in values:
            if (type(value), value) not in known:
                known[type(value), value] = expression(Scope(value, column=column))
        return [known[type(value), value] for value in values]
    # the whole row only when the expression may ask for any of it
    names = [name for name in frame.columns if name not in ("row_id", "source") or name in expression.columns]
    rows = zip(*(cells(frame, name, numbers) for name in names), strict=True)
    return [
        expression(Scope(value, dict(zip(names, row, strict=True)), offset + place, column))
        for place, (value, row) in enumerate(zip(values, rows, strict=True))
    ]


def cells(frame: pl.DataFrame, column: str, numbers: Collection[str]) -> list[Any]:
    """A column's cells as GREL sees them: texts, nulls, and numbers where the column holds numbers."""
    texts = frame[column].to_list()
    if column not in numbers:
        return texts
    return [text if text is None or (number := parse_number(text)) is None else number for text in texts]
