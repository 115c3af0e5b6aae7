"""From the text of a GREL expression to a tree. Nothing is run here, and nothing in the text can reach Python.

The grammar is OpenRefine's (its documentation, "General Refine Expression Language"): comparisons bind loosest and
from left to right, then + and -, then * / %, then a value with its calls, fields and brackets.
"""

import math
import re
from dataclasses import dataclass
from typing import Any

from tailor.data.cleaning.grel.functions import CONTROLS, FUNCTIONS, NOT_HERE
from tailor.data.cleaning.limited_regex import LimitedPattern
from tailor.errors import WorkbenchError, did_you_mean

LONGEST = 10_000
_DEEPEST = 60


@dataclass(frozen=True)
class Literal:
    value: Any


@dataclass(frozen=True)
class Variable:
    name: str


@dataclass(frozen=True)
class Field:
    inner: "Node"
    name: str


@dataclass(frozen=True)
class Call:
    """A function: its arguments are evaluated first."""

    name: str
    arguments: tuple["Node", ...]


@dataclass(frozen=True)
class Control:
    """if, with, forEach ...: decides itself what is evaluated."""

    name: str
    arguments: tuple["Node", ...]


@dataclass(frozen=True)
class Operator:
    sign: str
    left: "Node"
    right: "Node"


Node = Literal | Variable | Field | Call | Control | Operator

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d*)?)|(?P<name>[^\W\d]\w*)|(?P<operator><=|>=|==|!=|<>|[-+*/%.<>=])"
    r"|(?P<delimiter>[()\[\],])|(?P<text>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'))",
    re.DOTALL,
)
_REGEX = re.compile(r"\s*/((?:[^/\\]|\\.)*)/(i?)", re.DOTALL)
_ESCAPES = {"t": "\t", "n": "\n", "r": "\r"}
_COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")


def parse(text: str, where: str = "the expression") -> Node:
    """Read an expression, with or without OpenRefine's "grel:" before it.

    Args:
        where: what an error names ("operation 3").

    Raises:
        WorkbenchError: not GREL, too long or too deep, or with something in it that Tailor does not have.
    """
    source = text.removeprefix("grel:")
    language = re.match(r"(jython|clojure|python):", source)
    if language:
        raise WorkbenchError(
            f"{where} is written in {language[1]}: {_short(text)}",
            "an expression in GREL",
            "write it in GREL, or do this step by a function of your own",
        )
    if len(source) > LONGEST:
        raise WorkbenchError(
            f"{where} has {len(source):,} characters",
            f"at most {LONGEST:,}",
            "split it into several steps",
        )
    return _Parser(source, where).whole()


def _short(text: str) -> str:
    return text if len(text) <= 120 else text[:117] + "..."


class _Parser:
    def __init__(self, source: str, where: str) -> None:
        self.source = source
        self.where = where
        self.place = 0
        self.depth = 0
        self.kind, self.token = "", ""
        self.advance(regex_possible=True)

    def advance(self, regex_possible: bool) -> None:
        """Read the next token; a slash opens a pattern only where no division can stand."""
        if regex_possible and (found := _REGEX.match(self.source, self.place)):
            self.kind, self.token = "regex", found[1]
            self.ignore_case = bool(found[2])
        elif found := _TOKEN.match(self.source, self.place):
            self.kind, self.token = found.lastgroup or "", found[found.lastgroup or 0]
        elif self.source[self.place :].strip():
            raise self.wrong(f"{_short(self.source[self.place :].strip())!r} cannot be read")
        else:
            self.kind, self.token = "end", ""
            return
        self.place = found.end()

    def at(self, kind: str, *tokens: str) -> bool:
        return self.kind == kind and self.token in tokens

    def wrong(self, what: str) -> WorkbenchError:
        return WorkbenchError(
            f"{self.where}, {_short(self.source)!r}: {what} (character {self.place})",
            "an expression in GREL, such as value.trim()",
            "correct the expression",
        )

    def whole(self) -> Node:
        tree = self.expression()
        if self.kind != "end":
            raise self.wrong(f"{self.token!r} was not expected")
        return tree

    def expression(self) -> Node:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self.wrong(f"it is nested over {_DEEPEST} deep")
        left = self.sum()
        while self.at("operator", *_COMPARISONS):
            sign = self.token
            self.advance(regex_possible=True)
            left = Operator(sign, left, self.sum())
        self.depth -= 1
        return left

    def sum(self) -> Node:
        left = self.product()
        while self.at("operator", "+", "-"):
            sign = self.token
            self.advance(regex_possible=True)
            left = Operator(sign, left, self.product())
        return left

    def product(self) -> Node:
        left = self.factor()
        while self.at("operator", "*", "/", "%"):
            sign = self.token
            self.advance(regex_possible=True)
            left = Operator(sign, left, self.factor())
        return left

    def factor(self) -> Node:
        node = self.start()
        while True:
            if self.at("operator", "."):
                self.advance(regex_possible=False)
                node = self.member(node)
            elif self.at("delimiter", "["):
                self.advance(regex_possible=True)
                node = Call("get", (node, *self.listed("]")))
            else:
                return node

    def start(self) -> Node:
        kind, token = self.kind, self.token
        if kind == "text":
            self.advance(regex_possible=False)
            return Literal(re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), token[1:-1], flags=re.DOTALL))
        if kind == "regex":
            pattern = LimitedPattern(token, self.where, ignore_case=self.ignore_case, java=True)
            self.advance(regex_possible=False)
            return Literal(pattern)
        if kind == "number" or self.at("operator", "-"):
            return self.number()
        if kind == "name":
            self.advance(regex_possible=False)
            return self.called(token) if self.at("delimiter", "(") else _variable(token)
        if self.at("delimiter", "("):
            self.advance(regex_possible=True)
            inner = self.expression()
            if not self.at("delimiter", ")"):
                raise self.wrong("a ) is missing")
            self.advance(regex_possible=False)
            return inner
        if self.at("delimiter", "["):
            self.advance(regex_possible=True)
            return Call("[]", self.listed("]"))
        raise self.wrong("it ends too early" if kind == "end" else f"{token!r} was not expected")

    def number(self) -> Node:
        negative = self.at("operator", "-")
        if negative:
            self.advance(regex_possible=False)
        if self.kind != "number":
            raise self.wrong("a number is missing after -")
        value = float(self.token) if "." in self.token else int(self.token)
        self.advance(regex_possible=False)
        return Literal(-value if negative else value)

    def member(self, inner: Node) -> Node:
        name = self.token
        if self.kind != "name":
            raise self.wrong("a name is missing after the point")
        self.advance(regex_possible=False)
        if not self.at("delimiter", "("):
            return Field(inner, name)
        if name in CONTROLS:
            raise self.wrong(f"{name} cannot follow a point")
        return self.called(name, inner)

    def called(self, name: str, *first: Node) -> Node:
        if name not in FUNCTIONS and name not in CONTROLS:
            reason = NOT_HERE.get(name)
            near = "" if reason else did_you_mean(name, [*FUNCTIONS, *CONTROLS])
            raise WorkbenchError(
                f"{self.where} uses {name}(), {reason or 'which GREL does not have'}",
                "a function that Tailor can evaluate",
                f"write the step without {name}().{near}",
            )
        self.advance(regex_possible=True)
        arguments = (*first, *self.listed(")"))
        if name in CONTROLS:
            low, high = CONTROLS[name]
            if not low <= len(arguments) <= high:
                raise self.wrong(f"{name} takes {low if low == high else f'{low} to {high}'} arguments")
            return Control(name, arguments)
        return Call(name, arguments)

    def listed(self, closing: str) -> tuple[Node, ...]:
        items: list[Node] = []
        if not self.at("delimiter", closing):
            items.append(self.expression())
            while self.at("delimiter", ","):
                self.advance(regex_possible=True)
                items.append(self.expression())
        if not self.at("delimiter", closing):
            raise self.wrong(f"a {closing} is missing")
        self.advance(regex_possible=False)
        return tuple(items)


_CONSTANTS = {"null": None, "true": True, "false": False, "PI": math.pi}


def _variable(name: str) -> Node:
    return Literal(_CONSTANTS[name]) if name in _CONSTANTS else Variable(name)
