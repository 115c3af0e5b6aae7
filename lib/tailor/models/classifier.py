"""An encoder with a classification head as a `LanguageModel`: it can only say its labels, and how likely each is."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tailor.errors import WorkbenchError, did_you_mean
from tailor.models.batching import stack
from tailor.models.forward import Precision, autocast
from tailor.models.language_model import GenerationConfig, Prompt, Usage

BATCH = 64


def encode_text(tokenizer: Any, prompt: Prompt, max_length: int) -> list[int]:
    """The ids of what the person wrote last. An encoder has no chat: system prompt and roles are left out."""
    from tailor.models.chat import encode_lines

    return encode_lines(tokenizer, [prompt[-1]["content"]], min(max_length, tokenizer.model_max_length))[0]


class ClassifierModel:
    """A sequence-classification model.

    Args:
        model: with one output per label.
        labels: in the order of the outputs.
    """

    def __init__(
        self, model: Any, tokenizer: Any, labels: Sequence[str], *, precision: Precision = "auto"
    ) -> None:
        self.model, self.tokenizer, self.labels, self.precision = model, tokenizer, list(labels), precision
        self.usage = Usage()

    def generate(self, prompts: Sequence[Prompt], config: GenerationConfig) -> list[str]:
        """The likeliest label of each prompt; there is nothing to draw."""
        return [self.labels[row.argmax()] for row in self.score_choices(prompts, self.labels)]

    def score(self, prompts: Sequence[Prompt], completions: Sequence[str]) -> list[float]:
        scores = self.score_choices(prompts, self.labels)
        return [float(row[self._number(text)]) for row, text in zip(scores, completions, strict=True)]

    def score_choices(self, prompts: Sequence[Prompt], choices: Sequence[str]) -> np.ndarray:
        """[n, k] log-probability of each choice, which must be one of the labels."""
        import torch

        columns = [self._number(choice) for choice in choices]
        training = self.model.training
        self.model.eval()
        try:
            with self.usage.timed(len(prompts)), torch.inference_mode():
                return self._log_probabilities(prompts)[:, columns]
        finally:
            self.model.train(training)

    def encode(self, prompt: Prompt, most: int) -> list[int]:
        """The ids of what the person wrote, at most `most` of them."""
        return encode_text(self.tokenizer, prompt, most)

    def _log_probabilities(self, prompts: Sequence[Prompt]) -> np.ndarray:
        import torch

        device = next(self.model.parameters()).device
        most = getattr(self.model.config, "max_position_embeddings", 512)
        encoded = [self.encode(prompt, most) for prompt in prompts]
        self.usage.prompt_tokens += sum(map(len, encoded))
        order = sorted(range(len(encoded)), key=lambda row: -len(encoded[row]))
        scores = np.zeros((len(prompts), len(self.labels)))
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            batch = stack([encoded[row] for row in rows], self.tokenizer.pad_token_id or 0, device)
            with autocast(device, self.precision):
                logits = self.model(**batch).logits
            scores[rows] = torch.log_softmax(logits.double(), -1).cpu().numpy()
        return scores

    def _number(self, label: str) -> int:
        if label not in self.labels:
            raise WorkbenchError(
                f"this classifier does not know the label {label!r}",
                f"one of the {len(self.labels)} labels it was tuned on",
                f"add rows with that label and tune again.{did_you_mean(label, self.labels)}",
            )
        return self.labels.index(label)
