"""Last layers only: the rest of the model stays frozen. Also what training a part of the weights shares."""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from tailor.data.dataset import Dataset
from tailor.machine import Machine
from tailor.models.catalog import ModelSource
from tailor.models.language_model import LanguageModel
from tailor.models.parts import blocks_of, new_head, norms_of
from tailor.progress import Log
from tailor.settings import setting
from tailor.techniques.base import LearnsFrom, Measure
from tailor.techniques.full import as_language_model, fit_weights, load_base, tuning_blockers
from tailor.training.settings import TrainingConfig

TRAINED = "trained.safetensors"


class LastLayersConfig(TrainingConfig):
    """How many layers are trained, and how."""

    learning_rate: float = setting(
        3e-3,
        "How far each step moves the weights. The few that move bear more than all of them together would.",
        log=True,
        gt=0.0,
        le=1.0,
        source="searched on the bundled models, docs/defaults.md",
    )
    layers: int = setting(
        1,
        "How many of the last layers are trained, with the norm after them. Early layers hold what all tasks share, "
        "late ones what is particular.",
        unit="layers",
        ge=1,
        le=200,
        source="Yosinski et al. 2014, How transferable are features in deep neural networks?, section 4",
    )


class LastLayers:
    name: ClassVar[str] = "last_layers"
    title: ClassVar[str] = "Last layers only"
    source: ClassVar[str] = (
        "Howard and Ruder 2018, Universal Language Model Fine-tuning, section 3.3; Lee et al. 2019"
    )
    summary: ClassVar[str] = (
        "Trains the last layers and leaves the rest frozen. Needs less time and memory than full fine-tuning and "
        "forgets less; learns less where the task needs other words or another way of reading."
    )
    costs: ClassVar[str] = (
        "The cheapest tuning of a model that writes: no gradient goes below the first trained layer."
    )
    wins: ClassVar[str] = "The task is close to what the model knows, and time or memory is short."
    loses: ClassVar[str] = (
        "The task needs the text read differently: the frozen layers below have already decided what to see."
    )
    changes_weights: ClassVar[bool] = True
    merges: ClassVar[bool] = True
    learns_from: ClassVar[LearnsFrom] = "prompt-completion"
    Config: ClassVar[type[TrainingConfig]] = LastLayersConfig

    def find_blockers(
        self, config: LastLayersConfig, dataset: Dataset, base: ModelSource, machine: Machine
    ) -> list[str]:
        return tuning_blockers(self, config, dataset, base, machine)

    def trained(self, config: LastLayersConfig, base: ModelSource) -> int:
        from tailor.training.estimate import shape_of

        shape = shape_of(base)
        layer = 4 * shape.width**2 + 3 * shape.width * shape.inner
        return min(config.layers, shape.layers) * layer

    def prepare(self, model: Any, config: LastLayersConfig, base: ModelSource) -> Any:
        return train_only(model, last_layers(model, config.layers))

    def fit(
        self,
        base: ModelSource,
        dataset: Dataset,
        config: LastLayersConfig,
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


def last_layers(model: Any, count: int) -> list[Any]:
    """The weights of the last `count` layers, and of the norm that stands after all of them."""
    layers = blocks_of(model)
    chosen = [weight for block in layers[-count:] for weight in block.parameters()]
    inside = {id(weight) for block in layers for weight in block.parameters()}
    after = [w for norm in norms_of(model) for w in norm.parameters() if id(w) not in inside]
    return [*chosen, *after]


def train_only(model: Any, weights: Iterable[Any]) -> Any:
    """The model with everything frozen but these weights and an encoder's new head."""
    model.requires_grad_(False)
    for weight in [*weights, *new_head(model)]:
        weight.requires_grad_(True)
    return model


def fit_part(
    base: ModelSource,
    dataset: Dataset,
    config: TrainingConfig,
    out_dir: Path,
    prepare: Callable[[Any], Any],
    *,
    seed: int,
    log: Log,
    measure: Measure | None,
) -> dict[str, Any]:
    """Train what `prepare` leaves trainable, and save it alone."""
    return fit_weights(
        base, dataset, config, out_dir, prepare, seed=seed, log=log, measure=measure, save=save_part
    )


def save_part(model: Any, folder: Path, base: str) -> None:
    """Write the trained weights, and for which base model they are."""
    from tailor.training.weights import save_trainable

    save_trainable(model, folder / TRAINED, base)


def load_part(base: ModelSource, dataset: Dataset, out_dir: Path) -> LanguageModel:
    """The base model with the trained weights in the place of its own.

    Raises:
        WorkbenchError: the file is damaged, or the weights are another model's.
    """
    from tailor.training.weights import overlay

    model = load_base(base, dataset)
    overlay(model, out_dir / "model" / TRAINED, base.name)
    return as_language_model(model, base, dataset)
