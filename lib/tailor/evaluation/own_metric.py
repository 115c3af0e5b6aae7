"""A person's own metric: their function, from their workspace, named in their blueprint as "module:function"."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tailor.errors import WorkbenchError
from tailor.evaluation.metric import Metric, Rows, mean_metric


def own_metric(name: str, rows: Rows) -> Metric:
    """The mean over the rows of what a function of the workspace says of each answer.

    Args:
        name: "mine:polite" is the function `polite` in mine.py of the workspace. It takes the answer and the
            reference, both text, and returns a number; true and false count as 1 and 0.

    Raises:
        WorkbenchError: no such function, or it fails on an answer or returns no finite number.
    """
    from tailor.data.cleaning.own_function import load_function

    own = load_function(name, "own_metrics")
    said = [_ask(own, name, row, answer, reference) for row, (reference, answer) in enumerate(rows.pairs, 1)]
    values = np.array(said, dtype=np.float64)
    return mean_metric(name, values, share=bool(np.isin(values, (0, 1)).all()))


def _ask(own: Callable[[str, str], Any], name: str, row: int, answer: str, reference: str) -> float:
    from tailor.data.cleaning.own_function import line_in

    try:
        value = own(answer, reference)
    except Exception as error:
        # anything may be raised by a function of somebody else's; the answer is what its author needs
        raise WorkbenchError(
            f"{name} failed on answer {row}, {_start(answer)}: {type(error).__name__}: {error}{line_in(error, name)}",
            "a function that takes every answer and its reference",
            "mend the function, or handle this answer in it",
        ) from error
    if not isinstance(value, (int, float, np.number, np.bool_)) or not math.isfinite(value):
        raise WorkbenchError(
            f"{name} returned {value!r} for answer {row}, {_start(answer)}",
            "a finite number, or True or False",
            "mend the function's return",
        )
    return float(value)


def _start(answer: str) -> str:
    return repr(answer if len(answer) <= 60 else answer[:57] + "...")


def own_metric_problems(names: list[str], asked_by: str = "own_metrics") -> list[str]:
    """What is wrong with the functions named, as sentences.

    Args:
        asked_by: what names them; the sentences begin with it.
    """
    from tailor.data.cleaning.own_function import FORM, load_function

    problems = []
    for name in names:
        if not FORM.match(name):
            problems.append(
                f"{asked_by} names '{name}', which is not of the form module:function, such as mine:polite."
            )
            continue
        try:
            load_function(name, asked_by)
        except WorkbenchError as error:
            problems.append(f"{error.found}. {error.fix}")
    return problems


def own_metric_files(names: list[str]) -> list[str]:
    """The files of the functions named, relative to the workspace: a step that uses them depends on what they hold."""
    from tailor.data.cleaning.own_function import FORM, function_path
    from tailor.project import home

    paths = [function_path(name) for name in names if FORM.match(name)]
    return sorted({path.relative_to(home().resolve()).as_posix() for path in paths if path.is_file()})
