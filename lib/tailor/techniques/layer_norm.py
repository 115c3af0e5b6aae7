"""Layer-norm tuning: only the scales (and shifts) inside the norms are trained."""

from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from tailor.data.dataset import Dataset
from tailor.machine import Machine
from tailor.models.catalog import ModelSource
from tailor.models.language_model import LanguageModel
from tailor.models.parts import norms_of
from tailor.progress import Log
from tailor.settings import setting
from tailor.techniques.base import LearnsFrom, Measure
from tailor.techniques.full import tuning_blockers
from tailor.techniques.last_layers import fit_part, load_part, train_only
from tailor.training.settings import TrainingConfig

ZHAO = "Zhao et al. 2023, Tuning LayerNorm in Attention: Towards Efficient Multi-Modal LLM Finetuning"


class LayerNormConfig(TrainingConfig):
    """How the norms are trained."""

    learning_rate: float = setting(
        3e-2,
        "How far each step moves the norms' scales, which are numbers around 1: they bear large steps.",
        log=True,
        gt=0.0,
        le=1.0,
        source="searched on the bundled models, docs/defaults.md",
    )


class LayerNorm:
    name: ClassVar[str] = "layer_norm"
    title: ClassVar[str] = "Layer-norm tuning"
    source: ClassVar[str] = f"{ZHAO}, section 3"
    summary: ClassVar[str] = (
        "Trains only the scales inside the layer norms: a few thousand numbers that turn what the model knows already "
        "up or down. A tiny file and little forgetting; it cannot learn much that is new."
    )
    costs: ClassVar[str] = (
        "A few kilobytes on disk; while training, the memory of a frozen model and one pass back through it."
    )
    wins: ClassVar[str] = (
        "The model should keep nearly all it knows and change its manner: tone, format, emphasis."
    )
    loses: ClassVar[str] = "The task has new words or many labels."
    changes_weights: ClassVar[bool] = True
    merges: ClassVar[bool] = True
    learns_from: ClassVar[LearnsFrom] = "prompt-completion"
    Config: ClassVar[type[TrainingConfig]] = LayerNormConfig

    def find_blockers(
        self, config: LayerNormConfig, dataset: Dataset, base: ModelSource, machine: Machine
    ) -> list[str]:
        return tuning_blockers(self, config, dataset, base, machine)

    def trained(self, config: LayerNormConfig, base: ModelSource) -> int:
        from tailor.training.estimate import shape_of

        shape = shape_of(base)
        return (2 * shape.layers + 1) * shape.width

    def prepare(self, model: Any, config: LayerNormConfig, base: ModelSource) -> Any:
        return train_only(model, [weight for norm in norms_of(model) for weight in norm.parameters()])

    def fit(
        self,
        base: ModelSource,
        dataset: Dataset,
        config: LayerNormConfig,
        out_dir: Path,
        *,
        seed: int,
        log: Log,
        measure: Measure | None = None,
    ) -> dict:
        prepare = partial(self.prepare, config=config, base=base)
        return fit_part(base, dataset, config, out_dir, prepare, seed=seed, log=log, measure=measure)

    def load(self, base: ModelSource, dataset: Dataset, out_dir: Path) -> LanguageModel:
        return load_part(base, dataset, out_dir)
