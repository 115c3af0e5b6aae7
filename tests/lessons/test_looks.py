"""The looks inside: directions of a change, moves of layers, soft prompts in one table."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from tiny_model import write_tiny_model

from tailor.lessons import adapters, prompt_learning, rates
from tailor.lessons.trials import Trial
from tailor.records import UPDATE_RATIO, Estimate, Point

EMPTY = Trial("a", "full", Estimate(value=0, low=0, high=0), [], 0, 0, 0, 0, 0, {}, Path())


def test_a_change_along_one_direction_is_held_by_the_first(tmp_path):
    import torch

    from tailor.models.loading import load_model

    base = write_tiny_model(tmp_path / "tiny")
    changed = load_model(base)
    with torch.no_grad():
        first, second = torch.randn(32, 1), torch.randn(1, 32)
        changed.model.layers[1].self_attn.q_proj.weight += first @ second
        changed.model.layers[1].self_attn.o_proj.weight += torch.eye(32)
    changed.save_pretrained(tmp_path / "run" / "model")
    dataset = SimpleNamespace(record=SimpleNamespace(base_model=str(base)))
    held = adapters.held_shares(dataset, replace(EMPTY, folder=tmp_path / "run"), layer=1)
    assert held["q_proj"][0] == pytest.approx(1, abs=1e-4)
    assert held["o_proj"] == pytest.approx(np.arange(1, 33) / 32, abs=1e-4)
    assert held["up_proj"] == [0] * 32, "nothing changed there"


def moving(**layers: float) -> Trial:
    curves = {UPDATE_RATIO + name.replace("_", " "): [Point(step=1, value=v), Point(step=2, value=3 * v)]
              for name, v in layers.items()}  # fmt: skip
    return replace(EMPTY, curves={"training loss": [], **curves})


def test_the_layer_that_moved_most_is_told_beside_the_guess():
    trial = moving(layer_1=0.001, layer_4=0.002)
    assert rates.moves_of(trial) == pytest.approx({"layer 1": 0.002, "layer 4": 0.004})
    right = rates.which_moved_most(rates.Prediction(moves_most="layer 4"), trial)
    assert right.kind == "good"
    assert right.text == "You said layer 4, and layer 4 it is: 0.40% of its weights' size in a step."
    wrong = rates.which_moved_most(rates.Prediction(moves_most="layer 1"), trial)
    assert (
        wrong.text == "You said layer 1 (0.20% of its weights' size in a step); layer 4 moves more (0.40%)."
    )


def test_each_task_adds_its_own_numbers_to_the_table(tmp_path):
    import torch

    from tailor.models.prompt_table import FILE, PromptTable
    from tailor.techniques.prompt_tuning import TASK

    trials = []
    for name, tokens in (("one", 1), ("twenty", 20)):
        folder = tmp_path / name / "model"
        folder.mkdir(parents=True)
        PromptTable("tailor-mini", {TASK: torch.randn(tokens, 192)}).save(folder / FILE)
        trials.append(replace(EMPTY, name=name, folder=folder.parent))
    (table,) = prompt_learning.one_table(trials, "tailor-mini")
    assert [row[0] for row in table.rows] == ["the model itself", "and a task: one", "and a task: twenty"]
    added = float(table.rows[2][1].removesuffix(" kB")) * 1000
    assert 20 * 192 * 4 <= added < 20 * 192 * 4 + 200, "the numbers, and a line in the file's head"


def test_the_map_has_the_directions_of_the_widest_spread():
    rng = np.random.default_rng(0)
    words = rng.normal(size=(300, 5)) * [0.1, 9, 0.1, 3, 0.1]
    places = prompt_learning.flatten(words, words)
    assert places.shape == (300, 2)
    assert np.abs(np.corrcoef(places[:, 0], words[:, 1])[0, 1]) > 0.99
    assert np.abs(np.corrcoef(places[:, 1], words[:, 3])[0, 1]) > 0.99
