"""What more rows would bring: a quick proxy at several sizes, a power law through its errors, twice the rows told.

Errors fall with the number of rows n as a + b * n^-c (Cortes et al. 1993; Hestness et al. 2017, Deep Learning Scaling
Is Predictable, Empirically). Rows measured on and repeats are drawn anew for an interval around what the law foretells.
The law is too cautious where labels have a dozen rows each and the curve still bends upwards: of banking77, from 1,000
rows it foretold +8.7 points (7.3 to 10.4), and 2,000 brought +13.0. Of sms_spam: +1.2 (0.6 to 1.7), and +0.8.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tailor.data.dataset import Example
from tailor.data.proxy import POINTS, TITLES, UNITS, choose_measured, measure_proxy
from tailor.progress import Log
from tailor.records import Estimate, LearningCurve, Task

if TYPE_CHECKING:
    from tailor.evaluation.metrics import Metric

POINTS_MEASURED = 5
SMALLEST = 1 / 16
"""Share of the rows that the first point is measured on, unless labels need more."""
REPEATS = 3
SAMPLES = 500
FEWEST = (80, 20)
"""Rows to learn from and to measure on below which nothing is said: the interval would span everything."""
MOST = 4000
"""Rows drawn at most as the largest size: a curve from 250 to 4,000 rows tells its slope."""
EXPONENTS = np.linspace(0.05, 1.5, 59)


def learning_curve(
    train: Sequence[Example], measured: Sequence[Example], task: Task, *, seed: int, log: Log
) -> LearningCurve:
    """Measure the proxy on growing draws of the training rows, and estimate what twice as many rows would bring.

    Args:
        train: rows that were given; made ones would be counted twice.
        measured: validation rows. The test rows are not looked at.

    Returns:
        The curve; with `skipped` saying why there is none where rows are too few.
    """
    if why := _too_few(train, measured, task):
        return LearningCurve(metric=UNITS[task], proxy=TITLES[task], skipped=why)
    rows = choose_measured(measured, seed)
    total = min(len(train), MOST)
    sizes = _sizes(train, total)
    draws = [(place, repeat) for place in range(len(sizes)) for repeat in range(REPEATS)]
    metrics: list[list[Metric]] = [[] for _ in sizes]
    for place, repeat in log.track(draws, "fits of the quick proxy"):
        if sizes[place] == len(train) and repeat:
            continue  # every draw would be the same
        drawn = np.random.default_rng([seed, place, repeat]).permutation(len(train))[: sizes[place]]
        metrics[place].append(measure_proxy(task, [train[i] for i in drawn], rows))
    values = _resampled(metrics, seed)
    gain = _gain(sizes, len(train), values, best=100 / POINTS[task]) * POINTS[task]
    return LearningCurve(
        metric=UNITS[task],
        proxy=TITLES[task],
        sizes=sizes,
        values=[_estimate(column) for column in values.T],
        rows=len(train),
        gain=_estimate(gain),
    )


def _sizes(train: Sequence[Example], total: int) -> list[int]:
    """Sizes in equal proportions up to `total`; the smallest has room for two rows of each label."""
    labels = len({row.output for row in train})
    first = min(max(total * SMALLEST, 2 * labels if labels < total / 8 else 0, 20), total / 4)
    return [round(size) for size in np.geomspace(first, total, POINTS_MEASURED)]


def _too_few(train: Sequence[Example], measured: Sequence[Example], task: Task) -> str:
    if len(train) < FEWEST[0] or len(measured) < FEWEST[1]:
        return (
            f"There is no learning curve: it takes at least {FEWEST[0]} training and {FEWEST[1]} validation rows, and "
            f"there are {len(train):,} and {len(measured):,}."
        )
    if task == "classify" and len({row.output for row in train}) < 2:
        return "There is no learning curve: there is one label only."
    return ""


def _resampled(metrics: "list[list[Metric]]", seed: int) -> np.ndarray:
    """[1 + samples, sizes] values: first as measured, then with rows (the same for all) and repeats drawn anew."""
    rng = np.random.default_rng(seed)
    rows = len(metrics[0][0].statistics)
    values = np.empty((1 + SAMPLES, len(metrics)))
    values[0] = [np.mean([metric.value for metric in repeats]) for repeats in metrics]
    for sample in range(1, SAMPLES + 1):
        counts = np.bincount(rng.integers(0, rows, rows), minlength=rows).astype(float)
        for place, repeats in enumerate(metrics):
            drawn = rng.integers(0, len(repeats), len(repeats))
            values[sample, place] = np.mean(
                [repeats[i].combine(counts @ repeats[i].statistics) for i in drawn]
            )
    return values


def _gain(sizes: Sequence[int], rows: int, values: np.ndarray, best: float) -> np.ndarray:
    """[samples] how much lower the error is at twice the rows: the law's fall in proportion, from the error measured.

    Of the law only its proportions are taken, since a law drawn through small sizes may stand above the last error,
    and would promise more than there is left to gain. Real curves bend where the law is straight: samples are fitted
    with and without the smallest sizes, so that the interval holds what that changes.
    """
    errors = best - values
    starts = np.resize([1, 0, 1, 2], len(errors))  # how many small sizes a sample leaves out of its fit
    fall = np.empty(len(errors))
    for start in (0, 1, 2):
        mine = starts == start
        floor, slope, exponent = fit_power_law(np.array(sizes[start:], dtype=float), errors[mine, start:])
        last, now, then = (floor + slope * float(n) ** -exponent for n in (sizes[-1], rows, 2 * rows))
        fall[mine] = np.divide(now - then, last, out=np.zeros_like(now), where=last > 0)
    return errors[:, -1] * fall


def fit_power_law(sizes: np.ndarray, errors: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fit a + b * n^-c with a, b >= 0 to each line of errors, by least squares of the relative deviations.

    For a given c the law is linear in a and b; the c of the smallest residual among `EXPONENTS` is taken.

    Args:
        sizes: [s] rows.
        errors: [m, s].

    Returns:
        a, b, c: [m] each.
    """
    weights = 1 / np.maximum(errors, 1e-3 * max(errors.max(), 1e-9)) ** 2
    total = weights.sum(axis=1)
    mean_error = (weights * errors).sum(axis=1) / total
    best = np.full(len(errors), np.inf)
    floor, slope, exponent = (np.zeros(len(errors)) for _ in range(3))
    for power in EXPONENTS:
        falling = sizes**-power
        mean = weights @ falling / total
        centred = falling - mean[:, None]
        b = np.maximum((weights * centred * errors).sum(axis=1) / (weights * centred**2).sum(axis=1), 0)
        a = mean_error - b * mean
        through_zero = np.maximum((weights * errors) @ falling / (weights @ falling**2), 0)
        b, a = np.where(a < 0, through_zero, b), np.maximum(a, 0)
        residual = (weights * (errors - a[:, None] - b[:, None] * falling) ** 2).sum(axis=1)
        better = residual < best - 1e-12
        best = np.where(better, residual, best)
        floor, slope = np.where(better, a, floor), np.where(better, b, slope)
        exponent = np.where(better, power, exponent)
    return floor, slope, exponent


def _estimate(values: np.ndarray) -> Estimate:
    """The first value, with the interval of the others."""
    low, high = np.percentile(values[1:], [2.5, 97.5])
    return Estimate(value=round(float(values[0]), 4), low=round(float(low), 4), high=round(float(high), 4))


def say_gain(curve: LearningCurve) -> str:
    """What the curve means for whoever gathers data, in a sentence or two."""
    if curve.gain is None:
        return curve.skipped
    gain = curve.gain
    said = (
        f"Twice the rows ({curve.rows:,} to {2 * curve.rows:,}): {gain.low:+.1f} to {gain.high:+.1f} points of "
        f"{curve.metric} by a quick proxy ({curve.proxy}), the likeliest being {gain.value:+.1f}."
    )
    if gain.high < 1:
        return f"{said} More rows of the same kind would hardly help: look at wrong labels and missing cases first."
    if gain.low >= 1:
        return f"{said} Gathering more rows is worth it."
    return f"{said} Whether more rows would help is not clear."
