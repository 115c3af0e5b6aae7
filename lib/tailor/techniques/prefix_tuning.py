"""Prefix tuning: every layer gets a few keys and values of its own to attend to, before those of the text."""

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
from tailor.techniques.full import fit_weights, load_weights, tuning_blockers
from tailor.training.settings import TrainingConfig, least_steps_setting

LI = "Li and Liang 2021, Prefix-Tuning: Optimizing Continuous Prompts for Generation"


class PrefixTuningConfig(TrainingConfig):
    """How long the prefix is, and how it is trained."""

    learning_rate: float = setting(
        0.03,
        "How far each step moves the keys and values. Large models want less (0.01 and below).",
        log=True,
        gt=0.0,
        le=1.0,
        source="searched on the bundled models, docs/defaults.md",
    )
    least_steps: int = least_steps_setting(500)
    virtual_tokens: int = setting(
        10,
        "Positions of the prefix. More hold more, and are attended to with every token.",
        unit="positions",
        ge=1,
        le=200,
        source=f"{LI}, section 7.1 (10 for table-to-text, 200 for summaries)",
    )
    projection: bool = setting(
        False,
        "Let a small network compute the prefix while training. Steadier in the paper; it is thrown away after.",
        source=f"{LI}, section 4.3",
        advanced=True,
    )


class PrefixTuning:
    name: ClassVar[str] = "prefix_tuning"
    title: ClassVar[str] = "Prefix tuning"
    source: ClassVar[str] = f"{LI}, section 4"
    summary: ClassVar[str] = (
        "Trains keys and values that every layer attends to before the text; the model stays frozen. Reaches deeper "
        "than prompt tuning, with a larger file and slower scoring of labels."
    )
    costs: ClassVar[str] = (
        "Nothing of the base model is copied. Every token attends to the prefix in every layer, and labels "
        "are scored more slowly."
    )
    wins: ClassVar[str] = (
        "The frozen model writes text of a fixed kind (summaries, descriptions of tables), and many tasks "
        "share it."
    )
    loses: ClassVar[str] = (
        "Rows are few or the learning rate is untested: it starts from random keys and values, which "
        "disturb the model at first."
    )
    changes_weights: ClassVar[bool] = True
    merges: ClassVar[bool] = False
    learns_from: ClassVar[LearnsFrom] = "prompt-completion"
    Config: ClassVar[type[TrainingConfig]] = PrefixTuningConfig

    def find_blockers(
        self, config: PrefixTuningConfig, dataset: Dataset, base: ModelSource, machine: Machine
    ) -> list[str]:
        found = tuning_blockers(self, config, dataset, base, machine)
        if base.architecture == "encoder":
            found.append(f"{base.name} is an encoder: it keeps no keys and values that a prefix could join.")
        return found

    def trained(self, config: PrefixTuningConfig, base: ModelSource) -> int:
        from tailor.training.estimate import shape_of

        shape = shape_of(base)
        return config.virtual_tokens * 2 * shape.layers * shape.width

    def prepare(self, model: Any, config: PrefixTuningConfig, base: ModelSource) -> Any:
        return with_prefix(model, config, base)

    def fit(
        self,
        base: ModelSource,
        dataset: Dataset,
        config: PrefixTuningConfig,
        out_dir: Path,
        *,
        seed: int,
        log: Log,
        measure: Measure | None = None,
    ) -> dict:
        prepare = partial(self.prepare, config=config, base=base)
        return fit_weights(base, dataset, config, out_dir, prepare, seed=seed, log=log, measure=measure)

    def load(self, base: ModelSource, dataset: Dataset, out_dir: Path) -> LanguageModel:
        return load_weights(base, dataset, out_dir, adapter=True)


def with_prefix(model: Any, config: PrefixTuningConfig, base: ModelSource) -> Any:
    """The model with a fresh prefix, everything else frozen."""
    from peft import PrefixTuningConfig as Settings
    from peft import get_peft_model

    from tailor.models.adapters import quiet, task_type

    settings = Settings(
        num_virtual_tokens=config.virtual_tokens,
        prefix_projection=config.projection,
        task_type=task_type(base),
    )
    with quiet():
        return get_peft_model(model, settings)
