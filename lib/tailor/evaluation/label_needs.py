"""Labels with too few rows: which ones a quick proxy gets wrong far more often than the others, and what they lack.

A label is weak where the proxy is right about its held-out rows less often than about rows as a whole, beyond chance
(exact binomial tests, corrected for the number of labels). What it lacks follows from other labels: some of them at a
time are left an eighth, a quarter or half of their rows while the rest keep theirs, which shows how often the proxy is
right about a label with so many rows among fuller ones, and so how many it takes to be told as often as rows are as a
whole. A label that has so many already lacks something else.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from math import ceil, exp, log

import numpy as np

from tailor.data.dataset import Example
from tailor.data.proxy import fit_labels
from tailor.evaluation.metric import mean_metric
from tailor.evaluation.statistics import estimate, holm
from tailor.progress import Log
from tailor.records import LabelNeed

SHARES = (0.125, 0.25, 0.5, 1.0)
CUT = 0.25
"""Share of the labels that are cut at a time."""
FOLDS = 3
FEWEST = 60
"""Rows below which nothing is said."""
MOST, LEAST_EACH = 4000, 30
"""Rows looked at; labels with many rows give fewer of them, rare ones all up to the second number."""
SURE = 0.05
LEAST_SLOPE = 0.1
"""Below this, more rows hardly help any label: ten times the rows raise even odds to 56 in 100."""


def label_needs(train: Sequence[Example], seed: int, log: Log) -> list[LabelNeed]:
    """The weak labels, the one that lacks most rows first; none where there are too few rows or labels to tell.

    Args:
        train: training rows that were given; made ones would be counted twice.
    """
    rows = _bounded(train, seed)
    if len(rows) < FEWEST or len({row.output for row in rows}) < 2:
        return []
    right, learned_from = _held_out(rows, seed, log)
    if np.isnan(right[-1]).any():
        return []
    overall = float(right[-1].mean())
    labels = np.array([row.output for row in rows])
    names = sorted(set(labels))
    chances = holm([_chance(right[-1][labels == name], overall) for name in names])
    weak = [name for name, chance in zip(names, chances, strict=True) if chance < SURE]
    others = ~np.isin(labels, weak)
    # the proxy learned from the other folds alone; the others will have all their rows, and it as many in proportion
    enough = _rows_for(overall, right[:, others], learned_from[:, others]) * FOLDS / (FOLDS - 1)
    counts, needs = Counter(row.output for row in train), []
    for name in weak:
        found = estimate(mean_metric("recall", right[-1][labels == name], share=True), seed=seed)
        more = ceil(enough) - counts[name]
        needs.append(LabelNeed(label=name, rows=counts[name], found=found, more=more if more > 0 else None))
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


def _held_out(rows: Sequence[Example], seed: int, log: Log) -> tuple[np.ndarray, np.ndarray]:
    """[shares, rows] twice: 1 where the proxy is right about a row, its label cut to that share and its fold left out
    (NaN where its label was not among those cut); and how many rows of its label the proxy then learned from."""
    places: Counter = Counter()
    fold, rng = np.empty(len(rows), dtype=int), np.random.default_rng(seed)
    for i, row in enumerate(rows):  # each label in turn over the folds
        fold[i] = places[row.output] % FOLDS
        places[row.output] += 1
    labels, draw = np.array([row.output for row in rows]), rng.random(len(rows))
    right, learned_from = np.full((2, len(SHARES), len(rows)), np.nan)
    fits = [(n, share, held) for n, share in enumerate(SHARES) for held in range(FOLDS)]
    for n, share, held in log.track(fits, "fits of the quick proxy, labels held out"):
        names = rng.permutation(sorted(places))
        cut = (
            np.isin(labels, names[: max(1, round(CUT * len(names)))])
            if share < 1
            else np.full(len(rows), True)
        )
        known = [rows[i] for i in np.flatnonzero((fold != held) & ~(cut & (draw >= share)))]
        asked, seen = np.flatnonzero((fold == held) & cut), Counter(row.output for row in known)
        if len(asked) and len(seen) > 1:
            said = fit_labels(known).predict([rows[i].input for i in asked])
            right[n, asked] = said == labels[asked]
            learned_from[n, asked] = [seen[label] for label in labels[asked]]
    return right, learned_from


def _chance(right: np.ndarray, overall: float) -> float:
    """One-sided p-value of "this label is told as well as rows as a whole"."""
    from scipy.stats import binomtest

    return float(binomtest(int(right.sum()), len(right), overall, alternative="less").pvalue)


def _rows_for(wanted: float, right: np.ndarray, learned_from: np.ndarray) -> float:
    """Rows of its own that a label needs until the proxy is right about it as often as wanted; 0 where more of them did
    not help.

    Logistic regression of being right on the logarithm of the rows learned from, over all rows and shares.
    """
    from sklearn.linear_model import LogisticRegression

    there = ~np.isnan(right)
    rows, hits = np.log1p(learned_from[there]), right[there]
    if len(set(hits)) < 2 or len(set(rows)) < 2:
        return 0.0
    law = LogisticRegression(C=1e6).fit(rows[:, None], hits)
    slope, start = float(law.coef_[0, 0]), float(law.intercept_[0])
    share = min(max(wanted, 1e-3), 1 - 1e-3)
    return exp((log(share / (1 - share)) - start) / slope) - 1 if slope > LEAST_SLOPE else 0.0
