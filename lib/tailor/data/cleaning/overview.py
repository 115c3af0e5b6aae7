"""What facets show: the values of a column with their counts, its numbers as a histogram, and the table after edits."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from tailor.data.cleaning.operation import Columns, Operation
from tailor.data.cleaning.passes import apply_to


@dataclass(frozen=True)
class Histogram:
    """A column's numbers in bins of equal width, and what is no number."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    empty: int
    other: int


def value_counts(cells: pl.Series, most: int | None = None) -> list[tuple[str, int]]:
    """Each value with its number of rows, most frequent first (equals in alphabetical order); "" for empty cells."""
    counts = cells.fill_null("").alias("value").value_counts(name="rows")
    ordered = counts.sort(["rows", "value"], descending=[True, False])
    return (ordered if most is None else ordered.head(most)).rows()


def numbers(cells: pl.Series) -> pl.Series:
    """Each cell as a number; null where it is none, is infinite, or is empty."""
    found = cells.str.strip_chars().cast(pl.Float64, strict=False)
    return found.set(~found.is_finite(), None) if found.len() else found


def histogram(cells: pl.Series, bins: int = 20) -> Histogram:
    """Bins between the least and the greatest number; the last bin holds its upper edge."""
    found = numbers(cells)
    empty = int((cells.fill_null("") == "").sum())
    plain = found.drop_nulls()
    other = cells.len() - empty - plain.len()
    if plain.is_empty():
        return Histogram((), (), empty, other)
    low, high = float(plain.min()), float(plain.max())
    width = (high - low) / bins
    if not 0 < width < float("inf"):
        return Histogram((low, high), (plain.len(),), empty, other)
    places = ((plain - low) / width).floor().cast(pl.Int64).clip(0, bins - 1)
    counted = dict(places.value_counts().rows())
    edges = (*(low + width * place for place in range(bins)), high)
    return Histogram(edges, tuple(counted.get(place, 0) for place in range(bins)), empty, other)


def after_edits(frame: pl.DataFrame, entries: Sequence[Operation], columns: Columns) -> pl.DataFrame:
    """The table after entries made by hand, which are quick. One whose column is not there is passed over."""
    protected: set[str] = set()
    for entry in entries:
        protected |= set(entry.protects())
        if not entry.off and set(entry.named_columns()) <= set(frame.columns):
            decision = entry.decide([entry.survey(frame, columns)]) if entry.scope == "table" else None
            frame = apply_to(entry, frame, columns, decision, protected).frame
            columns = entry.columns_after(columns, decision)
    return frame
