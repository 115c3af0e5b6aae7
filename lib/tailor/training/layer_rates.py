"""A learning rate for each layer: falling with depth, or held to a share of the layer's size (LARC)."""

from collections.abc import Callable
from typing import Any

import torch

from tailor.models.parts import blocks_of
from tailor.records import UPDATE_RATIO


def decayed_groups(model: Any, rate: float, decay: float) -> list[dict[str, Any]]:
    """Parameter groups, one a layer, whose rates fall towards the input.

    The last layer and what stands after it has the full rate, each one before it `decay` times the next one's, and
    the embeddings that of a layer before the first.

    Returns:
        [{"params", "lr", "layer"}], embeddings first; a group's `layer` is its name in the chart.
    """
    layers = blocks_of(model)
    depth = {id(weight): number for number, block in enumerate(layers) for weight in block.parameters()}
    embeddings = {id(model.get_input_embeddings().weight)}
    groups: dict[int, list[Any]] = {}
    for name, weight in model.named_parameters():
        if weight.requires_grad:
            before = id(weight) in embeddings or "embed" in name.lower()
            place = depth.get(id(weight), -1 if before else len(layers) - 1)
            groups.setdefault(place, []).append(weight)
    return [
        {
            "params": weights,
            "lr": rate * decay ** (len(layers) - 1 - place),
            "layer": "embeddings" if place < 0 else f"layer {place + 1}",
        }
        for place, weights in sorted(groups.items())
    ]


class LARC(torch.optim.Optimizer):
    """Layer-wise adaptive rate control: gradient descent with momentum, each tensor at a rate of its own.

    The local rate is trust * |w| / (|g| + decay * |w|), and never more than the group's own ("clipping"): a tensor
    with a large gradient takes a small step, one with a small gradient no larger one than the schedule allows.
    Source: You et al. 2017, section 4 (equation 6); clipping as in NVIDIA's description of LARC.

    Args:
        params: parameters or groups, as for any optimizer of torch.
        lr: the global rate, which a schedule may change.
        trust: the trust coefficient.
    """

    def __init__(
        self, params: Any, lr: float, *, trust: float = 0.02, momentum: float = 0.9, weight_decay: float = 0.0
    ) -> None:
        super().__init__(
            params, {"lr": lr, "trust": trust, "momentum": momentum, "weight_decay": weight_decay}
        )

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._move(weight, group)
        return loss

    def _move(self, weight: torch.Tensor, group: dict[str, Any]) -> None:
        gradient = weight.grad + group["weight_decay"] * weight
        rate = local_rate(weight, weight.grad, group["lr"], group["trust"], group["weight_decay"])
        state = self.state[weight]
        if "velocity" not in state:
            state["velocity"] = torch.zeros_like(weight)
        state["velocity"].mul_(group["momentum"]).add_(gradient, alpha=rate)
        weight.sub_(state["velocity"])


def local_rate(
    weight: torch.Tensor, gradient: torch.Tensor, rate: float, trust: float, decay: float
) -> float:
    """A tensor's own rate; the global one where the weight or the gradient is zero."""
    size, slope = float(weight.norm()), float(gradient.norm())
    if not size or not slope:
        return rate
    return min(rate, trust * size / (slope + decay * size))


def record_update_ratios(
    optimizer: torch.optim.Optimizer,
    add: Callable[[str, int, float], None],
    step: Callable[[], int],
    every: int,
) -> None:
    """Tell |change| / |weights| of every named layer, every `every` steps: about 0.001 is usual; 0.1 overturns it.

    Args:
        optimizer: its groups carry `layer` (see `decayed_groups`).
        add: (curve, step, value).
        step: the number of the step about to be taken.
    """
    before: dict[str, list[torch.Tensor]] = {}

    def remember(optimizer: torch.optim.Optimizer, *_: Any) -> None:
        if step() % every == 0 or step() == 1:
            groups = optimizer.param_groups
            before.update({g["layer"]: [w.detach().clone() for w in g["params"]] for g in groups})

    def tell(optimizer: torch.optim.Optimizer, *_: Any) -> None:
        for group in optimizer.param_groups if before else []:
            old = before[group["layer"]]
            moved = [new.detach() - was for new, was in zip(group["params"], old, strict=True)]
            add(UPDATE_RATIO + group["layer"], step(), float(_length(moved) / max(_length(old), 1e-12)))
        before.clear()

    optimizer.register_step_pre_hook(remember)
    optimizer.register_step_post_hook(tell)


def _length(tensors: list[torch.Tensor]) -> float:
    return float(torch.stack([tensor.norm() for tensor in tensors]).norm())
