"""Soft prompts as tokens of their own: ids beyond the vocabulary, whose embeddings come from a small table.

The base model stays as it is. Its input embedding is wrapped: an id below the vocabulary's size gives the base's own
vector, one above it a row of the table. A soft prompt is then a few ids before the text, and whatever a model can do
with ids (generate, score, share caches, hold rows of different tasks in one batch) it does with soft prompts too.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from tailor.models.catalog import ModelSource
from tailor.models.classifier import ClassifierModel
from tailor.models.language_model import LanguageModel, Prompt
from tailor.models.local_model import LocalModel
from tailor.models.sequence_to_sequence import SequenceToSequenceModel, shorten


class VirtualTokens(torch.nn.Module):
    """An input embedding with more rows than the base model has.

    Args:
        base: the base model's embedding, [v, d].
        source: returns the table of virtual tokens, [n, d], when called; a module, so that it can be trained.
    """

    def __init__(self, base: torch.nn.Module, source: torch.nn.Module) -> None:
        super().__init__()
        self.base, self.source = base, source

    @property
    def weight(self) -> torch.Tensor:
        """The base's own [v, d], which a tied head goes on using."""
        return self.base.weight

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """[b, t] ids -> [b, t, d]."""
        size = self.base.weight.shape[0]
        states = self.base(ids.clamp(max=size - 1))
        virtual = ids >= size
        if not bool(virtual.any()):
            return states
        rows = self.source()[(ids - size).clamp(min=0)].to(states.dtype)
        return torch.where(virtual[..., None], rows, states)


class Table(torch.nn.Module):
    """Virtual tokens that are numbers of their own (prompt tuning), [n, d]."""

    def __init__(self, rows: torch.Tensor) -> None:
        super().__init__()
        self.rows = torch.nn.Parameter(rows.clone().float())

    def forward(self) -> torch.Tensor:
        return self.rows


def attach(model: Any, source: torch.nn.Module) -> int:
    """Freeze ``model`` and give it the virtual tokens of ``source``; returns the id of the first one."""
    embedding = model.get_input_embeddings()
    model.requires_grad_(False)
    model.set_input_embeddings(VirtualTokens(embedding, source))
    model._tailor_split = "untried"  # the body changed: whether head and body can be run apart is tried again
    return embedding.weight.shape[0]


class TaskPrefix:
    """The ids of the virtual tokens that stand before a prompt: always the same, or those of the prompt's task.

    Args:
        first: id of the first virtual token.
        size: virtual tokens of a task.
        systems: the tasks' system prompts, in the order of their virtual tokens; a prompt with another one reads those
            that follow them.
    """

    def __init__(self, first: int, size: int, systems: Sequence[str] = ()) -> None:
        self.first, self.size = first, size
        self.numbers = {system: number for number, system in enumerate(systems)}

    def __call__(self, prompt: Prompt) -> list[int]:
        system = prompt[0]["content"] if prompt and prompt[0]["role"] == "system" else ""
        start = self.first + self.numbers.get(system, len(self.numbers)) * self.size
        return list(range(start, start + self.size))


class SoftPromptModel(LocalModel):
    """A decoder that reads virtual tokens before every prompt.

    Args:
        prefix: gives a prompt's.
    """

    def __init__(self, model: Any, tokenizer: Any, prefix: TaskPrefix, **options: Any) -> None:
        super().__init__(model, tokenizer, **options)
        self.prefix = prefix

    def encode(self, prompt: Prompt, room: int = 0) -> list[int]:
        return [*self.prefix(prompt), *super().encode(prompt, room + self.prefix.size)]


class SoftPromptClassifier(ClassifierModel):
    """An encoder that reads virtual tokens after its first token, from which the head takes the sentence's vector."""

    def __init__(
        self, model: Any, tokenizer: Any, labels: Sequence[str], prefix: TaskPrefix, **options: Any
    ) -> None:
        super().__init__(model, tokenizer, labels, **options)
        self.prefix = prefix

    def encode(self, prompt: Prompt, most: int) -> list[int]:
        first, *rest = super().encode(prompt, most - self.prefix.size)
        return [first, *self.prefix(prompt), *rest]


class SoftPromptSequenceModel(SequenceToSequenceModel):
    """An encoder-decoder whose encoder reads virtual tokens before every prompt."""

    def __init__(self, model: Any, tokenizer: Any, prefix: TaskPrefix, **options: Any) -> None:
        super().__init__(model, tokenizer, **options)
        self.prefix = prefix

    def encode(self, prompt: Prompt, room: int = 0) -> list[int]:
        return [*self.prefix(prompt), *shorten(super().encode(prompt, room), self.context - self.prefix.size)]


def with_soft_prompt(
    model: Any, tokenizer: Any, prefix: TaskPrefix, base: ModelSource, labels: Sequence[str]
) -> LanguageModel:
    """The model as a `LanguageModel` that reads the virtual tokens, whatever its kind."""
    if base.architecture == "encoder":
        return SoftPromptClassifier(model, tokenizer, labels, prefix)
    kind = SoftPromptSequenceModel if base.architecture == "encoder-decoder" else SoftPromptModel
    return kind(model, tokenizer, prefix)


def nearest_words(rows: torch.Tensor, model: Any, tokenizer: Any, most: int = 3) -> list[list[str]]:
    """For each virtual token the vocabulary's tokens whose embeddings point the same way, the likest first.

    What they mean is limited: a virtual token need not lie near any word, and still work (Khashabi et al. 2022,
    Prompt Waywardness, section 4).

    Args:
        rows: [n, d].
    """
    embedding = model.get_input_embeddings()
    words = torch.nn.functional.normalize(
        getattr(embedding, "base", embedding).weight.detach().float(), dim=1
    )
    likeness = torch.nn.functional.normalize(rows.detach().float(), dim=1) @ words.T
    likeness[:, tokenizer.all_special_ids] = -np.inf
    return [
        [tokenizer.decode([token]).strip() or repr(tokenizer.decode([token])) for token in row]
        for row in likeness.topk(min(most, likeness.shape[1])).indices.tolist()
    ]
