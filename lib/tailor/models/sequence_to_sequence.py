"""An encoder-decoder (T5, BART) as a `LanguageModel`: the encoder reads the prompt, the decoder writes the answer."""

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from tailor.models.batching import stack
from tailor.models.chat import encode_lines
from tailor.models.forward import Precision, autocast
from tailor.models.language_model import GenerationConfig, Prompt, Usage
from tailor.models.local_model import batches_by_length, evaluating, seeded, writing_options

USUAL_CONTEXT = 512  # what T5 was trained on; its relative positions have no end of their own
MOST_CHOICES = 64  # answers that are read by the decoder together


def encode_source(tokenizer: Any, prompt: Prompt, most: int) -> list[int]:
    """What the encoder reads: the messages, one after the other, without roles, for it has no chat.

    A text of more than ``most`` tokens loses tokens from its middle; control tokens in it stay text.
    """
    text = "\n".join(message["content"] for message in prompt)
    (ids,) = encode_lines(tokenizer, [text])
    return shorten(ids, most)


def shorten(ids: list[int], most: int) -> list[int]:
    """The ids without their middle, where there are more than ``most``."""
    return ids if len(ids) <= most else [*ids[: most // 2], *ids[len(ids) - (most - most // 2) :]]


def encode_answer(tokenizer: Any, answer: str) -> list[int]:
    """What the decoder writes, its end included."""
    (ids,) = encode_lines(tokenizer, [answer])
    return ids if ids[-1:] == [tokenizer.eos_token_id] else [*ids, tokenizer.eos_token_id]


class SequenceToSequenceModel:
    """A model of transformers' sequence-to-sequence kind, with or without PEFT, and its tokenizer."""

    def __init__(self, model: Any, tokenizer: Any, *, precision: Precision = "auto") -> None:
        self.model, self.tokenizer, self.precision = model, tokenizer, precision
        self.usage = Usage()

    @property
    def context(self) -> int:
        """Tokens that the encoder reads at most."""
        config = self.model.config
        known = getattr(config, "max_position_embeddings", None) or getattr(config, "n_positions", None)
        return int(known or USUAL_CONTEXT)

    @property
    def device(self) -> Any:
        return next(self.model.parameters()).device

    def encode(self, prompt: Prompt, room: int = 0) -> list[int]:
        """A prompt's ids; the answer has a side of its own and needs no ``room``. A prompt that is too long is counted
        in `usage.shortened`."""
        ids = encode_source(self.tokenizer, prompt, sys.maxsize)
        self.usage.shortened += len(ids) > self.context
        return shorten(ids, self.context)

    def stop_ids(self) -> list[int]:
        return [self.tokenizer.eos_token_id]

    def generate(self, prompts: Sequence[Prompt], config: GenerationConfig) -> list[str]:
        """An answer to each prompt."""
        import torch

        options = writing_options(config, config.max_new_tokens, self.stop_ids(), self.tokenizer.pad_token_id)
        options.decoder_start_token_id = self.model.config.decoder_start_token_id
        answers = [""] * len(prompts)
        with (
            self.usage.timed(len(prompts)),
            torch.inference_mode(),
            evaluating(self.model),
            seeded(config.seed),
        ):
            encoded = [self.encode(prompt) for prompt in prompts]
            for rows in batches_by_length([len(ids) + config.max_new_tokens for ids in encoded]):
                written = self.model.generate(
                    **self._batch([encoded[row] for row in rows]), generation_config=options
                )
                self.usage.generated_tokens += int((written != options.pad_token_id).sum())
                for row, text in zip(
                    rows, self.tokenizer.batch_decode(written, skip_special_tokens=True), strict=True
                ):
                    answers[row] = text.strip()
        return answers

    def score(self, prompts: Sequence[Prompt], completions: Sequence[str]) -> list[float]:
        """Log-probability (nats) of each completion after its prompt."""
        import torch

        with self.usage.timed(len(prompts)), torch.inference_mode(), evaluating(self.model):
            return [
                float(self._score_answers(self._read(prompt), [encode_answer(self.tokenizer, text)])[0])
                for prompt, text in zip(prompts, completions, strict=True)
            ]

    def score_choices(self, prompts: Sequence[Prompt], choices: Sequence[str]) -> np.ndarray:
        """[n, k]: `score` of every choice after every prompt; a prompt is read once for all of them."""
        import torch

        answers = [encode_answer(self.tokenizer, choice) for choice in choices]
        scores = np.zeros((len(prompts), len(choices)))
        with self.usage.timed(len(prompts)), torch.inference_mode(), evaluating(self.model):
            for row, prompt in enumerate(prompts):
                read = self._read(prompt)
                for start in range(0, len(answers), MOST_CHOICES):
                    part = slice(start, start + MOST_CHOICES)
                    scores[row, part] = self._score_answers(read, answers[part])
        return scores

    def _read(self, prompt: Prompt) -> tuple[Any, dict[str, Any]]:
        """The encoder's states of a prompt, and the batch that it read."""
        batch = self._batch([self.encode(prompt)])
        with autocast(self.device, self.precision):
            return self.model.get_encoder()(**batch), batch

    def _score_answers(self, read: tuple[Any, dict[str, Any]], answers: list[list[int]]) -> np.ndarray:
        """[k] log-probabilities of answers to one prompt."""
        import torch
        from transformers.modeling_outputs import BaseModelOutput

        states, batch = read
        count = len(answers)
        targets = torch.nn.utils.rnn.pad_sequence([torch.tensor(a) for a in answers], True, -100).to(
            self.device
        )
        inner = self.model.get_base_model() if hasattr(self.model, "get_base_model") else self.model
        shared = BaseModelOutput(last_hidden_state=states.last_hidden_state.expand(count, -1, -1))
        with autocast(self.device, self.precision):
            logits = self.model(
                encoder_outputs=shared,  # read once; the ids are there for PEFT, which counts the rows by them
                **{name: part.expand(count, -1) for name, part in batch.items()},
                decoder_input_ids=inner.prepare_decoder_input_ids_from_labels(targets),
                use_cache=False,
            ).logits.float()
        wanted = targets.clamp(min=0)
        each = logits.log_softmax(-1).gather(-1, wanted[..., None])[..., 0]
        return (each * (targets >= 0)).sum(-1).double().cpu().numpy()

    def _batch(self, encoded: list[list[int]]) -> dict[str, Any]:
        self.usage.prompt_tokens += sum(map(len, encoded))
        return stack(encoded, self.tokenizer.pad_token_id or 0, self.device)
