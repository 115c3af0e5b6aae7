"""Balance: rows left out, repeated or weighted, by hand-counted numbers."""

from collections import Counter

import numpy as np
import pytest

from tailor.data.balance import downsample, label_weights, upsample
from tailor.data.dataset import Example


def rows(**counts):
    return [
        Example(f"{label}:{n}", f"{label} {n}", label)
        for label, count in counts.items()
        for n in range(count)
    ]


def left(given, gone):
    return Counter(row.output for row in given if row.id not in gone)


def test_downsampling_cuts_common_labels_to_the_ratio():
    given = rows(a=100, b=10, c=4)
    assert left(given, downsample(given, 1.0, seed=1)) == {"a": 4, "b": 4, "c": 4}
    assert left(given, downsample(given, 3.0, seed=1)) == {"a": 12, "b": 10, "c": 4}
    assert downsample(given, 2.0, seed=1) == downsample(given, 2.0, seed=1)
    assert downsample(given, 2.0, seed=1) != downsample(given, 2.0, seed=2)


def test_upsampling_repeats_every_row_once_before_one_twice():
    given = rows(a=7, b=3)
    copies = upsample(given, 1.0, seed=1)
    assert Counter(row.output for row in [*given, *copies]) == {"a": 7, "b": 7}
    assert sorted(Counter(row.parent for row in copies).values()) == [1, 1, 2]
    twice = next(row for row in copies if row.id.endswith("~copy2"))
    original = next(row for row in given if row.id == twice.parent)
    assert (twice.input, twice.output, twice.source) == (original.input, original.output, "balance:copy")
    assert len({row.id for row in [*given, *copies]}) == 14
    assert len(upsample(given, 2.0, seed=1)) == 1


def test_a_copy_of_a_reworded_row_knows_the_row_that_was_given():
    given = [*rows(a=3), Example("b:0~typo1", "bb", "b", parent="b:0")]
    assert {row.parent for row in upsample(given, 1.0, seed=1)} == {"b:0"}


def test_weights_are_those_of_scikit_learn():
    from sklearn.utils.class_weight import compute_class_weight

    given = rows(a=90, b=9, c=1)
    labels = np.array([row.output for row in given])
    theirs = compute_class_weight("balanced", classes=np.array(["a", "b", "c"]), y=labels)
    mine = label_weights(given, 1.0)
    assert [mine[label] for label in "abc"] == pytest.approx(theirs.tolist(), abs=1e-5)


def test_a_ratio_limits_the_weights():
    given = rows(a=90, b=9, c=1)
    weights = label_weights(given, 10.0)
    counted = {label: weights[label] * count for label, count in (("a", 90), ("b", 9), ("c", 1))}
    assert counted["a"] / counted["c"] == pytest.approx(10, rel=1e-4)
    assert weights["b"] == weights["a"]
    assert sum(counted.values()) == pytest.approx(100, rel=1e-4)
