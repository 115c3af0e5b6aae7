"""The learning-rate range test: a short sweep from a small rate to a large one on the training rows themselves.

Source: Smith 2017, Cyclical Learning Rates for Training Neural Networks, section 3.3. The rate rises by the same factor
with every step; at first the loss hardly moves, then it falls, and at last it breaks away. The rate taken is the one at
which it fell fastest. The loss is measured on the same few training rows after every step: that of the step's own batch
swings more from batch to batch than it falls.
"""

import itertools
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tailor.files import write_json
from tailor.models.forward import autocast
from tailor.progress import Log
from tailor.records import RateTest
from tailor.settings import describe
from tailor.training.batches import LengthBuckets, prediction_weights
from tailor.training.objectives import Objective
from tailor.training.settings import TrainingConfig
from tailor.training.weights import trainable

STEPS = 40
WIDTH = 100.0  # the sweep goes from the setting's rate / WIDTH to the rate * WIDTH
PROBE = 32  # rows on which the loss is measured
BROKEN = 2.0  # the sweep ends where the loss is this many times the lowest
FILE = "rate_range.json"


def tested_rate(
    model: Any,
    objective: Objective,
    rows: list[dict[str, Any]],
    config: TrainingConfig,
    folder: Path,
    make_optimizer: Callable[[Any, float], Any] | None,
    *,
    seed: int,
    log: Log,
) -> RateTest:
    """Test the rates, or read what was found before this run was killed; the model is left as it was.

    Args:
        rows: encoded training rows.
        folder: the run's checkpoints.
        make_optimizer: of `tailor.training.run.train`.
    """
    if (folder / FILE).exists():
        return RateTest.model_validate_json((folder / FILE).read_text(encoding="utf-8"))
    rates, losses = _sweep(model, objective, rows, config, make_optimizer, seed, log)
    found = choose(rates, losses, config.learning_rate)
    write_json(folder / FILE, found.model_dump(mode="json"))
    return found


def choose(rates: list[float], losses: list[float], given: float) -> RateTest:
    """The rate at which the loss fell fastest on its way to the lowest; the given one where it never fell.

    Args:
        losses: after the step at each rate, all finite; perhaps fewer than rates.
    """
    lowest = min(range(len(losses)), key=losses.__getitem__, default=0)
    chosen = given
    if lowest:
        # over two steps, for one alone may be chance
        steepest = min(range(1, max(lowest, 2)), key=lambda at: losses[min(at + 1, lowest)] - losses[at - 1])
        chosen = float(f"{rates[steepest]:.2g}")
    return RateTest(rates=rates[: len(losses)], losses=losses, given=given, chosen=chosen)


def tell(found: RateTest) -> str:
    """What was tried and taken, in a sentence."""
    if not found.losses or min(found.losses) == found.losses[0]:
        return (
            f"Learning-rate range test: the loss fell at no rate, so the setting's {found.given:g} was kept."
        )
    lowest = found.rates[found.losses.index(min(found.losses))]
    return (
        f"Learning-rate range test: from {found.rates[0]:.1g} to {found.rates[-1]:.1g}, the loss was lowest at "
        f"{lowest:.2g} and fell fastest at {found.chosen:g}, which was taken in place of {found.given:g}."
    )


def _rates(config: TrainingConfig) -> list[float]:
    """The rates in order, within what the setting allows."""
    (field,) = [field for field in describe(type(config)) if field.name == "learning_rate"]
    low, high = config.learning_rate / WIDTH, min(config.learning_rate * WIDTH, field.high or math.inf)
    return [float(f"{low * (high / low) ** (step / (STEPS - 1)):.4g}") for step in range(STEPS)]


def _sweep(
    model: Any,
    objective: Objective,
    rows: list[dict[str, Any]],
    config: TrainingConfig,
    make_optimizer: Callable[[Any, float], Any] | None,
    seed: int,
    log: Log,
) -> tuple[list[float], list[float]]:
    """The rates, and the losses up to where they break away; the weights are put back."""
    import numpy as np
    import torch
    from transformers import set_seed

    from tailor.training.watch import validation_loss

    set_seed(seed)
    weights, rates = trainable(model), _rates(config)
    kept = {name: weight.detach().clone() for name, weight in weights.items()}
    optimizer = (make_optimizer or _adam(config))(model, config.learning_rate)
    shares = [group["lr"] / config.learning_rate for group in optimizer.param_groups]
    drawn = np.random.default_rng(seed).permutation(len(rows))[:PROBE]
    probe = [rows[number] for number in sorted(drawn)]
    batches, training, losses = _batches(rows, config, seed), model.training, []
    model.train()
    try:
        for rate in log.track(rates, "learning rates tried"):
            for group, share in zip(optimizer.param_groups, shares, strict=True):
                group["lr"] = rate * share
            if not _step(model, objective, next(batches), optimizer, config.max_grad_norm):
                break
            loss = validation_loss(model, objective, probe, 2 * config.rows_at_once)
            if not math.isfinite(loss) or loss > BROKEN * min([loss, *losses]):
                break
            losses.append(round(loss, 6))
    finally:
        with torch.no_grad():
            for name, weight in weights.items():
                weight.copy_(kept[name])
        optimizer.zero_grad(set_to_none=True)
        model.train(training)
    return rates, losses


def _adam(config: TrainingConfig) -> Callable[[Any, float], Any]:
    def make(model: Any, rate: float) -> Any:
        import torch

        return torch.optim.AdamW(trainable(model).values(), lr=rate, weight_decay=config.weight_decay)

    return make


def _batches(
    rows: list[dict[str, Any]], config: TrainingConfig, seed: int
) -> Iterator[list[list[dict[str, Any]]]]:
    """Effective batches without end, each as the parts that go through the model together."""
    size = min(config.rows_at_once, config.effective_batch_size)
    parts = max(1, config.effective_batch_size // config.rows_at_once)
    lengths = [len(row["input_ids"]) for row in rows]

    def each() -> Iterator[list[dict[str, Any]]]:
        for epoch in itertools.count():
            order = list(LengthBuckets(lengths, size, seed, epoch=lambda epoch=epoch: epoch))
            for start in range(0, len(order), size):
                yield [rows[number] for number in order[start : start + size]]

    source = each()
    while True:
        yield [next(source) for _ in range(parts)]


def _step(model: Any, objective: Objective, parts: list[Any], optimizer: Any, longest: float) -> bool:
    """One optimizer's step; False where the loss or the gradient is no number."""
    import torch

    device = next(model.parameters()).device
    batches = [{key: value.to(device) for key, value in objective.collate(part).items()} for part in parts]
    whole = sum(float(prediction_weights(batch).sum()) for batch in batches)
    for batch in batches:
        with autocast(device):
            summed, _ = objective.loss(model, batch)
        if not bool(summed.isfinite()):
            return False
        (summed / whole).backward()
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    if not bool(torch.nn.utils.clip_grad_norm_(weights, longest).isfinite()):
        return False
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return True
