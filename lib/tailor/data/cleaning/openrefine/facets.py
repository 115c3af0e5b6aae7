"""OpenRefine's facets as conditions of Tailor's; None where OpenRefine would filter nothing by one."""

from tailor.data.cleaning.wrangling import Facet


class CannotImport(Exception):
    """Why one operation cannot be taken over."""


def text_facet(given: dict, column: str) -> Facet | None:
    """A text filter."""
    if not given.get("query"):
        return None
    return Facet(
        kind="text",
        column=column,
        query=given["query"],
        regex=given.get("mode") == "regex",
        case_sensitive=bool(given.get("caseSensitive")),
        invert=bool(given.get("invert")),
    )


def list_facet(given: dict, column: str, expression: str) -> Facet | None:
    """A text or custom facet with its chosen values."""
    values = [choice["v"]["v"] for choice in given.get("selection") or []]
    blank, error = bool(given.get("selectBlank")), bool(given.get("selectError"))
    if not values and not blank and not error:
        return None
    if not all(isinstance(value, (str, bool, int, float)) for value in values):
        raise CannotImport("a facet chooses something that is no text, number or truth value")
    return Facet(
        kind="values",
        column=column,
        expression=expression,
        values=values,
        blank=blank,
        error=error,
        invert=bool(given.get("invert")),
    )


def range_facet(given: dict, column: str, expression: str) -> Facet | None:
    """A numeric facet."""
    chosen = {
        name: given.get(name, True)
        for name in ("selectNumeric", "selectNonNumeric", "selectBlank", "selectError")
    }
    limited = given.get("from") is not None or given.get("to") is not None
    if not limited and all(chosen.values()):
        return None
    return Facet(
        kind="range",
        column=column,
        expression=expression,
        low=float(given.get("from") or 0),
        high=float(given.get("to") or 0),
        numeric=bool(chosen["selectNumeric"]),
        other=bool(chosen["selectNonNumeric"]),
        blank=bool(chosen["selectBlank"]),
        error=bool(chosen["selectError"]),
    )
