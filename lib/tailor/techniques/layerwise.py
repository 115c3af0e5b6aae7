"""Layer-wise rate decay: every weight is trained, earlier layers at lower rates than later ones."""

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


class Layerwise:
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
        from tailor.training.layer_rates import decayed_groups

        def make_optimizer(model: Any, rate: float) -> Any:
            import torch

            groups = decayed_groups(model, rate, config.layer_decay)
            return torch.optim.AdamW(groups, lr=rate, weight_decay=config.weight_decay)

        return fit_weights(
            base, dataset, config, out_dir, lambda m: m, seed=seed, log=log, measure=measure,
            make_optimizer=make_optimizer,
        )  # fmt: skip

    def load(self, base: ModelSource, dataset: Dataset, out_dir: Path) -> LanguageModel:
        return load_weights(base, dataset, out_dir, adapter=False)
