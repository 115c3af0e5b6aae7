"""From clean rows to examples: the columns' roles applied, and what cannot be an example set aside with its reason."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from tailor.data.conversations import read_messages
from tailor.data.dates import sortable
from tailor.data.roles import Role
from tailor.records import Task


@dataclass
class Formatted:
    """Rows on their way to a split.

    Attributes:
        rows: id, input, output, source, label (as given; "" for respond), group, thread, time (ISO or "").
        set_aside: id, input, output, reason.
    """

    rows: pl.DataFrame
    set_aside: list[tuple[str, str, str, str]] = field(default_factory=list)

    def take_out(self, reasons: dict[str, str]) -> None:
        """Move the rows with these ids to `set_aside`."""
        gone = self.rows.filter(pl.col("id").is_in(list(reasons)))
        self.set_aside += [(i, a, b, reasons[i]) for i, a, b in gone.select("id", "input", "output").rows()]
        self.rows = self.rows.filter(~pl.col("id").is_in(list(reasons)))


def given_roles(settings: dict[str, Any]) -> dict[str, str]:
    """Role -> column as a person chose it in 04_format_data ("" for a guess): the settings called `<role>_column`."""
    return {
        name.removesuffix("_column"): value for name, value in settings.items() if name.endswith("_column")
    }


def format_rows(frame: pl.DataFrame, task: Task, roles: dict[str, Role], readable: bool) -> Formatted:
    """Apply roles to clean rows.

    Args:
        frame: row_id, source and the data's columns, as text.
        readable: write labels with blanks for underscores and hyphens ("card_arrival" -> "card arrival"), which
            is how a language model has seen the words.
    """
    count = frame.height
    inputs = _texts(frame, roles["input"].column)
    label = [""] * count
    if "output" not in roles and "label" not in roles:
        inputs, outputs, problems = _conversations(inputs)
    else:
        problems = [""] * count
        outputs = _texts(frame, roles["label" if task == "classify" else "output"].column)
        if task == "classify":
            label = outputs
            outputs = [readable_label(text) for text in outputs] if readable else outputs
    rows = pl.DataFrame(
        {
            "id": frame["row_id"],
            "input": inputs,
            "output": outputs,
            "source": frame["source"],
            "label": label,
            "group": _keys(frame, roles.get("group")),
            "thread": _keys(frame, roles.get("thread")),
            "time": sortable(frame[roles["time"].column]) if "time" in roles else [""] * count,
        },
        schema_overrides=dict.fromkeys(("group", "thread"), pl.String),
    )
    formatted = Formatted(rows)
    formatted.take_out(_problems(rows, problems))
    return formatted


def readable_label(label: str) -> str:
    """Blanks for underscores and hyphens between letters; "A-1" stays as it is."""
    words = label.replace("_", " ").split()
    return " ".join(word.replace("-", " ") if word.replace("-", "").isalpha() else word for word in words)


def _texts(frame: pl.DataFrame, column: str) -> list[str]:
    return frame[column].fill_null("").str.strip_chars().to_list()


def _keys(frame: pl.DataFrame, role: Role | None) -> list[str | None]:
    """Keys that tie rows; an empty cell ties nothing."""
    if role is None:
        return [None] * frame.height
    return [text or None for text in _texts(frame, role.column)]


def _conversations(cells: list[str]) -> tuple[list[str], list[str], list[str]]:
    read = [read_messages(cell) for cell in cells]
    return (
        [cell if isinstance(item, str) else item.input for cell, item in zip(cells, read, strict=True)],
        ["" if isinstance(item, str) else item.output for item in read],
        [item if isinstance(item, str) else "" for item in read],
    )


def _problems(rows: pl.DataFrame, found: list[str]) -> dict[str, str]:
    reasons = {}
    for (row_id, text, output), problem in zip(
        rows.select("id", "input", "output").rows(), found, strict=True
    ):
        if problem:
            reasons[row_id] = problem
        elif not text:
            reasons[row_id] = "the input is empty"
        elif not output:
            reasons[row_id] = "the output is empty"
    return reasons


def rare_labels(rows: pl.DataFrame, least: int) -> dict[str, str]:
    """Rows whose label occurs fewer than `least` times: it could not be both learned and tested."""
    counts = Counter(rows["output"].to_list())
    return {
        row_id: f"its label occurs {_times(counts[label])}, fewer than {least}"
        for row_id, label in rows.select("id", "output").rows()
        if counts[label] < least
    }


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def contradictions(rows: pl.DataFrame, keys: pl.Series) -> int:
    """Inputs that say the same and carry different labels: label noise that no model can learn."""
    counts = rows.with_columns(key=keys).group_by("key").agg(pl.col("output").n_unique())
    return int((counts["output"] > 1).sum())
