"""Vocabulary drift: words that the training data never had, and words that became commoner or rarer."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from tailor.monitoring.drift import Limits, Measure, jensen_shannon, judge, permuted

MOST_WORDS = 1000
"""The commonest words compared; rarer ones only add noise."""


def tokenize(text: str) -> list[str]:
    """Words in lower case, as scikit-learn's vectorizers cut them, numbers and placeholders left out."""
    import re

    plain = re.sub(r"\[[A-Z_]+\]", " ", text)
    return [word for word in re.findall(r"\b\w\w+\b", plain.lower()) if not any(c.isdigit() for c in word)]


def new_words(
    train: Sequence[str], reference: Sequence[str], new: Sequence[str], limits: Limits, seed: int
) -> Measure:
    """Share of words that no training row has, in new rows less that in the reference rows."""
    known = {word for text in train for word in tokenize(text)}
    documents = [tokenize(text) for text in [*reference, *new]]
    counts = np.array(
        [[sum(word not in known for word in words), len(words)] for words in documents], dtype=float
    )

    def rise(before: np.ndarray, after: np.ndarray) -> np.ndarray:
        shares = [part[..., 0] / np.maximum(part[..., 1], 1) for part in (before, after)]
        return shares[1] - shares[0]

    observed, _, p_value = permuted(counts, len(new), rise, seed)
    then = counts[: len(reference)].sum(axis=0)
    share = then[0] / max(then[1], 1)
    terms = _new_terms(
        documents[len(reference) :], known | {w for d in documents[: len(reference)] for w in d}
    )
    says = f"Words that training never saw: {share:.1%} then, {share + observed:.1%} now"
    says += f"; the commonest are {', '.join(terms[:8])}" if terms else ""
    value = max(observed, 0.0)
    return Measure(
        "new_words", "New words", value, p_value, judge(value, p_value, limits), says, {"terms": terms}
    )


def _new_terms(documents: list[list[str]], known: set[str], most: int = 20) -> list[str]:
    """Unknown words by the number of new rows that have them, at least two."""
    rows = Counter(word for words in documents for word in set(words) if word not in known)
    return [word for word, count in sorted(rows.items(), key=lambda item: (-item[1], item[0])) if count > 1][
        :most
    ]


def vocabulary(reference: Sequence[str], new: Sequence[str], limits: Limits, seed: int) -> Measure:
    """Jensen-Shannon divergence of the words' shares."""
    documents = [Counter(tokenize(text)) for text in [*reference, *new]]
    total = sum(documents, Counter())
    words = [word for word, _ in sorted(total.items(), key=lambda item: (-item[1], item[0]))[:MOST_WORDS]]
    index = {word: i for i, word in enumerate(words)}
    counts = np.zeros((len(documents), max(len(words), 1)), dtype=np.float32)
    for row, document in enumerate(documents):
        for word in document.keys() & index.keys():
            counts[row, index[word]] = document[word]
    observed, chance, p_value = permuted(counts, len(new), jensen_shannon, seed)
    value = max(observed - chance, 0.0)
    moved = _moved(words, counts[: len(reference)].sum(axis=0), counts[len(reference) :].sum(axis=0))
    says = "Shares of words: " + (f"commoner now are {', '.join(moved)}" if moved else "nothing stands out")
    return Measure(
        "vocabulary", "Vocabulary", value, p_value, judge(value, p_value, limits), says, {"commoner": moved}
    )


def _moved(words: list[str], then: np.ndarray, now: np.ndarray, most: int = 6) -> list[str]:
    """Words whose share rose most, by their part in the stability index: a topic's words outweigh "the" and "to"."""
    if not words:
        return []
    after, before = ((part + 0.5) / (part + 0.5).sum() for part in (now, then))
    rise = (after - before) * np.log(after / before) * (after > before)
    return [words[i] for i in np.argsort(-rise, kind="stable")[:most] if rise[i] > 0]
