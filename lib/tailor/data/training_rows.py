"""What is done to the training rows alone, once they are split: choice, balance, new rows, and what more would bring.

Validation and test stay as they were given: they say how a model does in the world it is for.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from tailor.data.augmentation.augment import BY_MODEL, augment, count_generated
from tailor.data.augmentation.effect import compare
from tailor.data.augmentation.filters import Strictness, find_leaks
from tailor.data.balance import downsample, label_weights, upsample
from tailor.data.canaries import canary_rows
from tailor.data.dataset import SPLITS, Example
from tailor.data.examples import Formatted
from tailor.data.knowledge import knowledge_rows, weighted_terms
from tailor.data.learning_curve import learning_curve
from tailor.data.training_settings import TrainingRowsSettings, check_augmentation
from tailor.progress import Log
from tailor.records import Generated, LearningCurve, ProxyComparison, Task, UseCase


@dataclass
class Extension:
    """What was done to the training rows: for the record, and the rows that were made, kept or not."""

    made: list[Example] = field(default_factory=list)
    filtered: list[tuple[Example, str]] = field(default_factory=list)
    generated: list[Generated] = field(default_factory=list)
    augmentation: ProxyComparison | None = None
    curve: LearningCurve | None = None
    terms: list[str] = field(default_factory=list)

    def add(self, kept: Sequence[Example], filtered: Sequence[tuple[Example, str]] = ()) -> None:
        """Rows made in one way, counted."""
        self.made += kept
        self.filtered += filtered
        self.generated += count_generated(kept, filtered)

    def filtered_table(self) -> pl.DataFrame:
        """As dataset/filtered.parquet holds it."""
        columns = ("id", "parent", "source", "input", "output")
        schema = dict.fromkeys((*columns, "reason"), pl.String)
        lines = [(*(getattr(row, name) for name in columns), reason) for row, reason in self.filtered]
        return pl.DataFrame(lines, schema=schema, orient="row")


@dataclass(frozen=True)
class _Rows:
    """Rows as given: to learn from, to measure on, and those that nothing made may come near."""

    train: list[Example]
    validation: list[Example]
    held_out: list[Example]


def extend_training(
    formatted: Formatted,
    settings: TrainingRowsSettings,
    use_case: UseCase,
    *,
    most: int,
    near: float,
    seed: int,
    cache: Path,
    log: Log,
) -> Extension:
    """Choose, balance and extend the training rows in place; give every row a `weight` and a `parent`.

    A made row is one with a parent: the row, term or pair of sentences that it was made from.

    Args:
        formatted: rows with a column `split`. Rows left out go to its set_aside, with their children.
        most: training rows to keep, before new ones are made; 0 for all.
        near: likeness from which a new row counts as a copy of a held-out one.
        cache: the folder where a language model's rewordings are kept.

    Raises:
        WorkbenchError: a way of rewording needs a model and none is named.
    """
    check_augmentation(settings)
    done, task = Extension(), use_case.task
    given, validation, test = (_Examples(formatted.rows.filter(split=split)) for split in SPLITS)
    given = _choose(formatted, given, settings, task, most, seed, log)
    if settings.estimate_more:
        done.curve = learning_curve(given, validation, task, seed=seed, log=log)
    labelled = task == "classify" and len({row.output for row in given}) > 1
    if settings.balance != "as it is" and not labelled:
        log.note("Balance has nothing to do: there are no labels, or there is one only.")
    if labelled and settings.balance == "downsample":
        gone = downsample(given, settings.balance_ratio, seed)
        given = _leave_out(formatted, given, gone, "left out to balance the labels")
    make_knowledge, reword = settings.knowledge_rows and task == "respond", settings.augment_rows and given
    if make_knowledge or reword:
        rows = _Rows(list(given), list(validation), [*validation, *test])
    if make_knowledge:
        _add_knowledge(done, rows, settings, use_case, near, seed)
    if reword:
        _add_rewordings(done, rows, settings, use_case, near, seed, cache, log)
    if labelled and settings.balance == "upsample":
        done.add(upsample([*given, *done.made], settings.balance_ratio, seed))
    if settings.canaries and task == "respond":
        done.add(canary_rows(settings.canaries, settings.canary_copies, seed))
    weights = {}
    if labelled and settings.balance == "weight":
        weights = label_weights([*given, *done.made], settings.balance_ratio)
    if settings.term_weight != 1 and task == "respond":
        done.terms = weighted_terms(use_case.glossary)
    formatted.rows = _append(formatted.rows, done.made, weights)
    return done


def _choose(
    formatted: Formatted,
    given: Sequence[Example],
    settings: TrainingRowsSettings,
    task: Task,
    most: int,
    seed: int,
    log: Log,
) -> Sequence[Example]:
    """The rows that are kept where only the most useful are wanted."""
    if not most or settings.choose_rows != "useful" or len(given) <= most:
        return given
    from tailor.data.selection import choose_useful

    chosen = choose_useful(given, most, task, seed=seed, encoder=settings.use_encoder, log=log)
    gone = {row.id for row in given} - {row.id for row in chosen}
    return _leave_out(formatted, given, gone, "less useful than the rows kept for train")


def _leave_out(formatted: Formatted, given: Sequence[Example], gone: set[str], reason: str) -> list[Example]:
    formatted.take_out(dict.fromkeys(gone, reason))
    return [row for row in given if row.id not in gone]


def _add_knowledge(
    done: Extension, rows: _Rows, settings: TrainingRowsSettings, use_case: UseCase, near: float, seed: int
) -> None:
    """Rows from the glossary and tone sheet, without those that a held-out row says already."""
    made = knowledge_rows(use_case, settings.knowledge_rows, seed)
    marked = list(zip(made, find_leaks(made, rows.held_out, near), strict=True))
    done.add([row for row, leak in marked if not leak], [(row, leak) for row, leak in marked if leak])


def _add_rewordings(
    done: Extension,
    rows: _Rows,
    settings: TrainingRowsSettings,
    use_case: UseCase,
    near: float,
    seed: int,
    cache: Path,
    log: Log,
) -> None:
    """Reworded rows, and whether they help the quick proxy."""
    found = augment(
        rows.train,
        rows.held_out,
        use_case.task,
        list(settings.augment_with),
        settings.augment_rows,
        seed=seed,
        strictness=Strictness(settings.least_likeness, near, settings.use_encoder),
        glossary=use_case.glossary,
        rewriter=_rewriter(settings, cache, seed, log),
        language=settings.augment_language,
        log=log,
    )
    done.add(found.kept, found.filtered)
    done.augmentation = compare(rows.train, found.kept, rows.validation, use_case.task, seed=seed)


def _rewriter(settings: TrainingRowsSettings, cache: Path, seed: int, log: Log):
    """The language model that rewords, with its cache; None where the rules do."""
    if not any(kind in BY_MODEL for kind in settings.augment_with):
        return None
    from tailor.data.augmentation.rewriting import Rewriter
    from tailor.models.writers import open_writer

    model = open_writer(settings.augment_model, settings.augment_address, settings.augment_key_env)
    name = f"{settings.augment_address} {settings.augment_model}".strip()
    return Rewriter(model, name, cache, seed=seed, log=log)


# --- to and from the table -------------------------------------------------------------------------------------------
class _Examples(Sequence[Example]):
    """Rows as examples whose input is what the row brings to it, without a template's words: these are not reworded.

    Each is made when it is asked for: where rows are only counted or drawn from, the others cost nothing.
    """

    _NAMES = ("id", "output", "source", "system", "history", "compared", "input")

    def __init__(self, rows: pl.DataFrame) -> None:
        self._rows = rows.select(self._NAMES)

    def __len__(self) -> int:
        return self._rows.height

    def __getitem__(self, place: int) -> Example:
        return self._made(*self._rows.row(int(place)))

    def __iter__(self) -> Iterator[Example]:
        return (self._made(*row) for row in self._rows.iter_rows())

    @staticmethod
    def _made(
        row_id: str, output: str, source: str, system: str, history: str, own: str, text: str
    ) -> Example:
        text = own if own and own in text else text
        return Example(row_id, text, output, source, system=system, history=history)


def _append(rows: pl.DataFrame, made: Sequence[Example], weights: dict[str, float]) -> pl.DataFrame:
    """The table with the made rows at its end; what a made row does not say itself (group, label) its parent says."""
    rows = rows.with_columns(parent=pl.lit(""), weight=pl.lit(1.0))
    if made:
        parents = {row["id"]: row for row in rows.filter(split="train").to_dicts()}
        blank = {name: None if name in ("group", "thread") else "" for name in rows.columns}
        lines = [_line(row, parents.get(row.parent, blank)) for row in made]
        rows = pl.concat([rows, pl.DataFrame(lines, schema=rows.schema)])
    if weights:
        heavier = pl.col("output").replace_strict(weights, default=1.0, return_dtype=pl.Float64)
        rows = rows.with_columns(weight=pl.when(pl.col("split") == "train").then(heavier).otherwise(1.0))
    return rows


def _line(row: Example, parent: dict[str, Any]) -> dict[str, Any]:
    """A made row as a line of the table: its text at the place of its parent's, within the template's words."""
    own, whole = parent["compared"], parent["input"]
    text = whole.replace(own, row.input, 1) if own and own in whole else row.input
    return parent | vars(row) | {"input": text, "compared": row.input, "rejected": "", "split": "train"}
