"""Demonstrations: which are chosen, where they stand, and that they fit."""

import json

import pytest
import small_project

from tailor.data.dataset import Dataset, Example
from tailor.data.prompts import PromptFormat
from tailor.progress import Log
from tailor.techniques.few_shot import FewShot, FewShotConfig, choose_demonstrations, insert


@pytest.fixture
def dataset(home):
    return Dataset.open(small_project.make_project(home, "classify", rows=12))


@pytest.fixture
def fit(base, dataset, tmp_path):
    def run(**settings):
        figures = FewShot().fit(base, dataset, FewShotConfig(**settings), tmp_path / "run", seed=1, log=Log())
        return figures, FewShot().load(base, dataset, tmp_path / "run")

    return run


def test_balanced_shows_every_label_as_often(dataset):
    chosen = choose_demonstrations(dataset, 6, "balanced", seed=0)
    assert sorted(example.output for example in chosen) == sorted(small_project.LABELS * 2)
    assert len({example.id for example in chosen}) == 6
    assert chosen == choose_demonstrations(dataset, 6, "balanced", seed=0)
    assert chosen != choose_demonstrations(dataset, 6, "balanced", seed=1)


def test_balanced_spreads_over_lengths_where_there_are_no_labels(dataset):
    dataset.task = "respond"
    dataset.train = [Example(str(n), "question", "x" * n) for n in range(1, 41)]
    lengths = sorted(len(example.output) for example in choose_demonstrations(dataset, 4, "balanced", seed=0))
    assert lengths == [6, 16, 26, 36]


def test_more_demonstrations_than_rows_shows_each_once(dataset):
    for how in ("balanced", "random"):
        assert len(choose_demonstrations(dataset, 64, how, seed=0)) == len(dataset.train) == 24


def test_demonstrations_stand_between_system_prompt_and_question():
    system, question = {"role": "system", "content": "s"}, {"role": "user", "content": "q"}
    shown = PromptFormat().turns([Example("1", "a", "b")])
    assert insert([system, question], shown) == [
        system,
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
        question,
    ]
    assert insert([question], shown)[-1] == question


def test_what_does_not_fit_is_left_out_and_told(fit, tmp_path, dataset):
    figures, model = fit(demonstrations=8, answer_room=64)
    kept = json.loads((tmp_path / "run/demonstrations.json").read_text(encoding="utf-8"))["demonstrations"]
    assert 0 < len(kept) < 8
    assert figures["notes"] == [
        f"{8 - len(kept)} of 8 demonstrations were left out: they do not fit the model's context of 512 tokens "
        "together with the longest question."
    ]
    for example in dataset.train:
        (prompt,) = model.extend([dataset.prompt(example.input)])
        assert len(model.inner.encode(prompt)) + 64 <= 512
    model.score_choices([dataset.prompt(example.input) for example in dataset.test], dataset.labels)
    assert model.usage.shortened == 0


def test_nearest_shows_the_most_alike_last(fit, dataset):
    _, model = fit(demonstrations=2, choose="nearest", answer_room=16)
    (prompt,) = model.extend([dataset.prompt(dataset.train[5].input)])
    assert prompt[-2] == {"role": "assistant", "content": dataset.train[5].output}
    assert prompt[-3]["content"] == dataset.train[5].input
    assert len(prompt) == 6
