"""LoRA's kin: each learns, each is loaded as it was saved, and the base's weights are left alone."""

import sys
from dataclasses import replace

import pytest
import torch

from tailor.errors import WorkbenchError
from tailor.machine import find_machine
from tailor.models.loading import load_model
from tailor.progress import Log
from tailor.techniques import TECHNIQUES
from tailor.training.weights import count

KIN = [{"scaling": "rslora"}, {"decompose": True}, {"start": "pissa"}, {"targets": "attention"}]
LORA = TECHNIQUES["lora"]


@pytest.mark.parametrize("kin", KIN, ids=lambda kin: "-".join(f"{k}-{v}" for k, v in kin.items()))
def test_what_is_loaded_answers_as_what_was_measured(kin, base, dataset, tmp_path):
    """The last measurement during training and the loaded model must agree: what was saved is the whole of it."""
    scores = []

    def measure(model):
        prompts = [dataset.prompt(example) for example in dataset.validation]
        scores.append(model.score_choices(prompts, dataset.labels))
        return {"accuracy": 0.0}

    config = LORA.Config(
        epochs=4,
        effective_batch_size=8,
        rows_at_once=8,
        evaluations=4,
        learning_rate=0.01,
        rank=4,
        patience=0,
        **kin,
    )
    figures = LORA.fit(base, dataset, config, tmp_path, seed=1, log=Log(), measure=measure)
    losses = [point["value"] for point in figures["curves"]["validation loss"]]
    best = losses.index(min(losses))
    assert best > 0
    prompts = [dataset.prompt(example) for example in dataset.validation]
    again = LORA.load(base, dataset, tmp_path).score_choices(prompts, dataset.labels)
    assert again == pytest.approx(scores[best], abs=0.5)
    assert again != pytest.approx(scores[0], abs=0.5)
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
    ]


def test_pissa_goes_alone(base, dataset):
    config = LORA.Config(start="pissa", scaling="rslora")
    assert LORA.find_blockers(config, dataset, base, find_machine()) == [
        "start 'pissa' goes with neither rslora nor decompose: choose 'zero', or the others off."
    ]


def test_columns_can_only_be_taken_away(base, dataset):
    technique = TECHNIQUES["adalora"]
    config = technique.Config(first_rank=8, final_rank=8)
    assert technique.find_blockers(config, dataset, base, find_machine()) == [
        "AdaLoRA takes columns away, and final_rank (8) is not less than first_rank (8). Choose a "
        "first_rank of about 12."
    ]


def test_without_bitsandbytes_qlora_says_what_to_install(base, dataset, tmp_path, monkeypatch):
    technique = TECHNIQUES["qlora"]
    monkeypatch.setattr("tailor.techniques.qlora.find_spec", lambda name: None)
    assert technique.find_blockers(technique.Config(), dataset, base, find_machine()) == [
        "QLoRA keeps weights in 4 bits with bitsandbytes, which is not installed: "
        "pip install 'tailor-workbench[qlora]'."
    ]
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    with pytest.raises(WorkbenchError) as error:
        load_model(base, four_bit=True)
    assert str(error.value) == (
        "Found: bitsandbytes cannot be used (import of bitsandbytes halted; None in sys.modules)\n"
        "Needed: bitsandbytes, which keeps weights in 4 bits\n"
        "Do: pip install 'tailor-workbench[qlora]', or choose lora"
    )


def test_four_bits_are_an_eighth_and_answer_nearly_alike(base, dataset):
    pytest.importorskip("bitsandbytes")
    whole, small = load_model(base), load_model(base, four_bit=True)
    assert count(small)["total_parameters"] == count(whole)["total_parameters"]
    rounded = [module for module in small.modules() if type(module).__name__ == "Linear4bit"]
    assert len(rounded) == 14
    assert all(module.weight.numel() * 2 == module.weight.quant_state.shape.numel() for module in rounded)
    ids = torch.arange(40, 60)[None]
    with torch.no_grad():
        exact, near = whole(ids).logits, small(ids).logits
        assert torch.equal(small(ids).logits, near), "answering does not repack the weights"
    assert torch.corrcoef(torch.stack([exact.flatten(), near.flatten()]))[0, 1] > 0.8


def test_qlora_asks_for_less_memory_than_lora(base, dataset):
    large = replace(base, parameters=7_000_000_000)
    machine = replace(find_machine(), memory_gib=1.0)
    needed = []
    for name in ("lora", "qlora"):
        problems = TECHNIQUES[name].find_blockers(TECHNIQUES[name].Config(), dataset, large, machine)
        (problem,) = [problem for problem in problems if "about " in problem]
        needed.append(float(problem.split("about ")[1].split()[0]))
    assert needed[0] - needed[1] == pytest.approx(7e9 * (4 - 0.516) / 2**30, abs=0.1)
