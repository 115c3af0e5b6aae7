"""Lesson: a few weights trained in the place of all, and why so few can do."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from tailor.blocks import Block, Figure, Text
from tailor.data.dataset import Dataset
from tailor.lessons.prediction import share
from tailor.lessons.trials import Plan, Trial
from tailor.settings import Settings

RANKS = (1, 4, 16)
EPOCHS = {"epochs": 6.0, "patience": 0}
PLANS: dict[str, Plan] = {
    "norms": ("norms", "layer_norm", EPOCHS),
    "vectors": ("(IA)³", "ia3", EPOCHS),
    "bottleneck": ("bottleneck", "bottleneck", {"width": 8, **EPOCHS}),
    "rank_1": ("LoRA, rank 1", "lora", {"rank": 1, **EPOCHS}),
    "rank_4": ("LoRA, rank 4", "lora", {"rank": 4, **EPOCHS}),
    "rank_16": ("LoRA, rank 16", "lora", {"rank": 16, **EPOCHS}),
    "everything": ("all weights", "full", EPOCHS),
}
MATRICES = ("self_attn.q_proj", "self_attn.o_proj", "mlp.up_proj", "mlp.down_proj")


class Prediction(Settings):
    """What share of the held-out questions will be sorted rightly? Guessing blindly gives one in six."""

    norms: float = share("Only the scales in the norms are trained: under two thousand numbers.")
    rank_1: float = share("LoRA with the smallest rank there is: one column beside each weight matrix.")
    rank_16: float = share("LoRA as 07 proposes it.")
    everything: float = share("Every weight of the model, over three million.")


def drawing(dataset: Dataset, technique_name: str, settings: dict[str, Any]) -> list[Block]:
    """Which parts of the lessons' model a technique trains, and how much that is."""
    from tailor.models.catalog import resolve
    from tailor.plots import network_parts
    from tailor.techniques import find_technique
    from tailor.techniques.anatomy import anatomy
    from tailor.techniques.page import cost_of

    technique = find_technique(technique_name)
    parts = anatomy(
        technique, technique.Config(**settings), resolve(dataset.record.base_model), dataset.labels
    )
    alt = f"{technique.title} in the network: {cost_of(parts)}"
    return [Figure(lambda: network_parts(parts), alt), Text(cost_of(parts))]


def numbers_and_result(trials: Iterable[Trial]) -> list[Block]:
    """Accuracy over the numbers trained."""
    from tailor.plots import price_and_result

    trials = list(trials)
    names, results = [trial.name for trial in trials], [trial.accuracy for trial in trials]
    prices = [trial.parameters for trial in trials]
    told = "; ".join(
        f"{n}: {p:,} numbers, {e.value:.0%}" for n, p, e in zip(names, prices, results, strict=True)
    )
    return [Figure(lambda: price_and_result(names, prices, results, "numbers trained", log=True), told)]


def directions(dataset: Dataset, trial: Trial, layer: int = 1) -> list[Block]:
    """How few directions hold most of what full fine-tuning changed in a layer's matrices, and of random numbers.

    Args:
        trial: of full fine-tuning.
        layer: from 0.
    """
    from tailor.plots import held_by_directions

    held = held_shares(dataset, trial, layer)
    size = len(held["q_proj"])
    held["random numbers"] = _held(np.random.default_rng(0).normal(size=(size, size)))
    told = "; ".join(f"{name}: {values[15]:.0%}" for name, values in held.items())
    alt = f"Share of the change in layer {layer + 1} that its 16 largest directions hold: {told}"
    return [Figure(lambda: held_by_directions(held, RANKS), alt)]


def held_shares(dataset: Dataset, trial: Trial, layer: int) -> dict[str, list[float]]:
    """Matrix -> share of the squared change held by its 1, 2, 3... largest directions (singular values)."""
    from tailor.models.loading import load_model

    before, after = load_model(dataset.record.base_model), load_model(trial.folder / "model")
    blocks = [model.model.layers[layer] for model in (before, after)]
    shares = {}
    for name in MATRICES:
        old, new = (block.get_submodule(name).weight.detach().float().numpy() for block in blocks)
        shares[name.split(".")[1]] = _held(new - old)
    return shares


def _held(change: np.ndarray) -> list[float]:
    sizes = np.linalg.svd(change, compute_uv=False) ** 2
    return (np.cumsum(sizes) / max(sizes.sum(), 1e-12)).tolist()
