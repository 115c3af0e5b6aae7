"""A model that is loaded at the first question, and what it cost to ask: seconds, memory, an estimate of energy."""

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from tailor.models.language_model import GenerationConfig, LanguageModel, Prompt

ELSEWHERE = 0.03
"""Below this share of a core kept busy while answering, another machine did the work; a busy one here gives less than a
core as well."""


class Loaded:
    """A language model that is loaded at the first question, and measured."""

    def __init__(self, load: Callable[[], LanguageModel]) -> None:
        self._load = load
        self._model: LanguageModel | None = None
        self._cpu_seconds = 0.0
        self._questions = 0

    @property
    def model(self) -> LanguageModel:
        from tailor.machine import reset_peak_memory

        if self._model is None:
            gc.collect()
            reset_peak_memory()
            self._model = self._load()
        return self._model

    def release(self) -> None:
        """Let go of the model's memory; the next question loads it again."""
        self._model = None

    def generate(self, prompts: Sequence[Prompt], config: GenerationConfig) -> list[str]:
        model = self.model
        with self._working(len(prompts)):
            return model.generate(prompts, config)

    def score(self, prompts: Sequence[Prompt], completions: Sequence[str]) -> list[float]:
        model = self.model
        with self._working(len(prompts)):
            return model.score(prompts, completions)

    def score_choices(self, prompts: Sequence[Prompt], choices: Sequence[str]) -> np.ndarray:
        model = self.model
        with self._working(len(prompts)):
            return model.score_choices(prompts, choices)

    @contextmanager
    def _working(self, questions: int) -> Iterator[None]:
        """Count the questions, and the CPU seconds of all threads that the block takes."""
        self._questions += questions
        start = time.process_time()
        try:
            yield
        finally:
            self._cpu_seconds += time.process_time() - start

    def measured(self, watts_per_core: float) -> dict[str, float]:
        """Seconds of answering, tokens read and written a second, peak memory with the model loaded, and energy.

        Args:
            watts_per_core: what a busy core draws. Energy is CPU seconds times this, an estimate; it is left out where
                an accelerator or another machine did the work, of which CPU seconds say nothing.
        """
        from tailor.machine import find_machine, peak_memory_gib

        if self._model is None:
            return {}
        usage = self._model.usage
        seconds = max(usage.seconds, 1e-9)
        found = {
            "seconds": round(usage.seconds, 3),
            "prompts_per_second": round(usage.requests / seconds, 2),
            "tokens_per_second": round((usage.prompt_tokens + usage.generated_tokens) / seconds, 1),
            "generated_tokens_per_second": round(usage.generated_tokens / seconds, 1),
            # a model that reasons first is asked several times for one question
            "tokens_per_question": round(
                (usage.prompt_tokens + usage.generated_tokens) / max(self._questions, 1), 1
            ),
            "seconds_per_question": round(usage.seconds / max(self._questions, 1), 4),
            "cpu_seconds": round(self._cpu_seconds, 3),
            "peak_gib": round(peak_memory_gib(), 3),
        }
        here = not find_machine().accelerator and self._cpu_seconds > ELSEWHERE * usage.seconds
        if here and usage.requests:
            joules = self._cpu_seconds * watts_per_core / usage.requests
            found["watt_hours_per_1000"] = round(joules * 1000 / 3600, 4)
        return found

    def time_single(self, asks: Sequence[Callable[[], object]]) -> dict[str, float]:
        """How long one person waits: each question asked by itself, on a model that is loaded and warm.

        Returns:
            Seconds that half and that 19 of 20 of the answers took at most, and how many were timed.
        """
        taken = []
        for ask in asks[:1]:
            ask()  # loads the model where all answers were kept, and warms it
        for ask in asks:
            start = time.perf_counter()
            ask()
            taken.append(time.perf_counter() - start)
        if not taken:
            return {}
        half, most = np.quantile(taken, [0.5, 0.95])
        return {
            "seconds_per_answer": round(float(half), 4),
            "seconds_per_answer_p95": round(float(most), 4),
            "timed_answers": len(taken),
        }
