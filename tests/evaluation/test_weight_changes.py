"""What training changed is told from what it left, for techniques of every kind."""

import pytest
from probe_bench import tune
from small_project import make_project
from tiny_model import write_tiny_encoder, write_tiny_model

from tailor.data.dataset import Dataset
from tailor.evaluation.weight_changes import (
    base_network,
    effective_rank,
    layer_changes,
    soft_prompt_words,
    trained_weights,
)
from tailor.project import Project
from tailor.training.runs import load_run

QUICK = {"max_steps": 2, "evaluations": 1, "metric_rows": 0, "validation_rows": 2, "learning_rate": 0.01}


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    """tuned(technique) -> (run, its model, the base network)."""
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("changes")
        patch.setenv("TAILOR_HOME", str(home))
        dataset = Dataset.open(make_project(home, "classify", rows=4))
        bases = {"decoder": write_tiny_model(home / "tiny"), "encoder": write_tiny_encoder(home / "encoder")}

        def make(technique, base="decoder", **settings):
            run = tune(dataset, technique, bases[base], **QUICK | settings)
            return run, load_run(Project("small"), run.id, dataset), base_network(run, dataset)

        yield make


@pytest.mark.parametrize(
    "technique",
    ["lora", "full", "ia3", "bottleneck", "layer_norm", "last_layers", "prompt_tuning", "prefix_tuning"],
)
def test_what_was_trained_is_found_by_comparing(technique, tuned):
    run, model, base = tuned(technique)
    found = trained_weights(model.model, base)
    assert sum(weight.numel() for weight in found.values()) == run.trainable_parameters


def test_an_encoders_new_head_counts_as_trained(tuned):
    _, model, base = tuned("lora", "encoder")
    found = trained_weights(model.model, base)
    assert any("classifier" in name for name in found)
    assert sum("lora_" in name for name in found) == sum(
        "lora_" in name for name, _ in model.model.named_parameters()
    )
    assert {change.layer for change in layer_changes(model.model, base)} == {
        "embedding",
        "layer 1",
        "layer 2",
    }


def test_layers_move_in_no_more_directions_than_the_rank(tuned):
    _, model, base = tuned("lora", rank=2)
    changes = {change.layer: change for change in layer_changes(model.model, base)}
    for layer in ("layer 1", "layer 2"):
        assert 0 < changes[layer].relative < 1
        assert 1 <= changes[layer].rank <= 2.001
    assert changes["embedding"].relative == 0


def test_last_layers_alone_move(tuned):
    _, model, base = tuned("last_layers")
    moved = {change.layer for change in layer_changes(model.model, base) if change.relative}
    assert "layer 1" not in moved
    assert "layer 2" in moved


def test_the_length_of_a_change_is_its_share(tuned):
    import torch

    _, model, base = tuned("full")
    with torch.no_grad():
        for ours, old in zip(model.model.parameters(), base.parameters(), strict=True):
            ours.copy_(1.1 * old)
    for change in layer_changes(model.model, base):
        assert change.relative == pytest.approx(0.1, rel=1e-4)


def test_effective_rank_by_hand():
    import torch

    assert effective_rank(torch.diag(torch.tensor([1.0, 1.0, 0.0]))) == pytest.approx(2)
    assert effective_rank(torch.outer(torch.arange(1.0, 5), torch.arange(1.0, 4))) == pytest.approx(1)
    # singular values 3 and 1: shares 3/4 and 1/4, entropy 0.5623 nats
    assert effective_rank(torch.diag(torch.tensor([3.0, 1.0]))) == pytest.approx(1.7547, abs=1e-4)


def test_soft_prompts_have_nearest_words(tuned):
    _, model, base = tuned("prompt_tuning", virtual_tokens=3)
    assert len(soft_prompt_words(model)) == 3
    assert all(change.relative == 0 for change in layer_changes(model.model, base))
    assert soft_prompt_words(tuned("full")[1]) == []
