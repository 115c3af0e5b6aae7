"""One technique tried on the lessons' questions: fitted into a temporary folder, measured on the held-out rows."""

import atexit
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np

from tailor.blocks import Table
from tailor.data.dataset import Dataset
from tailor.models.language_model import LanguageModel
from tailor.progress import Log, Logs
from tailor.records import Estimate, Point

Plan = tuple[str, str, dict[str, Any]]
"""(what the learner reads, technique, settings that differ from its defaults)."""


@dataclass(frozen=True)
class Trial:
    """What came out.

    Attributes:
        accuracy: share of the test questions sorted rightly, with its 95% interval.
        answers: the topic chosen for each test question.
        parameters: how many numbers were trained; 0 for prompting.
        bytes: what the technique left on disk.
        seconds: spent in training.
        tokens: read for each test question.
        answer_seconds: spent on each.
        curves: what was measured during training.
        folder: what the technique wrote.
    """

    name: str
    technique: str
    accuracy: Estimate
    answers: list[str]
    parameters: int
    bytes: int
    seconds: float
    tokens: float
    answer_seconds: float
    curves: dict[str, list[Point]]
    folder: Path


def run_trials(dataset: Dataset, plans: Mapping[str, Plan], seed: int = 1) -> dict[str, Trial]:
    """Fit and measure each plan on the dataset's base model, showing how far it is."""
    from tailor.ui.live import notebook_log

    trials = {}
    for key, (name, technique, settings) in plans.items():
        with notebook_log(name) as log:
            trials[key] = _run(dataset, name, technique, settings, seed, WithoutCurves(log))
    return trials


class WithoutCurves(Logs):
    """Progress alone: the lessons draw the curves of all trials together, afterwards."""

    def point(self, series: str, step: int, value: float) -> None:
        pass


def _run(
    dataset: Dataset, name: str, technique_name: str, settings: dict[str, Any], seed: int, log: Log
) -> Trial:
    from tailor.models.catalog import resolve
    from tailor.settings import make_settings
    from tailor.techniques import find_technique

    technique, base = find_technique(technique_name), resolve(dataset.record.base_model)
    folder = scratch_folder() / technique_name
    config = make_settings(technique.Config, settings, name)
    figures = technique.fit(base, dataset, config, folder, seed=seed, log=log)
    model = technique.load(base, dataset, folder)
    answers = likeliest_topics(topic_scores(model, dataset), dataset)
    usage = model.usage
    return Trial(
        name=name,
        technique=technique_name,
        accuracy=share_right(dataset, answers),
        answers=answers,
        parameters=figures.get("trainable_parameters", 0),
        bytes=sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()),
        seconds=figures.get("measured", {}).get("training_seconds", 0.0),
        tokens=usage.prompt_tokens / max(usage.requests, 1),
        answer_seconds=usage.seconds / max(usage.requests, 1),
        curves={
            series: [Point(**point) for point in points]
            for series, points in figures.get("curves", {}).items()
        },
        folder=folder,
    )


def scratch_folder() -> Path:
    """A new folder that goes when Python does."""
    folder = Path(mkdtemp(prefix="tailor-lesson-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def model_of(trial: Trial, dataset: Dataset) -> LanguageModel:
    """The trial's model, loaded again."""
    from tailor.models.catalog import resolve
    from tailor.techniques import find_technique

    return find_technique(trial.technique).load(resolve(dataset.record.base_model), dataset, trial.folder)


def topic_scores(model: LanguageModel, dataset: Dataset) -> np.ndarray:
    """[questions, topics] how likely each topic is as the answer to each test question (nats)."""
    return model.score_choices([dataset.prompt(row) for row in dataset.test], dataset.labels)


def likeliest_topics(scores: np.ndarray, dataset: Dataset) -> list[str]:
    """The topic with the highest score for each question."""
    return [dataset.labels[place] for place in scores.argmax(axis=1)]


def share_right(dataset: Dataset, answers: Sequence[str]) -> Estimate:
    """How many of the test questions were sorted rightly, with its 95% interval."""
    from tailor.evaluation.metrics import mean_metric
    from tailor.evaluation.statistics import estimate

    right = [float(row.output == answer) for row, answer in zip(dataset.test, answers, strict=True)]
    return estimate(mean_metric("accuracy", np.array(right), share=True), seed=0)


def trials_table(trials: Iterable[Trial]) -> Table:
    """The trials' prices and gains side by side."""
    from tailor.evaluation.results import show_bytes

    rows = [
        (
            trial.name,
            f"{trial.accuracy.value:.0%} ({trial.accuracy.low:.0%} to {trial.accuracy.high:.0%})",
            f"{trial.parameters:,}",
            show_bytes(trial.bytes),
            f"{trial.seconds:.1f} s",
            f"{trial.tokens:.0f}",
            f"{1000 * trial.answer_seconds:.0f} ms",
        )
        for trial in trials
    ]
    columns = (
        "tried", "right", "numbers trained", "on disk", "training", "tokens read a question", "time a question",
    )  # fmt: skip
    return Table(
        columns, rows, "Share of held-out questions sorted rightly, with its 95% interval, and the price"
    )
