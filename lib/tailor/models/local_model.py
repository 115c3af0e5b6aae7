"""A decoder on this machine as a `LanguageModel`: batched by length, in the number format that is fastest here."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tailor.errors import WorkbenchError
from tailor.models.batching import stack
from tailor.models.chat import encode_chat, turn_end
from tailor.models.choice_scoring import ChoiceScorer, Trie, shared_start
from tailor.models.forward import Precision, autocast, split_head
from tailor.models.language_model import GenerationConfig, Prompt, Usage

if TYPE_CHECKING:
    from tailor.models.catalog import ModelSource

BATCH_TOKENS = 2048  # padded tokens per batch: fills two cores; more of them only leave the processor's cache
MOST_ROWS = 64
GENERATION_TOKENS = 16_384  # of a batch that writes: each further token is one short row, so more rows pay
MOST_NODES = 1024  # of a trie of answers: its mask grows with the square
TOLERANCE = 1e-3  # nats by which fast and plain scoring may differ in fp32


class LocalModel:
    """A causal language model and its tokenizer.

    Args:
        model: a causal model from transformers, with or without PEFT.
        tokenizer: its tokenizer; how a chat becomes tokens is `tailor.models.loading.encode_chat`'s matter.
        precision: "auto" scores in bf16 where the CPU multiplies that fast; "fp32" never.
    """

    def __init__(self, model: Any, tokenizer: Any, *, precision: Precision = "auto") -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.precision = precision
        self.usage = Usage()
        self._trie_is_exact: bool | None = None

    @classmethod
    def open(cls, source: "ModelSource", adapter: Path | None = None, **options: Any) -> "LocalModel":
        """Load a base model, and a PEFT adapter onto it.

        Raises:
            WorkbenchError: the model is not there, or the adapter was made for another one.
        """
        from tailor.models.adapters import load_adapter
        from tailor.models.loading import load_model, load_tokenizer

        model = load_model(source)
        if adapter is not None:
            model = load_adapter(model, adapter, source.name)
        return cls(model.eval(), load_tokenizer(source), **options)

    # --- what models share -------------------------------------------------------------------------------------
    @property
    def context(self) -> int:
        """The longest sequence the model was made for, in tokens."""
        known = getattr(self.model.config.get_text_config(), "max_position_embeddings", None)
        return int(known or min(self.tokenizer.model_max_length, 1_000_000))

    @property
    def device(self) -> Any:
        return next(self.model.parameters()).device

    def encode(self, prompt: Prompt, room: int = 0) -> list[int]:
        """A prompt's token ids, ready for the answer. A prompt that leaves less than `room` tokens of the context
        free loses tokens from its middle (counted in `usage.shortened`)."""
        ids = encode_chat(self.tokenizer, prompt, add_generation_prompt=True).input_ids
        most = max(self.context - room, 2)
        if len(ids) > most:
            self.usage.shortened += 1
            ids = [*ids[: most // 2], *ids[len(ids) - (most - most // 2) :]]
        return list(ids)

    def answer_ids(self, prompt: Prompt, answer: str) -> list[int]:
        """The tokens a model has to write for `answer`, the end of turn included."""
        start = len(encode_chat(self.tokenizer, prompt, add_generation_prompt=True).input_ids)
        whole = encode_chat(self.tokenizer, [*prompt, {"role": "assistant", "content": answer}])
        return [
            token
            for token, learned in zip(whole.input_ids[start:], whole.learned[start:], strict=True)
            if learned
        ]

    def stop_ids(self) -> list[int]:
        """Tokens that end an answer: the chat's end of turn, and whatever the model itself says ends a text."""
        config = getattr(self.model, "generation_config", None)
        own = getattr(config, "eos_token_id", None)
        own = own if isinstance(own, list) else [own]
        return sorted({token for token in [*turn_end(self.tokenizer), *own] if token is not None})

    # --- LanguageModel -----------------------------------------------------------------------------------------
    def generate(self, prompts: Sequence[Prompt], config: GenerationConfig) -> list[str]:
        """An answer to each prompt. Computed in fp32: an answer hardly depends on its neighbours in the batch."""
        import torch

        room = min(config.max_new_tokens, self.context // 2)
        answers = [""] * len(prompts)
        with (
            self.usage.timed(len(prompts)),
            torch.inference_mode(),
            evaluating(self.model),
            seeded(config.seed),
        ):
            encoded = [self.encode(prompt, room) for prompt in prompts]
            pad, stops = self.tokenizer.pad_token_id, self.stop_ids()
            options = writing_options(config, room, stops, stops[0] if pad is None else pad)
            for rows in batches_by_length([len(ids) + room for ids in encoded], GENERATION_TOKENS):
                for row, text in zip(rows, self._write([encoded[row] for row in rows], options), strict=True):
                    answers[row] = text
        return answers

    def _write(self, batch: list[list[int]], options: Any) -> list[str]:
        import torch

        longest = max(map(len, batch))
        ids = torch.full((len(batch), longest), options.pad_token_id)
        mask = torch.zeros_like(ids)
        for row, tokens in enumerate(batch):
            ids[row, longest - len(tokens) :] = torch.tensor(tokens)
            mask[row, longest - len(tokens) :] = 1
        ids, mask = ids.to(self.device), mask.to(self.device)
        written = self.model.generate(input_ids=ids, attention_mask=mask, generation_config=options)[
            :, longest:
        ]
        self.usage.prompt_tokens += int(mask.sum())
        self.usage.generated_tokens += int((written != options.pad_token_id).sum())
        return [text.strip() for text in self.tokenizer.batch_decode(written, skip_special_tokens=True)]

    def score(self, prompts: Sequence[Prompt], completions: Sequence[str]) -> list[float]:
        """Log-probability (nats) of each completion after its prompt."""
        import torch

        if len(prompts) != len(completions):
            raise ValueError(f"{len(prompts)} prompts, {len(completions)} completions")
        with self.usage.timed(len(prompts)), torch.inference_mode(), evaluating(self.model):
            answers = [
                self.answer_ids(p, c)[: self.context // 2] for p, c in zip(prompts, completions, strict=True)
            ]
            starts = [self.encode(p, len(a)) for p, a in zip(prompts, answers, strict=True)]
            return self.score_ids(starts, answers)

    def score_ids(self, starts: Sequence[list[int]], answers: Sequence[list[int]]) -> list[float]:
        scores = [0.0] * len(starts)
        for rows in batches_by_length([len(s) + len(a) for s, a in zip(starts, answers, strict=True)]):
            with autocast(self.device, self.precision):
                found = self._score_batch([starts[row] for row in rows], [answers[row] for row in rows])
            for row, value in zip(rows, found, strict=True):
                scores[row] = value
        return scores

    def _score_batch(self, starts: list[list[int]], answers: list[list[int]]) -> list[float]:
        import torch

        whole = [s + a for s, a in zip(starts, answers, strict=True)]
        inputs = stack(whole, 0, self.device)
        self.usage.prompt_tokens += sum(map(len, whole))
        inputs["use_cache"] = False
        split = split_head(self.model)
        states = split[0](**inputs).last_hidden_state if split else self.model(**inputs).logits
        scores = []
        for row, (start, answer) in enumerate(zip(starts, answers, strict=True)):
            state = states[row, len(start) - 1 : len(start) - 1 + len(answer)]
            logits = (split[1](state) if split else state).float()
            targets = torch.tensor(answer, device=self.device)
            scores.append(float(logits.log_softmax(-1).gather(-1, targets[:, None]).sum()))
        return scores

    def score_choices(self, prompts: Sequence[Prompt], choices: Sequence[str]) -> np.ndarray:
        """[n, k] log-probabilities of every choice after every prompt; see `tailor.models.choice_scoring`."""
        import torch

        if not prompts or not choices:
            return np.zeros((len(prompts), len(choices)))
        with self.usage.timed(len(prompts)), torch.inference_mode(), evaluating(self.model):
            answers = [self.answer_ids(prompts[0], choice) for choice in choices]
            if not all(answers):
                empty = choices[[bool(answer) for answer in answers].index(False)]
                raise WorkbenchError(
                    f"the choice {empty!r} becomes no tokens",
                    "labels with at least one visible character",
                    "correct the labels in 04_format_data",
                )
            room = max(map(len, answers))
            starts = [self.encode(prompt, room) for prompt in prompts]
            self.usage.prompt_tokens += sum(map(len, starts))
            parts = [self._score_choice_ids(starts, part) for part in _small_enough(answers)]
        return np.concatenate(parts, axis=1)

    def _score_choice_ids(self, starts: list[list[int]], answers: list[list[int]]) -> np.ndarray:
        trie, shared = Trie.build(answers), shared_start(starts)
        scorer = ChoiceScorer(self.model, trie, starts[0][:shared], max(map(len, starts)))
        if not self._exact(scorer, starts[0], answers):
            return np.array([self.score_ids([start] * len(answers), answers) for start in starts])
        scores = np.zeros((len(starts), len(answers)))
        for rows in batches_by_length([len(start) - shared + len(trie.tokens) for start in starts]):
            with autocast(self.device, self.precision):
                scores[rows] = scorer.score([starts[row][shared:] for row in rows])
        return scores

    def _exact(self, scorer: ChoiceScorer, start: list[int], answers: list[list[int]]) -> bool:
        """Whether the trie gives what plain scoring gives, tried once per model on its first prompt."""
        if self._trie_is_exact is None:
            few = answers[:4]
            with autocast(self.device, "fp32"):
                plain = self._score_batch([start] * len(few), few)
                try:
                    fast = scorer.score([start[len(scorer.prefix) :]])[0, : len(few)]
                except Exception:  # whatever an architecture objects to, plain scoring works
                    fast = np.full(len(few), np.nan)
            self._trie_is_exact = bool(np.allclose(plain, fast, rtol=1e-4, atol=TOLERANCE))
        return self._trie_is_exact


def writing_options(config: GenerationConfig, room: int, stops: list[int], pad: int) -> Any:
    """How transformers is to write: at most `room` tokens, up to one of `stops`."""
    from transformers import GenerationConfig as Options

    drawn = config.temperature > 0
    return Options(
        max_new_tokens=room,
        do_sample=drawn,
        temperature=config.temperature if drawn else 1.0,
        top_p=config.top_p if drawn else 1.0,
        top_k=0 if drawn else 50,
        repetition_penalty=config.repetition_penalty,
        eos_token_id=stops,
        pad_token_id=pad,
    )


def batches_by_length(lengths: Sequence[int], tokens: int = BATCH_TOKENS) -> Iterator[list[int]]:
    """Row numbers in batches of similar length, longest first: a batch too large fails at once, not at the end."""
    order = sorted(range(len(lengths)), key=lambda row: -lengths[row])
    while order:
        size = max(1, min(MOST_ROWS, tokens // max(lengths[order[0]], 1)))
        yield order[:size]
        order = order[size:]


def _small_enough(answers: list[list[int]]) -> list[list[list[int]]]:
    """The answers in groups, in order, whose trie is not too large."""
    if len(answers) == 1 or len(Trie.build(answers).tokens) <= MOST_NODES:
        return [answers]
    middle = len(answers) // 2
    return [*_small_enough(answers[:middle]), *_small_enough(answers[middle:])]


class evaluating:
    """Dropout off inside the block, and as it was after it."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def __enter__(self) -> None:
        self.training = self.model.training
        self.model.eval()

    def __exit__(self, *problem: object) -> None:
        self.model.train(self.training)


class seeded:
    """Fixes torch's random numbers inside the block, and gives the caller's own back after it."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def __enter__(self) -> None:
        import torch

        self.state = torch.get_rng_state()
        torch.manual_seed(self.seed)

    def __exit__(self, *problem: object) -> None:
        import torch

        torch.set_rng_state(self.state)
