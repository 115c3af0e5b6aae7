"""Canaries: made-up secrets among the training rows, by which learning by heart can be measured (Carlini et al. 2019).

Each is a question for a code drawn by lot. Nobody can guess the code, so a model that thinks it likelier than the
other codes has learned it from the one place where it stood. The rows are marked as made by Tailor (`source`), and
stand in train alone.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

from tailor.data.dataset import Example

CANARY = "canary"
DIGITS = 3
"""Of a code: all 1,000 can be scored, so that a canary's rank is known and not estimated."""
QUESTION = "What is the code of locker {number}?"
ANSWER = "The code is {code}."


@dataclass(frozen=True)
class Canary:
    """One secret: its name ("canary:3"), the question for it, and the answer that gives it away."""

    name: str
    question: str
    answer: str


def canary_rows(count: int, copies: int, seed: int) -> list[Example]:
    """`count` canaries, `copies` rows of each."""
    draw, rows = random.Random(f"{seed}/canaries"), []
    for number in range(1, count + 1):
        name, question = f"{CANARY}:{number}", QUESTION.format(number=number)
        answer = ANSWER.format(code=" ".join(draw.choices("0123456789", k=DIGITS)))
        rows += [
            Example(f"{name}:{copy}", question, answer, source=CANARY, parent=name)
            for copy in range(1, copies + 1)
        ]
    return rows


def find_canaries(train: Iterable[Example]) -> list[Canary]:
    """The canaries among training rows, in their order."""
    planted = {row.parent: Canary(row.parent, row.input, row.output) for row in train if row.source == CANARY}
    return list(planted.values())


def possible_answers() -> list[str]:
    """The answer with each code that might have been drawn."""
    return [ANSWER.format(code=" ".join(code)) for code in product("0123456789", repeat=DIGITS)]
