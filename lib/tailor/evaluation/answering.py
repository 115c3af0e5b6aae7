"""Asking a model: rows in, predictions with their scores out, kept piece by piece: a kill loses little.

Labels are chosen by log-probability, not by free generation: every label is scored as the answer, and the
likeliest wins. A model that was never tuned has an opinion about labels before it reads anything, and that
opinion may decide alone. Contextual calibration (Zhao et al. 2021, section 5) measures it on inputs without
content and divides it out; whether that helps differs from model to model.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from tailor.data.dataset import Dataset, Example
from tailor.data.tables import read_table, write_table
from tailor.files import canonical_json, sha256_bytes
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
    pieces: Path | None = None,
) -> "list[str] | np.ndarray":
    """Ask the model every example.

    Args:
        what: shown beside the progress, for example "answers by LoRA".
        pieces: folder for finished pieces; those of an interrupted call with the same rows are used again.

    Returns:
        `respond`: the answers. `classify`: [rows, labels] log-probabilities in nats.
    """
    # rows of similar length side by side: batches inside the model then hold little padding
    order = sorted(range(len(examples)), key=lambda i: (len(examples[i].input), i))
    gathered: dict[int, object] = {}
    log.progress(0, len(examples), what)
    for start in range(0, len(order), PIECE):
        rows = order[start : start + PIECE]
        found = _answer_piece(model, dataset, [examples[i] for i in rows], config, pieces)
        gathered.update(zip(rows, found, strict=True))
        log.progress(len(gathered), len(examples), what)
    answers = [gathered[i] for i in range(len(examples))]
    return np.array(answers, dtype=np.float64) if dataset.task == "classify" else answers


def _answer_piece(
    model: LanguageModel,
    dataset: Dataset,
    examples: list[Example],
    config: GenerationConfig,
    pieces: Path | None,
) -> list:
    """One piece, from its file if there is one (named after what was asked), else from the model."""
    import polars as pl

    prompts = [dataset.prompt(example) for example in examples]
    asked = canonical_json([dataset.task, config.model_dump(), dataset.labels, prompts])
    path = pieces / f"{sha256_bytes(asked.encode())[:16]}.parquet" if pieces else None
    if path is not None and path.exists():
        return read_table(path, "this step")["answer"].to_list()
    if dataset.task == "classify":
        found = [[float(value) for value in row] for row in model.score_choices(prompts, dataset.labels)]
    else:
        found = [text.strip() for text in model.generate(prompts, config)]
    if path is not None:
        write_table(pl.DataFrame({"answer": found}), path)
    return found


def forget_pieces(pieces: Path) -> None:
    """Delete finished pieces once the whole is on disk."""
    shutil.rmtree(pieces, ignore_errors=True)


def log_prior(model: LanguageModel, dataset: Dataset) -> np.ndarray:
    """[labels] log of the probability that the model gives each label when the input says nothing."""
    scores = model.score_choices([dataset.prompt(text) for text in CONTENT_FREE], dataset.labels)
    return np.log(probabilities(np.asarray(scores, dtype=np.float64)).mean(axis=0))


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
