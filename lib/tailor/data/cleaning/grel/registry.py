"""The table of GREL's functions, and how one is entered: arguments counted, mistakes turned into errors of the cell."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from tailor.data.cleaning.grel.values import EvalError, Json

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


def function(
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
                return refusal(name) if otherwise else None
            try:
                found = function(*arguments)
            except (ValueError, TypeError, OverflowError, IndexError, RecursionError) as error:
                return EvalError(f"{name}: {error}")
            return (refusal(name) if otherwise else None) if found is WRONG else found

        FUNCTIONS[name] = checked
        return checked

    return enter


WRONG = object()
"""An argument of the wrong kind."""


def refusal(name: str) -> EvalError:
    return EvalError(f"{name} was given the wrong arguments")


def items_of(value: Any) -> list | None:
    if isinstance(value, list):
        return value
    return value.items if isinstance(value, Json) and isinstance(value.items, list) else None
