"""What training will need, before anything is loaded: rough figures from parameters, tokens and the machine."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tailor.machine import Machine

if TYPE_CHECKING:
    from tailor.models.catalog import ModelSource

FLOPS_PER_CORE = {
    True: 130e9,
    False: 70e9,
}  # measured on two cores while training, with and without fast bf16
BASE_GIB = 1.0  # what Python, torch, transformers and peft take before a model is there


@dataclass(frozen=True)
class Shape:
    """A model's sizes: numbers of a state, layers, numbers inside the feed-forward part, experts (0: no mixture).

    And what transformers calls its architecture; empty where its config.json is not here.
    """

    width: int
    layers: int
    inner: int
    experts: int = 0
    model_type: str = ""


def shape_of(base: "ModelSource") -> Shape:
    """The model's sizes from its config.json; without one (hub models), those of a usual decoder of its parameters."""
    usual = round(((base.parameters or 0) * 64 / 12) ** (1 / 3))
    found = {}
    if base.folder and (base.folder / "config.json").is_file():
        found = json.loads((base.folder / "config.json").read_text(encoding="utf-8"))
        found |= found.get("text_config") or {}

    def first(*names: str, otherwise: int) -> int:
        return next((int(found[name]) for name in names if isinstance(found.get(name), int)), otherwise)

    width = first("hidden_size", "n_embd", "d_model", otherwise=usual)
    layers = first("num_hidden_layers", "n_layer", "num_layers", otherwise=max(1, width // 64))
    inner = first("intermediate_size", "d_ff", "ffn_dim", "n_inner", otherwise=8 * width // 3)
    experts = first("num_local_experts", "num_experts", "n_routed_experts", otherwise=0)
    return Shape(width, layers, inner, experts, found.get("model_type", ""))


def memory_gib(
    parameters: int, trained_share: float, rows_at_once: int, tokens: int, weight_bytes: float = 4.0
) -> float:
    """Memory at the highest, in GiB.

    Weights take 4 bytes each (or `weight_bytes`); a trained one 12 more (gradient, and Adam's two averages).
    Activations are taken as 24 numbers of the model's width a layer and token (what a Llama block keeps for its
    backward pass), the width from the usual shape parameters = 12 * layers * width^2 with layers = width / 64.
    """
    width = (parameters * 64 / 12) ** (1 / 3)
    activations = rows_at_once * tokens * 24 * width * (width / 64) * 4
    weights = parameters * weight_bytes + parameters * trained_share * 12
    return BASE_GIB + (weights + activations) / 2**30


def training_seconds(parameters: int, trained_share: float, tokens: int, machine: Machine) -> float:
    """Seconds to train on `tokens` tokens: 6 operations for each parameter and token, 4 where most are frozen."""
    operations = (4 + 2 * trained_share) * parameters * tokens
    speed = 50e12 if machine.accelerator else FLOPS_PER_CORE[machine.fast_bf16] * machine.cores
    return operations / speed


def lora_parameters(shape: Shape, rank: int) -> int:
    """Parameters of LoRA on a decoder's linear layers: four of attention, three of the feed-forward part.

    Each gets rank * (in + out).
    """
    attention, forward = 4 * 2 * shape.width, 3 * (shape.width + shape.inner)
    return shape.layers * rank * (attention + forward)
