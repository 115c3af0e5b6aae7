"""What a reader returns: columns, rows as text, and the lines that could not be read with their reasons."""

from collections.abc import Iterable
from dataclasses import dataclass, field

KEPT_CHARACTERS = 2_000
"""How much of an unreadable line is shown beside its reason; the whole of it stays in the copy under raw/."""

OWN_COLUMNS = ("row_id", "source")
"""Columns that Tailor adds; a user's column of the same name is renamed."""


@dataclass(frozen=True)
class Limits:
    """How much is read.

    Attributes:
        bytes: of one file, unpacked.
        cell_characters: in one cell; a row with a longer one is set aside.
        depth: of nested JSON.
    """

    bytes: int = 1_000_000_000
    cell_characters: int = 1_000_000
    depth: int = 100


@dataclass(frozen=True)
class Unreadable:
    """A line set aside: its number (from 1), why, and its beginning."""

    line: int
    reason: str
    text: str


@dataclass
class Found:
    """A source as read.

    Attributes:
        columns: names, unique, none of them `row_id` or `source`.
        rows: one list of cells a row, as long as `columns`; None where the source has nothing.
        lines: the line (or, in Parquet and JSON arrays, the place) of each row, from 1.
    """

    format: str
    columns: list[str]
    rows: list[list[str | None]]
    lines: list[int]
    unreadable: list[Unreadable] = field(default_factory=list)
    encoding: str | None = None
    delimiter: str | None = None
    notes: list[str] = field(default_factory=list)


def name_columns(names: Iterable[object]) -> tuple[list[str], list[str]]:
    """Make column names usable: blanks trimmed, empty ones numbered, repeated and reserved ones renamed.

    Returns:
        The names, and a sentence for each one that was changed.
    """
    columns: list[str] = []
    notes: list[str] = []
    for place, given in enumerate(names, start=1):
        name = " ".join(str(given if given is not None else "").replace("\x00", "").split())
        wanted = name or f"column_{place}"
        if wanted in OWN_COLUMNS:
            wanted = f"{wanted}_given"
        new, count = wanted, 2
        while new in columns:
            new, count = f"{wanted}_{count}", count + 1
        if not name:
            notes.append(f"column {place} has no name; it is called '{new}'")
        elif new != name:
            why = "the name is Tailor's own" if name in OWN_COLUMNS else "the name occurs more than once"
            notes.append(f"column {place} '{name}' is called '{new}': {why}")
        columns.append(new)
    return columns, notes


def set_long_rows_aside(found: Found, limit: int) -> None:
    """Move rows with a cell of more than `limit` characters to `found.unreadable`."""
    kept_rows, kept_lines = [], []
    for row, line in zip(found.rows, found.lines, strict=True):
        long = next((i for i, cell in enumerate(row) if cell is not None and len(cell) > limit), None)
        if long is None:
            kept_rows.append(row)
            kept_lines.append(line)
            continue
        name, length = found.columns[long], len(row[long])
        reason = f"the cell in column '{name}' has {length:,} characters, over the limit of {limit:,}"
        found.unreadable.append(Unreadable(line, reason, row[long][:KEPT_CHARACTERS]))
    found.rows, found.lines = kept_rows, kept_lines
