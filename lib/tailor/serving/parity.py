"""Parity: whether the exported folder, loaded fresh, answers as the model that was tested."""

from dataclasses import dataclass

import numpy as np

from tailor.data.dataset import Dataset
from tailor.evaluation.answering import answer, calibrate, choose_rows, likeliest, log_prior
from tailor.evaluation.evaluate import load_evaluation, read_predictions
from tailor.models.language_model import GenerationConfig, LanguageModel
from tailor.progress import Log
from tailor.project import Project


@dataclass(frozen=True)
class Parity:
    """How many of the compared answers are identical, and those that are not: row, tested answer, exported answer."""

    compared: int
    different: list[tuple[str, str, str]]

    @property
    def identical(self) -> int:
        return self.compared - len(self.different)


def compare_with_tested(
    project: Project, dataset: Dataset, model: LanguageModel, run: str, *, rows: int, seed: int, log: Log
) -> Parity:
    """Ask the exported model rows of the test, in the way it was tested, and compare with what was answered then."""
    tested = load_evaluation(project, run)
    table = read_predictions(project, run)
    then = dict(zip(table["id"].to_list(), table["prediction"].to_list(), strict=True))
    examples = choose_rows([e for e in dataset.test if e.id in then], rows, seed)
    config = GenerationConfig(max_new_tokens=tested.settings.get("max_new_tokens", 64))
    found = answer(model, dataset, examples, config, log=log, what="answers by the exported model")
    if dataset.task == "classify":
        used = tested.settings.get("calibration_used") == "contextual"
        found = likeliest(
            calibrate(np.asarray(found), log_prior(model, dataset) if used else None), dataset.labels
        )
    different = [
        (example.id, then[example.id], now)
        for example, now in zip(examples, found, strict=True)
        if then[example.id] != now
    ]
    return Parity(len(examples), different)
