"""LARC, layer-wise adaptive rate control: no step moves a layer by more than a share of its own size."""

from pathlib import Path
from typing import Any, ClassVar

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


class LARCConfig(TrainingConfig):
    """How far a step may move a layer."""

    learning_rate: float = setting(
        0.1,
        "The rate that no layer goes beyond. Steps are plain gradients, not Adam's, and so want about a hundred times "
        "Adam's rate.",
        log=True,
        gt=0.0,
        le=100.0,
    )
    trust: float = setting(
        0.001,
        "The share of its weights' length by which a step may move a layer, whatever its gradient.",
        unit="share of the weights' length",
        log=True,
        gt=0.0,
        le=1.0,
        source=f"{YOU}, section 5 (0.001); section 4 (up to 0.008 for the largest batches)",
    )
    momentum: float = setting(
        0.9,
        "How much of the last step is kept.",
        ge=0.0,
        lt=1.0,
        advanced=True,
        source=f"{YOU}, section 5",
    )


class LARC:
    name: ClassVar[str] = "larc"
    title: ClassVar[str] = "Layer-wise adaptive rate control (LARC)"
    source: ClassVar[str] = f"{YOU}, section 4; clipping as NVIDIA describes it"
    summary: ClassVar[str] = (
        "Trains every weight; each layer finds its own rate, so that no step moves it by more than a share of its "
        "size. Keeps training steady where gradients differ much from layer to layer."
    )
    costs: ClassVar[str] = "As full fine-tuning with less memory: it keeps one average where Adam keeps two."
    wins: ClassVar[str] = "Batches are large, or training is unsteady and one layer runs away."
    loses: ClassVar[str] = (
        "Steps are few: Adam gets farther in them, and on the bundled models it forgets less. Two settings, rate and "
        "trust, depend on each other."
    )
    changes_weights: ClassVar[bool] = True
    merges: ClassVar[bool] = True
    learns_from: ClassVar[LearnsFrom] = "prompt-completion"
    Config: ClassVar[type[TrainingConfig]] = LARCConfig

    def find_blockers(
        self, config: LARCConfig, dataset: Dataset, base: ModelSource, machine: Machine
    ) -> list[str]:
        return tuning_blockers(self, config, dataset, base, machine)

    def trained(self, config: LARCConfig, base: ModelSource) -> int:
        return base.parameters or 0

    def prepare(self, model: Any, config: LARCConfig, base: ModelSource) -> Any:
        return model

    def fit(
        self,
        base: ModelSource,
        dataset: Dataset,
        config: LARCConfig,
        out_dir: Path,
        *,
        seed: int,
        log: Log,
        measure: Measure | None = None,
    ) -> dict:
        from tailor.training import layer_rates

        def make_optimizer(model: Any, rate: float) -> Any:
            return layer_rates.LARC(
                layer_rates.decayed_groups(model, rate, 1.0),
                lr=rate,
                trust=config.trust,
                momentum=config.momentum,
                weight_decay=config.weight_decay,
            )

        return fit_weights(
            base, dataset, config, out_dir, lambda m: m, seed=seed, log=log, measure=measure,
            make_optimizer=make_optimizer,
        )  # fmt: skip

    def load(self, base: ModelSource, dataset: Dataset, out_dir: Path) -> LanguageModel:
        return load_weights(base, dataset, out_dir, adapter=False)
