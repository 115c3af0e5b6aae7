"""CSV and its relatives: the delimiter found out, broken lines set aside with their numbers."""

import csv
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from tailor.data.readers.found import KEPT_CHARACTERS, Found, Limits, Unreadable, name_columns
from tailor.data.readers.text import decode, read_bytes
from tailor.errors import WorkbenchError

_DELIMITERS = (",", ";", "\t", "|")
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


def read_delimited(path: Path, limits: Limits, encoding: str = "", delimiter: str = "") -> Found:
    """Read a CSV file; every cell stays the text it is (`007`, `NA`).

    Raises:
        WorkbenchError: no rows, too large, or not in the encoding that was chosen.
    """
    text, encoding, notes = decode(read_bytes(path, limits.bytes), path, encoding)
    if "\x00" in text:
        notes.append(f"{text.count(chr(0)):,} NUL characters were removed")
        text = text.replace("\x00", "")
    lines = text.splitlines(keepends=True) if "\r" in text and "\n" not in text else _lines(text)
    delimiter = delimiter or find_delimiter(lines[:200])
    csv.field_size_limit(2**31 - 1)
    found = Found("csv", [], [], [], encoding=encoding, delimiter=delimiter, notes=notes)
    width = 0
    for number, cells in _records(lines, delimiter, found.unreadable):
        if not width:
            found.columns, renamed = name_columns(cells)
            found.notes += renamed
            width = len(cells)
        elif len(cells) != width:
            reason = f"has {len(cells)} cells where the header has {width}"
            found.unreadable.append(Unreadable(number, reason, delimiter.join(cells)[:KEPT_CHARACTERS]))
        else:
            found.rows.append(cells)
            found.lines.append(number)
    if not width:
        raise WorkbenchError(
            f"{path.name} is empty",
            "a header line and at least one row",
            "check the export that made the file",
        )
    return found


def _lines(text: str) -> list[str]:
    """Lines with their ends. Not str.splitlines: it also splits at form feeds and U+2028, which occur in cells."""
    lines = text.split("\n")
    ends = [line + "\n" for line in lines[:-1]]
    return [*ends, lines[-1]] if lines[-1] else ends


def _records(
    lines: list[str], delimiter: str, unreadable: list[Unreadable]
) -> Iterator[tuple[int, list[str]]]:
    """Yield (number of its first line, cells) for each row; after a broken line reading starts anew at the next."""
    start = 0
    while start < len(lines):
        reader = csv.reader(islice(lines, start, None), delimiter=delimiter, strict=True)
        offset, first = start, start
        try:
            for cells in reader:
                if cells:
                    yield first + 1, cells
                first = offset + reader.line_num
            return
        except csv.Error as error:
            unreadable.append(
                Unreadable(first + 1, _reason(error), lines[first][:KEPT_CHARACTERS].rstrip("\r\n"))
            )
            start = first + 1


def _reason(error: csv.Error) -> str:
    if "unexpected end" in str(error):
        return "a quotation mark opens here and never closes"
    if "expected after" in str(error):
        return "a quotation mark stands inside a cell without being doubled"
    return f"is not valid CSV ({error})"


def find_delimiter(lines: list[str]) -> str:
    """The candidate that cuts most rows into the same number of cells; comma when nothing cuts them.

    Quotation marks are respected, so that `"a, b";c` is two cells and not two others.
    """

    def score(delimiter: str) -> tuple[float, int]:
        widths = Counter(len(cells) for cells in csv.reader(lines, delimiter=delimiter) if cells)
        if not widths:
            return 0.0, 0
        header = next(len(cells) for cells in csv.reader(lines, delimiter=delimiter) if cells)
        share = widths[header] / widths.total()
        return (share if header > 1 else 0.0), header

    best = max(_DELIMITERS, key=score)
    return best if score(best)[0] > 0 else ","


def delimiter_name(delimiter: str | None) -> str:
    return _NAMES.get(delimiter or "", delimiter or "")
