"""04 Format data: which column plays which role; what exactly will the model see?"""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import polars as pl

from tailor.blocks import Block
from tailor.data.annotations import FILE as ANNOTATIONS
from tailor.data.annotations import read_annotations
from tailor.data.dataset import Dataset, made_by
from tailor.data.drafts import Reading
from tailor.data.examples import Formatted, format_rows, given_roles, rare_labels
from tailor.data.exports.export import export_dataset
from tailor.data.exports.settings import ExportSettings
from tailor.data.format_view import FormatView
from tailor.data.formatting import TokenTable, tokenize, write_splits
from tailor.data.kept_sides import hash_rows, read_sides, text_keys, write_sides
from tailor.data.partition import SplitChoices, partition
from tailor.data.preflight import CheckName, preflight
from tailor.data.prompt_preview import preview_prompts
from tailor.data.prompts import PromptFormat
from tailor.data.roles import find_roles
from tailor.data.row_templates import TemplateSettings, system_prompt_of, take_shots, templates_of
from tailor.data.shapes import name_shape
from tailor.data.splits import SplitBy
from tailor.data.tables import map_table, read_pieces, write_table
from tailor.data.training_rows import extend_training
from tailor.data.training_settings import TrainingRowsSettings, check_augmentation
from tailor.errors import WorkbenchError
from tailor.files import scratch_folder, writing
from tailor.progress import Log
from tailor.project import Project
from tailor.records import DatasetRecord, ProjectRecord, Sources, UseCase
from tailor.settings import setting

if TYPE_CHECKING:
    from tailor.models.catalog import ModelSource

SPLITTING, CHECKING, SHAPES = "Splitting", "Checks before tuning", "Conversations, passages and preferences"
"""Groups of settings that the form folds away; a setting names its own by `section`."""


class Settings(TrainingRowsSettings, TemplateSettings, ExportSettings):
    """Which column is what, and how rows are split."""

    input_column: str = setting("", "The text a person writes. Empty: guessed; the guess is shown below.")
    output_column: str = setting(
        "",
        "The answer to learn (task 'respond'). Empty: guessed; 'none': answers are written by hand, below.",
    )
    label_column: str = setting(
        "", "The label to learn (task 'classify'). Empty: guessed; 'none': labels are given by hand, below."
    )
    group_column: str = setting(
        "",
        "Rows with the same value here (one customer) stay in one split, so that the test holds nobody seen in "
        "training. Empty: guessed; 'none': no such column.",
    )
    thread_column: str = setting(
        "",
        "Rows of one conversation stay in one split. Empty: guessed; 'none': no such column.",
        section=SPLITTING,
    )
    time_column: str = setting("", "When a row was written. Empty: guessed; 'none': no such column.")
    conversation_column: str = setting(
        "",
        "Whole conversations: lists of messages as OpenAI, ShareGPT or Gemini write them. Empty: guessed; 'none': no "
        "such column.",
        section=SHAPES,
    )
    conversation_answers: Literal["every", "last"] = setting(
        "every",
        "Of a conversation with several answers, 'every' one is an example with what was said before it; 'last' learns "
        "the last one alone.",
        section=SHAPES,
    )
    speaker_column: str = setting(
        "",
        "Who speaks, where each row is one turn (or one e-mail) of the conversation in thread column. Empty: guessed; "
        "'none': no such column.",
        section=SHAPES,
    )
    assistant_speaker: str = setting(
        "",
        "The speaker whose words are to be learned, or the domain of their e-mail addresses. Empty: guessed.",
        section=SHAPES,
    )
    context_column: str = setting(
        "",
        "A passage that the input is about; it becomes part of the prompt. Empty: guessed; 'none': no such column.",
        section=SHAPES,
    )
    system_column: str = setting(
        "",
        "A system prompt of each row's own, in place of the use case's. Empty: guessed; 'none': no such column.",
        section=SHAPES,
    )
    chosen_column: str = setting(
        "",
        "Of two answers the better one: it is learned, and the pair is kept for 09_align_with_feedback. Empty: "
        "guessed; 'none': no such column.",
        section=SHAPES,
    )
    rejected_column: str = setting(
        "", "Of two answers the worse one. Empty: guessed; 'none': no such column.", section=SHAPES
    )
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


def _make(
    project: Project, settings: Settings, source: "ModelSource", log: Log, scratch: Path
) -> DatasetRecord:
    """Format, split, extend, tokenize and write the rows."""
    chosen = project.load(ProjectRecord, "project.json")
    use_case = project.load(UseCase, "use_case.json")
    rows = map_table(read_pieces(project.path("clean.parquet"), "03_clean_data"), scratch / "clean.arrow")
    roles = find_roles(rows, use_case.task, given_roles(settings.model_dump()))
    for role in roles.values():
        log.note(f"{role.role}: column '{role.column}' ({role.reason})")
    shape = name_shape(rows, use_case.task, roles)
    log.note(f"{shape.name}: {shape.reason}")
    reading = Reading(settings.conversation_answers == "every", settings.assistant_speaker)
    readable = settings.label_text == "readable"
    said, _ = read_annotations(project.path(ANNOTATIONS))
    templates = templates_of(settings)
    formatted = format_rows(rows, use_case.task, roles, readable, reading, templates, said, scratch)
    del rows  # its pages are not needed any more
    for note in formatted.notes:
        log.note(note)
    if use_case.task == "classify":
        formatted.take_out(rare_labels(formatted.rows, settings.min_label_rows))
    if not formatted.rows.height:
        raise _none_left(formatted)
    choices = _split_choices(settings, chosen.seed)
    before = read_sides(project.path("dataset"), choices) if settings.keep_test_set else {}
    sides = [before.get(key) for key in text_keys(formatted.rows)] if before else []
    leaks, notes = partition(formatted, choices, _frozen(project), sides)
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
        _write_pairs(formatted.rows, folder)
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
        templates=templates,
        tokenizer=tokens.tokenizer,
        tokens_made_by=made_by(tokens.tokenizer, prompts),
        test_set=hash_rows(formatted.rows.filter(split="test")),
        max_length=settings.max_length,
        splits=splits,
        set_aside=_count_reasons(formatted),
        leaks=leaks,
        terms=extension.terms,
        term_weight=settings.term_weight,
        generated=extension.generated,
        augmentation=extension.augmentation,
        learning_curve=extension.curve,
    )


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


def _frozen(project: Project) -> list[str]:
    record = project.load(Sources, "sources.json")
    return [source.name for source in record.sources if source.frozen_test]


def _tokenize(
    formatted: Formatted,
    prompts: PromptFormat,
    source: "ModelSource",
    max_length: int,
    log: Log,
    scratch: Path,
) -> TokenTable:
    """Every row as tokens; rows whose prompt leaves no room for an answer are set aside."""
    from tailor.models import load_tokenizer

    tokens = tokenize(formatted.rows, prompts, load_tokenizer(source), log, scratch)
    too_long = tokens.lengths.filter(pl.col("prompt") >= max_length)
    reason = f"the prompt alone is longer than {max_length:,} tokens"
    formatted.take_out(dict.fromkeys(too_long["id"], reason))
    if not formatted.rows.height:
        shortest = tokens.lengths["prompt"].min()
        raise WorkbenchError(
            f"every one of the {too_long.height:,} prompts is longer than {max_length:,} tokens",
            f"04_format_data.max_length above {shortest:,}, the shortest prompt",
            "raise 04_format_data.max_length, or shorten 01_define_use_case.system_prompt",
        )
    return tokens


def _check_length(source: "ModelSource", max_length: int) -> None:
    if source.context and max_length > source.context:
        raise WorkbenchError(
            f"04_format_data.max_length is {max_length:,}, and {source.name} reads {source.context:,} tokens",
            f"at most {source.context:,}",
            "lower 04_format_data.max_length, or choose a base model that reads more in 00_start_here",
        )


def _none_left(formatted: Formatted) -> WorkbenchError:
    counts = ", ".join(f"{count:,} because {reason}" for reason, count in _count_reasons(formatted).items())
    return WorkbenchError(
        f"no row can be used: {counts}",
        "rows with an input and something to learn",
        "check the columns chosen in 04_format_data",
    )


def _count_reasons(formatted: Formatted) -> dict[str, int]:
    counts: dict[str, int] = {}
    for *_, reason in formatted.set_aside:
        counts[reason] = counts.get(reason, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _write_pairs(rows: pl.DataFrame, folder: Path) -> None:
    """Preference pairs of the training rows, for 09_align_with_feedback."""
    pairs = rows.filter((pl.col("rejected") != "") & (pl.col("split") == "train"))
    if pairs.height:
        kept = pairs.select("id", "system", "history", prompt="input", chosen="output", rejected="rejected")
        write_table(kept, folder / "preferences.parquet")


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
