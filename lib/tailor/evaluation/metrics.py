"""Which metrics a set of answers is measured by, and their values; sums over rows (`tailor.evaluation.metric`).

Values equal scikit-learn's, sacrebleu's and rouge-score's on the same predictions; chrF and BLEU run from 0 to 100,
shares from 0 to 1, as theirs do.
"""

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from tailor.errors import WorkbenchError, did_you_mean
from tailor.evaluation import label_metrics, structure_metrics, text_metrics
from tailor.evaluation.known_metrics import KEEPS, KNOWN, is_own, metrics_of
from tailor.evaluation.label_metrics import confusion, label_order
from tailor.evaluation.metric import Metric, Rows, mean_metric
from tailor.records import Task

__all__ = [
    "HEADLINE",
    "Metric",
    "Rows",
    "choose_metrics",
    "confusion",
    "label_order",
    "mean_metric",
    "measure_rows",
]

HEADLINE: dict[Task, str] = {"classify": "accuracy", "respond": "chrf"}

SHORT_WORDS = 5
"""Answers are short where half of the references have at most this many words."""
SUMMARY_WORDS, SUMMARY_RATIO = 15, 4
"""Answers are summaries where half of them have this many words or more, and half of the inputs this times as many."""

MEASURES: dict[str, Callable[[Rows], Metric]] = {
    "accuracy": label_metrics.accuracy,
    "macro_f1": label_metrics.macro_f1,
    "mcc": label_metrics.mcc,
    "ece": label_metrics.ece,
    "chrf": text_metrics.chrf,
    "bleu": text_metrics.bleu,
    "rouge_1": lambda rows: text_metrics.rouge(rows, "rouge_1"),
    "rouge_2": lambda rows: text_metrics.rouge(rows, "rouge_2"),
    "rouge_l": lambda rows: text_metrics.rouge(rows, "rouge_l"),
    "exact_match": text_metrics.exact_match,
    "token_f1": text_metrics.token_f1,
    "json_validity": structure_metrics.json_validity,
    "field_f1": structure_metrics.field_f1,
    "numeric_match": structure_metrics.numeric_match,
    "code_validity": structure_metrics.code_validity,
    "distinct_1": lambda rows: text_metrics.distinct(rows, "distinct_1"),
    "distinct_2": lambda rows: text_metrics.distinct(rows, "distinct_2"),
    "repetition": text_metrics.repetition,
    "reading_ease": text_metrics.readability,
    "similarity": text_metrics.similarity,
    "bits_per_character": text_metrics.bits_per_character,
    "perplexity": text_metrics.perplexity,
}

NEEDS = {
    "ece": "confidence",
    "similarity": "similarity_model",
    "bits_per_character": "nats",
    "perplexity": "tokens",
}
"""Metric -> what of `Rows` it cannot do without: where that is not there, the metric is left out."""


def measure_rows(
    task: Task,
    references: Sequence[str],
    predictions: Sequence[str],
    labels: Sequence[str] = (),
    *,
    names: Sequence[str] | None = None,
    **more: Any,
) -> dict[str, Metric]:
    """Compute metrics of answers, the headline metric first.

    Args:
        names: the metrics; those that suit the references (`choose_metrics`) where not given.
        more: further fields of `Rows`. A metric whose field is missing is left out.

    Raises:
        WorkbenchError: no rows, not as many predictions as references, or no such metric.
    """
    if len(references) != len(predictions) or not references:
        raise WorkbenchError(
            f"{len(predictions)} predictions for {len(references)} references",
            "at least one row, and one prediction for each",
            "check the split and its predictions",
        )
    rows = Rows(references, predictions, labels, **more)
    wanted = choose_metrics(task, rows) if names is None else names
    usable = [name for name in wanted if name not in NEEDS or _given(getattr(rows, NEEDS[name]))]
    return {name: _measure(task, name, rows) for name in usable}


def _given(value: Any) -> bool:
    return value is not None and len(value) > 0


def _measure(task: Task, name: str, rows: Rows) -> Metric:
    if name in MEASURES and task in KNOWN[name].tasks:
        return MEASURES[name](rows)
    if is_own(name):
        from tailor.evaluation.own_metric import own_metric

        return own_metric(name, rows)
    if name.startswith(KEEPS):
        from tailor.evaluation.house_style import keeps_metrics

        if name in (found := keeps_metrics(rows.guidelines, rows.predictions)):
            return found[name]
    known = [other for other in metrics_of(task) if other in MEASURES]
    raise WorkbenchError(
        f"the task {task} has no metric '{name}'",
        f"one of: {', '.join(known)}, '{KEEPS}' and the id of a guideline with a pattern, or module:function",
        f"correct the name.{did_you_mean(name, known)}",
    )


def choose_metrics(task: Task, rows: Rows) -> list[str]:
    """The metrics that suit the references: what kind of answer they are decides.

    All JSON: validity and fields. Nine in ten with a number at their end: that number. Code: whether it parses.
    Short: exact match and shared words. Summaries of far longer inputs: ROUGE-1 and ROUGE-2.
    """
    if task == "classify":
        return ["accuracy", "macro_f1", "mcc", "ece"]
    chosen = ["chrf", "rouge_l"]
    references = rows.references
    words = median(len(text.split()) for text in references)
    if structure_metrics.are_json(references):
        return [*chosen, "json_validity", "field_f1"]
    if structure_metrics.are_code(references):
        return [*chosen, "code_validity"]
    if structure_metrics.are_numbers(references):
        chosen.append("numeric_match")
    if words <= SHORT_WORDS:
        chosen += ["exact_match", "token_f1"]
    elif rows.inputs is not None and words >= SUMMARY_WORDS:
        asked = median(len(text.split()) for text in rows.inputs)
        chosen += ["rouge_1", "rouge_2"] if asked >= SUMMARY_RATIO * words else []
    return [*chosen, "similarity"]
