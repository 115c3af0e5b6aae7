"""The lessons' task: short questions to an invented bank, to be sorted by topic. Made by rule, so nobody's data.

The grammar is the demos' (`tailor.demos.grammar`). A third of each topic's phrasings is kept for the held-out rows, so
that a model which learned sentences by heart is told from one that learned topics.
"""

import random
from pathlib import Path

from tailor.blocks import Table
from tailor.data.dataset import Dataset, Example
from tailor.demos import facts, grammar
from tailor.demos.bank import FIRST_DAY, Bank
from tailor.records import DatasetRecord, Split

TOPICS = {
    "lost card": "card_lost_stolen",
    "transfer": "transfer_problem",
    "fees": "fees_charges",
    "login": "app_access",
    "loan": "loan_question",
    "new address": "change_details",
}
SYSTEM = "You sort a customer's question by its topic."
ROWS = {"train": 20, "validation": 8, "test": 20}
"""Rows of each topic."""


def bank_questions(seed: int = 1, base: str = "tailor-mini") -> Dataset:
    """Questions with their topics, in the three splits; nothing is written to disk.

    Args:
        seed: another number draws other questions.
        base: the model the lessons use.
    """
    bank, splits = Bank(seed), {name: [] for name in ROWS}
    for topic, intent in TOPICS.items():
        known, held_out = phrasings(bank, intent, seed)
        for split, rows in ROWS.items():
            lines = known if split == "train" else held_out
            splits[split] += _draw(bank, topic, lines, rows, grammar.stream(seed, topic, split))
    for split, rows in splits.items():
        grammar.stream(seed, split).shuffle(rows)
    counts = {name: Split(rows=len(rows), tokens=0, learned_tokens=0, truncated=0, longest=0, sha256="")
              for name, rows in splits.items()}  # fmt: skip
    record = DatasetRecord(
        task="classify", base_model=base, roles={"input": "question", "output": "topic"}, labels=list(TOPICS),
        system_prompt=SYSTEM, max_length=256, splits=counts,
    )  # fmt: skip
    dataset = Dataset(record, Path())
    dataset.train, dataset.validation, dataset.test = splits.values()
    return dataset


def first_questions(dataset: Dataset, split: str = "train") -> Table:
    """One question of each topic, and how many there are."""
    rows = getattr(dataset, split)
    shown = [next(row for row in rows if row.output == topic) for topic in dataset.labels]
    counted = f"{len(dataset.train)} questions to learn from, {len(dataset.test)} held out for the test"
    return Table(("question", "topic"), [(row.input, row.output) for row in shown], counted)


def phrasings(bank: Bank, intent: str, seed: int) -> tuple[list[str], list[str]]:
    """The topic's opening lines, choices and slots still open: two thirds to learn from, a third held out."""
    lines = [
        line
        for situation in bank.situations.values() if situation["intent"] == intent
        for line in grammar.listed(situation["what"])
    ]  # fmt: skip
    grammar.stream(seed, intent, "held out").shuffle(lines)
    third = len(lines) // 3
    return lines[third:], lines[:third]


def _draw(bank: Bank, topic: str, lines: list[str], rows: int, rng: random.Random) -> list[Example]:
    """Different questions from these lines, each with facts of its own; fewer where the lines allow no more."""
    found: dict[str, Example] = {}
    for _ in range(50 * rows):
        theirs, _ = facts.draw_facts(rng, bank.world, rng.choice(bank.people), FIRST_DAY)
        text = grammar.fill(grammar.choose(rng, rng.choice(lines)), theirs)
        found.setdefault(text, Example(f"{topic}:{len(found) + 1}", text, topic))
        if len(found) == rows:
            break
    return list(found.values())
