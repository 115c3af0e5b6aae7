"""Evaluating a run on a split: the same rows, the same prompts and the same metrics whatever made the model.

The evaluator sees text in, and text or log-probability out. Predictions are made once (see predictions.py), only
estimates are computed anew.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from tailor.data.dataset import Dataset, Example
from tailor.data.tables import write_table
from tailor.errors import WorkbenchError
from tailor.evaluation import answering
from tailor.evaluation.asking import EvaluationSettings
from tailor.evaluation.kept_answers import KeptAnswers
from tailor.evaluation.known_metrics import KEEPS, KNOWN, SCORED, is_own, metrics_of
from tailor.evaluation.loaded import Loaded
from tailor.evaluation.metrics import (
    HEADLINE,
    Metric,
    Rows,
    choose_metrics,
    confusion,
    label_order,
    measure_rows,
)
from tailor.evaluation.own_metric import own_metric_files
from tailor.evaluation.predictions import load_evaluation, predictions_path, read_predictions
from tailor.evaluation.statistics import estimate
from tailor.files import sha256_file
from tailor.models.language_model import GenerationConfig
from tailor.progress import Log
from tailor.project import Project
from tailor.records import Evaluation, RunRecord, UseCase

if TYPE_CHECKING:
    import polars as pl

CALIBRATION_ROWS = 100
"""Validation rows on which a model's calibration is chosen when no validation result of it is there yet."""


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
        measured = loaded.measured(self.settings.watts_per_core) or self._measured(ident)
        return self._write(ident, table, inputs, asked | used, measured | self._time_single(loaded, run))

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
            return answering.prediction_table(examples, answers, self._scored(run, loaded)), {}
        prior = answering.log_prior(loaded, self.dataset, kept)
        chosen = self._calibration(run.id, examples, answers, prior)
        scores = answering.calibrate(answers, prior if chosen == "contextual" else None)
        predictions = answering.likeliest(scores, self.dataset.labels)
        table = answering.prediction_table(examples, predictions, answering.label_columns(scores))
        return table, {"calibration_used": chosen}

    def _scored(self, run: RunRecord, loaded: Loaded) -> dict:
        """Columns with every reference's log-probability and number of tokens, where a metric asks for them."""
        if not self._wants_scores:
            return {}
        try:
            return answering.score_references(loaded, self.dataset, self.examples, self.log, run.title)
        except WorkbenchError as error:
            # an endpoint gives no probabilities; its answers are measured all the same
            self.log.note(f"{run.title}: {error.found}. Metrics that need them are left out.")
            return {}

    def _time_single(self, loaded: Loaded, run: RunRecord) -> dict:
        """How long one answer takes that is asked for by itself; on test rows only, where the setting stands."""
        rows = getattr(self.settings, "latency_rows", 0) if self.split == "test" else 0
        if not rows:
            return {}
        config, quiet = GenerationConfig(max_new_tokens=self.settings.max_new_tokens), Log()
        examples = answering.choose_rows(self.examples, rows, self.seed)
        shown = self.log.track(examples, f"single answers by {run.title}, timed")
        return loaded.time_single(
            [
                lambda one=one: answering.answer(loaded, self.dataset, [one], config, log=quiet, what="")
                for one in shown
            ]
        )

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
        scored = {"scored": True} if self._wants_scores else {}
        return {name: values[name] for name in kept} | {"seed": self.seed} | scored

    @property
    def _wants_scores(self) -> bool:
        return self.dataset.task == "respond" and not set(SCORED).isdisjoint(self._further)

    @cached_property
    def _case(self) -> UseCase:
        return self.project.load(UseCase, "use_case.json")

    @cached_property
    def _further(self) -> list[str]:
        """Metrics that settings and success criteria ask for beside those that suit the references."""
        usable = [name for name in metrics_of(self.dataset.task) if not KNOWN[name].cost]
        goals = [c.metric for c in self._case.success]
        rules = {
            f"{KEEPS}{rule.id}" for rule in self._case.guidelines if rule.must_match or rule.must_not_match
        }
        asked = [*self.settings.metrics, *(g for g in goals if g in usable or g in rules or is_own(g))]
        return list(dict.fromkeys([*asked, *self.settings.own_metrics]))

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
        columns = {
            field: table[name].to_list()
            for field, name in (
                ("inputs", "input"),
                ("confidence", "confidence"),
                ("nats", "reference_nats"),
                ("tokens", "reference_tokens"),
            )
            if name in table.columns
        }
        more = columns | {
            "similarity_model": self.settings.similarity_model,
            "guidelines": self._case.guidelines,
        }
        references, predictions = (table[name].to_list() for name in ("reference", "prediction"))
        task, labels = self.dataset.task, self.dataset.labels
        chosen = choose_metrics(task, Rows(references, predictions, inputs=columns["inputs"]))
        names = list(dict.fromkeys([*chosen, *self._further]))
        return measure_rows(task, references, predictions, labels, names=names, **more)

    def _estimated(self) -> dict:
        """What decides the figures that are computed from given predictions."""
        names = ("bootstrap_samples", "similarity_model")
        own = own_metric_files([name for name in self._further if is_own(name)])
        rules = [rule.model_dump() for rule in self._case.guidelines if f"{KEEPS}{rule.id}" in self._further]
        return {name: getattr(self.settings, name) for name in names} | {
            "metrics": self._further,
            "files": {path: self.project.hash_of(self.project.resolve(path)) for path in own},
            "guidelines": rules,
        }

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
