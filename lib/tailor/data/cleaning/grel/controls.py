"""GREL's controls: what decides itself which of its arguments are worked out, and how often."""

import unicodedata
from collections.abc import Callable
from typing import Any

from tailor.data.cleaning.grel import parser
from tailor.data.cleaning.grel.inspection import name_at
from tailor.data.cleaning.grel.scope import MOST_STEPS, Evaluate, Scope, TooLong
from tailor.data.cleaning.grel.values import EvalError, Json, is_filled, is_number, text_of, unwrap

Build = Callable[[parser.Node], Evaluate]


def is_true(value: Any) -> bool:
    return value if isinstance(value, bool) else value is not None and text_of(value).lower() == "true"


def _if(node: parser.Control, build: Build) -> Evaluate:
    test, then, otherwise = map(build, node.arguments)

    def run(scope: Scope) -> Any:
        found = test(scope)
        if isinstance(found, EvalError):
            return found
        return then(scope) if is_true(found) else otherwise(scope)

    return run


def _bound(scope: Scope, names: dict[str, Any], run: Evaluate) -> Any:
    scope.steps += 1
    if scope.steps > MOST_STEPS:
        raise TooLong
    outer = scope.names
    scope.names = {**outer, **names}
    try:
        return run(scope)
    finally:
        scope.names = outer


def _with(node: parser.Control, build: Build) -> Evaluate:
    given, name, run = build(node.arguments[0]), name_at(node, 1), build(node.arguments[2])
    return lambda scope: _bound(scope, {name: given(scope)}, run)


def _for_non_blank(node: parser.Control, build: Build) -> Evaluate:
    given, name = build(node.arguments[0]), name_at(node, 1)
    then, otherwise = map(build, node.arguments[2:])

    def run(scope: Scope) -> Any:
        value = given(scope)
        return _bound(scope, {name: value}, then) if is_filled(value) else otherwise(scope)

    return run


def _loop(node: parser.Control, build: Build) -> Evaluate:
    """forEach, forEachIndex and filter."""
    indexed = node.name == "forEachIndex"
    given, name = build(node.arguments[0]), name_at(node, 2 if indexed else 1)
    counter, run_each = name_at(node, 1) if indexed else "", build(node.arguments[-1])

    def run(scope: Scope) -> Any:
        value = given(scope)
        if isinstance(value, EvalError):
            return value
        items = value.items if isinstance(value, Json) else value
        if not isinstance(items, list):
            return EvalError(f"{node.name} expects an array")
        names = [{name: unwrap(item), **({counter: i} if counter else {})} for i, item in enumerate(items)]
        found = [_bound(scope, bound, run_each) for bound in names]
        if node.name != "filter":
            return found
        return [bound[name] for bound, keep in zip(names, found, strict=True) if is_true(keep)]

    return run


def _for_range(node: parser.Control, build: Build) -> Evaluate:
    low, high, step = map(build, node.arguments[:3])
    name, run_each = name_at(node, 3), build(node.arguments[4])

    def run(scope: Scope) -> Any:
        start, end, by = low(scope), high(scope), step(scope)
        if not all(is_number(number) for number in (start, end, by)) or by == 0:
            return EvalError("forRange expects three numbers")
        found = []
        while start < end if by > 0 else start > end:
            found.append(_bound(scope, {name: start}, run_each))
            start += by
        return found

    return run


def _test(node: parser.Control, build: Build) -> Evaluate:
    """isBlank and its kin look at a value, also at an error, and never fail."""
    given = build(node.arguments[0])
    tests: dict[str, Callable[[Any], bool]] = {
        "isNull": lambda value: value is None,
        "isNotNull": lambda value: value is not None,
        "isEmptyString": lambda value: value == "",
        "isBlank": lambda value: not is_filled(value),
        "isNonBlank": is_filled,
        "isError": lambda value: isinstance(value, EvalError),
        "isNumeric": lambda value: is_number(value) or (value is not None and _digits(text_of(value))),
    }
    check = tests[node.name]
    return lambda scope: check(given(scope))


def _digits(text: str) -> bool:
    return text != "" and all(unicodedata.category(sign) == "Nd" for sign in text)


_CONTROLS: dict[str, Callable[[parser.Control, Build], Evaluate]] = {
    "if": _if,
    "with": _with,
    "forNonBlank": _for_non_blank,
    "forEach": _loop,
    "forEachIndex": _loop,
    "filter": _loop,
    "forRange": _for_range,
}


def build_control(node: parser.Control, build: Build) -> Evaluate:
    """A control as something to run; `build` does the same for its arguments."""
    return _CONTROLS.get(node.name, _test)(node, build)
