"""A fine-tuned sentence encoder: where the directions of the labels start, how fast they learn, how it is kept."""

from dataclasses import replace

import pytest
import torch
from small_project import make_project
from tiny_model import write_tiny_encoder

from tailor.data.dataset import Dataset
from tailor.errors import WorkbenchError
from tailor.models.catalog import resolve
from tailor.models.embedding_classifier import CosineClassifier, embed_ids, load_classifier, save_classifier
from tailor.models.loading import load_model, load_tokenizer
from tailor.techniques.encoder_classifier import (
    EncoderClassifier,
    EncoderClassifierConfig,
    imprint,
    two_rates,
)
from tailor.training.objectives import LearnLabels


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return resolve(str(write_tiny_encoder(tmp_path_factory.mktemp("base") / "encoder")))


@pytest.fixture
def dataset(home):
    return Dataset.open(make_project(home, "classify", rows=6))


def prepared(base, labels, **settings):
    config = EncoderClassifierConfig(**settings)
    model = load_model(base, task="classify", labels=labels)
    return EncoderClassifier().prepare(model, config, base).eval(), config


def test_a_label_starts_as_the_mean_of_its_rows_and_without_rows_as_its_name(base, dataset):
    dataset.labels = [*dataset.labels, "never_seen"]
    (model, _), tokenizer = prepared(base, dataset.labels), load_tokenizer(base)
    imprint(model, tokenizer, dataset)
    objective = LearnLabels(tokenizer, dataset)
    rows = [objective.encode(row)["input_ids"] for row in dataset.train if row.output == "fees"]
    mean = torch.from_numpy(embed_ids(model.body, rows, tokenizer.pad_token_id)).mean(0)
    assert model.head[dataset.labels.index("fees")].tolist() == pytest.approx(
        (mean / mean.norm()).tolist(), abs=2e-2
    )
    fees = [row for row in dataset.train if row.output == "fees"]
    dataset.train = [fees[0], *(replace(row, weight=0.0) for row in fees[1:])]
    imprint(model, tokenizer, dataset)
    (one,) = embed_ids(model.body, rows[:1], tokenizer.pad_token_id)
    assert model.head[dataset.labels.index("fees")].tolist() == pytest.approx(one.tolist(), abs=2e-2), (
        "one row counts"
    )
    name = torch.from_numpy(embed_ids(model.body, [tokenizer("never seen")["input_ids"]], 0))[0]
    assert model.head[-1].tolist() == pytest.approx(name.tolist(), abs=2e-2)


def test_logits_are_cosines_times_the_scale(monkeypatch):
    body = torch.nn.Identity()
    body.config = None
    model = CosineClassifier(body, torch.tensor([[3.0, 0.0], [2.0, 2.0]]), 20.0)
    vectors = torch.tensor([[0.0, 1.0]])
    monkeypatch.setattr("tailor.models.embedding_classifier.mean_embedding", lambda *_: vectors)
    assert model(None, None).logits[0].tolist() == pytest.approx([0.0, 20 / 2**0.5])


def test_directions_learn_faster_and_vocabulary_and_pooler_stay(base, dataset):
    model, config = prepared(base, dataset.labels)
    groups = {group["layer"]: group for group in two_rates(model, 1e-3, config).param_groups}
    assert (groups["encoder"]["lr"], groups["labels"]["lr"]) == (1e-3, pytest.approx(0.03))
    assert (groups["encoder"]["weight_decay"], groups["labels"]["weight_decay"]) == (0.01, 0.0)
    still = {name for name, weight in model.named_parameters() if not weight.requires_grad}
    assert "body.embeddings.word_embeddings.weight" in still
    assert all("word_embeddings" in name or "pooler" in name for name in still)
    model, _ = prepared(base, dataset.labels, train_embeddings=True)
    assert model.body.get_input_embeddings().weight.requires_grad


def test_a_kept_classifier_answers_alike_and_a_damaged_head_is_told(base, dataset, tmp_path):
    (model, _), tokenizer = prepared(base, dataset.labels), load_tokenizer(base)
    imprint(model, tokenizer, dataset)
    save_classifier(model, tmp_path, base.name)
    prompts = [dataset.prompt(row) for row in dataset.validation]
    before = LearnLabels(tokenizer, dataset).as_language_model(model).score_choices(prompts, dataset.labels)
    after = load_classifier(base, dataset.labels, tmp_path).score_choices(prompts, dataset.labels)
    assert abs(before - after).max() < 1e-4
    (tmp_path / "head.safetensors").write_bytes(b"broken")
    with pytest.raises(WorkbenchError) as error:
        load_classifier(base, dataset.labels, tmp_path)
    assert str(error.value).startswith(f"Found: {tmp_path / 'head.safetensors'} cannot be read (")
    assert str(error.value).endswith("Needed: the head as tuning wrote it\nDo: run 07_tune again")


def test_smoothing_spreads_a_share_of_the_answer_while_training_alone(base, dataset):
    class Fixed(torch.nn.Module):
        def forward(self, **_):
            return type("Out", (), {"logits": torch.tensor([[2.0, 0.0, 0.0]])})

    objective, model = LearnLabels(load_tokenizer(base), dataset, smoothing=0.3), Fixed()
    batch = {"input_ids": None, "attention_mask": None, "labels": torch.tensor([0]), "weights": torch.ones(1)}
    right, wrong = (-torch.log_softmax(torch.tensor([2.0, 0.0, 0.0]), 0)[:2]).tolist()
    assert float(objective.loss(model.eval(), batch)[0]) == pytest.approx(right)
    assert float(objective.loss(model.train(), batch)[0]) == pytest.approx(0.8 * right + 0.2 * wrong)


def test_blockers_say_what_is_needed(base, dataset):
    from tailor.machine import find_machine

    technique, machine = EncoderClassifier(), find_machine()
    assert technique.find_blockers(EncoderClassifierConfig(), dataset, base, machine) == []
    dataset.task = "respond"
    found = technique.find_blockers(EncoderClassifierConfig(), dataset, resolve("tailor-mini"), machine)
    assert found == [
        "tailor-mini is no encoder: Fine-tuned sentence encoder needs one, such as all-minilm-l6-v2 (the extra "
        "'encoder').",
        "Fine-tuned sentence encoder learns labels, and the task is to write answers.",
    ]
