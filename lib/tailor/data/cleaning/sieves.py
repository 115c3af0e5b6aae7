"""Operations that drop rows: empty, too long, in another language, or there already."""

from collections.abc import Sequence
from dataclasses import replace
from tempfile import TemporaryFile
from typing import Any

import numpy as np
import polars as pl

from tailor.data.cleaning.operation import REASON, Columns, Operation, Outcome, drop
from tailor.data.cleaning.passes import Loaded
from tailor.data.duplicates import band_keys, equality_keys, join_near
from tailor.settings import setting


class DropEmpty(Operation):
    """Drop rows in which a column that every example needs is empty."""

    name = "drop_empty"
    title = "Drop empty and half-empty rows"
    relax = (
        "name fewer columns in 03_clean_data.required_columns, "
        "or set 03_clean_data.operations.drop_empty.off to true"
    )
    acts_on = "required"

    def apply(self, frame: pl.DataFrame, columns: Columns, decision: Any = None) -> Outcome:
        reasons = dict.fromkeys(_wholly_empty(frame), "every cell is empty")
        for column in self.chosen(columns):
            for row_id in frame["row_id"].filter(is_empty(frame[column])):
                reasons.setdefault(row_id, f"'{column}' is empty")
        return drop(frame, reasons)


# What exports write for "nothing"; matched only as a whole cell. "NA" and "none" can be answers and are kept.
_NOTHING = ("", "-", "--", "n/a", "#n/a", "null", "nan", ".", "...", "?")


def is_empty(cells: pl.Series) -> pl.Series:
    """Where a cell holds nothing, or only what exports write for it."""
    bare = cells.fill_null("").str.strip_chars()
    short = bare.str.len_bytes() <= max(map(len, _NOTHING))
    return short & bare.set(~short, "").str.to_lowercase().is_in(_NOTHING)


def _wholly_empty(frame: pl.DataFrame) -> list[str]:
    """Ids of the rows without a single cell; only rows that were empty so far are looked at in the next column."""
    rows = pl.DataFrame({"place": range(frame.height)}, schema={"place": pl.UInt32})["place"]
    for column in frame.columns:
        if column not in ("row_id", "source") and len(rows):
            rows = rows.filter(is_empty(frame[column].gather(rows)))
    return frame["row_id"].gather(rows).to_list()


class DropLong(Operation):
    """Drop rows with a cell longer than a person would write."""

    name = "drop_long"
    title = "Drop rows with overlong cells"
    relax = "raise 03_clean_data.operations.drop_long.max_characters"

    max_characters: int = setting(
        20_000, "Drop rows with a longer text than this.", unit="characters", ge=1, log=True
    )

    def apply(self, frame: pl.DataFrame, columns: Columns, decision: Any = None) -> Outcome:
        reasons: dict[str, str] = {}
        for column in self.chosen(columns):
            # bytes are known at once, and no text has more characters than bytes
            long = frame.select("row_id", pl.col(column)).filter(
                pl.col(column).str.len_bytes() > self.max_characters
            )
            lengths = long.select("row_id", n=pl.col(column).str.len_chars())
            for row_id, length in lengths.filter(pl.col("n") > self.max_characters).rows():
                reasons.setdefault(
                    row_id, f"'{column}' has {length:,} characters, over the limit of {self.max_characters:,}"
                )
        return drop(frame, reasons)


class DropExactDuplicates(Operation):
    """Of rows that are equal but for case, blanks and punctuation, keep the first."""

    name = "drop_exact_duplicates"
    title = "Drop exact duplicates"
    relax = "set 03_clean_data.operations.drop_exact_duplicates.off to true"
    scope = "table"

    def chosen(self, columns: Columns) -> tuple[str, ...]:
        return tuple(self.columns) or columns.texts + columns.whole + columns.labels

    def survey(self, frame: pl.DataFrame, columns: Columns) -> pl.DataFrame:
        """row_id, whether it must stay, a 128-bit mark of what the row says, and 64 bits of that."""
        names = self.chosen(columns)
        if not names:
            return self.survey(frame.clear(), replace(columns, texts=("row_id",)))
        rows = frame.select("row_id", equality_keys(frame, names), _frozen(columns))
        return rows.with_columns(half=pl.col("key").hash() | 1)

    def decide(self, surveys: Sequence[pl.DataFrame]) -> pl.DataFrame:
        """Why which rows go. Rows of a given test file come first and so are the ones that stay."""
        from tailor.data.cluster_kernels import repeated

        places = repeated(_joined(surveys, "half"))
        rows = gather_rows(_part(surveys, ["key", "frozen"]), places).with_columns(place=places)
        rows = rows.filter(rows["key"].is_duplicated()).sort(~pl.col("frozen"), maintain_order=True)
        rows = rows.with_columns(first=pl.col("place").first().over("key"))
        return _copies(rows, surveys, "says the same as ")

    def apply(self, frame: pl.DataFrame, columns: Columns, decision: pl.DataFrame) -> Outcome:
        return drop(frame, decision)


def _frozen(columns: Columns) -> pl.Expr:
    return pl.col("source").is_in(columns.frozen_sources).alias("frozen")


def _copies(rows: pl.DataFrame, surveys: Sequence[pl.DataFrame], because: str) -> pl.DataFrame:
    """Ids and reasons of the rows that are not the first of their kind and need not stay.

    Args:
        rows: place (counted over all surveys), frozen, first (the place of the first of its kind).
    """
    rows = rows.filter((pl.col("place") != pl.col("first")) & ~pl.col("frozen")).sort("place")
    places = np.unique(np.concatenate([rows["place"], rows["first"]]).astype(np.int64))
    ids = pl.DataFrame({"place": places, "id": gather_rows(_part(surveys, ["row_id"]), places)["row_id"]})
    for name in ("place", "first"):
        rows = rows.with_columns(pl.col(name).cast(pl.Int64)).join(
            ids.rename({"place": name, "id": f"{name}_id"}), on=name, how="left", maintain_order="left"
        )
    return rows.select(row_id="place_id", **{REASON: pl.lit(because) + pl.col("first_id")})


def _part(surveys: Sequence[pl.DataFrame], names: list[str]) -> Sequence[pl.DataFrame]:
    """Some columns of every survey; of surveys that lie in files no others are read."""
    return surveys.select(names) if isinstance(surveys, Loaded) else [s.select(names) for s in surveys]


def _joined(surveys: Sequence[pl.DataFrame], name: str) -> np.ndarray:
    """One column of all surveys below one another; a wide one of surveys that lie in files lies in a file as well."""
    parts = _part(surveys, [name])
    some = parts[0][name].to_numpy()
    shape = (sum(part.height for part in parts), *some.shape[1:])
    if some.ndim > 1 and shape[0] and isinstance(surveys, Loaded) and surveys.folder:
        with TemporaryFile(dir=surveys.folder) as file:
            joined = np.asarray(np.memmap(file, some.dtype, "w+", shape=shape))
    else:
        joined = np.empty(shape, some.dtype)
    start = 0
    for part in parts:  # one at a time: all of them beside the whole would take twice the memory
        joined[start : start + part.height] = part[name].to_numpy()
        start += part.height
    return joined


def gather_rows(tables: Sequence[pl.DataFrame], places: np.ndarray) -> pl.DataFrame:
    """Rows of several tables by their places counted over all of them, in ascending order."""
    found, start = [], 0
    for table in tables:
        here = places[np.searchsorted(places, start) : np.searchsorted(places, start + table.height)]
        # through Arrow's older layout, which copies these rows: as they are, they would hold on to the whole table
        rows = table[here - start].to_arrow(compat_level=pl.CompatLevel.oldest())
        found.append(pl.from_arrow(rows))
        start += table.height
    return pl.concat(found)


class DropNearDuplicates(Operation):
    """Of rows that differ in a few words only, keep the first. Rows with different labels are never duplicates."""

    name = "drop_near_duplicates"
    title = "Drop near duplicates"
    relax = "raise 03_clean_data.operations.drop_near_duplicates.threshold, or set .off to true"
    scope = "table"

    threshold: float = setting(
        0.8,
        "Of rows that share at least this much of their words and word pairs (Jaccard similarity), keep the first. "
        "Lower drops more.",
        unit="similarity",
        source="0.7 to 0.8 is customary for web text (Lee et al. 2022, arXiv:2107.06499, section 4.2, uses 0.8)",
        gt=0,
        le=1,
    )

    def chosen(self, columns: Columns) -> tuple[str, ...]:
        return tuple(self.columns) or columns.texts + columns.whole

    def survey(self, frame: pl.DataFrame, columns: Columns) -> pl.DataFrame:
        """row_id, whether it must stay, its bands' keys, and its texts, with which each likeness is confirmed."""
        texts = frame.select(pl.col(self.chosen(columns)).name.prefix("text "))
        labels = equality_keys(frame, columns.labels).hash().to_numpy()
        bands, sketches = band_keys(texts.get_columns(), labels, self.threshold)
        keys = [pl.Series(f"band {place}", keys) for place, keys in enumerate(bands)]
        sketch = pl.Series("sketch", sketches, dtype=pl.Array(pl.UInt8, sketches.shape[1]))
        return frame.select("row_id", _frozen(columns)).hstack([*keys, sketch, *texts])

    def decide(self, surveys: Sequence[pl.DataFrame]) -> pl.DataFrame:
        """Why which rows go. Rows of a given test file come first and so are the ones that stay."""
        frozen = _joined(surveys, "frozen")
        # None for "as they stand", which spares a copy of everything
        order = np.argsort(~frozen, kind="stable") if frozen.any() else None
        parts = _part(surveys, [name for name in surveys[0].columns if name.startswith("text ")])

        def ordered(name: str) -> np.ndarray:
            values = _joined(surveys, name)
            return values if order is None else values[order]

        def texts(rows: np.ndarray) -> list[pl.Series]:
            places = rows if order is None else order[rows]
            found = gather_rows(parts, np.sort(places))
            return found[np.searchsorted(np.sort(places), places)].get_columns()

        bands = (ordered(name) for name in surveys[0].columns if name.startswith("band "))
        firsts = join_near(bands, ordered("sketch"), texts, self.threshold)
        place = np.arange(len(firsts)) if order is None else order
        rows = pl.DataFrame({"place": place, "frozen": ordered("frozen"), "first": place[firsts]})
        return _copies(rows, surveys, "nearly the same as ")

    def apply(self, frame: pl.DataFrame, columns: Columns, decision: pl.DataFrame) -> Outcome:
        return drop(frame, decision)
