"""04 Format data: which column plays which role; what exactly will the model see?"""

from pathlib import Path
from typing import TYPE_CHECKING

from tailor.blocks import Block
from tailor.data.annotations import FILE as ANNOTATIONS
from tailor.data.annotations import read_annotations
from tailor.data.dataset import Dataset, made_by
from tailor.data.drafts import Reading
from tailor.data.examples import Formatted, format_rows, given_roles, rare_labels
from tailor.data.exports.export import export_dataset
from tailor.data.exports.settings import ExportSettings
from tailor.data.format_view import FormatView
from tailor.data.formatting import TokenTable, take_out_long, tokenize, write_splits
from tailor.data.kept_sides import hash_rows, read_sides, text_keys, write_sides
from tailor.data.partition import SplitChoices, partition
from tailor.data.preflight import CheckName, preflight
from tailor.data.prompt_preview import preview_prompts
from tailor.data.prompts import PromptFormat
from tailor.data.role_search import Role
from tailor.data.role_settings import SPLITTING, RoleSettings
from tailor.data.roles import find_roles
from tailor.data.row_templates import TemplateSettings, system_prompt_of, take_shots, templates_of
from tailor.data.shapes import Shape, name_shape
from tailor.data.splits import SplitBy
from tailor.data.tables import map_table, read_pieces, write_table
from tailor.data.training_rows import extend_training
from tailor.data.training_settings import TrainingRowsSettings, check_augmentation
from tailor.errors import WorkbenchError
from tailor.files import scratch_folder, writing
from tailor.progress import Log
from tailor.project import Project
from tailor.records import DatasetRecord, ProjectRecord, Sources, Task, UseCase
from tailor.settings import setting

if TYPE_CHECKING:
    from tailor.models.catalog import ModelSource

CHECKING = "Checks before tuning"


class Settings(RoleSettings, TrainingRowsSettings, TemplateSettings, ExportSettings):
    """Which column is what, how rows are split, and what is done to them."""

    split_by: SplitBy = setting(
        "stratified",
        "'stratified' gives each split its share of every label; 'random' does not look at labels; 'grouped' insists "
        "on a group column; 'time' tests on the newest rows, as in real use.",
    )
    validation_share: float = setting(
        0.1,
        "Rows that steer training (when to stop) and are not learned.",
        unit="share of rows",
        ge=0.01,
        le=0.4,
    )
    test_share: float = setting(
        0.15, "Rows that are kept for the final measurement alone.", unit="share of rows", ge=0.01, le=0.5
    )
    max_length: int = setting(
        512,
        "The most tokens of prompt and answer together. Rows whose prompt alone is longer are set aside; longer "
        "answers are cut while training. Longer costs time and memory.",
        unit="tokens",
        ge=16,
        le=131_072,
        log=True,
    )
    max_train_rows: int = setting(
        0, "The most rows to learn from, drawn at random; 0 for all.", unit="rows", ge=0,
        section=SPLITTING,
    )  # fmt: skip
    max_validation_rows: int = setting(0, "The most rows for validation; 0 for all.", unit="rows", ge=0,
        section=SPLITTING)  # fmt: skip
    max_test_rows: int = setting(0, "The most rows for the test; 0 for all.", unit="rows", ge=0,
        section=SPLITTING)  # fmt: skip
    near_duplicates: float = setting(
        0.7,
        "Inputs that share at least this much of their words and word pairs stay in one split; 0 turns it off.",
        unit="similarity",
        ge=0,
        le=1,
        section=SPLITTING,
    )
    min_label_rows: int = setting(
        2, "Labels with fewer rows are set aside: they cannot be both learned and tested.", unit="rows", ge=1,
        section=SPLITTING,
    )  # fmt: skip
    truncated_at_most: float = setting(
        0.05,
        "The largest share of training rows that may be longer than max length (and so be left out) before 07_tune "
        "refuses to start.",
        unit="share of rows",
        ge=0.0,
        le=1.0,
        section=CHECKING,
    )
    accepted_checks: list[CheckName] = setting(
        [],
        "Checks whose findings are meant so: 07_tune starts all the same.",
        section=CHECKING,
    )
    keep_test_set: bool = setting(
        True,
        "Rows that were in the test set the last time stay there when data are added, so that figures before and after "
        "can be compared. Off: the test set is drawn anew.",
        section=SPLITTING,
    )


def reads_files(project: Project, settings: Settings) -> list[str]:
    """What people said about rows by hand, where they did."""
    return [f"outputs/{project.name}/{ANNOTATIONS}"] if project.path(ANNOTATIONS).exists() else []


def run(project: Project, settings: Settings, log: Log) -> DatasetRecord:
    """Make dataset/{train,validation,test}.parquet with their tokens, dataset/set_aside.parquet,
    of preference pairs dataset/preferences.parquet, and what exports ask for under dataset/exports/.

    Rows lie in Arrow files meanwhile, so that memory hardly grows with them."""
    from tailor.models.catalog import resolve

    source = resolve(project.load(ProjectRecord, "project.json").base_model)
    check_augmentation(settings)
    _check_length(source, settings.max_length)
    with scratch_folder(project.path("dataset")) as scratch:
        record = _make(project, settings, source, log, scratch)
    record.settings = settings.deciding()
    dataset = Dataset(record, project.path("dataset"))
    record.preflight = preflight(dataset, source, log)
    if settings.exports:
        record.exports = export_dataset(dataset, settings.exports, project.path("dataset/exports"), log)
    return record


def _check_length(source: "ModelSource", max_length: int) -> None:
    if source.context and max_length > source.context:
        raise WorkbenchError(
            f"04_format_data.max_length is {max_length:,}, and {source.name} reads {source.context:,} tokens",
            f"at most {source.context:,}",
            "lower 04_format_data.max_length, or choose a base model that reads more in 00_start_here",
        )


def _make(
    project: Project, settings: Settings, source: "ModelSource", log: Log, scratch: Path
) -> DatasetRecord:
    """Format, split, extend, tokenize and write the rows."""
    chosen = project.load(ProjectRecord, "project.json")
    use_case = project.load(UseCase, "use_case.json")
    roles, shape, formatted = _read_rows(project, settings, use_case.task, log, scratch)
    choices = _split_choices(settings, chosen.seed)
    leaks, notes = _split(project, settings, formatted, choices)
    shots = take_shots(formatted, settings.shots, chosen.seed)
    extension = extend_training(
        formatted,
        settings,
        use_case,
        most=settings.max_train_rows,
        near=settings.near_duplicates,
        seed=chosen.seed,
        cache=project.path(".cache/augmentation"),
        log=log,
    )
    prompts = PromptFormat(system_prompt_of(settings, use_case), settings.instruction.strip(), tuple(shots))
    tokens = _tokenize(formatted, prompts, source, settings.max_length, log, scratch)
    for note in notes:
        log.note(note)
    with writing(project.path("dataset")) as folder:
        decoder = source.architecture == "decoder"
        splits = write_splits(formatted, tokens, folder, settings.max_length, keep_ids=decoder)
        write_sides(formatted, choices, folder)
        write_table(extension.filtered_table(), folder / "filtered.parquet")
    return DatasetRecord(
        task=use_case.task,
        base_model=chosen.base_model,
        roles={name: role.column for name, role in roles.items()},
        shape=shape.name,
        shape_reason=shape.reason,
        left_out=formatted.notes,
        annotated=formatted.annotated,
        labels=sorted(formatted.rows["output"].unique()) if use_case.task == "classify" else [],
        system_prompt=prompts.system_prompt,
        instruction=prompts.instruction,
        shots=shots,
        templates=templates_of(settings),
        tokenizer=tokens.tokenizer,
        tokens_made_by=made_by(tokens.tokenizer, prompts),
        test_set=hash_rows(formatted.rows.filter(split="test")),
        max_length=settings.max_length,
        splits=splits,
        set_aside=formatted.reasons(),
        leaks=leaks,
        terms=extension.terms,
        term_weight=settings.term_weight,
        generated=extension.generated,
        augmentation=extension.augmentation,
        learning_curve=extension.curve,
    )


def _read_rows(
    project: Project, settings: Settings, task: Task, log: Log, scratch: Path
) -> tuple[dict[str, Role], Shape, Formatted]:
    """The clean rows as examples: what plays which role, the shape of the data, and what came of each row."""
    rows = map_table(read_pieces(project.path("clean.parquet"), "03_clean_data"), scratch / "clean.arrow")
    roles = find_roles(rows, task, given_roles(settings.model_dump()))
    for role in roles.values():
        log.note(f"{role.role}: column '{role.column}' ({role.reason})")
    shape = name_shape(rows, task, roles)
    log.note(f"{shape.name}: {shape.reason}")
    reading = Reading(settings.conversation_answers == "every", settings.assistant_speaker)
    readable = settings.label_text == "readable"
    said, _ = read_annotations(project.path(ANNOTATIONS))
    formatted = format_rows(rows, task, roles, readable, reading, templates_of(settings), said, scratch)
    for note in formatted.notes:
        log.note(note)
    if task == "classify":
        formatted.take_out(rare_labels(formatted.rows, settings.min_label_rows))
    if not formatted.rows.height:
        raise _none_left(formatted)
    return roles, shape, formatted


def _none_left(formatted: Formatted) -> WorkbenchError:
    counts = ", ".join(f"{count:,} because {reason}" for reason, count in formatted.reasons().items())
    return WorkbenchError(
        f"no row can be used: {counts}",
        "rows with an input and something to learn",
        "check the columns chosen in 04_format_data",
    )


def _split(
    project: Project, settings: Settings, formatted: Formatted, choices: SplitChoices
) -> tuple[dict[str, int], list[str]]:
    """Give every row its split; what a plain random one would have leaked, and what was decided."""
    frozen = [source.name for source in project.load(Sources, "sources.json").sources if source.frozen_test]
    before = read_sides(project.path("dataset"), choices) if settings.keep_test_set else {}
    sides = [before.get(key) for key in text_keys(formatted.rows)] if before else []
    return partition(formatted, choices, frozen, sides)


def _split_choices(settings: Settings, seed: int) -> SplitChoices:
    return SplitChoices(
        by=settings.split_by,
        shares=(settings.validation_share, settings.test_share),
        most=(
            0 if settings.choose_rows == "useful" else settings.max_train_rows,
            settings.max_validation_rows,
            settings.max_test_rows,
        ),
        near=settings.near_duplicates,
        seed=seed,
    )


def _tokenize(
    formatted: Formatted,
    prompts: PromptFormat,
    source: "ModelSource",
    max_length: int,
    log: Log,
    scratch: Path,
) -> TokenTable:
    from tailor.models import load_tokenizer

    tokens = tokenize(formatted.rows, prompts, load_tokenizer(source), log, scratch)
    take_out_long(formatted, tokens, max_length)
    return tokens


def preview(project: Project, settings: Settings) -> list[Block]:
    """The first rows as messages, below the form."""
    return preview_prompts(project, settings)


def blocks(project: Project) -> list[Block]:
    """What was made of the rows, subject by subject; each part reads only what is on disk."""
    shown = FormatView.open(project)
    return [
        *shown.roles(),
        *shown.annotations(),
        *shown.splits(),
        *shown.lengths(),
        *shown.labels(),
        *shown.training_rows(),
        *shown.tokens(),
        *shown.preflight(),
        *shown.exports(),
    ]
