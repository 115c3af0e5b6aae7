"""LARC, layer-wise adaptive rate control: no step moves a layer by more than a share of its own size."""

from collections.abc import Callable
from typing import Any, ClassVar

from tailor.settings import setting
from tailor.techniques.full import Full
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


class LARC(Full):
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
    Config: ClassVar[type[TrainingConfig]] = LARCConfig

    def optimizer_for(self, config: LARCConfig) -> Callable[[Any, float], Any]:
        from tailor.training import layer_rates

        def make_optimizer(model: Any, rate: float) -> Any:
            return layer_rates.LARC(
                layer_rates.decayed_groups(model, rate, 1.0),
                lr=rate,
                trust=config.trust,
                momentum=config.momentum,
                weight_decay=config.weight_decay,
            )

        return make_optimizer
