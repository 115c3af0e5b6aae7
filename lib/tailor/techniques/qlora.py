"""QLoRA: LoRA on a base model whose weights are kept in 4 bits, so that larger models fit."""

from functools import partial
from importlib.util import find_spec
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
from tailor.techniques.lora import (
    ALPHA,
    DETTMERS,
    DROPOUT,
    RANK,
    LoRAConfig,
    expert_blockers,
    with_adapter,
)
from tailor.training.estimate import shape_of
from tailor.training.settings import TrainingConfig


class QLoRAConfig(TrainingConfig):
    """How large the small matrices are; the base model's 4 bits have no settings."""

    weight_bytes: ClassVar[float] = 0.516  # 4.127 bits a weight: section 3, double quantization

    learning_rate: float = setting(
        5e-3,
        "How far each step moves the small matrices, as in LoRA.",
        log=True,
        gt=0.0,
        le=1.0,
    )
    rank: int = RANK
    alpha: float = ALPHA
    dropout: float = DROPOUT


class QLoRA:
    name: ClassVar[str] = "qlora"
    title: ClassVar[str] = "QLoRA"
    source: ClassVar[str] = f"{DETTMERS}, section 3"
    summary: ClassVar[str] = (
        "LoRA on a base model whose linear layers are kept in 4 bits (NF4): an eighth of their memory. The adapter "
        "learns around what rounding lost. For models that would not fit otherwise; on small ones it only costs time."
    )
    costs: ClassVar[str] = (
        "The least memory of all that reach LoRA's quality. Every step and every answer unpacks the weights anew; the "
        "answers are those of the rounded model."
    )
    wins: ClassVar[str] = "The model you want is too large for this machine in full precision."
    loses: ClassVar[str] = "The model fits without it: LoRA is then faster and exact, and can be merged."
    changes_weights: ClassVar[bool] = True
    merges: ClassVar[bool] = False
    learns_from: ClassVar[LearnsFrom] = "prompt-completion"
    Config: ClassVar[type[TrainingConfig]] = QLoRAConfig

    def find_blockers(
        self, config: QLoRAConfig, dataset: Dataset, base: ModelSource, machine: Machine
    ) -> list[str]:
        found = tuning_blockers(self, config, dataset, base, machine)
        if find_spec("bitsandbytes") is None:
            found.insert(
                0,
                "QLoRA keeps weights in 4 bits with bitsandbytes, which is not installed: "
                "pip install 'tailor-workbench[qlora]'.",
            )
        if shape_of(base).model_type.startswith("deberta"):
            found.append(
                f"{base.name} is a DeBERTa, whose attention fails on the mixed number formats of layers in "
                "4 bits. Choose lora."
            )
        return [*found, *expert_blockers(_as_lora(config), base)]

    def trained(self, config: QLoRAConfig, base: ModelSource) -> int:
        from tailor.training.estimate import lora_parameters

        return lora_parameters(shape_of(base), config.rank)

    def prepare(self, model: Any, config: QLoRAConfig, base: ModelSource) -> Any:
        return with_adapter(model, _as_lora(config), base)

    def fit(
        self,
        base: ModelSource,
        dataset: Dataset,
        config: QLoRAConfig,
        out_dir: Path,
        *,
        seed: int,
        log: Log,
        measure: Measure | None = None,
    ) -> dict:
        prepare = partial(self.prepare, config=config, base=base)
        return fit_weights(
            base, dataset, config, out_dir, prepare, seed=seed, log=log, measure=measure, four_bit=True
        )

    def load(self, base: ModelSource, dataset: Dataset, out_dir: Path) -> LanguageModel:
        return load_weights(base, dataset, out_dir, adapter=True, four_bit=True)


def _as_lora(config: QLoRAConfig) -> LoRAConfig:
    return LoRAConfig(rank=config.rank, alpha=config.alpha, dropout=config.dropout)
