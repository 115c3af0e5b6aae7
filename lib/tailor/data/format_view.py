"""What 04_format_data shows: roles, splits, lengths, labels, and the tokens as the model sees them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from tailor.blocks import Block, Callout, Figure, Heading, Table, Text
from tailor.data.dataset import SPLITS, Dataset
from tailor.data.duplicates import equality_keys
from tailor.data.examples import contradictions, given_roles
from tailor.data.roles import find_roles
from tailor.data.tables import read_table
from tailor.data.tokens import fragments
from tailor.data.training_rows_view import show_training_rows
from tailor.project import Project
from tailor.records import DatasetRecord, ProjectRecord, UseCase

BATCH_ROWS = 8
"""Rows of the batch that is shown: as many as techniques put through a model together unless told otherwise."""

DOUBTFUL = 0.5
"""Roles less sure than this are pointed out."""


@dataclass(frozen=True)
class FormatView:
    """A finished 04_format_data, one method a subject."""

    project: Project
    record: DatasetRecord

    @classmethod
    def open(cls, project: Project) -> "FormatView":
        return cls(project, project.load(DatasetRecord, "dataset.json"))

    @cached_property
    def tables(self) -> dict[str, pl.DataFrame]:
        """The splits, as 04 wrote them."""
        return {
            name: read_table(self.project.path(f"dataset/{name}.parquet"), "04_format_data")
            for name in SPLITS
        }

    def roles(self) -> list[Block]:
        """The shape of the data, its columns' roles, what is doubtful about them, and what was left out."""
        clean = read_table(self.project.path("clean.parquet"), "03_clean_data")
        found = find_roles(clean, self.record.task, given_roles(self.record.settings)).values()
        lines = [(role.role, role.column, role.reason, f"{role.confidence:.0%}") for role in found]
        shown: list[Block] = [
            Text(f"The data have the shape '{self.record.shape}': {self.record.shape_reason}."),
            Table(("role", "column", "why", "how sure"), lines, "Which column plays which role"),
        ]
        if doubtful := [role for role in found if role.confidence < DOUBTFUL]:
            names = ", ".join(f"'{role.column}' as {role.role}" for role in doubtful)
            shown.append(
                Callout(
                    f"Guessed from the contents alone: {names}. Say in the form if it is wrong.", "warning"
                )
            )
        return shown + [
            Callout(f"{sentence[0].upper()}{sentence[1:]}.", "note") for sentence in self.record.left_out
        ]

    def annotations(self) -> list[Block]:
        """What became of what people said by hand."""
        if not self.record.annotated:
            return []
        from tailor.data.annotations import FILE

        lines = list(self.record.annotated.items())
        return [
            Table(("what became of it", "rows"), lines, f"Said by hand, in {FILE}, where all of it is kept")
        ]

    def splits(self) -> list[Block]:
        """Their sizes, what was kept apart, and what was set aside."""
        shown: list[Block] = [_splits_table(self.record), *_leak_blocks(self.record)]
        if self.record.set_aside:
            rows = list(self.record.set_aside.items())
            shown.append(Table(("reason", "rows"), rows, "Set aside in dataset/set_aside.parquet"))
        return shown

    def lengths(self) -> list[Block]:
        return [
            Heading("How long the examples are"),
            _lengths_figure(self.tables, self.record),
            _lengths_table(self.tables, self.record),
        ]

    def labels(self) -> list[Block]:
        if self.record.task != "classify":
            return []
        return [*_label_blocks(self.tables), *_never_learned(self.tables)]

    def training_rows(self) -> list[Block]:
        """Balance, rows that were made, and the learning curve."""
        filtered = read_table(self.project.path("dataset/filtered.parquet"), "04_format_data")
        return show_training_rows(self.record, self.tables["train"], filtered)

    def tokens(self) -> list[Block]:
        """A batch as training will see it, and how the glossary's words are read."""
        from tailor.models.catalog import resolve
        from tailor.training.batch_view import batch_blocks

        seed = self.project.load(ProjectRecord, "project.json").seed
        dataset = Dataset(self.record, self.project.path("dataset"))
        batch = batch_blocks(dataset, resolve(self.record.base_model), BATCH_ROWS, seed)
        return [
            Heading("What the model sees"),
            *_templates(self.record),
            *batch,
            *_glossary(self.project, self.record),
        ]

    def preflight(self) -> list[Block]:
        return [Heading("Checks before tuning"), *_preflight(self.record)]

    def exports(self) -> list[Block]:
        from tailor.data.exports.view import export_blocks

        chosen = self.record.settings
        return export_blocks(self.record.exports, chosen["export_epochs"], chosen["price_per_million_tokens"])


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


def _lengths_table(tables: dict[str, pl.DataFrame], record: DatasetRecord) -> Table:
    lines = []
    for name, table in tables.items():
        tokens = table["tokens"]
        middle, most = (tokens.quantile(q, "nearest") or 0 for q in (0.5, 0.95))
        fitting = int(tokens.filter(tokens <= record.max_length).sum())
        lines.append((name, int(middle), int(most), int(tokens.max() or 0), fitting))
    columns = (
        "split",
        "tokens in the middle row",
        "95% of rows have at most",
        "longest",
        "tokens an epoch reads",
    )
    return Table(columns, lines, "One epoch reads every row of train once")


def _preflight(record: DatasetRecord) -> list[Block]:
    from tailor.data.preflight import CHECKS

    if not record.preflight:
        return [Callout(f"All {len(CHECKS)} checks before tuning passed: {', '.join(CHECKS)}.", "good")]
    return [
        Callout(
            f"{finding.check.capitalize()}: {finding.sentence} To do: {finding.fix}."
            + (" You accepted this." if finding.accepted else " 07_tune will not start."),
            "note" if finding.accepted else "bad",
        )
        for finding in record.preflight
    ]


def _templates(record: DatasetRecord) -> list[Block]:
    """What stands around a row's cells, where something does."""
    given = {
        "system prompt": record.system_prompt,
        "instruction": record.instruction,
        "input template": record.templates.get("input", ""),
        "output template": record.templates.get("output", ""),
    }
    lines = [(name, text) for name, text in given.items() if text]
    if record.shots:
        lines.append(
            ("examples before every question", "\n\n".join(f"{s.input}\n-> {s.output}" for s in record.shots))
        )
    return [Table(("", "text"), lines, "What stands around every row")] if lines else []


def _glossary(project: Project, record: DatasetRecord) -> list[Block]:
    """How many tokens the house's own words take."""
    from tailor.models import load_tokenizer

    terms = [term.term for term in project.load(UseCase, "use_case.json").glossary]
    if not terms:
        return []
    lines = sorted(fragments(load_tokenizer(record.base_model), terms), key=lambda line: (-line[1], line[0]))
    mean = sum(count for _, count, _ in lines) / len(lines)
    caption = (
        f"The glossary's terms as the model reads them, {mean:.1f} tokens each on average. A word in many pieces "
        "was rare where the model learned to read: give it more examples."
    )
    return [Heading("The glossary in tokens"), Table(("term", "tokens", "pieces"), lines, caption)]
