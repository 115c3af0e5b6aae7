"""SetFit: how pairs are drawn, what their loss is, and a head that answers with the labels it was taught."""

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_model import write_tiny_encoder

from tailor.data.dataset import Example
from tailor.models.catalog import resolve
from tailor.models.embedding_classifier import HEAD, fit_head
from tailor.progress import Log
from tailor.techniques import TECHNIQUES
from tailor.techniques.setfit import LearnLikeness, SetFitConfig, draw_pairs

ROWS = [Example(f"{label}{i}", f"text {i}", label) for label in "abc" for i in range(4)]


def test_pairs_share_a_label_and_never_pair_a_row_with_itself():
    pairs = draw_pairs(ROWS, 2, 100, seed=1)
    assert len(pairs) == 2 * len(ROWS)
    assert all(pair.first.output == pair.second.output and pair.first is not pair.second for pair in pairs)
    assert set(Counter(pair.first.id for pair in pairs).values()) == {2}
    assert pairs == draw_pairs(ROWS, 2, 100, seed=1) != draw_pairs(ROWS, 2, 100, seed=2)
    assert len(draw_pairs(ROWS, 2, 5, seed=1)) == 5
    (alone,) = draw_pairs(ROWS[:1], 3, 10, seed=0)
    assert alone.first is alone.second


def test_the_loss_worked_by_hand(monkeypatch):
    """Two labels, vectors at right angles: each partner's likeness is 1, the other's 0, both times the scale."""
    vectors = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
    monkeypatch.setattr("tailor.models.embedding_classifier.mean_embedding", lambda *_: vectors)
    objective = LearnLikeness.__new__(LearnLikeness)
    objective.config = SetFitConfig(scale=2.0)
    batch = {"input_ids": None, "attention_mask": None, "weights": torch.tensor([1.0, 3.0])}
    summed, weight = objective.loss(None, batch | {"labels": torch.tensor([0, 1])})
    each = math.log(math.exp(2) + 1) - 2
    assert (float(summed), weight) == (pytest.approx(4 * each), 4.0)
    # of one label, the other pair is no mistake: nothing is left to tell apart
    summed, _ = objective.loss(None, batch | {"labels": torch.tensor([0, 0])})
    assert float(summed) == pytest.approx(0.0, abs=1e-6)


def test_the_head_gives_scikit_learns_probabilities():
    from sklearn.linear_model import LogisticRegression

    random = np.random.default_rng(0)
    for labels in (["a", "b"], ["a", "b", "c"]):
        outputs = [labels[i % len(labels)] for i in range(30)]
        vectors = random.normal(size=(30, 4)).astype(np.float32)
        weight, bias = fit_head(vectors, outputs, [*labels, "never seen"], 1.0)
        found = torch.softmax(torch.from_numpy(vectors) @ weight.T + bias, dim=1).numpy()
        wanted = LogisticRegression(C=1.0, max_iter=2000).fit(vectors, outputs).predict_proba(vectors)
        assert found[:, : len(labels)] == pytest.approx(wanted, abs=1e-4)
        assert found[:, -1] == pytest.approx(0)
    weight, bias = fit_head(vectors, ["b"] * 30, ["a", "b"], 1.0)
    assert torch.softmax(bias, 0).tolist() == [0, 1]


def test_rows_count_in_the_head_as_much_as_they_weigh():
    random = np.random.default_rng(0)
    vectors, outputs = random.normal(size=(12, 4)).astype(np.float32), ["a", "b", "c"] * 4
    weights = [1.0, 3.0, 1.0] + [1.0] * 9
    twice = np.concatenate([vectors, vectors[[1, 1]]]), [*outputs, "b", "b"]
    found, _ = fit_head(vectors, outputs, ["a", "b", "c"], 1.0, weights)
    wanted, _ = fit_head(*twice, ["a", "b", "c"], 1.0)
    assert found.numpy() == pytest.approx(wanted.numpy(), abs=1e-3)


def test_rows_of_no_weight_teach_neither_pairs_nor_head(tmp_path, dataset):
    base = resolve(str(write_tiny_encoder(tmp_path / "encoder")))
    config = SetFitConfig(epochs=1.0, effective_batch_size=4, rows_at_once=4, max_steps=1, evaluations=1)

    def fitted(name, rows):
        dataset.train = rows
        (tmp_path / name).mkdir()
        TECHNIQUES["setfit"].fit(base, dataset, config, tmp_path / name, seed=1, log=Log())
        return (tmp_path / name / "model" / HEAD).read_bytes()

    rows = dataset.train
    wrong = replace(rows[0], id="wrong", output=rows[1].output, weight=0.0)
    assert fitted("with", [*rows, wrong]) == fitted("without", rows)
