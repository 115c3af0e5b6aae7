"""Layer-wise rates: every weight is trained, each layer at a rate of its own (LARC, or falling with depth)."""

from pathlib import Path
from typing import Any, ClassVar, Literal

from tailor.data.dataset import Dataset
from tailor.machine import Machine
from tailor.models.catalog import ModelSource
from tailor.models.language_model import LanguageModel
from tailor.progress import Log
from tailor.settings import setting
from tailor.techniques.base import LearnsFrom, Measure
from tailor.techniques.full import fit_weights, load_weights, tuning_blockers
from tailor.training.settings import TrainingConfig

YOU = "You et al. 2017, Large Batch Training of Convolutional Networks"
HOWARD = "Howard and Ruder 2018, Universal Language Model Fine-tuning"


class LayerwiseConfig(TrainingConfig):
    """How each layer's rate is found."""

    learning_rate: float = setting(
        1e-3,
        "The rate of the last layer (decay), or the rate that no layer goes beyond (larc, which wants about a hundred "
        "times as much because its steps are plain gradients).",
        log=True,
        gt=0.0,
        le=10.0,
    )
    rates: Literal["decay", "larc"] = setting(
        "decay",
        "'decay': each earlier layer learns by a fixed factor more slowly, as early layers hold what all tasks share. "
        "'larc': each layer's step is held to a share of its weights' size, whatever its gradient.",
        source=f"{HOWARD}, section 3.2; {YOU}, section 4",
    )
    layer_decay: float = setting(
        0.8,
        "For 'decay': each layer's rate as a share of the next one's.",
        unit="share",
        gt=0.0,
        le=1.0,
        source=f"{HOWARD}, section 3.2 (1/2.6); Clark et al. 2020, ELECTRA, appendix B (0.8 to 0.9)",
    )
    trust: float = setting(
        0.02,
        "For 'larc': a step may be at most this share of a layer's size.",
        unit="share of the weights' length",
        gt=0.0,
        le=1.0,
        source=f"{YOU}, section 4 (0.001 to 0.02)",
    )
    momentum: float = setting(
        0.9,
        "For 'larc': how much of the last step is kept.",
        ge=0.0,
        lt=1.0,
        advanced=True,
        source=f"{YOU}, section 5",
    )


class Layerwise:
    name: ClassVar[str] = "layerwise"
    title: ClassVar[str] = "Full fine-tuning with layer-wise rates"
    source: ClassVar[str] = f"{YOU}, section 4 (LARC); {HOWARD}, section 3.2 (decay)"
    summary: ClassVar[str] = (
        "Trains every weight, each layer at its own rate: falling towards the first layers, or held to a share of the "
        "layer's size (LARC). Forgets less than one rate for all; one more setting to find."
    )
    costs: ClassVar[str] = (
        "As full fine-tuning; LARC needs less memory than Adam, as it keeps one average instead of two."
    )
    wins: ClassVar[str] = (
        "Full fine-tuning learns the task but forgets too much, or the batch is large and training unsteady."
    )
    loses: ClassVar[str] = (
        "There is no time to find one more setting; with few steps, early layers then hardly learn."
    )
    changes_weights: ClassVar[bool] = True
    merges: ClassVar[bool] = True
    learns_from: ClassVar[LearnsFrom] = "prompt-completion"
    Config: ClassVar[type[TrainingConfig]] = LayerwiseConfig

    def find_blockers(
        self, config: LayerwiseConfig, dataset: Dataset, base: ModelSource, machine: Machine
    ) -> list[str]:
        return tuning_blockers(self, config, dataset, base, machine)

    def trained(self, config: LayerwiseConfig, base: ModelSource) -> int:
        return base.parameters or 0

    def prepare(self, model: Any, config: LayerwiseConfig, base: ModelSource) -> Any:
        return model

    def fit(
        self,
        base: ModelSource,
        dataset: Dataset,
        config: LayerwiseConfig,
        out_dir: Path,
        *,
        seed: int,
        log: Log,
        measure: Measure | None = None,
    ) -> dict:
        from tailor.training.layer_rates import LARC, decayed_groups

        def make_optimizer(model: Any, rate: float) -> Any:
            import torch

            groups = decayed_groups(model, rate, config.layer_decay if config.rates == "decay" else 1.0)
            if config.rates == "decay":
                return torch.optim.AdamW(groups, lr=rate, weight_decay=config.weight_decay)
            options = {
                "trust": config.trust,
                "momentum": config.momentum,
                "weight_decay": config.weight_decay,
            }
            return LARC(groups, lr=rate, **options)

        return fit_weights(
            base, dataset, config, out_dir, lambda m: m, seed=seed, log=log, measure=measure,
            make_optimizer=make_optimizer,
        )  # fmt: skip

    def load(self, base: ModelSource, dataset: Dataset, out_dir: Path) -> LanguageModel:
        return load_weights(base, dataset, out_dir, adapter=False)
