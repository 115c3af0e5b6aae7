"""Which task a source looks made for, when nobody has said so yet."""

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tailor.data.columns import NAMES, Column, describe_columns, label_columns, name_score
from tailor.data.readers import Limits, Options
from tailor.data.sources import find_sources, local_path, open_item
from tailor.errors import WorkbenchError
from tailor.records import Task


def guess_task(sources: Sequence[str], resolve: Callable[[str], Path]) -> tuple[Task, str] | None:
    """Guess the task from the columns of the first source, by the rows at its beginning.

    Returns:
        The task and the reason as a sentence's second half; None where the source cannot be read as it is
        (02_gather_data will say why).

    Raises:
        WorkbenchError: there is no such file.
    """
    for source in sources:
        if path := local_path(source):
            resolve(path)
    with TemporaryDirectory() as scratch:
        try:
            options = Options()
            found = find_sources(sources[:1], resolve, Limits(), options, Path(scratch))
            stream = open_item(found.items[0], Limits(), options)
            first = next((piece.frame for piece in stream.pieces if piece.frame.height), None)
        except WorkbenchError:
            return None
    return None if first is None else _guess(describe_columns(first))


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
