"""Full fine-tuning: every weight of the base model is trained. Also what it shares with LoRA."""

from collections.abc import Callable
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
from tailor.training.objectives import Objective
from tailor.training.settings import TrainingConfig


class FullConfig(TrainingConfig):
    """How every weight is trained."""

    learning_rate: float = setting(
        1e-3,
        "How far each step moves the weights. Large models want less (1e-5 from a billion parameters on); small ones "
        "bear more.",
        log=True,
        gt=0.0,
        le=1.0,
        source="measured on 3 million parameters; for large ones Ouyang et al. 2022, appendix C (about 1e-5)",
    )


class Full:
    name: ClassVar[str] = "full"
    title: ClassVar[str] = "Full fine-tuning"
    source: ClassVar[str] = "Howard and Ruder 2018, Universal Language Model Fine-tuning, section 3"
    summary: ClassVar[str] = (
        "Trains every weight of the base model. Learns most from many rows; the result is as large as the base model, "
        "needs the most memory, and forgets the most of what the base model knew."
    )
    costs: ClassVar[str] = (
        "The most memory (weights, gradients and two averages: about 16 bytes a parameter), and a file as "
        "large as the model."
    )
    wins: ClassVar[str] = (
        "There are many rows, the task is new to the model, and one model for one task is enough."
    )
    loses: ClassVar[str] = (
        "Rows are few (it learns them by heart), many tasks are to be kept, or what the model knew must stay."
    )
    changes_weights: ClassVar[bool] = True
    merges: ClassVar[bool] = True
    learns_from: ClassVar[LearnsFrom] = "prompt-completion"
    Config: ClassVar[type[TrainingConfig]] = FullConfig

    def find_blockers(
        self, config: FullConfig, dataset: Dataset, base: ModelSource, machine: Machine
    ) -> list[str]:
        return tuning_blockers(self, config, dataset, base, machine)

    def trained(self, config: FullConfig, base: ModelSource) -> int:
        return base.parameters or 0

    def prepare(self, model: Any, config: FullConfig, base: ModelSource) -> Any:
        return model

    def fit(
        self,
        base: ModelSource,
        dataset: Dataset,
        config: FullConfig,
        out_dir: Path,
        *,
        seed: int,
        log: Log,
        measure: Measure | None = None,
    ) -> dict:
        prepare = partial(self.prepare, config=config, base=base)
        return fit_weights(
            base, dataset, config, out_dir, prepare, seed=seed, log=log, measure=measure,
            make_optimizer=self.optimizer_for(config),
        )  # fmt: skip

    def optimizer_for(self, config: TrainingConfig) -> Callable[[Any, float], Any] | None:
        """(model, learning rate) -> optimizer, for techniques that train all weights otherwise; None takes AdamW."""
        return None

    def load(self, base: ModelSource, dataset: Dataset, out_dir: Path) -> LanguageModel:
        return load_weights(base, dataset, out_dir, adapter=False)


def fit_weights(
    base: ModelSource,
    dataset: Dataset,
    config: TrainingConfig,
    out_dir: Path,
    prepare: Callable[[Any], Any],
    *,
    seed: int,
    log: Log,
    measure: Measure | None,
    change_objective: Callable[[Objective], Objective] = lambda objective: objective,
    four_bit: bool = False,
    **options: Any,
) -> dict[str, Any]:
    """Load the base model, let `prepare` choose what of it is trained, and train.

    Args:
        change_objective: lets a technique add to what is learned.
        four_bit: keep the base model's weights in 4 bits.
        options: `save`, `make_optimizer` and `attend` of `tailor.training.run.train`.
    """
    from transformers import set_seed

    from tailor.models.loading import load_tokenizer
    from tailor.training.objectives import objective_for
    from tailor.training.run import train

    set_seed(seed)  # before anything new is drawn: an adapter, a classification head
    model = load_base(base, dataset, four_bit=four_bit)
    objective = change_objective(objective_for(base, load_tokenizer(base), dataset))
    return train(
        prepare(model),
        objective,
        dataset,
        config,
        out_dir,
        base=base.name,
        seed=seed,
        log=log,
        measure=measure,
        **options,
    )


def load_base(base: ModelSource, dataset: Dataset, *, four_bit: bool = False) -> Any:
    """The base model as it is tuned: one that writes, or an encoder with a head for the dataset's labels."""
    from tailor.models.loading import load_model

    if base.architecture == "encoder":
        return load_model(base, task="classify", labels=dataset.labels, four_bit=four_bit)
    return load_model(base, four_bit=four_bit)


def as_language_model(model: Any, base: ModelSource, dataset: Dataset) -> LanguageModel:
    """A tuned model with its tokenizer, as the evaluator sees it."""
    from tailor.models.classifier import ClassifierModel
    from tailor.models.loading import load_tokenizer
    from tailor.models.writers import class_of

    tokenizer = load_tokenizer(base)
    if base.architecture == "encoder":
        return ClassifierModel(model.eval(), tokenizer, dataset.labels)
    return class_of(base)(model.eval(), tokenizer)


def load_weights(
    base: ModelSource, dataset: Dataset, out_dir: Path, *, adapter: bool, four_bit: bool = False
) -> LanguageModel:
    """What `fit_weights` saved, as a language model."""
    from tailor.models.adapters import load_adapter
    from tailor.models.loading import load_model

    folder = out_dir / "model"
    if adapter:
        model = load_adapter(load_base(base, dataset, four_bit=four_bit), folder, base.name)
        return as_language_model(model, base, dataset)
    options = {"task": "classify", "labels": dataset.labels} if base.architecture == "encoder" else {}
    return as_language_model(load_model(str(folder), **options), base, dataset)


def tuning_blockers(
    technique: Any, config: TrainingConfig, dataset: Dataset, base: ModelSource, machine: Machine
) -> list[str]:
    """Why training cannot run: too few rows, a model of the wrong kind, too little memory."""
    from tailor.training.estimate import memory_gib

    found, title = [], technique.title
    rows = dataset.record.splits["train"].rows
    if rows < 2:
        found.append(f"{title} needs at least 2 training rows; the dataset has {rows}.")
    if getattr(config, "replay_share", 0) and base.architecture != "decoder":
        found.append(
            f"{base.name} is an {base.architecture}: only a decoder writes text to replay. Set replay_share to 0."
        )
    if base.architecture == "encoder" and dataset.task != "classify":
        found.append(f"{base.name} is an encoder: it can classify, but writes no answers.")
    if base.parameters:
        share = technique.trained(config, base) / base.parameters
        needed = memory_gib(
            base.parameters, share, config.rows_at_once, dataset.max_length, config.weight_bytes
        )
        if needed > 0.9 * machine.memory_gib:
            found.append(
                f"{title} of {base.name} needs about {needed:.1f} GiB; this machine has {machine.memory_gib:.1f}. "
                "Choose a smaller model or fewer rows_at_once."
            )
    return found


def classifier_blockers(
    technique: Any, config: TrainingConfig, dataset: Dataset, base: ModelSource, machine: Machine
) -> list[str]:
    """Why a classifier on a sentence encoder's embeddings cannot be trained here."""
    found, name = (
        tuning_blockers(technique, config, dataset, base, machine),
        technique.title.partition(" (")[0],
    )
    if base.architecture != "encoder":
        found.append(
            f"{base.name} is no encoder: {name} needs one, such as all-minilm-l6-v2 (the extra 'encoder')."
        )
    if dataset.task != "classify":
        found.append(f"{name} learns labels, and the task is to write answers.")
    return found
