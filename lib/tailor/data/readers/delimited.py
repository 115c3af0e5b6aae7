"""CSV and its relatives: delimiter and header found out, broken lines set aside with their numbers.

Blocks of sound lines take a fast way (`delimited_blocks`), all others go through Python's own csv module; a test
holds both to the same result on every kind of odd file.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tailor.data.readers.delimited_blocks import parse_block
from tailor.data.readers.found import USUAL, ColumnNames, Gathering, Limits, Options, Piece, Stream
from tailor.data.readers.text import utf8_blocks
from tailor.errors import WorkbenchError

BLOCK = 1 << 20
WINDOW = 1 << 26
"""A quotation mark that has not closed within so many bytes is taken for a stray one."""
LONGEST_LINE = 4 * WINDOW

_DELIMITERS = (",", ";", "\t", "|")
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_SEP_LINE = re.compile(r'\ufeff?"?sep=([^\w\s"]|\t)"?\r?', re.IGNORECASE)
"""The first line by which Excel is told the delimiter."""
_SAMPLE_LINES, _SAMPLE_BYTES = 200, 1_000_000


def stream_delimited(path: Path, limits: Limits, options: Options = USUAL, fast: bool = True) -> Stream:
    """Read a CSV file piece by piece; every cell stays the text it is (`007`, `NA`).

    Args:
        fast: whether sound blocks may take the fast way; only a test says no.

    Raises:
        WorkbenchError: no rows, too many columns, or not in the encoding that was chosen.
    """
    encoding, blocks = utf8_blocks(path, limits, options.encoding)
    feed = _Feed(path, blocks)
    sample = feed.peek()
    told = _SEP_LINE.fullmatch(sample[0])
    if told:
        feed.line()
        sample = sample[1:]
    delimiter = options.delimiter or (told[1] if told else find_delimiter(sample))
    stream = Stream("csv", encoding=encoding.name, delimiter=delimiter, notes=encoding.notes)
    stream.pieces = _pieces(path, limits, options, feed, stream, sample, fast)
    return stream


class _Feed:
    """UTF-8 text as blocks or line by line; a record that turns out broken is given back from its second line on.

    Attributes:
        position: bytes before the next line.
        number: of the next line, from 1.
        nul: NUL characters removed.
    """

    def __init__(self, path: Path, blocks: Iterator[bytes]) -> None:
        self._path = path
        self._blocks = blocks
        self._buffer = b""
        self._base = 0  # position of the buffer's first byte
        self._at = 0  # of the next line, in the buffer
        self._start, self.start_number = 0, 1  # of the record being read
        self.number = 1
        self.nul = 0

    @property
    def position(self) -> int:
        return self._base + self._at

    def _more(self) -> bool:
        """Append a block, forgetting what lies before the record being read."""
        if len(self._buffer) - self._at > LONGEST_LINE:
            raise WorkbenchError(
                f"{self._path.name}, line {self.number}, is longer than {LONGEST_LINE:,} bytes",
                "a file of lines",
                "check the export that made the file",
            )
        block = next(self._blocks, None)
        if block is None:
            return False
        if zeros := block.count(0):
            self.nul += zeros
            block = block.replace(b"\x00", b"")
        self._buffer = self._buffer[self._start :] + block
        self._base, self._at, self._start = self._base + self._start, self._at - self._start, 0
        return True

    def peek(self) -> list[str]:
        """The first lines, left where they are."""
        while (
            len(self._buffer) < _SAMPLE_BYTES and self._buffer.count(b"\n") < _SAMPLE_LINES and self._more()
        ):
            pass
        return self._buffer[:_SAMPLE_BYTES].decode("utf-8", "replace").split("\n")[:_SAMPLE_LINES]

    def block(self) -> bytes:
        """About a megabyte from the next line on, left where it is; b"" at the end."""
        self.mark()
        while len(self._buffer) - self._at < BLOCK and self._more():
            pass
        return self._buffer[self._at : self._at + BLOCK]

    def skip(self, size: int, lines: int) -> None:
        """Go on behind a block that was read."""
        self._at += size
        self.number += lines

    def line(self) -> str:
        """The next line with its end; "" at the end.

        Raises:
            csv.Error: the record has grown beyond the window.
        """
        end = self._buffer.find(b"\n", self._at)
        while end < 0:
            searched = len(self._buffer) - self._start
            if not self._more():
                end = len(self._buffer) - 1
                break
            end = self._buffer.find(b"\n", searched)
        if end + 1 - self._start > WINDOW and self.number > self.start_number:
            raise csv.Error("window")
        line = self._buffer[self._at : end + 1].decode("utf-8")
        self.number += bool(line)
        self._at = end + 1
        return line

    def mark(self) -> None:
        """A record begins here."""
        self._start, self.start_number = self._at, self.number

    def retry(self) -> str:
        """Go back to the second line of the record; returns its first line."""
        end = self._buffer.find(b"\n", self._start) + 1 or len(self._buffer)
        line = self._buffer[self._start : end].decode("utf-8")
        self._at, self.number = end, self.start_number + 1
        return line


def _pieces(
    path: Path, limits: Limits, options: Options, feed: _Feed, stream: Stream, sample: list[str], fast: bool
) -> Iterator[Piece]:
    found = Gathering()
    first = next(_records(feed, stream.delimiter, found), None)
    if first is None:
        raise WorkbenchError(
            f"{path.name} is empty",
            "a header line and at least one row",
            "check the export that made the file",
        )
    number, cells = first
    if _name_columns(path, cells, limits, options, stream, sample):
        found.add(number, cells)
    while block := feed.block():
        read = parse_block(block, stream.delimiter, stream.columns) if fast else None
        if read is None:
            for number, cells in _records(feed, stream.delimiter, found, feed.position + len(block)):
                _add(found, number, cells, stream)
                if found.full:
                    yield found.take(stream.columns)
            continue
        if not found.empty:
            yield found.take(stream.columns)
        yield Piece(read.frame, read.lines + (feed.number - 1))
        feed.skip(read.bytes, read.newlines)
    if feed.nul:
        stream.notes.append(f"{feed.nul:,} NUL characters were removed")
    yield found.take(stream.columns)


def _add(found: Gathering, number: int, cells: list[str], stream: Stream) -> None:
    width = len(stream.columns)
    if len(cells) == width:
        found.add(number, cells)
    else:
        reason = f"has {len(cells):,} cells where the header has {width:,}"
        found.set_aside(number, reason, stream.delimiter.join(cells))


def _records(
    feed: _Feed, delimiter: str, found: Gathering, until: float = float("inf")
) -> Iterator[tuple[int, list[str]]]:
    """Yield (number of its first line, cells) for each row that begins before `until`, a position.

    A broken line is set aside, and reading starts anew at the next.
    """
    csv.field_size_limit(2**31 - 1)
    while feed.position < until:
        feed.mark()
        reader = csv.reader(iter(feed.line, ""), delimiter=delimiter, strict=True)
        try:
            for cells in reader:
                number = feed.start_number
                feed.mark()
                if cells:
                    yield number, cells
                if feed.position >= until:
                    return
            return
        except csv.Error as error:
            number = feed.start_number
            found.set_aside(number, _reason(error), feed.retry().rstrip("\r\n"))


def _reason(error: csv.Error) -> str:
    if "unexpected end" in str(error):
        return "a quotation mark opens here and never closes"
    if str(error) == "window":
        return f"a quotation mark opens here and does not close within {WINDOW >> 20} MB"
    if "expected after" in str(error):
        return "a quotation mark stands inside a cell without being doubled"
    return f"is not valid CSV ({error})"


def _name_columns(
    path: Path, cells: list[str], limits: Limits, options: Options, stream: Stream, sample: list[str]
) -> bool:
    """Name the columns from the first row, or number them. Returns whether the first row is data."""
    if len(cells) > limits.columns:
        raise too_many_columns(path.name, len(cells), limits.columns)
    again = _recurring(cells, _rows(sample, stream.delimiter)) if options.header == "auto" else ""
    if options.header == "no" or again:
        stream.columns = [f"column_{place}" for place in range(1, len(cells) + 1)]
        if again:
            stream.notes.append(
                f"the file has no column names: its first row is data, since '{again}' occurs again below; the "
                f"columns are called column_1 to column_{len(cells)} (02_gather_data.header says otherwise)"
            )
        return True
    names = ColumnNames(cells)
    stream.columns = names.names
    stream.notes += names.notes
    return False


def too_many_columns(name: str, columns: int, limit: int) -> WorkbenchError:
    return WorkbenchError(
        f"{name} has {columns:,} columns",
        f"at most {limit:,} columns",
        "export only the columns that say something, or raise 02_gather_data.max_columns",
    )


def _recurring(first: list[str], rows: list[list[str]]) -> str:
    """A cell of the first row that stands again in its own column: a value then, and no column's name."""
    others = [row for row in rows if row != first]
    for place, cell in enumerate(first):
        if cell.strip() and any(len(row) > place and row[place] == cell for row in others):
            return cell[:40]
    return ""


def find_delimiter(lines: list[str]) -> str:
    """The candidate that cuts most rows into the same number of cells; comma when nothing cuts them.

    Quotation marks are respected, so that `"a, b";c` is two cells and not two others.
    """
    best = max(_DELIMITERS, key=lambda delimiter: _evenness(lines, delimiter))
    return best if _evenness(lines, best)[0] > 0 else ","


def looks_delimited(lines: list[str]) -> bool:
    """Whether lines of a file with no telling name are a table: nearly all cut into the same number of cells.

    Running text has commas and semicolons too, and as a rule a blank after each.
    """
    delimiter = find_delimiter(lines)
    share, _ = _evenness(lines, delimiter)
    text = "\n".join(lines)
    prose = text.count(f"{delimiter} ") > 0.5 * text.count(delimiter)
    return len(_rows(lines, delimiter)) >= 3 and share >= 0.9 and not prose


def _evenness(lines: list[str], delimiter: str) -> tuple[float, int]:
    """The share of rows that are as wide as the first, and that width; 0 for one column."""
    widths = [len(row) for row in _rows(lines, delimiter)]
    if not widths or widths[0] == 1:
        return 0.0, 1
    return Counter(widths)[widths[0]] / len(widths), widths[0]


def _rows(lines: list[str], delimiter: str) -> list[list[str]]:
    """Some lines as rows, as far as they can be read."""
    rows = []
    with suppress(csv.Error):
        for row in csv.reader(lines, delimiter=delimiter):
            if row:
                rows.append(row)
    return rows


def delimiter_name(delimiter: str | None) -> str:
    return _NAMES.get(delimiter or "", delimiter or "")
