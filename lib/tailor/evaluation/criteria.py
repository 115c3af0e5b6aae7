"""The success criteria of 01, one by one: met, not met, or not decidable with this many rows, and how many would do."""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

from tailor.blocks import Block, Callout
from tailor.errors import did_you_mean
from tailor.evaluation.compare import show_estimate
from tailor.evaluation.known_metrics import KNOWN, name_of, show_value
from tailor.records import Comparison, Criterion, Estimate

NOT_THERE = "not measured"
_KINDS = {"met": "good", "not met": "bad", "not decidable": "warning", NOT_THERE: "warning"}


def criteria_callouts(record: Comparison) -> list[Block]:
    """Each success criterion of a comparison, those about cost too, coloured by its result."""
    return [Callout(f"{one['metric']}: {one['says']}", _KINDS[one["result"]]) for one in record.judged]


def judge_criteria(
    criteria: Sequence[Criterion], metrics: Mapping[str, Estimate], rows: int
) -> list[dict[str, Any]]:
    """Each success criterion about answers: met, not met, or not decidable with this many rows.

    Met when the whole 95% interval reaches the goal, not met when none of it does. Those about cost are left to
    `judge_costs`.
    """
    return [_judge(criterion, metrics, rows) for criterion in criteria if not _is_cost(criterion)]


def judge_costs(criteria: Sequence[Criterion], measured: Mapping[str, float]) -> list[dict[str, Any]]:
    """Each success criterion about what an answer costs, as measured on this machine; such figures have no interval.

    Args:
        measured: what was measured while the model answered (see `tailor.evaluation.loaded`).
    """
    return [_judge_cost(criterion, measured) for criterion in criteria if _is_cost(criterion)]


def all_met(criteria: Sequence[Criterion], metrics: Mapping[str, Estimate], rows: int) -> bool:
    """Whether there are criteria about answers, and all of them are met."""
    judged = judge_criteria(criteria, metrics, rows)
    return bool(judged) and all(one["result"] == "met" for one in judged)


def show_goal(criterion: Criterion) -> str:
    """ "accuracy 85.0%", "repetition at most 5.0%"."""
    return f"{name_of(criterion.metric)} {_shown_goal(criterion)}"


def _is_cost(criterion: Criterion) -> bool:
    return criterion.metric in KNOWN and KNOWN[criterion.metric].cost


def _judge(criterion: Criterion, metrics: Mapping[str, Estimate], rows: int) -> dict[str, Any]:
    judged, metric, found = criterion.model_dump(), criterion.metric, metrics.get(criterion.metric)
    if found is None:
        says = f"this task has no metric '{metric}': it has {', '.join(metrics)}."
        says += did_you_mean(metric, metrics)
        return judged | {"value": None, "result": NOT_THERE, "says": says}
    judged |= {"value": found.value, "low": found.low, "high": found.high}
    reached = f"{show_estimate(metric, found)}; the goal is {_shown_goal(criterion)}"
    # towards the goal is up where it is a least, and down where it is a most
    nearest, farthest = (
        (found.low, found.high) if criterion.at_least is not None else (-found.high, -found.low)
    )
    goal = criterion.goal if criterion.at_least is not None else -criterion.goal
    if nearest >= goal:
        return judged | {"result": "met", "says": f"met: {reached}"}
    if farthest < goal:
        return judged | {"result": "not met", "says": f"not met: {reached}"}
    needed = rows_to_decide(found, criterion.goal, rows)
    says = f"not decidable with {rows:,} rows: {reached}"
    says += f"; about {needed:,} rows would decide it" if needed else ""
    return judged | {"result": "not decidable", "says": says}


def _judge_cost(criterion: Criterion, measured: Mapping[str, float]) -> dict[str, Any]:
    judged, value = criterion.model_dump(), measured.get(criterion.metric)
    if value is None:
        says = "it was not measured for this model: see latency_rows, or ask the model on this machine"
        return judged | {"value": None, "result": NOT_THERE, "says": says}
    met = value >= criterion.goal if criterion.at_least is not None else value <= criterion.goal
    result = "met" if met else "not met"
    reached = f"{show_value(criterion.metric, value)} on this machine; the goal is {_shown_goal(criterion)}"
    return judged | {"value": value, "result": result, "says": f"{result}: {reached}"}


def _shown_goal(criterion: Criterion) -> str:
    most = "at most " if criterion.at_least is None else ""
    return most + show_value(criterion.metric, criterion.goal)


def rows_to_decide(found: Estimate, goal: float, rows: int) -> int | None:
    """Rows after which an interval shrinking with the root of their number would leave the goal outside."""
    half, gap = (found.high - found.low) / 2, abs(found.value - goal)
    if gap < 1e-9 or half / gap > 100:
        return None
    return ceil(rows * (half / gap) ** 2)
