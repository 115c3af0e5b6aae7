"""What GREL's functions do, as OpenRefine's documentation ("GREL functions") and its tests describe them.

A function gets its arguments evaluated and gives a value, or an EvalError where OpenRefine would. Which functions
answer null and which an error when they get nothing follows OpenRefine's own tests.
"""

import hashlib
import html
import json
import math
import re
import unicodedata
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from tailor.data.cleaning.grel.values import (
    EvalError,
    Json,
    cut,
    is_number,
    parse_number,
    text_of,
    units,
    unwrap,
)
from tailor.data.cleaning.limited_regex import LimitedPattern, java_replacement

Function = Callable[..., Any]
FUNCTIONS: dict[str, Function] = {}
CONTROLS: dict[str, tuple[int, int]] = {
    "if": (3, 3),
    "with": (3, 3),
    "forEach": (3, 3),
    "forEachIndex": (4, 4),
    "forRange": (5, 5),
    "filter": (3, 3),
    "forNonBlank": (4, 4),
    **dict.fromkeys(
        ("isNull", "isNotNull", "isEmptyString", "isBlank", "isNonBlank", "isNumeric", "isError"), (1, 1)
    ),
}
"""Their least and most arguments; evaluator.py runs them."""

_TIME = "which depends on the clock or on chance: the same history would give another table"
_DATES = "which works on dates, and the tables here hold text"
_OTHER_TABLES = "which looks at other rows or projects"
_MARKUP = "which parses HTML or XML"
NOT_HERE = {
    **dict.fromkeys(("now", "random", "randomNumber"), _TIME),
    **dict.fromkeys(("toDate", "inc", "datePart", "timeSinceUnixEpochToDate", "diff"), _DATES),
    **dict.fromkeys(("cross", "facetCount"), _OTHER_TABLES),
    **dict.fromkeys(
        [
            "parseHtml",
            "parseXml",
            "select",
            "xmlAttr",
            "htmlAttr",
            "xmlText",
            "htmlText",
            "innerXml",
            "innerHtml",
            "ownText",
            "wholeText",
            "parent",
            "scriptText",
        ],
        _MARKUP,
    ),
    **dict.fromkeys(
        [
            "detectLanguage",
            "phonetic",
            "reinterpret",
            "encode",
            "decode",
            "parseUri",
            "smartSplit",
            "splitByCharType",
            "unicodeType",
            "reduce",
            "levenshteinDistance",
            "range",
            "zip",
            "sha1",
            "acos",
            "asin",
            "atan",
            "atan2",
            "cos",
            "cosh",
            "sin",
            "sinh",
            "tan",
            "tanh",
            "fact",
            "factn",
            "combin",
            "gcd",
            "lcm",
            "multinomial",
            "quotient",
            "degrees",
            "radians",
        ],
        "which Tailor does not have",
    ),
}
"""GREL that is not here, each with the rest of the sentence "operation 3 uses now(), ..."."""


def _function(
    name: str, low: int, high: int, otherwise: str | None = "error"
) -> Callable[[Function], Function]:
    """Enter a function in the table.

    Args:
        low, high: how many arguments it takes.
        otherwise: "error" or None: what a wrong number of arguments, or None from the function's own checks, gives.
    """

    def enter(function: Function) -> Function:
        @wraps(function)
        def checked(*arguments: Any) -> Any:
            if not low <= len(arguments) <= high:
                return _refusal(name) if otherwise else None
            try:
                found = function(*arguments)
            except (ValueError, TypeError, OverflowError, IndexError, RecursionError) as error:
                return EvalError(f"{name}: {error}")
            return (_refusal(name) if otherwise else None) if found is _WRONG else found

        FUNCTIONS[name] = checked
        return checked

    return enter


_WRONG = object()
"""An argument of the wrong kind."""


def _refusal(name: str) -> EvalError:
    return EvalError(f"{name} was given the wrong arguments")


def _on_text(name: str, work: Callable[[str], Any], *, any_value: bool = False) -> None:
    """A function of one text; `any_value` takes numbers too, as they are written."""

    @_function(name, 1, 1)
    def call(value: Any) -> Any:
        if isinstance(value, str) or (any_value and value is not None):
            return work(text_of(value))
        return _WRONG


# Guava's CharMatcher.whitespace, and the blank of width zero that pages bring along
_BLANKS = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
_on_text("trim", lambda text: text.strip(_BLANKS))
_on_text("strip", lambda text: text.strip(_BLANKS))
_on_text("toUppercase", str.upper, any_value=True)
_on_text("toLowercase", str.lower, any_value=True)
_on_text("md5", lambda text: hashlib.md5(text.encode(), usedforsecurity=False).hexdigest(), any_value=True)
_on_text("unicode", lambda text: [ord(sign) for sign in text], any_value=True)


@_function("toTitlecase", 1, 2)
def to_titlecase(value: Any, delimiters: Any = " \t\r\n.") -> Any:
    """Commons Lang's capitalizeFully: a capital after each delimiter, small letters elsewhere."""
    if value is None or delimiters is None:
        return _WRONG
    out, start = [], True
    for sign in text_of(value).lower():
        out.append(sign.title() if start else sign)
        start = sign in text_of(delimiters)
    return "".join(out)


@_function("toString", 1, 2)
def to_string(value: Any, form: Any = None) -> Any:
    if form is None:
        return "" if value is None else text_of(value)
    if not is_number(value) or not isinstance(form, str):
        return _WRONG
    # width and precision in one form only, and small: '%2000000000d' would fill the memory
    if not re.fullmatch(r"[^%]*%0?\d{0,2}(?:\.\d{1,2})?[dfxXoeE][^%]*", form):
        return _WRONG
    if form[form.index("%") :].strip("%0123456789.")[0] in "dxXo" and isinstance(value, float):
        return _WRONG
    return form % value


@_function("toNumber", 1, 1)
def to_number(value: Any) -> Any:
    if is_number(value):
        return value
    number = None if value is None else parse_number(text_of(value))
    return EvalError("toNumber: not a number") if number is None else number


@_function("type", 1, 1)
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


@_function("length", 1, 1)
def length(value: Any) -> Any:
    items = _items(value)
    if items is not None:
        return len(items)
    return _WRONG if value is None else units(text_of(value))


def _items(value: Any) -> list | None:
    if isinstance(value, list):
        return value
    return value.items if isinstance(value, Json) and isinstance(value.items, list) else None


def _bounds(size: int, start: Any, end: Any) -> tuple[int, int]:
    start = int(start) + (size if int(start) < 0 else 0)
    start = min(size, max(0, start))
    end = size if end is None else int(end) + (size if int(end) < 0 else 0)
    return start, min(size, max(start, end))


@_function("get", 2, 3, otherwise=None)
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
    items = _items(value)
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
    items = _items(value)
    size = units(text_of(value)) if items is None else len(items)
    first, last = _bounds(size, start, end)
    return cut(text_of(value), first, last) if items is None else [unwrap(item) for item in items[first:last]]


_function("slice", 2, 3, otherwise=None)(_slice)
_function("substring", 2, 3, otherwise=None)(_slice)


@_function("hasField", 2, 2)
def has_field(value: Any, name: Any) -> bool:
    if isinstance(value, Json) and isinstance(value.items, dict):
        return name in value.items
    return hasattr(value, "field") and value.has(name)


@_function("replace", 3, 3)
def replace(value: Any, find: Any, new: Any) -> Any:
    if value is None or not isinstance(new, str) or not isinstance(find, (str, LimitedPattern)):
        return _WRONG
    text = text_of(value)
    if isinstance(find, str):
        return text.replace(find, new)
    change = java_replacement(new)
    out, end = [], 0
    for match in find.matches(text):
        out += [text[end : match.start()], change(match)]
        end = match.end()
    return "".join([*out, text[end:]])


@_function("replaceChars", 3, 3)
def replace_chars(value: Any, find: Any, new: Any) -> Any:
    """Each character of `find` becomes the one at its place in `new`, or goes where `new` is shorter."""
    if value is None or not isinstance(find, str) or not isinstance(new, str):
        return _WRONG
    table = {
        ord(sign): (new[place] if place < len(new) else None) for place, sign in reversed([*enumerate(find)])
    }
    return text_of(value).translate(table)


def plain_split(text: str, separator: str, keep_empty: bool) -> list[str]:
    """Commons Lang's splitByWholeSeparator; a null or empty separator means blanks."""
    pieces = text.split(separator) if separator else re.split(r"\s", text)
    return pieces if keep_empty and text else [piece for piece in pieces if piece]


def regex_split(pattern: LimitedPattern, text: str, most: int = 0) -> list[str]:
    """Java's Pattern.split: an empty match at the start gives nothing; without a limit, empty ends are cut off."""
    pieces, end = [], 0
    for match in pattern.matches(text):
        if 0 < most <= len(pieces) + 1:
            break
        if match.end() == 0 or (match.start() == match.end() == len(text)):
            continue
        pieces.append(text[end : match.start()])
        end = match.end()
    if not pieces:
        return [text]
    pieces.append(text[end:])
    while most == 0 and pieces and not pieces[-1]:
        pieces.pop()
    return pieces


@_function("split", 2, 3)
def split(value: Any, separator: Any, keep_empty: Any = False) -> Any:
    if value is None or not isinstance(separator, (str, LimitedPattern)):
        return _WRONG
    if isinstance(separator, LimitedPattern):
        return regex_split(separator, text_of(value))
    return plain_split(text_of(value), separator, keep_empty is True)


@_function("splitByLengths", 2, 1_000)
def split_by_lengths(value: Any, *lengths: Any) -> Any:
    if value is None or not all(is_number(item) for item in lengths):
        return _WRONG
    text, start, pieces = text_of(value), 0, []
    for item in lengths:
        end = min(units(text), start + max(0, int(item)))
        pieces.append(cut(text, start, end))
        start = end
    return pieces


def _partition(value: Any, fragment: Any, omit: Any, last: bool) -> Any:
    if not isinstance(value, str) or not isinstance(fragment, (str, LimitedPattern)):
        return _WRONG
    if isinstance(fragment, str):
        start = value.rfind(fragment) if last else value.find(fragment)
        found = (start, start + len(fragment)) if start >= 0 else None
    else:
        matches = fragment.matches(value)
        found = matches[-1 if last else 0].span() if matches else None
    if found is None:
        return [value, ""] if omit is True else [value, "", ""]
    before, middle, after = value[: found[0]], value[slice(*found)], value[found[1] :]
    return [before, after] if omit is True else [before, middle, after]


@_function("partition", 2, 3, otherwise=None)
def partition(value: Any, fragment: Any, omit: Any = False) -> Any:
    return _partition(value, fragment, omit, last=False)


@_function("rpartition", 2, 3, otherwise=None)
def rpartition(value: Any, fragment: Any, omit: Any = False) -> Any:
    return _partition(value, fragment, omit, last=True)


@_function("contains", 2, 2, otherwise=None)
def contains(value: Any, part: Any) -> Any:
    if not isinstance(value, str):
        return _WRONG
    if isinstance(part, LimitedPattern):
        return part.search(value) is not None
    return part in value if isinstance(part, str) else _WRONG


def _about_part(name: str, work: Callable[[str, str], Any]) -> None:
    @_function(name, 2, 2)
    def call(value: Any, part: Any) -> Any:
        items = _items(value)
        if items is not None and name in ("indexOf", "lastIndexOf"):
            return _place_in(items, part, last=name == "lastIndexOf")
        if value is None or not isinstance(part, str):
            return _WRONG
        return work(text_of(value), part)


def _place_in(items: list, part: Any, last: bool) -> int:
    places = [place for place, item in enumerate(items) if item == part]
    return (places[-1] if last else places[0]) if places else -1


_about_part("startsWith", str.startswith)
_about_part("endsWith", str.endswith)
_about_part("indexOf", lambda text, part: _units_before(text, text.find(part)))
_about_part("lastIndexOf", lambda text, part: _units_before(text, text.rfind(part)))
_about_part("chomp", lambda text, part: text.removesuffix(part) if part else text)


def _units_before(text: str, place: int) -> int:
    return place if place < 0 else units(text[:place])


@_function("match", 2, 2)
def match(value: Any, pattern: Any) -> Any:
    """The groups of a pattern that fits the whole text, or null."""
    if value is None or pattern is None:
        return None
    if not isinstance(pattern, LimitedPattern):
        return _WRONG
    found = pattern.fullmatch(text_of(value))
    return None if found is None else list(found.groups())


@_function("find", 2, 2)
def find(value: Any, part: Any) -> Any:
    if value is None or not isinstance(part, (str, LimitedPattern)):
        return _WRONG
    text = text_of(value)
    if isinstance(part, LimitedPattern):
        return [found.group() for found in part.matches(text)]
    return [part for place in range(len(text)) if part and text.startswith(part, place)]


@_function("join", 2, 2)
def join(value: Any, separator: Any) -> Any:
    items = _items(value)
    if items is None or not isinstance(separator, str):
        return _WRONG
    out = ""
    for item in items:
        if item is not None:
            out += (separator if out else "") + text_of(unwrap(item))
    return out


@_function("reverse", 1, 1)
def reverse(value: Any) -> Any:
    items = _items(value)
    if items is not None:
        return items[::-1]
    return text_of(value)[::-1] if value is not None else _WRONG


@_function("sort", 1, 1)
def sort(value: Any) -> Any:
    items = _items(value)
    return _WRONG if items is None else sorted(item for item in items if item is not None)


@_function("uniques", 1, 1)
def uniques(value: Any) -> Any:
    items = _items(value)
    return _WRONG if items is None else list(dict.fromkeys(items))


@_function("inArray", 2, 2)
def in_array(value: Any, item: Any) -> Any:
    items = _items(value)
    return _WRONG if items is None or not isinstance(item, str) else item in items


@_function("escape", 2, 2, otherwise=None)
def escape(value: Any, mode: Any) -> Any:
    if value is None or not isinstance(mode, str):
        return _WRONG
    text = text_of(value)
    ways = {"html": _escape_html, "xml": _escape_xml, "url": quote_plus, "csv": _escape_csv}
    return ways[mode.lower()](text) if mode.lower() in ways else EvalError("escape: unknown mode")


def _escape_html(text: str) -> str:
    from html.entities import codepoint2name

    return "".join(
        f"&{codepoint2name[ord(sign)]};" if ord(sign) in codepoint2name and sign != "'" else sign
        for sign in text
    )


def _escape_xml(text: str) -> str:
    return html.escape(text, quote=True).replace("&#x27;", "&apos;")


def _escape_csv(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if re.search(r'[,"\r\n]', text) else text


@_function("unescape", 2, 2, otherwise=None)
def unescape(value: Any, mode: Any) -> Any:
    """Named and numbered entities need their semicolon, as in Commons Lang: `&copy` stays."""
    if not isinstance(value, str) or not isinstance(mode, str):
        return _WRONG
    if mode.lower() in ("html", "xml"):
        return re.sub(
            r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|\w{1,31});", lambda m: html.unescape(m.group()), value
        )
    if mode.lower() == "url":
        return unquote_plus(value)
    if mode.lower() == "csv":
        quoted = len(value) > 1 and value[0] == value[-1] == '"' and re.search(r'[,"\r\n]', value[1:-1])
        return value[1:-1].replace('""', '"') if quoted else value
    return EvalError("unescape: unknown mode")


_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~\x00-\x08\x0a-\x1f\x7f]")
_LETTERS = {
    "ß": "ss",
    "æ": "ae",
    "œ": "oe",
    "ø": "o",
    "ł": "l",
    "đ": "d",
    "ð": "d",
    "þ": "th",
    "ı": "i",
    "ħ": "h",
}


def _plain(text: str) -> str:
    text = _PUNCTUATION.sub("", text.strip().lower())
    text = "".join(_LETTERS.get(sign, sign) for sign in text)
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


@_function("fingerprint", 1, 1, otherwise=None)
def fingerprint(value: Any) -> Any:
    """The words without case, marks and accents, each once and in order."""
    return _WRONG if value is None else " ".join(sorted(set(_plain(text_of(value)).split())))


@_function("ngramFingerprint", 1, 2)
def ngram_fingerprint(value: Any, size: Any = 2) -> Any:
    if value is None or not is_number(size) or size < 1:
        return _WRONG
    letters = "".join(_plain(text_of(value)).split())
    return "".join(sorted({letters[i : i + int(size)] for i in range(len(letters) - int(size) + 1)}))


@_function("ngram", 2, 2)
def ngram(value: Any, size: Any) -> Any:
    """Runs of `size` words."""
    if not isinstance(value, str) or not is_number(size) or size < 1:
        return _WRONG
    words, size = value.split(), int(size)
    return [" ".join(words[i : i + size]) for i in range(len(words) - size + 1)] or [value]


@_function("normalize", 1, 1)
def normalize(value: Any) -> Any:
    if not isinstance(value, str):
        return _WRONG
    return "".join(
        sign for sign in unicodedata.normalize("NFD", value) if unicodedata.category(sign)[0] != "M"
    )


@_function("parseJson", 1, 1, otherwise=None)
def parse_json(value: Any) -> Any:
    """An object or array; anything else, and what is nested too deep, is an error."""
    if value is None:
        return _WRONG
    found = unwrap(json.loads(text_of(value)))
    return found if isinstance(found, Json) else _WRONG


@_function("jsonize", 1, 1)
def jsonize(value: Any) -> str:
    plain = value.items if isinstance(value, Json) else value
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":"))


@_function("coalesce", 2, 1_000)
def coalesce(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _on_number(name: str, work: Callable[[Any], Any], count: int = 1) -> None:
    @_function(name, count, count)
    def call(*values: Any) -> Any:
        return work(*values) if all(is_number(value) for value in values) else _WRONG


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


@_function("sum", 1, 1)
def total(value: Any) -> Any:
    items = _items(value)
    return sum(items) if items is not None and all(is_number(item) for item in items) else _WRONG


def _logic(name: str, work: Callable[[list[bool]], bool]) -> None:
    @_function(name, 1, 1_000)
    def call(*values: Any) -> Any:
        return work(list(values)) if all(isinstance(value, bool) for value in values) else _WRONG


_logic("and", all)
_logic("or", any)
_logic("xor", lambda values: sum(values) == 1)
_logic("not", lambda values: not values[0])


@_function("[]", 0, 1_000)
def array(*values: Any) -> list:
    return list(values)
