"""The tiny base model and a small dataset, which most of these tests try techniques on."""

import pytest
import small_project
from tiny_model import write_tiny_model

from tailor.data.dataset import Dataset
from tailor.models.catalog import resolve


@pytest.fixture(scope="session")
def base(tmp_path_factory):
    return resolve(str(write_tiny_model(tmp_path_factory.mktemp("base") / "tiny")))


@pytest.fixture
def dataset(home):
    """Eight training rows, four validation rows, labels."""
    return Dataset.open(small_project.make_project(home, "classify", rows=4))
