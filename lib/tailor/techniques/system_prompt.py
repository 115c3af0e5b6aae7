"""System prompt: what the model should do, said before every question. Nothing is trained."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from tailor.data.dataset import Dataset
from tailor.errors import WorkbenchError
from tailor.files import write_json
from tailor.machine import Machine
from tailor.models.catalog import ModelSource
from tailor.models.language_model import LanguageModel, Prompt
from tailor.progress import Log
from tailor.settings import setting
from tailor.techniques.base import LearnsFrom, Measure, TechniqueConfig
from tailor.techniques.demonstrations import context_of
from tailor.techniques.few_shot import Shown

FILE = "system_prompt.json"
ROOM = 0.5
"""Share of the context that a system prompt may fill: question and answer need the rest."""


class SystemPromptConfig(TechniqueConfig):
    """What is said before every question."""

    text: str = setting(
        "",
        "The system prompt. Empty: the one that 01 composed from description, guidelines and tone.",
        multiline=True,
    )
    list_labels: bool = setting(
        True,
        "Labels only: end the system prompt with the labels to choose from. Many labels make it long: it is read "
        "with every question.",
    )


class SystemPrompt:
    name: ClassVar[str] = "system_prompt"
    title: ClassVar[str] = "System prompt"
    source: ClassVar[str] = (
        "Reynolds and McDonell 2021, Prompt Programming for Large Language Models, section 4"
    )
    summary: ClassVar[str] = (
        "Says before every question what the model is for and which labels there are. Free to make and to change; "
        "large models follow it, small ones hardly do. Its tokens are read again with every answer."
    )
    costs: ClassVar[str] = "Nothing to make. Its tokens are read again with every answer."
    wins: ClassVar[str] = (
        "The model follows instructions (from some billions of parameters), or the rules change every week."
    )
    loses: ClassVar[str] = (
        "The model is small, the labels are many, or the rules do not fit into a few sentences."
    )
    changes_weights: ClassVar[bool] = False
    merges: ClassVar[bool] = False
    learns_from: ClassVar[LearnsFrom] = "nothing"
    Config: ClassVar[type[TechniqueConfig]] = SystemPromptConfig

    def find_blockers(
        self, config: SystemPromptConfig, dataset: Dataset, base: ModelSource, machine: Machine
    ) -> list[str]:
        if base.architecture == "encoder":
            return [f"{base.name} is an encoder: it reads no instructions and writes no text."]
        if not compose(config, dataset):
            return ["There is no system prompt: write one into 'text', or describe the use case in 01."]
        return []

    def trained(self, config: SystemPromptConfig, base: ModelSource) -> int:
        return 0

    def fit(
        self,
        base: ModelSource,
        dataset: Dataset,
        config: SystemPromptConfig,
        out_dir: Path,
        *,
        seed: int,
        log: Log,
        measure: Measure | None = None,
    ) -> dict:
        text = compose(config, dataset)
        check_room(text, base)
        write_json(out_dir / FILE, {"text": text})
        return {"notes": [price(text, base)]}

    def load(self, base: ModelSource, dataset: Dataset, out_dir: Path) -> LanguageModel:
        return with_saved_prompt(base, out_dir)


class WithSystemPrompt(Shown):
    """A language model that reads one system prompt before every question, in the place of any other."""

    def __init__(self, inner: LanguageModel, text: str) -> None:
        super().__init__(inner, [])
        self.text = text

    def extend(self, prompts: Sequence[Prompt]) -> list[Prompt]:
        return [instead(prompt, self.text) for prompt in prompts]


def instead(prompt: Prompt, text: str) -> Prompt:
    """The prompt with `text` as its only system message."""
    return [{"role": "system", "content": text}, *(m for m in prompt if m["role"] != "system")]


def compose(config: SystemPromptConfig, dataset: Dataset) -> str:
    """The whole system prompt: the text, and the labels where they are wanted."""
    text = config.text.strip() or dataset.system_prompt.strip()
    if dataset.task == "classify" and config.list_labels:
        text = f"{text}\nAnswer with one of: {'; '.join(dataset.labels)}.".strip()
    return text


def tokens_of(text: str, base: ModelSource) -> int:
    """How many tokens a text is for the base model."""
    from tailor.models.loading import load_tokenizer

    return len(load_tokenizer(base).encode(text, add_special_tokens=False))


def check_room(text: str, base: ModelSource) -> None:
    """Raises WorkbenchError where the system prompt fills more than half of what the model reads."""
    size, most = tokens_of(text, base), int(context_of(base) * ROOM)
    if size > most:
        raise WorkbenchError(
            f"the system prompt has {size:,} tokens, and {base.name} reads {context_of(base):,} in all",
            f"at most {most:,}, so that question and answer have room",
            "shorten it, or set list_labels to false",
        )


def price(text: str, base: ModelSource) -> str:
    """What the prompt costs with every answer."""
    return f"The system prompt adds {tokens_of(text, base):,} tokens to every question."


def with_saved_prompt(base: ModelSource, out_dir: Path) -> LanguageModel:
    """The base model with the system prompt that a technique kept.

    Raises:
        WorkbenchError: its file is missing or damaged.
    """
    from tailor.models.writers import open_base

    try:
        text = json.loads((out_dir / FILE).read_text(encoding="utf-8"))["text"]
    except (OSError, ValueError, KeyError) as error:
        raise WorkbenchError(
            f"{out_dir / FILE} cannot be read ({error})",
            "the system prompt as it was kept",
            "delete that folder and run the step again",
        ) from None
    return WithSystemPrompt(open_base(base), text)
