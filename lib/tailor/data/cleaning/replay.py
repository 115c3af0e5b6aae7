"""A history outside its project: exported, taken over from a file of Tailor's or OpenRefine's, run on other data."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from tailor.data.cleaning.history import History, for_new_rows, read_json_file
from tailor.data.cleaning.openrefine import import_history, is_openrefine
from tailor.data.cleaning.operation import Operation
from tailor.data.cleaning.pipeline import clean
from tailor.data.cleaning.plan import choose_columns, read_operations
from tailor.data.cleaning.privacy.vault import lock_away, with_earlier_stand_ins
from tailor.data.columns import describe_columns
from tailor.data.formula_cells import disarm
from tailor.data.gather import ROWS, Choices, gather
from tailor.data.tables import read_table, write_table
from tailor.errors import WorkbenchError
from tailor.files import writing
from tailor.progress import Log
from tailor.project import Project
from tailor.series import find_step

FORMATS = (".parquet", ".csv", ".jsonl")


@dataclass(frozen=True)
class Loaded:
    """A history from a file.

    Attributes:
        operations: its entries.
        replaces: it is a whole history, and not something to be done after one.
        notes: a sentence for each of OpenRefine's operations that was left out or is done a little differently.
    """

    operations: list[Operation]
    replaces: bool
    notes: list[str] = field(default_factory=list)


def read_history(text: str) -> Loaded:
    """Read a history that a person pasted: YAML, Tailor's JSON or OpenRefine's.

    Raises:
        WorkbenchError: not a history, an unknown operation or a wrong value.
    """
    try:
        values = json.loads(text) if text.lstrip()[:1] in ("[", "{") else None
    except (ValueError, RecursionError):
        values = None  # [drop_empty] is YAML
    if values is None:
        return Loaded(list(History.from_yaml(text).operations), True)
    if is_openrefine(values):
        return _of_openrefine(values)
    entries = values.get("operations", values) if isinstance(values, dict) else values
    return Loaded(read_operations(entries, "the history's"), True)


def load_history(path: Path) -> Loaded:
    """Read a history: Tailor's export or YAML, or what OpenRefine's Undo / Redo > Extract gave.

    Raises:
        WorkbenchError: no such file, not a history, an unknown operation or a wrong value.
    """
    if path.suffix.lower() in (".yaml", ".yml"):
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise WorkbenchError(f"{path} cannot be read ({error})", "a history", "check the path") from None
        return Loaded(list(History.from_yaml(text).operations), True)
    values = read_json_file(path)
    if not is_openrefine(values):
        return Loaded(list(History.load(path).operations), True)
    return _of_openrefine(values)


def _of_openrefine(values: list | dict) -> Loaded:
    found = import_history(values)
    left_out = [f"{item.number}. {item.description or item.op}: {item.reason}" for item in found.unsupported]
    return Loaded(found.operations, False, [*(f"Left out: {text}." for text in left_out), *found.notes])


def take_over(project: Project, path: Path) -> Loaded:
    """Make a file's history the project's; OpenRefine's is done after what the project does already.

    Raises:
        WorkbenchError: as `load_history`.
    """
    loaded, step = load_history(path), find_step("03_clean_data")
    settings = project.settings(step)
    before = [] if loaded.replaces else settings.operations
    changes = {"operations": [*before, *loaded.operations]}
    project.choose(step, project.settings(step, changes))
    return loaded


def clean_file(project: Project, path: Path, target: Path, log: Log) -> tuple[int, int]:
    """Run the project's history on another file. Entries that name single rows or absent columns are left out, and
    whoever has a stand-in in the project keeps it.

    Args:
        target: .parquet, .csv (cells that a spreadsheet would compute are disarmed) or .jsonl; never half written.

    Returns:
        Rows read and rows written.

    Raises:
        WorkbenchError: the file cannot be read, no row is left, or the target has another ending.
    """
    if target.suffix.lower() not in FORMATS:
        raise WorkbenchError(
            f"the target {target.name}", f"a name that ends in {', '.join(FORMATS)}", "rename it"
        )
    settings = project.settings(find_step("03_clean_data"))
    folder = project.path(".cache/history")
    with writing(folder) as temporary:
        gather([str(path)], Path, temporary, Choices(), log)
    rows = read_table(folder / ROWS, "tailor history")
    known = (settings.text_columns, settings.label_columns, settings.required_columns)
    present = [[name for name in names if name in rows.columns] for names in known]
    columns = choose_columns(describe_columns(rows), *present)
    operations = with_earlier_stand_ins(for_new_rows(settings.operations), project.name)
    aside: dict[int, Any] = {}
    kept, _, _ = clean(rows, operations, columns, log, absent_columns="skip", aside=aside)
    lock_away(project.name, (decision.stand_ins for decision in aside.values() if decision.stand_ins))
    _write(kept, target)
    return rows.height, kept.height


def _write(frame: pl.DataFrame, target: Path) -> None:
    if target.suffix.lower() == ".parquet":
        write_table(frame, target)
        return
    with writing(target) as temporary:
        if target.suffix.lower() == ".jsonl":
            frame.write_ndjson(temporary)
        else:
            texts = [pl.col(name).map_elements(disarm, return_dtype=pl.String) for name in frame.columns]
            safe = frame.with_columns(texts)
            safe.rename({name: disarm(name) for name in frame.columns}).write_csv(temporary)
