"""Demonstrations: which are chosen, where they stand, and that they fit."""

import json

import pytest
import small_project

from tailor.data.dataset import Dataset, Example
from tailor.data.prompts import PromptFormat
from tailor.machine import find_machine
from tailor.progress import Log
from tailor.techniques.demonstrations import choose_demonstrations
from tailor.techniques.few_shot import FewShot, FewShotConfig, insert


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
    prompts = [dataset.prompt(example.input) for example in dataset.train]
    longer = [len(model.inner.encode(model.extend([p])[0])) - len(model.inner.encode(p)) for p in prompts]
    assert figures["notes"] == [
        f"{8 - len(kept)} of 8 demonstrations were left out: they do not fit the model's context of 512 tokens "
        "together with the longest question.",
        f"The {len(kept)} demonstrations add {longer[0]} tokens to every question.",
    ]
    for prompt in prompts:
        (whole,) = model.extend([prompt])
        assert len(model.inner.encode(whole)) + 64 <= 512
    model.score_choices([dataset.prompt(example.input) for example in dataset.test], dataset.labels)
    assert model.usage.shortened == 0


def test_nearest_shows_the_most_alike_last(fit, dataset):
    figures, model = fit(demonstrations=2, choose="nearest", answer_room=16)
    assert figures["notes"][0].startswith("The 2 demonstrations add about ")
    (prompt,) = model.extend([dataset.prompt(dataset.train[5].input)])
    assert prompt[-2] == {"role": "assistant", "content": dataset.train[5].output}
    assert prompt[-3]["content"] == dataset.train[5].input
    assert len(prompt) == 6


def test_fixed_shows_the_rows_that_were_named_in_their_order(fit, dataset, base):
    named = [dataset.train[number] for number in (3, 0)]
    _, model = fit(choose="fixed", rows=[example.id for example in named], answer_room=16)
    (prompt,) = model.extend([dataset.prompt("hello")])
    said = [message["content"] for message in prompt[1:-1]]
    assert said == [text for example in named for text in (example.input, example.output)]

    def problems(*rows):
        config = FewShotConfig(choose="fixed", rows=rows)
        return FewShot().find_blockers(config, dataset, base, find_machine())

    assert problems(named[0].id) == []
    assert problems() == ["choose is 'fixed', and 'rows' names no training row to show."]
    near = f"{named[0].id}x"
    assert problems(near) == [f"There is no training row '{near}' to show. Did you mean '{named[0].id}'?"]
