"""What a parsed GREL expression reads and gives, told without running it."""

from tailor.data.cleaning.grel import parser
from tailor.data.cleaning.grel.values import is_number
from tailor.errors import WorkbenchError, did_you_mean


def children_of(node: parser.Node) -> tuple[parser.Node, ...]:
    """The parts of an expression right below it."""
    if isinstance(node, (parser.Call, parser.Control)):
        return node.arguments
    if isinstance(node, parser.Operator):
        return node.left, node.right
    return (node.inner,) if isinstance(node, parser.Field) else ()


def depth_of(tree: parser.Node) -> int:
    """How deep an expression is. Without recursion: a chain of a thousand pluses is deeper than Python's stack."""
    deepest, waiting = 0, [(tree, 1)]
    while waiting:
        node, depth = waiting.pop()
        deepest = max(deepest, depth)
        waiting += [(child, depth + 1) for child in children_of(node)]
    return deepest


def reads_of(tree: parser.Node) -> tuple[bool, bool, list[str]]:
    """Whether it reads nothing but `value`; whether it does not ask for the row's number; the columns it names."""
    names, columns, waiting = set(), set(), [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, parser.Variable):
            names.add(node.name)
        if isinstance(node, parser.Field) and node.inner == parser.Variable("row") and node.name == "index":
            names.add("rowIndex")
        if (name := _cell_named(node)) is not None:
            columns.add(name)
        waiting += children_of(node)
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


TEXTUAL = (
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


def refuse_unknown(tree: parser.Node, where: str) -> None:
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
                name_at(node, place)
                for place in places.get(node.name, (3,) if node.name == "forRange" else ())
            }
        if isinstance(node, parser.Variable):
            named.add(node.name)
        if isinstance(node, parser.Field) and node.name in _OF_OPENREFINE:
            named |= {node.name} if _cell_named(node) is None else set()
        waiting += children_of(node)
    for name in sorted(named - bound - set(_KNOWN)):
        kept = name in _OF_OPENREFINE
        raise WorkbenchError(
            f"{where} asks for '{name}', "
            + ("which only OpenRefine keeps" if kept else "which nothing is called"),
            f"one of: {', '.join(_KNOWN)}",
            "correct the expression." + ("" if kept else did_you_mean(name, _KNOWN)),
        )


def is_numeric(node: parser.Node) -> bool:
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


def name_at(node: parser.Control, place: int) -> str:
    argument = node.arguments[place]
    if not isinstance(argument, parser.Variable):
        raise WorkbenchError(
            f"{node.name} has no name as its argument {place + 1}",
            f"a plain name there, such as {node.name}(value, v, v)",
            "correct the expression",
        )
    return argument.name
