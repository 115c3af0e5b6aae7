"""JSON Lines and JSON: top-level values become text columns, nested ones stay JSON text.

Python's own parser reads them: it raises an exception at deep nesting, where pyarrow's takes the process down. One
decoder is kept for all lines: `json.loads` with hooks makes a new one each time, which costs two thirds of the speed.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from tailor.data.readers.delimited import too_many_columns
from tailor.data.readers.file_bytes import byte_lines
from tailor.data.readers.found import (
    KEPT_CHARACTERS,
    PIECE_CHARACTERS,
    PIECE_ROWS,
    USUAL,
    ColumnNames,
    Limits,
    Options,
    Piece,
    Stream,
    Unreadable,
    list_some,
)
from tailor.data.readers.text import read_text, replace_surrogates, utf8_blocks
from tailor.errors import WorkbenchError


class _Number(str):
    """A number as it is spelled, in a file of which there is no second reading."""


class _Twice(ValueError):
    """A key that occurs twice in one object: one of its values would be lost without a word."""


def stream_json(path: Path, limits: Limits, options: Options = USUAL) -> Stream:
    """Read a file of one JSON object a line, or of one array of objects (also `{"name": [...]}`), piece by piece.

    An array is read whole, so it may not be larger than `limits.bytes`; lines may.

    Raises:
        WorkbenchError: empty, too large, nested too deep, too many keys, or not JSON at all.
    """
    encoding, blocks = utf8_blocks(path, limits, options.encoding)
    stream = Stream("jsonl", encoding=encoding.name, notes=encoding.notes)
    # a line of which a part had to be cut off is no JSON any more, and is set aside like any other
    lines = (
        (number, line.removesuffix(b"\n").decode("utf-8", "replace"))
        for number, line in enumerate(byte_lines(blocks), start=1)
    )
    first = next(((number, line) for number, line in lines if line.strip("\ufeff \t\r\n")), None)
    if first is None:
        raise WorkbenchError(
            f"{path.name} is empty", "at least one JSON object", "check the export that made the file"
        )
    rows = _Rows(path, limits, stream)
    second = next(((number, line) for number, line in lines if line.strip()), None)
    whole = _as_array(path, limits, options, first[1], second is None, stream.notes)
    if whole is not None:
        stream.format = "json"
        stream.pieces = _array_pieces(whole, rows)
    else:
        ahead = [first] + ([second] if second else [])
        stream.pieces = _line_pieces(path, limits, ahead, lines, rows)
    return stream


def _line_pieces(
    path: Path, limits: Limits, ahead: list[tuple[int, str]], lines: Iterator[tuple[int, str]], rows: "_Rows"
) -> Iterator[Piece]:
    read, first_bad = 0, None
    for number, line in (item for part in (ahead, lines) for item in part):
        if not line.strip():
            continue
        try:
            rows.add(number, _parse_row(line, limits), escaped="\\u" in line, size=len(line))
            read += 1
        except (ValueError, RecursionError) as error:
            rows.set_aside(number, _reason(error, limits), line)
            first_bad = first_bad or rows.unreadable[-1]
        if rows.full:
            yield rows.take()
    if not read:
        raise _nothing(path, first_bad)
    rows.finish()
    yield rows.take()


def _array_pieces(items: list[Any], rows: "_Rows") -> Iterator[Piece]:
    """The objects of an array. They were read under the budget; they are handed on in pieces all the same."""
    read, first_bad = 0, None
    for place, item in enumerate(items, start=1):
        try:
            if not isinstance(item, dict):
                raise ValueError(f"is {_kind(item)}, not an object")
            rows.add(place, _flat(item, _typed(item)), escaped=True, size=100)
            read += 1
        except ValueError as error:
            rows.set_aside(place, str(error), json.dumps(_typed(item)))
            first_bad = first_bad or rows.unreadable[-1]
        if rows.full:
            yield rows.take()
    if not read:
        raise _nothing(rows.path, first_bad)
    rows.finish()
    yield rows.take()


def _nothing(path: Path, first: Unreadable | None) -> WorkbenchError:
    why = f"; line {first.line}: {first.reason}" if first else ""
    return WorkbenchError(
        f"{path.name} has no row that can be read{why}",
        "one JSON object on each line, or an array of objects",
        "check the export that made the file",
    )


class _Rows:
    """Objects on their way into a piece: the union of their keys, in order of first appearance."""

    def __init__(self, path: Path, limits: Limits, stream: Stream) -> None:
        self.path = path
        self._limits = limits
        self._stream = stream
        self._names = ColumnNames()
        self._columns: dict[str, str] = {}  # key -> column
        self._replaced = self._nul = 0
        self._clear()

    def _clear(self) -> None:
        self._items: list[dict[str, str | None]] = []
        self._lines: list[int] = []
        self.unreadable: list[Unreadable] = []
        self._size = 0

    @property
    def full(self) -> bool:
        return len(self._items) + len(self.unreadable) >= PIECE_ROWS or self._size >= PIECE_CHARACTERS

    def add(self, line: int, item: dict[str, str | None], escaped: bool, size: int) -> None:
        """Take a row.

        Args:
            escaped: a `\\u` stands in it, so that its cells may hold NUL or half of a character pair.
        """
        for key in item:
            if key not in self._columns:
                self._columns[key] = self._names.add(replace_surrogates(key))
        if len(self._columns) > self._limits.columns:
            raise too_many_columns(self.path.name, len(self._columns), self._limits.columns)
        self._items.append({key: self._clean(cell) for key, cell in item.items()} if escaped else item)
        self._lines.append(line)
        self._size += size

    def _clean(self, cell: str | None) -> str | None:
        if not cell:
            return cell
        clean = replace_surrogates(cell)
        self._replaced += clean != cell
        self._nul += "\x00" in clean
        return clean.replace("\x00", "")

    def set_aside(self, line: int, reason: str, text: str) -> None:
        self.unreadable.append(Unreadable(line, reason, replace_surrogates(text[:KEPT_CHARACTERS])))

    def take(self) -> Piece:
        cells = {
            name: pl.Series(name, [item.get(key) for item in self._items], dtype=pl.String)
            for key, name in self._columns.items()
        }
        piece = Piece(pl.DataFrame(cells), pl.Series(self._lines, dtype=pl.Int64), self.unreadable)
        self._stream.columns = self._names.names
        self._clear()
        return piece

    def finish(self) -> None:
        """Say what was odd, once everything was seen."""
        if self._replaced:
            self._stream.notes.append(
                f"{self._replaced} cells hold half of a character pair (a lone surrogate); it shows as \ufffd"
            )
        if self._nul:
            self._stream.notes.append(f"NUL characters were removed from {self._nul} cells")
        self._stream.notes += self._names.notes


def _as_array(
    path: Path, limits: Limits, options: Options, first: str, alone: bool, notes: list[str]
) -> list[Any] | None:
    """The items of a JSON array, or None if the file is read line by line.

    Args:
        first: the first line that is not blank.
        alone: it is the only one.
        notes: told here is what stands beside the rows.
    """
    start = first.lstrip("\ufeff \t\r\n")
    wrapped = ".json" in path.suffixes and alone  # one object, perhaps with the rows in a list
    if start[0] not in "[{" or (start[0] == "{" and _parses(start) and not wrapped):
        return None
    if start[0] == "{" and not alone and path.stat().st_size > limits.bytes:
        return None  # too large to be one object: lines, the first of them broken
    text, _, _ = read_text(path, limits, options.encoding)
    try:
        _check_depth(text, limits)
        value = _ARRAY_DECODER.decode(text.lstrip("\ufeff"))
    except (ValueError, RecursionError) as error:
        if isinstance(error, RecursionError) or "nested" in str(error):
            raise WorkbenchError(
                f"{path.name} {_reason(error, limits)}",
                f"at most {limits.depth} levels",
                "export the data as one flat object a row",
            ) from None
        return None  # read line by line, so that the sound lines are kept and the broken ones told
    if not isinstance(value, (list, dict)):
        return None
    if isinstance(value, list):
        return value
    lists = [key for key, inside in value.items() if _is_rows(inside)]
    if len(lists) != 1:
        return [value]
    if len(value) > 1:
        others = list_some(f"'{key}'" for key in value if key != lists[0])
        notes.append(f"the rows stand in '{lists[0]}'; what stands beside it was not read: {others}")
    return value[lists[0]]


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(item, dict) for item in value)


def _parses(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _parse_row(line: str, limits: Limits) -> dict[str, str | None]:
    """One object as text cells. Numbers keep their spelling; a nested value is written again as JSON."""
    _check_depth(line, limits)
    row = _DECODER.decode(line)
    if not isinstance(row, dict):
        raise ValueError(f"is {_kind(row)}, not an object")
    if any(isinstance(value, (dict, list)) for value in row.values()):
        return _flat(row, json.loads(line))
    return {key: _text(value) for key, value in row.items()}


def _flat(row: dict, typed: dict, prefix: str = "") -> dict[str, str | None]:
    """Objects inside an object become columns with dotted names; lists stay JSON.

    Args:
        row: with numbers as they are spelled, for cells.
        typed: with numbers as numbers, for lists that are written as JSON again.
    """
    flat: dict[str, str | None] = {}
    for key, value in row.items():
        if isinstance(value, dict) and value:
            found = _flat(value, typed[key], f"{prefix}{key}.")
        else:
            found = {prefix + key: _text(typed[key] if isinstance(value, list) else value)}
        if twice := flat.keys() & found.keys():
            raise _Twice(f"has the key '{min(twice)}' twice, once as an object in an object")
        flat |= found
    return flat


def _check_depth(text: str, limits: Limits) -> None:
    """Refuse deep nesting by counting brackets, before any parser sees it. Brackets in strings only cost a look."""
    if text.count("[") + text.count("{") <= limits.depth:
        return
    depth, quoted, escaped = 0, False, False
    for character in text:
        if quoted:
            quoted = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            quoted = True
        elif character in "[{":
            depth += 1
            if depth > limits.depth:
                raise ValueError(f"is nested more than {limits.depth} levels deep")
        elif character in "]}":
            depth -= 1


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        raise _Twice(f"has the key '{next(n for n in names if names.count(n) > 1)}' twice")
    return values


def _decoder(number: type[str]) -> json.JSONDecoder:
    return json.JSONDecoder(
        object_pairs_hook=_pairs, parse_int=number, parse_float=number, parse_constant=number
    )


_DECODER, _ARRAY_DECODER = _decoder(str), _decoder(_Number)


def _typed(value: Any) -> Any:
    """A value with its numbers as numbers."""
    if isinstance(value, dict):
        return {key: _typed(inside) for key, inside in value.items()}
    if isinstance(value, list):
        return [_typed(inside) for inside in value]
    return json.loads(value) if isinstance(value, _Number) else value


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False)


def _kind(value: Any) -> str:
    kinds = {list: "a list", str: "a text or number", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")


def _reason(error: Exception, limits: Limits) -> str:
    if isinstance(error, RecursionError):
        return f"is nested more than {limits.depth} levels deep"
    if isinstance(error, json.JSONDecodeError):
        return f"is not valid JSON: {error.msg.removesuffix(' at')} at character {error.pos + 1}"
    return str(error)
