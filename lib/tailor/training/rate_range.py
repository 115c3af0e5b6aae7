"""The learning-rate range test: a short sweep from a small rate to a large one on the training rows themselves.

Source: Smith 2017, Cyclical Learning Rates for Training Neural Networks, section 3.3. The rate rises by the same factor
with every step; at first the loss hardly moves, then it falls, and at last it breaks away. The rate taken is a tenth of
the one at which the loss stood lowest: there it still falls fast, with room before it breaks.
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
SMOOTHING = 0.8  # share of the smoothed loss that is kept at each step
BROKEN = 2.0  # the sweep ends where the smoothed loss is this many times the lowest
BELOW = 10.0  # the rate taken is the one of the lowest loss divided by this
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
    """The rate a tenth of the one with the lowest smoothed loss; the given one where the loss never fell.

    Args:
        losses: of the batch before the step at each rate, all finite.
    """
    smooth = _smoothed(losses)
    lowest = min(range(len(smooth)), key=smooth.__getitem__) if smooth else 0
    chosen = float(f"{rates[lowest] / BELOW:.2g}") if lowest else given
    return RateTest(rates=rates[: len(smooth)], losses=losses, smoothed=smooth, given=given, chosen=chosen)


def tell(found: RateTest) -> str:
    """What was tried and taken, in a sentence."""
    if not found.smoothed or min(found.smoothed) == found.smoothed[0]:
        return (
            f"Learning-rate range test: the loss fell at no rate, so the setting's {found.given:g} was kept."
        )
    lowest = found.rates[found.smoothed.index(min(found.smoothed))]
    return (
        f"Learning-rate range test: from {found.rates[0]:.1g} to {found.rates[-1]:.1g}, the loss was lowest at "
        f"{lowest:.2g}; a tenth of that, {found.chosen:g}, was taken in place of {found.given:g}."
    )


def _smoothed(losses: list[float]) -> list[float]:
    """Exponential means, each divided by the sum of its own weights, so that the first ones are not too low."""
    means, mean = [], 0.0
    for step, loss in enumerate(losses, start=1):
        mean = SMOOTHING * mean + (1 - SMOOTHING) * loss
        means.append(mean / (1 - SMOOTHING**step))
    return [round(value, 6) for value in means]


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
    import torch
    from transformers import set_seed

    set_seed(seed)
    weights, rates = trainable(model), _rates(config)
    kept = {name: weight.detach().clone() for name, weight in weights.items()}
    optimizer = (make_optimizer or _adam(config))(model, config.learning_rate)
    shares = [group["lr"] / config.learning_rate for group in optimizer.param_groups]
    batches, training, losses = _batches(rows, config, seed), model.training, []
    model.train()
    try:
        for rate in log.track(rates, "learning rates tried"):
            for group, share in zip(optimizer.param_groups, shares, strict=True):
                group["lr"] = rate * share
            loss = _step(model, objective, next(batches), optimizer, config.max_grad_norm)
            if not math.isfinite(loss):
                break
            losses.append(round(loss, 6))
            smooth = _smoothed(losses)
            if smooth[-1] > BROKEN * min(smooth):
                break
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


def _step(model: Any, objective: Objective, parts: list[Any], optimizer: Any, longest: float) -> float:
    """One optimizer's step; the batch's mean loss before it."""
    import torch

    device = next(model.parameters()).device
    batches = [{key: value.to(device) for key, value in objective.collate(part).items()} for part in parts]
    whole, total = sum(float(prediction_weights(batch).sum()) for batch in batches), 0.0
    for batch in batches:
        with autocast(device):
            summed, _ = objective.loss(model, batch)
        loss = summed / whole
        if not bool(loss.isfinite()):
            return math.nan
        loss.backward()
        total += float(loss.detach())
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    if not bool(torch.nn.utils.clip_grad_norm_(weights, longest).isfinite()):
        return math.nan
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return total
