"""Demonstrations: which training rows are shown to a model as solved examples, and how many tokens they take."""

from collections.abc import Callable, Sequence

import numpy as np

from tailor.data.dataset import Dataset, Example, Message
from tailor.errors import did_you_mean
from tailor.models.catalog import ModelSource

Likeness = Callable[[list[str]], np.ndarray]
"""Questions -> [questions, examples]: how like each example each question is."""


def by_letters(texts: list[str]) -> Likeness:
    """Likeness by shared groups of letters: no stop-word list, no language to know."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True)
    vectors = vectorizer.fit_transform(texts)
    return lambda questions: (vectorizer.transform(questions) @ vectors.T).toarray()


def by_meaning(texts: list[str], model: str) -> Likeness:
    """Likeness by cosine of sentence embeddings."""
    from tailor.models.encoder import embed

    vectors = embed(texts, model)
    return lambda questions: embed(questions, model) @ vectors.T


def choose_demonstrations(dataset: Dataset, count: int, how: str, seed: int) -> list[Example]:
    """Choose training rows: blindly, or balanced over labels (over answers' lengths where there are no labels)."""
    drawn = [dataset.given[i] for i in np.random.default_rng(seed).permutation(len(dataset.given))]
    if how == "random":
        return drawn[:count]
    if dataset.task == "classify":
        kinds: dict[object, list[Example]] = {}
        for example in drawn:
            kinds.setdefault(example.output, []).append(example)
        queues = list(kinds.values())
    else:
        by_length = sorted(drawn, key=lambda example: len(example.output))
        places = np.array_split(np.arange(len(by_length)), min(count, len(by_length)))
        queues = [[by_length[place[len(place) // 2]]] for place in places]
    chosen: list[Example] = []
    while len(chosen) < count and any(queues):
        chosen += [queue.pop(0) for queue in queues if queue]
    return chosen[:count]


def row_problems(rows: list[str], dataset: Dataset) -> list[str]:
    """Why the rows with these ids cannot be shown, as sentences."""
    known = [example.id for example in dataset.given]
    strange = [row for row in rows if row not in known]
    found = [f"There is no training row '{row}' to show.{did_you_mean(row, known)}" for row in strange]
    return found if rows else ["choose is 'fixed', and 'rows' names no training row to show."]


def context_of(base: ModelSource) -> int:
    """Tokens the base model can read; 1,024 where nobody says."""
    return base.context or 1024


def longest_prompt(tokenizer: object, dataset: Dataset) -> int:
    """Tokens of the longest prompt among the 50 with most letters."""
    from tailor.models.chat import encode_chat

    rows = sorted([*dataset.train, *dataset.validation], key=lambda example: -len(example.input))[:50]
    return max(
        len(encode_chat(tokenizer, dataset.prompt(e), add_generation_prompt=True).input_ids) for e in rows
    )


def those_that_fit(
    tokenizer: object, examples: Sequence[Example], room: int, turns: Callable[[list[Example]], list[Message]]
) -> list[Example]:
    """The examples, in order, whose tokens fit into `room` together; a longer one is passed over."""
    fitting = []
    for example, size in zip(examples, sizes_of(tokenizer, examples, turns), strict=True):
        if size <= room:
            fitting.append(example)
            room -= size
    return fitting


def sizes_of(
    tokenizer: object, examples: Sequence[Example], turns: Callable[[list[Example]], list[Message]]
) -> list[int]:
    """How many tokens each example has as a demonstration."""
    from tailor.models.chat import encode_chat

    return [len(encode_chat(tokenizer, turns([example])).input_ids) for example in examples]
