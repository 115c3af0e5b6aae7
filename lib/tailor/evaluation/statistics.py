"""How sure a figure is: bootstrap intervals over rows, and paired tests of two models on the same rows."""

from collections.abc import Sequence

import numpy as np

from tailor.errors import WorkbenchError
from tailor.evaluation.metrics import Metric
from tailor.records import Estimate

SAMPLES = 2000
_CHUNK = 4_000_000
"""Numbers held at once while resampling: 32 MB."""


def estimate(metric: Metric, *, samples: int = SAMPLES, seed: int) -> Estimate:
    """A metric with its 95% interval: percentile bootstrap over rows (Efron and Tibshirani 1993, ch. 13).

    Where every row is right, or every row wrong, resampling finds no spread and would claim certainty: the exact
    binomial interval takes its place (Clopper and Pearson 1934). With one row, other metrics have no width.
    """
    if metric.share and (uniform := _all_right_or_wrong(metric.per_row)) is not None:
        return uniform
    return _estimate(metric.value, resampled_values(metric, samples, seed))


def _all_right_or_wrong(values: np.ndarray) -> Estimate | None:
    """The exact interval of a share that is 0 or 1; None for anything else."""
    open_end = 0.025 ** (1 / len(values))
    if np.all(values == 1):
        return Estimate(value=1.0, low=open_end, high=1.0)
    return Estimate(value=0.0, low=0.0, high=1 - open_end) if np.all(values == 0) else None


def resampled_values(metric: Metric, samples: int, seed: int) -> np.ndarray:
    """[samples] values of the metric on rows drawn again with replacement."""
    return metric.combine(_resampled_sums(metric.statistics, samples, seed))


def estimate_difference(a: Metric, b: Metric, *, samples: int = SAMPLES, seed: int) -> Estimate:
    """`a` minus `b` with its 95% interval: the same rows are drawn for both (Koehn 2004).

    Raises:
        WorkbenchError: the two were not measured on equally many rows.
    """
    _check_paired(a, b)
    both = _resampled_sums(np.concatenate([a.statistics, b.statistics], axis=1), samples, seed)
    first, second = np.split(both, [a.statistics.shape[1]], axis=1)
    return _estimate(a.value - b.value, a.combine(first) - b.combine(second))


def paired_p_value(a: Metric, b: Metric, *, samples: int = SAMPLES, seed: int) -> float:
    """Two-sided p-value for "both models are equally good" on the same rows.

    Accuracy and exact match: McNemar's exact test on the rows that only one got right (Dietterich 1998).
    Other metrics: approximate randomization, swapping a row's two answers (Riezler and Maxwell 2005).
    """
    _check_paired(a, b)
    if a.share:
        return mcnemar(a.per_row, b.per_row)
    return _randomization(a, b, samples, seed)


def mcnemar(a_right: np.ndarray, b_right: np.ndarray) -> float:
    """Exact McNemar test of two arrays of 0/1 on the same rows."""
    from scipy.stats import binomtest

    only_a = int(np.sum((a_right > 0) & (b_right == 0)))
    only_b = int(np.sum((b_right > 0) & (a_right == 0)))
    return float(binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0


def _randomization(a: Metric, b: Metric, samples: int, seed: int) -> float:
    observed = abs(a.value - b.value)
    difference = a.statistics - b.statistics
    total_b, total = b.statistics.sum(axis=0), (a.statistics + b.statistics).sum(axis=0)
    rng = np.random.default_rng(seed)
    as_extreme = 0
    for size in _chunks(samples, len(difference)):
        kept = rng.integers(0, 2, size=(size, len(difference)), dtype=np.int8).astype(np.float64)
        first = total_b + kept @ difference
        as_extreme += int(np.sum(np.abs(a.combine(first) - b.combine(total - first)) >= observed - 1e-12))
    return (as_extreme + 1) / (samples + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values of several tests, corrected for their number (Holm 1979, A Simple Sequentially Rejective Multiple Test
    Procedure): below 0.05 they hold together with at most one chance in twenty that any of them is a false alarm.

    The smallest is multiplied by the number of tests, the next by one less, and none may fall below the one before.
    """
    corrected, highest = [0.0] * len(p_values), 0.0
    for place, i in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[i]))
        corrected[i] = highest
    return corrected


def _check_paired(a: Metric, b: Metric) -> None:
    if a.name != b.name or len(a.statistics) != len(b.statistics):
        raise WorkbenchError(
            f"{a.name} on {len(a.statistics)} rows against {b.name} on {len(b.statistics)} rows",
            "the same metric on the same rows",
            "evaluate both models on the same split with the same max_rows",
        )


def _resampled_sums(statistics: np.ndarray, samples: int, seed: int) -> np.ndarray:
    """[samples, k] sums of the statistics of `n` rows drawn with replacement, for each sample."""
    rows = len(statistics)
    rng = np.random.default_rng(seed)
    parts = []
    for size in _chunks(samples, rows):
        drawn = rng.integers(0, rows, size=(size, rows)) + np.arange(size)[:, None] * rows
        counts = np.bincount(drawn.ravel(), minlength=size * rows).reshape(size, rows)
        parts.append(counts.astype(np.float64) @ statistics)
    return np.concatenate(parts)


def _chunks(samples: int, rows: int) -> list[int]:
    size = max(1, min(samples, _CHUNK // max(rows, 1)))
    return [min(size, samples - start) for start in range(0, samples, size)]


def _estimate(value: float, values: np.ndarray) -> Estimate:
    low, high = np.percentile(values, [2.5, 97.5])
    return Estimate(value=float(value), low=float(low), high=float(high))
