"""Zero-shot prompting: the base model as it is, asked directly. Every other technique is measured against it."""

from pathlib import Path
from typing import ClassVar

from tailor.data.dataset import Dataset
from tailor.machine import Machine
from tailor.models.catalog import ModelSource
from tailor.models.language_model import LanguageModel
from tailor.progress import Log
from tailor.techniques.base import LearnsFrom, Measure, TechniqueConfig


class ZeroShotConfig(TechniqueConfig):
    """Nothing to choose."""


class ZeroShot:
    name: ClassVar[str] = "zero_shot"
    title: ClassVar[str] = "Zero-shot prompting"
    source: ClassVar[str] = "Radford et al. 2019, Language Models are Unsupervised Multitask Learners"
    summary: ClassVar[str] = (
        "Asks the base model directly, with the system prompt and nothing else. Costs nothing to make, and is the "
        "yardstick for everything else; it wins only where the base model already knows the task."
    )
    costs: ClassVar[str] = "Nothing to make. Each answer reads the system prompt and the question."
    wins: ClassVar[str] = (
        "The base model was trained on the task already, or on instructions of its kind; and always as the "
        "yardstick."
    )
    loses: ClassVar[str] = "The base model never saw such a task, or knows it under other labels than yours."
    changes_weights: ClassVar[bool] = False
    merges: ClassVar[bool] = False
    learns_from: ClassVar[LearnsFrom] = "nothing"
    Config: ClassVar[type[TechniqueConfig]] = ZeroShotConfig

    def find_blockers(
        self, config: TechniqueConfig, dataset: Dataset, base: ModelSource, machine: Machine
    ) -> list[str]:
        if base.architecture == "encoder":
            return [f"{base.name} is an encoder: it writes no text, and knows no label before it is tuned."]
        return []

    def trained(self, config: TechniqueConfig, base: ModelSource) -> int:
        return 0

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
        return {}

    def load(self, base: ModelSource, dataset: Dataset, out_dir: Path) -> LanguageModel:
        from tailor.models.writers import open_base

        return open_base(base)
