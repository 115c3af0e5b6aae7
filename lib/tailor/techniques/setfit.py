"""SetFit: a sentence encoder learns from pairs which texts belong together; a small head then reads its embeddings."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from tailor.data.dataset import Dataset, Example
from tailor.machine import Machine
from tailor.models.catalog import ModelSource
from tailor.models.language_model import LanguageModel
from tailor.progress import Log
from tailor.settings import setting
from tailor.techniques.base import LearnsFrom, Measure
from tailor.techniques.full import classifier_blockers
from tailor.training.settings import TrainingConfig

TUNSTALL = "Tunstall et al. 2022, Efficient Few-Shot Learning Without Prompts"


class SetFitConfig(TrainingConfig):
    """How many pairs are made, and how the encoder learns from them."""

    learning_rate: float = setting(
        5e-5, "How far each step moves the encoder's weights.", log=True, gt=0.0, le=1e-2,
        source=f"{TUNSTALL}, section 3.2 (2e-5, with other pairs)",
    )  # fmt: skip
    epochs: float = setting(
        1.0, "How often every pair is seen.", unit="passes over the pairs", gt=0.0, le=100.0
    )
    pairs_per_row: int = setting(
        8,
        "Pairs that each row begins, each with another row of its label. The other pairs of a batch show what does not "
        "belong together.",
        unit="pairs",
        ge=1,
        le=100,
        source=f"{TUNSTALL}, section 3.1 (20)",
    )
    most_pairs: int = setting(
        20_000, "At most this many pairs, whatever the rows: many rows need fewer each.", unit="pairs", ge=2
    )
    effective_batch_size: int = setting(
        64,
        "Pairs that share a step. More make each pair tell itself from more others.",
        unit="pairs",
        ge=2,
        le=1024,
        source="Henderson et al. 2017, Efficient Natural Language Response Suggestion, section 4.4 (large batches)",
    )
    rows_at_once: int = setting(
        64, "Pairs that go through the encoder together; fewer also compare with fewer.", unit="pairs", ge=2, le=256,
        advanced=True,
    )  # fmt: skip
    scale: float = setting(
        20.0,
        "Cosines are multiplied by this before they are compared: higher looks at the hardest pairs alone.",
        gt=0.0,
        le=200.0,
        advanced=True,
        source="Reimers and Gurevych's sentence-transformers (20)",
    )
    head_strength: float = setting(
        10.0,
        "How closely the head follows the rows (inverse regularization of the logistic regression).",
        gt=0.0,
        le=1e4,
        log=True,
        advanced=True,
    )


class SetFit:
    name: ClassVar[str] = "setfit"
    title: ClassVar[str] = "SetFit (few-shot fine-tuning)"
    source: ClassVar[str] = f"{TUNSTALL}, section 3"
    summary: ClassVar[str] = (
        "For classification with a sentence encoder and few rows: learns from pairs which texts belong together, then "
        "fits a small head. With 5 to 50 rows a label it usually beats everything else; it writes no text."
    )
    costs: ClassVar[str] = (
        "Minutes on a processor. Needs a sentence encoder, and each answer is one pass through it."
    )
    wins: ClassVar[str] = "Five to fifty rows a label."
    loses: ClassVar[str] = (
        "Answers are to be written, or there are so many rows that an ordinary classifier learns as much "
        "from them."
    )
    changes_weights: ClassVar[bool] = True
    merges: ClassVar[bool] = False
    learns_from: ClassVar[LearnsFrom] = "prompt-completion"
    Config: ClassVar[type[TrainingConfig]] = SetFitConfig

    def find_blockers(
        self, config: SetFitConfig, dataset: Dataset, base: ModelSource, machine: Machine
    ) -> list[str]:
        return classifier_blockers(self, config, dataset, base, machine)

    def trained(self, config: SetFitConfig, base: ModelSource) -> int:
        return base.parameters or 0

    def prepare(self, model: Any, config: SetFitConfig, base: ModelSource) -> Any:
        return getattr(model, model.base_model_prefix, model)  # its own head is fitted afterwards, by formula

    def fit(
        self,
        base: ModelSource,
        dataset: Dataset,
        config: SetFitConfig,
        out_dir: Path,
        *,
        seed: int,
        log: Log,
        measure: Measure | None = None,
    ) -> dict:
        from transformers import set_seed

        from tailor.models.embedding_classifier import save_head
        from tailor.models.loading import load_model, load_tokenizer
        from tailor.training.run import train
        from tailor.training.weights import save_model

        set_seed(seed)
        objective = LearnLikeness(load_tokenizer(base), dataset, config)

        def save(model: Any, folder: Path, base_name: str) -> None:
            save_model(model, folder, base_name)
            save_head(*objective.head(model), folder)

        pairs = Pairs(dataset, config, seed)
        model = load_model(base, task="embed")
        return train(
            model,
            objective,
            pairs,
            config,
            out_dir,
            base=base.name,
            seed=seed,
            log=log,
            measure=measure,
            save=save,
        )

    def load(self, base: ModelSource, dataset: Dataset, out_dir: Path) -> LanguageModel:
        from tailor.models.embedding_classifier import load_classifier

        return load_classifier(base, dataset.labels, out_dir / "model")


@dataclass(frozen=True)
class Pair:
    """Two rows of one label."""

    first: Example
    second: Example
    weight: float = 1.0


class Pairs:
    """A dataset whose rows are pairs, drawn with a seed; validation rows are paired likewise.

    Attributes:
        train, validation: pairs of rows with the same label.
    """

    def __init__(self, dataset: Dataset, config: SetFitConfig, seed: int) -> None:
        self.max_length, self.labels = dataset.max_length, dataset.labels
        self.train = draw_pairs(learned(dataset.train), config.pairs_per_row, config.most_pairs, seed)
        self.validation = draw_pairs(learned(dataset.validation), 1, config.most_pairs, seed)


def learned(rows: Sequence[Example]) -> list[Example]:
    """The rows without those that shall not count."""
    return [row for row in rows if row.weight > 0]


def draw_pairs(rows: Sequence[Example], each: int, most: int, seed: int) -> list[Pair]:
    """Every row with `each` others of its label, chosen at random; at most `most` pairs.

    A row that is alone with its label is paired with itself: dropout makes two readings of it differ.
    """
    random = np.random.default_rng(seed)
    by_label: dict[str, list[Example]] = {}
    for row in rows:
        by_label.setdefault(row.output, []).append(row)
    pairs = []
    for row in rows:
        others = [other for other in by_label[row.output] if other is not row] or [row]
        for place in random.permutation(len(others))[:each]:
            pairs.append(Pair(row, others[place]))
    if len(pairs) > most:
        pairs = [pairs[i] for i in sorted(random.choice(len(pairs), most, replace=False))]
    return pairs


class LearnLikeness:
    """Loss over pairs: each text must be nearer to its partner than to the other labels' texts of the batch."""

    def __init__(self, tokenizer: Any, dataset: Dataset, config: SetFitConfig) -> None:
        self.tokenizer, self.dataset, self.config = tokenizer, dataset, config
        self.numbers = {label: number for number, label in enumerate(dataset.labels)}

    def encode(self, pair: Pair) -> dict[str, Any] | None:
        if pair.first.output not in self.numbers:
            return None
        both = [self._ids(row) for row in (pair.first, pair.second)]
        return {
            "input_ids": max(both, key=len),  # batches are made of like lengths
            "both": both,
            "labels": self.numbers[pair.first.output],
            "weight": pair.first.weight,
        }

    def _ids(self, example: Example) -> list[int]:
        from tailor.models.classifier import encode_text

        return encode_text(self.tokenizer, self.dataset.prompt(example), self.dataset.max_length)

    def collate(self, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """First texts in the upper half of the batch, their partners in the lower; labels and weights once each."""
        from tailor.training.batches import pad

        texts = [row["both"][side] for side in (0, 1) for row in rows]
        stacked = [{"input_ids": ids, "labels": 0, "weight": 1.0} for ids in texts]
        batch = pad(stacked, self.tokenizer.pad_token_id or 0)
        alone = pad([row | {"input_ids": [0]} for row in rows], 0)
        return batch | {"labels": alone["labels"], "weights": alone["weights"]}

    def loss(self, model: Any, batch: dict[str, Any]) -> tuple[Any, float]:
        """Cross entropy of the partner among the batch's second texts, and the other way round; a text of the same
        label counts as no mistake (Henderson et al. 2017, section 4.4; Khosla et al. 2020, equation 2)."""
        import torch

        from tailor.models.embedding_classifier import mean_embedding

        vectors = mean_embedding(model, batch["input_ids"], batch["attention_mask"])
        first, second = vectors.chunk(2)
        with torch.autocast(vectors.device.type, enabled=False):  # cosines differ by less than bf16 can tell
            likeness = first @ second.T * self.config.scale
        same = batch["labels"][:, None] == batch["labels"][None, :]
        likeness = likeness.masked_fill(
            same & ~torch.eye(len(same), dtype=torch.bool, device=same.device), -torch.inf
        )
        own = likeness.diagonal()
        losses = (likeness.logsumexp(1) + likeness.logsumexp(0)) / 2 - own
        return (losses * batch["weights"]).sum(), float(batch["weights"].sum())

    def head(self, model: Any) -> tuple[Any, Any]:
        """Weight and bias of a head fitted to the training rows' embeddings as they are now."""
        from tailor.models.embedding_classifier import embed_ids, fit_head
        from tailor.models.forward import autocast

        rows = learned(self.dataset.train)
        training = model.training
        model.eval()
        with autocast(next(model.parameters()).device):
            vectors = embed_ids(model, [self._ids(row) for row in rows], self.tokenizer.pad_token_id or 0)
        model.train(training)
        outputs, weights = [row.output for row in rows], [row.weight for row in rows]
        return fit_head(vectors, outputs, self.dataset.labels, self.config.head_strength, weights)

    def as_language_model(self, model: Any) -> LanguageModel:
        from tailor.models.classifier import ClassifierModel
        from tailor.models.embedding_classifier import EmbeddingClassifier

        weight, bias = self.head(model)
        return ClassifierModel(EmbeddingClassifier(model, weight, bias), self.tokenizer, self.dataset.labels)
