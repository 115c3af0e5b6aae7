"""A sentence encoder with a linear head on its embeddings: how SetFit and a fine-tuned encoder answer, and are kept."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from tailor.errors import WorkbenchError
from tailor.models.batching import stack

if TYPE_CHECKING:
    from tailor.models.catalog import ModelSource
    from tailor.models.classifier import ClassifierModel

BATCH = 64
HEAD = "head.safetensors"


class EmbeddingClassifier(torch.nn.Module):
    """Mean-pooled embeddings of length 1, [b, d], times a matrix: logits [b, k].

    Args:
        body: an encoder of transformers without a head.
        weight: [k, d].
        bias: [k]; a label that no row taught has minus infinity.
    """

    def __init__(self, body: Any, weight: torch.Tensor, bias: torch.Tensor) -> None:
        super().__init__()
        self.body, self.config = body, body.config
        self.register_buffer("head_weight", weight.float())
        self.register_buffer("head_bias", bias.float())

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> SimpleNamespace:
        vectors = mean_embedding(self.body, input_ids, attention_mask)
        with torch.autocast(vectors.device.type, enabled=False):
            return SimpleNamespace(logits=vectors @ self.head_weight.T + self.head_bias)


class CosineClassifier(torch.nn.Module):
    """An encoder and one direction for each label, trained together: logits [b, k] are cosines times a scale.

    Args:
        body: an encoder of transformers without a head.
        directions: [k, d]; their lengths do not matter.
    """

    def __init__(self, body: Any, directions: torch.Tensor, scale: float) -> None:
        super().__init__()
        self.body, self.config, self.scale = body, body.config, scale
        self.head = torch.nn.Parameter(directions.float())

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> SimpleNamespace:
        vectors = mean_embedding(self.body, input_ids, attention_mask)
        with torch.autocast(vectors.device.type, enabled=False):
            return SimpleNamespace(logits=vectors @ self.linear().T)

    def linear(self) -> torch.Tensor:
        """[k, d]: what the embeddings are multiplied with."""
        return torch.nn.functional.normalize(self.head, dim=1) * self.scale


def save_classifier(model: CosineClassifier, folder: Path, base: str) -> None:
    """Write the encoder and its head as `load_classifier` reads them."""
    from tailor.training.weights import save_model

    save_model(model.body, folder, base)
    with torch.no_grad():
        weight = model.linear().cpu().contiguous()
    save_head(weight, torch.zeros(len(weight)), folder)


def save_head(weight: torch.Tensor, bias: torch.Tensor, folder: Path) -> None:
    from safetensors.torch import save_file

    save_file({"weight": weight, "bias": bias}, str(folder / HEAD))


def load_classifier(base: "ModelSource", labels: Sequence[str], folder: Path) -> "ClassifierModel":
    """The encoder and head in `folder`, with the tokenizer of the base model.

    Raises:
        WorkbenchError: the head cannot be read.
    """
    from safetensors.torch import load_file

    from tailor.models.classifier import ClassifierModel
    from tailor.models.loading import load_model, load_tokenizer

    try:
        head = load_file(str(folder / HEAD))
    except Exception as error:  # safetensors has its own kinds
        raise WorkbenchError(
            f"{folder / HEAD} cannot be read ({str(error).splitlines()[0]})",
            "the head as tuning wrote it",
            "run 07_tune again",
        ) from error
    model = EmbeddingClassifier(load_model(str(folder), task="embed"), head["weight"], head["bias"])
    return ClassifierModel(model.eval(), load_tokenizer(base), labels)


def mean_embedding(body: Any, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
    """[b, t] ids -> [b, d] fp32 vectors of length 1: token states averaged over the real tokens."""
    states = body(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state.float()
    real = attention_mask.unsqueeze(-1).float()
    return torch.nn.functional.normalize((states * real).sum(1) / real.sum(1).clamp(min=1), dim=1)


def embed_ids(body: Any, encoded: Sequence[Sequence[int]], pad_id: int) -> np.ndarray:
    """[n, d] fp32 vectors of length 1, one a row of ids; rows of like length are computed together."""
    order = sorted(range(len(encoded)), key=lambda row: len(encoded[row]))
    vectors = np.zeros((len(encoded), body.config.hidden_size), dtype=np.float32)
    device = next(body.parameters()).device
    with torch.inference_mode():
        for first in range(0, len(order), BATCH):
            rows = order[first : first + BATCH]
            batch = stack([encoded[row] for row in rows], pad_id, device)
            vectors[rows] = mean_embedding(body, **batch).cpu().numpy()
    return vectors


def fit_head(
    vectors: np.ndarray,
    outputs: list[str],
    labels: list[str],
    strength: float,
    weights: Sequence[float] | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """A logistic regression on embeddings, as weight [k, d] and bias [k] in the order of ``labels``.

    Args:
        strength: inverse of the regularization, scikit-learn's C.
        weights: how much each row counts; all the same where nothing is said.
    """
    from sklearn.linear_model import LogisticRegression

    weight = torch.zeros(len(labels), vectors.shape[1])
    bias = torch.full((len(labels),), -torch.inf)
    known = sorted(set(outputs))
    if len(known) == 1:
        bias[labels.index(known[0])] = 0.0
        return weight, bias
    head = LogisticRegression(C=strength, max_iter=2000).fit(vectors, outputs, sample_weight=weights)
    rows = [labels.index(name) for name in head.classes_]
    coefficients, intercepts = torch.tensor(head.coef_).float(), torch.tensor(head.intercept_).float()
    if len(known) == 2:  # scikit-learn keeps one line of numbers for two classes
        coefficients = torch.cat([-coefficients, coefficients]) / 2
        intercepts = torch.cat([-intercepts, intercepts]) / 2
    weight[rows], bias[rows] = coefficients, intercepts
    return weight, bias
