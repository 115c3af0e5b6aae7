"""What rows and words are to a model: how long they are in tokens, and what each token says."""

from collections.abc import Sequence
from typing import Any


def learned_span(learned: Sequence[bool]) -> tuple[int, int]:
    """Where the last run of learned tokens begins and ends; (n, n) where nothing is learned."""
    end = len(learned)
    while end and not learned[end - 1]:
        end -= 1
    start = end
    while start and learned[start - 1]:
        start -= 1
    return (start, end) if end else (len(learned), len(learned))


def token_pieces(tokenizer: Any, ids: Sequence[int], kinds: Sequence[str]) -> list[tuple[str, str]]:
    """Tokens as text with their kind: (text, kind). Special tokens are written out.

    Neighbouring tokens of a kind are shown together while their bytes are not yet whole characters.
    """
    pieces: list[tuple[str, str]] = []
    start = 0
    for end in range(1, len(ids) + 1):
        text = tokenizer.decode(
            list(ids[start:end]), skip_special_tokens=False, clean_up_tokenization_spaces=False
        )
        if end == len(ids) or kinds[end] != kinds[start] or not text.endswith("\ufffd"):
            pieces.append((text, kinds[start]))
            start = end
    return pieces


def fragments(tokenizer: Any, terms: Sequence[str]) -> list[tuple[str, int, str]]:
    """How a model reads words inside a sentence: (word, number of tokens, the pieces)."""
    from tailor.models.chat import encode_words

    return [
        (
            term,
            len(ids),
            " | ".join(text.strip() for text, _ in token_pieces(tokenizer, ids, ["word"] * len(ids))),
        )
        for term, ids in zip(terms, encode_words(tokenizer, terms), strict=True)
    ]
