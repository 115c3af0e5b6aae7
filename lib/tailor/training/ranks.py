"""AdaLoRA's budget of ranks while training: PEFT weighs and masks the columns; here it meets the optimizer.

What is known of the columns' worth is kept in the optimizer's own state, so that it stands in every checkpoint and a
resumed run takes away the same columns.
"""

from typing import Any

from tailor.training.objectives import Objective

ADAPTER = "default"  # PEFT's name for the only adapter
WORTH = ("exp_avg_ipt", "exp_avg_unc")  # PEFT's averages of the columns' importance, and of its swings


def share_out(model: Any, optimizer: Any, steps: int, *, first: float, last: float) -> None:
    """Take columns away as the steps go on, by the schedule of Zhang et al. 2023, section 3.3.

    Args:
        model: a PEFT model with AdaLoRA.
        steps: of the whole run.
        first, last: shares of the steps before the first column goes, and after the last one went.
    """
    tuner = model.base_model
    settings, allocator = tuner.peft_config[ADAPTER], tuner.rankallocator
    settings.total_step, settings.tinit, settings.tfinal = steps, int(first * steps), int(last * steps)
    if steps - settings.tfinal < 2:
        return  # PEFT weighs the columns in one step at least before it chooses among them
    weights = {
        name: weight
        for name, weight in tuner.model.named_parameters()
        if "lora_" in name and weight.requires_grad
    }

    def resume(*_: Any) -> None:
        handle.remove()
        settings.rank_pattern = _kept(tuner)
        for name, weight in weights.items():
            for key in WORTH:
                if key in optimizer.state.get(weight, {}):
                    getattr(allocator, key)[name] = optimizer.state[weight][key]
                    allocator.ipt[name] = None  # marks the weight as known; written before it is read

    def allocate(*_: Any) -> None:
        tuner.update_and_allocate(int(optimizer.state[next(iter(weights.values()))]["step"]))
        for name, weight in weights.items():
            for key in WORTH:
                if name in getattr(allocator, key):  # towards the end nothing is weighed any more
                    optimizer.state[weight][key] = getattr(allocator, key)[name]

    handle = optimizer.register_step_pre_hook(resume)
    optimizer.register_step_post_hook(allocate)


def keep_ranks(model: Any) -> None:
    """Let PEFT save the columns that are in use now: the weights put back may be of an earlier step than the last."""
    model.peft_config[ADAPTER].rank_pattern = _kept(model.base_model)


def _kept(tuner: Any) -> dict[str, list[bool]]:
    """Name of each matrix's scales -> which columns are in use. A matrix keeps one, if only a zero."""
    found = {}
    for name, weight in tuner.model.named_parameters():
        if f"lora_E.{ADAPTER}" in name:
            kept = (weight.detach() != 0).view(-1).tolist()
            found[name] = kept if any(kept) else [True, *kept[1:]]
    return found


class Orthogonal:
    """An objective that also holds the columns of AdaLoRA's matrices at right angles (Zhang et al. 2023, equation 4).

    The value that is told stays the task's own; the gradient has both.
    """

    def __init__(self, inner: Objective, strength: float) -> None:
        self.inner, self.strength = inner, strength
        self.encode, self.collate, self.as_language_model = (
            inner.encode,
            inner.collate,
            inner.as_language_model,
        )

    def loss(self, model: Any, batch: dict[str, Any]) -> tuple[Any, float]:
        summed, weight = self.inner.loss(model, batch)
        if self.strength and model.training:
            bent = self.strength * weight * crookedness(model)
            summed = summed + (bent - bent.detach())
        return summed, weight


def crookedness(model: Any) -> Any:
    """Mean over AdaLoRA's matrices of |M - I|, M the products of their columns with each other."""
    import torch

    norms = []
    for name, weight in model.named_parameters():
        if f"lora_A.{ADAPTER}" in name or f"lora_B.{ADAPTER}" in name:
            products = weight @ weight.T if "lora_A" in name else weight.T @ weight
            norms.append(torch.linalg.matrix_norm(products - torch.eye(len(products), device=weight.device)))
    return torch.stack(norms).mean()
