"""New rows for monitoring: read and cleaned as the training data were, with the same columns in the same roles."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tailor.data.cleaning.pipeline import clean
from tailor.data.cleaning.plan import choose_columns, plan_operations
from tailor.data.conversations import read_messages
from tailor.data.dataset import Example
from tailor.data.examples import readable_label
from tailor.data.gather import ROWS, UNREADABLE, Choices, gather
from tailor.data.roles import describe_columns
from tailor.data.tables import read_table
from tailor.errors import WorkbenchError, did_you_mean
from tailor.progress import Log
from tailor.project import Project
from tailor.records import Cleaning, DatasetRecord

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class NewRows:
    """What came in: rows as the model sees them, and how many were left out. `output` is "" where none is given."""

    examples: list[Example]
    read: int
    unreadable: int
    dropped: int


def read_new_rows(project: Project, path: Path, log: Log) -> NewRows:
    """Read a file into monitoring/new/, and clean it with the settings 03_clean_data ran with.

    Raises:
        WorkbenchError: the file cannot be read, has no column for the input, or no row is left.
    """
    folder = project.path("monitoring/new")
    gather([path], folder, Choices(), log)
    rows = read_table(folder / ROWS, "12_monitor")
    unreadable = read_table(folder / UNREADABLE, "12_monitor").height
    roles = project.load(DatasetRecord, "dataset.json").roles
    _check_columns(path, rows.columns, roles)
    kept, _, _ = clean(rows, _operations(project, rows), log)
    examples = [
        Example(ident, text, answer, source=path.name)
        for ident, text, answer in zip(kept["row_id"], *_texts(project, kept, roles), strict=True)
        if text
    ]
    return NewRows(examples, rows.height, unreadable, rows.height - len(examples))


def _texts(project: Project, kept: "pl.DataFrame", roles: dict[str, str]) -> tuple[list[str], list[str]]:
    """Inputs and answers as 04 writes them; an answer is "" where the file has none."""
    from tailor.steps.format_data import Settings

    inputs = kept[roles["input"]].fill_null("").str.strip_chars().to_list()
    column = roles.get("label") or roles.get("output")
    if column is None:  # whole conversations stand in the input's column
        read = [read_messages(cell) for cell in inputs]
        found = [("", "") if isinstance(item, str) else (item.input, item.output) for item in read]
        return [text for text, _ in found], [answer for _, answer in found]
    if column not in kept.columns:
        return inputs, [""] * len(inputs)
    answers = kept[column].fill_null("").str.strip_chars().to_list()
    used = project.load(DatasetRecord, "dataset.json").settings
    readable = used.get("label_text", Settings.model_fields["label_text"].default) == "readable"
    return inputs, [readable_label(a) for a in answers] if "label" in roles and readable else answers


def _operations(project: Project, rows: "pl.DataFrame") -> list:
    """The operations of 03, on the columns that the new file has."""
    from tailor.steps.clean_data import Settings

    used = Settings(**project.load(Cleaning, "cleaning.json").settings)
    present = [
        [name for name in names if name in rows.columns]
        for names in (used.text_columns, used.label_columns, used.required_columns)
    ]
    roles = project.load(DatasetRecord, "dataset.json").roles
    # rows without an answer are welcome here: only the input has to be there
    present[2] = [roles["input"]]
    return plan_operations(used, choose_columns(describe_columns(rows), *present))


def _check_columns(path: Path, columns: list[str], roles: dict[str, str]) -> None:
    if roles["input"] not in columns:
        raise WorkbenchError(
            f"{path.name} has no column '{roles['input']}' (columns: {', '.join(columns[2:])})",
            f"the input in a column called '{roles['input']}', as in the training data",
            f"rename the column.{did_you_mean(roles['input'], columns)}",
        )
