"""Multi-task prompt tuning: one soft prompt that all tasks share, times a small factor for each task."""

import json
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from tailor.data.dataset import Dataset
from tailor.errors import WorkbenchError
from tailor.files import write_json
from tailor.machine import Machine
from tailor.models.catalog import ModelSource
from tailor.models.language_model import LanguageModel
from tailor.progress import Log
from tailor.settings import setting
from tailor.techniques.base import LearnsFrom, Measure
from tailor.techniques.prompt_tuning import (
    SoftPromptConfig,
    attach_for_training,
    fit_soft_prompt,
    load_soft_prompt,
    soft_prompt_blockers,
)
from tailor.training.settings import TrainingConfig

if TYPE_CHECKING:
    import torch

WANG = "Wang et al. 2023, Multitask Prompt Tuning Enables Parameter-Efficient Transfer Learning"
TASKS = "tasks.json"
MOST_TASKS = 100  # more are a text for every row, and no tasks
FEWEST = 2


class MultitaskPromptConfig(SoftPromptConfig):
    """How the shared prompt begins, and how much each task may differ from it."""

    learning_rate: float = setting(
        0.1,
        "How far each step moves the shared virtual tokens and the tasks' factors.",
        log=True,
        gt=0.0,
        le=10.0,
    )
    task_rank: int = setting(
        1,
        "How much each task may differ from what all share: its factor is a product of two matrices this thin.",
        unit="columns",
        ge=1,
        le=32,
        source=f"{WANG}, section 3.2 (rank one)",
    )


class MultitaskPrompt:
    name: ClassVar[str] = "multitask_prompt"
    title: ClassVar[str] = "Multi-task prompt tuning"
    source: ClassVar[str] = f"{WANG}, section 3"
    summary: ClassVar[str] = (
        "Learns several tasks at once: virtual tokens that all share, times a thin factor for each task. A row's task "
        "is its system prompt. Tasks with few rows profit from the others; the model itself stays frozen."
    )
    costs: ClassVar[str] = (
        "As prompt tuning, for all tasks together; each further task adds a few hundred numbers."
    )
    wins: ClassVar[str] = "Several like tasks, some with few rows, share one frozen model."
    loses: ClassVar[str] = "There is one task, or the tasks have nothing in common and hinder each other."
    changes_weights: ClassVar[bool] = True
    merges: ClassVar[bool] = False
    learns_from: ClassVar[LearnsFrom] = "prompt-completion"
    Config: ClassVar[type[TrainingConfig]] = MultitaskPromptConfig

    def find_blockers(
        self, config: MultitaskPromptConfig, dataset: Dataset, base: ModelSource, machine: Machine
    ) -> list[str]:
        found = soft_prompt_blockers(self, config, dataset, base, machine)
        tasks = tasks_of(dataset)
        if len(tasks) < FEWEST:
            found.append(
                "Multi-task prompt tuning needs at least 2 tasks, and all training rows have the same system prompt. "
                "Choose prompt_tuning, or in 04_format_data a column for the role 'system' that says what each row is "
                "about."
            )
        if len(tasks) > MOST_TASKS:
            found.append(
                f"Multi-task prompt tuning takes every system prompt for a task, and the training rows have "
                f"{len(tasks):,} (at most {MOST_TASKS}). Choose another technique, or another column for the role "
                "'system' in 04_format_data."
            )
        return found

    def trained(self, config: MultitaskPromptConfig, base: ModelSource) -> int:
        """For the fewest tasks: how many there are stands in the rows alone."""
        from tailor.training.estimate import shape_of

        width = shape_of(base).width
        factor = config.task_rank * (config.virtual_tokens + width)
        return config.virtual_tokens * width + FEWEST * factor

    def prepare(self, model: Any, config: MultitaskPromptConfig, base: ModelSource) -> Any:
        rows = model.get_input_embeddings().weight.detach()[: config.virtual_tokens]
        attach_for_training(model, shared_prompt(rows, FEWEST, config.task_rank))
        return model

    def fit(
        self,
        base: ModelSource,
        dataset: Dataset,
        config: MultitaskPromptConfig,
        out_dir: Path,
        *,
        seed: int,
        log: Log,
        measure: Measure | None = None,
    ) -> dict:
        tasks = tasks_of(dataset)
        make_source = partial(shared_prompt, tasks=len(tasks), rank=config.task_rank)
        figures = fit_soft_prompt(
            base, dataset, config, out_dir, make_source, seed=seed, log=log, measure=measure, systems=tasks
        )
        write_json(out_dir / TASKS, tasks)
        figures["notes"].append(
            f"Learned {len(tasks)} tasks, one for each system prompt. A question with another system prompt reads "
            "the mean of their virtual tokens."
        )
        return figures

    def load(self, base: ModelSource, dataset: Dataset, out_dir: Path) -> LanguageModel:
        return load_soft_prompt(base, dataset, out_dir, read_tasks(out_dir / TASKS))


def tasks_of(dataset: Dataset) -> list[str]:
    """The training rows' system prompts, the most frequent first."""
    counted = Counter(example.system or dataset.system_prompt for example in dataset.train)
    return sorted(counted, key=lambda system: (-counted[system], system))


def read_tasks(path: Path) -> list[str]:
    """The system prompts in the order of their virtual tokens.

    Raises:
        WorkbenchError: the file is missing or damaged.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
            raise ValueError("it is no list of texts")
    except (OSError, ValueError) as error:
        raise WorkbenchError(
            f"{path} cannot be read ({error})", "the tasks as tuning wrote them", "run 07_tune again"
        ) from error
    return found


def shared_prompt(first: "torch.Tensor", tasks: int, rank: int) -> Any:
    """PEFT's multi-task prompts: the shared virtual tokens times each task's factor, which begins at one.

    Args:
        first: [n, d] where the shared virtual tokens begin.

    Returns:
        A module that gives [(tasks + 1) * n, d] when called: each task's virtual tokens, and at last their mean, for
        questions whose task was not there.
    """
    import torch
    from peft import MultitaskPromptTuningConfig
    from peft.tuners.multitask_prompt_tuning import MultitaskPromptEmbedding

    size, width = first.shape

    class Shared(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            settings = MultitaskPromptTuningConfig(
                num_virtual_tokens=size,
                token_dim=width,
                num_transformer_submodules=1,
                num_tasks=tasks,
                num_ranks=rank,
            )
            self.prompts = MultitaskPromptEmbedding(settings, None)
            self.prompts.embedding.weight = torch.nn.Parameter(first.clone().float())
            with torch.no_grad():
                self.prompts.prefix_task_cols[..., 0] = 1.0
                self.prompts.prefix_task_rows[:] = 0.0
                self.prompts.prefix_task_rows[:, 0] = 1.0
            self.register_buffer("numbers", torch.arange(size).repeat(tasks, 1))

        def forward(self) -> "torch.Tensor":
            # in fp32: small steps would be lost in bf16
            with torch.autocast(first.device.type, enabled=False):
                each = self.prompts(self.numbers, torch.arange(tasks, device=self.numbers.device))
                return torch.cat([each, each.mean(0, keepdim=True)]).flatten(0, 1)

    return Shared()
