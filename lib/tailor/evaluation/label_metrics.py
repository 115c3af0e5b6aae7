"""Metrics of labels: equal to scikit-learn's on the same predictions."""

from collections.abc import Sequence

import numpy as np

from tailor.evaluation.metric import Metric, Rows, mean_metric

BINS = 15
"""Bins of the calibration error (Guo et al. 2017, On Calibration of Modern Neural Networks, table 1)."""


def accuracy(rows: Rows) -> Metric:
    """Share of rows with the right label."""
    right = [reference == prediction for reference, prediction in rows.pairs]
    return mean_metric("accuracy", np.array(right, dtype=np.float64), share=True)


def macro_f1(rows: Rows) -> Metric:
    """Mean of the labels' F1 over the labels that occur, as scikit-learn's f1_score(average="macro")."""
    truth, guess = _one_hot(rows)

    def combine(sums: np.ndarray) -> np.ndarray:
        hits, total = np.split(sums, 2, axis=-1)  # total = times true + times predicted, by label
        seen = total > 0
        f1 = np.divide(2 * hits, total, out=np.zeros_like(hits), where=seen)
        return f1.sum(axis=-1) / seen.sum(axis=-1)

    return Metric("macro_f1", np.concatenate([truth * guess, truth + guess], axis=1), combine)


def mcc(rows: Rows) -> Metric:
    """Matthews' correlation for any number of labels (Gorodkin 2004), as scikit-learn's matthews_corrcoef."""
    truth, guess = _one_hot(rows)
    hits = (truth * guess).sum(axis=1, keepdims=True)

    def combine(sums: np.ndarray) -> np.ndarray:
        right, (true, said) = sums[..., 0], np.split(sums[..., 1:], 2, axis=-1)
        total = true.sum(axis=-1)
        shared = right * total - (true * said).sum(axis=-1)
        spread = (total**2 - (true**2).sum(axis=-1)) * (total**2 - (said**2).sum(axis=-1))
        return np.divide(shared, np.sqrt(spread), out=np.zeros_like(shared), where=spread > 0)

    return Metric("mcc", np.concatenate([hits, truth, guess], axis=1), combine)


def ece(rows: Rows) -> Metric:
    """Expected calibration error: how far confidence is from the share that is right, in bins of equal width.

    Of few rows it is too high rather than too low, and so is its interval: bins hold chance differences too.
    """
    right = np.array([reference == prediction for reference, prediction in rows.pairs], dtype=np.float64)
    sure = np.asarray(rows.confidence, dtype=np.float64)
    inside = np.eye(BINS)[confidence_bins(sure)]
    statistics = np.concatenate([inside * (sure - right)[:, None], inside], axis=1)

    def combine(sums: np.ndarray) -> np.ndarray:
        gaps, counts = np.split(sums, 2, axis=-1)
        return np.abs(gaps).sum(axis=-1) / counts.sum(axis=-1)

    return Metric("ece", statistics, combine)


def confidence_bins(confidence: np.ndarray) -> np.ndarray:
    """[n] number of each confidence's bin; a confidence on an edge counts below it, as in scikit-learn."""
    return np.searchsorted(np.linspace(0, 1, BINS + 1)[1:-1], confidence)


def reliability_bins(confidence: np.ndarray, right: np.ndarray) -> list[tuple[float, float, int]]:
    """(mean confidence, share that was right, rows) of each bin that holds rows, the least sure first."""
    place = confidence_bins(confidence)
    parts = [(confidence[place == n], right[place == n]) for n in range(BINS) if (place == n).any()]
    return [(float(sure.mean()), float(good.mean()), len(sure)) for sure, good in parts]


def _one_hot(rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """[n, labels] twice: which label is true, and which was said."""
    known = label_order(rows.references, rows.predictions, rows.labels)
    index = {label: i for i, label in enumerate(known)}
    eye = np.eye(len(known))
    truth, said = ([index[label] for label in side] for side in (rows.references, rows.predictions))
    return eye[truth], eye[said]


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
