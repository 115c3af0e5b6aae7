"""05: how far prompting alone gets, on validation rows; the test rows stay untouched until 10."""

from typing import Literal

from tailor.blocks import Block, Callout, Heading, Text
from tailor.data.dataset import Dataset
from tailor.evaluation.compare import (
    metric_of,
    name_of,
    paired,
    show_difference,
    show_estimate,
    show_p,
    show_value,
)
from tailor.evaluation.evaluate import (
    EvaluationSettings,
    Evaluator,
    evaluation_files,
    load_evaluation,
    read_predictions,
)
from tailor.evaluation.references import TITLES, references_for
from tailor.evaluation.results import evaluations_table, samples_table
from tailor.models.encoder import embedding_problems
from tailor.progress import Log
from tailor.project import Project
from tailor.records import Baselines, Evaluation, ProjectRecord, UseCase
from tailor.settings import setting


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


def blockers(project: Project, settings: Settings) -> list[str]:
    return embedding_problems(settings.similarity_model, "05_measure_baselines.similarity_model")


def run(project: Project, settings: Settings, log: Log) -> Baselines:
    dataset = Dataset.open(project)
    chosen = project.load(ProjectRecord, "project.json")
    made, left_out = _make_runs(project, dataset, settings, chosen, log)
    evaluator = Evaluator(project, dataset, "validation", settings, chosen.seed, log)
    references = [
        evaluator.reference(name, predict) for name, predict in references_for(dataset.task).items()
    ]
    results = [evaluator.run(ident) for ident in made]
    verdict = _verdict(project, dataset, settings, chosen.seed, results, references)
    record = Baselines(runs=list(made), verdict=" ".join([verdict, *left_out]))
    record.outputs = evaluation_files(project, [r.run for r in [*references, *results]], "validation")
    record.measured["peak_gib"] = max(result.measured.get("peak_gib", 0.0) for result in results)
    return record


def _make_runs(
    project: Project, dataset: Dataset, settings: Settings, chosen: ProjectRecord, log: Log
) -> tuple[dict[str, str], list[str]]:
    """Run id -> title of each prompting technique, and a sentence for each that cannot be used here."""
    from tailor.machine import find_machine
    from tailor.models.catalog import resolve
    from tailor.techniques import find_technique
    from tailor.training.runs import make_run

    configs: dict[str, dict] = {name: {} for name in ("zero_shot", *settings.prompting)}
    if "few_shot" in configs:
        configs["few_shot"] = {"demonstrations": settings.demonstrations}
    if not settings.demonstrations:
        configs.pop("few_shot", None)
    made, left_out = {}, []
    for name, values in configs.items():
        technique = find_technique(name)
        config = technique.Config(**values)
        problems = technique.find_blockers(config, dataset, resolve(chosen.base_model), find_machine())
        if problems:
            left_out.append(f"{technique.title} was left out: {problems[0]}")
            log.note(left_out[-1])
            continue
        run = make_run(project, name, config, dataset, base=chosen.base_model, seed=chosen.seed, log=log)
        made[run.id] = run.title
    return made, left_out


def _verdict(
    project: Project,
    dataset: Dataset,
    settings: Settings,
    seed: int,
    results: list[Evaluation],
    references: list[Evaluation],
) -> str:
    """What the figures say about tuning, in a few sentences."""
    from tailor.training.runs import read_run

    headline = results[0].headline
    best = best_result(results)
    said = [
        f"Prompting alone reaches {name_of(headline)} {show_estimate(headline, best.metrics[headline])} "
        f"on {best.rows:,} validation rows."
    ]
    if best is not results[0]:
        a, b = (_metric(project, dataset, result) for result in (best, results[0]))
        difference, p_value = paired(a, b, samples=settings.bootstrap_samples, seed=seed)
        gain, title = show_difference(headline, difference), read_run(project, best.run).title
        said.append(f"{title} brings {gain} over asking directly, {show_p(p_value)}.")
    said.append(_worth_tuning(project, headline, best, references))
    return " ".join(said)


def _worth_tuning(project: Project, headline: str, best: Evaluation, references: list[Evaluation]) -> str:
    """Whether the goal is met already, and what a line of reference reaches without a language model."""
    goals = [c for c in project.load(UseCase, "use_case.json").success if c.metric in best.metrics]
    if goals and all(best.metrics[goal.metric].low >= goal.at_least for goal in goals):
        return "Prompting already meets your criteria: tuning has to earn its price."
    missed = next((goal for goal in goals if best.metrics[goal.metric].low < goal.at_least), None)
    goal = (
        f" The goal is {name_of(missed.metric)} {show_value(missed.metric, missed.at_least)}."
        if missed
        else ""
    )
    plain = best_result(references)
    reached = show_estimate(headline, plain.metrics[headline])
    said = f"{TITLES[plain.run]} reaches {reached} without a language model."
    if plain.metrics[headline].value > best.metrics[headline].value:
        return f"{said} The data teaches more than prompting brings out: tuning is worth trying.{goal}"
    return f"{said} Prompting does better than that; tuning is worth trying if it must do better still.{goal}"


def best_result(results: list[Evaluation]) -> Evaluation:
    """The one with the best headline value; the first of equals."""
    return max(results, key=lambda result: result.metrics[result.headline].value)


def _metric(project: Project, dataset: Dataset, result: Evaluation):
    table = read_predictions(project, result.run, "validation")
    return metric_of(table, result.headline, dataset.task, dataset.labels)


def blocks(project: Project) -> list[Block]:
    from tailor.training.runs import read_run

    record = project.load(Baselines, "baselines.json")
    dataset = Dataset.open(project)
    titles = {ident: read_run(project, ident).title for ident in record.runs}
    names = [*references_for(dataset.task), *record.runs]
    found = [load_evaluation(project, name, "validation") for name in names]
    best = best_result(found[-len(record.runs) :])
    table = read_predictions(project, best.run, "validation")
    caption = f"On the same {best.rows:,} validation rows; in brackets the 95% interval"
    return [
        Heading("How far prompting alone gets"),
        Callout(record.verdict, "note"),
        evaluations_table(found, titles, caption),
        Text(
            "The first lines use no language model. They are here for honesty: a tuned model that cannot beat "
            "them is not worth its price."
        ),
        samples_table(table, best.headline, best=True),
        samples_table(table, best.headline, best=False),
    ]
