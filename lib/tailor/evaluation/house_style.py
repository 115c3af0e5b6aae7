"""How answers keep to the house's tone and rules, in figures: the same for references, models and new answers."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from tailor.blocks import Table
from tailor.data.style import TITLES, Style, phrase_pattern
from tailor.evaluation.known_metrics import KEEPS
from tailor.records import Guideline, UseCase

if TYPE_CHECKING:
    from tailor.evaluation.metrics import Metric


def measure_house_style(case: UseCase, answers: Sequence[str]) -> "dict[str, Metric]":
    """The figures of `tailor.data.style`, and for each guideline with a pattern the share of answers that keep it."""
    return Style(case.tone).measure(answers) | keeps_metrics(case.guidelines, answers)


def keeps_metrics(guidelines: Sequence[Guideline], answers: Sequence[str]) -> "dict[str, Metric]":
    """ "keeps " and a guideline's id -> share of answers that keep it, for each guideline with a pattern."""
    from tailor.evaluation.metric import mean_metric
    from tailor.training.preferences import breaks

    found = {}
    for rule in guidelines if answers else ():
        if rule.must_match or rule.must_not_match:
            kept = np.array([float(not breaks(rule, answer)) for answer in answers])
            name = f"{KEEPS}{rule.id}"
            found[name] = mean_metric(name, kept, share=True)
    return found


def house_style_table(
    case: UseCase, answers: Mapping[str, Sequence[str]], *, samples: int, seed: int
) -> Table:
    """One line a figure, one column for whose answers they are, each value with its 95% interval."""
    from tailor.evaluation.statistics import estimate

    found = {who: measure_house_style(case, texts) for who, texts in answers.items()}
    names = list(dict.fromkeys(name for metrics in found.values() for name in metrics))
    lines = []
    for name in names:
        cells = [
            _cell(estimate(metrics[name], samples=samples, seed=seed)) if name in metrics else ""
            for metrics in found.values()
        ]
        lines.append((TITLES.get(name, f"share of answers that {name.replace('keeps', 'keep', 1)}"), *cells))
    return Table(("", *found), lines, "How the answers sound, and which house rules they keep (95% interval)")


def broken_rules(case: UseCase, answers: Sequence[tuple[str, str]], shown: int = 3) -> list[Table]:
    """Answers that break a house rule or use a word of the tone sheet's 'avoid': one table, none where none does.

    Args:
        answers: (row, answer) of one model.
        shown: examples for each rule.
    """
    from tailor.evaluation.results import shorten
    from tailor.training.preferences import breaks

    rules = [
        (rule.id, rule.text, partial(breaks, rule))
        for rule in case.guidelines
        if rule.must_match or rule.must_not_match
    ]
    if avoided := phrase_pattern(case.tone.avoid):
        rules.append(("tone sheet", f"Avoid: {', '.join(case.tone.avoid)}", avoided.search))
    lines = []
    for name, text, is_broken in rules:
        broken = [row for row in answers if is_broken(row[1])]
        lines += [
            (
                *((name, text, f"{len(broken):,} of {len(answers):,}") if place == 0 else ("", "", "")),
                ident,
                shorten(said),
            )
            for place, (ident, said) in enumerate(broken[:shown])
        ]
    columns = ("rule", "what it asks", "answers that break it", "row", "for example")
    return (
        [Table(columns, lines, "House rules that the best model's answers break, by their patterns")]
        if lines
        else []
    )


def _cell(found) -> str:
    return f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})"
