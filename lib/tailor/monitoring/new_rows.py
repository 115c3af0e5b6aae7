"""New rows for monitoring: read and cleaned as the training data were, with the same columns in the same roles."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tailor.data.alignment import align_columns, parse_renames
from tailor.data.cleaning.history import for_new_rows
from tailor.data.cleaning.pipeline import clean
from tailor.data.cleaning.plan import choose_columns
from tailor.data.columns import describe_columns
from tailor.data.dataset import Example
from tailor.data.drafts import Reading
from tailor.data.examples import apply_templates, readable_label
from tailor.data.exchanges import asked_column, draft_rows
from tailor.data.gather import ROWS, UNREADABLE, Choices, gather
from tailor.data.readers import Found
from tailor.data.tables import read_table
from tailor.errors import WorkbenchError, did_you_mean
from tailor.files import writing
from tailor.progress import Log
from tailor.project import Project
from tailor.records import Cleaning, DatasetRecord, Sources

if TYPE_CHECKING:
    import polars as pl

    from tailor.data.cleaning.operation import Columns, Operation


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
        gather([str(path)], Path, temporary, Choices(), log)
    rows = _as_before(project, read_table(folder / ROWS, "12_monitor"))
    unreadable = read_table(folder / UNREADABLE, "12_monitor").height
    roles = project.load(DatasetRecord, "dataset.json").roles
    _check_columns(path, rows.columns, roles)
    kept, _, _ = clean(rows, *_history(project, rows), log, absent_columns="skip")
    examples = _examples(project, kept, roles, path.name)
    return NewRows(examples, rows.height, unreadable, rows.height - len(examples))


def _examples(project: Project, kept: "pl.DataFrame", roles: dict[str, str], source: str) -> list[Example]:
    """The rows as 04 formats them; an answer is "" where the file has none."""
    record = project.load(DatasetRecord, "dataset.json")
    every = record.settings.get("conversation_answers", "every") == "every"
    reading = Reading(every, record.settings.get("assistant_speaker", ""))
    answered = roles.get("output") in kept.columns
    known = {role: text for role, text in record.templates.items() if role == "input" or answered}
    written, _ = apply_templates(draft_rows(kept, record.task, roles, reading).rows, kept, known)
    drafts = [d for d in written if d.input and not d.problem]
    answers = [draft.output for draft in drafts]
    answers = _labels(project, answers) if "label" in roles else answers
    return [
        Example(d.id, d.input, answer, source, system=d.system, history=d.history)
        for d, answer in zip(drafts, answers, strict=True)
    ]


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


def _history(project: Project, rows: "pl.DataFrame") -> "tuple[list[Operation], Columns]":
    """The history of 03 and what it works on, as far as the new file has the same columns."""
    from tailor.steps.clean_data import Settings

    used = Settings(**project.load(Cleaning, "cleaning.json").settings)
    texts, labels = (
        [name for name in names if name in rows.columns] for names in (used.text_columns, used.label_columns)
    )
    # rows without an answer are welcome here: only the input has to be there
    required = [asked_column(project.load(DatasetRecord, "dataset.json").roles)]
    operations = [
        operation.model_copy(update={"columns": []}) if operation.acts_on == "required" else operation
        for operation in for_new_rows(used.operations)
    ]
    return operations, choose_columns(describe_columns(rows), texts, labels, required)


def _check_columns(path: Path, columns: list[str], roles: dict[str, str]) -> None:
    wanted = asked_column(roles)
    if wanted not in columns:
        raise WorkbenchError(
            f"{path.name} has no column '{wanted}' (columns: {', '.join(columns[2:])})",
            f"the input in a column called '{wanted}', as in the training data",
            f"rename the column.{did_you_mean(wanted, columns)}",
        )
