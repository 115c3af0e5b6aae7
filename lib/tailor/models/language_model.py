"""What every model looks like from outside: chat messages in, text or log-probability out.

The evaluator, the monitor and the exporter know nothing else about a model, whatever technique made it and wherever
it runs.
"""

from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Protocol

from tailor.data.dataset import Message
from tailor.settings import Settings, setting

if TYPE_CHECKING:
    import numpy as np

Prompt = list[Message]


class GenerationConfig(Settings):
    """How answers are written."""

    max_new_tokens: int = setting(
        128, "The longest answer; an answer that reaches it is cut.", unit="tokens", ge=1, le=4096
    )
    temperature: float = setting(
        0.0, "0 always takes the likeliest token, so the same prompt gives the same answer; higher varies.",
        ge=0.0, le=2.0,
    )  # fmt: skip
    top_p: float = setting(
        1.0, "Draw only from the likeliest tokens that together have this probability. No effect at temperature 0.",
        gt=0.0, le=1.0, advanced=True,
    )  # fmt: skip
    repetition_penalty: float = setting(
        1.0, "Above 1, tokens already written become less likely.", ge=1.0, le=2.0, advanced=True,
        source="Keskar et al. 2019, CTRL, section 4.1 (they use 1.2)",
    )  # fmt: skip
    seed: int = setting(0, "Fixes what is drawn. No effect at temperature 0.", ge=0, advanced=True)


@dataclass
class Usage:
    """What a model was asked so far.

    Attributes:
        prompt_tokens: tokens read.
        generated_tokens: tokens written.
        seconds: time spent in generate, score and score_choices.
        requests: prompts answered or scored.
        shortened: prompts that were too long for the model and lost tokens from their middle.
    """

    prompt_tokens: int = 0
    generated_tokens: int = 0
    seconds: float = 0.0
    requests: int = 0
    shortened: int = 0

    @contextmanager
    def timed(self, requests: int):
        """Count the requests and the time that the block takes."""
        start = perf_counter()
        try:
            yield
        finally:
            self.seconds += perf_counter() - start
            self.requests += requests


class LanguageModel(Protocol):
    """A model that answers chats. Prompts are lists of {"role": ..., "content": ...}; n of them, k choices."""

    usage: Usage

    def generate(self, prompts: Sequence[Prompt], config: GenerationConfig) -> list[str]:
        """An answer to each prompt, without control tokens."""
        ...

    def score(self, prompts: Sequence[Prompt], completions: Sequence[str]) -> list[float]:
        """Log-probability (nats) of each completion after its prompt, summed over its tokens and the end of turn."""
        ...

    def score_choices(self, prompts: Sequence[Prompt], choices: Sequence[str]) -> "np.ndarray":
        """[n, k] log-probabilities: `score` of every choice after every prompt."""
        ...
