"""AdaLoRA: LoRA that begins with a little too much rank and takes it away where it matters least."""

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
from tailor.techniques.lora import DROPOUT
from tailor.training.settings import TrainingConfig
from tailor.training.weights import save_model

ZHANG = "Zhang et al. 2023, AdaLoRA: Adaptive Budget Allocation for Parameter-Efficient Fine-Tuning"


class AdaLoRAConfig(TrainingConfig):
    """How much rank there is at first, how much is left, and when it is taken away."""

    learning_rate: float = setting(
        2e-2,
        "How far each step moves the small matrices and their scales, which begin at zero: more than LoRA wants.",
        log=True,
        gt=0.0,
        le=1.0,
    )
    first_rank: int = setting(
        12,
        "Columns of each small matrix at the beginning: half as many again as shall be left.",
        unit="columns",
        ge=1,
        le=256,
        source=f"{ZHANG}, section 4.1 (one and a half times the final rank)",
    )
    final_rank: int = setting(
        8,
        "Columns that are left on average. Matrices that matter more keep more, others lose all of theirs.",
        unit="columns",
        ge=1,
        le=256,
        source=f"{ZHANG}, section 4.1 (budgets of 2, 4 and 8 columns a matrix)",
    )
    alpha: float = setting(
        32.0, "The adapter's output is multiplied by alpha / first_rank.", gt=0.0, le=1024.0
    )
    dropout: float = DROPOUT
    first_share: float = setting(
        0.15,
        "Share of the steps before the first column is taken away: until then nothing is known of their worth.",
        unit="share of steps",
        ge=0.0,
        le=0.5,
        source=f"{ZHANG}, section 3.3 (the budget's schedule)",
    )
    last_share: float = setting(
        0.35,
        "Share of the steps at the end, after the last column was taken away, in which the others settle.",
        unit="share of steps",
        ge=0.0,
        le=0.45,
        source=f"{ZHANG}, section 3.3 (the budget's schedule)",
    )
    orthogonality: float = setting(
        0.5,
        "How strongly the columns are held at right angles to each other, so that each can be judged by itself.",
        ge=0.0,
        le=10.0,
        advanced=True,
        source=f"{ZHANG}, section 3.1, equation 4; section 4.1 (0.1 to 0.5)",
    )


class AdaLoRA:
    name: ClassVar[str] = "adalora"
    title: ClassVar[str] = "AdaLoRA"
    source: ClassVar[str] = f"{ZHANG}, section 3"
    summary: ClassVar[str] = (
        "LoRA whose rank is shared out while training: each matrix begins with a little more than it may keep, and the "
        "columns that matter least are taken away. Smaller than LoRA at like quality; needs some hundred steps."
    )
    costs: ClassVar[str] = (
        "A little more than LoRA in each step, for weighing the columns. Merged, it costs nothing in answering."
    )
    wins: ClassVar[str] = (
        "The adapter has to be small, and there are steps enough to find what can be spared."
    )
    loses: ClassVar[str] = "Steps are few: the columns are judged before they have learned anything."
    changes_weights: ClassVar[bool] = True
    merges: ClassVar[bool] = True
    learns_from: ClassVar[LearnsFrom] = "prompt-completion"
    Config: ClassVar[type[TrainingConfig]] = AdaLoRAConfig

    def find_blockers(
        self, config: AdaLoRAConfig, dataset: Dataset, base: ModelSource, machine: Machine
    ) -> list[str]:
        found = tuning_blockers(self, config, dataset, base, machine)
        if config.final_rank >= config.first_rank:
            found.append(
                f"AdaLoRA takes columns away, and final_rank ({config.final_rank}) is not less than first_rank "
                f"({config.first_rank}). Choose a first_rank of about {round(1.5 * config.final_rank)}."
            )
        return found

    def trained(self, config: AdaLoRAConfig, base: ModelSource) -> int:
        from tailor.training.estimate import lora_parameters, shape_of

        return lora_parameters(shape_of(base), config.first_rank)

    def prepare(self, model: Any, config: AdaLoRAConfig, base: ModelSource) -> Any:
        from peft import AdaLoraConfig, get_peft_model

        from tailor.models.adapters import apart_from_head, quiet, task_type

        settings = AdaLoraConfig(
            init_r=config.first_rank,
            target_r=config.final_rank,
            lora_alpha=config.alpha,
            lora_dropout=config.dropout,
            target_modules="all-linear",
            task_type=task_type(base),
            total_step=1,  # the steps are known when training begins: see share_out
            **apart_from_head(model),
        )
        with quiet():
            adapted = get_peft_model(model, settings)
        for name, weight in adapted.named_parameters():
            # a number to divide by, which PEFT makes trainable on other devices than the CPU
            if ".ranknum." in name:
                weight.requires_grad_(False)
        return adapted

    def fit(
        self,
        base: ModelSource,
        dataset: Dataset,
        config: AdaLoRAConfig,
        out_dir: Path,
        *,
        seed: int,
        log: Log,
        measure: Measure | None = None,
    ) -> dict:
        from tailor.training.ranks import Orthogonal, keep_ranks, share_out

        def save(model: Any, folder: Path, base_name: str) -> None:
            keep_ranks(model)
            save_model(model, folder, base_name)

        return fit_weights(
            base,
            dataset,
            config,
            out_dir,
            partial(self.prepare, config=config, base=base),
            seed=seed,
            log=log,
            measure=measure,
            save=save,
            change_objective=partial(Orthogonal, strength=config.orthogonality),
            attend=partial(share_out, first=config.first_share, last=config.last_share),
        )

    def load(self, base: ModelSource, dataset: Dataset, out_dir: Path) -> LanguageModel:
        return load_weights(base, dataset, out_dir, adapter=True)
