"""Chain of thought: the model writes its reasoning first, and the answer is taken from what follows it."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from tailor.data.dataset import Dataset
from tailor.errors import WorkbenchError
from tailor.files import write_json
from tailor.machine import Machine
from tailor.models.catalog import ModelSource
from tailor.models.language_model import GenerationConfig, LanguageModel, Prompt, Usage
from tailor.progress import Log
from tailor.settings import setting
from tailor.techniques.base import LearnsFrom, Measure, TechniqueConfig

KOJIMA = "Kojima et al. 2022, Large Language Models are Zero-Shot Reasoners"
WANG = "Wang et al. 2023, Self-Consistency Improves Chain of Thought Reasoning"
FILE = "chain_of_thought.json"


class ChainOfThoughtConfig(TechniqueConfig):
    """How the model is asked to reason, and how its answer is found."""

    think: str = setting(
        "Think step by step.",
        "What is said after the question, so that the model reasons before it answers.",
        min_length=1,
        source=f"{KOJIMA}, section 3 and table 4",
    )
    conclude: str = setting(
        "So the answer is:",
        "What is said after the reasoning, so that the model gives its answer and nothing else.",
        min_length=1,
        source=f"{KOJIMA}, section 3.1 (second prompt: answer extraction)",
    )
    reasoning_tokens: int = setting(
        48,
        "The longest reasoning; each of its tokens is paid with every answer.",
        unit="tokens",
        ge=4,
        le=4096,
    )
    samples: int = setting(
        1,
        "How often the model reasons about each question. With more than one the answers are put to a vote "
        "(self-consistency), and time grows as often.",
        unit="samples",
        ge=1,
        le=40,
        source=f"{WANG}, section 3.2 (gains up to 40, most of them by 10)",
    )
    temperature: float = setting(
        0.7,
        "How varied the reasonings are when there are several; one alone is always the likeliest.",
        gt=0.0,
        le=2.0,
        advanced=True,
        source=f"{WANG}, section 3.1 (0.5 to 0.7)",
    )


class ChainOfThought:
    name: ClassVar[str] = "chain_of_thought"
    title: ClassVar[str] = "Chain of thought"
    source: ClassVar[str] = f"{KOJIMA}, section 3; {WANG}"
    summary: ClassVar[str] = (
        "Lets the model write its reasoning before the answer, once or several times with a vote. Helps large models "
        "with arithmetic and logic; below some billions of parameters it usually costs time and helps nothing."
    )
    costs: ClassVar[str] = (
        "Nothing to make. Every answer writes its reasoning first, several times over where there is a vote."
    )
    wins: ClassVar[str] = (
        "The answer needs several steps (sums, comparisons, rules that depend on each other) and the model "
        "is large."
    )
    loses: ClassVar[str] = (
        "The model is small: it reasons badly and believes what it wrote. Labels and lookups need no "
        "reasoning."
    )
    changes_weights: ClassVar[bool] = False
    merges: ClassVar[bool] = False
    learns_from: ClassVar[LearnsFrom] = "nothing"
    Config: ClassVar[type[TechniqueConfig]] = ChainOfThoughtConfig

    def find_blockers(
        self, config: ChainOfThoughtConfig, dataset: Dataset, base: ModelSource, machine: Machine
    ) -> list[str]:
        if base.architecture == "encoder":
            return [f"{base.name} is an encoder: it writes no reasoning and no text."]
        if base.context and config.reasoning_tokens > base.context // 2:
            return [
                f"{config.reasoning_tokens:,} tokens of reasoning leave too little of the {base.context:,} that "
                f"{base.name} reads. Lower reasoning_tokens."
            ]
        return []

    def trained(self, config: ChainOfThoughtConfig, base: ModelSource) -> int:
        return 0

    def fit(
        self,
        base: ModelSource,
        dataset: Dataset,
        config: ChainOfThoughtConfig,
        out_dir: Path,
        *,
        seed: int,
        log: Log,
        measure: Measure | None = None,
    ) -> dict:
        write_json(out_dir / FILE, {**config.model_dump(mode="json"), "seed": seed})
        most = config.samples * config.reasoning_tokens
        return {"notes": [f"Each answer costs up to {most:,} more tokens, written one after the other."]}

    def load(self, base: ModelSource, dataset: Dataset, out_dir: Path) -> LanguageModel:
        from tailor.models.writers import open_base

        try:
            kept = json.loads((out_dir / FILE).read_text(encoding="utf-8"))
            seed, config = kept.pop("seed"), ChainOfThoughtConfig(**kept)
        except (OSError, ValueError, KeyError, AttributeError) as error:
            raise WorkbenchError(
                f"{out_dir / FILE} cannot be read ({str(error).splitlines()[0]})",
                "the settings as chain of thought wrote them",
                "delete that folder and run the step again",
            ) from None
        return Reasoning(open_base(base), config, seed)


class Reasoning:
    """A language model that reasons before it answers; text in and text out, like any other.

    Args:
        inner: the model that is asked, twice for each sample: for its reasoning, then for its answer.
        seed: of the first sample; the others follow it.
    """

    def __init__(self, inner: LanguageModel, config: ChainOfThoughtConfig, seed: int) -> None:
        self.inner, self.config, self.seed = inner, config, seed

    @property
    def usage(self) -> Usage:
        return self.inner.usage

    def reason(self, prompts: Sequence[Prompt], sample: int) -> list[Prompt]:
        """The prompts with the model's own reasoning after the question, ready for the answer."""
        alone = self.config.samples == 1
        config = GenerationConfig(
            max_new_tokens=self.config.reasoning_tokens,
            temperature=0.0 if alone else self.config.temperature,
            seed=self.seed + sample,
        )
        asked = [[*p[:-1], {**p[-1], "content": f"{p[-1]['content']}\n{self.config.think}"}] for p in prompts]
        written = self.inner.generate(asked, config)
        return [
            [
                *p,
                {"role": "assistant", "content": text or "..."},
                {"role": "user", "content": self.config.conclude},
            ]
            for p, text in zip(asked, written, strict=True)
        ]

    def generate(self, prompts: Sequence[Prompt], config: GenerationConfig) -> list[str]:
        """The answer that most samples come to, blanks and case aside; of equals, the one that came first."""
        samples = [
            self.inner.generate(self.reason(prompts, number), config) for number in range(self.config.samples)
        ]
        return [vote(answers) for answers in zip(*samples, strict=True)]

    def score(self, prompts: Sequence[Prompt], completions: Sequence[str]) -> list[float]:
        """Log-probability of each completion after the reasoning; with several samples, of their mean probability."""
        scores = [
            self.inner.score(self.reason(prompts, number), completions)
            for number in range(self.config.samples)
        ]
        return _log_mean(np.array(scores)).tolist()

    def score_choices(self, prompts: Sequence[Prompt], choices: Sequence[str]) -> np.ndarray:
        """[n, k]: as `score`."""
        if not prompts:
            return self.inner.score_choices(prompts, choices)
        scores = [
            self.inner.score_choices(self.reason(prompts, number), choices)
            for number in range(self.config.samples)
        ]
        return _log_mean(np.array(scores))


def vote(answers: Sequence[str]) -> str:
    """The commonest answer, as it was first written."""
    keys = [" ".join(answer.lower().split()).rstrip(".") for answer in answers]
    counts = Counter(keys)
    best = max(counts.values())
    return answers[next(place for place, key in enumerate(keys) if counts[key] == best)]


def _log_mean(scores: np.ndarray) -> np.ndarray:
    """[s, ...] log-probabilities -> [...] logarithm of the mean probability."""
    return np.logaddexp.reduce(scores, axis=0) - np.log(len(scores))
