"""04 Format data: which column plays which role; what exactly will the model see?"""

from typing import Literal

import polars as pl

from tailor.blocks import Block
from tailor.data.dataset import SPLITS, prompt_messages
from tailor.data.examples import Formatted, format_rows, given_roles, rare_labels
from tailor.data.exchanges import Reading
from tailor.data.format_view import FormatView
from tailor.data.partition import SplitChoices, partition
from tailor.data.roles import find_roles
from tailor.data.shapes import name_shape
from tailor.data.splits import SplitBy
from tailor.data.tables import read_table, write_table
from tailor.data.tokens import Length, count_tokens
from tailor.errors import WorkbenchError
from tailor.files import sha256_file, writing
from tailor.progress import Log
from tailor.project import Project
from tailor.records import DatasetRecord, ProjectRecord, Sources, Split, UseCase
from tailor.settings import Settings as Base
from tailor.settings import setting

TEMPLATES, SPLITTING, SHAPES = "Templates and prompt", "Splitting", "Conversations, passages and preferences"
"""Groups of settings that the form folds away; a setting names its own by `section`."""


class Settings(Base):
    """Which column is what, and how rows are split."""

    input_column: str = setting("", "The text a person writes. Empty: guessed; the guess is shown below.")
    output_column: str = setting("", "The answer to learn (task 'respond'). Empty: guessed.")
    label_column: str = setting("", "The label to learn (task 'classify'). Empty: guessed.")
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
    label_text: Literal["readable", "as given"] = setting(
        "readable",
        "What the model writes for a label: 'readable' turns card_arrival into 'card arrival', words it knows; the "
        "spelling as given is kept beside it.",
        section=TEMPLATES,
    )


def run(project: Project, settings: Settings, log: Log) -> DatasetRecord:
    """Make dataset/{train,validation,test}.parquet and dataset/set_aside.parquet; of preference pairs also
    dataset/preferences.parquet."""
    chosen = project.load(ProjectRecord, "project.json")
    use_case = project.load(UseCase, "use_case.json")
    rows = read_table(project.path("clean.parquet"), "03_clean_data")
    roles = find_roles(rows, use_case.task, given_roles(settings.model_dump()))
    for role in roles.values():
        log.note(f"{role.role}: column '{role.column}' ({role.reason})")
    shape = name_shape(rows, use_case.task, roles)
    log.note(f"{shape.name}: {shape.reason}")
    reading = Reading(settings.conversation_answers == "every", settings.assistant_speaker)
    formatted = format_rows(rows, use_case.task, roles, settings.label_text == "readable", reading)
    for note in formatted.notes:
        log.note(note)
    if use_case.task == "classify":
        formatted.take_out(rare_labels(formatted.rows, settings.min_label_rows))
    lengths = _measure(formatted, chosen.base_model, use_case.system_prompt, settings.max_length, log)
    leaks, notes = partition(formatted, _split_choices(settings, chosen.seed), _frozen(project))
    for note in notes:
        log.note(note)
    with writing(project.path("dataset")) as folder:
        splits = _write(formatted, lengths, folder, settings.max_length)
    return DatasetRecord(
        task=use_case.task,
        base_model=chosen.base_model,
        roles={name: role.column for name, role in roles.items()},
        shape=shape.name,
        shape_reason=shape.reason,
        left_out=formatted.notes,
        labels=sorted(formatted.rows["output"].unique()) if use_case.task == "classify" else [],
        system_prompt=use_case.system_prompt,
        max_length=settings.max_length,
        splits=splits,
        set_aside=_count_reasons(formatted),
        leaks=leaks,
    )


def _split_choices(settings: Settings, seed: int) -> SplitChoices:
    return SplitChoices(
        by=settings.split_by,
        shares=(settings.validation_share, settings.test_share),
        most=(settings.max_train_rows, settings.max_validation_rows, settings.max_test_rows),
        near=settings.near_duplicates,
        seed=seed,
    )


def _frozen(project: Project) -> list[str]:
    record = project.load(Sources, "sources.json")
    return [source.name for source in record.sources if source.frozen_test]


def _measure(
    formatted: Formatted, base_model: str, system_prompt: str, max_length: int, log: Log
) -> dict[str, Length]:
    """Count every row's tokens; rows whose prompt leaves no room for an answer are set aside."""
    from tailor.models import load_tokenizer, resolve

    if not formatted.rows.height:
        raise _none_left(formatted)
    source = resolve(base_model)
    if source.context and max_length > source.context:
        raise WorkbenchError(
            f"04_format_data.max_length is {max_length:,}, and {source.name} reads {source.context:,} tokens",
            f"at most {source.context:,}",
            "lower 04_format_data.max_length, or choose a base model that reads more in 00_start_here",
        )
    texts = formatted.rows.select("id", "system", "history", "input", "output").rows()
    conversations = [
        [*prompt_messages(system or system_prompt, history, text), {"role": "assistant", "content": output}]
        for _, system, history, text, output in texts
    ]
    counted = count_tokens(load_tokenizer(source), conversations, log)
    lengths = {row_id: length for (row_id, *_), length in zip(texts, counted, strict=True)}
    formatted.take_out(
        {
            row_id: f"the prompt alone is longer than {max_length:,} tokens"
            for row_id, length in lengths.items()
            if length.prompt >= max_length
        }
    )
    if not formatted.rows.height:
        shortest = min(length.prompt for length in lengths.values())
        raise WorkbenchError(
            f"every one of the {len(lengths):,} prompts is longer than {max_length:,} tokens",
            f"04_format_data.max_length above {shortest:,}, the shortest prompt",
            "raise 04_format_data.max_length, or shorten 01_define_use_case.system_prompt",
        )
    return lengths


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


def _write(formatted: Formatted, lengths: dict[str, Length], folder, max_length: int) -> dict[str, Split]:
    folder.mkdir(parents=True)
    order = (
        "id",
        "input",
        "output",
        "source",
        "weight",
        "system",
        "history",
        "label",
        "group",
        "thread",
        "time",
    )
    rows = formatted.rows.with_columns(
        weight=pl.lit(1.0),
        prompt=pl.Series([lengths[i].prompt for i in formatted.rows["id"]], dtype=pl.Int64),
        tokens=pl.Series([lengths[i].total for i in formatted.rows["id"]], dtype=pl.Int64),
    )
    splits = {}
    for name in SPLITS:
        part = rows.filter(pl.col("split") == name)
        path = folder / f"{name}.parquet"
        write_table(part.select(*order, "tokens"), path)
        kept = part["tokens"].clip(upper_bound=max_length)
        splits[name] = Split(
            rows=part.height,
            tokens=int(kept.sum()),
            learned_tokens=int((kept - part["prompt"]).sum()),
            truncated=int((part["tokens"] > max_length).sum()),
            longest=int(part["tokens"].max() or 0),
            sha256=sha256_file(path),
        )
    pairs = rows.filter((pl.col("rejected") != "") & (pl.col("split") == "train"))
    if pairs.height:
        kept = pairs.select("id", "system", "history", prompt="input", chosen="output", rejected="rejected")
        write_table(kept, folder / "preferences.parquet")
    schema = dict.fromkeys(("id", "input", "output", "reason"), pl.String)
    write_table(pl.DataFrame(formatted.set_aside, schema=schema, orient="row"), folder / "set_aside.parquet")
    return splits


def blocks(project: Project) -> list[Block]:
    """What was made of the rows, subject by subject; each part reads only what is on disk."""
    shown = FormatView.open(project)
    return [*shown.roles(), *shown.splits(), *shown.lengths(), *shown.labels(), *shown.tokens()]
