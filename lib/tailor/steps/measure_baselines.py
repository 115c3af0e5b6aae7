"""05: the ladder from simple references to prompting, on validation rows; the test rows stay untouched until 10."""

from typing import TYPE_CHECKING, Any, Literal

from tailor.blocks import Block, Callout, Figure, Heading, Text
from tailor.data.dataset import Dataset
from tailor.errors import WorkbenchError, did_you_mean
from tailor.evaluation.asking import EvaluationSettings, evaluation_problems
from tailor.evaluation.compare import metric_of
from tailor.evaluation.evaluate import Evaluator
from tailor.evaluation.known_metrics import name_of, show_value
from tailor.evaluation.label_needs import label_needs
from tailor.evaluation.ladder import Step, climb, decide, ladder_table, needs_table, prices_table
from tailor.evaluation.own_metric import own_metric_files
from tailor.evaluation.predictions import evaluation_files, load_evaluation, read_predictions
from tailor.evaluation.references import TITLES, references_for
from tailor.evaluation.results import evaluations_table, samples_table
from tailor.progress import Log
from tailor.project import Project
from tailor.records import Baselines, Evaluation, ProjectRecord, UseCase
from tailor.settings import make_settings, setting

if TYPE_CHECKING:
    from tailor.techniques.base import TechniqueConfig


class Settings(EvaluationSettings):
    max_rows: int = setting(
        150,
        "At most this many validation rows are answered, drawn once with the project's seed; 0 means all.",
        unit="rows",
        ge=0,
    )
    prompting: list[Literal["system_prompt", "instruction_search", "few_shot", "chain_of_thought"]] = setting(
        ["few_shot"],
        "Ways of prompting that are measured beside asking directly. Reasoning before the answer (chain_of_thought) "
        "and trying several instructions (instruction_search) take the most time, and help large models.",
    )
    demonstrations: int = setting(
        4,
        "Training rows shown to the model before each question in few-shot prompting; 0 leaves it out. More "
        "show the task better, take longer to read, and may not fit into the model's context.",
        unit="rows",
        ge=0,
        le=32,
        source="Brown et al. 2020, section 2.1 (as many as fit); few for speed here",
    )

    prompting_settings: dict[str, dict[str, Any]] = setting(
        {},
        "Settings of the ways of prompting that differ from their defaults: 'few_shot: {choose: nearest}', "
        "'chain_of_thought: {samples: 5}'. docs/techniques.md lists them all.",
        advanced=True,
    )


def blockers(project: Project, settings: Settings) -> list[str]:
    problems = evaluation_problems(Dataset.open(project).task, settings, "05_measure_baselines")
    try:
        _configs(settings)
    except WorkbenchError as error:
        problems.append(f"{error.found.rstrip('.')}. Needed: {error.needed}. Do: {error.fix}")
    return problems


def _configs(settings: Settings) -> "dict[str, TechniqueConfig]":
    """The settings of every technique that is measured, by its name.

    Raises:
        WorkbenchError: a technique that is not measured, or a setting that it does not have.
    """
    from tailor.techniques import find_technique

    names = ["zero_shot", *settings.prompting]
    if not settings.demonstrations:
        names = [name for name in names if name != "few_shot"]
    for name in settings.prompting_settings:
        if name not in names:
            raise WorkbenchError(
                f"05_measure_baselines.prompting_settings names '{name}', which is not measured",
                f"one of: {', '.join(names)}",
                f"add it to 'prompting', or take it out.{did_you_mean(name, names)}",
            )
    given = {"few_shot": {"demonstrations": settings.demonstrations}}
    return {
        name: make_settings(
            find_technique(name).Config,
            given.get(name, {}) | settings.prompting_settings.get(name, {}),
            f"05_measure_baselines.prompting_settings.{name}",
        )
        for name in names
    }


def reads_files(project: Project, settings: Settings) -> list[str]:
    """The files of one's own metrics."""
    return own_metric_files(settings.own_metrics)


def run(project: Project, settings: Settings, log: Log) -> Baselines:
    dataset = Dataset.open(project)
    chosen = project.load(ProjectRecord, "project.json")
    made, left_out = _make_runs(project, dataset, settings, chosen, log)
    evaluator = Evaluator(project, dataset, "validation", settings, chosen.seed, log)
    references = [
        evaluator.reference(name, predict) for name, predict in references_for(dataset.task).items()
    ]
    results = [evaluator.run(ident) for ident in made]
    found = [*references, *results]
    criteria = project.load(UseCase, "use_case.json").success
    steps = [_step(project, dataset, one, made) for one in found]
    rungs = climb(steps, criteria, samples=settings.bootstrap_samples, seed=chosen.seed)
    needs = label_needs(dataset.given, chosen.seed, log) if dataset.task == "classify" else []
    decision, verdict = decide(rungs, found, criteria, needs)
    record = Baselines(
        runs=list(made),
        verdict=" ".join([verdict, *left_out]),
        decision=decision,
        rungs=rungs,
        labels=needs,
    )
    record.outputs = evaluation_files(project, [one.run for one in found], "validation")
    record.measured["peak_gib"] = max(result.measured.get("peak_gib", 0.0) for result in results)
    return record


def _step(project: Project, dataset: Dataset, found: Evaluation, made: dict[str, str]) -> Step:
    """One rung of the ladder: a line of reference, or a run of this notebook."""
    from tailor.training.runs import read_run, role_of

    role = role_of(read_run(project, found.run)) if found.run in made else "reference"
    table = read_predictions(project, found.run, "validation")
    metric = metric_of(table, found.headline, dataset.task, dataset.labels)
    return Step(made.get(found.run) or TITLES[found.run], role, found, metric)


def _make_runs(
    project: Project, dataset: Dataset, settings: Settings, chosen: ProjectRecord, log: Log
) -> tuple[dict[str, str], list[str]]:
    """Run id -> title of each prompting technique, and a sentence for each that cannot be used here."""
    from tailor.machine import find_machine
    from tailor.models.catalog import resolve
    from tailor.techniques import find_technique
    from tailor.training.runs import make_run

    made, left_out = {}, []
    for name, config in _configs(settings).items():
        technique = find_technique(name)
        problems = technique.find_blockers(config, dataset, resolve(chosen.base_model), find_machine())
        if problems:
            left_out.append(f"{technique.title} was left out: {problems[0]}")
            log.note(left_out[-1])
            continue
        run = make_run(project, name, config, dataset, base=chosen.base_model, seed=chosen.seed, log=log)
        made[run.id] = run.title
    return made, left_out


def blocks(project: Project) -> list[Block]:
    from tailor.training.runs import read_run

    record = project.load(Baselines, "baselines.json")
    titles = {ident: read_run(project, ident).title for ident in record.runs}
    found = [load_evaluation(project, rung.run, "validation") for rung in record.rungs]
    headline, rows = found[0].headline, found[0].rows
    best = max(found[-len(record.runs) :], key=lambda one: one.metrics[headline].value)
    table = read_predictions(project, best.run, "validation")
    prices = prices_table(found, titles)
    return [
        Heading("How far prompting alone gets"),
        Callout(record.verdict, _KINDS[record.decision]),
        ladder_table(record.rungs, headline, rows),
        _ladder(project, record, headline),
        Text(
            "The first rungs use no language model. They are here for honesty: a tuned model that cannot beat "
            "them is not worth its price."
        ),
        *([needs_table(record.labels)] if record.labels else []),
        *([prices] if prices else []),
        evaluations_table(found, titles, "Every metric of the same rungs, and what they cost"),
        samples_table(table, best.headline, best=True),
        samples_table(table, best.headline, best=False),
    ]


_KINDS = {"stop": "good", "gather rows": "warning", "look at the data": "warning", "tune": "note"}


def _ladder(project: Project, record: Baselines, headline: str) -> Figure:
    from tailor.plots import metric_ladder

    goals = [c.goal for c in project.load(UseCase, "use_case.json").success if c.metric == headline]
    rows = [(rung.title, rung.role, rung.value) for rung in record.rungs]
    return Figure(
        lambda: metric_ladder(rows, name_of(headline), goals[0] if goals else None),
        f"{name_of(headline)} of each rung with its 95% interval"
        + (f"; the goal is {show_value(headline, goals[0])}" if goals else ""),
    )
