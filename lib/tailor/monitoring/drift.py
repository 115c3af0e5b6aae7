"""Drift: by how much new rows differ from those the model was tested on, and whether chance alone could do that.

Every distance is compared with what it comes to when the same rows are dealt into two groups at random (a permutation
test). The mean of those is what chance makes of samples of this size; it is taken off, so that 40 new rows do not
look like drift merely because they are few.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

Status = Literal["ok", "watch", "act"]

BINS = 10
"""Parts of equal size into which numbers are cut for the population stability index."""


@dataclass(frozen=True)
class Limits:
    """From which excess over chance a measure is to be watched or acted on, given p < alpha."""

    watch: float
    act: float
    alpha: float = 0.05


@dataclass(frozen=True)
class Measure:
    """One way in which new rows may differ.

    Attributes:
        value: the distance, less what chance alone makes of it (never below 0).
        p_value: share of random dealings with at least the distance found.
        says: the finding in a sentence.
        details: what a figure or a proposal needs: distributions, words.
    """

    name: str
    title: str
    value: float
    p_value: float
    status: Status
    says: str
    details: dict[str, Any] = field(default_factory=dict)


def judge(value: float, p_value: float, limits: Limits) -> Status:
    """Act or watch only where chance is an unlikely reason and the difference is large enough to matter."""
    if p_value >= limits.alpha or value < limits.watch:
        return "ok"
    return "act" if value >= limits.act else "watch"


def permuted(
    sums: np.ndarray,
    new: int,
    distance: Callable[[np.ndarray, np.ndarray], np.ndarray],
    seed: int,
    times: int = 500,
) -> tuple[float, float, float]:
    """Compare the last `new` rows with those before them.

    Args:
        sums: [rows, k] what is summed in each group (one-hot bins, word counts).
        distance: ([..., k] of the reference, [..., k] of the new rows) -> [...].

    Returns:
        The distance, its mean over random dealings into groups of the same sizes, and the p-value.
    """
    rows = len(sums)
    total = sums.sum(axis=0)
    found = sums[rows - new :].sum(axis=0)
    observed = float(distance(total - found, found))
    rng = np.random.default_rng(seed)
    member = np.zeros((times, rows), dtype=np.float32)
    for picks in member:
        picks[rng.choice(rows, size=new, replace=False)] = 1
    dealt = member @ sums.astype(np.float32)
    chance = distance(total - dealt, dealt)
    p_value = (1 + int(np.sum(chance >= observed - 1e-6))) / (times + 1)
    return observed, float(chance.mean()), p_value


def stability_index(reference: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Population stability index of counts, [..., bins] each -> [...] (Siddiqi 2006, ch. 10).

    Half a row is added to every bin, so that an empty one costs something finite.
    """
    p = (reference + 0.5) / (reference + 0.5).sum(axis=-1, keepdims=True)
    q = (new + 0.5) / (new + 0.5).sum(axis=-1, keepdims=True)
    return ((q - p) * np.log(q / p)).sum(axis=-1)


def jensen_shannon(reference: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Jensen-Shannon divergence of counts in bits, [..., k] each -> [...] between 0 and 1 (Lin 1991)."""
    p = reference / np.maximum(reference.sum(axis=-1, keepdims=True), 1)
    q = new / np.maximum(new.sum(axis=-1, keepdims=True), 1)
    middle = (p + q) / 2
    return (_information(p, middle) + _information(q, middle)) / 2


def _information(p: np.ndarray, middle: np.ndarray) -> np.ndarray:
    ratio = np.divide(p, middle, out=np.ones_like(p), where=p > 0)
    return (p * np.log2(ratio)).sum(axis=-1)


def number_drift(
    name: str,
    title: str,
    unit: str,
    reference: Sequence[float],
    new: Sequence[float],
    limits: Limits,
    seed: int,
) -> Measure:
    """Stability index of a number (length, confidence) over tenths of all rows.

    Tenths of the reference rows alone would fit them better than any other rows, which chance would have to answer.
    """
    reference, new = np.asarray(reference, dtype=float), np.asarray(new, dtype=float)
    everything = np.concatenate([reference, new])
    edges = np.unique(np.quantile(everything, np.linspace(0, 1, BINS + 1)[1:-1]))
    codes = np.searchsorted(edges, everything, side="right")
    observed, chance, p_value = permuted(np.eye(len(edges) + 1)[codes], len(new), stability_index, seed)
    value = max(observed - chance, 0.0)
    middle = float(np.median(reference)), float(np.median(new))
    says = f"{title}: median {middle[0]:.3g} then, {middle[1]:.3g} now ({unit})"
    details = {"reference_median": middle[0], "new_median": middle[1], "unit": unit}
    return Measure(name, title, value, p_value, judge(value, p_value, limits), says, details)


def meaning_drift(reference: np.ndarray, new: np.ndarray, limits: Limits, seed: int) -> Measure:
    """Squared distance between the mean sentence embeddings, 0 to 4: a two-sample statistic with a linear kernel.

    Source: Gretton et al. 2012, A Kernel Two-Sample Test, section 2.

    Args:
        reference, new: [rows, width] embeddings of length 1.
    """
    vectors = np.concatenate([reference, new])
    counted = np.concatenate([vectors, np.ones((len(vectors), 1))], axis=1)
    observed, chance, p_value = permuted(counted, len(new), _between_means, seed)
    value = max(observed - chance, 0.0)
    says = f"Meaning of the input: the mean embeddings lie {value:.3g} farther apart than chance explains"
    return Measure("meaning", "Meaning of the input", value, p_value, judge(value, p_value, limits), says)


def _between_means(reference: np.ndarray, new: np.ndarray) -> np.ndarray:
    """[..., width + 1] sums of vectors and how many -> [...] squared distance of the means."""
    apart = reference[..., :-1] / reference[..., -1:] - new[..., :-1] / new[..., -1:]
    return (apart**2).sum(axis=-1)


def label_drift(
    name: str, title: str, reference: Sequence[str], new: Sequence[str], limits: Limits, seed: int
) -> Measure:
    """Stability index of labels, those never seen before counted as a kind of their own."""
    known = sorted(set(reference))
    index = {label: i for i, label in enumerate(known)}
    codes = np.array([index.get(label, len(known)) for label in [*reference, *new]])
    observed, chance, p_value = permuted(np.eye(len(known) + 1)[codes], len(new), stability_index, seed)
    value = max(observed - chance, 0.0)
    then, now = _shares(reference), _shares(new)
    moved = sorted(then | now, key=lambda label: (-abs(now.get(label, 0) - then.get(label, 0)), label))[:3]
    changes = ", ".join(f"{label} {then.get(label, 0):.0%} to {now.get(label, 0):.0%}" for label in moved)
    unseen = sorted(set(new) - set(known))
    says = f"{title}: the largest moves are {changes}"
    says += f"; never seen before: {', '.join(unseen[:5])}" if unseen else ""
    details = {"reference": then, "new": now, "unseen": unseen}
    return Measure(name, title, value, p_value, judge(value, p_value, limits), says, details)


def _shares(labels: Sequence[str]) -> dict[str, float]:
    values, counts = np.unique(list(labels), return_counts=True)
    return {
        str(value): round(float(count) / len(labels), 4) for value, count in zip(values, counts, strict=True)
    }
