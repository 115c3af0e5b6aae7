"""08: which settings: a few short trials, and a full run with the best if it promises enough."""

from typing import Any

from tailor.blocks import Block, Callout, Figure, Heading, Table, Text
from tailor.data.dataset import Dataset
from tailor.progress import Log
from tailor.project import Project
from tailor.records import RunRecord, Search, Trial, Tuned
from tailor.settings import Settings as BaseSettings
from tailor.settings import setting
from tailor.steps.tune import measure_of


class Settings(BaseSettings):
    trials: int = setting(
        4,
        "How many combinations are tried, the present one included; 0 skips the search and says so.",
        unit="trials",
        ge=0,
        le=500,
    )
    vary: str = setting(
        "learning_rate, rank",
        "The settings that are varied, by name. Those that the technique has not are passed over.",
    )
    width: float = setting(
        5.0,
        "How far from their present value rates are tried: from value / width to value * width.",
        gt=1.0,
        le=1000.0,
    )
    steps: int = setting(
        16,
        "Steps in a trial. Few are quick, but favour settings that learn fast at first.",
        unit="steps",
        ge=2,
    )
    rows: int = setting(
        320, "At most this many training rows are used in a trial; 0 uses all.", unit="rows", ge=0
    )
    validation_rows: int = setting(
        60, "At most this many validation rows are used in a trial; 0 uses all.", unit="rows", ge=0
    )
    worth: float = setting(
        0.05,
        "A full run with the best settings is made only where their trial's validation loss is lower by this share "
        "than the trial with the present settings. Smaller differences are mostly luck.",
        unit="share of the loss",
        ge=0.0,
        le=1.0,
    )


def run(project: Project, settings: Settings, log: Log) -> Search:
    from tailor.training.runs import read_run
    from tailor.training.search import METRIC, best_of

    tuned = read_run(project, project.load(Tuned, "tuned.json").run)
    trials = _search(project, tuned, settings, log) if settings.trials else []
    best = best_of(trials)
    record = Search(metric=METRIC, trials=trials, best=best.config if best else {})
    record.run, record.verdict = _full_run(project, tuned, settings, trials, best, log)
    return record


def _search(project: Project, tuned: RunRecord, settings: Settings, log: Log) -> list[Trial]:
    from tailor.models.catalog import resolve
    from tailor.techniques import find_technique
    from tailor.training.search import Searcher, choices_for, part_of

    technique = find_technique(tuned.technique)
    config = technique.Config.model_validate(tuned.config)
    names = [name.strip() for name in settings.vary.split(",") if name.strip()]
    known = [name for name in names if name in technique.Config.model_fields or not _anywhere(name)]
    short = {"max_steps": settings.steps, "epochs": 100.0, "evaluations": 3, "patience": 0, "metric_rows": 0}
    searcher = Searcher(
        technique,
        resolve(tuned.base_model),
        part_of(Dataset.open(project), settings.rows, settings.validation_rows, tuned.seed),
        config.model_copy(update=short),
        choices_for(config, known, settings.width),
        project.path("search/.trials"),
        tuned.seed,
        log,
    )
    return searcher.run(settings.trials)


def _anywhere(name: str) -> bool:
    """Whether any technique has this setting: then it is passed over, else it is a slip of the pen."""
    from tailor.techniques import TECHNIQUES

    return any(name in technique.Config.model_fields for technique in TECHNIQUES.values())


def _full_run(
    project: Project, tuned: RunRecord, settings: Settings, trials: list[Trial], best: Trial | None, log: Log
) -> tuple[str | None, str]:
    """The id of a full run that beats 07's, if there is one, and what came of the search in a sentence or two."""
    from tailor.techniques import find_technique
    from tailor.training.runs import make_run
    from tailor.training.search import lowest_loss

    if not trials:
        return None, "The search was skipped (trials is 0): 07's settings stand, untested against others."
    if best is None:
        return None, "No trial came to an end: the ranges are too wild for this model. 07's settings stand."
    present = trials[0].value
    if best.number == 0:
        return None, "No trial was better than the present settings: 07's run stands."
    gain = 1 - best.value / present if present else 1.0
    if gain < settings.worth:
        return None, (
            f"The best trial's validation loss is lower by {gain:.1%}: less than the {settings.worth:.0%} that a full "
            "run would be worth. 07's run stands."
        )
    log.note(f"Trial {best.number} is better by {gain:.1%}: a full run with its settings follows.")
    technique, dataset = find_technique(tuned.technique), Dataset.open(project)
    config = technique.Config.model_validate(tuned.config | best.config)
    full = make_run(
        project,
        tuned.technique,
        config,
        dataset,
        base=tuned.base_model,
        seed=tuned.seed,
        log=log,
        measure=measure_of(dataset, config, tuned.seed),
    )
    before, after = lowest_loss(tuned.curves), lowest_loss(full.curves)
    losses = f"validation loss {after:.3f}, against {before:.3f} in 07"
    if after < before:
        return full.id, f"A full run with trial {best.number}'s settings is better: {losses}."
    return None, f"A full run with trial {best.number}'s settings is no better ({losses}): 07's run stands."


def blocks(project: Project) -> list[Block]:
    record = project.load(Search, "search/search.json")
    shown: list[Block] = [
        Heading("What the search found"),
        Callout(record.verdict, "good" if record.run else "note"),
    ]
    if not record.trials:
        return shown
    best = min((t.value for t in record.trials if t.value is not None), default=None)
    names = list(record.trials[0].config)
    rows = [
        (
            t.number,
            *[t.config[name] for name in names],
            t.value,
            "the best" if t.value is not None and t.value == best else t.state,
            t.note or ("the present settings" if t.number == 0 else ""),
        )
        for t in record.trials
    ]
    shown += [
        Table(
            ("trial", *names, record.metric, "state", "note"), rows, "Trials, on the same part of the rows"
        ),
        Figure(lambda: _draw(record), f"{record.metric} of each trial over the optimizer's steps"),
    ]
    if len(record.trials) <= 10:
        shown.append(
            Text(
                "With so few trials most combinations are drawn at random: a hint at what matters, not an optimum."
            )
        )
    return shown + _edges(record)


def _draw(record: Search) -> Any:
    from tailor.plots import search_trials

    return search_trials(record.trials, record.metric)


def _edges(record: Search) -> list[Block]:
    """A warning where the best rate lies near the end of what was tried."""
    width, present = record.settings["width"], record.trials[0].config
    near = [
        name
        for name, value in record.best.items()
        if isinstance(value, float) and not present[name] * width**-0.8 < value < present[name] * width**0.8
    ]
    return [
        Callout(
            f"The best {name} lies at the edge of what was tried: widen the search with 'width'.", "warning"
        )
        for name in near
    ]
