"""Metrics of answers with a structure: JSON, a number at the end, code. Answers are parsed and never run."""

import ast
import json
import re
import warnings
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NoReturn

import numpy as np

from tailor.evaluation.metric import Metric, Rows, mean_metric, ratio_metric

_NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?")
_ENDS_IN_NUMBER = re.compile(r"\d\W*$")
LONGEST_CODE = 100_000
"""Characters; longer answers are not parsed as code."""


def json_validity(rows: Rows) -> Metric:
    """Share of answers that are JSON and nothing else (RFC 8259: no NaN, no text around it)."""
    valid = [float(read_json(text) is not None) for text in rows.predictions]
    return mean_metric("json_validity", np.array(valid), share=True)


def field_f1(rows: Rows) -> Metric:
    """F1 of JSON fields: twice those with the right value, over those wanted and those given."""
    both, total = [], []
    for reference, prediction in rows.pairs:
        wanted, given = (fields(read_json(text)) for text in (reference, prediction))
        both.append(2 * sum((wanted & given).values()))
        total.append(sum(wanted.values()) + sum(given.values()))
    return ratio_metric("field_f1", np.array(both), np.array(total))


def read_json(text: str) -> Any:
    """The object or list that a text is; None where it is neither."""
    try:
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, (dict, list)) else None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def fields(value: Any) -> Counter:
    """(path, value) of everything in a JSON value; the places in a list are one path, in whatever order."""
    found: Counter = Counter()
    waiting = [("", value)]
    while waiting:
        path, part = waiting.pop()
        if isinstance(part, dict) and part:
            waiting += [(f"{path}.{name}", inner) for name, inner in part.items()]
        elif isinstance(part, list) and part:
            waiting += [(f"{path}[]", inner) for inner in part]
        elif part is not None or path:
            found[path, json.dumps(part)] += 1
    return found


def numeric_match(rows: Rows) -> Metric:
    """Share of answers whose last number is the reference's last number (as in Cobbe et al. 2021, GSM8K)."""
    right = []
    for reference, prediction in rows.pairs:
        wanted = last_number(reference)
        right.append(float(wanted is not None and last_number(prediction) == wanted))
    return mean_metric("numeric_match", np.array(right), share=True)


def last_number(text: str) -> Decimal | None:
    """ "It is £1,200.50." -> 1200.50."""
    found = _NUMBER.findall(text)
    return Decimal(found[-1].replace(",", "")) if found else None


def code_validity(rows: Rows) -> Metric:
    """Share of answers that Python's own parser accepts; nothing is run."""
    valid = [float(read_code(text) is not None) for text in rows.predictions]
    return mean_metric("code_validity", np.array(valid), share=True)


def read_code(text: str) -> ast.Module | None:
    """The syntax tree of a text; None where it is no Python, is empty or is too long to look at."""
    if len(text) > LONGEST_CODE:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an odd escape in an answer is not the reader's affair
        try:
            module = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
    return module if module.body else None


def are_json(texts: Sequence[str]) -> bool:
    return all(read_json(text) is not None for text in texts)


def are_numbers(texts: Sequence[str]) -> bool:
    """Whether nine in ten end in a number."""
    return sum(bool(_ENDS_IN_NUMBER.search(text)) for text in texts) >= 0.9 * len(texts)


def are_code(texts: Sequence[str]) -> bool:
    """Whether all are Python, and most of them more than words that happen to parse."""
    found = [read_code(text) for text in texts]
    if any(module is None for module in found):
        return False
    return (
        sum(any(not isinstance(part, ast.Expr) for part in module.body) for module in found) > len(found) / 2
    )
