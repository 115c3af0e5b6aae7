"""The rows a person looks at while editing: as the last run left them, with the edits made since."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from tailor.data.cleaning.by_hand import KeepRows
from tailor.data.cleaning.operation import Columns, Operation
from tailor.data.cleaning.overview import after_edits
from tailor.data.cleaning.plan import choose_columns
from tailor.data.cleaning.wrangling import WRANGLING
from tailor.data.columns import Column, describe_columns
from tailor.data.profile import row_groups, sample_rows
from tailor.data.tables import read_table
from tailor.errors import WorkbenchError
from tailor.project import Project
from tailor.records import Cleaning

QUICK = (KeepRows, *WRANGLING)
"""Entries that are shown at once; all others wait for the next run."""


MOST_ROWS = 300_000
"""Rows that are held to be looked at; of a longer table this many are."""


@dataclass(frozen=True)
class View:
    """Rows to look at. Reads files and writes none.

    Attributes:
        rows: the rows that the last run kept; the raw ones where there was none.
        dropped: the rows it dropped, with operation, entry and reason.
        ran: the history it ran; empty where there was none.
        described: the columns of `rows`.
        total: rows of the table of which `rows` may be a sample; 0 for all.
    """

    rows: pl.DataFrame
    dropped: pl.DataFrame
    ran: tuple[Operation, ...]
    described: tuple[Column, ...]
    total: int = 0

    @classmethod
    def load(cls, project: Project) -> "View":
        """Read what the last run of 03 left, or else the raw rows.

        Raises:
            WorkbenchError: there are no raw rows yet, or a file is damaged.
        """
        from tailor.steps.clean_data import Settings

        try:
            record = project.load(Cleaning, "cleaning.json")
            rows, total = _look(project.path("clean.parquet"), "03_clean_data")
            dropped, _ = _look(project.path("dropped.parquet"), "03_clean_data")
            ran = tuple(Settings(**record.settings).operations)
        except WorkbenchError:  # not run yet, or by another version: the raw rows will do
            rows, total = _look(project.path("raw/rows.parquet"), "02_gather_data")
            dropped, ran = rows.clear().with_columns(operation=pl.lit(""), reason=pl.lit("")), ()
        return cls(rows, dropped, ran, tuple(describe_columns(rows)), total)

    @property
    def columns(self) -> Columns:
        return choose_columns(self.described)

    def now(self, history: Sequence[Operation]) -> pl.DataFrame:
        """The rows with the edits by hand that were made since the run."""
        return after_edits(
            self.rows, [entry for entry in self._new(history) if _is_quick(entry)], self.columns
        )

    def dropped_now(self, history: Sequence[Operation]) -> pl.DataFrame:
        """The dropped rows without those that the history brings back."""
        back = {row for entry in history if not entry.off for row in entry.protects()}
        return self.dropped.filter(~pl.col("row_id").is_in(list(back)))

    def told(self, history: Sequence[Operation]) -> str:
        """In a sentence or two, how far what is shown is what the history will give."""
        part = f"A sample of {self.total:,} rows. " if self.total > self.rows.height else ""
        return part + self._state(history)

    def _state(self, history: Sequence[Operation]) -> str:
        new = self._new(history)
        waiting = sum(not _is_quick(entry) and not entry.off for entry in new)
        edits = len(new) - waiting
        made = f", with {edits} edit{'s' if edits > 1 else ''} made here" if edits else ""
        if not self.ran:
            return (
                f"The raw rows{made}. What is edited here comes before the operations of the list; to edit what they "
                "leave, run the next cell first."
            )
        gone = [entry for entry in self.ran if entry not in history]
        order = [entry for entry in history if entry in self.ran]
        if waiting or len(gone) > _merged(gone, new) or order != [e for e in self.ran if e in history]:
            return "The rows of the last run. The list above was changed since: run the next cell to see what it gives."
        return f"The rows of the last run{made}."

    def place(self, history: Sequence[Operation]) -> int:
        """The number that an edit of the rows shown gets: behind everything that can be seen in them."""
        seen = [place for place, entry in enumerate(history, 1) if entry in self.ran or _is_quick(entry)]
        return max(seen, default=0) + 1

    def _new(self, history: Sequence[Operation]) -> list[Operation]:
        """What was added or changed since the run; a list of rows to keep that names none changes nothing."""
        return [entry for entry in history if entry not in self.ran and entry != KeepRows()]


def _look(path: Path, made_by: str) -> tuple[pl.DataFrame, int]:
    """A table, or an even sample of one that is too large to look at as a whole; and its number of rows."""
    total = sum(rows for _, _, rows in row_groups(path)) if path.exists() else 0
    return (sample_rows(path, MOST_ROWS) if total > MOST_ROWS else read_table(path, made_by)), total


def _is_quick(entry: Operation) -> bool:
    return isinstance(entry, QUICK)


def _merged(gone: Sequence[Operation], new: Sequence[Operation]) -> int:
    """How many of the entries that are gone have grown into new ones: more cells, more rows of the same kind."""
    kinds = [type(entry) for entry in new if isinstance(entry, QUICK)]
    return sum(type(entry) in kinds for entry in gone)
