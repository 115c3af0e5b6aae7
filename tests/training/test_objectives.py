"""The loss, by hand and against the plain forward; the order of rows; padding."""

import numpy as np
import pytest
import torch

from tailor.models import forward
from tailor.models.loading import load_model, load_tokenizer
from tailor.training.batches import MASKED, LengthBuckets, pad
from tailor.training.objectives import LearnAnswers


@pytest.fixture
def objective(base, dataset):
    return LearnAnswers(load_tokenizer(base), dataset)


def test_only_the_answer_is_learned(objective, dataset):
    row = objective.encode(dataset.train[0])
    learned = [i for i, label in zip(row["input_ids"], row["labels"], strict=True) if label != MASKED]
    assert objective.tokenizer.decode(learned) == dataset.train[0].output + "<|end|>"


def test_the_loss_equals_that_of_the_whole_forward(objective, dataset, base):
    model = load_model(base)
    batch = objective.collate([objective.encode(example) for example in dataset.train[:3]])
    summed, learned = objective.loss(model, batch)
    assert forward.split_head(model) is not None
    whole = model(
        input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], labels=batch["labels"]
    ).loss
    assert float(summed / learned) == pytest.approx(float(whole), rel=1e-5)


def test_a_model_whose_head_stands_not_alone_takes_the_plain_forward(objective, dataset, base):
    model = load_model(base)
    batch = objective.collate([objective.encode(dataset.train[0])])
    summed, learned = objective.loss(model, batch)
    model._tailor_split = None
    plain, as_many = objective.loss(model, batch)
    assert as_many == learned
    assert float(plain) == pytest.approx(float(summed), rel=1e-5)


def test_a_head_that_is_scaled_is_not_split_off(base):
    model = load_model(base)
    plain = model.forward

    def scaled(*given, **named):
        out = plain(*given, **named)
        out.logits = out.logits * 0.5
        return out

    model.forward = scaled
    assert forward.split_head(model) is None


def test_the_loss_by_hand(objective):
    """Two learned tokens: cross entropy is log-sum-exp of the logits minus the logit of the right token."""

    class Fixed(torch.nn.Module):
        def forward(self, input_ids, **rest):
            logits = torch.zeros(1, 3, 4)
            logits[0, 0, 2], logits[0, 1, 3] = 1.0, 2.0
            return type("Out", (), {"logits": logits})()

    batch = {
        "input_ids": torch.tensor([[1, 2, 3]]),
        "attention_mask": torch.ones(1, 3),
        "labels": torch.tensor([[MASKED, 2, 3]]),
        "weights": torch.tensor([1.0]),
    }
    model = Fixed()
    model._tailor_split = None
    summed, learned = objective.loss(model, batch)
    by_hand = (np.log(3 + np.e) - 1) + (np.log(3 + np.e**2) - 2)
    assert (float(summed), learned) == (pytest.approx(by_hand, rel=1e-6), 2)
    batch["weights"] = torch.tensor([0.5])
    assert float(objective.loss(model, batch)[0]) == pytest.approx(by_hand / 2, rel=1e-6)


def test_buckets_hold_rows_of_similar_length_once_each_and_differ_between_epochs():
    lengths = np.random.default_rng(0).integers(5, 200, 203)
    epoch = 0
    order = LengthBuckets(lengths, 8, seed=1, epoch=lambda: epoch)
    first = list(order)
    assert sorted(first) == list(range(203))
    spans = [np.ptp(lengths[first[i : i + 8]]) for i in range(0, 200, 8)]
    assert np.mean(spans) < 20
    assert list(order) == first
    epoch = 1
    assert list(order) != first


def test_padding():
    rows = [
        {"input_ids": [5, 6, 7], "labels": [MASKED, 6, 7], "weight": 1.0},
        {"input_ids": [8], "labels": [8], "weight": 0.5},
    ]
    batch = pad(rows, pad_id=0)
    assert batch["input_ids"].tolist() == [[5, 6, 7] + [0] * 5, [8] + [0] * 7]
    assert batch["attention_mask"].tolist() == [[1] * 3 + [0] * 5, [1] + [0] * 7]
    assert batch["labels"].tolist() == [[MASKED, 6, 7] + [MASKED] * 5, [8] + [MASKED] * 7]
    assert batch["weights"].tolist() == [1.0, 0.5]
    # up to 64 tokens lengths are rounded up to 8, beyond to 32
    for tokens, padded in ((8, 8), (9, 16), (63, 64), (65, 96)):
        row = {"input_ids": [1] * tokens, "labels": 0, "weight": 1.0}
        assert pad([row], pad_id=0)["input_ids"].shape == (1, padded)
