"""New rows for monitoring: read and cleaned as the training data were, with the same columns in the same roles."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tailor.data.alignment import align_columns, parse_renames
from tailor.data.cleaning.pipeline import clean
from tailor.data.cleaning.plan import choose_columns, plan_operations
from tailor.data.conversations import read_messages
from tailor.data.dataset import Example
from tailor.data.examples import readable_label
from tailor.data.gather import ROWS, UNREADABLE, Choices, gather
from tailor.data.readers import Found
from tailor.data.roles import describe_columns
from tailor.data.tables import read_table
from tailor.errors import WorkbenchError, did_you_mean
from tailor.files import writing
from tailor.progress import Log
from tailor.project import Project
from tailor.records import Cleaning, DatasetRecord, Sources

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
    with writing(folder) as temporary:
        gather([path], temporary, Choices(), log)
    rows = _as_before(project, read_table(folder / ROWS, "12_monitor"))
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
    inputs = kept[roles["input"]].fill_null("").str.strip_chars().to_list()
    column = roles.get("label") or roles.get("output")
    if column is None:  # whole conversations stand in the input's column
        read = [read_messages(cell) for cell in inputs]
        found = [("", "") if isinstance(item, str) else (item.input, item.output) for item in read]
        return [text for text, _ in found], [answer for _, answer in found]
    if column not in kept.columns:
        return inputs, [""] * len(inputs)
    answers = kept[column].fill_null("").str.strip_chars().to_list()
    return inputs, _labels(project, answers) if "label" in roles else answers


def _labels(project: Project, given: list[str]) -> list[str]:
    """Labels in the spelling of the dataset, also where it does not know them."""
    record = project.load(DatasetRecord, "dataset.json")
    known = {readable_label(label).lower(): label for label in record.labels}
    readable = record.settings.get("label_text", "readable") == "readable"
    plain = [readable_label(label) for label in given]
    return [
        known.get(label.lower(), label if readable else raw) for label, raw in zip(plain, given, strict=True)
    ]


def _as_before(project: Project, rows: "pl.DataFrame") -> "pl.DataFrame":
    """The columns under the names they have in the project's own data, as 02 named those of its sources."""
    ours = read_table(project.path("clean.parquet"), "03_clean_data").columns[2:]
    renames = parse_renames(project.load(Sources, "sources.json").settings.get("rename_columns", []))
    theirs = [renames.get(name, name) for name in rows.columns[2:]]
    named = Found("new", theirs, [], [])
    # twice, so that of two names for one meaning the project's own has the majority
    align_columns([Found("own", list(ours), [], []), Found("own", list(ours), [], []), named])
    return rows.rename(dict(zip(rows.columns[2:], named.columns, strict=True)))


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
