"""Few-shot prompting: the base model sees solved examples before each question. Nothing is trained."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from tailor.data.dataset import Dataset, Example, Message
from tailor.errors import WorkbenchError
from tailor.files import write_json
from tailor.machine import Machine
from tailor.models.catalog import ModelSource
from tailor.models.encoder import embedding_problems
from tailor.models.language_model import GenerationConfig, LanguageModel, Prompt, Usage
from tailor.progress import Log
from tailor.settings import setting
from tailor.techniques.base import LearnsFrom, Measure, TechniqueConfig
from tailor.techniques.demonstrations import (
    by_letters,
    by_meaning,
    choose_demonstrations,
    context_of,
    longest_prompt,
    row_problems,
    sizes_of,
    those_that_fit,
)

FILE = "demonstrations.json"


class FewShotConfig(TechniqueConfig):
    """Which examples the model is shown."""

    demonstrations: int = setting(
        4,
        "How many solved examples stand before the question. More show the task better, cost time with every "
        "answer, and may not fit the model's context: those that do not fit are left out.",
        unit="examples",
        ge=1,
        le=64,
        source="Brown et al. 2020, section 2.1 (as many as fit); few for speed here",
    )
    choose: Literal["balanced", "random", "nearest", "fixed"] = setting(
        "balanced",
        "balanced: spread over the labels (without labels, over short and long answers). random: drawn blindly. "
        "nearest: for each question the examples most like it, which is slower and often better. fixed: those that "
        "'rows' names.",
        source="Liu et al. 2022, What Makes Good In-Context Examples for GPT-3?, section 3 (nearest)",
    )
    rows: list[str] = setting(
        [],
        "For 'fixed': the ids of the training rows that are shown, in this order, whatever 'demonstrations' says.",
        advanced=True,
    )
    embedding_model: str = setting(
        "",
        "For 'nearest': the encoder whose embeddings tell which examples mean the same, such as all-minilm-l6-v2 (the "
        "extra 'encoder') or a model folder. Empty: the letters they share (TF-IDF).",
        advanced=True,
        source="Liu et al. 2022, section 3.1 (sentence embeddings)",
    )
    answer_room: int = setting(
        128,
        "Tokens of the context kept free for the question's answer.",
        unit="tokens",
        ge=1,
        le=4096,
        advanced=True,
    )


class FewShot:
    name: ClassVar[str] = "few_shot"
    title: ClassVar[str] = "Few-shot prompting"
    source: ClassVar[str] = "Brown et al. 2020, Language Models are Few-Shot Learners, section 2"
    summary: ClassVar[str] = (
        "Shows the base model a few solved examples before every question. Needs no training and can be changed at "
        "once; every answer costs more time, and small models gain little from it."
    )
    costs: ClassVar[str] = (
        "Nothing to make. Every answer reads all examples first, so its price grows with their number and "
        "length."
    )
    wins: ClassVar[str] = (
        "There are a handful of solved rows, labels or formats change often, and the model is large enough "
        "to imitate."
    )
    loses: ClassVar[str] = "The model is small, its context short, or every answer must be quick."
    changes_weights: ClassVar[bool] = False
    merges: ClassVar[bool] = False
    learns_from: ClassVar[LearnsFrom] = "prompt-completion"
    Config: ClassVar[type[TechniqueConfig]] = FewShotConfig

    def find_blockers(
        self, config: FewShotConfig, dataset: Dataset, base: ModelSource, machine: Machine
    ) -> list[str]:
        found = embedding_problems(config.embedding_model, "few_shot.embedding_model")
        if base.architecture == "encoder":
            found.append(f"{base.name} is an encoder: it reads no demonstrations and writes no text.")
        if not dataset.train:
            found.append("The dataset has no training rows to show.")
        if config.choose == "fixed":
            found += row_problems(config.rows, dataset)
        return found

    def trained(self, config: FewShotConfig, base: ModelSource) -> int:
        return 0

    def fit(
        self,
        base: ModelSource,
        dataset: Dataset,
        config: FewShotConfig,
        out_dir: Path,
        *,
        seed: int,
        log: Log,
        measure: Measure | None = None,
    ) -> dict:
        from tailor.models.loading import load_tokenizer

        tokenizer = load_tokenizer(base)
        if config.choose == "nearest":
            usual = sizes_of(tokenizer, dataset.given[:100], dataset.turns)
            added = round(sum(usual) / max(len(usual), 1) * min(config.demonstrations, len(dataset.given)))
            notes = [
                f"The {config.demonstrations} demonstrations add about {added:,} tokens to every question."
            ]
            kept = {"nearest": config.demonstrations, "answer_room": config.answer_room}
            kept |= {"embedding_model": config.embedding_model}
        else:
            shown, notes = _shown(dataset, config, base, tokenizer, seed)
            kept = {"demonstrations": [{"input": e.input, "output": e.output, "id": e.id} for e in shown]}
        for note in notes[:-1]:  # the last one, the price, stands with the run
            log.note(note)
        out_dir.mkdir(parents=True, exist_ok=True)
        write_json(out_dir / FILE, kept)
        return {"notes": notes}

    def load(self, base: ModelSource, dataset: Dataset, out_dir: Path) -> LanguageModel:
        from tailor.models.writers import open_base

        try:
            kept = json.loads((out_dir / FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise WorkbenchError(
                f"{out_dir / FILE} cannot be read ({error})",
                "the demonstrations as few-shot prompting wrote them",
                "delete that folder and run 05_measure_baselines again",
            ) from None
        inner = open_base(base)
        if "nearest" in kept:
            return NearestShown(inner, dataset, kept["nearest"], kept["answer_room"], kept["embedding_model"])
        shown = [Example(d["id"], d["input"], d["output"]) for d in kept["demonstrations"]]
        return Shown(inner, dataset.turns(shown))


class Shown:
    """A language model that is shown the same demonstrations before every prompt's last question."""

    def __init__(self, inner: LanguageModel, demonstrations: list[Message]) -> None:
        self.inner = inner
        self.demonstrations = demonstrations

    @property
    def usage(self) -> Usage:
        return self.inner.usage

    def extend(self, prompts: Sequence[Prompt]) -> list[Prompt]:
        """The prompts with the demonstrations between system prompt and question."""
        return [insert(prompt, self.demonstrations) for prompt in prompts]

    def generate(self, prompts: Sequence[Prompt], config: GenerationConfig) -> list[str]:
        return self.inner.generate(self.extend(prompts), config)

    def score(self, prompts: Sequence[Prompt], completions: Sequence[str]) -> list[float]:
        return self.inner.score(self.extend(prompts), completions)

    def score_choices(self, prompts: Sequence[Prompt], choices: Sequence[str]) -> np.ndarray:
        return self.inner.score_choices(self.extend(prompts), choices)


class NearestShown(Shown):
    """Shows each question the training rows most like it, the most alike last, as many as fit."""

    def __init__(
        self, inner: LanguageModel, dataset: Dataset, count: int, answer_room: int, embedding_model: str = ""
    ) -> None:
        super().__init__(inner, [])
        self.examples, self.count, self.answer_room = dataset.given, count, answer_room
        self.turns = dataset.turns
        inputs = [dataset.format.question(example.input)["content"] for example in self.examples]
        self.likeness = by_meaning(inputs, embedding_model) if embedding_model else by_letters(inputs)

    def extend(self, prompts: Sequence[Prompt]) -> list[Prompt]:
        likeness = self.likeness([prompt[-1]["content"] for prompt in prompts])
        return [self._extend_one(prompt, row) for prompt, row in zip(prompts, likeness, strict=True)]

    def _extend_one(self, prompt: Prompt, likeness: np.ndarray) -> Prompt:
        order = np.argsort(-likeness, kind="stable")[: self.count]
        nearest = [self.examples[row] for row in order]
        room = self.inner.context - self.answer_room - len(self.inner.encode(prompt))
        return insert(
            prompt, self.turns(those_that_fit(self.inner.tokenizer, nearest, room, self.turns)[::-1])
        )


def insert(prompt: Prompt, demonstrations: list[Message]) -> Prompt:
    """Put the demonstrations after the system prompt."""
    start = 1 if prompt and prompt[0]["role"] == "system" else 0
    return [*prompt[:start], *demonstrations, *prompt[start:]]


def _shown(
    dataset: Dataset, config: FewShotConfig, base: ModelSource, tokenizer: object, seed: int
) -> tuple[list[Example], list[str]]:
    """The rows that stand before every question, as many as fit, and what there is to say of them."""
    if config.choose == "fixed":
        known = {example.id: example for example in dataset.given}
        chosen = [known[row] for row in config.rows]
    else:
        chosen = choose_demonstrations(dataset, config.demonstrations, config.choose, seed)
    room = context_of(base) - config.answer_room - longest_prompt(tokenizer, dataset)
    fitting = those_that_fit(tokenizer, chosen, room, dataset.turns)
    notes = []
    if len(fitting) < len(chosen):
        notes.append(
            f"{len(chosen) - len(fitting)} of {len(chosen)} demonstrations were left out: they do not fit "
            f"the model's context of {context_of(base):,} tokens together with the longest question."
        )
    added = sum(sizes_of(tokenizer, fitting, dataset.turns))
    return fitting, [*notes, f"The {len(fitting)} demonstrations add {added:,} tokens to every question."]
