"""New words for a tokenizer: a domain's words that it cuts into pieces, each becoming one token of its own."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

WORD = re.compile(r"[^\W\d_][\w-]{3,}")
LEAST = 5  # rarer words could not learn what they mean


def words_to_add(
    tokenizer: Any, texts: Iterable[str], most: int, sure: Iterable[str] = ()
) -> list[tuple[str, int, int]]:
    """The words that would save most tokens, as (word, times it occurs, pieces it is cut into), best first.

    Args:
        sure: words that are taken whatever they save, as long as they are cut (a glossary's).
    """
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(word.lower() for word in WORD.findall(text))
    given = {word.lower() for word in sure if WORD.fullmatch(word)}
    found = []
    for word in dict.fromkeys([*sorted(given), *counts]):
        times = counts[word]
        pieces = len(pieces_of(tokenizer, word)) if word in given or times >= LEAST else 0
        if pieces > 1:
            found.append((word, times, pieces))
    found.sort(key=lambda row: (row[0] not in given, -row[1] * (row[2] - 1), row[0]))
    return found[:most]


def pieces_of(tokenizer: Any, word: str) -> list[int]:
    """The tokens of a word in the middle of a text."""
    return tokenizer.encode(f" {word}", add_special_tokens=False)


def add_words(model: Any, tokenizer: Any, words: list[str]) -> list[str]:
    """Give the tokenizer new tokens and the model rows for them, each beginning as the mean of its word's pieces.

    Source: Hewitt 2021, Initializing New Word Embeddings for Pretrained Language Models (mean); per word as in Gee et
    al. 2022, Fast Vocabulary Transfer, section 3.

    Returns:
        The words that were added: those it did not know as one token.
    """
    import torch
    from tokenizers import AddedToken

    pieces = {word: pieces_of(tokenizer, word) for word in words}
    new = [word for word in words if len(pieces[word]) > 1]
    # a tokenizer that keeps blanks inside its tokens needs the word with the blank before it
    blank = " " if tokenizer.decode(pieces_of(tokenizer, "word")).startswith(" ") else ""
    tokenizer.add_tokens(
        [AddedToken(blank + word, single_word=not blank, normalized=not blank) for word in new]
    )
    size = model.get_input_embeddings().weight.shape[0]
    model.resize_token_embeddings(max(size, len(tokenizer)), mean_resizing=False)
    tables = [model.get_input_embeddings(), model.get_output_embeddings()]
    with torch.no_grad():
        for word in new:
            number = tokenizer.convert_tokens_to_ids(blank + word)
            for table in tables:
                if table is not None and table.weight.shape[0] > number:
                    table.weight[number] = table.weight[pieces[word]].mean(dim=0)
    return new
