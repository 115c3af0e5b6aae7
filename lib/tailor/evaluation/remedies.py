"""Remedies against forgetting, each tried by tuning the same technique again with one thing changed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tailor.evaluation.answering import choose_rows
from tailor.evaluation.compare import paired
from tailor.evaluation.forgetting import bits_per_character
from tailor.evaluation.kept_answers import KeptAnswers
from tailor.evaluation.loaded import Loaded
from tailor.evaluation.metrics import Metric
from tailor.evaluation.statistics import estimate, estimate_difference
from tailor.records import RunRecord

if TYPE_CHECKING:
    from tailor.evaluation.probes.base import Bench

TASK_ROWS = 100
"""Validation rows on which the task is measured again: the test rows must not choose a remedy."""


@dataclass(frozen=True)
class Remedy:
    """One change of a technique's settings.

    Attributes:
        setting: the setting of 07_tune that it changes; a technique without it cannot take the remedy.
        change: the setting's value -> the value that is tried.
    """

    name: str
    advice: str
    setting: str
    change: Callable[[Any], Any]


REMEDIES = (
    Remedy(
        "replayed text, a fifth of the rows",
        "mix text that the base model writes itself into training (07_tune, replay_share)",
        "replay_share",
        lambda share: max(share, 0.2),
    ),
    Remedy(
        "a third of the learning rate",
        "lower the learning rate (07_tune, learning_rate)",
        "learning_rate",
        lambda rate: rate / 3,
    ),
    Remedy("a quarter of the rank", "lower the rank (07_tune, rank)", "rank", lambda rank: max(1, rank // 4)),
)


def applicable(run: RunRecord) -> list[Remedy]:
    """The remedies that change something in how the run was made."""
    return [
        remedy
        for remedy in REMEDIES
        if remedy.setting in run.config
        and remedy.change(run.config[remedy.setting]) != run.config[remedy.setting]
    ]


def try_remedy(remedy: Remedy, bench: "Bench", passages: Sequence[str], before: Metric) -> dict[str, Any]:
    """Tune again with the remedy, measure the text and, on validation rows, the task.

    Args:
        before: the base model's bits per character on the passages.
    """
    from tailor.techniques import find_technique
    from tailor.training.runs import load_run, make_run

    run = bench.best.run
    bench.log.note(f"Tuning again with {remedy.name}.")
    config = find_technique(run.technique).Config(
        **run.config | {remedy.setting: remedy.change(run.config[remedy.setting])}
    )
    made = make_run(
        bench.project, run.technique, config, bench.dataset, base=run.base_model, seed=run.seed, log=bench.log
    )
    subject = replace(
        bench.best,
        run=made,
        model=Loaded(lambda: load_run(bench.project, made.id, bench.dataset)),
        kept=KeptAnswers.of(bench.project, made),
    )
    rows = choose_rows(bench.dataset.validation, TASK_ROWS, bench.seed)
    task, task_before = (
        bench.metric(bench.ask(each, rows, "validation rows")) for each in (subject, bench.best)
    )
    difference, _ = paired(task, task_before, samples=bench.samples, seed=bench.seed)
    after = bits_per_character(subject.model.model, passages)
    change = estimate_difference(after, before, samples=bench.samples, seed=bench.seed)
    values = [
        estimate(each, samples=bench.samples, seed=bench.seed).model_dump() for each in (task, task_before)
    ]
    return {
        "part": "remedy",
        "remedy": remedy.name,
        "advice": remedy.advice,
        "run": made.id,
        "metric": bench.headline,
        "change": change.model_dump(),
        "task": values[0],
        "task_before": values[1],
        "task_change": difference.model_dump(),
    }
