"""Learning a domain's language from plain text: the next token for decoders, hidden tokens for encoders."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tailor.models.language_model import LanguageModel
from tailor.training.batches import MASKED, pad
from tailor.training.objectives import LearnAnswers

HIDDEN_SHARE = 0.15
"""Of an encoder's tokens, hidden and to be guessed (Devlin et al. 2019, section 3.1)."""


class TextRows:
    """Texts in pieces that fit the model, as what `tailor.training.run.train` reads: a twentieth for validation.

    Args:
        texts: in any order; they are shuffled with the seed.
        longest: tokens of a piece.
    """

    def __init__(self, texts: Sequence[str], tokenizer: Any, longest: int, seed: int) -> None:
        self.max_length = longest
        unique = list(dict.fromkeys(text.strip() for text in texts if text.strip()))
        order = np.random.default_rng(seed).permutation(len(unique))
        held = max(1, len(unique) // 20) if len(unique) > 4 else 0
        self.validation = pieces([unique[i] for i in order[:held]], tokenizer, longest)
        self.train = pieces([unique[i] for i in order[held:]], tokenizer, longest)


def pieces(texts: Sequence[str], tokenizer: Any, longest: int) -> list[list[int]]:
    """Every text as ids, cut where it is longer than `longest`; control tokens in it stay text."""
    found = []
    for text in texts:
        ids = tokenizer(text, split_special_tokens=True, add_special_tokens=False)["input_ids"]
        end = [tokenizer.eos_token_id] if tokenizer.eos_token_id is not None else []
        ids = [*ids, *end]
        found += [ids[start : start + longest] for start in range(0, len(ids), longest)]
    return [ids for ids in found if len(ids) > 1]


class LearnText(LearnAnswers):
    """A decoder learns every token of a text from those before it."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer

    def encode(self, ids: list[int]) -> dict[str, Any] | None:
        return {"input_ids": ids, "labels": list(ids), "weight": 1.0}


class LearnHidden:
    """An encoder guesses tokens that were hidden from it (masked-language modelling).

    Of the hidden ones eight in ten are covered by the mask token, one in ten is another token, one in ten is left as
    it is (Devlin et al. 2019, section 3.1). Which they are is drawn anew for every batch from torch's generator, whose
    state a checkpoint keeps (Liu et al. 2019, RoBERTa, section 4.1).
    """

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        known = tokenizer.mask_token_id
        self.cover = tokenizer.unk_token_id or tokenizer.pad_token_id or 0 if known is None else known

    def encode(self, ids: list[int]) -> dict[str, Any] | None:
        return {"input_ids": ids, "labels": list(ids), "weight": 1.0}

    def collate(self, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
        import torch

        batch = pad(rows, self.tokenizer.pad_token_id or 0)
        draw = torch.rand(batch["input_ids"].shape)
        hidden = (draw < HIDDEN_SHARE) & (batch["attention_mask"] == 1)
        hidden[:, 1] |= ~hidden.any(dim=1)  # a short row would teach nothing
        how = torch.rand(batch["input_ids"].shape)
        ids = torch.where(hidden & (how < 0.8), self.cover, batch["input_ids"])
        other = torch.randint(len(self.tokenizer), ids.shape)
        ids = torch.where(hidden & (how >= 0.9), other, ids)
        # a column that is never learned stands first: predictions are counted as a decoder's are
        labels = torch.nn.functional.pad(torch.where(hidden, batch["labels"], MASKED), (1, 0), value=MASKED)
        return batch | {"input_ids": ids, "labels": labels}

    def loss(self, model: Any, batch: dict[str, Any]) -> tuple[Any, float]:
        from torch.nn.functional import cross_entropy

        targets = batch["labels"][:, 1:]
        hidden = targets != MASKED
        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits[hidden]
        losses = cross_entropy(logits.float(), targets[hidden], reduction="none")
        return losses.sum(), float(hidden.sum())

    def as_language_model(self, model: Any) -> LanguageModel:
        raise NotImplementedError("an encoder that guesses hidden tokens answers nothing")
