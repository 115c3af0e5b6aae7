"""What an embedding is used for: likeness of answers, drift, retrieval. A bundled model stands in for an encoder."""

import numpy as np
import pytest

from tailor.evaluation.metrics import measure_rows
from tailor.models.encoder import embed, embedding_problems
from tailor.monitoring.drift import Limits, meaning_drift
from tailor.techniques.demonstrations import by_letters, by_meaning

ANY = "tailor-mini"
LIMITS = Limits(0.01, 0.04, alpha=0.01)


def test_similarity_is_the_mean_cosine_and_only_there_on_request():
    references, answers = (
        ["The ship left the harbour.", "Four plus four is eight."],
        ["A ship went to sea.", "No."],
    )
    metrics = measure_rows("respond", references, answers, similarity_model=ANY)
    cosines = (embed(references, ANY) * embed(answers, ANY)).sum(axis=1)
    assert metrics["similarity"].value == pytest.approx(cosines.mean(), abs=1e-4)
    assert measure_rows("respond", references, references, similarity_model=ANY)[
        "similarity"
    ].value == pytest.approx(1)
    assert "similarity" not in measure_rows("respond", references, answers)


def test_meaning_drift_by_hand():
    towards, away = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    same = meaning_drift(towards.repeat(60, 0), towards.repeat(40, 0), LIMITS, seed=1)
    assert (same.value, same.status) == (0.0, "ok")
    other = meaning_drift(towards.repeat(60, 0), away.repeat(40, 0), LIMITS, seed=1)
    # the means are the two unit vectors: squared distance 2, less what dealing them at random brings
    assert 1.9 < other.value < 2
    assert other.status == "act"


def test_chance_is_no_drift():
    vectors = np.random.default_rng(0).normal(size=(300, 8))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert meaning_drift(vectors[:200], vectors[200:], LIMITS, seed=1).status == "ok"


def test_the_same_text_is_the_likest_by_letters_and_by_meaning():
    texts = ["my card was stolen", "how do I change my address", "the rate is wrong"]
    for likeness in (by_letters(texts), by_meaning(texts, ANY)):
        found = likeness(texts)
        assert found.shape == (3, 3)
        assert found.argmax(axis=1).tolist() == [0, 1, 2]


def test_a_model_that_is_not_there_is_a_blocker():
    (sentence,) = embedding_problems("tailor-mimi", "10_evaluate.similarity_model")
    assert sentence.startswith("10_evaluate.similarity_model: ")
    assert "tailor-mini" in sentence
    assert embedding_problems("", "x") == embedding_problems(ANY, "x") == []
