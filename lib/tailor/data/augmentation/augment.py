"""From given rows to new ones: candidates by rule or model, filtered, counted, each with its parent's name."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from tailor.data.augmentation.filters import Strictness, find_faults
from tailor.data.augmentation.rewriting import Rewriter
from tailor.data.augmentation.rules import find_rules
from tailor.data.dataset import Example
from tailor.progress import Log
from tailor.records import Generated, Task, Term

Kind = Literal[
    "synonym", "typo", "casing", "contraction", "template", "counterfactual", "paraphrase", "back-translation"
]
KINDS: tuple[Kind, ...] = get_args(Kind)
BY_MODEL: tuple[Kind, ...] = ("paraphrase", "back-translation")


@dataclass(frozen=True)
class Augmented:
    """What came of it.

    Attributes:
        kept: new rows, after their parents in order.
        filtered: rows that were made and not kept, with the reason.
    """

    kept: list[Example]
    filtered: list[tuple[Example, str]]


def augment(
    given: Sequence[Example],
    held_out: Sequence[Example],
    task: Task,
    kinds: Sequence[Kind],
    per_row: float,
    *,
    seed: int,
    strictness: Strictness,
    glossary: Sequence[Term] = (),
    rewriter: Rewriter | None = None,
    language: str = "German",
    log: Log,
) -> Augmented:
    """Make new rows from the training rows.

    Args:
        given: training rows; only these become parents, so children stand on their side of the split.
        held_out: validation and test rows, kept clear of.
        kinds: ways of rewording, dealt to the rows in turn; a rule that finds nothing to change passes the row on.
        per_row: new rows for each given one; 0.5 makes one for every second row.
        rewriter: needed for `BY_MODEL`.
    """
    orders = _deal(given, kinds, per_row, seed)
    made = _by_rule(orders, glossary, seed)
    if rewriter is not None:
        made += _by_model(orders, rewriter, language)
    place = {row.id: number for number, row in enumerate(given)}
    made.sort(key=lambda row: (place[row.parent], row.id))
    log.note(
        f"{len(made):,} new rows were made from {len(given):,}; now they are compared with what is there."
    )
    faults = find_faults(made, given, held_out, task, strictness) if made else []
    kept = [row for row, fault in zip(made, faults, strict=True) if not fault]
    filtered = [(row, fault) for row, fault in zip(made, faults, strict=True) if fault]
    return Augmented(kept, filtered)


@dataclass(frozen=True)
class _Order:
    """One new row to be made: from which, the how-manieth, and in which ways, the first to be tried first."""

    parent: Example
    number: int
    kinds: tuple[Kind, ...]


def _deal(given: Sequence[Example], kinds: Sequence[Kind], per_row: float, seed: int) -> list[_Order]:
    """Which rows are reworded how often, and by which way first: drawn by the row's name, so that a row that comes or
    goes changes nothing for the others."""
    orders = []
    for row in given:
        draw = random.Random(f"{seed}/{row.id}")
        wanted = int(per_row) + (draw.random() < per_row % 1)
        turn = draw.randrange(len(kinds))
        for number in range(wanted):
            first = (turn + number) % len(kinds)
            orders.append(_Order(row, number + 1, (*kinds[first:], *kinds[:first])))
    return orders


def _by_rule(orders: Sequence[_Order], glossary: Sequence[Term], seed: int) -> list[Example]:
    rules = find_rules(glossary)
    made = []
    for order in orders:
        if order.kinds[0] in BY_MODEL:
            continue  # the model's turn
        for kind in (kind for kind in order.kinds if kind not in BY_MODEL):
            draw = random.Random(f"{seed}/{order.parent.id}/{kind}/{order.number}")
            text = rules[kind](order.parent.input, draw)
            if text is not None and text != order.parent.input:
                made.append(_child(order, kind, text))
                break
    return made


def _by_model(orders: Sequence[_Order], rewriter: Rewriter, language: str) -> list[Example]:
    made = []
    for kind in BY_MODEL:
        for number in sorted({order.number for order in orders}):
            mine = [o for o in orders if o.number == number and o.kinds[0] == kind]
            texts = [order.parent.input for order in mine]
            if kind == "paraphrase":
                found = rewriter.paraphrase(texts, number)
            else:
                found = rewriter.back_translate(texts, language, number)
            made += [_child(order, kind, text) for order, text in zip(mine, found, strict=True)]
    return made


def _child(order: _Order, kind: Kind, text: str) -> Example:
    parent = order.parent
    name = f"{parent.id}~{kind}{order.number}"
    return replace(parent, id=name, input=text, source=f"augmentation:{kind}", parent=parent.id)


def count_generated(kept: Sequence[Example], filtered: Sequence[tuple[Example, str]]) -> list[Generated]:
    """Made, kept and filtered rows by `source`, the reasons by how many they concern."""
    faults = Counter((row.source, fault) for row, fault in filtered)
    made = Counter(row.source for row in [*kept, *(row for row, _ in filtered)])
    counts = []
    for source, total in sorted(made.items()):
        reasons = {fault: n for (name, fault), n in faults.most_common() if name == source}
        counts.append(
            Generated(source=source, made=total, kept=total - sum(reasons.values()), filtered=reasons)
        )
    return counts
