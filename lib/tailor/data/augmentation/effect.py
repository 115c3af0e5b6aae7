"""Whether new rows helped: the quick proxy with and without them, on the same validation rows."""

from collections.abc import Sequence

from tailor.data.dataset import Example
from tailor.data.proxy import POINTS, TITLES, UNITS, choose_measured, measure_proxy
from tailor.records import Estimate, ProxyComparison, Task

MOST = 3000
"""Given rows that the proxy is fitted on at most, with their children."""


def compare(
    given: Sequence[Example],
    made: Sequence[Example],
    validation: Sequence[Example],
    task: Task,
    *,
    seed: int,
) -> ProxyComparison | None:
    """Fit the proxy on the given rows, and on these with the made ones; None where there is nothing to compare."""
    from tailor.evaluation.answering import choose_rows
    from tailor.evaluation.statistics import estimate, estimate_difference

    rows = choose_measured(validation, seed)
    if not rows or not made:
        return None
    used = choose_rows(given, MOST, seed)
    names = {row.id for row in used}
    with_made = [*used, *(row for row in made if row.parent in names)]
    without, with_them = (measure_proxy(task, train, rows) for train in (used, with_made))
    difference = estimate_difference(with_them, without, seed=seed)
    return ProxyComparison(
        proxy=TITLES[task],
        metric=UNITS[task],
        rows=len(rows),
        without=estimate(without, seed=seed),
        difference=Estimate(**{k: round(v * POINTS[task], 4) for k, v in difference.model_dump().items()}),
    )


def say_effect(found: ProxyComparison) -> tuple[str, str]:
    """What the comparison means, in plain words, and whether that is good, a note, or bad."""
    change = found.difference
    said = (
        f"A quick proxy ({found.proxy}) on {found.rows:,} validation rows: {change.value:+.1f} points of "
        f"{found.metric} with the new rows (95% interval {change.low:+.1f} to {change.high:+.1f})."
    )
    if change.low > 0:
        return f"{said} They help the proxy; 07_tune will show whether they help the model.", "good"
    if change.high < 0:
        return f"{said} They do harm: set augment_rows to 0, or use other ways of rewording.", "bad"
    return (
        f"{said} That may be chance: there is no sign that they help, and every row costs training time. Without a "
        "better reason, set augment_rows to 0.",
        "warning",
    )
