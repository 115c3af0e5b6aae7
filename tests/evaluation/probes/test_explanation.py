"""Planted causes are found: the word that decides, the row behind a wrong answer, the layers that moved."""

import numpy as np
import pytest
from probe_bench import make_bench, tune
from small_project import RuleModel, make_project
from tiny_model import write_tiny_model, write_tiny_tokenizer

from tailor.blocks import Figure, Table, Tokens
from tailor.data.dataset import Dataset, Example
from tailor.evaluation.influence import most_alike
from tailor.evaluation.probes.adapter_changes import AdapterChanges
from tailor.evaluation.probes.explanation import Explanation
from tailor.evaluation.probes.influence import InfluenceProbe, _say
from tailor.plain import to_text

QUICK = {"max_steps": 3, "evaluations": 1, "metric_rows": 0, "validation_rows": 2, "learning_rate": 0.01}


def about(word, label, name):
    return Example(name, f"Hello, a question on my {word}, please answer soon", label)


@pytest.fixture
def dataset(home):
    return Dataset.open(make_project(home, "classify", rows=4))


@pytest.fixture
def bench(dataset, home):
    """A tiny tuned model that took a question on a parrot for one on its login; a training row says the same."""
    base = write_tiny_model(home / "tiny")
    dataset.train = [*dataset.train, about("parrot", "login", "twin")]
    dataset.test = [about("parrot", "card lost", "victim"), *dataset.test]
    made = make_bench(dataset, tune(dataset, "full", base, **QUICK), tune(dataset, "zero_shot", base))
    table = made.best.table.to_dicts()
    table[0] |= {"prediction": "login", "accuracy": 0.0, "confidence": 1.0}
    made.best.table = type(made.best.table)(table)
    return made


def decided_by(letter, tokenizer):
    """A classifier that says "login" the surer the more often a letter stands in the text."""
    import torch

    from tailor.models.classifier import ClassifierModel

    class ByLetter(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = torch.nn.Embedding(len(tokenizer), 2)
            with torch.no_grad():
                self.embed.weight.zero_()
                self.embed.weight[tokenizer(letter)["input_ids"][0], 0] = 3.0
            self.config = type("config", (), {"max_position_embeddings": 512})

        def get_input_embeddings(self):
            return self.embed

        def forward(self, input_ids=None, inputs_embeds=None, attention_mask=None):
            states = self.embed(input_ids) if inputs_embeds is None else inputs_embeds
            found = (states[..., 0] * attention_mask).sum(1)
            others = torch.full_like(found, 1.0)
            return type("out", (), {"logits": torch.stack([others, others, found], 1)})

    return ClassifierModel(ByLetter(), tokenizer, ["card lost", "fees", "login"])


def test_the_word_that_decides_is_found_and_its_loss_is_felt(dataset, home):
    words = ["zebra", "maze", "prize", "zoo", "fuzz", "size"]
    dataset.test = [about(word, "login" if n < 4 else "fees", f"row {n}") for n, word in enumerate(words)]
    model = decided_by("z", write_tiny_tokenizer(home / "letters"))
    found = Explanation().measure(make_bench(dataset, model, model), Explanation.Settings(explanation_rows=6))
    assert [row["kind"] for row in found.rows] == ["wrong answer"] * 2 + ["right answer"] * 4
    for row in found.rows:
        assert row["answer"] == "login"
        score, word = max(zip(row["scores"], row["words"], strict=True))
        assert "z" in word
        assert score == pytest.approx(sum(row["scores"]))  # no other word has a part in it
        assert abs(row["error"]) < 0.01
        assert row["drop_important"] > row["drop_random"] >= 0
    assert found.status == "ok"
    assert found.figures["difference"].low > 0
    assert found.verdict.endswith("(6 answers): on these the coloured words matter more than others.")
    few = Explanation().measure(make_bench(dataset, model, model), Explanation.Settings(explanation_rows=5))
    assert few.status == "watch"
    assert few.verdict.endswith(
        "(5 answers): too few to tell the difference from chance. Explain 6 or more (explanation_rows)."
    )
    *strips, table = Explanation().blocks(found)
    assert all(isinstance(strip, Tokens) for strip in strips)
    for strip, row in zip(strips, found.rows, strict=True):
        assert [kind for word, kind in strip.pieces if "z" in word] == ["strongly"]
        assert {kind for word, kind in strip.pieces if "z" not in word} == {"little"}
        assert "".join(word for word, _ in strip.pieces) == "".join(row["words"])
    assert len(table.rows) == 6


def test_an_explanation_that_fails_its_check_is_not_trusted(dataset, home, monkeypatch):
    """Scores drawn by lot: taking the "important" words away costs no more than taking any."""
    from tailor.evaluation.probes import explanation

    dataset.test = [about("zebra", "login", f"row {n}") for n in range(12)]
    model, honest = decided_by("z", write_tiny_tokenizer(home / "letters")), explanation.attribute_words
    lot = np.random.default_rng(0)

    def shuffled(*asked):
        found = honest(*asked)
        return type(found)(found.words, list(lot.permutation(found.scores)), found.error)

    monkeypatch.setattr(explanation, "attribute_words", shuffled)
    found = Explanation().measure(
        make_bench(dataset, model, model), Explanation.Settings(explanation_rows=12)
    )
    assert found.status == "watch"
    assert found.verdict.endswith("may be chance, so read the colours with care or explain more rows.")


def test_a_mislabelled_twin_ranks_first(bench):
    found = InfluenceProbe().measure(bench, InfluenceProbe.Settings())
    first = next(row for row in found.rows if row["id"] == "victim")
    assert (first["train_id"], first["place"], first["suspect"]) == ("twin", 1, True)
    assert first["cosine"] == pytest.approx(1, abs=1e-3)
    assert found.status == "watch"
    assert found.verdict == (
        "1 training row with much the same words taught the very answer that was wrong (twin): see in 03_clean_data, "
        "or by hand in 04_format_data, whether the label is right."
    )
    (table,) = InfluenceProbe().blocks(found)
    assert isinstance(table, Table)
    assert "twin" in to_text(table)


def test_without_the_twin_nobody_is_blamed(bench):
    bench.dataset.train = [row for row in bench.dataset.train if row.id != "twin"]
    found = InfluenceProbe().measure(bench, InfluenceProbe.Settings())
    assert not [row for row in found.rows if row["id"] == "victim" and row["suspect"]]


def test_the_verdict_claims_no_more_than_was_compared():
    assert _say(2, [], 6, "classify") == (
        "None of the training rows compared has much the same words as one of the 2 wrong answers looked into and "
        "taught that very answer: no single label is to blame."
    )
    assert _say(2, [], 6, "respond") == (
        "The training rows that spoke most for the 2 worst answers are listed. None of them taught the very answer in "
        "much the same words; whether one taught it otherwise is for you to read."
    )


def test_rows_alike_in_words_come_first(dataset):
    ((row, likeness),) = most_alike(dataset.train, "my price, case 1007", 1)
    assert "case 1007" in row.input
    assert 0 < likeness < 1
    assert [row for row, _ in most_alike(dataset.train, "", 2)] == dataset.train[:2]


def test_moved_layers_are_shown(bench):
    found = AdapterChanges().measure(bench, AdapterChanges.Settings())
    assert found.verdict.split(" layers moved")[0] == "5 of 5"
    figure, table = AdapterChanges().blocks(found)
    assert isinstance(figure, Figure)
    assert len(figure.draw().axes) == 2
    assert [row[0] for row in table.rows] == ["embedding", "layer 1", "layer 2", "output", "head"]


def test_a_soft_prompt_shows_its_nearest_words(dataset, home):
    base = write_tiny_model(home / "tiny")
    run = tune(dataset, "prompt_tuning", base, **QUICK | {"virtual_tokens": 3})
    bench = make_bench(dataset, run, tune(dataset, "zero_shot", base))
    found = AdapterChanges().measure(bench, AdapterChanges.Settings())
    assert found.verdict == (
        "Prompt tuning changed none of the base model's own weights; it put 96 new numbers beside them."
    )
    table, said = AdapterChanges().blocks(found)
    assert [row[0] for row in table.rows] == [1, 2, 3]
    assert said.text.startswith("A virtual token may lie near no word")
    assert len(Explanation().measure(bench, Explanation.Settings(explanation_rows=2)).rows) == 2


def test_what_cannot_be_looked_into_is_said(dataset, home):
    bench = make_bench(dataset, RuleModel("classify", 0.9), RuleModel("classify", 0.1))
    said = [
        probe.measure(bench, probe.Settings()).verdict
        for probe in (Explanation(), InfluenceProbe(), AdapterChanges())
    ]
    assert said == [
        "Not measured: gradients are at hand only for a model on this machine that answers without further prompts.",
        "Not measured: only a model tuned on this machine has trained weights to look into.",
        "Not measured: the weights of a model elsewhere, or of an unknown kind, cannot be seen.",
    ]
    prompting = tune(dataset, "zero_shot", write_tiny_model(home / "tiny"))
    same = make_bench(dataset, prompting, prompting)
    assert AdapterChanges().measure(same, AdapterChanges.Settings()).verdict == (
        "Nothing was changed: Zero-shot prompting leaves the base model's weights as they are."
    )
