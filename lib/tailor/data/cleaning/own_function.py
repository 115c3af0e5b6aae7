"""A person's own function as an operation: their code, from their workspace, named in their blueprint."""

import importlib.util
import inspect
import re
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
from pydantic import field_validator

from tailor.data.cleaning.operation import Columns, Operation, Outcome, drop, rewrite
from tailor.errors import WorkbenchError, did_you_mean
from tailor.project import home
from tailor.settings import setting

FORM = re.compile(r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$")


class OwnFunction(Operation):
    """Apply a function of yours: text in, text out; None leaves the row out.

    `cleaning.mine:shorten` is the function `shorten` in the file cleaning/mine.py of the workspace. No other place is
    looked at, so that no file that came with the data is ever run.
    """

    name = "own_function"
    title = "Apply a function of your own"
    relax = "let the function of own_function return the text where it returns None"
    acts_on: ClassVar = "texts"

    function: str = setting(
        "",
        "module:function. The module is a Python file in the workspace ('mine:shorten' is shorten in mine.py); the "
        "function takes the text of a cell and returns the new text, or None to drop the row.",
    )

    @field_validator("function")
    @classmethod
    def _is_named(cls, function: str) -> str:
        if function and not FORM.match(function):
            raise ValueError("not of the form module:function, such as mine:shorten")
        return function

    def apply(self, frame: pl.DataFrame, columns: Columns, decision: Any = None) -> Outcome:
        if not self.function:
            return rewrite(frame, [])
        own = load_function(self.function)
        reasons: dict[str, str] = {}
        mended = []
        for name in self.chosen(columns):
            new = []
            for row_id, text in frame.select("row_id", name).rows():
                answer = text if text is None else _call(own, self.function, row_id, name, text)
                if text is not None and answer is None:
                    reasons.setdefault(row_id, f"{self.function} returned None for '{name}'")
                new.append(text if answer is None else answer)
            mended.append(pl.Series(name, new, dtype=pl.String))
        repaired = rewrite(frame, mended)
        if not reasons:
            return repaired
        split = drop(repaired.frame, reasons)
        stayed = repaired.changes.filter(~pl.col("row_id").is_in(list(reasons)))
        # a dropped row is kept as it was
        as_it_was = drop(frame, reasons).dropped
        return Outcome(split.frame, as_it_was, stayed)


def _call(own: Callable[[str], Any], name: str, row_id: str, column: str, text: str) -> str | None:
    try:
        answer = own(text)
    except Exception as error:
        # anything may be raised by a function of somebody else's; the row is what its author needs
        line = line_in(error, name)
        raise WorkbenchError(
            f"{name} failed on row {row_id}, column '{column}': {type(error).__name__}: {error}{line}",
            "a function that takes every text of the column",
            "mend the function, or handle this row in it",
        ) from error
    if answer is not None and not isinstance(answer, str):
        raise WorkbenchError(
            f"{name} returned {type(answer).__name__} for row {row_id}, column '{column}'",
            "a text, or None to drop the row",
            "mend the function's return",
        )
    return answer


def line_in(error: Exception, name: str) -> str:
    """Where in the person's file it happened."""
    file = name.partition(":")[0].rpartition(".")[2] + ".py"
    trace, found = error.__traceback__, ""
    while trace:
        if Path(trace.tb_frame.f_code.co_filename).name == file:
            found = f" ({file}, line {trace.tb_lineno})"
        trace = trace.tb_next
    return found


def function_path(name: str) -> Path:
    """The file in the workspace that "module:function" names; it need not be there."""
    return home().resolve().joinpath(*name.partition(":")[0].split(".")).with_suffix(".py")


def load_function(name: str, asked_by: str = "own_function") -> Callable[..., Any]:
    """The function from the workspace. An edited file is read anew.

    Args:
        asked_by: the operation or setting that names it; stands in the error.

    Raises:
        WorkbenchError: no such file in the workspace, it does not run, or it has no such function.
    """
    module, _, function = name.partition(":")
    workspace = home().resolve()
    path = function_path(name)
    if not path.is_file() or not path.resolve().is_relative_to(workspace):
        names = [str(file.stem) for file in sorted(workspace.glob("*.py"))]
        raise WorkbenchError(
            f"{asked_by} names '{name}', and there is no {path.relative_to(workspace)} in the workspace {workspace}",
            "a Python file inside the workspace",
            f"put the file there, or correct the name.{did_you_mean(module, names)}",
        )
    loaded = _load_module(path)
    functions = [key for key, value in vars(loaded).items() if inspect.isfunction(value)]
    if function not in functions:
        raise WorkbenchError(
            f"{path.name} has no function '{function}'",
            f"one of: {', '.join(functions) or 'none, the file defines no function'}",
            f"correct the name.{did_you_mean(function, functions)}",
        )
    return getattr(loaded, function)


def _load_module(path: Path) -> Any:
    key = f"tailor_own_{sha256(path.read_bytes()).hexdigest()[:16]}_{path.stem}"
    if key in sys.modules:
        return sys.modules[key]
    spec = importlib.util.spec_from_file_location(key, path)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise WorkbenchError(
            f"{path.name} does not run: {type(error).__name__}: {error}",
            "a Python file that can be imported",
            "mend it",
        ) from error
    sys.modules[key] = module
    return module
