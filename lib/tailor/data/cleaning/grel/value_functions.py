"""GREL's functions on arrays, numbers and truth values, and on values of any kind."""

import math
from collections.abc import Callable
from typing import Any

from tailor.data.cleaning.grel.registry import WRONG, function, items_of
from tailor.data.cleaning.grel.values import EvalError, Json, cut, is_number, text_of, units, unwrap


@function("type", 1, 1)
def type_of(value: Any) -> str:
    if value is None:
        return "undefined"
    if isinstance(value, bool):
        return "boolean"
    if is_number(value):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


@function("length", 1, 1)
def length(value: Any) -> Any:
    items = items_of(value)
    if items is not None:
        return len(items)
    return WRONG if value is None else units(text_of(value))


def _bounds(size: int, start: Any, end: Any) -> tuple[int, int]:
    start = int(start) + (size if int(start) < 0 else 0)
    start = min(size, max(0, start))
    end = size if end is None else int(end) + (size if int(end) < 0 else 0)
    return start, min(size, max(start, end))


@function("get", 2, 3, otherwise=None)
def get(value: Any, start: Any, end: Any = None) -> Any:
    if isinstance(start, str):
        if hasattr(value, "field"):
            return value.field(start)
        return (
            unwrap(value.items.get(start))
            if isinstance(value, Json) and hasattr(value.items, "get")
            else None
        )
    if value is None or not is_number(start) or not (end is None or is_number(end)):
        return None
    items = items_of(value)
    size = units(text_of(value)) if items is None else len(items)
    first, last = _bounds(size, start, end)
    if items is None:
        if end is None and first == size:
            return EvalError("get: beyond the end of the text")
        return cut(text_of(value), first, first + 1 if end is None else last)
    if end is None:
        return unwrap(items[first]) if first < size else EvalError("get: beyond the end of the array")
    return [unwrap(item) for item in items[first:last]] or None


def _slice(value: Any, start: Any, end: Any = None) -> Any:
    if value is None or not is_number(start) or not (end is None or is_number(end)):
        return None
    items = items_of(value)
    size = units(text_of(value)) if items is None else len(items)
    first, last = _bounds(size, start, end)
    return cut(text_of(value), first, last) if items is None else [unwrap(item) for item in items[first:last]]


function("slice", 2, 3, otherwise=None)(_slice)


function("substring", 2, 3, otherwise=None)(_slice)


@function("hasField", 2, 2)
def has_field(value: Any, name: Any) -> bool:
    if isinstance(value, Json) and isinstance(value.items, dict):
        return name in value.items
    return hasattr(value, "field") and value.has(name)


@function("join", 2, 2)
def join(value: Any, separator: Any) -> Any:
    items = items_of(value)
    if items is None or not isinstance(separator, str):
        return WRONG
    out = ""
    for item in items:
        if item is not None:
            out += (separator if out else "") + text_of(unwrap(item))
    return out


@function("reverse", 1, 1)
def reverse(value: Any) -> Any:
    items = items_of(value)
    if items is not None:
        return items[::-1]
    return text_of(value)[::-1] if value is not None else WRONG


@function("sort", 1, 1)
def sort(value: Any) -> Any:
    items = items_of(value)
    return WRONG if items is None else sorted(item for item in items if item is not None)


@function("uniques", 1, 1)
def uniques(value: Any) -> Any:
    items = items_of(value)
    return WRONG if items is None else list(dict.fromkeys(items))


@function("inArray", 2, 2)
def in_array(value: Any, item: Any) -> Any:
    items = items_of(value)
    return WRONG if items is None or not isinstance(item, str) else item in items


@function("coalesce", 2, 1_000)
def coalesce(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _on_number(name: str, work: Callable[[Any], Any], count: int = 1) -> None:
    @function(name, count, count)
    def call(*values: Any) -> Any:
        return work(*values) if all(is_number(value) for value in values) else WRONG


_on_number("round", lambda n: math.floor(n + 0.5))


_on_number("floor", math.floor)


_on_number("ceil", math.ceil)


_on_number("abs", abs)


_on_number("exp", math.exp)


_on_number("ln", math.log)


_on_number("log", math.log10)


_on_number("pow", lambda a, b: math.pow(a, b), 2)


_on_number("max", max, 2)


_on_number("min", min, 2)


_on_number("mod", lambda a, b: a % b, 2)


@function("sum", 1, 1)
def total(value: Any) -> Any:
    items = items_of(value)
    return sum(items) if items is not None and all(is_number(item) for item in items) else WRONG


def _logic(name: str, work: Callable[[list[bool]], bool]) -> None:
    @function(name, 1, 1_000)
    def call(*values: Any) -> Any:
        return work(list(values)) if all(isinstance(value, bool) for value in values) else WRONG


_logic("and", all)


_logic("or", any)


_logic("xor", lambda values: sum(values) == 1)


_logic("not", lambda values: not values[0])


@function("[]", 0, 1_000)
def array(*values: Any) -> list:
    return list(values)
