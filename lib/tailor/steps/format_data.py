"""04 Format data: which column plays which role; what exactly will the model see?"""

from typing import Any, Literal

import polars as pl

from tailor.blocks import Block, Callout, Figure, Heading, Table, Text, Tokens
from tailor.data.dataset import SPLITS, Dataset
from tailor.data.duplicates import equality_keys
from tailor.data.examples import Formatted, contradictions, format_rows, rare_labels
from tailor.data.partition import SplitChoices, partition
from tailor.data.roles import find_roles
from tailor.data.splits import SplitBy
from tailor.data.tables import read_table, write_table
from tailor.data.tokens import Length, colour_tokens, count_tokens
from tailor.errors import WorkbenchError
from tailor.files import sha256_file, writing
from tailor.progress import Log
from tailor.project import Project
from tailor.records import DatasetRecord, ProjectRecord, Sources, Split, UseCase
from tailor.settings import Settings as Base
from tailor.settings import setting

ROLES = ("input", "output", "label", "group", "thread", "time")


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
        advanced=True,
    )
    time_column: str = setting("", "When a row was written. Empty: guessed; 'none': no such column.")
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
        0, "The most rows to learn from, drawn at random; 0 for all.", unit="rows", ge=0
    )
    max_validation_rows: int = setting(0, "The most rows for validation; 0 for all.", unit="rows", ge=0)
    max_test_rows: int = setting(0, "The most rows for the test; 0 for all.", unit="rows", ge=0)
    near_duplicates: float = setting(
        0.7,
        "Inputs that share at least this much of their words and word pairs stay in one split; 0 turns it off.",
        unit="similarity",
        ge=0,
        le=1,
        advanced=True,
    )
    min_label_rows: int = setting(
        2, "Labels with fewer rows are set aside: they cannot be both learned and tested.", unit="rows", ge=1,
        advanced=True,
    )  # fmt: skip
    label_text: Literal["readable", "as given"] = setting(
        "readable",
        "What the model writes for a label: 'readable' turns card_arrival into 'card arrival', words it knows; the "
        "spelling as given is kept beside it.",
        advanced=True,
    )


def run(project: Project, settings: Settings, log: Log) -> DatasetRecord:
    """Make dataset/{train,validation,test}.parquet and dataset/set_aside.parquet."""
    chosen = project.load(ProjectRecord, "project.json")
    use_case = project.load(UseCase, "use_case.json")
    rows = read_table(project.path("clean.parquet"), "03_clean_data")
    given = {role: getattr(settings, f"{role}_column") for role in ROLES}
    roles = find_roles(rows, use_case.task, given)
    for role in roles.values():
        log.note(f"{role.role}: column '{role.column}' ({role.reason})")
    formatted = format_rows(rows, use_case.task, roles, settings.label_text == "readable")
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
    system = [{"role": "system", "content": system_prompt}] if system_prompt else []
    texts = formatted.rows.select("id", "input", "output").rows()
    conversations = [
        [*system, {"role": "user", "content": text}, {"role": "assistant", "content": output}]
        for _, text, output in texts
    ]
    counted = count_tokens(load_tokenizer(source), conversations, log)
    lengths = {row_id: length for (row_id, _, _), length in zip(texts, counted, strict=True)}
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
    order = ("id", "input", "output", "source", "weight", "label", "group", "thread", "time", "tokens")
    rows = formatted.rows.with_columns(
        weight=pl.lit(1.0),
        prompt=pl.Series([lengths[i].prompt for i in formatted.rows["id"]], dtype=pl.Int64),
        tokens=pl.Series([lengths[i].total for i in formatted.rows["id"]], dtype=pl.Int64),
    )
    splits = {}
    for name in SPLITS:
        part = rows.filter(pl.col("split") == name)
        path = folder / f"{name}.parquet"
        write_table(part.select(order), path)
        kept = part["tokens"].clip(upper_bound=max_length)
        splits[name] = Split(
            rows=part.height,
            tokens=int(kept.sum()),
            learned_tokens=int((kept - part["prompt"]).sum()),
            truncated=int((part["tokens"] > max_length).sum()),
            longest=int(part["tokens"].max() or 0),
            sha256=sha256_file(path),
        )
    schema = dict.fromkeys(("id", "input", "output", "reason"), pl.String)
    write_table(pl.DataFrame(formatted.set_aside, schema=schema, orient="row"), folder / "set_aside.parquet")
    return splits


def blocks(project: Project) -> list[Block]:
    """Roles, splits, lengths, labels, leaks, and one real example with the learned tokens marked."""
    record = project.load(DatasetRecord, "dataset.json")
    tables = {name: read_table(project.path(f"dataset/{name}.parquet"), "04_format_data") for name in SPLITS}
    shown: list[Block] = [_roles_table(project, record), _splits_table(record)]
    shown += _leak_blocks(record)
    if record.set_aside:
        rows = list(record.set_aside.items())
        shown.append(Table(("reason", "rows"), rows, "Set aside in dataset/set_aside.parquet"))
    shown += [Heading("How long the examples are"), _lengths_figure(tables, record)]
    if record.task == "classify":
        shown += [*_label_blocks(tables), *_never_learned(tables)]
    return [*shown, Heading("What the model sees"), _example(project, record)]


def _roles_table(project: Project, record: DatasetRecord) -> Table:
    clean = read_table(project.path("clean.parquet"), "03_clean_data")
    given = {role: record.settings.get(f"{role}_column", "") for role in ROLES}
    roles = find_roles(clean, record.task, given).values()
    lines = [(role.role, role.column, role.reason, f"{role.confidence:.0%}") for role in roles]
    return Table(("role", "column", "why", "how sure"), lines, "Which column plays which role")


def _splits_table(record: DatasetRecord) -> Table:
    lines = [
        (name, split.rows, split.tokens, split.learned_tokens, split.longest, split.truncated)
        for name, split in record.splits.items()
    ]
    columns = ("split", "rows", "tokens", "tokens learned from", "longest row", "rows cut")
    return Table(columns, lines, f"Splits; a row may have {record.max_length:,} tokens")


def _leak_blocks(record: DatasetRecord) -> list[Block]:
    if not record.leaks:
        return [Callout("No row of the test has a copy or a relative in training.", "good")]
    kinds = ", ".join(f"{count:,} by {kind}" for kind, count in record.leaks.items())
    return [
        Callout(
            f"Kept apart: a plain random split would have shown the test in training ({kinds}). None is left.",
            "good",
        )
    ]


def _lengths_figure(tables: dict[str, pl.DataFrame], record: DatasetRecord) -> Figure:
    lengths = {name: table["tokens"].to_list() for name, table in tables.items()}

    def draw() -> Any:
        from tailor.plots import length_histogram

        return length_histogram(lengths, record.max_length)

    longest = max(split.longest for split in record.splits.values())
    return Figure(
        draw, f"Histogram of tokens per row; the longest has {longest:,}, the limit is {record.max_length:,}"
    )


def _label_blocks(tables: dict[str, pl.DataFrame]) -> list[Block]:
    counts = pl.concat([t.select("output", split=pl.lit(name)) for name, t in tables.items()])
    wide = counts.pivot("split", index="output", values="split", aggregate_function="len").fill_null(0)
    for name in SPLITS:
        wide = wide if name in wide.columns else wide.with_columns(pl.lit(0).alias(name))
    wide = wide.sort(["train", "output"], descending=[True, False])
    shown: list[Block] = [
        Table(("label", *SPLITS), wide.select("output", *SPLITS).rows(), "Rows of each label")
    ]
    if wide.height == 1:
        shown.append(Callout("There is one label only: nothing can be learned from it.", "bad"))
    everything = pl.concat([table.select("input", "output") for table in tables.values()])
    if twice := contradictions(everything, equality_keys(everything, ["input"])):
        shown.append(
            Callout(f"{twice:,} texts carry more than one label: some labels must be wrong.", "warning")
        )
    return shown


def _never_learned(tables: dict[str, pl.DataFrame]) -> list[Block]:
    """Rows of validation and test whose label no training row has; only a given test file can bring them."""
    rows = pl.concat([tables["validation"].select("output"), tables["test"].select("output")])
    unseen = rows.filter(~pl.col("output").is_in(tables["train"]["output"].to_list()))["output"]
    if unseen.is_empty():
        return []
    names = ", ".join(f"'{name}'" for name in unseen.unique().sort()[:5])
    return [
        Callout(
            f"{len(unseen):,} rows of validation and test have a label never seen in training ({names}). They are "
            "kept and count as wrong where the model misses them: add training rows with that label.",
            "warning",
        )
    ]


def _example(project: Project, record: DatasetRecord) -> Block:
    """The example of middle length, through the same function that training uses."""
    from tailor.models import load_tokenizer

    dataset = Dataset(record, project.path("dataset"))
    if not dataset.train:
        return Text("There is no training row to show.")
    example = sorted(dataset.train, key=lambda e: (len(e.input) + len(e.output), e.id))[
        len(dataset.train) // 2
    ]
    pieces = colour_tokens(load_tokenizer(record.base_model), dataset.conversation(example))
    legend = {"learned": "learned: the model is trained to write this", "masked": "read, not learned"}
    return Tokens(pieces, legend, f"Row {example.id}, as the model sees it, control tokens included")
