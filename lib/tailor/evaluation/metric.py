"""What a metric is here: sums over rows, so that an interval costs one matrix product.

Each metric of a set of rows is a function of a sum of per-row statistics: accuracy of (right, 1), corpus chrF
of its n-gram counts, macro-F1 of counts per label. Resampling the rows only changes how often each row's
statistics are counted, so the bootstrap needs no second pass over texts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tailor.records import Guideline


@dataclass(frozen=True)
class Metric:
    """One metric on a set of rows.

    Attributes:
        name: as in `tailor.evaluation.known_metrics`.
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


@dataclass(frozen=True)
class Rows:
    """What metrics are computed from; n rows.

    Attributes:
        labels: the labels that may be predicted (`classify`); others found in the references are added.
        inputs: [n] what was asked.
        confidence: [n] probability of the label that was said.
        nats: [n] log-probability of each reference, with its end; `tokens`: [n] how many that sum runs over.
        similarity_model: whose embeddings tell how near an answer's meaning is.
        guidelines: rules of 01 whose patterns answers are checked against.
    """

    references: Sequence[str]
    predictions: Sequence[str]
    labels: Sequence[str] = ()
    inputs: Sequence[str] | None = None
    confidence: Sequence[float] | None = None
    nats: Sequence[float] | None = None
    tokens: Sequence[int] | None = None
    similarity_model: str = ""
    guidelines: Sequence[Guideline] = ()

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """[n] (reference, prediction)."""
        return list(zip(self.references, self.predictions, strict=True))


def mean_metric(name: str, values: np.ndarray, share: bool = False) -> Metric:
    """A metric that is the mean of the rows' own values."""
    values = np.asarray(values, dtype=np.float64)
    rows = np.stack([values, np.ones_like(values)], axis=1)
    return Metric(name, rows, lambda sums: sums[..., 0] / sums[..., 1], values, share)


def ratio_metric(name: str, parts: np.ndarray, wholes: np.ndarray, empty: float = 0.0) -> Metric:
    """A metric that is the rows' parts divided by their wholes, summed before dividing.

    Args:
        empty: the value where the wholes sum to nothing.
    """
    rows = np.stack([np.asarray(parts, dtype=np.float64), np.asarray(wholes, dtype=np.float64)], axis=1)

    def combine(sums: np.ndarray) -> np.ndarray:
        whole = sums[..., 1]
        return np.divide(sums[..., 0], whole, out=np.full_like(whole, empty), where=whole > 0)

    return Metric(name, rows, combine, combine(rows))
