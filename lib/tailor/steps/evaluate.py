"""10: base model, best prompting and tuned models on the same test rows, with intervals and paired tests."""

from typing import TYPE_CHECKING

from tailor.blocks import Block, Callout, Figure, Heading, Text
from tailor.data.dataset import Dataset
from tailor.evaluation.asking import evaluation_problems
from tailor.evaluation.blind import FILE as COMPARISONS
from tailor.evaluation.compare import metric_of, name_of, paired, verdict
from tailor.evaluation.criteria import judge_costs, judge_criteria
from tailor.evaluation.evaluate import (
    EvaluationSettings,
    Evaluator,
    evaluation_files,
    load_evaluation,
    read_predictions,
)
from tailor.evaluation.house_style import house_style_table
from tailor.evaluation.own_metric import own_metric_files
from tailor.evaluation.probes import PROBES
from tailor.evaluation.probes.run import probe_blockers, probe_blocks, probe_files, probe_reads, run_probes
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
from tailor.evaluation.seeds import evaluate_seeds, say_seeds, seeds_of
from tailor.evaluation.slices import parts_by, slice_problems, slices
from tailor.evaluation.statistics import holm
from tailor.evaluation.trust import against_previous, note_uses, too_small, used_too_often
from tailor.progress import Log
from tailor.project import Project
from tailor.records import (
    Alignment,
    Baselines,
    Compared,
    Comparison,
    Evaluation,
    ProjectRecord,
    Search,
    Tuned,
    UseCase,
)
from tailor.series import find_step
from tailor.settings import setting
from tailor.steps.tune import measure_of

if TYPE_CHECKING:
    import polars as pl


class Settings(*(probe.Settings for probe in PROBES.values()), EvaluationSettings):
    latency_rows: int = setting(
        10,
        "So many test rows are asked once more, one by one, to time what one person waits for an answer; 0 leaves it "
        "out.",
        unit="rows",
        ge=0,
        le=500,
    )
    widest_interval: float = setting(
        15.0,
        "A warning tells how many test rows would do where the best model's interval is wider than this. 200 rows of "
        "right and wrong give at most 14 points.",
        unit="points",
        gt=0,
        advanced=True,
    )
    seeds: int = setting(
        0,
        "Make the best run again with so many further seeds, and show mean and spread: how much of the result is "
        "chance of the training. Each takes as long as that run took.",
        unit="further seeds",
        ge=0,
        le=20,
        source="Reimers and Gurevych 2017, Reporting Score Distributions Makes a Difference, section 5",
    )
    slice_by: list[str] = setting(
        [],
        "Columns of the cleaned table by which the test rows are parted, beside label, source and length: customer "
        "group, channel, product, month... 'language' tells it from the text. The worst part comes first.",
        source="Chung et al. 2019, Slice Finder; p-values corrected as in Holm 1979",
    )


def blockers(project: Project, settings: Settings) -> list[str]:
    problems = evaluation_problems(Dataset.open(project).task, settings, "10_evaluate")
    problems += slice_problems(project, settings.slice_by)
    return [*problems, *probe_blockers(project, settings)]


def reads_files(project: Project, settings: Settings) -> list[str]:
    """The files of one's own metrics, and what people chose between two answers, where a judge is held against it."""
    compared = settings.judge and project.path(COMPARISONS).exists()
    return [
        *own_metric_files(settings.own_metrics),
        *([f"outputs/{project.name}/{COMPARISONS}"] if compared else []),
        *probe_reads(settings),
    ]


def run(project: Project, settings: Settings, log: Log) -> Comparison:
    dataset = Dataset.open(project)
    seed = project.load(ProjectRecord, "project.json").seed
    evaluator = Evaluator(project, dataset, "test", settings, seed, log)
    references = [
        evaluator.reference(name, predict) for name, predict in references_for(dataset.task).items()
    ]
    runs = runs_to_compare(project)
    results = [evaluator.run(ident) for ident in runs]
    compared = _compare(project, dataset, settings, seed, results)
    headline = results[0].headline
    best = max(compared, key=lambda line: line.metrics[headline].value)
    criteria = project.load(UseCase, "use_case.json").success
    record = Comparison(
        headline=headline,
        rows=results[0].rows,
        compared=compared,
        best=best.run,
        criteria=judge_criteria(criteria, best.metrics, results[0].rows),
        verdict=verdict(headline, results[0].rows, compared, best),
    )
    record.outputs = evaluation_files(project, [r.run for r in [*references, *results]])
    probed = run_probes(evaluator, best.run, compared[0].run)
    record.probes = {found.probe: found.status for found in probed}
    record.outputs |= probe_files(project, probed)
    record.too_small = too_small(
        headline,
        best.metrics[headline],
        record.rows,
        dataset.record.splits["test"].rows,
        settings.widest_interval,
    )
    if settings.seeds and best.role != "base model":
        again = evaluate_seeds(evaluator, best.run, settings.seeds, measure_of)
        record.seeds = seeds_of(again, seed)
        record.outputs |= evaluation_files(project, [one.run for one in again])
    record.measured["models"] = {result.run: result.measured for result in results}
    record.measured["peak_gib"] = max(result.measured.get("peak_gib", 0.0) for result in results)
    record.measured["criteria"] = judge_costs(criteria, record.measured["models"][best.run])
    # what was judged before depends on the past of this folder, not on the choices: it takes no part in the hash
    uses = note_uses(project, dataset.record.test_set, runs)
    record.measured["test_set_uses"] = len(uses)
    record.measured["previous"] = against_previous(
        project, dataset, best.run, runs, uses, settings.bootstrap_samples, seed
    )
    return record


def runs_to_compare(project: Project) -> list[str]:
    """Base model, the best prompting on validation rows, and what 07, 08 and 09 made; each once."""
    from tailor.training.runs import read_run, role_of

    baselines = project.load(Baselines, "baselines.json").runs
    roles = {ident: role_of(read_run(project, ident)) for ident in baselines}
    prompting = [ident for ident in baselines if roles[ident] == "prompting"]
    best = sorted(prompting, key=lambda ident: -_validation_value(project, ident))[:1]
    made = [
        project.load(Tuned, "tuned.json").run,
        project.load(Search, "search/search.json").run,
        project.load(Alignment, "alignment.json").run,
    ]
    base = [ident for ident in baselines if roles[ident] == "base model"]
    return list(dict.fromkeys([*base, *best, *[ident for ident in made if ident]]))


def _validation_value(project: Project, ident: str) -> float:
    found = load_evaluation(project, ident, "validation")
    return found.metrics[found.headline].value if found else float("-inf")


def _compare(
    project: Project, dataset: Dataset, settings: Settings, seed: int, results: list[Evaluation]
) -> list[Compared]:
    """One line for each model; the first is the base model, which the others are paired with row by row."""
    from tailor.training.runs import read_run, role_of

    headline = results[0].headline
    metrics = [
        metric_of(read_predictions(project, result.run), headline, dataset.task, dataset.labels)
        for result in results
    ]
    lines = []
    for result, metric in zip(results, metrics, strict=True):
        made = read_run(project, result.run)
        line = Compared(
            run=result.run, role=role_of(made), title=made.title, metrics=result.metrics, bytes=made.bytes
        )
        if metric is not metrics[0]:
            line.difference, line.p_value = paired(
                metric, metrics[0], samples=settings.bootstrap_samples, seed=seed
            )
        lines.append(line)
    others = [line for line in lines if line.p_value is not None]
    for line, p_value in zip(others, holm([line.p_value for line in others]), strict=True):
        line.p_corrected = p_value
    best = max(range(len(lines)), key=lambda i: lines[i].metrics[headline].value)
    for i, line in enumerate(lines):
        if i != best:
            line.behind, _ = paired(metrics[i], metrics[best], samples=settings.bootstrap_samples, seed=seed)
    return lines


def blocks(project: Project) -> list[Block]:
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
        *[Callout(f"{c['metric']}: {c['says']}", _KINDS[c["result"]]) for c in record.judged],
        *_trust(record),
        Heading(f"Where {best.title} is weakest"),
        slices_table(slices(table, record.headline, samples=samples, seed=seed, more=more), record.headline),
    ]
    if dataset.task == "classify":
        shown += [confusions_table(table), _confusion_figure(project, best.run), _reliability(table)]
    else:
        shown.append(_house_style(project, record, table["reference"].to_list(), samples, seed))
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
    """How far the figures carry: rows, seeds, the version before, and how often these rows were asked."""
    shown: list[Block] = [Callout(record.too_small, "warning")] if record.too_small else []
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
    project: Project, record: Comparison, references: list[str], samples: int, seed: int
) -> Block:
    """The references and every model's answers against the tone sheet and guidelines of 01."""
    answers = {"references": references}
    for line in record.compared:
        answers[line.title] = read_predictions(project, line.run)["prediction"].to_list()
    return house_style_table(project.load(UseCase, "use_case.json"), answers, samples=samples, seed=seed)


_KINDS = {"met": "good", "not met": "bad", "not decidable": "warning", "not measured": "warning"}


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
