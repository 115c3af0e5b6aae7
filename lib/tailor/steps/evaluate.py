"""10: base model, best prompting and tuned models on the same test rows, with intervals and paired tests."""

from tailor.blocks import Block
from tailor.data.dataset import Dataset
from tailor.evaluation.asking import EvaluationSettings, evaluation_problems
from tailor.evaluation.compare import metric_of, paired, verdict
from tailor.evaluation.comparison_view import comparison_blocks
from tailor.evaluation.criteria import judge_costs, judge_criteria
from tailor.evaluation.evaluate import Evaluator
from tailor.evaluation.own_metric import own_metric_files
from tailor.evaluation.predictions import evaluation_files, load_evaluation, read_predictions
from tailor.evaluation.probes import PROBES
from tailor.evaluation.probes.forgetting import forgotten_by
from tailor.evaluation.probes.run import probe_blockers, probe_files, probe_reads, run_probes
from tailor.evaluation.references import references_for
from tailor.evaluation.seeds import evaluate_seeds, seeds_of
from tailor.evaluation.slices import slice_problems
from tailor.evaluation.statistics import holm
from tailor.evaluation.trust import against_previous, leaked, note_uses, too_small
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
from tailor.settings import setting
from tailor.steps.tune import measure_of


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
        source="Reimers and Gurevych 2017, Reporting Score Distributions Makes a Difference",
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
    """The files of one's own metrics, and what the probes read."""
    return [*own_metric_files(settings.own_metrics), *probe_reads(project, settings)]


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
    probed = run_probes(evaluator, best.run, compared[0].run, runs)
    record.probes = {found.probe: found.status for found in probed}
    record.outputs |= probe_files(project, probed)
    for line in compared:
        line.forgotten = forgotten_by(probed, line.run)
    record.too_small = too_small(
        headline,
        best.metrics[headline],
        record.rows,
        dataset.record.splits["test"].rows,
        settings.widest_interval,
    )
    record.leaked = leaked(project, dataset, evaluator.examples, best.run, headline, seed)
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
    return comparison_blocks(project)
