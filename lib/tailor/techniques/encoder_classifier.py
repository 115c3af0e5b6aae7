"""A fine-tuned sentence encoder: its layers learn together with one direction for each label."""

from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from tailor.data.dataset import Dataset
from tailor.machine import Machine
from tailor.models.catalog import ModelSource
from tailor.models.language_model import LanguageModel
from tailor.progress import Log
from tailor.settings import setting
from tailor.techniques.base import LearnsFrom, Measure
from tailor.techniques.full import classifier_blockers
from tailor.training.settings import TrainingConfig

IMPRINTED = "Qi et al. 2018, Low-Shot Learning with Imprinted Weights"
MEASURED = "measured on 2,000 rows kept apart of banking77's training rows"
ROWS_OF_A_LABEL = 64  # whose mean is where a label's direction starts


class EncoderClassifierConfig(TrainingConfig):
    """How the encoder and the labels' directions are trained."""

    learning_rate: float = setting(
        3e-4, "How far each step moves the encoder's layers.", log=True, gt=0.0, le=1e-2,
        source=f"{MEASURED} (22.7 million parameters; 2e-5 to 5e-5 suits larger encoders)",
    )  # fmt: skip
    head_rate: float = setting(
        30.0,
        "How many times faster the labels' directions learn than the encoder's layers.",
        unit="times",
        gt=0.0,
        le=1000.0,
        advanced=True,
        source=MEASURED,
    )
    epochs: float = setting(
        5.0, "How often every training row is seen.", unit="passes over the training rows", gt=0.0, le=100.0
    )
    effective_batch_size: int = setting(
        64, "Rows that share one step. With few rows, more steps of fewer rows matter more.", unit="rows", ge=1, le=1024
    )  # fmt: skip
    rows_at_once: int = setting(
        64, "Rows that go through the encoder together: memory grows with it.", unit="rows", ge=1, le=256,
        advanced=True,
    )  # fmt: skip
    warmup_share: float = setting(
        0.1, "Share of the steps during which the learning rate rises from zero.", unit="share of steps", ge=0.0,
        le=0.5, advanced=True, source="Devlin et al. 2019, BERT, appendix A.2",
    )  # fmt: skip
    weight_decay: float = setting(
        0.01, "Pulls weights towards zero with each step.", ge=0.0, le=1.0, advanced=True,
        source="Devlin et al. 2019, BERT, appendix A.2",
    )  # fmt: skip
    label_smoothing: float = setting(
        0.1,
        "Share of each answer's probability that is spread over all labels, so that a wrong label in the data is not "
        "learned with full force.",
        unit="share",
        ge=0.0,
        lt=1.0,
        advanced=True,
        source="Szegedy et al. 2016, Rethinking the Inception Architecture, section 7",
    )
    scale: float = setting(
        20.0,
        "Cosines between a text and the labels' directions are multiplied by this before they are compared.",
        gt=0.0,
        le=200.0,
        advanced=True,
        source=f"{IMPRINTED}, section 3.1 (there it is learned)",
    )
    train_embeddings: bool = setting(
        False,
        "Train the vectors of the vocabulary too. They are half of a small encoder; most words do not occur in the "
        "rows, and each step is slower.",
        advanced=True,
    )


class EncoderClassifier:
    name: ClassVar[str] = "encoder_classifier"
    title: ClassVar[str] = "Fine-tuned sentence encoder"
    source: ClassVar[str] = f"{IMPRINTED}, section 3; Devlin et al. 2019, BERT, section 4"
    summary: ClassVar[str] = (
        "For classification with a sentence encoder: each label starts as the mean of its rows' embeddings, then the "
        "encoder's layers and these directions are trained together. The most accurate classifier there is here for "
        "many rows; it writes no text."
    )
    costs: ClassVar[str] = (
        "Minutes on a processor. Needs a sentence encoder, and each answer is one pass through it."
    )
    wins: ClassVar[str] = "Labels are to be told apart, and there are fifty rows a label or more."
    loses: ClassVar[str] = "Answers are to be written, or there are only a few rows a label (then SetFit)."
    changes_weights: ClassVar[bool] = True
    merges: ClassVar[bool] = False
    learns_from: ClassVar[LearnsFrom] = "prompt-completion"
    Config: ClassVar[type[TrainingConfig]] = EncoderClassifierConfig

    def find_blockers(
        self, config: EncoderClassifierConfig, dataset: Dataset, base: ModelSource, machine: Machine
    ) -> list[str]:
        return classifier_blockers(self, config, dataset, base, machine)

    def trained(self, config: EncoderClassifierConfig, base: ModelSource) -> int:
        return base.parameters or 0

    def prepare(self, model: Any, config: EncoderClassifierConfig, base: ModelSource) -> Any:
        import torch

        from tailor.models.embedding_classifier import CosineClassifier

        body = getattr(model, model.base_model_prefix, model)
        if not config.train_embeddings:
            body.get_input_embeddings().requires_grad_(False)
        if getattr(body, "pooler", None) is not None:
            body.pooler.requires_grad_(False)  # the mean over tokens takes its place
        directions = torch.zeros(model.config.num_labels, body.config.hidden_size, device=body.device)
        return CosineClassifier(body, directions, config.scale)

    def fit(
        self,
        base: ModelSource,
        dataset: Dataset,
        config: EncoderClassifierConfig,
        out_dir: Path,
        *,
        seed: int,
        log: Log,
        measure: Measure | None = None,
    ) -> dict:
        from transformers import set_seed

        from tailor.models.embedding_classifier import save_classifier
        from tailor.models.loading import load_tokenizer
        from tailor.techniques.full import load_base
        from tailor.training.objectives import LearnLabels
        from tailor.training.run import train

        set_seed(seed)
        tokenizer = load_tokenizer(base)
        model = self.prepare(load_base(base, dataset), config, base)
        imprint(model, tokenizer, dataset)
        return train(
            model,
            LearnLabels(tokenizer, dataset, smoothing=config.label_smoothing),
            dataset,
            config,
            out_dir,
            base=base.name,
            seed=seed,
            log=log,
            measure=measure,
            save=save_classifier,
            make_optimizer=partial(two_rates, config=config),
        )

    def load(self, base: ModelSource, dataset: Dataset, out_dir: Path) -> LanguageModel:
        from tailor.models.embedding_classifier import load_classifier

        return load_classifier(base, dataset.labels, out_dir / "model")


def imprint(model: Any, tokenizer: Any, dataset: Dataset) -> None:
    """Let each label's direction start as the mean of its rows' embeddings, each as much as the row counts; as its own
    name's where it has no rows."""
    import torch

    from tailor.models.classifier import encode_text
    from tailor.models.embedding_classifier import embed_ids
    from tailor.models.forward import autocast

    rows: dict[str, list[tuple[Any, float]]] = {label: [] for label in dataset.labels}
    for row in dataset.train:
        if row.weight > 0 and len(rows.get(row.output, [None] * ROWS_OF_A_LABEL)) < ROWS_OF_A_LABEL:
            rows[row.output].append((dataset.prompt(row), row.weight))
    for label, known in rows.items():
        if not known:
            known.append(([{"role": "user", "content": label.replace("_", " ")}], 1.0))
    every = [one for known in rows.values() for one in known]
    encoded = [encode_text(tokenizer, prompt, dataset.max_length) for prompt, _ in every]
    weights = torch.tensor([weight for _, weight in every])[:, None]
    with autocast(next(model.parameters()).device):
        vectors = torch.from_numpy(embed_ids(model.body, encoded, tokenizer.pad_token_id or 0))
    parts = (vectors * weights).split([len(known) for known in rows.values()])
    means = torch.stack([part.mean(0) for part in parts])  # of which the direction alone counts
    model.head.data.copy_(torch.nn.functional.normalize(means, dim=1))


def two_rates(model: Any, rate: float, config: EncoderClassifierConfig) -> Any:
    """AdamW with one rate for the encoder and one for the labels' directions, which no decay pulls at."""
    import torch

    body = [weight for weight in model.body.parameters() if weight.requires_grad]
    groups = [
        {"params": body, "lr": rate, "weight_decay": config.weight_decay, "layer": "encoder"},
        {"params": [model.head], "lr": rate * config.head_rate, "weight_decay": 0.0, "layer": "labels"},
    ]
    return torch.optim.AdamW(groups, fused=True)
