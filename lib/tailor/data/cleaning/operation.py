"""What every cleaning operation is, and the shape most of them have.

An operation is its settings: a frozen model whose fields make its form, its help and its line in the history. It works
in three parts, so that a table larger than memory, or cut into pieces for several workers, comes out the same:

    surveys  = [operation.survey(chunk, columns) for chunk in chunks]     # small; skipped by row operations
    decision = operation.decide(surveys)                                  # once, over all chunks in their order
    outcomes = [operation.apply(chunk, columns, decision) for chunk in chunks]

Rows keep their order. Whatever an operation decides must not depend on where one chunk ends and the next begins; an
operation that decides from one row alone (`scope = "row"`) has nothing to survey.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

import numpy as np
import polars as pl
from pydantic import SerializationInfo, SerializerFunctionWrapHandler, model_serializer

from tailor.blocks import Block
from tailor.settings import Settings, setting

CHANGES = {"row_id": pl.String, "column": pl.String, "before": pl.String, "after": pl.String}
REASON = "cleaning:reason"
"""The column of `Outcome.dropped` that says why; a name no table of a person's has."""


@dataclass(frozen=True)
class Columns:
    """What the operations know of the table as a whole. Found once, from the raw rows.

    Attributes:
        names: every column of the data, in order, without row_id and source.
        texts: running text.
        labels: few short values that are to be learned.
        whole: conversations and lists: compared with all they hold, never edited as text (`whole_columns`).
        required: what a usable row must fill.
        coded: everything but times, numbers and empty columns: where text can be damaged or personal.
        frozen_sources: sources whose rows are a given test set: of two copies theirs stays.
    """

    names: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    coded: tuple[str, ...] = ()
    frozen_sources: tuple[str, ...] = ()

    def renamed(self, names: dict[str, str]) -> "Columns":
        """With columns under their new names, in every group they belong to."""
        return self._each(lambda group: tuple(names.get(name, name) for name in group))

    def without(self, gone: Sequence[str]) -> "Columns":
        return self._each(lambda group: tuple(name for name in group if name not in gone))

    def with_new(self, made: Sequence[str], like: str) -> "Columns":
        """With columns made from column `like`: right of it, and in every group that it belongs to."""
        new = tuple(made)

        def beside(group: tuple[str, ...]) -> tuple[str, ...]:
            place = group.index(like) + 1 if like in group else None
            return group if place is None else group[:place] + new + group[place:]

        return self._each(beside)

    def _each(self, change: Any) -> "Columns":
        groups = ("names", "texts", "labels", "whole", "required", "coded")
        return replace(self, **{group: change(getattr(self, group)) for group in groups})


@dataclass(frozen=True)
class Outcome:
    """What an operation made of a table, or of one chunk of it.

    Attributes:
        frame: the rows that stay, in their order.
        dropped: the rows that went, as they were, with one more column, REASON.
        changes: row_id, column, before, after: one line for each cell that was changed.
        note: one sentence on what was decided, or "". The same from every chunk.
        found: column -> kind -> how often it was found in this chunk, where that is told.
        only_dropped: the rows that stay are as they were, cell for cell.
    """

    frame: pl.DataFrame
    dropped: pl.DataFrame
    changes: pl.DataFrame
    note: str = ""
    found: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    only_dropped: bool = False


class Operation(Settings, ABC):
    """One entry of the cleaning history: a repair, a sieve, or an edit by hand. `apply` has no side effects.

    In YAML and JSON it is `{operation: <name>, off: false, <its settings>}`. A class adds its settings with
    `setting(...)` and a line in `tailor.data.cleaning.plan.OPERATIONS`.

    Attributes:
        name: as it stands in the history ("repair_encoding").
        title: for people ("Repair encoding damage").
        relax: what to change when it takes too many rows.
        warning: when it harms, in one plain sentence, or "".
        scope: "row" decides from one row alone; "table" must have seen every row (survey, decide).
        acts_on: the group of Columns it works on where `columns` names none.
        names_rows: its settings name rows of this very table, so it means nothing on other data.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    relax: ClassVar[str] = ""
    warning: ClassVar[str] = ""
    scope: ClassVar[Literal["row", "table"]] = "row"
    acts_on: ClassVar[Literal["names", "texts", "labels", "required", "coded"]] = "texts"
    names_rows: ClassVar[bool] = False

    off: bool = setting(False, "Leave this operation out; it keeps its place in the list.", advanced=True)
    columns: list[str] = setting(
        [],
        "Columns to work on. Empty: those that it is made for, found out from their contents.",
        advanced=True,
    )

    def chosen(self, columns: Columns) -> tuple[str, ...]:
        """The columns to work on."""
        return tuple(self.columns) or getattr(columns, self.acts_on)

    def named_columns(self) -> tuple[str, ...]:
        """The columns that the settings name; they must be there when the operation's turn comes."""
        return tuple(self.columns)

    def in_words(self) -> str:
        """What this very entry does, shortly, where its settings would not read well; else ""."""
        return ""

    def protects(self) -> tuple[str, ...]:
        """Ids of rows that no later operation drops."""
        return ()

    def survey(self, frame: pl.DataFrame, columns: Columns) -> Any:
        """A small summary of one chunk, for `decide`. It travels between processes."""
        return None

    def decide(self, surveys: Sequence[Any]) -> Any:
        """What to do, from the summaries of all chunks in their order."""
        return None

    def aside(self, decision: Any) -> Any:
        """What of a decision may stand in no file of the project, such as whose stand-in is which; None for nothing."""
        return None

    @abstractmethod
    def apply(self, frame: pl.DataFrame, columns: Columns, decision: Any = None) -> Outcome:
        """Work on rows of text (row_id, source, and the data's columns)."""

    def columns_after(self, columns: Columns, decision: Any = None) -> Columns:
        """What is known of the columns afterwards; differs where the operation renames, adds or removes some."""
        return columns

    def preview(self, frame: pl.DataFrame, columns: Columns) -> list[Block]:
        """Statistics to look at before a threshold is chosen. Quick on 20,000 rows; writes nothing."""
        return []

    @model_serializer(mode="wrap")
    def _as_entry(self, write: SerializerFunctionWrapHandler, info: SerializationInfo) -> dict[str, Any]:
        values = write(self)
        if info.exclude_defaults:
            fields = type(self).model_fields
            values = {
                name: value
                for name, value in values.items()
                if getattr(self, name) != fields[name].get_default(call_default_factory=True)
            }
        return {"operation": self.name, **values}

    def run_alone(self, frame: pl.DataFrame, columns: Columns) -> Outcome:
        """Survey, decide and apply on one whole table."""
        decision = self.decide([self.survey(frame, columns)]) if self.scope == "table" else None
        return self.apply(frame, columns, decision)


class Repair(Operation):
    """An operation that rewrites cells and drops nothing.

    Attributes:
        by_cell: what becomes of a cell depends on nothing but the cell, not even on its column.
    """

    by_cell: ClassVar[bool] = False

    @abstractmethod
    def repair(self, cells: pl.Series, columns: Columns, decision: Any = None) -> pl.Series:
        """The cells of one column (its name is `cells.name`), mended. Nulls stay null."""

    def apply(self, frame: pl.DataFrame, columns: Columns, decision: Any = None) -> Outcome:
        names = self.chosen(columns)
        if self.by_cell and len(names) > _WIDE:
            return rewrite(frame, self._stacked(frame, names, columns, decision))
        mended = [self.repair(frame[name], columns, decision).alias(name) for name in names]
        return rewrite(frame, mended)

    def _stacked(
        self, frame: pl.DataFrame, names: Sequence[str], columns: Columns, decision: Any
    ) -> list[pl.Series]:
        """The columns in which something was mended, all mended as one: 100,000 columns one by one take minutes."""
        cells = pl.concat(frame.select(names).get_columns())
        after = self.repair(cells, columns, decision)
        touched = pl.arg_where(cells.ne_missing(after), eager=True) // max(1, frame.height)
        rows = frame.height
        return [after.slice(place * rows, rows).alias(names[place]) for place in touched.unique().sort()]


_WIDE = 100
"""Columns from which their cells are stacked."""


def rewrite(frame: pl.DataFrame, columns: Sequence[pl.Series], note: str = "") -> Outcome:
    """The outcome of putting new cells in the place of old ones, told cell by cell."""
    changes = [pl.DataFrame(schema=CHANGES)]
    changed = []
    for after in columns:
        before = frame[after.name]
        touched = before.ne_missing(after)
        if touched.any():
            changed.append(after)
            cells = {"row_id": frame["row_id"], "before": before, "after": after}
            told = pl.DataFrame({key: cell.filter(touched) for key, cell in cells.items()})
            changes.append(told.with_columns(column=pl.lit(after.name)).select(*CHANGES))
    return Outcome(frame.with_columns(changed), no_rows(frame), pl.concat(changes), note)


def no_rows(frame: pl.DataFrame) -> pl.DataFrame:
    """An empty `Outcome.dropped`."""
    return frame.clear().with_columns(pl.lit(None, pl.String).alias(REASON))


def drop(frame: pl.DataFrame, reasons: dict[str, str] | pl.DataFrame, note: str = "") -> Outcome:
    """Split a table into what stays and what goes.

    Args:
        reasons: row_id -> why the row goes, or the same as a table (row_id, REASON), which is less to carry.
    """
    gone = reasons
    if isinstance(reasons, dict):
        schema = {"row_id": pl.String, REASON: pl.String}
        gone = pl.DataFrame({"row_id": list(reasons), REASON: list(reasons.values())}, schema=schema)
    if not gone.height:
        return Outcome(frame, no_rows(frame), pl.DataFrame(schema=CHANGES), note, only_dropped=True)
    dropped = frame.join(gone, on="row_id", how="inner", maintain_order="left")
    kept = frame.join(gone, on="row_id", how="anti", maintain_order="left")
    return Outcome(kept, dropped, pl.DataFrame(schema=CHANGES), note, only_dropped=True)


def map_distinct(
    cells: pl.Series, gate: str, mend: Callable[[str], str], among: pl.Series | None = None
) -> pl.Series:
    """Apply a slow function only to the cells that match a cheap pattern (Rust regex), and once to equal ones.

    Args:
        among: where a still cheaper test than the pattern found anything at all; everywhere if not given.
    """
    places = pl.arg_where(cells.is_not_null() if among is None else among, eager=True)
    found = cells.gather(places)
    hits = found.str.contains(gate).fill_null(False)
    distinct = found.filter(hits).unique(maintain_order=True)
    mended = {old: new for old in distinct if (new := mend(old)) != old}
    changed = found.is_in(list(mended)) if mended else pl.Series([False])
    if not changed.any():
        return cells
    return put_back(cells, places.filter(changed), found.filter(changed).replace_strict(mended))


def put_back(cells: pl.Series, places: pl.Series, new: pl.Series) -> pl.Series:
    """The cells with new ones at some places. Only references move, whatever the length of the texts."""
    order = np.arange(len(cells))
    order[places.to_numpy()] = len(cells) + np.arange(len(new))
    return pl.concat([cells, new.alias(cells.name)]).gather(order)


def beyond_ascii(cells: pl.Series) -> pl.Series:
    """Where a cell holds anything but ASCII; False for null."""
    return (cells.str.len_bytes() != cells.str.len_chars()).fill_null(False)
