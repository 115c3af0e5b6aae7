"""Facets: which rows an operation works on, told by what their cells hold."""

from collections.abc import Sequence
from typing import Any, Literal

import polars as pl

from tailor.data.cleaning.grel import EvalError, Expression, is_filled, text_of
from tailor.data.cleaning.grel.table import results
from tailor.data.cleaning.limited_regex import LimitedPattern
from tailor.settings import Settings, setting

TO_NUMBER = "value.toNumber()"
"""The expression of a facet on numbers in a column of text."""

_PLAIN_NUMBER = r"^-?\d{1,15}(\.\d{1,15})?$"

OWN_COLUMNS = ("row_id", "source")
"""Tailor's columns, which no operation touches."""


class Facet(Settings):
    """One condition on rows; several facets must all hold. OpenRefine's text, number and search facets fit in."""

    kind: Literal["values", "text", "range", "rows"] = setting(
        "values",
        "values: the cell is one of a list. text: it holds a text. range: it is a number between two others. rows: "
        "the row is one of those named.",
    )
    column: str = setting("", "The column whose cells are looked at.")
    expression: str = setting(
        "value", "What is made of the cell first, in GREL: length(value), isBlank(value)."
    )
    values: list[bool | int | float | str] = setting([], "values: what the cell may be. rows: the row_ids.")
    blank: bool = setting(False, "values: empty cells too. range: keep empty cells.")
    error: bool = setting(False, "Also rows for which the expression gives an error.")
    invert: bool = setting(False, "Take all other rows instead.")
    query: str = setting("", "text: what the cell holds.")
    regex: bool = setting(False, "text: the query is a regular expression.")
    case_sensitive: bool = setting(False, "text: capitals matter.")
    low: float | None = setting(None, "range: at least this.")
    high: float | None = setting(None, "range: less than this.")
    numeric: bool = setting(True, "range: numbers between low and high.")
    other: bool = setting(False, "range: also what is no number.")

    def in_words(self) -> str:
        """The condition, shortly: "intent is 'test'"."""
        what = f"row {'is not' if self.invert else 'is'}" if self.kind == "rows" else self.column
        if self.expression != "value" and self.expression != TO_NUMBER:
            what = f"{self.expression} of {what}"
        if self.kind == "text":
            return f"{what} {'does not hold' if self.invert else 'holds'} {self.query!r}"
        if self.kind == "range":
            ends = (("at least", self.low), ("below", self.high))
            return f"{what} is {' and '.join(f'{word} {end:g}' for word, end in ends if end is not None) or 'a number'}"
        values = [repr(value) for value in self.values[:5]] + (["empty"] if self.blank else [])
        values += [f"{len(self.values) - 5:,} more"] if len(self.values) > 5 else []
        joined = " or ".join(values)
        return (
            f"{what} {joined}"
            if self.kind == "rows"
            else f"{what} {'is not' if self.invert else 'is'} {joined}"
        )


def choose_rows(
    frame: pl.DataFrame,
    facets: Sequence[Facet],
    records: bool = False,
    numbers: Sequence[str] = (),
    where: str = "a facet",
    offset: int = 0,
) -> pl.Series:
    """Which rows pass all facets.

    Args:
        records: take whole records, as OpenRefine's records mode does: a row whose first column is blank belongs to
            the record above it, and a record passes when one of its rows does (an inverted list: when all do).
        numbers: columns in which cells that read as numbers are numbers.
        where: what an error names.
        offset: how many rows of the table stand before these.

    Returns:
        True for each row that passes.
    """
    chosen = pl.Series([True] * frame.height, dtype=pl.Boolean)
    groups = record_numbers(frame) if records else None
    for facet in facets:
        passed = _passes(frame, facet, numbers, where, offset)
        if groups is not None:
            every = facet.kind == "values" and facet.invert
            rows = pl.DataFrame({"record": groups, "passed": passed})
            whole = pl.col("passed").all() if every else pl.col("passed").any()
            passed = rows.select(whole.over("record")).to_series()
        chosen &= passed
    return chosen


def record_numbers(frame: pl.DataFrame) -> pl.Series:
    """The record of each row, from 1: a filled cell in the first column of the data begins a new one."""
    key = next(name for name in frame.columns if name not in OWN_COLUMNS)
    return (frame[key].fill_null("") != "").cast(pl.Int64).cum_sum()


def _passes(frame: pl.DataFrame, facet: Facet, numbers: Sequence[str], where: str, offset: int) -> pl.Series:
    if facet.kind == "rows":
        return frame["row_id"].is_in([str(item) for item in facet.values]) ^ facet.invert
    if facet.kind == "text":
        return _holds(frame[facet.column], facet, where)
    if facet.expression == "value" and facet.kind == "values" and facet.column not in numbers:
        wanted = [item for item in facet.values if isinstance(item, str) and item]
        cells = frame[facet.column]
        passed = cells.is_in(wanted).fill_null(False)
        if facet.blank:
            passed |= cells.fill_null("") == ""
        return passed ^ facet.invert
    if facet.kind == "range" and facet.expression == TO_NUMBER and facet.column not in numbers:
        return _number_in_range(frame[facet.column], facet, where)
    found = results(frame, facet.column, Expression(facet.expression, where), numbers, offset)
    test = _in_range if facet.kind == "range" else _among
    passed = [
        any(test(item, facet) for item in value) if isinstance(value, list) else test(value, facet)
        for value in found
    ]
    return pl.Series(passed, dtype=pl.Boolean) ^ (facet.invert and facet.kind == "values")


def _number_in_range(cells: pl.Series, facet: Facet, where: str) -> pl.Series:
    """The common facet on a column of numbers: plain ones are compared all at once, what is left as everywhere."""
    plain = cells.str.contains(_PLAIN_NUMBER).fill_null(False)
    value = pl.col(cells.name)
    low = pl.lit(True) if facet.low is None else value >= facet.low
    high = pl.lit(True) if facet.high is None else value < facet.high
    within = (
        cells.set(~plain, None).cast(pl.Float64).to_frame().select(low & high & facet.numeric).to_series()
    )
    left = cells.filter(~plain).unique().to_frame()
    found = results(left, cells.name, Expression(TO_NUMBER, where))
    rest = [cell for cell, item in zip(left.to_series(), found, strict=True) if _in_range(item, facet)]
    return plain & within.fill_null(False) | ~plain & cells.is_in(rest, nulls_equal=True)


def _holds(cells: pl.Series, facet: Facet, where: str) -> pl.Series:
    if not facet.query:
        return pl.Series([True] * cells.len(), dtype=pl.Boolean)
    if facet.regex:
        pattern = LimitedPattern(facet.query, where, ignore_case=not facet.case_sensitive, java=True)
        found = {text: pattern.search(text) is not None for text in cells.unique().drop_nulls()}
        passed = pl.Series([found.get(text, False) for text in cells], dtype=pl.Boolean)
    elif facet.case_sensitive:
        passed = cells.str.contains(facet.query, literal=True)
    else:
        passed = cells.str.to_lowercase().str.contains(facet.query.lower(), literal=True)
    return passed.fill_null(False) ^ facet.invert


def _among(value: Any, facet: Facet) -> bool:
    """As OpenRefine compares: numbers by value, everything else only with its own kind."""
    if isinstance(value, EvalError):
        return facet.error
    if not is_filled(value):
        return facet.blank
    if isinstance(value, (bool, str)):
        return any(type(item) is type(value) and item == value for item in facet.values)
    return any(not isinstance(item, (bool, str)) and item == value for item in facet.values)


def _in_range(value: Any, facet: Facet) -> bool:
    if isinstance(value, EvalError):
        return facet.error
    if not is_filled(value):
        return facet.blank
    if isinstance(value, (bool, str)):
        return facet.other
    if text_of(float(value)) in ("NaN", "Infinity", "-Infinity"):
        return facet.error
    low = facet.low is None or value >= facet.low
    return facet.numeric and low and (facet.high is None or value < facet.high)
