"""Bits per character on held-out text, the same for every kind of model: lower is better, tokenizers don't matter.

Every model sees a document from its beginning. A neural model with a context of T tokens reads it in windows that
overlap by half, so that each token but the first ones has at least T/2 tokens before it; the n-gram model needs no
windows. The end of the document isn't counted, for either.
"""

from __future__ import annotations

import lzma
import math
from collections.abc import Iterator
from pathlib import Path

from tailor.pretraining.corpus import SEPARATOR

MOST_CHARACTERS = (
    120_000  # of a source's held-out text: enough for three digits, half a minute for all sources
)


def read_held_out(folder: Path, most_characters: int = MOST_CHARACTERS) -> dict[str, list[str]]:
    """Return source -> held-out documents, the same first ``most_characters`` for every model.

    A document longer than its even share is cut, so that a source with long documents isn't measured on one alone.
    """
    chosen: dict[str, list[str]] = {}
    for path in sorted(folder.glob("*.txt")):
        documents = path.read_text(encoding="utf-8").split(f"\n{SEPARATOR}\n")
        share = most_characters // max(1, len(documents))
        left = most_characters
        for text in sorted(documents, key=len):  # short ones leave room for the long ones
            cut = text[: min(left, max(share, left // 2))]
            chosen.setdefault(path.stem, []).append(cut)
            left -= len(cut)
            if left <= 0:
                break
    return chosen


def windows(length: int, context: int) -> Iterator[tuple[int, int]]:
    """Yield (start, first counted position) of windows that cover ``length`` tokens, each counted once."""
    start, counted = 0, 0
    while counted < length:
        yield start, counted
        counted = min(length, start + context)
        start = counted - context // 2


def bits_per_character(model, tokenizer, documents: list[str], *, context: int, begin: int | None) -> float:
    """Return the model's bits per character over ``documents``.

    Args:
        model: a causal language model.
        context: tokens that it reads at once.
        begin: the id put before a document (what the model saw there in training).
    """
    import torch

    characters = sum(map(len, documents))
    nats = 0.0
    with torch.inference_mode():
        for text in documents:
            ids = tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True, verbose=False)
            ids = ([begin] if begin is not None else []) + ids
            tensor = torch.tensor(ids)
            for start, counted in windows(len(ids) - 1, context):
                piece = tensor[start : start + context + 1]
                logits = model(input_ids=piece[None, :-1], use_cache=False).logits[0].float()
                losses = torch.nn.functional.cross_entropy(logits, piece[1:], reduction="none")
                nats += losses[counted - start :].sum().item()
    return nats / math.log(2) / characters


def xz_bits_per_character(documents: list[str], training: list[str] | None = None) -> float:
    """Return what xz needs per character for the documents, alone or after having seen ``training`` text."""
    preset = lzma.PRESET_EXTREME | 9
    text = "\n".join(documents).encode()
    characters = sum(map(len, documents))
    before = "\n".join(training or []).encode()
    alone = len(lzma.compress(before, preset=preset)) if before else 0
    return 8 * (len(lzma.compress(before + text, preset=preset)) - alone) / characters
