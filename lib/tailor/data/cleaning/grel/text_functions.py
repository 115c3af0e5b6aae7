"""GREL's functions on texts: case, parts, replacing, splitting, looking for something."""

import hashlib
import re
from collections.abc import Callable
from typing import Any

from tailor.data.cleaning.grel.registry import WRONG, function, items_of
from tailor.data.cleaning.grel.values import EvalError, cut, is_number, parse_number, text_of, units
from tailor.data.cleaning.limited_regex import LimitedPattern, java_replacement


def _on_text(name: str, work: Callable[[str], Any], *, any_value: bool = False) -> None:
    """A function of one text; `any_value` takes numbers too, as they are written."""

    @function(name, 1, 1)
    def call(value: Any) -> Any:
        if isinstance(value, str) or (any_value and value is not None):
            return work(text_of(value))
        return WRONG


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


@function("toTitlecase", 1, 2)
def to_titlecase(value: Any, delimiters: Any = " \t\r\n.") -> Any:
    """Commons Lang's capitalizeFully: a capital after each delimiter, small letters elsewhere."""
    if value is None or delimiters is None:
        return WRONG
    out, start = [], True
    for sign in text_of(value).lower():
        out.append(sign.title() if start else sign)
        start = sign in text_of(delimiters)
    return "".join(out)


@function("toString", 1, 2)
def to_string(value: Any, form: Any = None) -> Any:
    if form is None:
        return "" if value is None else text_of(value)
    if not is_number(value) or not isinstance(form, str):
        return WRONG
    # width and precision in one form only, and small: '%2000000000d' would fill the memory
    if not re.fullmatch(r"[^%]*%0?\d{0,2}(?:\.\d{1,2})?[dfxXoeE][^%]*", form):
        return WRONG
    if form[form.index("%") :].strip("%0123456789.")[0] in "dxXo" and isinstance(value, float):
        return WRONG
    return form % value


@function("toNumber", 1, 1)
def to_number(value: Any) -> Any:
    if is_number(value):
        return value
    number = None if value is None else parse_number(text_of(value))
    return EvalError("toNumber: not a number") if number is None else number


@function("replace", 3, 3)
def replace(value: Any, find: Any, new: Any) -> Any:
    if value is None or not isinstance(new, str) or not isinstance(find, (str, LimitedPattern)):
        return WRONG
    text = text_of(value)
    if isinstance(find, str):
        return text.replace(find, new)
    change = java_replacement(new)
    out, end = [], 0
    for match in find.matches(text):
        out += [text[end : match.start()], change(match)]
        end = match.end()
    return "".join([*out, text[end:]])


@function("replaceChars", 3, 3)
def replace_chars(value: Any, find: Any, new: Any) -> Any:
    """Each character of `find` becomes the one at its place in `new`, or goes where `new` is shorter."""
    if value is None or not isinstance(find, str) or not isinstance(new, str):
        return WRONG
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


@function("split", 2, 3)
def split(value: Any, separator: Any, keep_empty: Any = False) -> Any:
    if value is None or not isinstance(separator, (str, LimitedPattern)):
        return WRONG
    if isinstance(separator, LimitedPattern):
        return regex_split(separator, text_of(value))
    return plain_split(text_of(value), separator, keep_empty is True)


@function("splitByLengths", 2, 1_000)
def split_by_lengths(value: Any, *lengths: Any) -> Any:
    if value is None or not all(is_number(item) for item in lengths):
        return WRONG
    text, start, pieces = text_of(value), 0, []
    for item in lengths:
        end = min(units(text), start + max(0, int(item)))
        pieces.append(cut(text, start, end))
        start = end
    return pieces


def _partition(value: Any, fragment: Any, omit: Any, last: bool) -> Any:
    if not isinstance(value, str) or not isinstance(fragment, (str, LimitedPattern)):
        return WRONG
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


@function("partition", 2, 3, otherwise=None)
def partition(value: Any, fragment: Any, omit: Any = False) -> Any:
    return _partition(value, fragment, omit, last=False)


@function("rpartition", 2, 3, otherwise=None)
def rpartition(value: Any, fragment: Any, omit: Any = False) -> Any:
    return _partition(value, fragment, omit, last=True)


@function("contains", 2, 2, otherwise=None)
def contains(value: Any, part: Any) -> Any:
    if not isinstance(value, str):
        return WRONG
    if isinstance(part, LimitedPattern):
        return part.search(value) is not None
    return part in value if isinstance(part, str) else WRONG


def _about_part(name: str, work: Callable[[str, str], Any]) -> None:
    @function(name, 2, 2)
    def call(value: Any, part: Any) -> Any:
        items = items_of(value)
        if items is not None and name in ("indexOf", "lastIndexOf"):
            return _place_in(items, part, last=name == "lastIndexOf")
        if value is None or not isinstance(part, str):
            return WRONG
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


@function("match", 2, 2)
def match(value: Any, pattern: Any) -> Any:
    """The groups of a pattern that fits the whole text, or null."""
    if value is None or pattern is None:
        return None
    if not isinstance(pattern, LimitedPattern):
        return WRONG
    found = pattern.fullmatch(text_of(value))
    return None if found is None else list(found.groups())


@function("find", 2, 2)
def find(value: Any, part: Any) -> Any:
    if value is None or not isinstance(part, (str, LimitedPattern)):
        return WRONG
    text = text_of(value)
    if isinstance(part, LimitedPattern):
        return [found.group() for found in part.matches(text)]
    return [part for place in range(len(text)) if part and text.startswith(part, place)]
