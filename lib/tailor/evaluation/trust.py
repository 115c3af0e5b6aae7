"""Whether the test rows can carry a verdict: whether they are enough, and whether they were not asked too often."""

from math import ceil
from typing import TYPE_CHECKING, Any

from tailor.evaluation.compare import metric_of, paired, show_difference, show_estimate, show_p
from tailor.evaluation.known_metrics import name_of, scale_of
from tailor.evaluation.predictions import load_evaluation, read_predictions
from tailor.evaluation.statistics import estimate
from tailor.files import write_json
from tailor.project import Project
from tailor.records import Estimate, UsesOfTestSet

if TYPE_CHECKING:
    from tailor.data.dataset import Dataset, Example

FILE = "evaluations/test_set_uses.json"
MOST_USES = 20
"""Runs judged on the same test rows from which on a warning is given: a rule of thumb. Of 20 runs
of equal worth whose errors are independent, the best looks better by 1.9 standard errors on average."""


def too_small(headline: str, found: Estimate, rows: int, available: int, widest: float) -> str:
    """A sentence where an interval is wider than allowed, with the rows that would do; "" where it is not.

    Args:
        found: the headline metric, measured on `rows` of the `available` test rows.
        widest: points between both ends of the interval.
    """
    width = round((found.high - found.low) * (100 if scale_of(headline) == "share" else 1), 6)
    if width <= widest:
        return ""
    needed = ceil(rows * (width / widest) ** 2)
    fix = "Gather more rows, or give the test a larger share in 04_format_data."
    if available >= needed:
        fix = f"The test split has {available:,}: raise max_rows."
    return (
        f"{rows:,} test rows are few: the interval of {name_of(headline)} is {width:.1f} points wide, and {widest:g} "
        f"are allowed (widest_interval). About {needed:,} rows would narrow it to that. {fix}"
    )


def leaked(
    project: Project, dataset: "Dataset", examples: "list[Example]", best: str, headline: str, seed: int
) -> str:
    """A sentence where test rows stand in the training rows too, with what the best run reaches without them; "" else.

    04 keeps copies apart; this finds those that came in afterwards, or that its settings let through.

    Args:
        examples: the test rows that were answered.
    """
    copies = _copies(dataset, examples)
    if not copies:
        return ""
    said = (
        f"{len(copies):,} of {len(examples):,} test rows stand in the training rows too, case and blanks aside "
        f"({', '.join(copies[:3])}{', ...' if len(copies) > 3 else ''}): the test is not one of new questions. "
    )
    table = read_predictions(project, best)
    fresh = table.filter(~table["id"].is_in(copies))
    if fresh.height:
        with_all, without = (
            estimate(metric_of(part, headline, dataset.task, dataset.labels), seed=seed)
            for part in (table, fresh)
        )
        said += (
            f"Without them {name_of(headline)} is {show_estimate(headline, without)} in place of "
            f"{show_estimate(headline, with_all)}. "
        )
    return f"{said}Run 04_format_data again, or take these rows out of what is learned from."


def _copies(dataset: "Dataset", examples: "list[Example]") -> list[str]:
    """Ids of the rows that say what a training row says, as 04 tells equal rows."""
    import polars as pl

    from tailor.data.duplicates import equality_keys

    columns = ["history", "input"]
    asked, learned = (
        equality_keys(
            pl.DataFrame({c: [getattr(row, c) for row in rows] for c in columns}), columns
        ).to_list()
        for rows in (examples, dataset.train)
    )
    known = set(learned)
    return [row.id for row, key in zip(examples, asked, strict=True) if key in known]


def note_uses(project: Project, test_set: str, runs: list[str]) -> list[str]:
    """Write down that these runs were judged on the test rows; returns all that ever were, in order, each once.

    Args:
        test_set: hash of the test rows; where it is "" nothing is written down.
    """
    path = project.path(FILE)
    record = UsesOfTestSet.load(path) if path.exists() else UsesOfTestSet()
    known = record.runs.get(test_set, []) if test_set else []
    every = list(dict.fromkeys([*known, *runs]))
    if test_set and every != known:
        record.runs[test_set] = every
        write_json(path, record.model_dump(mode="json"))
    return every


def used_too_often(uses: int) -> str:
    """A sentence where so many runs were judged on the same rows that the best looks better than it is; "" before."""
    if uses < MOST_USES:
        return ""
    return (
        f"These test rows have judged {uses:,} different runs by now. Choosing among so many fits the rows a little, "
        "and the best run looks better than it is (Dwork et al. 2015, The Reusable Holdout; Recht et al. 2019 found "
        "that the order of models mostly holds all the same). Decide on validation rows, and draw fresh test rows for "
        "a last check."
    )


def against_previous(
    project: Project,
    dataset: "Dataset",
    best: str,
    current: list[str],
    uses: list[str],
    samples: int,
    seed: int,
) -> dict[str, Any]:
    """The best run against the last one judged on the same test rows before these, paired; {} where there is none.

    Args:
        current: the runs compared now; none of them is a previous version.
        uses: all runs judged on these rows, in order.
    """
    table = read_predictions(project, best)
    for ident in reversed([run for run in uses if run not in current]):
        if not _on_same_rows(project, dataset, ident, table):
            continue
        headline = load_evaluation(project, ident).headline
        a, b = (
            metric_of(read_predictions(project, run), headline, dataset.task, dataset.labels)
            for run in (best, ident)
        )
        difference, p_value = paired(a, b, samples=samples, seed=seed)
        gain = f"{show_difference(headline, difference)}, {show_p(p_value)}"
        says = f"Against the version judged before ({ident}): {gain}."
        if difference.low <= 0 <= difference.high:
            says += " The interval includes zero: these rows show no difference."
        return {"run": ident, "difference": difference.model_dump(), "p_value": p_value, "says": says}
    return {}


def _on_same_rows(project: Project, dataset: "Dataset", ident: str, table: Any) -> bool:
    """Whether a run's predictions are still there, of a tuned model, on exactly the rows of `table`."""
    from tailor.training.runs import list_runs, role_of

    made = next((run for run in list_runs(project) if run.id == ident), None)
    found = load_evaluation(project, ident) if made is not None and role_of(made) == "tuned" else None
    if found is None or found.test_set != dataset.record.test_set:
        return False
    return read_predictions(project, ident).select("id", "reference").equals(table.select("id", "reference"))
