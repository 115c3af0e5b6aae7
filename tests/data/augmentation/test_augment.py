"""New rows from given ones: counted, with parents, stable; and whether they helped, told plainly."""

import numpy as np
import pytest

from tailor.data.augmentation.augment import augment, count_generated
from tailor.data.augmentation.effect import compare, say_effect
from tailor.data.augmentation.filters import EQUAL, Strictness
from tailor.data.dataset import Example
from tailor.progress import Log
from tailor.records import Estimate, ProxyComparison

KINDS = ("synonym", "typo", "casing", "contraction", "template")
ROWS = [Example(f"a:{n}", f"I do not know why payment {n} was declined", f"label {n % 2}") for n in range(30)]


def made(rows=ROWS, kinds=KINDS, per_row=1.0, seed=0):
    return augment(rows, [], "classify", kinds, per_row, seed=seed, strictness=Strictness(), log=Log())


def test_every_new_row_has_a_parent_and_is_counted():
    found = made(per_row=2.0)
    counts = count_generated(found.kept, found.filtered)
    total = sum(count.made for count in counts)
    assert total == len(found.kept) + len(found.filtered) == 60
    for count in counts:
        assert count.kept == sum(row.source == count.source for row in found.kept)
        assert count.made - count.kept == sum(count.filtered.values())
    parents = {row.id: row for row in ROWS}
    for row in found.kept:
        parent = parents[row.parent]
        assert (row.output, row.weight) == (parent.output, parent.weight)
        assert row.id.startswith(f"{parent.id}~")
    assert len({row.id for row in found.kept}) == len(found.kept)
    assert {row.source for row in found.kept} == {f"augmentation:{kind}" for kind in KINDS}


def test_a_share_of_the_rows():
    assert 8 <= len(made(per_row=0.5).kept) <= 22


def test_the_same_seed_gives_the_same_rows_and_a_row_more_changes_no_other():
    assert made().kept == made().kept
    assert made(seed=1).kept != made().kept
    fewer = [row for row in made().kept if row.parent != "a:3"]
    assert made([row for row in ROWS if row.id != "a:3"]).kept == fewer


def test_what_a_rule_cannot_change_passes_to_the_next():
    rows = [Example("a:1", "12345 refund", "x"), Example("a:2", "Zq", "y")]
    found = made(rows, ("contraction", "typo"), 3.0)
    assert {row.source for row in found.kept} <= {"augmentation:typo"}
    assert all(reason == EQUAL for _, reason in found.filtered)


def noisy(count, seed):
    """Two labels, told by words; half of the words are misspelt, as in a hurried chat."""
    draw = np.random.default_rng(seed)
    words = {
        "card": ["blocked", "stolen", "missing", "plastic"],
        "fee": ["charged", "costs", "pricing", "amount"],
    }
    rows = []
    for n in range(count):
        label = draw.choice(list(words))
        rows.append(
            Example(f"r:{n}", f"hello {draw.choice(words[label])} {draw.choice(['a', 'b'])}", str(label))
        )
    return rows


def test_rows_that_teach_something_help_and_rows_that_mislead_harm():
    given, validation = noisy(12, 1), noisy(200, 2)
    good = [
        Example(f"g:{n}", row.input, row.output, parent=given[0].id) for n, row in enumerate(noisy(60, 3))
    ]
    wrong = [
        Example(f"w:{n}", row.input, "fee" if row.output == "card" else "card", parent=given[0].id)
        for n, row in enumerate(noisy(200, 3))
    ]
    helped = compare(given, good, validation, "classify", seed=0)
    harmed = compare(given, wrong, validation, "classify", seed=0)
    assert helped.difference.low > 0
    assert harmed.difference.high < 0
    assert say_effect(harmed)[1] == "bad"
    assert compare(given, [], validation, "classify", seed=0) is None


@pytest.mark.parametrize(
    ("low", "high", "kind", "end"),
    [
        (0.5, 2.5, "good", "They help the proxy; 07_tune will show whether they help the model."),
        (-1.0, 2.0, "warning", "That may be chance: there is no sign that they help, and every row costs training "
         "time. Without a better reason, set augment_rows to 0."),
        (-3.0, -1.0, "bad", "They do harm: set augment_rows to 0, or use other ways of rewording."),
    ],
)  # fmt: skip
def test_the_verdict(low, high, kind, end):
    middle = (low + high) / 2
    found = ProxyComparison(
        proxy="the proxy", metric="accuracy", rows=300, without=Estimate(value=0.8, low=0.7, high=0.9),
        difference=Estimate(value=middle, low=low, high=high),
    )  # fmt: skip
    assert say_effect(found) == (
        f"A quick proxy (the proxy) on 300 validation rows: {middle:+.1f} points of accuracy with the new rows (95% "
        f"interval {low:+.1f} to {high:+.1f}). {end}",
        kind,
    )
