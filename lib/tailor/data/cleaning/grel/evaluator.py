"""Running a parsed GREL expression on a row. Expressions become closures: there is no eval, and no way to Python."""

import unicodedata
from collections.abc import Callable
from typing import Any

from tailor.data.cleaning.grel import parser
from tailor.data.cleaning.grel.controls import build_control
from tailor.data.cleaning.grel.functions import FUNCTIONS
from tailor.data.cleaning.grel.inspection import TEXTUAL, depth_of, is_numeric, reads_of, refuse_unknown
from tailor.data.cleaning.grel.scope import MOST_STEPS, Cell, Cells, Evaluate, Row, Scope, TooLong
from tailor.data.cleaning.grel.values import MOST_CHARACTERS, EvalError, Json, is_number, text_of, unwrap
from tailor.errors import WorkbenchError

_DEEPEST = 150


class Expression:
    """A GREL expression, read once and run on many rows.

    Attributes:
        text: as it was given.
        value_only: it reads nothing but `value`: equal cells give equal results.
        rowwise: it does not ask for the row's number.
        columns: other columns that it names.
        numeric: its results may be numbers.
        textual: its results are always texts, also of numbers.

    Raises:
        WorkbenchError: not GREL, or with something in it that Tailor does not have; while running, a pattern or an
            expression that takes too long.
    """

    def __init__(self, text: str, where: str = "the expression") -> None:
        self.text = text
        self.where = where
        tree = parser.parse(text, where)
        self.value_only, self.rowwise, self.columns = reads_of(tree)
        self.numeric = is_numeric(tree)
        self.textual = isinstance(tree, parser.Call) and tree.name in TEXTUAL
        refuse_unknown(tree, where)
        if depth_of(tree) > _DEEPEST:
            raise WorkbenchError(
                f"{where} chains over {_DEEPEST} calls",
                "a shorter expression",
                "split it into several steps",
            )
        self._run = _build(tree)

    def __call__(self, scope: Scope) -> Any:
        try:
            found = self._run(scope)
        except TooLong:
            raise WorkbenchError(
                f"{self.where} takes over {MOST_STEPS:,} steps on one cell",
                "an expression that is done sooner",
                "shorten its loops",
            ) from None
        if isinstance(found, str) and len(found) > MOST_CHARACTERS:
            return EvalError("the text has grown too long")
        return found

    def __reduce__(self) -> tuple:
        return Expression, (self.text, self.where)


def _build(node: parser.Node) -> Evaluate:
    if isinstance(node, parser.Literal):
        return lambda scope, value=node.value: value
    if isinstance(node, parser.Variable):
        return _variable(node.name)
    if isinstance(node, parser.Field):
        return _field(_build(node.inner), node.name)
    if isinstance(node, parser.Operator):
        return _operator(node.sign, _build(node.left), _build(node.right))
    if isinstance(node, parser.Call):
        return _call(FUNCTIONS[node.name], [_build(argument) for argument in node.arguments])
    return build_control(node, _build)


def _variable(name: str) -> Evaluate:
    known: dict[str, Evaluate] = {
        "value": lambda scope: scope.value,
        "cell": lambda scope: Cell(scope.value),
        "cells": lambda scope: Cells(scope.cells),
        "row": Row,
        "rowIndex": lambda scope: scope.row_index,
        "columnName": lambda scope: scope.column,
    }
    plain = known.get(name, lambda scope: None)
    return lambda scope: scope.names[name] if name in scope.names else plain(scope)


def _field(inner: Evaluate, name: str) -> Evaluate:
    def run(scope: Scope) -> Any:
        value = inner(scope)
        if isinstance(value, EvalError):
            return value
        if isinstance(value, Json):
            return unwrap(value.items.get(name)) if isinstance(value.items, dict) else None
        return value.field(name) if hasattr(value, "field") else None

    return run


def _call(function: Callable, arguments: list[Evaluate]) -> Evaluate:
    def run(scope: Scope) -> Any:
        scope.steps += 1
        if scope.steps > MOST_STEPS:
            raise TooLong
        values = []
        for argument in arguments:
            value = argument(scope)
            if isinstance(value, EvalError):
                return value
            values.append(value)
        return function(*values)

    return run


def _operator(sign: str, left: Evaluate, right: Evaluate) -> Evaluate:
    work = _compare if sign in ("<", "<=", ">", ">=", "==", "!=") else _calculate

    def run(scope: Scope) -> Any:
        a = left(scope)
        if isinstance(a, EvalError):
            return a
        b = right(scope)
        return b if isinstance(b, EvalError) else work(sign, a, b)

    return run


def _calculate(sign: str, a: Any, b: Any) -> Any:
    """Whole numbers stay whole (7 / 2 is 3, as in Java); + with a text joins; anything else gives null."""
    if a is None or b is None:
        return None
    if is_number(a) and is_number(b):
        if sign in "/%" and b == 0:
            a_sign = (a > 0) - (a < 0)
            return float("nan") if sign == "%" or not a_sign else a_sign * float("inf")
        whole = isinstance(a, int) and isinstance(b, int)
        if sign == "/":
            return _toward_zero(a, b) if whole else a / b
        if sign == "%":
            return a - b * _toward_zero(a, b) if whole else a - b * int(a / b)
        found = a + b if sign == "+" else a - b if sign == "-" else a * b
        return _as_long(found) if whole else found
    if sign == "+" and (isinstance(a, str) or isinstance(b, str)):
        return text_of(a) + text_of(b)
    return None


def _toward_zero(a: int, b: int) -> int:
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def _as_long(number: int) -> int:
    """Java's long wraps around at 64 bits."""
    return (number + 2**63) % 2**64 - 2**63


def _compare(sign: str, a: Any, b: Any) -> Any:
    if is_number(a) and is_number(b):
        return _ordered(sign, a, b)
    if isinstance(a, str) and isinstance(b, str):
        return _ordered(sign, _collation(a), _collation(b))
    if sign == "==":
        return type(a) is type(b) and a == b
    return not (type(a) is type(b) and a == b) if sign == "!=" else None


def _ordered(sign: str, a: Any, b: Any) -> bool:
    return {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b, "==": a == b, "!=": a != b}[sign]


def _collation(text: str) -> tuple[str, str, str]:
    """As a dictionary sorts: letters first, then accents, then small before capital; written accents are equal."""
    whole = unicodedata.normalize("NFD", text)
    letters = "".join(sign for sign in whole if not unicodedata.combining(sign))
    return letters.lower(), whole.lower(), whole.swapcase()
