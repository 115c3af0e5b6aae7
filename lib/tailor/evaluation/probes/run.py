"""Running the probes of one evaluation, each kept as soon as it is done: evaluations/probes/<probe>.json."""

from collections.abc import Sequence
from typing import Any

from tailor.blocks import Block, Callout, Heading, Text
from tailor.errors import WorkbenchError
from tailor.evaluation.asking import EvaluationSettings
from tailor.evaluation.evaluate import Evaluator
from tailor.evaluation.kept_answers import KeptAnswers
from tailor.evaluation.loaded import Loaded
from tailor.evaluation.predictions import load_evaluation, read_predictions
from tailor.evaluation.probes import PROBES
from tailor.evaluation.probes.base import Bench, Probe, Subject
from tailor.project import Project
from tailor.records import Probed, UseCase

_CALLOUTS = {"ok": "good", "watch": "warning", "act": "bad", "not measured": "note"}


def probe_blockers(project: Project, settings: EvaluationSettings) -> list[str]:
    """What is missing for the probes that are switched on."""
    return [
        sentence
        for name, probe in PROBES.items()
        if getattr(settings, name)
        for sentence in probe.blockers(project, _own(probe, settings))
    ]


def probe_reads(project: Project, settings: EvaluationSettings) -> list[str]:
    """Files, beside the series' own, that the probes which are switched on read."""
    wanted = [probe for name, probe in PROBES.items() if getattr(settings, name)]
    return [path for probe in wanted for path in _reads(project, probe, settings)]


def run_probes(evaluator: Evaluator, best: str, base: str, compared: Sequence[str]) -> list[Probed]:
    """Ask every probe that is switched on and fits the task; what was asked before of the same things is kept.

    Args:
        best, base: ids of two runs evaluated on the test rows; may be the same.
        compared: ids of all runs evaluated on them.
    """
    dataset, settings = evaluator.dataset, evaluator.settings
    wanted = [p for p in PROBES.values() if getattr(settings, p.name) and dataset.task in p.tasks]
    bench, done = _make_bench(evaluator, best, base, compared), []
    for probe in wanted:
        path = evaluator.project.path(f"evaluations/probes/{probe.name}.json")
        inputs, own = _inputs(bench, probe), _asked(probe, evaluator)
        project = evaluator.project
        inputs |= {file: project.hash_of(project.resolve(file)) for file in _reads(project, probe, settings)}
        if (kept := _kept(path, inputs, own)) is not None:
            done.append(kept)
            continue
        evaluator.log.note(f"{probe.title}: {probe.question}")
        found = probe.measure(bench, _own(probe, settings))
        found.inputs, found.settings, found.test_set = inputs, own, dataset.record.test_set
        found.save(path)
        done.append(found)
    return done


def probe_blocks(project: Project, names: list[str]) -> list[Block]:
    """What the probes found, each under its heading."""
    shown: list[Block] = []
    for name in names:
        probe, found = PROBES[name], load_probed(project, name)
        shown += [Heading(probe.title), Text(f"{probe.question} ({probe.source})")]
        shown += [Callout(found.verdict, _CALLOUTS[found.status]), *probe.blocks(found)]
    return shown


def load_probed(project: Project, name: str) -> Probed:
    return Probed.load(project.path(f"evaluations/probes/{name}.json"))


def probe_files(project: Project, found: list[Probed]) -> dict[str, str]:
    """Hash of each probe's file by path, for the `outputs` of the step's record."""
    paths = [f"evaluations/probes/{one.probe}.json" for one in found]
    return {path: project.hash_of(project.path(path)) for path in paths}


def _make_bench(evaluator: Evaluator, best: str, base: str, compared: Sequence[str]) -> Bench:
    first = _subject(evaluator, best)
    return Bench(
        project=evaluator.project,
        dataset=evaluator.dataset,
        use_case=evaluator.project.load(UseCase, "use_case.json"),
        best=first,
        base=first if base == best else _subject(evaluator, base),
        examples=evaluator.examples,
        max_new_tokens=evaluator.settings.max_new_tokens,
        samples=evaluator.settings.bootstrap_samples,
        seed=evaluator.seed,
        log=evaluator.log,
        others=[_subject(evaluator, ident) for ident in compared if ident not in (best, base)],
    )


def _subject(evaluator: Evaluator, ident: str) -> Subject:
    from tailor.training.runs import load_run, read_run

    project, dataset = evaluator.project, evaluator.dataset
    run = read_run(project, ident)
    return Subject(
        run=run,
        evaluation=load_evaluation(project, ident),
        table=read_predictions(project, ident),
        model=Loaded(lambda: load_run(project, ident, dataset)),
        dataset=dataset,
        kept=KeptAnswers.of(project, run),
    )


def _inputs(bench: Bench, probe: Probe) -> dict[str, str]:
    """Runs and rows that a probe's figures rest on."""
    asked = [bench.best, bench.base, *(bench.others if getattr(probe, "asks_all", False) else [])]
    runs = {f"runs/{s.run.id}/run.json": s.run.content_hash() for s in asked}
    return runs | {"dataset.json": bench.dataset.record.content_hash()}


def _own(probe: Probe, settings: EvaluationSettings) -> Any:
    """The probe's part of the step's settings."""
    return probe.Settings(**{name: getattr(settings, name) for name in probe.Settings.model_fields})


def _reads(project: Project, probe: Probe, settings: EvaluationSettings) -> list[str]:
    """The files that a probe reads, where it says so by a method `reads`."""
    return probe.reads(project, _own(probe, settings)) if hasattr(probe, "reads") else []


def _asked(probe: Probe, evaluator: Evaluator) -> dict[str, Any]:
    settings = evaluator.settings
    shared = {name: getattr(settings, name) for name in ("max_rows", "max_new_tokens", "bootstrap_samples")}
    shared["seed"] = evaluator.seed
    return _own(probe, evaluator.settings).model_dump(mode="json") | shared


def _kept(path: Any, inputs: dict[str, str], asked: dict[str, Any]) -> Probed | None:
    """The record on disk, if it was made from the same things."""
    if not path.exists():
        return None
    try:
        found = Probed.load(path)
    except WorkbenchError:
        return None  # damaged: made anew
    return found if found.inputs == inputs and found.settings == asked else None
