"""What tuning changed in a model's weights: which were trained, how far each layer moved, in how many directions.

The tuned model is compared with its base, weight by weight; an adapter is merged first, so that techniques can be
compared by what they do and not by how they keep it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tailor.data.dataset import Dataset
from tailor.records import RunRecord

if TYPE_CHECKING:
    import torch

LARGEST = 2048
"""The shorter side up to which a matrix's singular values are computed exactly; of larger ones the first 256."""


@dataclass(frozen=True)
class LayerChange:
    """How far a layer moved.

    Attributes:
        relative: length of its change divided by the length of its weights (Frobenius norms over all its weights).
        rank: mean effective rank of its matrices' changes (Roy and Vetterli 2007, The Effective Rank): in how many
            directions they moved, between 1 and the shorter side; 0 where no matrix moved.
    """

    layer: str
    relative: float
    rank: float


def base_network(run: RunRecord, dataset: Dataset) -> Any:
    """The base model of a run, as it was before training."""
    from tailor.models.catalog import resolve
    from tailor.techniques.full import load_base

    return load_base(resolve(run.base_model), dataset)


def trained_weights(network: Any, base: Any) -> "dict[str, torch.nn.Parameter]":
    """The weights of a tuned model that its base does not have, or has otherwise."""
    before = {name: weight.detach() for name, weight in base.named_parameters()}
    return {
        name: weight
        for name, weight in network.named_parameters()
        if "original_module" not in name and not _is_known(_plain(name), weight, before)
    }


def layer_changes(network: Any, base: Any) -> list[LayerChange]:
    """How far every layer moved, from input to output; `network` is merged with its adapter and spoilt by it."""
    from tailor.models.parts import new_head
    from tailor.techniques.anatomy import places_of

    own = {_plain(name): weight.detach() for name, weight in _merged(network).named_parameters()}
    fresh = {id(weight) for weight in new_head(base)}  # a new head has no past to compare with
    places, found = dict(places_of(base)), {}
    for name, weight in base.named_parameters():
        if id(weight) in fresh or name not in own:
            continue
        before = weight.detach().float()
        change = own[name].float()[: len(before)] - before  # a larger vocabulary keeps its first rows
        layer, part = places[id(weight)]
        layer = part if part in ("embedding", "head") else layer
        squares, total, ranks = found.setdefault(layer, [0.0, 0.0, []])
        found[layer][0] = squares + float((change**2).sum())
        found[layer][1] = total + float((before**2).sum())
        if change.dim() == 2 and bool(change.any()):
            ranks.append(effective_rank(change))
    return [
        LayerChange(layer, (squares / max(total, 1e-30)) ** 0.5, sum(ranks) / len(ranks) if ranks else 0.0)
        for layer, (squares, total, ranks) in found.items()
    ]


def effective_rank(change: "torch.Tensor") -> float:
    """exp of the entropy of a matrix's singular values, scaled to sum to 1 (Roy and Vetterli 2007, definition 1)."""
    import torch

    if min(change.shape) <= LARGEST:
        values = torch.linalg.svdvals(change.double())
    else:
        values = torch.svd_lowrank(change.float(), q=256, niter=2)[1].double()
    shares = values / values.sum()
    shares = shares[shares > 1e-12]
    return float(torch.exp(-(shares * shares.log()).sum()))


def soft_prompt_words(model: Any) -> list[list[str]]:
    """For each virtual token the vocabulary's nearest tokens; none where the model reads no virtual tokens."""
    from tailor.models.virtual_tokens import VirtualTokens, nearest_words

    embedding = model.model.get_input_embeddings()
    if not isinstance(embedding, VirtualTokens):
        return []
    return nearest_words(embedding.source(), model.model, model.tokenizer)


def _merged(network: Any) -> Any:
    """The network with its adapter merged into its weights; as it is where there is none, or none that merges."""
    if not hasattr(network, "merge_and_unload") or network.active_peft_config.is_prompt_learning:
        return network
    return network.merge_and_unload()


def _plain(name: str) -> str:
    """A weight's name without what PEFT and virtual tokens put around the base model's modules."""
    for wrapping in ("base_model.model.", ".base_layer", ".modules_to_save.default"):
        name = name.replace(wrapping, "")
    return name.replace(".base.weight", ".weight")


def _is_known(name: str, weight: "torch.Tensor", before: "dict[str, torch.Tensor]") -> bool:
    """Whether the base has this very weight, under its name or, where a technique wrapped a module, under another."""
    import torch

    candidates = [before[name]] if name in before else list(_same_shape(weight, before))
    return any(kept.shape == weight.shape and torch.equal(kept, weight.detach()) for kept in candidates)


def _same_shape(weight: "torch.Tensor", before: "dict[str, torch.Tensor]") -> "Iterator[torch.Tensor]":
    return (kept for kept in before.values() if kept.shape == weight.shape)
