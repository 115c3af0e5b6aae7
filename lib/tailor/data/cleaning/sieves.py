"""Operations that drop rows: empty, too long, in another language, or there already."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from tailor.data.cleaning.operation import Columns, Operation, Outcome, drop
from tailor.data.duplicates import equality_keys, near_duplicate_clusters
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
        reasons: dict[str, str] = {}
        given = [c for c in frame.columns if c not in ("row_id", "source")]
        nothing = pl.all_horizontal(_is_empty(column) for column in given)
        for row_id in frame.filter(nothing)["row_id"]:
            reasons[row_id] = "every cell is empty"
        for column in self.chosen(columns):
            for row_id in frame.filter(_is_empty(column))["row_id"]:
                reasons.setdefault(row_id, f"'{column}' is empty")
        return drop(frame, reasons)


# What exports write for "nothing"; matched only as a whole cell. "NA" and "none" can be answers and are kept.
_NOTHING = ("", "-", "--", "n/a", "#n/a", "null", "nan", ".", "...", "?")


def _is_empty(column: str) -> pl.Expr:
    return pl.col(column).fill_null("").str.strip_chars().str.to_lowercase().is_in(_NOTHING)


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
            lengths = frame.select("row_id", n=pl.col(column).str.len_chars()).filter(
                pl.col("n") > self.max_characters
            )
            for row_id, length in lengths.rows():
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
        return tuple(self.columns) or columns.texts + columns.labels

    def survey(self, frame: pl.DataFrame, columns: Columns) -> pl.DataFrame:
        """row_id, whether it must stay, and a 128-bit mark of what the row says."""
        names = self.chosen(columns)
        if not names:
            return frame.clear().select("row_id")
        keys = equality_keys(frame, names)
        frozen = pl.col("source").is_in(columns.frozen_sources).alias("frozen")
        return frame.select("row_id", frozen, keys.hash(seed=1).alias("a"), keys.hash(seed=2).alias("b"))

    def decide(self, surveys: Sequence[pl.DataFrame]) -> dict[str, str]:
        """Why which rows go. Rows of a given test file come first and so are the ones that stay."""
        rows = pl.concat(surveys)
        if rows.width == 1:
            return {}
        rows = rows.sort(~pl.col("frozen"), maintain_order=True)
        rows = rows.with_columns(first=pl.col("row_id").first().over("a", "b"))
        copies = rows.filter((pl.col("row_id") != pl.col("first")) & ~pl.col("frozen"))
        return {
            row_id: f"says the same as {first}" for row_id, first in copies.select("row_id", "first").rows()
        }

    def apply(self, frame: pl.DataFrame, columns: Columns, decision: dict[str, str]) -> Outcome:
        return drop(frame, decision)


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

    def survey(self, frame: pl.DataFrame, columns: Columns) -> pl.DataFrame:
        """row_id, whether it must stay, its labels and its texts."""
        names = self.chosen(columns)
        frozen = pl.col("source").is_in(columns.frozen_sources).alias("frozen")
        labels = pl.concat_str(
            [pl.col(name).fill_null("") for name in columns.labels] or pl.lit(""), separator="\x1f"
        )
        texts = [pl.col(name).fill_null("").alias(f"text {place}") for place, name in enumerate(names)]
        return frame.select("row_id", frozen, labels.alias("labels"), *texts)

    def decide(self, surveys: Sequence[pl.DataFrame]) -> dict[str, str]:
        """Why which rows go. Rows of a given test file come first and so are the ones that stay."""
        reasons: dict[str, str] = {}
        rows = pl.concat(surveys).sort(~pl.col("frozen"), maintain_order=True)
        for group in rows.partition_by("labels", maintain_order=True):
            texts = [group[name].to_list() for name in group.columns[3:]]
            if group.height < 2 or not texts:
                continue
            ids, frozen = group["row_id"].to_list(), group["frozen"].to_list()
            for place, first in enumerate(near_duplicate_clusters(texts, self.threshold)):
                if first != place and not frozen[place]:
                    reasons[ids[place]] = f"nearly the same as {ids[first]}"
        return reasons

    def apply(self, frame: pl.DataFrame, columns: Columns, decision: dict[str, str]) -> Outcome:
        return drop(frame, decision)
