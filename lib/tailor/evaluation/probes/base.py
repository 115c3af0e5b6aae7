"""What every probe is: one further question about the best model (is it fair? what did it forget?), one file each.

A probe asks the best model and the base model the same things, measures, and says what it found in a sentence that
stands by itself. It sees models from outside, as the evaluator does: rows in, predictions out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np

from tailor.blocks import Block
from tailor.data.dataset import Dataset, Example
from tailor.evaluation import answering
from tailor.evaluation.compare import metric_of
from tailor.evaluation.kept_answers import KeptAnswers
from tailor.evaluation.metrics import Metric
from tailor.models.language_model import GenerationConfig, LanguageModel
from tailor.progress import Log
from tailor.project import Project
from tailor.records import Evaluation, Probed, RunRecord, Task, UseCase
from tailor.settings import Settings

if TYPE_CHECKING:
    import polars as pl


@dataclass
class Subject:
    """A model that a probe asks, with what is known of it already.

    Attributes:
        run: what made it.
        evaluation: how it did on the test rows.
        table: its predictions on the test rows (see `tailor.evaluation.predictions.read_predictions`).
        model: the model itself; loaded at the first question.
        kept: its earlier answers; an interrupted probe goes on where it stood.
    """

    run: RunRecord
    evaluation: Evaluation
    table: "pl.DataFrame"
    model: LanguageModel
    dataset: Dataset
    kept: KeptAnswers

    def ask(self, examples: Sequence[Example], what: str, log: Log, max_new_tokens: int) -> "pl.DataFrame":
        """Predictions for any examples, calibrated as on the test rows.

        Args:
            what: shown beside the progress ("answers to misspelt inputs").

        Returns:
            One line for each example, in their order: id, source, input, reference, prediction; for labels also
            confidence and scores (of every label, in the dataset's order).
        """
        config = GenerationConfig(max_new_tokens=max_new_tokens)
        answers = answering.answer(
            self.model, self.dataset, examples, config, log=log, what=what, kept=self.kept
        )
        if self.dataset.task == "respond":
            return answering.prediction_table(examples, answers)
        scores = answering.calibrate(answers, self._prior)
        predictions = answering.likeliest(scores, self.dataset.labels)
        return answering.prediction_table(examples, predictions, answering.label_columns(scores))

    @cached_property
    def _prior(self) -> np.ndarray | None:
        calibrated = self.evaluation.settings.get("calibration_used") == "contextual"
        return answering.log_prior(self.model, self.dataset, self.kept) if calibrated else None


@dataclass(frozen=True)
class Bench:
    """What a probe works with.

    Attributes:
        best: the best model of the comparison; `base`: the base model (the same object where nothing was better);
            `others`: the further models compared.
        examples: the test rows that all models answered, in the order of `best.table`.
        max_new_tokens: the longest answer written (free text only).
        samples: how often rows are drawn again for intervals and tests.
    """

    project: Project
    dataset: Dataset
    use_case: UseCase
    best: Subject
    base: Subject
    examples: list[Example]
    max_new_tokens: int
    samples: int
    seed: int
    log: Log
    others: list[Subject] = field(default_factory=list)

    @property
    def headline(self) -> str:
        return self.best.evaluation.headline

    def some(self, rows: int) -> list[Example]:
        """At most `rows` of the test rows, drawn with the seed; 0 means all."""
        return answering.choose_rows(self.examples, rows, self.seed)

    def ask(self, subject: Subject, examples: Sequence[Example], what: str) -> "pl.DataFrame":
        """`Subject.ask` with the evaluation's own longest answer and progress."""
        return subject.ask(examples, what, self.log, self.max_new_tokens)

    def metric(self, table: "pl.DataFrame", name: str = "") -> Metric:
        """A metric of predictions against their references; the headline metric where none is named."""
        return metric_of(table, name or self.headline, self.dataset.task, self.dataset.labels)


class Probe(Protocol):
    """One question.

    Attributes:
        name: dict key, file name, and the setting that switches it on ("robustness").
        title: the heading it stands under.
        question: what it answers, in one plain sentence.
        source: paper and section its measure comes from.
        tasks: the tasks it can be asked of.
        Settings: its settings, each field in the section `title`, the first one the switch, a bool called `name`;
            all others begin with `name` and an underscore, since the step's form holds every probe's.

    A probe that reads files has a method `reads(project, settings)` that lists them: changed, it is asked again. One
    that asks every model compared, and not the best and the base model alone, has `asks_all = True`.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    question: ClassVar[str]
    source: ClassVar[str]
    tasks: ClassVar[tuple[Task, ...]]
    Settings: ClassVar[type[Settings]]

    def blockers(self, project: Project, settings: Settings) -> list[str]:
        """Sentences on what is missing, before anything is asked; empty when it can run."""
        ...

    def measure(self, bench: Bench, settings: Settings) -> Probed:
        """Ask and measure. `run_probes` adds hashes and settings, and saves the record."""
        ...

    def blocks(self, found: Probed) -> list[Block]:
        """What to show under the verdict, from the record alone."""
        ...


def not_measured(probe: Probe, bench: Bench, reason: str) -> Probed:
    """The record of a probe that cannot be asked of these models."""
    verdict = f"Not measured: {reason}."
    return Probed(
        probe=probe.name,
        run=bench.best.run.id,
        base=bench.base.run.id,
        status="not measured",
        verdict=verdict,
    )
