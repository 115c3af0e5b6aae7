"""From clean rows to examples: the columns' roles applied, and what cannot be an example set aside with its reason."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import polars as pl

from tailor.data.annotations import Annotation, apply_annotations
from tailor.data.dates import sortable
from tailor.data.drafts import Draft, Drafts, Reading, kinds_of
from tailor.data.exchanges import draft_rows
from tailor.data.readers.found import OWN_COLUMNS
from tailor.data.role_search import Role
from tailor.data.tables import map_table
from tailor.data.templates import Template
from tailor.records import Task

READ_EVERY = Reading()
AT_A_TIME = 20_000
"""Rows that are Python objects at a time."""


@dataclass
class Formatted:
    """Rows on their way to a split.

    Attributes:
        rows: id, input, output, source, system and history (see Example), compared (the input without the words that a
            template gives to all rows), rejected (the worse answer of a preference pair, else ""), label (as given; ""
            for respond), group, thread, time (ISO or "").
        set_aside: id, input, output, reason.
        notes: sentences on what conversations had to leave out.
        annotated: rows by what became of their annotations.
    """

    rows: pl.DataFrame
    set_aside: list[tuple[str, str, str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    annotated: dict[str, int] = field(default_factory=dict)

    def take_out(self, reasons: dict[str, str]) -> None:
        """Move the rows with these ids to `set_aside`; rows made from them go."""
        gone = self.rows.filter(pl.col("id").is_in(list(reasons)))
        self.set_aside += [(i, a, b, reasons[i]) for i, a, b in gone.select("id", "input", "output").rows()]
        of_gone = pl.col("id").is_in(list(reasons))
        if "parent" in self.rows.columns:
            of_gone |= pl.col("parent").is_in(list(reasons))
        self.rows = self.rows.filter(~of_gone)

    def reasons(self) -> dict[str, int]:
        """Why rows were set aside -> how many, the commonest reason first."""
        counts = Counter(reason for *_, reason in self.set_aside)
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def given_roles(settings: dict[str, Any]) -> dict[str, str]:
    """Role -> column as a person chose it in 04_format_data ("" for a guess): the settings called `<role>_column`."""
    return {
        name.removesuffix("_column"): value for name, value in settings.items() if name.endswith("_column")
    }


def format_rows(
    frame: pl.DataFrame,
    task: Task,
    roles: dict[str, Role],
    readable: bool,
    reading: Reading = READ_EVERY,
    templates: Mapping[str, str] = MappingProxyType({}),
    annotations: Sequence[Annotation] = (),
    folder: Path | None = None,
) -> Formatted:
    """Apply roles to clean rows, some at a time.

    Args:
        frame: row_id, source and the data's columns, as text.
        readable: write labels with blanks for underscores and hyphens ("card_arrival" -> "card arrival"), which
            is how a language model has seen the words.
        reading: how conversations are read.
        templates: "input", "output" -> how the text is written from the row's columns.
        annotations: what people said by hand, in the place of what the rows say.
        folder: where the rows' text is kept (see `map_table`); in memory if not given.
    """
    columns = {name: role.column for name, role in roles.items()}
    kinds = kinds_of(frame, columns)
    # the turns of a thread stand anywhere, and an annotation may have meant another row that asks the same
    whole = "speaker" in columns or bool(annotations)
    read = Drafts([])
    annotated: dict[str, int] = {}
    problems: dict[str, str] = {}

    def parts() -> Iterator[pl.DataFrame]:
        for part in [frame] if whole or not frame.height else frame.iter_slices(AT_A_TIME):
            drafts = draft_rows(part, task, columns, reading, kinds)
            read.said.extend(drafts.said)
            read.left_out.update(drafts.left_out)
            corrected, counts = apply_annotations(drafts.rows, annotations)
            annotated.update(counts)
            made, compared = apply_templates(corrected, part, templates)
            problems.update(_problems(made))
            table = _as_table(made, compared, part, task, roles, readable)
            yield table if "input" in templates else table.drop("compared")

    rows = map_table(parts(), folder / "rows.arrow") if folder else pl.concat(list(parts()))
    if "input" not in templates:
        rows = rows.with_columns(compared="input")
    if "time" in roles:  # day and month are told apart by all rows together
        rows = rows.with_columns(time=pl.Series(sortable(rows["time"]), dtype=pl.String))
    formatted = Formatted(rows, notes=read.notes, annotated=annotated)
    formatted.take_out(problems)
    return formatted


def _as_table(
    made: Sequence[Draft],
    compared: Sequence[str],
    frame: pl.DataFrame,
    task: Task,
    roles: dict[str, Role],
    readable: bool,
) -> pl.DataFrame:
    """Drafts as `Formatted.rows` holds them; the time as it is written."""
    taken = frame[[draft.place for draft in made]]
    outputs = [draft.output for draft in made]
    threads = _keys(taken, roles.get("thread"))
    return pl.DataFrame(
        {
            "id": [draft.id for draft in made],
            "input": [draft.input for draft in made],
            "compared": compared,
            "output": [readable_label(text) for text in outputs]
            if task == "classify" and readable
            else outputs,
            "source": taken["source"],
            "system": [draft.system for draft in made],
            "history": [draft.history for draft in made],
            "rejected": [draft.rejected for draft in made],
            "label": outputs if task == "classify" else [""] * len(made),
            "group": _keys(taken, roles.get("group")),
            "thread": [draft.thread or key for draft, key in zip(made, threads, strict=True)],
            "time": taken[roles["time"].column] if "time" in roles else [""] * len(made),
        },
        schema_overrides=dict.fromkeys(_TEXTS, pl.String),
    )


def apply_templates(
    drafts: Sequence[Draft], frame: pl.DataFrame, templates: Mapping[str, str]
) -> tuple[list[Draft], list[str]]:
    """Write inputs and answers by their templates; drafts that are no examples anyway stay as they are.

    Args:
        frame: the rows that the drafts' `place` points into.
        templates: "input", "output" -> template over the frame's columns, and "input" or "output" for the role itself.

    Returns:
        The drafts, and for each what its row brings to the input, without the words that all rows share.

    Raises:
        WorkbenchError: a template names a column that the data does not have, or cannot be read.
    """
    compared = [draft.input for draft in drafts]
    columns = [name for name in frame.columns if name not in OWN_COLUMNS]
    for role, text in templates.items():
        known = columns if role in columns else [*columns, role]
        template = Template.read(text, known, f"04_format_data.{role}_template")
        named = [name for name in template.columns if name in columns]
        cells = frame.select(named).to_dicts() if named else [{}] * frame.height
        rows = [{role: getattr(draft, role)} | cells[draft.place] for draft in drafts]
        drafts = [
            draft if draft.problem else replace(draft, **{role: template.fill(row)})
            for draft, row in zip(drafts, rows, strict=True)
        ]
        if role == "input":
            compared = [template.cells(row) for row in rows]
    return list(drafts), compared


_TEXTS = (
    "id",
    "input",
    "compared",
    "output",
    "system",
    "history",
    "rejected",
    "label",
    "group",
    "thread",
    "time",
)


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


def _problems(drafts: list[Draft]) -> dict[str, str]:
    reasons = {}
    for draft in drafts:
        if draft.problem:
            reasons[draft.id] = draft.problem
        elif not draft.input:
            reasons[draft.id] = "the input is empty"
        elif not draft.output:
            reasons[draft.id] = "the output is empty"
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
