"""Integrated gradients: every kind of model reads embeddings as it reads ids, and the scores add up."""

import pytest
from architectures import DECODERS, ENCODERS, write_architecture
from small_project import LABELS, make_project
from tiny_model import write_tiny_tokenizer

from tailor.data.dataset import Dataset, Example
from tailor.evaluation.attribution import _read, _words, attribute_words, can_attribute, without_words
from tailor.models.catalog import resolve
from tailor.techniques.full import as_language_model, load_base


@pytest.mark.parametrize(
    "name", ["llama", "gpt2", "gemma2", "opt", "bert", "roberta", "deberta-v2", "modernbert", "t5", "bart"]
)
def test_each_architecture_scores_embeddings_as_it_scores_ids(name, home):
    import torch

    dataset = Dataset.open(make_project(home, "classify", rows=3))
    base = resolve(str(write_architecture(name, home / name)))
    model = as_language_model(load_base(base, dataset), base, dataset)
    model.precision = "fp32"
    example, answer = dataset.test[1], LABELS[0]
    assert can_attribute(model)
    reading = _read(model, dataset, example, answer)
    with torch.no_grad():
        plain = float(reading.score(model.model.get_input_embeddings()(torch.tensor([reading.ids])))[0])
    assert plain == pytest.approx(model.score([dataset.prompt(example)], [answer])[0], abs=1e-3)
    found = attribute_words(model, dataset, example, answer)
    assert "".join(found.words) == example.input
    assert len(found.words) == len(example.input.split())
    assert len(found.scores) == len(found.words)
    if name in DECODERS or name in ENCODERS:
        assert any(found.scores)


def test_the_scores_of_a_linear_model_are_known(tmp_path):
    """A sum over embeddings: each word's score is what its own vector adds."""
    import torch

    from tailor.models.classifier import ClassifierModel

    class Linear(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = torch.nn.Embedding(300, 4)
            self.config = type("config", (), {"max_position_embeddings": 64})

        def get_input_embeddings(self):
            return self.embed

        def forward(self, inputs_embeds, attention_mask):
            first = inputs_embeds.sum((1, 2))
            return type("out", (), {"logits": torch.stack([first, torch.zeros_like(first)], 1)})

    torch.manual_seed(0)
    tokenizer = write_tiny_tokenizer(tmp_path)
    model = ClassifierModel(Linear(), tokenizer, ["a", "b"])
    text = "one two"
    with torch.no_grad():
        model.model.embed.weight[tokenizer.encode(".", add_special_tokens=False)[-1]] = (
            0  # where the path begins
        )
        sizes = [
            float(model.model.embed(torch.tensor(tokenizer(word)["input_ids"])).sum())
            for word in ("one", " two")
        ]

    class Rows:
        def prompt(self, asked):
            return [{"role": "user", "content": asked if isinstance(asked, str) else asked.input}]

    found = attribute_words(model, Rows(), Example("1", text, "a"), "a")
    # log sigmoid of the sum: the path is straight, so each word's share of the difference is its share of the sum
    total = torch.nn.functional.logsigmoid(torch.tensor(sum(sizes))) - torch.tensor(0.5).log()
    assert found.scores == pytest.approx(
        [float(total) * size / sum(sizes) for size in sizes], rel=1e-2, abs=1e-3
    )
    assert abs(found.error) < 1e-2


def test_words_are_put_together_from_their_tokens(tmp_path):
    tokenizer = write_tiny_tokenizer(tmp_path)
    words, places = _words(tokenizer, tokenizer("an é\nx")["input_ids"])
    assert words == ["an", " é", "\nx"]
    assert places == [0, 0, 1, 1, 1, 2, 2]
    assert without_words(words, [1]) == "an\nx"
    assert _words(tokenizer, []) == ([], [])
