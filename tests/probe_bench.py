"""A bench for probes without the steps before it: any two models on a small project's test rows, or a run made here."""

from tailor.data.dataset import Dataset
from tailor.evaluation.answering import prediction_table
from tailor.evaluation.kept_answers import KeptAnswers
from tailor.evaluation.loaded import Loaded
from tailor.evaluation.metrics import HEADLINE
from tailor.evaluation.probes.base import Bench, Subject
from tailor.progress import Log
from tailor.project import Project
from tailor.records import Evaluation, RunRecord, UseCase
from tailor.training.runs import load_run, make_run


def make_bench(dataset: Dataset, best, base, rows: int = 12) -> Bench:
    """A bench of models, or of runs (`RunRecord`), on the first test rows; both have answered these already."""
    project = Project("small")
    examples = dataset.test[:rows]
    subjects = [_subject(project, dataset, name, made) for name, made in (("best", best), ("base", base))]
    bench = Bench(
        project=project,
        dataset=dataset,
        use_case=project.load(UseCase, "use_case.json"),
        best=subjects[0],
        base=subjects[0] if best is base else subjects[1],
        examples=examples,
        max_new_tokens=24,
        samples=200,
        seed=3,
        log=Log(),
    )
    bench.best.table = bench.ask(bench.best, examples, "answers")
    if examples:  # as the evaluation keeps each row's own values
        metric = bench.metric(bench.best.table)
        bench.best.table = bench.best.table.with_columns(**{metric.name: metric.per_row})
    return bench


def tune(dataset: Dataset, technique: str, base, seed: int = 3, **settings) -> RunRecord:
    """A finished run of a technique on the base model in a folder."""
    from tailor.techniques import find_technique

    config = find_technique(technique).Config(**settings)
    return make_run(Project("small"), technique, config, dataset, base=str(base), seed=seed, log=Log())


def _subject(project: Project, dataset: Dataset, name: str, made) -> Subject:
    is_run = isinstance(made, RunRecord)
    technique = {"best": "lora", "base": "zero_shot"}[name]
    run = made if is_run else RunRecord(
        id=f"{technique}-{name}", technique=technique, title=name, base_model="tiny", config={}, seed=3, dataset=""
    )  # fmt: skip
    headline = HEADLINE[dataset.task]
    return Subject(
        run=run,
        evaluation=Evaluation(run=run.id, rows=0, headline=headline, metrics={}),
        table=prediction_table([], []),
        model=Loaded(lambda: load_run(project, run.id, dataset) if is_run else made),
        dataset=dataset,
        kept=KeptAnswers.of(project, run),
    )
