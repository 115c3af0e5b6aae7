"""A planted label with too few rows is found, with about the rows that it lacks; where none is weak none is named."""

import random

from tailor.data.dataset import Example
from tailor.evaluation.label_needs import FEWEST, label_needs, say_needs
from tailor.progress import Log
from tailor.records import Estimate, LabelNeed


def _rows(counts, words=60, seed=0):
    """Rows of each label: three words of its own vocabulary among words that say nothing."""
    draw, made = random.Random(seed), []
    for label, count in counts.items():
        for n in range(count):
            own = [f"{label}{draw.randrange(words)}" for _ in range(3)]
            plain = [f"plain{draw.randrange(30)}" for _ in range(4)]
            text = draw.sample(own + plain, 7)
            made.append(Example(f"{label}:{n}", " ".join(text), label))
    return made


FULL = dict.fromkeys("abcde", 90)


def test_a_starved_label_is_found_and_what_it_lacks_helps():
    (need,) = label_needs(_rows(FULL | {"starved": 10}), seed=3, log=Log())
    assert (need.label, need.rows) == ("starved", 10)
    assert need.found.value < 0.5
    assert 10 <= need.more <= 200
    again = label_needs(_rows(FULL | {"starved": 10 + need.more}), seed=3, log=Log())
    assert all(one.found.value > 0.85 and one.more < need.more / 3 for one in again)


def test_labels_that_are_told_alike_need_nothing():
    assert label_needs(_rows(FULL), seed=3, log=Log()) == []


def test_a_label_that_rows_cannot_mend_is_named_without_a_number():
    rows = _rows(FULL)
    told = [Example(f"x:{n}", row.input, "same words") for n, row in enumerate(rows[::6])]
    (need, *_) = [one for one in label_needs(rows + told, seed=3, log=Log()) if one.label == "same words"]
    assert need.more is None
    assert say_needs([need]) == ""


def test_too_few_rows_say_nothing():
    assert label_needs(_rows({"a": FEWEST - 20, "b": 19}), seed=3, log=Log()) == []
    assert label_needs(_rows({"a": FEWEST}), seed=3, log=Log()) == []


def test_needs_are_told_in_a_sentence():
    sure = Estimate(value=0.2, low=0.1, high=0.4)
    needs = [
        LabelNeed(label=str(n), rows=n, found=sure, more=more) for n, more in ((31, 84), (7, 40), (5, None))
    ]
    assert say_needs(needs[:1]) == (
        "The label '31' (31 rows) needs about 84 more rows to be told as well as the others."
    )
    assert say_needs(needs) == (
        "The labels '31' (31 rows) and '7' (7 rows) need about 120 more rows to be told as well as the others."
    )
    many = [LabelNeed(label=str(n), rows=1, found=sure, more=30) for n in range(5)]
    assert say_needs(many) == (
        "The labels '0' (1 rows), '1' (1 rows), '2' (1 rows) and 2 more need about 150 more rows to be told as well as "
        "the others."
    )
