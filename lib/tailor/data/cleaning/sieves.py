"""Operations that drop rows: empty, too long, in another language, or there already."""

from dataclasses import dataclass

import polars as pl

from tailor.data.cleaning.operation import Operation, Outcome, drop
from tailor.data.duplicates import equality_keys, near_duplicate_clusters


@dataclass(frozen=True)
class DropEmpty(Operation):
    """Drop rows in which a column that every example needs is empty."""

    name = "drop_empty"
    title = "Drop empty and half-empty rows"
    relax = "name fewer columns in 03_clean_data.required_columns, or set 03_clean_data.drop_empty to false"

    required: tuple[str, ...]

    def apply(self, frame: pl.DataFrame) -> Outcome:
        reasons: dict[str, str] = {}
        given = [c for c in frame.columns if c not in ("row_id", "source")]
        nothing = pl.all_horizontal(_is_empty(column) for column in given)
        for row_id in frame.filter(nothing)["row_id"]:
            reasons[row_id] = "every cell is empty"
        for column in self.required:
            for row_id in frame.filter(_is_empty(column))["row_id"]:
                reasons.setdefault(row_id, f"'{column}' is empty")
        return drop(frame, reasons)


# What exports write for "nothing"; matched only as a whole cell. "NA" and "none" can be answers and are kept.
_NOTHING = ("", "-", "--", "n/a", "#n/a", "null", "nan", ".", "...", "?")


def _is_empty(column: str) -> pl.Expr:
    return pl.col(column).fill_null("").str.strip_chars().str.to_lowercase().is_in(_NOTHING)


@dataclass(frozen=True)
class DropLong(Operation):
    """Drop rows with a cell longer than a person would write."""

    name = "drop_long"
    title = "Drop rows with overlong cells"
    relax = "raise 03_clean_data.max_characters"

    columns: tuple[str, ...]
    limit: int

    def apply(self, frame: pl.DataFrame) -> Outcome:
        reasons: dict[str, str] = {}
        for column in self.columns:
            lengths = frame.select("row_id", n=pl.col(column).str.len_chars()).filter(
                pl.col("n") > self.limit
            )
            for row_id, length in lengths.rows():
                reasons.setdefault(
                    row_id, f"'{column}' has {length:,} characters, over the limit of {self.limit:,}"
                )
        return drop(frame, reasons)


@dataclass(frozen=True)
class DropExactDuplicates(Operation):
    """Of rows that are equal but for case, blanks and punctuation, keep the first."""

    name = "drop_exact_duplicates"
    title = "Drop exact duplicates"
    relax = "set 03_clean_data.exact_duplicates to false"

    columns: tuple[str, ...]
    frozen: tuple[str, ...] = ()

    def apply(self, frame: pl.DataFrame) -> Outcome:
        if not self.columns:
            return drop(frame, {})
        ordered = _frozen_first(frame, self.frozen)
        keyed = ordered.select("row_id", "source", key=equality_keys(ordered, self.columns))
        keyed = keyed.with_columns(first=pl.col("row_id").first().over("key"))
        copies = keyed.filter((pl.col("row_id") != pl.col("first")) & ~pl.col("source").is_in(self.frozen))
        return drop(frame, {row_id: f"says the same as {first}" for row_id, _, _, first in copies.rows()})


def _frozen_first(frame: pl.DataFrame, frozen: tuple[str, ...]) -> pl.DataFrame:
    """Rows of a given test file come first and so are the ones that stay; nothing may change that file."""
    return frame.sort(~pl.col("source").is_in(frozen), maintain_order=True) if frozen else frame


@dataclass(frozen=True)
class DropNearDuplicates(Operation):
    """Of rows that differ in a few words only, keep the first. Rows with different labels are never duplicates."""

    name = "drop_near_duplicates"
    title = "Drop near duplicates"
    relax = "raise 03_clean_data.near_duplicates (0 turns it off)"

    columns: tuple[str, ...]
    labels: tuple[str, ...]
    threshold: float
    frozen: tuple[str, ...] = ()

    def apply(self, frame: pl.DataFrame) -> Outcome:
        reasons: dict[str, str] = {}
        ordered = _frozen_first(frame, self.frozen)
        groups = ordered.partition_by(self.labels, maintain_order=True) if self.labels else [ordered]
        for group in groups:
            texts = [group[column].fill_null("").to_list() for column in self.columns]
            if group.height < 2 or not texts:
                continue
            ids, sources = group["row_id"].to_list(), group["source"].to_list()
            for place, first in enumerate(near_duplicate_clusters(texts, self.threshold)):
                if first != place and sources[place] not in self.frozen:
                    reasons[ids[place]] = f"nearly the same as {ids[first]}"
        return drop(frame, reasons)
