"""A short text that a regular expression finds: the other way round from searching, for examples of what a rule means.

It walks the expression as Python itself parses it, takes the shortest number of repetitions and draws among
alternatives. What cannot be turned round (look-around, references back) is passed over, and the text is then tried
against the expression: nothing is returned that it does not find.
"""

import random
import re
import string

_SAMPLES = {"category_digit": string.digits, "category_word": string.ascii_lowercase, "category_space": " "}
_ANY = string.ascii_lowercase
_MOST = 200


def text_that_matches(pattern: str, draw: random.Random, tries: int = 20) -> str | None:
    """A text in which `re.search(pattern, text, re.IGNORECASE)` finds something; None where none was found.

    Raises:
        re.error: the pattern does not compile.
    """
    if not pattern:
        return None
    compiled = re.compile(pattern, re.IGNORECASE)
    parsed = re._parser.parse(pattern)  # the parser of the standard library; there is no public one
    for _ in range(tries):
        text = " ".join(_write(parsed, draw)[:_MOST].split())
        if text and compiled.search(text):
            return text
    return None


def _write(parsed, draw: random.Random) -> str:
    return "".join(_piece(str(kind).lower(), given, draw) for kind, given in parsed)


def _piece(kind: str, given, draw: random.Random) -> str:
    if kind == "literal":
        return chr(given)
    if kind == "not_literal":
        return draw.choice([c for c in _ANY if ord(c) != given])
    if kind == "any":
        return draw.choice(_ANY)
    if kind == "in":
        return draw.choice(_letters(given))
    if kind == "branch":
        return _write(draw.choice(given[1]), draw)
    if kind == "subpattern":
        return _write(given[-1], draw)
    if kind in ("max_repeat", "min_repeat", "possessive_repeat"):
        least, most, inner = given
        return "".join(
            _write(inner, draw) for _ in range(min(int(most), draw.choice((int(least), int(least) + 1))))
        )
    return ""


def _letters(given) -> str:
    """Letters that a character class allows."""
    allowed, without = "", False
    for kind, value in given:
        name = str(kind).lower()
        if name == "negate":
            without = True
        elif name == "literal":
            allowed += chr(value)
        elif name == "range":
            allowed += "".join(map(chr, range(value[0], min(value[1], value[0] + 60) + 1)))
        elif name == "category":
            allowed += _SAMPLES.get(str(value).lower(), "")
    if without:
        return "".join(c for c in _ANY + string.digits + " " if c not in allowed) or "x"
    return allowed or "x"
