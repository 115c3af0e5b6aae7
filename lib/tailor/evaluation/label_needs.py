"""Labels with too few rows: which ones a quick proxy gets wrong far more often than the others, and what they lack.

A label is weak where the proxy is right about its held-out rows less often than about rows as a whole, beyond chance
(exact binomial tests, corrected for the number of labels). Errors fall with the number of rows n as n^-c (Hestness et
al. 2017): c is measured on quarters, halves and all of the training rows, over all labels together since one label's
own rows are too few, and tells how many rows bring a weak label to where the others are.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from math import ceil, log

import numpy as np

from tailor.data.dataset import Example
from tailor.data.proxy import fit_labels
from tailor.evaluation.metric import mean_metric
from tailor.evaluation.statistics import estimate, holm
from tailor.progress import Log
from tailor.records import LabelNeed

SHARES = (0.25, 0.5, 1.0)
FOLDS = 3
FEWEST = 60
"""Rows below which nothing is said."""
MOST, LEAST_EACH = 4000, 30
"""Rows looked at; labels with many rows give fewer of them, rare ones all up to the second number."""
SURE = 0.05
LAW = (0.1, 1.5)
"""Exponents that are believed; below, rows hardly help."""
BEYOND = 20
"""Where more than so many times the rows are needed, rows alone will not do."""


def label_needs(train: Sequence[Example], seed: int, log: Log) -> list[LabelNeed]:
    """The weak labels, the one that lacks most rows first; none where there are too few rows or labels to tell.

    Args:
        train: training rows that were given; made ones would be counted twice.
    """
    rows = _bounded(train, seed)
    if len(rows) < FEWEST or len({row.output for row in rows}) < 2:
        return []
    right = _held_out(rows, seed, log)
    overall = float(right[-1].mean())
    by_label: dict[str, list[int]] = defaultdict(list)
    for i, row in enumerate(rows):
        by_label[row.output].append(i)
    names = sorted(by_label)
    chances = holm([_chance(right[-1][by_label[name]], overall) for name in names])
    exponent = _exponent([_mean_error(found, by_label) for found in right])
    counts = Counter(row.output for row in train)
    needs = []
    for name, chance in zip(names, chances, strict=True):
        if chance < SURE:
            values = right[-1][by_label[name]]
            found = estimate(mean_metric("recall", values, share=True), seed=seed)
            more = _more(counts[name], 1 - values.mean(), 1 - overall, exponent)
            needs.append(LabelNeed(label=name, rows=counts[name], found=found, more=more))
    return sorted(needs, key=lambda need: (-(need.more or 0), need.label))


def say_needs(needs: Sequence[LabelNeed], shown: int = 3) -> str:
    """ "The labels 'a' (7 rows) and 'b' (31) need about 120 more rows." """
    starved = [need for need in needs if need.more]
    if not starved:
        return ""
    named = [f"'{need.label}' ({need.rows:,} rows)" for need in starved[:shown]]
    if len(starved) > shown:
        named.append(f"{len(starved) - shown} more")
    total = sum(need.more for need in starved)
    listed = " and ".join(filter(None, [", ".join(named[:-1]), named[-1]]))
    label, verb = ("label", "needs") if len(starved) == 1 else ("labels", "need")
    return f"The {label} {listed} {verb} about {_round(total):,} more rows to be told as well as the others."


def _round(rows: int) -> int:
    """Two digits: more would claim a precision that is not there."""
    digits = max(len(str(rows)) - 2, 0)
    return round(rows, -digits)


def _bounded(train: Sequence[Example], seed: int) -> list[Example]:
    """At most about `MOST` rows: of each label as many, drawn with the seed, and all of a rare one."""
    by_label: dict[str, list[Example]] = defaultdict(list)
    for row in train:
        by_label[row.output].append(row)
    each = max(LEAST_EACH, MOST // max(len(by_label), 1))
    rng = np.random.default_rng(seed)
    return [rows[i] for _, rows in sorted(by_label.items()) for i in rng.permutation(len(rows))[:each]]


def _held_out(rows: Sequence[Example], seed: int, log: Log) -> list[np.ndarray]:
    """For each of `SHARES`: [rows] 1 where the proxy is right about a row, fitted on that share of the other folds."""
    places: Counter = Counter()
    fold, draw = np.empty(len(rows), dtype=int), np.random.default_rng(seed).random(len(rows))
    for i, row in enumerate(rows):  # each label in turn over the folds
        fold[i] = places[row.output] % FOLDS
        places[row.output] += 1
    found = [np.zeros(len(rows)) for _ in SHARES]
    fits = [(n, share, held) for n, share in enumerate(SHARES) for held in range(FOLDS)]
    for n, share, held in log.track(fits, "fits of the quick proxy, labels held out"):
        known = [
            row for row, part, drawn in zip(rows, fold, draw, strict=True) if part != held and drawn < share
        ]
        asked = np.flatnonzero(fold == held)
        if len({row.output for row in known}) < 2:
            continue
        said = fit_labels(known).predict([rows[i].input for i in asked])
        found[n][asked] = [said[j] == rows[i].output for j, i in enumerate(asked)]
    return found


def _chance(right: np.ndarray, overall: float) -> float:
    """One-sided p-value of "this label is told as well as rows as a whole"."""
    from scipy.stats import binomtest

    return float(binomtest(int(right.sum()), len(right), overall, alternative="less").pvalue)


def _mean_error(right: np.ndarray, by_label: dict[str, list[int]]) -> float:
    return float(np.mean([1 - right[places].mean() for places in by_label.values()]))


def _exponent(errors: Sequence[float]) -> float:
    """c of errors that fall as n^-c, by least squares of the logarithms; 0 where they do not fall."""
    logs = [log(max(error, 1e-3)) for error in errors]
    slope = -float(np.polyfit([log(share) for share in SHARES], logs, 1)[0])
    return 0.0 if slope < LAW[0] else min(slope, LAW[1])


def _more(rows: int, error: float, wanted: float, exponent: float) -> int | None:
    """Rows beside those there until the error is down to the one wanted; None where rows alone will not do."""
    if not exponent:
        return None
    times = (error / max(wanted, 1e-3)) ** (1 / exponent)
    return ceil(rows * (times - 1)) if times <= BEYOND else None
