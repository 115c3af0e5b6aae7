"""Tokens of the glossary's words count more, and the loss is the weighted mean, by hand."""

import numpy as np
import pytest
import torch
from tokenizer_families import FAMILIES, build

from tailor.data.dataset import Example
from tailor.errors import WorkbenchError
from tailor.models.chat import encode_chat
from tailor.models.loading import load_tokenizer
from tailor.training.batches import MASKED, pad, prediction_weights
from tailor.training.objectives import LearnAnswers, LearnLabels
from tailor.training.term_weights import TermWeights, term_pattern

ANSWER = "The chargeback runs; two Chargebacks, no charge."


@pytest.fixture
def tokenizer(base):
    return load_tokenizer(base)


def weighted(dataset, tokenizer, weight=3.0):
    dataset.record.terms, dataset.record.term_weight = ["charge back", "chargeback", "limit"], weight
    return LearnAnswers(tokenizer, dataset)


def test_terms_are_found_as_whole_words():
    pattern = term_pattern(["limit", "daily  limit", "refund reference (ARN)", " "])
    text = "Limits: your daily\nlimit, unlimited, refund reference (ARN)."
    assert [match.group() for match in pattern.finditer(text)] == [
        "Limits",
        "daily\nlimit",
        "refund reference (ARN)",
    ]
    assert term_pattern([]) is None


def test_tokens_of_terms_weigh_more(dataset, tokenizer):
    row = weighted(dataset, tokenizer).encode(Example("a:1", "Hello, chargeback?", ANSWER))
    heavy = [i for i, w in zip(row["input_ids"], row["token_weights"], strict=True) if w == 3.0]
    assert tokenizer.decode(heavy) == "chargebackChargebacks"
    assert set(row["token_weights"]) == {1.0, 3.0}
    assert len(row["token_weights"]) == len(row["input_ids"])


def test_an_answer_without_terms_is_encoded_as_ever(dataset, tokenizer):
    plain = Example("a:1", "Hello", "No term here.")
    assert "token_weights" not in weighted(dataset, tokenizer).encode(plain)
    assert "token_weights" not in weighted(dataset, tokenizer, 1.0).encode(Example("a:1", "Hi", ANSWER))


def test_a_tokenizer_without_places_is_refused(tokenizer):
    class Slow:
        is_fast = False

    chat = encode_chat(tokenizer, [{"role": "assistant", "content": ANSWER}])
    with pytest.raises(WorkbenchError) as error:
        TermWeights(["chargeback"], 2.0).of_tokens(Slow(), chat, ANSWER)
    assert str(error.value) == (
        "Found: the tokenizer Slow does not say which letters a token stands for\n"
        "Needed: that, in order to weigh the tokens of the glossary's words\n"
        "Do: set 04_format_data.term_weight to 1, or choose another base model"
    )


def test_a_blank_before_the_word_is_no_part_of_it():
    """In a byte-level vocabulary " card" is one token: the word's own letters decide, and not the blank."""
    tokenizer = build(next(family for family in FAMILIES if family.name == "gpt2"))
    said = [{"role": "user", "content": "?"}, {"role": "assistant", "content": "Where is my card?"}]
    chat = encode_chat(tokenizer, said)
    weights = TermWeights(["card"], 2.0).of_tokens(tokenizer, chat, said[1]["content"])
    heavy = [i for i, weight in zip(chat.input_ids, weights, strict=True) if weight == 2.0]
    assert tokenizer.decode(heavy) == " card"
    assert TermWeights(["my"], 2.0).of_tokens(tokenizer, chat, said[1]["content"]) != weights


def test_the_weighted_loss_by_hand(dataset, tokenizer):
    """Two rows of weight 1 and 0.5, two learned tokens each; in the first, the second token weighs 3."""

    class Fixed(torch.nn.Module):
        def forward(self, input_ids, **rest):
            logits = torch.zeros(2, 3, 4)
            logits[0, 0, 2], logits[0, 1, 3], logits[1, 0, 0] = 1.0, 2.0, 3.0
            return type("Out", (), {"logits": logits})()

    batch = {
        "input_ids": torch.tensor([[1, 2, 3], [1, 1, 1]]),
        "attention_mask": torch.ones(2, 3),
        "labels": torch.tensor([[MASKED, 2, 3], [MASKED, 0, 1]]),
        "weights": torch.tensor([1.0, 0.5]),
        "token_weights": torch.tensor([[1.0, 1.0, 3.0], [1.0, 1.0, 1.0]]),
    }
    model = Fixed()
    model._tailor_split = None
    losses = [np.log(3 + np.e) - 1, np.log(3 + np.e**2) - 2, np.log(3 + np.e**3) - 3, np.log(4)]
    summed, weight = LearnAnswers(tokenizer, dataset).loss(model, batch)
    assert weight == 1 + 3 + 0.5 + 0.5
    assert float(summed) / weight == pytest.approx(np.average(losses, weights=[1, 3, 0.5, 0.5]), rel=1e-6)
    assert prediction_weights(batch).tolist() == [1.0, 3.0, 0.5, 0.5]


def test_weighted_labels_by_hand(dataset, tokenizer):
    class Fixed(torch.nn.Module):
        def forward(self, **inputs):
            return type("Out", (), {"logits": torch.tensor([[1.0, 0.0], [0.0, 0.0]])})()

    batch = {
        "input_ids": torch.zeros(2, 3).long(),
        "attention_mask": torch.ones(2, 3),
        "labels": torch.tensor([0, 1]),
        "weights": torch.tensor([4.0, 1.0]),
    }
    summed, weight = LearnLabels(tokenizer, dataset).loss(Fixed(), batch)
    by_hand = (4 * (np.log(np.e + 1) - 1) + np.log(2)) / 5
    assert float(summed) / weight == pytest.approx(by_hand, rel=1e-6)


def test_padding_leaves_other_rows_at_one():
    rows = [
        {"input_ids": [5, 6], "labels": [MASKED, 6], "weight": 1.0, "token_weights": [1.0, 2.0]},
        {"input_ids": [8], "labels": [8], "weight": 0.5},
    ]
    batch = pad(rows, pad_id=0)
    assert batch["token_weights"].tolist() == [[1.0, 2.0] + [1.0] * 6, [1.0] * 8]


def test_a_row_that_counts_nothing_is_left_out(dataset, tokenizer):
    assert LearnAnswers(tokenizer, dataset).encode(Example("a:1", "Hello", "fees", weight=0.0)) is None


def test_training_follows_the_weights(fit, dataset, base, tokenizer, recorder):
    """One row weighs nearly everything: the loss of the first step is that row's."""
    heavy, light = dataset.train[0], dataset.train[1]
    dataset.train = [
        Example(heavy.id, heavy.input, heavy.output, weight=5.0),
        Example(light.id, light.input, light.output, weight=0.001),
    ]
    log = recorder()
    fit("full", log=log, epochs=1, learning_rate=1e-6, effective_batch_size=2)
    first = next(value for series, step, value in log.points if series == "training loss")

    from tailor.models.loading import load_model

    objective = LearnAnswers(tokenizer, dataset)
    alone = objective.collate([objective.encode(dataset.train[0])])
    summed, weight = objective.loss(load_model(base), alone)
    assert first == pytest.approx(float(summed.detach()) / weight, rel=0.02)
