"""Asking a model: rows in, predictions with their scores out, kept as they come: a kill loses little.

Labels are chosen by log-probability, not by free generation: every label is scored as the answer, and the
likeliest wins. A model that was never tuned has an opinion about labels before it reads anything, and that
opinion may decide alone. Contextual calibration (Zhao et al. 2021, section 5) measures it on inputs without
content and divides it out; whether that helps differs from model to model.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from tailor.data.dataset import Dataset, Example
from tailor.evaluation.kept_answers import KeptAnswers, question_keys
from tailor.models.language_model import GenerationConfig, LanguageModel
from tailor.progress import Log

if TYPE_CHECKING:
    import polars as pl

Calibration = Literal["none", "contextual"]

CONTENT_FREE = ("N/A", "[MASK]", "")
"""Inputs that say nothing (Zhao et al. 2021, section 5: the average over these three)."""

PIECE = 64
"""Rows asked between two saves."""


def choose_rows(examples: Sequence[Example], rows: int, seed: int) -> list[Example]:
    """At most `rows` examples, drawn without replacement, in their order on disk; 0 means all."""
    if not rows or rows >= len(examples):
        return list(examples)
    picked = np.random.default_rng(seed).choice(len(examples), size=rows, replace=False)
    return [examples[i] for i in sorted(picked)]


def answer(
    model: LanguageModel,
    dataset: Dataset,
    examples: Sequence[Example],
    config: GenerationConfig,
    *,
    log: Log,
    what: str,
    kept: KeptAnswers | None = None,
) -> "list[str] | np.ndarray":
    """Ask the model every example, each different question once.

    Args:
        what: shown beside the progress, for example "answers by LoRA".
        kept: the model's earlier answers; what is found there is not asked again, and new answers are added.

    Returns:
        `respond`: the answers. `classify`: [rows, labels] log-probabilities in nats.
    """
    keys = question_keys(dataset, examples, config)
    found = kept.find(keys) if kept else {}
    # rows of similar length side by side: batches inside the model then hold little padding
    asked = {key: i for i, key in reversed(list(enumerate(keys))) if key not in found}
    order = sorted(asked.values(), key=lambda i: (len(examples[i].input), i))
    done = len(examples) - len(order)
    log.progress(done, len(examples), what)
    for start in range(0, len(order), PIECE):
        rows = order[start : start + PIECE]
        answers = _ask(model, dataset, [examples[i] for i in rows], config)
        new = dict(zip([keys[i] for i in rows], answers, strict=True))
        if kept is not None:
            kept.keep(new)
        found |= new
        log.progress(done + start + len(rows), len(examples), what)
    given = [found[key] for key in keys]
    return np.array(given, dtype=np.float64) if dataset.task == "classify" else given


def _ask(model: LanguageModel, dataset: Dataset, examples: list[Example], config: GenerationConfig) -> list:
    prompts = [dataset.prompt(example) for example in examples]
    if dataset.task == "classify":
        return [[float(value) for value in row] for row in model.score_choices(prompts, dataset.labels)]
    return [text.strip() for text in model.generate(prompts, config)]


def score_references(
    model: LanguageModel, dataset: Dataset, examples: Sequence[Example], log: Log, title: str
) -> dict:
    """How likely each reference is to the model: log-probability in nats, and the tokens that it runs over.

    Tokens are counted by the dataset's tokenizer, with one for the end of the answer: the same count for all models.

    Raises:
        WorkbenchError: the model gives no probabilities.
    """
    from tailor.models.loading import load_tokenizer

    tokenizer = load_tokenizer(dataset.record.base_model)
    nats: list[float] = []
    for start in log.track(range(0, len(examples), PIECE), f"references read by {title}"):
        piece = examples[start : start + PIECE]
        nats += model.score([dataset.prompt(row) for row in piece], [row.output for row in piece])
    texts = [example.output for example in examples]
    tokens = [len(ids) + 1 for ids in tokenizer(texts, add_special_tokens=False)["input_ids"]]
    return {"reference_nats": np.round(nats, 6), "reference_tokens": tokens}


def log_prior(model: LanguageModel, dataset: Dataset, kept: KeptAnswers | None = None) -> np.ndarray:
    """[labels] log of the probability that the model gives each label when the input says nothing."""
    empty = [Example(f"content-free:{i}", text, "") for i, text in enumerate(CONTENT_FREE)]
    what = "labels for inputs that say nothing"
    scores = answer(model, dataset, empty, GenerationConfig(), log=Log(), what=what, kept=kept)
    return np.log(probabilities(scores).mean(axis=0))


def calibrate(scores: np.ndarray, prior: np.ndarray | None) -> np.ndarray:
    """[rows, labels] scores with the prior opinion divided out (subtracted, in nats)."""
    return scores if prior is None else scores - prior


def probabilities(scores: np.ndarray) -> np.ndarray:
    """[rows, labels] log-probabilities -> probabilities among the labels alone, each row summing to 1."""
    shifted = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def likeliest(scores: np.ndarray, labels: Sequence[str]) -> list[str]:
    """The label with the highest score in each row; the first of equals."""
    return [labels[i] for i in scores.argmax(axis=1)]


def prediction_table(
    examples: Sequence[Example], predictions: Sequence[str], columns: dict | None = None
) -> "pl.DataFrame":
    """Predictions as they are kept: id, source, input, reference, prediction, and what `columns` adds."""
    import polars as pl

    rows = {
        "id": [example.id for example in examples],
        "source": [example.source for example in examples],
        "input": [example.input for example in examples],
        "reference": [example.output for example in examples],
        "prediction": list(predictions),
    }
    return pl.DataFrame(rows | (columns or {}))


def label_columns(scores: np.ndarray) -> dict:
    """How sure a classifier was of its choice, and every label's score."""
    return {
        "confidence": np.round(probabilities(scores).max(axis=1), 6),
        "scores": [[round(float(value), 6) for value in row] for row in scores],
    }
