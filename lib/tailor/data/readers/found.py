"""What a reader returns: pieces of text tables, the lines that could not be read with their reasons, and notes.

A source is read as a stream of pieces, so that a file larger than memory passes through; `Found` holds one whole.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

import polars as pl

KEPT_CHARACTERS = 2_000
"""How much of an unreadable line is shown beside its reason; the whole of it stays in the copy under raw/."""

OWN_COLUMNS = ("row_id", "source")
"""Columns that Tailor adds; a user's column of the same name is renamed."""

PIECE_ROWS, PIECE_CHARACTERS = 20_000, 16_000_000
"""A piece is handed on when it has one of these."""

LISTED = 12
"""How many line numbers or names a note spells out."""


@dataclass(frozen=True)
class Limits:
    """How much is read.

    Attributes:
        bytes: of one file, unpacked, where a format has to be read whole or a packed file unpacked.
        cell_characters: in one cell; a row with a longer one is set aside.
        depth: of nested JSON.
        columns: in one source.
        parts: in one e-mail.
        files: in one folder or archive.
    """

    bytes: int = 1_000_000_000
    cell_characters: int = 1_000_000
    depth: int = 100
    columns: int = 2_000
    parts: int = 200
    files: int = 100_000


@dataclass(frozen=True)
class Options:
    """How a source is read, where a person may choose; each default finds out by itself or takes the usual way.

    Attributes:
        encoding: of text files; "" to find it out.
        delimiter: of CSV files; "" to find it out.
        header: whether the first row of a CSV file names the columns.
        passages: what becomes one row of a document: the whole file, a section (or page), or a paragraph.
        code: what becomes one row of a program: the whole file, or each function.
        mail: query and reply as one row, or each message as one.
        own_addresses: addresses or domains of those who answer; () to find it out.
    """

    encoding: str = ""
    delimiter: str = ""
    header: Literal["auto", "yes", "no"] = "auto"
    passages: Literal["file", "section", "paragraph"] = "section"
    code: Literal["file", "function"] = "file"
    mail: Literal["pairs", "messages"] = "pairs"
    own_addresses: tuple[str, ...] = ()


USUAL = Options()


@dataclass(frozen=True)
class Unreadable:
    """Something set aside: its line (from 1; 0 for a whole file), why, and its beginning.

    Attributes:
        file: where the source is a folder, the file in it.
    """

    line: int
    reason: str
    text: str
    file: str = ""


@dataclass
class Piece:
    """Some rows of a source, in their order.

    Attributes:
        frame: every column as text.
        lines: the line (or, in Parquet and JSON arrays, the place) of each row, from 1.
        files: the file of each row, where the source is a folder.
    """

    frame: pl.DataFrame
    lines: pl.Series
    unreadable: list[Unreadable] = field(default_factory=list)
    files: list[str] | None = None


@dataclass
class Stream:
    """A source on its way. `notes` and `columns` are complete only after the last piece.

    Attributes:
        columns: names, unique, none of them `row_id` or `source`; a piece may lack some of them.
    """

    format: str
    pieces: Iterator[Piece] = field(default_factory=lambda: iter(()))
    columns: list[str] = field(default_factory=list)
    encoding: str | None = None
    delimiter: str | None = None
    notes: list[str] = field(default_factory=list)


@dataclass
class Found:
    """A source read whole.

    Attributes:
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


def collect(stream: Stream) -> Found:
    """Read a stream to its end."""
    pieces = list(stream.pieces)
    rows: list[list[str | None]] = []
    for piece in pieces:
        missing = [name for name in stream.columns if name not in piece.frame.columns]
        whole = piece.frame.with_columns(pl.lit(None, pl.String).alias(name) for name in missing)
        rows += [list(row) for row in whole.select(stream.columns).iter_rows()]
    return Found(
        format=stream.format,
        columns=stream.columns,
        rows=rows,
        lines=[line for piece in pieces for line in piece.lines],
        unreadable=[bad for piece in pieces for bad in piece.unreadable],
        encoding=stream.encoding,
        delimiter=stream.delimiter,
        notes=stream.notes,
    )


class Gathering:
    """Rows on their way into a piece."""

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self.rows: list[list[str | None]] = []
        self.lines: list[int] = []
        self.files: list[str] = []
        self.unreadable: list[Unreadable] = []
        self.characters = 0

    def add(self, line: int, cells: list[str | None], file: str = "") -> None:
        self.rows.append(cells)
        self.lines.append(line)
        self.files.append(file)
        self.characters += sum(len(cell) for cell in cells if cell)

    def set_aside(self, line: int, reason: str, text: str, file: str = "") -> None:
        self.unreadable.append(Unreadable(line, reason, text[:KEPT_CHARACTERS], file))

    @property
    def full(self) -> bool:
        return len(self.rows) + len(self.unreadable) >= PIECE_ROWS or self.characters >= PIECE_CHARACTERS

    @property
    def empty(self) -> bool:
        return not self.rows and not self.unreadable

    def take(self, columns: list[str]) -> Piece:
        """What has gathered, as a piece, and begin anew. Rows shorter than `columns` are filled up with nothing."""
        width = len(columns)
        rows = [row + [None] * (width - len(row)) for row in self.rows]
        frame = pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")
        files = self.files if any(self.files) else None
        piece = Piece(frame, pl.Series(self.lines, dtype=pl.Int64), self.unreadable, files)
        self._clear()
        return piece


class ColumnNames:
    """Makes column names usable: blanks trimmed, empty ones numbered, repeated and reserved ones renamed.

    Attributes:
        names: the names, in order.
        notes: a sentence for each one that was changed.
    """

    def __init__(self, given: Iterable[object] = ()) -> None:
        self.names: list[str] = []
        self.notes: list[str] = []
        self._taken: set[str] = set()
        self._next: dict[str, int] = {}
        for name in given:
            self.add(name)

    def add(self, given: object) -> str:
        place = len(self.names) + 1
        name = " ".join(str(given if given is not None else "").replace("\x00", "").split())
        wanted = name or f"column_{place}"
        if wanted in OWN_COLUMNS:
            wanted = f"{wanted}_given"
        new, count = wanted, self._next.get(wanted, 2)
        while new in self._taken:
            new, count = f"{wanted}_{count}", count + 1
        self._next[wanted] = count
        if not name:
            self.notes.append(f"column {place} has no name; it is called '{new}'")
        elif new != name:
            why = "the name is Tailor's own" if name in OWN_COLUMNS else "the name occurs more than once"
            self.notes.append(f"column {place} '{name}' is called '{new}': {why}")
        self.names.append(new)
        self._taken.add(new)
        return new


def list_some(items: Iterable[object], total: int | None = None) -> str:
    """The first of several numbers or names in words: "3, 5 and 9 more"."""
    given = [str(item) for item in items]
    total = len(given) if total is None else total
    shown = given[:LISTED]
    if total > len(shown):
        return f"{', '.join(shown)} and {total - len(shown):,} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def without_long_rows(piece: Piece, limit: int) -> Piece:
    """The piece with each row that has a cell of more than `limit` characters set aside."""
    # a character takes at least one byte: most pieces pass this cheap look
    lengths = piece.frame.select(pl.all().str.len_bytes().max())
    if not any(cells and cells > limit for cells in (lengths.row(0) if lengths.height else ())):
        return piece
    long = piece.frame.select(pl.all().str.len_chars().fill_null(0))
    keep = long.select(pl.all_horizontal(pl.all() <= limit)).to_series()
    for place in (~keep).arg_true():
        row, file = long.row(place), piece.files[place] if piece.files else ""
        at = next(i for i, length in enumerate(row) if length > limit)
        reason = (
            f"the cell in column '{long.columns[at]}' has {row[at]:,} characters, over the limit of {limit:,}"
        )
        text = piece.frame.item(place, at)[:KEPT_CHARACTERS]
        piece.unreadable.append(Unreadable(piece.lines[place], reason, text, file))
    files = [file for file, kept in zip(piece.files, keep, strict=True) if kept] if piece.files else None
    return Piece(piece.frame.filter(keep), piece.lines.filter(keep), piece.unreadable, files)
