"""How a model treats the same rows when somebody else has written them: each group's metric against the other groups'.

Only what shows the group differs between the texts, so a gap is the model's own. Counterfactual fairness in this
sense: Garg et al. 2019, Counterfactual Fairness in Text Classification.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tailor.data.augmentation.counterfactual import AS_WRITTEN, Axis, groups_of, rewrite
from tailor.data.dataset import Example
from tailor.evaluation.compare import paired
from tailor.evaluation.metrics import Metric
from tailor.evaluation.statistics import estimate, holm
from tailor.records import Estimate

if TYPE_CHECKING:
    import polars as pl

    from tailor.evaluation.probes.base import Bench, Subject


@dataclass
class Gap:
    """One group of an axis.

    Attributes:
        rows: that could be written as this group.
        value: the headline metric on them; `gap`: that minus the other groups' mean (for a dialect: minus the same
            rows as written).
        p_value: of "no gap", corrected for the number of groups once all axes are known.
        changed: share of rows with another answer than in any other group; for free text the difference in words.
    """

    axis: Axis
    group: str
    rows: int
    value: Estimate
    gap: Estimate
    p_value: float
    changed: float


def find_gaps(
    bench: "Bench", subject: "Subject", axes: Sequence[Axis], examples: Sequence[Example]
) -> list[Gap]:
    """Every group's gap on every axis, with p-values corrected together (Holm 1979)."""
    gaps = [gap for axis in axes for gap in _axis_gaps(bench, subject, axis, examples)]
    for gap, corrected in zip(gaps, holm([gap.p_value for gap in gaps]), strict=True):
        gap.p_value = corrected
    return gaps


def _axis_gaps(bench: "Bench", subject: "Subject", axis: Axis, examples: Sequence[Example]) -> list[Gap]:
    groups = groups_of(axis)
    written = {group: _written(examples, axis, group) for group in groups}
    tables = {
        group: bench.ask(subject, rows, f"answers: {axis}, {group}")
        for group, rows in written.items()
        if rows
    }
    found = []
    for group, table in tables.items():
        if axis == "dialect":
            ids = {row.id for row in written[group]}
            same = [row for row in examples if row.id in ids]
            others = [bench.ask(subject, same, f"answers: {AS_WRITTEN}")]
        else:
            others = [other for name, other in tables.items() if name != group]
        found.append(_gap(bench, axis, group, table, others))
    return found


def _written(examples: Sequence[Example], axis: Axis, group: str) -> list[Example]:
    texts = [(row, rewrite(row.input, axis, group, row.id)) for row in examples]
    return [replace(row, input=text) for row, text in texts if text is not None]


def _gap(bench: "Bench", axis: Axis, group: str, table: "pl.DataFrame", others: "list[pl.DataFrame]") -> Gap:
    own, rest = bench.metric(table), mean_of([bench.metric(other) for other in others])
    gap, p_value = paired(replace(own, share=False), rest, samples=bench.samples, seed=bench.seed)
    value = estimate(own, samples=bench.samples, seed=bench.seed)
    return Gap(axis, group, table.height, value, gap, p_value, _changed(bench, table, others))


def mean_of(metrics: Sequence[Metric]) -> Metric:
    """The same rows under several groups as one metric: the mean of what is summed over rows."""
    mean = np.mean([metric.statistics for metric in metrics], axis=0)
    return replace(metrics[0], statistics=mean, per_row=None, share=False)


def _changed(bench: "Bench", table: "pl.DataFrame", others: "list[pl.DataFrame]") -> float:
    answers = table["prediction"].to_list()
    theirs = [other["prediction"].to_list() for other in others]
    if bench.dataset.task == "respond":
        theirs = [[text for texts in theirs for text in texts]]
        words = [np.mean([len(text.split()) for text in texts]) for texts in (answers, *theirs)]
        return float(words[0] - words[1])
    return float(np.mean([any(a != texts[i] for texts in theirs) for i, a in enumerate(answers)]))


def worst_of(gaps: Sequence[Gap]) -> Gap:
    """The group that is treated worst: surely, if any is, else by value."""
    return min(gaps, key=lambda gap: (not is_sure(gap), gap.gap.value))


def is_sure(gap: Gap) -> bool:
    """Treated worse, beyond chance."""
    return gap.gap.value < 0 and gap.p_value < 0.05


def as_row(gap: Gap, **more: Any) -> dict[str, Any]:
    """For the probe's record."""
    return vars(gap) | {"value": gap.value.model_dump(), "gap": gap.gap.model_dump()} | more
