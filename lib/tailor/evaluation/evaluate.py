"""Evaluating a run on a split: the same rows, the same prompts and the same metrics whatever made the model.

The evaluator sees text in, and text or log-probability out. Predictions stand in evaluations/<run>.parquet
(test split) or evaluations/validation/<run>.parquet; they are made once, only estimates are computed anew.
"""

import gc
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from tailor.data.dataset import Dataset, Example
from tailor.data.tables import read_table, write_table
from tailor.errors import WorkbenchError
from tailor.evaluation import answering
from tailor.evaluation.kept_answers import KeptAnswers
from tailor.evaluation.metrics import HEADLINE, Metric, confusion, label_order, measure_rows
from tailor.evaluation.statistics import SAMPLES, estimate
from tailor.files import sha256_file
from tailor.models.language_model import GenerationConfig, LanguageModel
from tailor.progress import Log
from tailor.project import Project
from tailor.records import Evaluation, RunRecord
from tailor.settings import Settings, setting

if TYPE_CHECKING:
    import polars as pl

CALIBRATION_ROWS = 100
"""Validation rows on which a model's calibration is chosen when no validation result of it is there yet."""


class EvaluationSettings(Settings):
    """How models are asked and how sure the figures must be; the same for every model compared."""

    max_rows: int = setting(
        200,
        "At most this many rows are answered, drawn once with the project's seed; 0 means all. More rows "
        "take longer and make intervals narrower: four times the rows, half the width.",
        unit="rows",
        ge=0,
    )
    max_new_tokens: int = setting(
        64, "The longest answer that is written (free text only).", unit="tokens", ge=1, le=4096
    )
    calibration: Literal["auto", "none", "contextual"] = setting(
        "auto",
        "Labels only. 'contextual' divides out the opinion that a model has of the labels before it reads "
        "the input; 'auto' takes whichever does better on validation rows, for each model by itself.",
        source="Zhao et al. 2021, Calibrate Before Use, section 5",
    )
    similarity_model: str = setting(
        "",
        "Free text only: the encoder whose embeddings tell how near an answer's meaning is to the reference's, such "
        "as all-minilm-l6-v2 (the extra 'encoder') or a model folder. Empty: this metric is left out.",
        advanced=True,
        source="Reimers and Gurevych 2019, Sentence-BERT, section 3",
    )
    bootstrap_samples: int = setting(
        SAMPLES,
        "How often the rows are drawn again for the 95% intervals and the tests.",
        unit="samples",
        ge=200,
        le=20000,
        advanced=True,
        source="Efron and Tibshirani 1993, section 13.3 (at least 1,000 for percentile intervals)",
    )


@dataclass(frozen=True)
class Evaluator:
    """Everything that stays the same while several models are evaluated."""

    project: Project
    dataset: Dataset
    split: Literal["validation", "test"]
    settings: EvaluationSettings
    seed: int
    log: Log

    @property
    def examples(self) -> list[Example]:
        """The rows to answer.

        Raises:
            WorkbenchError: the split is empty.
        """
        rows = answering.choose_rows(self.dataset.read(self.split), self.settings.max_rows, self.seed)
        if not rows:
            raise WorkbenchError(
                f"the {self.split} split has no rows",
                "at least one row to evaluate on",
                f"give 04_format_data more rows, or a larger share for {self.split}",
            )
        return rows

    def run(self, ident: str) -> Evaluation:
        """Evaluate a finished run, or return its evaluation if it was made from the same things."""
        from tailor.training.runs import load_run, read_run

        run = read_run(self.project, ident)
        inputs = {f"runs/{ident}/run.json": run.content_hash(), **self._dataset_inputs()}
        asked = self._asked()
        if (kept := self._kept(ident, inputs, asked)) is not None:
            return kept
        loaded = Loaded(lambda: load_run(self.project, ident, self.dataset))
        table, used = self._predict(run, loaded)
        return self._write(ident, table, inputs, asked | used, loaded.measured() or self._measured(ident))

    def reference(
        self, name: str, predict: Callable[[list[Example], list[Example]], list[str]]
    ) -> Evaluation:
        """Evaluate a line of reference that needs no model: `predict` takes train rows and rows to answer."""
        inputs = self._dataset_inputs()
        if (kept := self._kept(name, inputs, self._asked())) is not None:
            return kept
        examples = self.examples
        table = answering.prediction_table(examples, predict(self.dataset.train, examples))
        return self._write(name, table, inputs, self._asked(), {})

    def _predict(self, run: RunRecord, loaded: "Loaded") -> "tuple[pl.DataFrame, dict]":
        config = GenerationConfig(max_new_tokens=self.settings.max_new_tokens)
        examples, what = self.examples, f"answers by {run.title}"
        kept = KeptAnswers.of(self.project, run)
        answers = answering.answer(loaded, self.dataset, examples, config, log=self.log, what=what, kept=kept)
        if self.dataset.task == "respond":
            return answering.prediction_table(examples, answers), {}
        prior = answering.log_prior(loaded, self.dataset, kept)
        chosen = self._calibration(run.id, examples, answers, prior)
        scores = answering.calibrate(answers, prior if chosen == "contextual" else None)
        predictions = answering.likeliest(scores, self.dataset.labels)
        table = answering.prediction_table(examples, predictions, answering.label_columns(scores))
        return table, {"calibration_used": chosen}

    def _calibration(
        self, ident: str, examples: list[Example], scores: np.ndarray, prior: np.ndarray
    ) -> answering.Calibration:
        """The calibration for one model: as set, or the better one on validation rows."""
        if self.settings.calibration != "auto":
            return self.settings.calibration
        if self.split == "validation":
            return better_calibration(examples, scores, prior, self.dataset.labels)
        known = load_evaluation(self.project, ident, "validation")
        if known is None or not self._chosen_there(known):
            rows = min(self.settings.max_rows or CALIBRATION_ROWS, CALIBRATION_ROWS)
            fewer = self.settings.model_copy(update={"max_rows": rows})
            known = replace(self, split="validation", settings=fewer).run(ident)
        return known.settings["calibration_used"]

    def _chosen_there(self, known: Evaluation) -> bool:
        """Whether a validation result chose a calibration, with the run and dataset as they are now."""
        from tailor.training.runs import read_run

        run = {f"runs/{known.run}/run.json": read_run(self.project, known.run).content_hash()}
        chosen = known.settings.get("calibration") == "auto" and "calibration_used" in known.settings
        return chosen and known.inputs == run | self._dataset_inputs()

    def _measured(self, ident: str) -> dict:
        """What the evaluation on disk measured: it goes on holding where every answer was kept."""
        try:
            known = load_evaluation(self.project, ident, self.split)
        except WorkbenchError:
            return {}
        return known.measured if known else {}

    def _dataset_inputs(self) -> dict[str, str]:
        return {"dataset.json": self.dataset.record.content_hash()}

    def _asked(self) -> dict:
        """What decides the predictions (the number of bootstrap samples does not)."""
        values = self.settings.model_dump(mode="json")
        kept = ["max_rows", "max_new_tokens" if self.dataset.task == "respond" else "calibration"]
        return {name: values[name] for name in kept} | {"seed": self.seed}

    def _kept(self, name: str, inputs: dict, asked: dict) -> Evaluation | None:
        """The evaluation on disk, if it was made from the same things and its predictions are whole."""
        try:
            record = load_evaluation(self.project, name, self.split)
        except WorkbenchError:
            return None  # damaged: made anew
        path = predictions_path(self.project, name, self.split)
        if record is None or record.inputs != inputs or not asked.items() <= record.settings.items():
            return None
        if not path.exists() or record.outputs.get(path.name) != sha256_file(path):
            return None
        if self._estimated().items() <= record.settings.items():
            return record
        table = read_predictions(self.project, name, self.split)
        return self._finish(record, table, self._metrics(table))

    def _write(
        self, name: str, table: "pl.DataFrame", inputs: dict, settings: dict, measured: dict
    ) -> Evaluation:
        """Save the predictions with each row's own values, then the record."""
        import polars as pl

        path = predictions_path(self.project, name, self.split)
        metrics = self._metrics(table)
        for metric in metrics.values():
            if metric.per_row is not None:
                table = table.with_columns(pl.Series(metric.name, np.round(metric.per_row, 6)))
        write_table(table, path)
        record = Evaluation(
            run=name,
            split=self.split,
            test_set=self.dataset.record.test_set,
            rows=table.height,
            headline=HEADLINE[self.dataset.task],
            metrics={},
            inputs=inputs,
            settings=settings,
            measured=measured,
            outputs={path.name: sha256_file(path)},
        )
        return self._finish(record, table, metrics)

    def _metrics(self, table: "pl.DataFrame") -> dict[str, Metric]:
        references, predictions = (table[name].to_list() for name in ("reference", "prediction"))
        labels, model = self.dataset.labels, self.settings.similarity_model
        return measure_rows(self.dataset.task, references, predictions, labels, model)

    def _estimated(self) -> dict:
        """What decides the figures that are computed from given predictions."""
        values = self.settings
        return {"bootstrap_samples": values.bootstrap_samples, "similarity_model": values.similarity_model}

    def _finish(self, record: Evaluation, table: "pl.DataFrame", metrics: dict[str, Metric]) -> Evaluation:
        """Estimate the metrics of predictions and save the record, last."""
        samples = self.settings.bootstrap_samples
        record.settings |= self._estimated()
        record.metrics = {
            name: estimate(metric, samples=samples, seed=self.seed) for name, metric in metrics.items()
        }
        if self.dataset.task == "classify":
            columns = [table[name].to_list() for name in ("reference", "prediction")]
            record.labels = label_order(*columns, self.dataset.labels)
            record.confusion = confusion(*columns, self.dataset.labels)
        record.save(predictions_path(self.project, record.run, self.split).with_suffix(".json"))
        return record


class Loaded:
    """A language model that is loaded at the first question, and measured."""

    def __init__(self, load: Callable[[], LanguageModel]) -> None:
        self._load = load
        self._model: LanguageModel | None = None

    @property
    def model(self) -> LanguageModel:
        from tailor.machine import reset_peak_memory

        if self._model is None:
            gc.collect()
            reset_peak_memory()
            self._model = self._load()
        return self._model

    def generate(self, prompts: list, config: GenerationConfig) -> list[str]:
        return self.model.generate(prompts, config)

    def score_choices(self, prompts: list, choices: list[str]) -> np.ndarray:
        return self.model.score_choices(prompts, choices)

    def measured(self) -> dict:
        """Seconds of answering, tokens read and written a second, and peak memory with the model loaded."""
        from tailor.machine import peak_memory_gib

        if self._model is None:
            return {}
        usage = self._model.usage
        seconds = max(usage.seconds, 1e-9)
        return {
            "seconds": round(usage.seconds, 3),
            "prompts_per_second": round(usage.requests / seconds, 2),
            "tokens_per_second": round((usage.prompt_tokens + usage.generated_tokens) / seconds, 1),
            "generated_tokens_per_second": round(usage.generated_tokens / seconds, 1),
            "peak_gib": round(peak_memory_gib(), 3),
        }


def better_calibration(
    examples: list[Example], scores: np.ndarray, prior: np.ndarray, labels: list[str]
) -> answering.Calibration:
    """Whichever choice gets more rows right; "none" where both do."""
    right = {
        name: sum(
            example.output == label
            for example, label in zip(examples, answering.likeliest(found, labels), strict=True)
        )
        for name, found in (("none", scores), ("contextual", answering.calibrate(scores, prior)))
    }
    return "contextual" if right["contextual"] > right["none"] else "none"


def predictions_path(project: Project, name: str, split: str = "test") -> Path:
    """Where a run's predictions stand; its record is beside, ending in .json."""
    folder = project.path("evaluations")
    return (folder if split == "test" else folder / split) / f"{name}.parquet"


def load_evaluation(project: Project, name: str, split: str = "test") -> Evaluation | None:
    """A run's evaluation record, or None when it was not evaluated on this split."""
    path = predictions_path(project, name, split).with_suffix(".json")
    return Evaluation.load(path) if path.exists() else None


def read_predictions(project: Project, name: str, split: str = "test") -> "pl.DataFrame":
    """A run's predictions: id, source, input, reference, prediction, each row's metrics.

    Labels bring two columns more: confidence, and scores (of every label, in the dataset's order).

    Raises:
        WorkbenchError: the file is missing or damaged.
    """
    step = "10_evaluate" if split == "test" else "05_measure_baselines"
    return read_table(predictions_path(project, name, split), step)


def evaluation_files(project: Project, names: list[str], split: str = "test") -> dict[str, str]:
    """Hash of both files of each named evaluation by path, for the `outputs` of a step's record."""
    paths = [predictions_path(project, name, split) for name in names]
    both = [path for first in paths for path in (first, first.with_suffix(".json"))]
    return {path.relative_to(project.folder).as_posix(): project.hash_of(path) for path in both}
