"""What every technique is: one file with a class that has these names."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

from tailor.data.dataset import Dataset
from tailor.machine import Machine
from tailor.models.catalog import ModelSource
from tailor.models.language_model import LanguageModel
from tailor.progress import Log
from tailor.settings import Settings

LearnsFrom = Literal["nothing", "prompt-completion", "preference", "prompt-only"]

Measure = Callable[[LanguageModel], dict[str, float]]
"""Computes the task's metric on the validation split during training: {"accuracy": 0.71}."""


class TechniqueConfig(Settings):
    """Base of every technique's settings: what makes the form, the help and the checks."""


class Technique(Protocol):
    """One way of customizing a model.

    Attributes:
        name: dict key, folder name, parameter value ("lora").
        title: for people ("LoRA").
        source: paper, and which section the defaults come from.
        changes_weights: False for prompting.
        merges: what was trained can become part of the base model's weights; else it ships beside them.
        summary: one or two sentences: what it changes, when it wins, when not.
        costs: what it takes to make, and what every answer pays for it.
        wins, loses: when to choose it, and when not.
        learns_from: the kind of rows it needs.
        Config: its settings, with its own defaults.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    source: ClassVar[str]
    summary: ClassVar[str]
    costs: ClassVar[str]
    wins: ClassVar[str]
    loses: ClassVar[str]
    changes_weights: ClassVar[bool]
    merges: ClassVar[bool]
    learns_from: ClassVar[LearnsFrom]
    Config: ClassVar[type[TechniqueConfig]]

    def find_blockers(
        self, config: TechniqueConfig, dataset: Dataset, base: ModelSource, machine: Machine
    ) -> list[str]:
        """Plain sentences on why it cannot run; empty when it can. Trains nothing, loads no weights."""
        ...

    def trained(self, config: TechniqueConfig, base: ModelSource) -> int:
        """About how many numbers it leaves trained; 0 for prompting. For estimates before anything is loaded."""
        ...

    def prepare(self, model: Any, config: TechniqueConfig, base: ModelSource) -> Any:
        """The base model as `fit` trains it: what is new put in, what stays as it is frozen.

        Prompting has none. It must work on torch's "meta" device, where weights have a shape and no numbers: there the
        parts that train are counted and drawn (`tailor.techniques.anatomy`).
        """
        ...

    def fit(
        self,
        base: ModelSource,
        dataset: Dataset,
        config: TechniqueConfig,
        out_dir: Path,
        *,
        seed: int,
        log: Log,
        measure: Measure | None = None,
    ) -> dict:
        """Learn, writing only inside `out_dir`; resumes from the last complete checkpoint found there.

        Returns:
            Figures for the run's record: trainable_parameters, total_parameters, curves, notes.
        """
        ...

    def load(self, base: ModelSource, dataset: Dataset, out_dir: Path) -> LanguageModel:
        """The customized model."""
        ...
