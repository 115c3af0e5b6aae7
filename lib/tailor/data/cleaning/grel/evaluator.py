"""Running a parsed GREL expression on a row. Expressions become closures: there is no eval, and no way to Python."""

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tailor.data.cleaning.grel import parser
from tailor.data.cleaning.grel.functions import FUNCTIONS
from tailor.data.cleaning.grel.values import (
    MOST_CHARACTERS,
    EvalError,
    Json,
    is_filled,
    is_number,
    text_of,
    unwrap,
)
from tailor.errors import WorkbenchError, did_you_mean

_MOST_STEPS = 100_000
_DEEPEST = 150


class Cell:
    """`cell` and `cells["X"]`: something with a value."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def field(self, name: str) -> Any:
        return self.value if name == "value" else None

    def has(self, name: str) -> bool:
        return name == "value"


class Cells:
    """`cells`: the row's cells by the name of their column."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values

    def field(self, name: str) -> Any:
        value = self.values.get(name)
        return None if value is None else Cell(value)

    def has(self, name: str) -> bool:
        return name in self.values


class Row:
    """`row`: its number from 0, its cells, the names of the columns."""

    def __init__(self, scope: "Scope") -> None:
        self.scope = scope

    def field(self, name: str) -> Any:
        known = {
            "index": self.scope.row_index,
            "cells": Cells(self.scope.cells),
            "columnNames": list(self.scope.cells),
        }
        return known.get(name)

    def has(self, name: str) -> bool:
        return name in ("index", "cells", "columnNames")


@dataclass
class Scope:
    """What an expression can see.

    Attributes:
        value: the cell's.
        cells: the row's values by column name; also what `cells["X"].value` reads.
        row_index: from 0.
        column: the name of the column worked on.
    """

    value: Any
    cells: Mapping[str, Any] = field(default_factory=dict)
    row_index: int = 0
    column: str = ""
    names: dict[str, Any] = field(default_factory=dict)
    steps: int = 0


Evaluate = Callable[[Scope], Any]


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
        self.value_only, self.rowwise, self.columns = _reads(tree)
        self.numeric = _numeric(tree)
        self.textual = isinstance(tree, parser.Call) and tree.name in _TEXTUAL
        _refuse_unknown(tree, where)
        if _depth(tree) > _DEEPEST:
            raise WorkbenchError(
                f"{where} chains over {_DEEPEST} calls",
                "a shorter expression",
                "split it into several steps",
            )
        self._run = _build(tree)

    def __call__(self, scope: Scope) -> Any:
        try:
            found = self._run(scope)
        except _TooLong:
            raise WorkbenchError(
                f"{self.where} takes over {_MOST_STEPS:,} steps on one cell",
                "an expression that is done sooner",
                "shorten its loops",
            ) from None
        if isinstance(found, str) and len(found) > MOST_CHARACTERS:
            return EvalError("the text has grown too long")
        return found

    def __reduce__(self) -> tuple:
        return Expression, (self.text, self.where)


class _TooLong(Exception):
    pass


def _children(node: parser.Node) -> tuple[parser.Node, ...]:
    if isinstance(node, (parser.Call, parser.Control)):
        return node.arguments
    if isinstance(node, parser.Operator):
        return node.left, node.right
    return (node.inner,) if isinstance(node, parser.Field) else ()


def _depth(tree: parser.Node) -> int:
    """Without recursion: a chain of a thousand pluses is deeper than Python's stack."""
    deepest, waiting = 0, [(tree, 1)]
    while waiting:
        node, depth = waiting.pop()
        deepest = max(deepest, depth)
        waiting += [(child, depth + 1) for child in _children(node)]
    return deepest


def _reads(tree: parser.Node) -> tuple[bool, bool, list[str]]:
    names, columns, waiting = set(), set(), [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, parser.Variable):
            names.add(node.name)
        if isinstance(node, parser.Field) and node.inner == parser.Variable("row") and node.name == "index":
            names.add("rowIndex")
        if (name := _cell_named(node)) is not None:
            columns.add(name)
        waiting += _children(node)
    return not names & {"cells", "row", "rowIndex"}, "rowIndex" not in names, sorted(columns)


def _cell_named(node: parser.Node) -> str | None:
    """The column in `cells["X"]` or `cells.X`."""
    if isinstance(node, parser.Field) and node.inner == parser.Variable("cells"):
        return node.name
    if isinstance(node, parser.Call) and node.name == "get" and node.arguments[0] == parser.Variable("cells"):
        name = node.arguments[1]
        return name.value if isinstance(name, parser.Literal) and isinstance(name.value, str) else None
    return None


_NUMERIC = frozenset(
    [
        "toNumber",
        "length",
        "round",
        "floor",
        "ceil",
        "abs",
        "exp",
        "ln",
        "log",
        "pow",
        "max",
        "min",
        "mod",
        "sum",
        "indexOf",
        "lastIndexOf",
    ]
)


_TEXTUAL = (
    "toString",
    "toUppercase",
    "toLowercase",
    "toTitlecase",
    "replace",
    "substring",
    "slice",
    "join",
    "md5",
)
_KNOWN = ("value", "cell", "cells", "row", "rowIndex", "columnName")
_OF_OPENREFINE = ("recon", "starred", "flagged", "record", "errorMessage", "project")
"""What OpenRefine keeps beside the cells, and a table of text does not."""


def _refuse_unknown(tree: parser.Node, where: str) -> None:
    """A name that nothing has: better refused at once than null in every row."""
    named, bound, waiting = set(), set(), [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, parser.Control):
            places = {
                "with": (1,),
                "forNonBlank": (1,),
                "forEach": (1,),
                "filter": (1,),
                "forEachIndex": (1, 2),
            }
            bound |= {
                _name(node, place) for place in places.get(node.name, (3,) if node.name == "forRange" else ())
            }
        if isinstance(node, parser.Variable):
            named.add(node.name)
        if isinstance(node, parser.Field) and node.name in _OF_OPENREFINE:
            named |= {node.name} if _cell_named(node) is None else set()
        waiting += _children(node)
    for name in sorted(named - bound - set(_KNOWN)):
        kept = name in _OF_OPENREFINE
        raise WorkbenchError(
            f"{where} asks for '{name}', "
            + ("which only OpenRefine keeps" if kept else "which nothing is called"),
            f"one of: {', '.join(_KNOWN)}",
            "correct the expression." + ("" if kept else did_you_mean(name, _KNOWN)),
        )


def _numeric(node: parser.Node) -> bool:
    """Whether the result may be a number: then the column's cells count as numbers from here on."""
    waiting = [node]
    while waiting:
        at = waiting.pop()
        if isinstance(at, parser.Literal) and is_number(at.value):
            return True
        if isinstance(at, parser.Call) and at.name in _NUMERIC:
            return True
        if isinstance(at, parser.Operator) and at.sign in "-*/%":
            return True
        if isinstance(at, parser.Operator) and at.sign == "+":
            waiting += [at.left, at.right]
        if isinstance(at, parser.Call) and at.name in ("coalesce", "get"):
            waiting += at.arguments[:1] if at.name == "get" else at.arguments
        if isinstance(at, parser.Control) and at.name in ("if", "with", "forNonBlank"):
            waiting += at.arguments[1:]
    return False


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
    return _CONTROLS.get(node.name, _test)(node)


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
        if scope.steps > _MOST_STEPS:
            raise _TooLong
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


def _truth(value: Any) -> bool:
    return value if isinstance(value, bool) else value is not None and text_of(value).lower() == "true"


def _if(node: parser.Control) -> Evaluate:
    test, then, otherwise = map(_build, node.arguments)

    def run(scope: Scope) -> Any:
        found = test(scope)
        if isinstance(found, EvalError):
            return found
        return then(scope) if _truth(found) else otherwise(scope)

    return run


def _name(node: parser.Control, place: int) -> str:
    argument = node.arguments[place]
    if not isinstance(argument, parser.Variable):
        raise WorkbenchError(
            f"{node.name} has no name as its argument {place + 1}",
            f"a plain name there, such as {node.name}(value, v, v)",
            "correct the expression",
        )
    return argument.name


def _bound(scope: Scope, names: dict[str, Any], run: Evaluate) -> Any:
    scope.steps += 1
    if scope.steps > _MOST_STEPS:
        raise _TooLong
    outer = scope.names
    scope.names = {**outer, **names}
    try:
        return run(scope)
    finally:
        scope.names = outer


def _with(node: parser.Control) -> Evaluate:
    given, name, run = _build(node.arguments[0]), _name(node, 1), _build(node.arguments[2])
    return lambda scope: _bound(scope, {name: given(scope)}, run)


def _for_non_blank(node: parser.Control) -> Evaluate:
    given, name = _build(node.arguments[0]), _name(node, 1)
    then, otherwise = map(_build, node.arguments[2:])

    def run(scope: Scope) -> Any:
        value = given(scope)
        return _bound(scope, {name: value}, then) if is_filled(value) else otherwise(scope)

    return run


def _loop(node: parser.Control) -> Evaluate:
    """forEach, forEachIndex and filter."""
    indexed = node.name == "forEachIndex"
    given, name = _build(node.arguments[0]), _name(node, 2 if indexed else 1)
    counter, run_each = _name(node, 1) if indexed else "", _build(node.arguments[-1])

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
        return [bound[name] for bound, keep in zip(names, found, strict=True) if _truth(keep)]

    return run


def _for_range(node: parser.Control) -> Evaluate:
    low, high, step = map(_build, node.arguments[:3])
    name, run_each = _name(node, 3), _build(node.arguments[4])

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


def _test(node: parser.Control) -> Evaluate:
    """isBlank and its kin look at a value, also at an error, and never fail."""
    given = _build(node.arguments[0])
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


_CONTROLS: dict[str, Callable[[parser.Control], Evaluate]] = {
    "if": _if,
    "with": _with,
    "forNonBlank": _for_non_blank,
    "forEach": _loop,
    "forEachIndex": _loop,
    "filter": _loop,
    "forRange": _for_range,
}
