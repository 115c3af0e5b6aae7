"""LoRA's kin: each learns, each is loaded as it was saved, and the base's weights are left alone."""

import pytest

from tailor.machine import find_machine
from tailor.progress import Log
from tailor.techniques import TECHNIQUES

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
