"""LoRA: the base model stays frozen, and beside each weight matrix two small ones are trained."""

from pathlib import Path
from typing import Any, ClassVar, Literal

from tailor.data.dataset import Dataset
from tailor.machine import Machine
from tailor.models.catalog import ModelSource
from tailor.models.language_model import LanguageModel
from tailor.models.parts import is_linear
from tailor.progress import Log
from tailor.settings import setting
from tailor.techniques.base import LearnsFrom, Measure
from tailor.techniques.full import fit_weights, load_weights, tuning_blockers
from tailor.training.settings import TrainingConfig
from tailor.training.weights import save_model

REGRET = "Schulman et al. 2025, LoRA Without Regret"
DETTMERS = "Dettmers et al. 2023, QLoRA: Efficient Finetuning of Quantized LLMs"

RANK = setting(
    16,
    "Columns of each small matrix. More can hold more, and makes the adapter larger; rarely needed beyond 64.",
    unit="columns",
    ge=1,
    le=256,
    source=f"Hu et al. 2021, section 7.2 (even 4 to 8 do for many tasks); {DETTMERS}, section 4 (the rank hardly "
    "matters where all linear layers have an adapter)",
)
ALPHA = setting(
    32.0,
    "The adapter's output is multiplied by alpha / rank. Twice the rank is usual; changing it acts like changing the "
    "learning rate.",
    gt=0.0,
    le=1024.0,
    source=f"{REGRET}, section on parametrization (alpha 32)",
)
DROPOUT = setting(
    0.05,
    "Share of the adapter's inputs switched off at random during training, against learning by heart.",
    unit="share of inputs",
    ge=0.0,
    le=0.9,
    source=f"Hu et al. 2021, tables 11 and 12 (0 to 0.1); {DETTMERS}, appendix B.2 (0.1 up to 13 billion parameters, "
    "0.05 above)",
)


class LoRAConfig(TrainingConfig):
    """How large the small matrices are, and how they are trained."""

    learning_rate: float = setting(
        5e-3,
        "How far each step moves the small matrices. LoRA wants about ten times what full fine-tuning does (five times "
        "on the bundled models): their product begins at zero, and it alone has to bring about the whole change.",
        log=True,
        gt=0.0,
        le=1.0,
        source=f"{REGRET}, section on optimal learning rates (ten times full fine-tuning's); searched on the bundled "
        "models, docs/defaults.md",
    )
    rank: int = RANK
    alpha: float = ALPHA
    dropout: float = DROPOUT
    targets: Literal["all-linear", "attention"] = setting(
        "all-linear",
        "Which weight matrices get an adapter: all of them, or those of attention alone.",
        source=f"{REGRET}, section on layers (attention alone does clearly worse)",
    )
    scaling: Literal["lora", "rslora"] = setting(
        "lora",
        "'lora' multiplies the adapter by alpha / rank, 'rslora' by alpha / sqrt(rank), which keeps large ranks (64 "
        "and more) learning.",
        advanced=True,
        source="Kalajdzievski 2023, A Rank Stabilization Scaling Factor, section 3",
    )
    decompose: bool = setting(
        False,
        "DoRA: train each matrix's length apart from its direction. Often a little better at small ranks, and slower.",
        advanced=True,
        source="Liu et al. 2024, DoRA: Weight-Decomposed Low-Rank Adaptation, section 4",
    )
    start: Literal["zero", "pissa"] = setting(
        "zero",
        "'zero': at first the adapter changes nothing. 'pissa': it begins with the weights' own largest directions, "
        "which learns faster from the same steps.",
        advanced=True,
        source="Meng et al. 2024, PiSSA, section 3",
    )


class LoRA:
    name: ClassVar[str] = "lora"
    title: ClassVar[str] = "LoRA"
    source: ClassVar[str] = "Hu et al. 2021, LoRA: Low-Rank Adaptation of Large Language Models, section 4"
    summary: ClassVar[str] = (
        "Trains two small matrices beside each weight matrix and leaves the base model as it is. Comes close to full "
        "fine-tuning with a file of a few megabytes and less memory; on a small model it is hardly faster."
    )
    costs: ClassVar[str] = (
        "Training needs the whole model in memory, but gradients and Adam's averages for the adapter only. "
        "Merged, it costs nothing in answering."
    )
    wins: ClassVar[str] = (
        "Almost always the first to try: some hundred to some ten thousand rows, one or many tasks, little "
        "disk."
    )
    loses: ClassVar[str] = (
        "Very many rows teach the model something quite new: then full fine-tuning learns more."
    )
    changes_weights: ClassVar[bool] = True
    merges: ClassVar[bool] = True
    learns_from: ClassVar[LearnsFrom] = "prompt-completion"
    Config: ClassVar[type[TrainingConfig]] = LoRAConfig

    def find_blockers(
        self, config: LoRAConfig, dataset: Dataset, base: ModelSource, machine: Machine
    ) -> list[str]:
        found = tuning_blockers(self, config, dataset, base, machine)
        if config.start == "pissa" and (config.scaling == "rslora" or config.decompose):
            found.append(
                "start 'pissa' goes with neither rslora nor decompose: choose 'zero', or the others off."
            )
        return [*found, *expert_blockers(config, base)]

    def trained(self, config: LoRAConfig, base: ModelSource) -> int:
        from tailor.training.estimate import lora_parameters, shape_of

        return lora_parameters(shape_of(base), config.rank)

    def prepare(self, model: Any, config: LoRAConfig, base: ModelSource) -> Any:
        return with_adapter(model, config, base)

    def fit(
        self,
        base: ModelSource,
        dataset: Dataset,
        config: LoRAConfig,
        out_dir: Path,
        *,
        seed: int,
        log: Log,
        measure: Measure | None = None,
    ) -> dict:
        first = out_dir / ".checkpoints" / "pissa"

        def add_adapter(model: Any) -> Any:
            adapted = self.prepare(model, config, base)
            if config.start == "pissa":
                adapted.save_pretrained(str(first))
            return adapted

        def save(model: Any, folder: Path, base_name: str) -> None:
            # PiSSA took its beginning out of the base's weights: what is kept is the difference, as any LoRA
            options = (
                {"path_initial_model_for_weight_conversion": str(first)} if config.start == "pissa" else {}
            )
            save_model(model, folder, base_name, **options)

        return fit_weights(
            base, dataset, config, out_dir, add_adapter, seed=seed, log=log, measure=measure, save=save
        )

    def load(self, base: ModelSource, dataset: Dataset, out_dir: Path) -> LanguageModel:
        return load_weights(base, dataset, out_dir, adapter=True)


def with_adapter(model: Any, config: LoRAConfig, base: ModelSource) -> Any:
    """The model with fresh LoRA matrices, everything else frozen."""
    from peft import LoraConfig, get_peft_model

    from tailor.models.adapters import apart_from_head, quiet, task_type

    targets: Any = "all-linear" if config.targets == "all-linear" else attention_layers(model)
    settings = LoraConfig(
        r=config.rank,
        lora_alpha=config.alpha,
        lora_dropout=config.dropout,
        target_modules=targets,
        task_type=task_type(base),
        use_rslora=config.scaling == "rslora",
        use_dora=config.decompose,
        init_lora_weights="pissa" if config.start == "pissa" else True,
        **apart_from_head(model),
    )
    with quiet():
        return get_peft_model(model, settings)


def expert_blockers(config: LoRAConfig, base: ModelSource) -> list[str]:
    """Why LoRA cannot run on a mixture of experts."""
    from tailor.training.estimate import shape_of

    if not (shape_of(base).experts and config.targets == "all-linear" and config.dropout):
        return []
    return [
        f"{base.name} is a mixture of experts, whose weights stand in one block: PEFT's LoRA knows no dropout there. "
        "Set dropout to 0."
    ]


def attention_layers(model: Any) -> list[str]:
    """Names of the linear layers that stand inside an attention block."""
    return sorted(
        {
            name.rsplit(".", 1)[-1]
            for name, module in model.named_modules()
            if is_linear(module) and "att" in name.lower()
        }
    )
