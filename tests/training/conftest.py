"""The tiny base model, a small dataset, and a way to train on it."""

from pathlib import Path

import pytest
import small_project
from tiny_model import write_tiny_model

from tailor.data.dataset import Dataset
from tailor.models.catalog import resolve
from tailor.progress import Log
from tailor.techniques import TECHNIQUES

CONFIG = {
    "epochs": 2,
    "effective_batch_size": 4,
    "rows_at_once": 2,
    "evaluations": 2,
    "learning_rate": 0.01,
    "patience": 0,
}


@pytest.fixture(scope="session")
def base(tmp_path_factory):
    return resolve(str(write_tiny_model(tmp_path_factory.mktemp("base") / "tiny")))


@pytest.fixture
def dataset(home):
    """Sixteen training rows, eight validation rows, labels."""
    return Dataset.open(small_project.make_project(home, "classify", rows=8))


@pytest.fixture
def fit(base, dataset, tmp_path):
    """fit("lora", folder="a", log=..., **settings) -> (folder, figures)."""

    def run(name="lora", folder="run", log=None, measure=None, **settings):
        place = tmp_path / "runs" / folder
        place.mkdir(parents=True, exist_ok=True)
        config = TECHNIQUES[name].Config(**{**CONFIG, **settings})
        figures = TECHNIQUES[name].fit(
            base, dataset, config, place, seed=3, log=log or Log(), measure=measure
        )
        return place, figures

    return run


class Recorder(Log):
    """Keeps notes, and calls `at(series, step)` on every point."""

    def __init__(self, at=lambda series, step: None):
        self.notes, self.points, self.at = [], [], at

    def note(self, text):
        self.notes.append(text)

    def point(self, series, step, value):
        self.points.append((series, step, value))
        self.at(series, step)


@pytest.fixture
def recorder():
    return Recorder


@pytest.fixture
def weights():
    """The bytes of a run's saved weights."""

    def read(folder: Path) -> bytes:
        (path,) = (folder / "model").glob("*.safetensors")
        return path.read_bytes()

    return read
