"""Values as GREL has them, written as Java writes them: null, text, numbers, booleans, arrays, JSON, errors."""

import json
import math
import re
from dataclasses import dataclass
from typing import Any

MOST_CHARACTERS = 10_000_000
"""Of one value: an expression that doubles a text over and over ends here."""


@dataclass(frozen=True)
class EvalError:
    """What an expression gives where OpenRefine would show an error in the cell."""

    message: str


class Json:
    """An object or array that parseJson made; `items` is the plain Python value."""

    __slots__ = ("items",)

    def __init__(self, items: dict | list) -> None:
        self.items = items


def unwrap(value: Any) -> Any:
    """A JSON value as GREL sees it: objects and arrays stay JSON, the rest becomes plain."""
    return Json(value) if isinstance(value, (dict, list)) else value


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_filled(value: Any) -> bool:
    """OpenRefine's "non-blank": not null, not an error, not the empty text; blanks alone are filled."""
    return value is not None and value != "" and not isinstance(value, EvalError)


def text_of(value: Any) -> str:
    """As Java's toString writes it: true, 42, 42.0, 1.0E10."""
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _float_text(value)
    if isinstance(value, Json):
        return json.dumps(value.items, ensure_ascii=False, separators=(",", ":"))
    if isinstance(value, EvalError):
        return value.message
    return "[" + ", ".join(text_of(item) for item in value) + "]"


def _float_text(value: float) -> str:
    """Java's Double.toString: plain from 0.001 to 10 million, scientific outside, always with a decimal point."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        plain = format(value, "f") if "e" in repr(value) else repr(value)
        return plain if "." in plain else plain + ".0"
    digits, _, power = repr(value).partition("e")
    if not power:
        digits, _, power = format(value, ".17e").partition("e")
        digits = _shortest(value, int(power))
    whole = digits if "." in digits else digits + ".0"
    return f"{whole}E{int(power)}"


def _shortest(value: float, power: int) -> str:
    """The fewest digits that give the same number again, before the given power of ten."""
    for places in range(1, 18):
        digits = format(value, f".{places}e").partition("e")[0]
        if float(f"{digits}e{power}") == value:
            return digits
    return format(value, ".17e").partition("e")[0]


_LONG = re.compile(r"[+-]?[0-9]{1,19}")
_DOUBLE = re.compile(r"[+-]?(?:NaN|Infinity|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[fFdD]?)")


def parse_number(text: str) -> int | float | None:
    """The number that OpenRefine's "To number" reads from a text, or None: no thousands separators, no units."""
    text = text.strip()
    if _LONG.fullmatch(text) and -(2**63) <= int(text) < 2**63:
        return int(text)
    if len(text) <= 400 and _DOUBLE.fullmatch(text):
        return float(text.rstrip("fFdD") if text[-1] in "fFdD" else text)
    return None


def stored(value: Any) -> Any:
    """What a cell keeps of a result: JSON as text; an array cannot be kept and is an error."""
    if isinstance(value, Json):
        return text_of(value)
    if value is None or isinstance(value, (str, bool, int, float, EvalError)):
        return value
    return EvalError("an array cannot stand in a cell")


def units(text: str) -> int:
    """Length in UTF-16 units, as Java counts: an emoji is two."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, start: int, end: int) -> str:
    """The part from `start` to `end`, both counted in UTF-16 units."""
    if text.isascii() or max(text) <= "\uffff":
        return text[start:end]
    return text.encode("utf-16-le", "surrogatepass")[2 * start : 2 * end].decode("utf-16-le", "replace")
