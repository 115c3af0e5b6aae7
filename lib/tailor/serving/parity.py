"""Parity: whether the exported folder, loaded fresh, answers as the run that was tested."""

from dataclasses import dataclass

import numpy as np

from tailor.data.dataset import Dataset, Example
from tailor.evaluation.answering import answer, calibrate, choose_rows, likeliest, log_prior
from tailor.evaluation.predictions import load_evaluation
from tailor.models.language_model import GenerationConfig, LanguageModel
from tailor.progress import Log
from tailor.project import Project
from tailor.records import Evaluation, RunRecord
from tailor.serving.export import load_export, local_model


@dataclass(frozen=True)
class Parity:
    """How many of the compared answers are identical, and those that are not: row, tested answer, exported answer."""

    compared: int
    different: list[tuple[str, str, str]]

    @property
    def identical(self) -> int:
        return self.compared - len(self.different)


def compare_with_tested(
    project: Project, dataset: Dataset, run: RunRecord, *, rows: int, seed: int, log: Log
) -> Parity:
    """Ask the run and the exported folder the same test rows, in the way they were tested.

    Both compute in fp32: in bf16 the order in which an adapter is added tips labels that are nearly as likely, which
    says nothing about the export.
    """
    from tailor.training.runs import load_run

    tested = load_evaluation(project, run.id)
    examples = choose_rows(dataset.test, rows, seed)
    then = _answers(load_run(project, run.id, dataset), dataset, run, tested, examples, log, "the tested run")
    exported = load_export(project, dataset, run.technique)
    now = _answers(exported, dataset, run, tested, examples, log, "the export")
    different = [
        (example.id, before, after)
        for example, before, after in zip(examples, then, now, strict=True)
        if before != after
    ]
    return Parity(len(examples), different)


def _answers(
    model: LanguageModel,
    dataset: Dataset,
    run: RunRecord,
    tested: Evaluation,
    examples: list[Example],
    log: Log,
    who: str,
) -> list[str]:
    local_model(model, run).precision = "fp32"
    config = GenerationConfig(max_new_tokens=tested.settings.get("max_new_tokens", 64))
    found = answer(model, dataset, examples, config, log=log, what=f"answers by {who}")
    if dataset.task == "respond":
        return list(found)
    used = tested.settings.get("calibration_used") == "contextual"
    scores = calibrate(np.asarray(found), log_prior(model, dataset) if used else None)
    return likeliest(scores, dataset.labels)
