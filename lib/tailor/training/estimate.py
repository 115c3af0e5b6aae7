"""What training will need, before anything is loaded: rough figures from parameters, tokens and the machine."""

from tailor.machine import Machine

FLOPS_PER_CORE = {
    True: 130e9,
    False: 70e9,
}  # measured on two cores while training, with and without fast bf16
BASE_GIB = 1.0  # what Python, torch, transformers and peft take before a model is there


def memory_gib(parameters: int, trained_share: float, rows_at_once: int, tokens: int) -> float:
    """Memory at the highest, in GiB.

    Weights take 4 bytes each; a trained one 12 more (gradient, and Adam's two averages). Activations are taken as 24
    numbers of the model's width a layer and token (what a Llama block keeps for its backward pass), the width from the
    usual shape parameters = 12 * layers * width^2 with layers = width / 64.
    """
    width = (parameters * 64 / 12) ** (1 / 3)
    activations = rows_at_once * tokens * 24 * width * (width / 64) * 4
    weights = parameters * 4 + parameters * trained_share * 12
    return BASE_GIB + (weights + activations) / 2**30


def training_seconds(parameters: int, trained_share: float, tokens: int, machine: Machine) -> float:
    """Seconds to train on `tokens` tokens: 6 operations for each parameter and token, 4 where most are frozen."""
    operations = (4 + 2 * trained_share) * parameters * tokens
    speed = 50e12 if machine.accelerator else FLOPS_PER_CORE[machine.fast_bf16] * machine.cores
    return operations / speed


def lora_parameters(parameters: int, rank: int) -> int:
    """Parameters of LoRA on every linear layer, for a decoder of the usual shape (see `memory_gib`).

    A layer has four attention matrices of width x width and three of width x 8/3 width; each gets rank * (in + out).
    """
    width = (parameters * 64 / 12) ** (1 / 3)
    return round(width / 64 * rank * width * (4 * 2 + 3 * (1 + 8 / 3)))
