"""Where the predictions and the record of each evaluated run stand, and how they are read.

Test rows: evaluations/<run>.parquet and .json; validation rows: the same in evaluations/validation.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from tailor.data.tables import read_table
from tailor.project import Project
from tailor.records import Evaluation

if TYPE_CHECKING:
    import polars as pl


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
