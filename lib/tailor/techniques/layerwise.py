"""Layer-wise rate decay: every weight is trained, earlier layers at lower rates than later ones."""

from collections.abc import Callable
from typing import Any, ClassVar

from tailor.settings import setting
from tailor.techniques.full import Full
from tailor.training.settings import TrainingConfig

HOWARD = "Howard and Ruder 2018, Universal Language Model Fine-tuning"


class LayerwiseConfig(TrainingConfig):
    """The last layer's rate, and how it falls towards the first."""

    learning_rate: float = setting(
        1e-3,
        "How far each step moves the last layer. Each layer before it moves less.",
        log=True,
        gt=0.0,
        le=1.0,
    )
    layer_decay: float = setting(
        0.8,
        "Each layer's rate as a share of the next one's: early layers hold what all tasks share. 1 gives all the same.",
        unit="share",
        gt=0.0,
        le=1.0,
        source=f"{HOWARD}, section 3.2 (1/2.6); Clark et al. 2020, ELECTRA, appendix B (0.8 to 0.9)",
    )


class Layerwise(Full):
    name: ClassVar[str] = "layerwise"
    title: ClassVar[str] = "Layer-wise learning-rate decay"
    source: ClassVar[str] = f"{HOWARD}, section 3.2 (discriminative fine-tuning)"
    summary: ClassVar[str] = (
        "Trains every weight, each layer at a lower rate than the next one. Forgets less than one rate for all; one "
        "more setting to find."
    )
    costs: ClassVar[str] = "As full fine-tuning: the most memory, and a file as large as the model."
    wins: ClassVar[str] = "Full fine-tuning learns the task but forgets too much."
    loses: ClassVar[str] = (
        "There is no time to find one more setting; with few steps, early layers then hardly learn."
    )
    Config: ClassVar[type[TrainingConfig]] = LayerwiseConfig

    def optimizer_for(self, config: LayerwiseConfig) -> Callable[[Any, float], Any]:
        from tailor.training.layer_rates import decayed_groups

        def make_optimizer(model: Any, rate: float) -> Any:
            import torch

            groups = decayed_groups(model, rate, config.layer_decay)
            return torch.optim.AdamW(groups, lr=rate, weight_decay=config.weight_decay)

        return make_optimizer
