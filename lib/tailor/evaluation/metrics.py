"""Metrics by the field's own libraries, kept as sums over rows so that an interval costs one matrix product.

Each metric of a set of rows is a function of a sum of per-row statistics: accuracy of (right, 1), corpus chrF
of its n-gram counts, macro-F1 of counts per label. Resampling the rows only changes how often each row's
statistics are counted, so the bootstrap needs no second pass over texts. Values equal scikit-learn's,
sacrebleu's and rouge-score's on the same predictions; accuracy, macro-F1, ROUGE-L and exact match run from 0
to 1, chrF from 0 to 100, as theirs do.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from tailor.errors import WorkbenchError
from tailor.records import Task

HEADLINE: dict[Task, str] = {"classify": "accuracy", "respond": "chrf"}

EXACT_MATCH_WORDS = 5
"""Exact match is reported where half of the references have at most this many words."""


@dataclass(frozen=True)
class Metric:
    """One metric on a set of rows.

    Attributes:
        name: "accuracy", "macro_f1", "chrf", "rouge_l", "exact_match" or "similarity".
        statistics: [n, k] what is summed over rows.
        combine: [..., k] summed statistics -> [...] values.
        per_row: [n] value of each row alone, for slices and samples; None where it has none (macro-F1).
        share: every row is right (1) or wrong (0).
    """

    name: str
    statistics: np.ndarray
    combine: Callable[[np.ndarray], np.ndarray]
    per_row: np.ndarray | None = None
    share: bool = False

    @property
    def value(self) -> float:
        return float(self.combine(self.statistics.sum(axis=0)))


def measure_rows(
    task: Task,
    references: Sequence[str],
    predictions: Sequence[str],
    labels: Sequence[str] = (),
    similarity_model: str = "",
) -> dict[str, Metric]:
    """Compute a task's metrics, the headline metric first.

    Args:
        labels: the labels that may be predicted (`classify` only); others found in the references are added.
        similarity_model: whose embeddings tell how near an answer's meaning is (`respond` only); "" leaves it out.

    Raises:
        WorkbenchError: no rows, or not as many predictions as references.
    """
    if len(references) != len(predictions) or not references:
        raise WorkbenchError(
            f"{len(predictions)} predictions for {len(references)} references",
            "at least one row, and one prediction for each",
            "check the split and its predictions",
        )
    if task == "classify":
        metrics = [accuracy(references, predictions), macro_f1(references, predictions, labels)]
    else:
        metrics = [chrf(references, predictions), rouge_l(references, predictions)]
        if median(len(text.split()) for text in references) <= EXACT_MATCH_WORDS:
            metrics.append(exact_match(references, predictions))
        if similarity_model:
            metrics.append(similarity(references, predictions, similarity_model))
    return {metric.name: metric for metric in metrics}


def mean_metric(name: str, values: np.ndarray, share: bool = False) -> Metric:
    """A metric that is the mean of the rows' own values."""
    values = np.asarray(values, dtype=np.float64)
    rows = np.stack([values, np.ones_like(values)], axis=1)
    return Metric(name, rows, lambda sums: sums[..., 0] / sums[..., 1], values, share)


def accuracy(references: Sequence[str], predictions: Sequence[str]) -> Metric:
    """Share of rows with the right label."""
    right = [reference == prediction for reference, prediction in zip(references, predictions, strict=True)]
    return mean_metric("accuracy", np.array(right, dtype=np.float64), share=True)


def macro_f1(references: Sequence[str], predictions: Sequence[str], labels: Sequence[str] = ()) -> Metric:
    """Mean of the labels' F1 over the labels that occur, as scikit-learn's f1_score(average="macro")."""
    known = label_order(references, predictions, labels)
    index = {label: i for i, label in enumerate(known)}
    eye = np.eye(len(known))
    truth = eye[[index[label] for label in references]]
    guess = eye[[index[label] for label in predictions]]

    def combine(sums: np.ndarray) -> np.ndarray:
        hits, total = np.split(sums, 2, axis=-1)  # total = times true + times predicted, by label
        seen = total > 0
        f1 = np.divide(2 * hits, total, out=np.zeros_like(hits), where=seen)
        return f1.sum(axis=-1) / seen.sum(axis=-1)

    return Metric("macro_f1", np.concatenate([truth * guess, truth + guess], axis=1), combine)


def chrf(references: Sequence[str], predictions: Sequence[str]) -> Metric:
    """Corpus chrF2 (Popovic 2015) from sacrebleu's n-gram counts: characters 1 to 6, recall counts twice."""
    from sacrebleu.metrics import CHRF

    scorer = CHRF()
    counts = scorer._extract_corpus_statistics(list(predictions), [list(references)])
    rows = np.array(counts, dtype=np.float64)
    return Metric("chrf", rows, lambda sums: _chrf_score(sums, scorer.beta), _chrf_score(rows, scorer.beta))


def _chrf_score(sums: np.ndarray, beta: float) -> np.ndarray:
    """sacrebleu's chrF formula on [..., 3 * orders] counts of prediction, reference and both."""
    counts = sums.reshape(*sums.shape[:-1], -1, 3)
    guessed, wanted, both = counts[..., 0], counts[..., 1], counts[..., 2]
    used = (guessed > 0) & (wanted > 0)
    orders = np.maximum(used.sum(axis=-1), 1)
    zeros = np.zeros_like(both)
    precision = np.divide(both, guessed, out=zeros.copy(), where=used).sum(axis=-1) / orders
    recall = np.divide(both, wanted, out=zeros.copy(), where=used).sum(axis=-1) / orders
    below = beta**2 * precision + recall
    above = (1 + beta**2) * precision * recall
    return 100 * np.divide(above, below, out=np.zeros_like(below), where=below > 0)


def rouge_l(references: Sequence[str], predictions: Sequence[str]) -> Metric:
    """Mean ROUGE-L F1 by rouge-score, without stemming; it reads only the letters a-z and digits."""
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rougeL"], use_stemmer=False)
    pairs = zip(references, predictions, strict=True)
    return mean_metric("rouge_l", np.array([scorer.score(a, b)["rougeL"].fmeasure for a, b in pairs]))


def exact_match(references: Sequence[str], predictions: Sequence[str]) -> Metric:
    """Share of answers equal to the reference, blanks at the ends and runs of blanks aside."""
    pairs = zip(references, predictions, strict=True)
    right = [float(a.split() == b.split()) for a, b in pairs]
    return mean_metric("exact_match", np.array(right), share=True)


def similarity(references: Sequence[str], predictions: Sequence[str], model: str) -> Metric:
    """Mean cosine of the sentence embeddings of answer and reference (Reimers and Gurevych 2019, section 3)."""
    from tailor.models.encoder import embed

    vectors = embed([*references, *predictions], model).astype(np.float64)
    return mean_metric("similarity", (vectors[: len(references)] * vectors[len(references) :]).sum(axis=1))


def label_order(references: Sequence[str], predictions: Sequence[str], labels: Sequence[str]) -> list[str]:
    """The dataset's labels in their order, then any other that occurs, sorted."""
    return [*labels, *sorted({*references, *predictions} - set(labels))]


def confusion(
    references: Sequence[str], predictions: Sequence[str], labels: Sequence[str]
) -> list[list[int]]:
    """How often each label (row) was answered with each label (column), by scikit-learn."""
    from sklearn.metrics import confusion_matrix

    known = label_order(references, predictions, labels)
    return confusion_matrix(list(references), list(predictions), labels=known).tolist()
