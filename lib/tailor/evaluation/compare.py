"""Comparing models on the same rows: paired differences, and a verdict."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tailor.evaluation.known_metrics import name_of, scale_of, show_value
from tailor.evaluation.metrics import Metric, measure_rows
from tailor.evaluation.statistics import estimate_difference, paired_p_value
from tailor.records import Compared, Estimate, Task

if TYPE_CHECKING:
    import polars as pl


def metric_of(table: "pl.DataFrame", name: str, task: Task, labels: Sequence[str]) -> Metric:
    """One metric of a table of predictions."""
    columns = [table[column].to_list() for column in ("reference", "prediction")]
    confidence = table["confidence"].to_numpy() if "confidence" in table.columns else None
    return measure_rows(task, *columns, labels, names=[name], confidence=confidence)[name]


def paired(a: Metric, b: Metric, *, samples: int, seed: int) -> tuple[Estimate, float]:
    """`a` minus `b` with its interval, and the p-value of the paired test."""
    difference = estimate_difference(a, b, samples=samples, seed=seed)
    return difference, paired_p_value(a, b, samples=samples, seed=seed)


def show_estimate(metric: str, found: Estimate) -> str:
    """ "71.0% (64.5% to 77.0%)"."""
    value, low, high = (show_value(metric, number) for number in (found.value, found.low, found.high))
    return f"{value} ({low} to {high})"


def show_difference(metric: str, found: Estimate) -> str:
    """ "+12.3 points (+8.0 to +16.5)": percentage points for shares, their own points for chrF and BLEU."""
    factor, digits, unit = {
        "share": (100, ".1f", " percentage points"),
        "points": (1, ".1f", " points"),
        "number": (1, ".3g", ""),
    }[scale_of(metric)]
    value, low, high = (f"{number * factor:+{digits}}" for number in (found.value, found.low, found.high))
    return f"{value}{unit} ({low} to {high})"


def show_p(p_value: float | None) -> str:
    if p_value is None:
        return ""
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"


def verdict(headline: str, rows: int, compared: Sequence[Compared], best: Compared) -> str:
    """What the comparison says, in two or three sentences."""
    said = (
        f"On {rows:,} test rows {best.title} ({best.role}) does best: {name_of(headline)} "
        f"{show_estimate(headline, best.metrics[headline])}."
    )
    if best.difference is None:
        return (
            said + " No change to the base model brought anything: look at the data and the technique again."
        )
    said += f" Against the base model: {show_difference(headline, best.difference)}, {show_p(best.p_told)}."
    if best.difference.low <= 0:
        said += " The interval of the difference includes zero: this many rows show no improvement."
    return said


def confusions(table: "pl.DataFrame", most: int = 5) -> list[tuple[str, str, int, int]]:
    """The commonest mistakes: right label, label given, how often, of how many rows with that right label."""
    references = table["reference"].to_list()
    pairs = Counter(
        (right, given)
        for right, given in zip(references, table["prediction"].to_list(), strict=True)
        if right != given
    )
    total = Counter(references)
    ordered = sorted(pairs.items(), key=lambda item: (-item[1], item[0]))[:most]
    return [(right, given, count, total[right]) for (right, given), count in ordered]
