"""The task's metric during training: not only whether the loss falls, but whether answers get better."""

from collections.abc import Callable

from tailor.data.dataset import Dataset
from tailor.evaluation.answering import answer, choose_rows, likeliest
from tailor.evaluation.metrics import measure_rows
from tailor.models.language_model import GenerationConfig, LanguageModel
from tailor.progress import Log

WATCHED = {"classify": ["accuracy", "macro_f1"], "respond": None}
"""Metrics watched while training goes on; None: those that suit the references."""


def make_measure(
    dataset: Dataset, rows: int, seed: int, max_new_tokens: int = 64
) -> Callable[[LanguageModel], dict[str, float]]:
    """A function that measures a model on the same few validation rows each time it is called.

    Args:
        rows: at most this many rows of the validation split; 0 means all.
        seed: decides which rows.
        max_new_tokens: the longest answer written (free text only).

    Returns:
        `measure(model)` -> {"accuracy", "macro_f1"} or {"chrf", "rouge_l", what else suits}; labels are
        chosen without calibration, since what is tuned is the probability itself.
    """
    examples = choose_rows(dataset.validation, rows, seed)
    references = [example.output for example in examples]
    config = GenerationConfig(max_new_tokens=max_new_tokens)
    names = WATCHED[dataset.task]

    def measure(model: LanguageModel) -> dict[str, float]:
        found = answer(model, dataset, examples, config, log=Log(), what="validation rows")
        predictions = likeliest(found, dataset.labels) if dataset.task == "classify" else found
        metrics = measure_rows(dataset.task, references, predictions, dataset.labels, names=names)
        return {name: metric.value for name, metric in metrics.items()}

    return measure
