"""What every cleaning operation is, and the two shapes most of them have."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import polars as pl

CHANGES = {"row_id": pl.String, "column": pl.String, "before": pl.String, "after": pl.String}
REASONS = {"row_id": pl.String, "reason": pl.String}


@dataclass(frozen=True)
class Outcome:
    """What an operation made of a table.

    Attributes:
        frame: the rows that stay, in their order.
        dropped: the rows that went, as they were, with one more column `reason`.
        changes: row_id, column, before, after: one line for each cell that was changed.
        note: one sentence on what was decided, or "".
    """

    frame: pl.DataFrame
    dropped: pl.DataFrame
    changes: pl.DataFrame
    note: str = ""


class Operation(ABC):
    """One repair or one sieve. Its attributes are its settings; `apply` has no side effects.

    Attributes:
        name: as it stands in the record ("repair_encoding").
        title: for people ("Repair encoding").
        relax: what to change when it takes too much.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    relax: ClassVar[str] = ""

    @abstractmethod
    def apply(self, frame: pl.DataFrame) -> Outcome:
        """Work on rows of text (row_id, source, and the data's columns)."""


@dataclass(frozen=True)
class Repair(Operation):
    """An operation that rewrites cells and drops nothing."""

    columns: tuple[str, ...]

    @abstractmethod
    def repair(self, cells: pl.Series) -> pl.Series:
        """The cells of one column, mended. Nulls stay null."""

    def apply(self, frame: pl.DataFrame) -> Outcome:
        changes = []
        new = frame
        for column in self.columns:
            mended = self.repair(frame[column]).alias(column)
            # `!=` on missing cells gives missing, which filter takes for False
            touched = frame[column] != mended
            if touched.any():
                new = new.with_columns(mended)
                changes.append(
                    pl.DataFrame(
                        {
                            "row_id": frame["row_id"].filter(touched),
                            "column": [column] * int(touched.sum()),
                            "before": frame[column].filter(touched),
                            "after": mended.filter(touched),
                        },
                        schema=CHANGES,
                    )
                )
        return Outcome(new, no_rows(frame), pl.concat(changes) if changes else pl.DataFrame(schema=CHANGES))


def no_rows(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.clear().with_columns(pl.lit(None, pl.String).alias("reason"))


def drop(frame: pl.DataFrame, reasons: dict[str, str], note: str = "") -> Outcome:
    """Split a table into what stays and what goes.

    Args:
        reasons: row_id -> why the row goes.
    """
    gone = pl.DataFrame({"row_id": list(reasons), "reason": list(reasons.values())}, schema=REASONS)
    dropped = frame.join(gone, on="row_id", how="inner", maintain_order="left")
    kept = frame.join(gone, on="row_id", how="anti", maintain_order="left")
    return Outcome(kept, dropped, pl.DataFrame(schema=CHANGES), note)


def map_distinct(cells: pl.Series, gate: str, mend) -> pl.Series:
    """Apply a slow function only to the cells that match a cheap pattern (Rust regex), and once to equal ones."""
    hits = cells.str.contains(gate).fill_null(False)
    if not hits.any():
        return cells
    found = cells.filter(hits).unique(maintain_order=True).to_list()
    mended = {old: new for old in found if (new := mend(old)) != old}
    return cells.replace(mended) if mended else cells
