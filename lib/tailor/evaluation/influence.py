"""Which training rows speak for an answer: rows whose step would move the weights the way that makes it likelier.

Pruthi et al. 2020, TracIn: the influence of a training row on an answer is the product of both losses'
gradients, summed over checkpoints; here at the last one alone. The products are divided by the gradients' lengths, or
the oddest rows would come first for every answer (Barshan et al. 2020, RelatIF).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tailor.data.dataset import Example
from tailor.progress import Log

if TYPE_CHECKING:
    import torch

MOST_NUMBERS = 50_000_000
"""Trained numbers whose gradients are compared; of more, the last layers' alone."""


@dataclass(frozen=True)
class Influence:
    """A training row and how its gradient lies to the answer's: 1 the same way, 0 across, -1 against it."""

    row: Example
    cosine: float


def most_alike(train: Sequence[Example], asked: str, most: int) -> list[tuple[Example, float]]:
    """The training rows whose inputs share most words with a text, and how like they are by TF-IDF, 0 to 1."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = [row.input for row in train]
    try:
        vectors = TfidfVectorizer(sublinear_tf=True, token_pattern=r"(?u)\b\w+\b").fit_transform(
            [*texts, asked]
        )
    except ValueError:  # no word in any text
        return [(row, 0.0) for row in train[:most]]
    likeness = np.asarray((vectors[:-1] @ vectors[-1].T).todense()).ravel()
    return [(train[place], float(likeness[place])) for place in np.argsort(-likeness, kind="stable")[:most]]


def influences(
    network: Any, objective: Any, weights: "Sequence[torch.nn.Parameter]", answer: Example, rows: Sequence[Example],
    log: Log,
) -> list[Influence]:  # fmt: skip
    """Training rows by how they speak for an answer, the most helpful first.

    Args:
        objective: turns an example into a loss, as in training.
        weights: the trained ones; made ready for gradients.
        answer: an input with the answer that was given (not with the right one).
    """
    chosen = nearest_output(weights)
    network.requires_grad_(False)
    for weight in chosen:
        weight.requires_grad_(True)
    wanted = _gradient(network, objective, chosen, answer)
    if wanted is None:
        return []
    found = []
    for row in log.track(rows, "training rows compared"):
        gradient = _gradient(network, objective, chosen, row)
        if gradient is not None:
            found.append(Influence(row, _cosine(wanted, gradient)))
    return sorted(found, key=lambda each: -each.cosine)


def nearest_output(
    weights: "Sequence[torch.nn.Parameter]", most: int = MOST_NUMBERS
) -> "list[torch.nn.Parameter]":
    """The last weights, as many as hold at most `most` numbers; one at least."""
    kept, numbers = [], 0
    for weight in reversed(weights):
        numbers += weight.numel()
        if kept and numbers > most:
            break
        kept.append(weight)
    return kept[::-1]


def _gradient(network: Any, objective: Any, weights: "list[torch.nn.Parameter]", row: Example) -> Any:
    """The gradient of a row's mean loss, a tensor for each weight; None where nothing of the row can be learned."""
    import torch

    from tailor.models.local_model import evaluating

    encoded = objective.encode(row)
    if encoded is None:
        return None
    with evaluating(network), torch.enable_grad():
        device = weights[0].device
        batch = {name: part.to(device) for name, part in objective.collate([encoded]).items()}
        summed, weight = objective.loss(network, batch)
        parts = torch.autograd.grad(summed / weight, weights, allow_unused=True)
    return [torch.zeros_like(w) if part is None else part for part, w in zip(parts, weights, strict=True)]


def _cosine(first: Any, second: Any) -> float:
    product = sum(float((a * b).sum()) for a, b in zip(first, second, strict=True))
    lengths = [sum(float((part**2).sum()) for part in each) ** 0.5 for each in (first, second)]
    return product / max(lengths[0] * lengths[1], 1e-30)
