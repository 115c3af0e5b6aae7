"""The parts of a transformers model, found by how it is built: layers, norms, linear layers, a fresh head."""

from typing import Any


def blocks_of(model: Any) -> list[Any]:
    """The model's layers in order: the longest list of like modules in it (an encoder-decoder's decoder)."""
    import torch

    lists = [
        module
        for module in model.modules()
        if isinstance(module, torch.nn.ModuleList)
        and len({type(block) for block in module}) == 1
        and sum(weight.numel() for weight in module.parameters())
    ]
    return list(max(reversed(lists), key=lambda found: sum(w.numel() for w in found.parameters())))


def norms_of(model: Any) -> list[Any]:
    """Every layer norm, by what its class is called: LayerNorm, RMSNorm, LlamaRMSNorm."""
    return [
        module
        for module in model.modules()
        if "norm" in type(module).__name__.lower() and not list(module.children())
    ]


def is_linear(module: Any) -> bool:
    """Whether a module multiplies by a matrix; GPT-2's layers keep theirs the other way round."""
    import torch
    from transformers.pytorch_utils import Conv1D

    return isinstance(module, (torch.nn.Linear, Conv1D))


def out_features(module: Any) -> int:
    """Numbers that come out of a linear layer."""
    return module.out_features if hasattr(module, "out_features") else module.nf


def new_head(model: Any) -> list[Any]:
    """The weights of an encoder's classification head, which pre-training has not seen as a rule; none for a decoder.

    The layer that pools what the head reads belongs to it: most pre-trained encoders come without one.
    """
    if not type(model).__name__.endswith("ForSequenceClassification"):
        return []
    body = f"{model.base_model_prefix}."
    return [w for name, w in model.named_parameters() if not name.startswith(body) or ".pooler." in name]


def new_head_modules(model: Any) -> list[str]:
    """Names of the outermost modules that hold nothing but `new_head`'s weights: "classifier", "bert.pooler"."""
    new = {id(weight) for weight in new_head(model)}
    found: list[str] = []
    for name, module in model.named_modules():
        own = [id(weight) for weight in module.parameters()]
        if own and new.issuperset(own) and not any(name.startswith(f"{outer}.") for outer in found):
            found.append(name)
    return found
