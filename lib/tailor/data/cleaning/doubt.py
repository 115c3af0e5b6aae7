"""Rows in doubt: kept with the reason beside them, or dropped with it; and the sample from which doubt is learned."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal
from zlib import crc32

import numpy as np
import polars as pl

from tailor.blocks import Block, Table
from tailor.data.cleaning.operation import REASON, Columns, Operation, Outcome, drop, rewrite
from tailor.settings import setting

DOUBT = "doubt"
"""The column, left of the data's own, that says what is doubtful about a row; a facet shows the rows by it."""
SAMPLE = 20_000
"""Rows from which a model of what is usual is learned."""
FOLDS = 5


class Suspicion(Operation):
    """An operation that finds rows which are probably wrong, and may be wrong about them."""

    action: Literal["mark", "drop"] = setting(
        "mark",
        "'mark' keeps the row and writes the reason into a column 'doubt', to be looked at by a person; 'drop' takes "
        "it out, with the reason.",
    )

    def settle(self, frame: pl.DataFrame, reasons: Mapping[str, str], note: str = "") -> Outcome:
        """Mark or drop rows.

        Args:
            reasons: row_id -> what is doubtful. A row that is marked already gets this one besides.
        """
        if self.action == "drop":
            return drop(frame, dict(reasons), note)
        if DOUBT not in frame.columns:
            frame = frame.clone().insert_column(
                frame.columns.index("source") + 1, pl.lit(None, pl.String).alias(DOUBT)
            )
        told = [_also(old, reasons.get(row_id)) for row_id, old in frame.select("row_id", DOUBT).rows()]
        return rewrite(frame, [pl.Series(DOUBT, told, dtype=pl.String)], note)

    def preview(self, frame: pl.DataFrame, columns: Columns) -> list[Block]:
        """How many rows it would find, and some of them with the reason."""
        found = self.model_copy(update={"action": "drop"}).run_alone(frame, columns).dropped
        caption = f"{found.height:,} of {frame.height:,} rows are found with these settings"
        return [Table(("row", "reason"), found.select("row_id", REASON).head(20).rows(), caption)]

    def columns_after(self, columns: Columns, decision: Any = None) -> Columns:
        if self.action == "drop" or DOUBT in columns.names:
            return columns
        return replace(columns, names=(DOUBT, *columns.names))


def _also(old: str | None, new: str | None) -> str | None:
    return f"{old}; {new}" if old and new else old or new


class LearnedSuspicion(Suspicion):
    """A suspicion that first learns from the rows what is usual.

    It learns from at most SAMPLE rows, those whose ids have the lowest checksums, which is a random choice that does
    not depend on how the table was cut. The sample is dealt into FOLDS parts, and a model is learned without each: a
    row is judged by the model that has not seen it, for a model finds nothing odd in what it was taught.
    """

    scope: ClassVar[Literal["row", "table"]] = "table"

    def survey(self, frame: pl.DataFrame, columns: Columns) -> pl.DataFrame:
        """The chunk's part of the sample: row_id and the columns that the models need."""
        return lowest(frame.select("row_id", *self.chosen(columns)))


def marks(ids: pl.Series) -> np.ndarray:
    """A checksum for each row id, the same on every machine: [rows] uint32."""
    return np.fromiter((crc32(row_id.encode()) for row_id in ids), dtype=np.uint32, count=len(ids))


def folds(ids: pl.Series) -> np.ndarray:
    """Which part a row belongs to, 0 to FOLDS - 1. The low digits: the high ones chose the sample."""
    return marks(ids) % FOLDS


def lowest(frame: pl.DataFrame, most: int = SAMPLE) -> pl.DataFrame:
    """At most `most` rows, drawn by their ids' checksums, in that order."""
    ordered = frame.with_columns(pl.Series("cleaning:mark", marks(frame["row_id"])))
    return ordered.sort("cleaning:mark", "row_id").head(most).drop("cleaning:mark")


def pooled(surveys: Sequence[pl.DataFrame], most: int = SAMPLE) -> pl.DataFrame:
    """The sample of the whole table from those of its chunks."""
    found = lowest(surveys[0], most)
    for survey in list(surveys)[1:]:
        found = lowest(pl.concat([found, survey]), most)
    return found
