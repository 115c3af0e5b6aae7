"""How long rows are for the model, in tokens."""

from collections.abc import Sequence

from tailor.data.dataset import Message


def learned_span(learned: Sequence[bool]) -> tuple[int, int]:
    """Where the last run of learned tokens begins and ends; (n, n) where nothing is learned."""
    end = len(learned)
    while end and not learned[end - 1]:
        end -= 1
    start = end
    while start and learned[start - 1]:
        start -= 1
    return (start, end) if end else (len(learned), len(learned))


def colour_tokens(tokenizer, messages: list[Message]) -> list[tuple[str, str]]:
    """An example as the model sees it: (text, "learned" or "masked"), special tokens written out."""
    from tailor.models import encode_chat

    encoded = encode_chat(tokenizer, messages)
    pieces: list[tuple[str, str]] = []
    start = 0
    ids, learned = list(encoded.input_ids), list(encoded.learned)
    for end in range(1, len(ids) + 1):
        # neighbouring tokens of a kind are shown together while their bytes are not yet whole characters
        text = tokenizer.decode(ids[start:end], skip_special_tokens=False, clean_up_tokenization_spaces=False)
        border = end == len(ids) or learned[end] != learned[start]
        if border or not text.endswith("\ufffd"):
            pieces.append((text, "learned" if learned[start] else "masked"))
            start = end
    return pieces
