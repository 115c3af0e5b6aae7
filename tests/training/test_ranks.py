"""AdaLoRA's ranks: what is taken away, that a resumed run takes the same, and the penalty by hand."""

import math

import pytest
import torch

from tailor.training import watch
from tailor.training.ranks import Orthogonal, crookedness


class Stopped(Exception):
    pass


class Matrices(torch.nn.Module):
    """One adapted layer: A with columns of length 2 and 0, B as it should be."""

    def __init__(self):
        super().__init__()
        self.lora_A = torch.nn.ParameterDict({"default": torch.nn.Parameter(torch.tensor([[2.0], [0.0]]))})
        self.lora_B = torch.nn.ParameterDict({"default": torch.nn.Parameter(torch.eye(2))})


def test_crookedness_by_hand():
    """A A' - I = [[3, 0], [0, -1]], of length sqrt(10); B' B - I = 0; their mean is sqrt(10) / 2."""
    assert float(crookedness(Matrices())) == pytest.approx(math.sqrt(10) / 2)


def test_the_penalty_is_in_the_gradient_and_not_in_the_figure():
    class Inner:
        encode = collate = as_language_model = None

        def loss(self, model, batch):
            return torch.tensor(5.0), 4.0

    model = Matrices()
    summed, weight = Orthogonal(Inner(), 0.5).loss(model, {})
    assert (float(summed), weight) == (5.0, 4.0)
    summed.backward()
    # d|M|/dA = 2 M A / |M| = [[12], [0]] / sqrt(10); times strength 0.5, weight 4, and 1/2 for the mean
    assert float(model.lora_A["default"].grad[0, 0]) == pytest.approx(12 / math.sqrt(10))
    model.eval()
    summed, _ = Orthogonal(Inner(), 0.5).loss(model, {})
    assert not summed.requires_grad


def test_as_many_columns_are_left_as_were_asked_for(fit, monkeypatch):
    from safetensors.torch import load_file

    falling = iter([4.0, 3.0, 2.0])
    monkeypatch.setattr(watch, "validation_loss", lambda *given: next(falling))
    folder, _ = fit("adalora", first_rank=6, final_rank=4)
    kept = load_file(str(folder / "model/adapter_model.safetensors"))
    scales = {name: weight for name, weight in kept.items() if "lora_E" in name}
    assert len(scales) == 14
    assert sum(int((weight != 0).sum()) for weight in scales.values()) == 14 * 4
    sizes = {len(weight) for weight in scales.values()}
    assert len(sizes) > 1, "some matrices keep more than others"
    for name, weight in scales.items():
        assert kept[name.replace("lora_E", "lora_A")].shape[0] == len(weight) > 0


@pytest.mark.parametrize("step", [3, 8], ids=["while columns go", "after the last one went"])
def test_a_stopped_run_takes_the_same_columns(step, fit, weights, recorder):
    def at(series, now):
        if series == "training loss" and now == step:
            raise Stopped

    whole, expected = fit("adalora", "whole")
    with pytest.raises(Stopped):
        fit("adalora", "cut", log=recorder(at), checkpoint_seconds=0.0)
    cut, figures = fit("adalora", "cut")
    assert weights(cut) == weights(whole)
    assert figures["curves"] == expected["curves"]


def test_one_step_is_too_few_to_choose(fit):
    folder, _ = fit("adalora", max_steps=1)
    assert (folder / "model/adapter_model.safetensors").exists()
