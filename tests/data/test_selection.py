"""The most useful rows: better than random ones on a planted set, stable, without copies."""

import csv
import gzip
import io
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tailor.data.dataset import Example
from tailor.data.proxy import measure_proxy
from tailor.data.selection import choose_useful, difficulty, facility_location

BANKING = Path(__file__).resolve().parents[3] / "shared" / "data" / "banking77" / "train.csv.gz"


def planted(count, seed, even=False):
    """Twelve topics of six labels, the first ones far commoner than the last; a topic's words name it."""
    draw = np.random.default_rng(seed)
    shares = np.ones(12) if even else 1 / np.arange(1, 13) ** 1.5
    made = []
    for n in range(count):
        topic = draw.choice(12, p=shares / shares.sum())
        words = [
            *(f"w{topic}x{j}" for j in draw.choice(12, 4, replace=False)),
            *draw.choice(["hi", "my", "the"], 2),
        ]
        made.append(Example(f"a:{n}", " ".join(words), f"label {topic % 6}"))
    return made


def at_random(rows, count, seed):
    return [rows[i] for i in np.random.default_rng(seed).permutation(len(rows))[:count]]


def test_chosen_rows_teach_more_than_random_ones():
    rows, held_out = planted(400, 1), planted(200, 2, even=True)
    chosen = measure_proxy("classify", choose_useful(rows, 40, "classify", seed=0), held_out).value
    drawn = [measure_proxy("classify", at_random(rows, 40, seed), held_out).value for seed in range(5)]
    assert chosen > max(drawn)
    assert chosen > np.mean(drawn) + 0.05


@pytest.mark.skipif(not BANKING.exists(), reason="needs shared/data/banking77 beside the checkout")
def test_chosen_rows_of_real_messages_teach_more():
    text = gzip.decompress(BANKING.read_bytes()).decode()
    rows = [
        Example(f"b:{n}", r["text"], r["category"]) for n, r in enumerate(csv.DictReader(io.StringIO(text)))
    ]
    labels = sorted({row.output for row in rows})[:12]
    some = [row for row in rows if row.output in labels]
    pool, held_out = some[::2], some[1::4]
    chosen = measure_proxy("classify", choose_useful(pool, 48, "classify", seed=0), held_out).value
    drawn = [measure_proxy("classify", at_random(pool, 48, seed), held_out).value for seed in range(3)]
    assert chosen > np.mean(drawn)


def test_the_choice_is_stable_in_order_and_without_copies():
    rows = planted(60, 3)
    copies = [Example(f"c:{row.id}", row.input, row.output) for row in rows]
    chosen = choose_useful([*rows, *copies], 30, "classify", seed=0)
    assert chosen == choose_useful([*rows, *copies], 30, "classify", seed=0)
    assert len(chosen) == 30
    assert max(Counter(row.input for row in chosen).values()) == 1
    places = [[*rows, *copies].index(row) for row in chosen]
    assert places == sorted(places)


def test_more_than_there_is():
    rows = planted(5, 1)
    assert choose_useful(rows, 9, "respond", seed=0) == rows


def test_facility_location_by_hand():
    """Three rows alike, two alike, one alone: the middle of the three first, then one of the two, then the one."""
    three = [[1, 0, 0, 0], [0.96, 0.28, 0, 0], [0.96, -0.28, 0, 0]]
    places = np.array([*three, [0, 0, 1, 0], [0, 0, 1, 0], [0, 0, 0, 1]], dtype=float)
    assert facility_location(places, np.ones(6), 3) == [0, 3, 5]
    assert facility_location(places, np.array([1, 1, 1, 1, 1, 9]), 1) == [5]


def test_greedy_covers_nearly_as_much_as_the_best_choice():
    from itertools import combinations

    draw = np.random.default_rng(0)
    places = draw.random((9, 4))
    places /= np.linalg.norm(places, axis=1, keepdims=True)
    likeness = places @ places.T

    def covered(chosen):
        return likeness[list(chosen)].max(axis=0).sum()

    best = max(covered(chosen) for chosen in combinations(range(9), 3))
    assert covered(facility_location(places, np.ones(9), 3)) >= (1 - 1 / np.e) * best


def test_hard_rows_are_those_the_proxy_misses():
    rows = [Example(f"a:{n}", f"alpha beta {n % 3}", "a") for n in range(20)]
    rows += [Example(f"b:{n}", f"gamma delta {n % 3}", "b") for n in range(20)]
    rows.append(Example("odd", "alpha beta 1", "b"))
    hard = difficulty(rows, "classify", seed=0)
    assert hard.argmax() == 40
    assert hard[:40].max() < 0.5 < hard[40]
    answers = [Example(f"a:{n}", f"alpha beta {n % 3}", "We block the card.") for n in range(20)]
    answers.append(Example("odd", "alpha beta 1", "Nothing alike here"))
    assert difficulty(answers, "respond", seed=0)[20] == pytest.approx(1.0)
