"""Which task a file looks made for, when nobody has said so yet."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from tailor.data.gather import find_files
from tailor.data.readers import Limits, read_file
from tailor.data.columns import NAMES, Column, describe_columns, label_columns, name_score
from tailor.errors import WorkbenchError
from tailor.records import Task


def guess_task(sources: Sequence[Path]) -> tuple[Task, str] | None:
    """Guess the task from the columns of the first file.

    Returns:
        The task and the reason as a sentence's second half; None where the file cannot be read as it is (02_gather_data
        will say why).
    """
    try:
        found = read_file(find_files(sources)[0][0], Limits())
    except WorkbenchError:
        return None
    cells = zip(*found.rows, strict=True) if found.rows else [[] for _ in found.columns]
    values = dict(zip(found.columns, cells, strict=True))
    return _guess(describe_columns(pl.DataFrame(values, schema=dict.fromkeys(values, pl.String))))


def _guess(columns: list[Column]) -> tuple[Task, str]:
    answers = [c for c in columns if c.kind == "text" and name_score(c.name, NAMES["output"]) > 0.5]
    if answers or any(c.kind == "messages" for c in columns):
        name = answers[0].name if answers else next(c.name for c in columns if c.kind == "messages")
        return "respond", f"since column '{name}' holds answers"
    named = label_columns(columns)
    labels = [c for c in columns if c.name in named] or [c for c in columns if c.kind == "label"]
    if labels:
        return (
            "classify",
            f"since column '{labels[0].name}' holds {labels[0].distinct:,} different short values",
        )
    return "respond", "since no column holds few different short values"
