"""What 10_evaluate shows of its comparison, from the records and predictions on disk alone."""

from typing import TYPE_CHECKING

from tailor.blocks import Block, Callout, Figure, Heading, Text
from tailor.data.dataset import Dataset
from tailor.evaluation.compare import name_of
from tailor.evaluation.criteria import criteria_callouts
from tailor.evaluation.house_style import broken_rules, house_style_table
from tailor.evaluation.predictions import load_evaluation, read_predictions
from tailor.evaluation.probes.run import probe_blocks
from tailor.evaluation.recommend import candidates, pareto_front, recommendation
from tailor.evaluation.references import references_for
from tailor.evaluation.results import (
    comparison_table,
    confusions_table,
    costs_table,
    evaluations_table,
    samples_table,
    slices_table,
)
from tailor.evaluation.seeds import say_seeds
from tailor.evaluation.slices import parts_by, slices
from tailor.evaluation.trust import used_too_often
from tailor.project import Project
from tailor.records import Comparison, ProjectRecord, UseCase
from tailor.series import find_step

if TYPE_CHECKING:
    import polars as pl


def comparison_blocks(project: Project) -> list[Block]:
    """The verdict, every model beside the others, where the best is weakest, and what the probes found."""
    record = project.load(Comparison, "comparison.json")
    dataset = Dataset.open(project)
    best = next(line for line in record.compared if line.run == record.best)
    table = read_predictions(project, best.run)
    references = [load_evaluation(project, name) for name in references_for(dataset.task)]
    samples, seed = record.settings["bootstrap_samples"], project.load(ProjectRecord, "project.json").seed
    more = parts_by(project, table, record.settings.get("slice_by", []))
    shown = [
        Heading(find_step("10").question),
        Callout(record.verdict, "good" if best.difference and best.difference.low > 0 else "warning"),
        comparison_table(record.compared, record.headline, record.measured.get("models", {})),
        _ladder(record),
        Callout(recommendation(record), "note"),
        _prices(record),
        costs_table(record.compared, record.measured.get("models", {})),
        evaluations_table(references, {}, "On the same rows, without a language model"),
        *criteria_callouts(record),
        *_trust(record),
        Heading(f"Where {best.title} is weakest"),
        slices_table(slices(table, record.headline, samples=samples, seed=seed, more=more), record.headline),
    ]
    if dataset.task == "classify":
        shown += [confusions_table(table), _confusion_figure(project, best.run), _reliability(table)]
    else:
        shown += _house_style(project, record, table, samples, seed)
    return [
        *shown,
        samples_table(table, record.headline, best=False),
        samples_table(table, record.headline, best=True),
        *probe_blocks(project, list(record.probes)),
        Text(
            "The best model was chosen on these same test rows, among few. With several hundred candidates it "
            "would look better than it is: then keep fresh rows for a last check."
        ),
    ]


def _trust(record: Comparison) -> list[Block]:
    """How far the figures carry: copies in training, rows, seeds, the version before, how often they were asked."""
    shown: list[Block] = [Callout(record.leaked, "bad")] if record.leaked else []
    shown += [Callout(record.too_small, "warning")] if record.too_small else []
    if record.seeds:
        best = next(line for line in record.compared if line.run == record.best)
        base = record.compared[0].metrics[record.headline].value
        says = say_seeds(record.headline, best.title, record.seeds, base)
        shown.append(Callout(says, "note" if min(record.seeds.values()) > base else "warning"))
    if previous := record.measured.get("previous"):
        worse = previous["difference"]["high"] < 0
        shown.append(Callout(previous["says"], "bad" if worse else "note"))
    often = used_too_often(record.measured.get("test_set_uses", 0))
    return [*shown, *([Callout(often, "warning")] if often else [])]


def _house_style(
    project: Project, record: Comparison, best: "pl.DataFrame", samples: int, seed: int
) -> list[Block]:
    """The references and every model's answers against the tone sheet and guidelines of 01, with examples.

    Args:
        best: the best model's predictions.
    """
    case, answers = project.load(UseCase, "use_case.json"), {"references": best["reference"].to_list()}
    for line in record.compared:
        answers[line.title] = read_predictions(project, line.run)["prediction"].to_list()
    rows = list(best.select("id", "prediction").iter_rows())
    return [house_style_table(case, answers, samples=samples, seed=seed), *broken_rules(case, rows)]


def _confusion_figure(project: Project, ident: str) -> Figure:
    from tailor.plots import confusion_matrix

    found = load_evaluation(project, ident)
    return Figure(
        lambda: confusion_matrix(found.labels, found.confusion),
        "Which label was answered with which, on the test rows",
    )


def _reliability(table: "pl.DataFrame") -> Figure:
    from tailor.evaluation.label_metrics import reliability_bins
    from tailor.plots import reliability

    bins = reliability_bins(table["confidence"].to_numpy(), table["accuracy"].to_numpy())
    return Figure(
        lambda: reliability(bins),
        "How often the model is right when it says how sure it is: "
        + ", ".join(f"{right:.0%} of {count:,} rows at {sure:.0%}" for sure, right, count in bins),
    )


def _prices(record: Comparison) -> Figure:
    from tailor.plots import quality_and_price

    models, front = candidates(record), pareto_front(candidates(record))
    return Figure(
        lambda: quality_and_price(
            [
                (one.line.title, one.line.role, one.quality, one.seconds or 0.0, one in front)
                for one in models
            ],
            name_of(record.headline),
        ),
        "Each model's quality against the seconds of one answer; a line joins those that no other beats",
    )


def _ladder(record: Comparison) -> Figure:
    from tailor.plots import metric_ladder

    rows = [(line.title, line.role, line.metrics[record.headline]) for line in record.compared]
    return Figure(
        lambda: metric_ladder(rows, name_of(record.headline)),
        f"{name_of(record.headline)} of each model with its 95% interval",
    )
