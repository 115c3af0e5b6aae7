"""Classification head only: the encoder stays as it is, and a fresh layer on top learns the labels."""

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
from tailor.techniques.full import tuning_blockers
from tailor.techniques.last_layers import fit_part, load_part, train_only
from tailor.training.settings import TrainingConfig


class HeadOnlyConfig(TrainingConfig):
    """How the head is trained."""

    learning_rate: float = setting(
        1e-2,
        "How far each step moves the head's weights; being fresh, they bear large steps.",
        log=True,
        gt=0.0,
        le=1.0,
    )


class HeadOnly:
    name: ClassVar[str] = "head_only"
    title: ClassVar[str] = "Classification head only"
    source: ClassVar[str] = "Peters et al. 2019, To Tune or Not to Tune?, section 2 (feature extraction)"
    summary: ClassVar[str] = (
        "For classification with an encoder: trains the layer that turns its reading into labels, and nothing else. "
        "The quickest tuning there is, and a fair yardstick for all others; it cannot change what the encoder sees."
    )
    costs: ClassVar[str] = "Seconds; the encoder is only read through."
    wins: ClassVar[str] = "A first yardstick, or an encoder whose sentences already fall into your labels."
    loses: ClassVar[str] = (
        "Labels differ in what the encoder takes for the same; nothing below the head can move."
    )
    changes_weights: ClassVar[bool] = True
    merges: ClassVar[bool] = True
    learns_from: ClassVar[LearnsFrom] = "prompt-completion"
    Config: ClassVar[type[TrainingConfig]] = HeadOnlyConfig

    def find_blockers(
        self, config: HeadOnlyConfig, dataset: Dataset, base: ModelSource, machine: Machine
    ) -> list[str]:
        found = tuning_blockers(self, config, dataset, base, machine)
        if base.architecture != "encoder":
            found.append(
                f"{base.name} writes its answers and has no head for labels. Choose last_layers instead."
            )
        return found

    def trained(self, config: HeadOnlyConfig, base: ModelSource) -> int:
        from tailor.training.estimate import shape_of

        return shape_of(base).width ** 2  # the usual head: one square layer before a small one

    def prepare(self, model: Any, config: HeadOnlyConfig, base: ModelSource) -> Any:
        return train_only(model, [])  # a fresh head is always trained

    def fit(
        self,
        base: ModelSource,
        dataset: Dataset,
        config: HeadOnlyConfig,
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
