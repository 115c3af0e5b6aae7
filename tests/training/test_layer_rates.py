"""Layer-wise rates: the formulas worked by hand, and what the curves tell."""

import pytest
import torch
from tiny_model import write_tiny_model

from tailor.models.loading import load_model
from tailor.records import UPDATE_RATIO
from tailor.training.layer_rates import LARC, decayed_groups, local_rate, record_update_ratios


def test_the_local_rate_worked_by_hand():
    weight, gradient = torch.tensor([3.0, 4.0]), torch.tensor([0.0, 2.0])
    # |w| = 5, |g| = 2: 0.02 * 5 / 2 = 0.05
    assert local_rate(weight, gradient, 1.0, 0.02, 0.0) == pytest.approx(0.05)
    # with decay 0.1 the denominator is 2 + 0.1 * 5
    assert local_rate(weight, gradient, 1.0, 0.02, 0.1) == pytest.approx(0.1 / 2.5)
    assert local_rate(weight, gradient, 0.01, 0.02, 0.0) == 0.01, "never beyond the global rate"
    assert local_rate(torch.zeros(2), gradient, 0.3, 0.02, 0.0) == 0.3


def test_two_steps_with_momentum_worked_by_hand():
    weight = torch.nn.Parameter(torch.tensor([3.0, 4.0]))
    optimizer = LARC([weight], lr=1.0, trust=0.02, momentum=0.5)
    weight.grad = torch.tensor([0.0, 2.0])
    optimizer.step()  # rate 0.05, so -0.1 in the second place
    assert weight.tolist() == pytest.approx([3.0, 3.9])
    weight.grad = torch.tensor([0.0, 1000.0])
    optimizer.step()  # the new part has the length 0.02 * |w|; half of the last step comes on top
    length = (3.0**2 + 3.9**2) ** 0.5
    assert weight.tolist() == pytest.approx([3.0, 3.9 - 0.05 - 0.02 * length])


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return load_model(str(write_tiny_model(tmp_path_factory.mktemp("base") / "tiny")))


def test_rates_fall_towards_the_input_and_every_weight_is_in_one_group(model):
    groups = decayed_groups(model, 0.1, 0.5)
    layers = len(model.model.layers)
    assert [group["layer"] for group in groups] == ["embeddings", *[f"layer {i + 1}" for i in range(layers)]]
    assert [group["lr"] for group in groups] == pytest.approx(
        [0.1 * 0.5 ** (layers - i) for i in range(layers + 1)]
    )
    assert sorted(id(w) for g in groups for w in g["params"]) == sorted(map(id, model.parameters()))
    assert any(weight is model.model.norm.weight for weight in groups[-1]["params"])


def test_the_ratio_is_the_change_over_the_size():
    near, far = torch.nn.Parameter(torch.tensor([10.0])), torch.nn.Parameter(torch.tensor([1.0]))
    optimizer = torch.optim.SGD(
        [{"params": [near], "layer": "layer 1"}, {"params": [far], "layer": "layer 2"}], lr=0.1
    )
    points = []
    record_update_ratios(optimizer, lambda *point: points.append(point), lambda: 1, 1)
    near.grad = far.grad = torch.tensor([1.0])
    optimizer.step()
    assert points == [
        (UPDATE_RATIO + "layer 1", 1, pytest.approx(0.01, rel=1e-4)),
        (UPDATE_RATIO + "layer 2", 1, pytest.approx(0.1, rel=1e-4)),
    ]


@pytest.mark.parametrize(("technique", "rate"), [("larc", 5.0), ("layerwise", 0.01)])
def test_what_each_layer_moved_is_told(fit, technique, rate):
    folder, figures = fit(technique, learning_rate=rate)
    losses = [point["value"] for point in figures["curves"]["training loss"]]
    assert losses[-1] < 0.9 * losses[0]
    told = [name for name in figures["curves"] if name.startswith(UPDATE_RATIO)]
    assert told[0] == UPDATE_RATIO + "embeddings"
    # the rate rises from zero: the first step moves nothing
    assert all(0 < p["value"] < 1 for name in told for p in figures["curves"][name][1:])
    assert (folder / "model" / "model.safetensors").exists()
