"""Comparing models on the same rows: paired differences, success criteria, and a verdict."""

from collections import Counter
from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING, Any

from tailor.errors import did_you_mean
from tailor.evaluation.metrics import Metric, measure_rows
from tailor.evaluation.statistics import estimate_difference, paired_p_value
from tailor.records import Compared, Criterion, Estimate, Task

if TYPE_CHECKING:
    import polars as pl

UNITS = {"chrf": "points"}


def metric_of(table: "pl.DataFrame", name: str, task: Task, labels: Sequence[str]) -> Metric:
    """One metric of a table of predictions."""
    columns = [table[column].to_list() for column in ("reference", "prediction")]
    return measure_rows(task, *columns, labels)[name]


def paired(a: Metric, b: Metric, *, samples: int, seed: int) -> tuple[Estimate, float]:
    """`a` minus `b` with its interval, and the p-value of the paired test."""
    difference = estimate_difference(a, b, samples=samples, seed=seed)
    return difference, paired_p_value(a, b, samples=samples, seed=seed)


def judge_criteria(
    criteria: Sequence[Criterion], metrics: dict[str, Estimate], rows: int
) -> list[dict[str, Any]]:
    """Each success criterion: met, not met, or not decidable with this many rows.

    Met when the whole 95% interval reaches the goal, not met when none of it does.
    """
    return [_judge(criterion, metrics, rows) for criterion in criteria]


def _judge(criterion: Criterion, metrics: dict[str, Estimate], rows: int) -> dict[str, Any]:
    found = metrics.get(criterion.metric)
    judged = {"metric": criterion.metric, "at_least": criterion.at_least, "why": criterion.why}
    if found is None:
        says = f"this task has no metric '{criterion.metric}': it has {', '.join(metrics)}."
        says += did_you_mean(criterion.metric, metrics)
        return judged | {"value": None, "result": "not measured", "says": says}
    judged |= {"value": found.value, "low": found.low, "high": found.high}
    goal = show_value(criterion.metric, criterion.at_least)
    reached = f"{show_estimate(criterion.metric, found)}; the goal is {goal}"
    if found.low >= criterion.at_least:
        return judged | {"result": "met", "says": f"met: {reached}"}
    if found.high < criterion.at_least:
        return judged | {"result": "not met", "says": f"not met: {reached}"}
    needed = rows_to_decide(found, criterion.at_least, rows)
    says = f"not decidable with {rows:,} rows: {reached}"
    says += f"; about {needed:,} rows would decide it" if needed else ""
    return judged | {"result": "not decidable", "says": says}


def rows_to_decide(found: Estimate, goal: float, rows: int) -> int | None:
    """Rows after which an interval shrinking with the root of their number would leave the goal outside."""
    half, gap = (found.high - found.low) / 2, abs(found.value - goal)
    if gap < 1e-9 or half / gap > 100:
        return None
    return ceil(rows * (half / gap) ** 2)


def show_value(metric: str, value: float) -> str:
    """Shares as per cent, chrF in its own points."""
    return f"{value:.1f}" if metric in UNITS else f"{value:.1%}"


def show_estimate(metric: str, found: Estimate) -> str:
    """ "71.0% (64.5% to 77.0%)"."""
    value, low, high = (show_value(metric, number) for number in (found.value, found.low, found.high))
    return f"{value} ({low} to {high})"


def show_difference(metric: str, found: Estimate) -> str:
    """ "+12.3 points (+8.0 to +16.5)": percentage points for shares, chrF's own points for chrF."""
    scale = 1 if metric in UNITS else 100
    unit = "points" if metric in UNITS else "percentage points"
    value, low, high = (f"{number * scale:+.1f}" for number in (found.value, found.low, found.high))
    return f"{value} {unit} ({low} to {high})"


def show_p(p_value: float | None) -> str:
    if p_value is None:
        return ""
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"


def name_of(metric: str) -> str:
    """A metric's name in running text."""
    return {"macro_f1": "macro-F1", "chrf": "chrF", "rouge_l": "ROUGE-L", "exact_match": "exact match"}.get(
        metric, metric
    )


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
    said += f" Against the base model: {show_difference(headline, best.difference)}, {show_p(best.p_value)}."
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
