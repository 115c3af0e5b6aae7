"""Prompt tuning: a few virtual tokens before the input are trained, nothing else. Also what p-tuning shares with it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from tailor.data.dataset import Dataset, Example
from tailor.machine import Machine
from tailor.models.catalog import ModelSource
from tailor.models.language_model import LanguageModel
from tailor.models.parts import new_head
from tailor.models.prompt_table import FILE, PromptTable
from tailor.progress import Log
from tailor.settings import setting
from tailor.techniques.base import LearnsFrom, Measure
from tailor.techniques.full import load_base, tuning_blockers
from tailor.training.batches import MASKED
from tailor.training.settings import TrainingConfig, least_steps_setting

if TYPE_CHECKING:
    import torch

    from tailor.models.virtual_tokens import TaskPrefix

LESTER = "Lester et al. 2021, The Power of Scale for Parameter-Efficient Prompt Tuning"
TASK = "task"


class SoftPromptConfig(TrainingConfig):
    """What prompt tuning and p-tuning share."""

    least_steps: int = least_steps_setting(500)
    virtual_tokens: int = setting(
        50,
        "How many virtual tokens stand before the input. More hold more and are read with every question; large models "
        "gain little beyond 20.",
        unit="tokens",
        ge=1,
        le=200,
        source=f"{LESTER}, section 3.2 (20 to 100); searched on the bundled models, docs/defaults.md",
    )
    start_from: Literal["vocabulary", "text", "labels", "random"] = setting(
        "vocabulary",
        "Where the virtual tokens begin: at tokens drawn from your training texts, at those of start_text, at those of "
        "the labels, or at random numbers. Random learns much more slowly.",
        source=f"{LESTER}, section 3.2 (label words and vocabulary beat random); PEFT's comparison (5.7, 34.3)",
    )
    start_text: str = setting(
        "",
        "For start_from 'text': a sentence that says what to do; empty takes the system prompt.",
        multiline=True,
    )


class PromptTuningConfig(SoftPromptConfig):
    """How the virtual tokens begin, and how they are trained."""

    learning_rate: float = setting(
        0.1,
        "How far each step moves the virtual tokens. They bear, and need, far more than weights do.",
        log=True,
        gt=0.0,
        le=10.0,
        source=f"{LESTER}, section 3 (0.3); searched on the bundled models, docs/defaults.md",
    )


class PromptTuning:
    name: ClassVar[str] = "prompt_tuning"
    title: ClassVar[str] = "Prompt tuning"
    source: ClassVar[str] = f"{LESTER}, section 2"
    summary: ClassVar[str] = (
        "Trains a few virtual tokens that stand before every input; the model stays frozen, and one copy of it serves "
        "many tasks. The file has a few kilobytes. Learns less than LoRA on small models, and slowly."
    )
    costs: ClassVar[str] = (
        "Memory and time of a pass through the whole model for every step, although so little is trained; "
        "each answer reads the virtual tokens too."
    )
    wins: ClassVar[str] = (
        "One copy of a large model serves many tasks, and each task may take only kilobytes."
    )
    loses: ClassVar[str] = (
        "The model is small (below about a billion parameters), time is short, or the task needs new "
        "knowledge."
    )
    changes_weights: ClassVar[bool] = True
    merges: ClassVar[bool] = False
    learns_from: ClassVar[LearnsFrom] = "prompt-completion"
    Config: ClassVar[type[TrainingConfig]] = PromptTuningConfig

    def find_blockers(
        self, config: PromptTuningConfig, dataset: Dataset, base: ModelSource, machine: Machine
    ) -> list[str]:
        return soft_prompt_blockers(self, config, dataset, base, machine)

    def trained(self, config: PromptTuningConfig, base: ModelSource) -> int:
        from tailor.training.estimate import shape_of

        return config.virtual_tokens * shape_of(base).width

    def prepare(self, model: Any, config: PromptTuningConfig, base: ModelSource) -> Any:
        from tailor.models.virtual_tokens import Table

        return with_virtual_tokens(model, config, Table)

    def fit(
        self,
        base: ModelSource,
        dataset: Dataset,
        config: PromptTuningConfig,
        out_dir: Path,
        *,
        seed: int,
        log: Log,
        measure: Measure | None = None,
    ) -> dict:
        from tailor.models.virtual_tokens import Table

        return fit_soft_prompt(base, dataset, config, out_dir, Table, seed=seed, log=log, measure=measure)

    def load(self, base: ModelSource, dataset: Dataset, out_dir: Path) -> LanguageModel:
        return load_soft_prompt(base, dataset, out_dir)


def fit_soft_prompt(
    base: ModelSource,
    dataset: Dataset,
    config: SoftPromptConfig,
    out_dir: Path,
    make_source: "Callable[[torch.Tensor], torch.nn.Module]",
    *,
    seed: int,
    log: Log,
    measure: Measure | None,
    systems: Sequence[str] = (),
) -> dict[str, Any]:
    """Train what gives the virtual tokens, and save these as a prompt table.

    Args:
        make_source: from the first values [n, d], a module that returns the virtual tokens when called: [n, d], or
            [(k + 1) * n, d] for k tasks told apart by their system prompts, and for questions of another.
        systems: the k system prompts.
    """
    from transformers import set_seed

    from tailor.models.loading import load_tokenizer
    from tailor.models.virtual_tokens import TaskPrefix, nearest_words
    from tailor.training.objectives import objective_for
    from tailor.training.run import train

    set_seed(seed)
    tokenizer = load_tokenizer(base)
    model = load_base(base, dataset)
    first_rows = model.get_input_embeddings().weight[first_tokens(tokenizer, dataset, config, seed)]
    source = make_source(first_rows.detach())
    first = attach_for_training(model, source)
    inner = objective_for(base, tokenizer, dataset)
    objective = WithSoftPrompt(inner, TaskPrefix(first, config.virtual_tokens, systems), base)

    def save(model: Any, folder: Path, base_name: str) -> None:
        head = {
            name: weight.detach().clone()
            for name, weight in model.named_parameters()
            if weight.requires_grad and not _of_source(name)
        }
        names = task_names(systems)
        parts = source().detach().split(config.virtual_tokens)
        tasks = {name: rows.clone() for name, rows in zip(names, parts, strict=True)}
        PromptTable(base_name, tasks, {names[0]: head} if head else {}).save(folder / FILE)

    figures = train(
        model,
        objective,
        dataset,
        config,
        out_dir,
        base=base.name,
        seed=seed,
        log=log,
        measure=measure,
        save=save,
    )
    words = nearest_words(source()[-config.virtual_tokens :], model, tokenizer)
    figures["notes"].append(
        "Nearest words of the virtual tokens: " + "; ".join(" ".join(near) for near in words)
    )
    return figures


def attach_for_training(model: Any, source: "torch.nn.Module") -> int:
    """Freeze the model but for an encoder's new head, and give it virtual tokens; returns the first one's id."""
    from tailor.models.virtual_tokens import attach

    first = attach(model, source)
    for weight in new_head(model):
        weight.requires_grad_(True)
    return first


def with_virtual_tokens(
    model: Any, config: SoftPromptConfig, make_source: "Callable[[torch.Tensor], torch.nn.Module]"
) -> Any:
    """The model with virtual tokens that begin at the first rows of its embedding: as it is trained, but for these."""
    rows = model.get_input_embeddings().weight.detach()
    attach_for_training(model, make_source(rows[: config.virtual_tokens]))
    return model


def _of_source(name: str) -> bool:
    return ".source." in name


def task_names(systems: Sequence[str]) -> list[str]:
    """What the tasks are called in the prompt table: one name for one task, else numbers and "other"."""
    return [*(f"task {number}" for number in range(1, len(systems) + 1)), "other"] if systems else [TASK]


def load_soft_prompt(
    base: ModelSource, dataset: Dataset, out_dir: Path, systems: Sequence[str] = ()
) -> LanguageModel:
    """The base model with the virtual tokens of a run.

    Args:
        systems: as they were given to `fit_soft_prompt`.
    """
    import torch

    from tailor.models.loading import load_tokenizer
    from tailor.models.virtual_tokens import Table, TaskPrefix, attach, with_soft_prompt

    table, names = PromptTable.load(out_dir / "model" / FILE), task_names(systems)
    parts, tokenizer = [table.task(name) for name in names], load_tokenizer(base)
    model = load_base(base, dataset)
    table.check_base(base.name, model.get_input_embeddings().weight.shape[1])
    if names[0] in table.heads:
        model.load_state_dict(table.heads[names[0]], strict=False)
    first = attach(model, Table(torch.cat(parts)))
    prefix = TaskPrefix(first, len(parts[0]), systems)
    return with_soft_prompt(model.eval(), tokenizer, prefix, base, dataset.labels)


class WithSoftPrompt:
    """An objective whose rows begin with virtual tokens, which are read and not learned.

    Args:
        inner: the objective without them.
        prefix: their ids, told by the prompt.
        base: rows that no longer fit into what it reads are left out.
    """

    def __init__(self, inner: Any, prefix: "TaskPrefix", base: ModelSource) -> None:
        self.inner, self.prefix, self.base = inner, prefix, base
        self.collate, self.loss = inner.collate, inner.loss

    def encode(self, example: Example) -> dict[str, Any] | None:
        row, prefix = self.inner.encode(example), self.prefix(self.inner.dataset.prompt(example))
        context = self.base.context
        if row is None or (context and len(row["input_ids"]) + len(prefix) > context):
            return None
        at = (
            1 if self.base.architecture == "encoder" else 0
        )  # its head reads the first token: that stays first
        row["input_ids"][at:at] = prefix
        if self.base.architecture == "decoder":
            row["labels"][:0] = [MASKED] * len(prefix)
        if row.get("token_weights"):
            row["token_weights"] = [1.0] * len(prefix) + list(row["token_weights"])
        return row

    def as_language_model(self, model: Any) -> LanguageModel:
        from tailor.models.virtual_tokens import with_soft_prompt

        return with_soft_prompt(
            model, self.inner.tokenizer, self.prefix, self.base, self.inner.dataset.labels
        )


def first_tokens(tokenizer: Any, dataset: Dataset, config: SoftPromptConfig, seed: int) -> list[int]:
    """Ids of the tokens at whose embeddings the virtual tokens begin, as many as there are virtual tokens.

    "random" takes tokens drawn from the whole vocabulary: vectors of the size the model knows.
    """
    import numpy as np

    random, count = np.random.default_rng(seed), config.virtual_tokens
    if config.start_from == "random":
        return random.integers(len(tokenizer), size=count).tolist()
    if config.start_from == "text":
        texts = [config.start_text or dataset.record.system_prompt]
    elif config.start_from == "labels":
        texts = [" ".join(dataset.labels)]
    else:
        texts = [f"{example.input} {example.output}" for example in dataset.train[:500]]
    special = set(tokenizer.all_special_ids)
    ids = [token for text in texts for token in tokenizer.encode(text, add_special_tokens=False)]
    ids = [token for token in ids if token not in special]
    if config.start_from == "vocabulary":
        ids = random.permutation(sorted(set(ids))).tolist()
    if not ids:
        return first_tokens(tokenizer, dataset, config.model_copy(update={"start_from": "random"}), seed)
    return (ids * (count // len(ids) + 1))[:count]


def soft_prompt_blockers(
    technique: Any, config: SoftPromptConfig, dataset: Dataset, base: ModelSource, machine: Machine
) -> list[str]:
    """Why a soft prompt cannot be trained here."""
    found = tuning_blockers(technique, config, dataset, base, machine)
    if base.context and config.virtual_tokens > base.context // 2:
        found.append(
            f"{config.virtual_tokens} virtual tokens leave too little of the {base.context:,} tokens that {base.name} "
            "reads. Choose fewer virtual_tokens."
        )
    if config.start_from == "labels" and dataset.task != "classify":
        found.append("start_from is 'labels', and the task has none. Choose 'vocabulary' or 'text'.")
    return found
