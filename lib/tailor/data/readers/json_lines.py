"""JSON Lines and JSON: top-level values become text columns, nested ones stay JSON text.

Python's own parser reads them: it raises an exception at deep nesting, where pyarrow's takes the process down.
"""

import json
from pathlib import Path
from typing import Any

from tailor.data.readers.found import KEPT_CHARACTERS, Found, Limits, Unreadable, name_columns
from tailor.data.readers.text import decode, read_bytes, replace_surrogates
from tailor.errors import WorkbenchError


class _Twice(ValueError):
    """A key that occurs twice in one object: one of its values would be lost without a word."""


def read_json(path: Path, limits: Limits, encoding: str = "") -> Found:
    """Read a file of one JSON object a line, or of one array of objects (also `{"name": [...]}`).

    Raises:
        WorkbenchError: empty, too large, nested too deep, or not JSON at all.
    """
    text, encoding, notes = decode(read_bytes(path, limits.bytes), path, encoding)
    if not text.strip():
        raise WorkbenchError(
            f"{path.name} is empty", "at least one JSON object", "check the export that made the file"
        )
    whole = _as_array(text, path, limits)
    if whole is None:
        kind, objects, lines, unreadable = "jsonl", *_by_line(text, limits)
    else:
        kind, objects, lines, unreadable = "json", *whole
    if not objects and unreadable:
        first = unreadable[0]
        raise WorkbenchError(
            f"{path.name} has no row that can be read; line {first.line}: {first.reason}",
            "one JSON object on each line, or an array of objects",
            "check the export that made the file",
        )
    return _table(kind, objects, lines, unreadable, encoding, notes)


def _by_line(text: str, limits: Limits) -> tuple[list[dict], list[int], list[Unreadable]]:
    objects, lines, unreadable = [], [], []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            objects.append(_parse_row(line, limits))
            lines.append(number)
        except (ValueError, RecursionError) as error:
            unreadable.append(
                Unreadable(number, _reason(error, limits), replace_surrogates(line[:KEPT_CHARACTERS]))
            )
    return objects, lines, unreadable


def _as_array(text: str, path: Path, limits: Limits) -> tuple[list[dict], list[int], list[Unreadable]] | None:
    """The objects of a JSON array, or None if the file is read line by line."""
    start = text.lstrip("\ufeff \t\r\n")
    first_line, _, rest = start.partition("\n")
    wrapped = ".json" in path.suffixes and not rest.strip()  # one object, perhaps with the rows in a list
    if start[0] not in "[{" or (start[0] == "{" and _parses(first_line) and not wrapped):
        return None
    try:
        _check_depth(text, limits)
        value = json.loads(text, object_pairs_hook=_pairs, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        if isinstance(error, RecursionError) or "nested" in str(error):
            raise WorkbenchError(
                f"{path.name} {_reason(error, limits)}",
                f"at most {limits.depth} levels",
                "export the data as one flat object a row",
            ) from None
        return None  # read line by line, so that the sound lines are kept and the broken ones told
    lists = [value] if isinstance(value, list) else [v for v in value.values() if _is_rows(v)]
    items = lists[0] if len(lists) == 1 else [value]
    objects, lines, unreadable = [], [], []
    for place, item in enumerate(items, start=1):
        if isinstance(item, dict):
            objects.append(_flat(item, item))
            lines.append(place)
        else:
            shown = replace_surrogates(json.dumps(item)[:KEPT_CHARACTERS])
            unreadable.append(Unreadable(place, f"is {_kind(item)}, not an object", shown))
    return objects, lines, unreadable


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
    row = json.loads(line, object_pairs_hook=_pairs, parse_int=str, parse_float=str, parse_constant=str)
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
            flat |= _flat(value, typed[key], f"{prefix}{key}.")
        else:
            flat[prefix + key] = _text(typed[key] if isinstance(value, list) else value)
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
        return f"is not valid JSON: {error.msg} at character {error.pos + 1}"
    return str(error)


def _table(
    kind: str,
    objects: list[dict],
    lines: list[int],
    unreadable: list[Unreadable],
    encoding: str,
    notes: list[str],
) -> Found:
    """Rows from objects: the union of their keys, in order of first appearance."""
    keys = list(dict.fromkeys(key for item in objects for key in item))
    columns, renamed = name_columns(replace_surrogates(key) for key in keys)
    replaced = nul = 0
    rows = []
    for item in objects:
        row = []
        for key in keys:
            cell = item.get(key)
            if cell:
                clean = replace_surrogates(cell)
                replaced += clean != cell
                nul += "\x00" in clean
                cell = clean.replace("\x00", "")
            row.append(cell)
        rows.append(row)
    if replaced:
        notes.append(f"{replaced} cells hold half of a character pair (a lone surrogate); it shows as \ufffd")
    if nul:
        notes.append(f"NUL characters were removed from {nul} cells")
    return Found(kind, columns, rows, lines, unreadable, encoding=encoding, notes=notes + renamed)
