"""Near duplicates: found, chained, and never invented."""

import random
import re
from itertools import pairwise

import polars as pl
import pytest

from tailor.data.duplicates import band_width, equality_keys, near_duplicate_clusters


def shingles(text):
    words = re.findall(r"\w+", text.lower())
    return {*words, *pairwise(words)}


def jaccard(a, b):
    return len(a & b) / len(a | b)


def test_similarity_by_hand():
    # {a, b, c, a b, b c} and {a, b, d, a b, b d} share {a, b, a b} of 7
    assert jaccard(shingles("a b c"), shingles("a b d")) == pytest.approx(3 / 7)
    assert near_duplicate_clusters([["a b c", "A, b: D!"]], 3 / 7 - 1e-9) == [0, 0]
    assert near_duplicate_clusters([["a b c", "A, b: D!"]], 3 / 7 + 1e-9) == [0, 1]


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.8, 0.9])
def test_clusters_are_those_of_comparing_every_pair_in_plain_python(threshold):
    rng = random.Random(5)
    words = [
        "Äpfel",
        "naïve",
        "ЖИЗНЬ",
        "東京",
        "x_1",
        "wörter",
        "B2B",
        "don't",
        "İstanbul",
        "𠀀",
        "a",
        "b",
        "c",
        "d",
        "e",
        "f",
        "g",
    ]
    texts = [" ".join(rng.choices(words, k=rng.randrange(1, 9))) for _ in range(150)]
    sets = [shingles(text) for text in texts]
    expected = list(range(150))
    for second in range(150):
        for first in range(second):
            if jaccard(sets[first], sets[second]) >= threshold:
                low, high = sorted((expected[first], expected[second]))
                expected = [low if place == high else place for place in expected]
    found = near_duplicate_clusters([texts], threshold)
    assert sum(a == b for a, b in zip(found, expected, strict=True)) >= 148
    # whatever was joined is joined in the full comparison too
    assert all(expected[place] == expected[first] for place, first in enumerate(found))


def test_pairs_at_the_threshold_share_a_band():
    assert [band_width(t) for t in (0.5, 0.7, 0.8, 0.9, 1.0)] == [4, 7, 9, 16, 32]


def test_equal_but_for_case_blanks_and_punctuation():
    texts = [
        "Card lost!",
        "card\u00a0 LOST",
        "ｃａｒｄ lost.",
        "card lost €",
        "cardlost",
        "STRASSE",
        "straße",
        "",
        None,
    ]
    keys = equality_keys(pl.DataFrame({"text": texts}), ["text"]).to_list()
    assert [keys.index(key) for key in keys] == [0, 0, 0, 3, 4, 5, 6, 7, 7]


def test_a_column_border_counts():
    frame = pl.DataFrame({"a": ["x y", "x", ""], "b": ["z", "y z", "x y z"]})
    assert equality_keys(frame, ["a", "b"]).n_unique() == 3
    assert equality_keys(frame.clear(), ["a", "b"]).len() == 0


def test_slices_of_a_table_have_the_keys_of_the_whole():
    frame = pl.DataFrame({"text": [f"row {n} ü" for n in range(50)]})
    whole = equality_keys(frame, ["text"]).to_list()
    assert equality_keys(frame[20:30], ["text"]).to_list() == whole[20:30]


def made_texts(count, seed):
    words = [f"w{n}" for n in range(2000)]
    rng = random.Random(seed)
    return [" ".join(rng.choice(words) for _ in range(40)) for _ in range(count)]


def test_planted_twins_are_found_and_nothing_else():
    texts = made_texts(400, 1)
    twins = [" ".join(["changed", *text.split()[1:]]) for text in texts[:100]]
    clusters = near_duplicate_clusters([texts + twins], 0.8)
    assert clusters[:400] == list(range(400))
    assert sum(clusters[400 + n] == n for n in range(100)) >= 99


def test_every_pair_is_confirmed_by_its_exact_similarity():
    texts = made_texts(100, 2)
    halves = [" ".join([*text.split()[:20], *other.split()[:20]]) for text, other in pairwise(texts)]
    assert near_duplicate_clusters([texts + halves], 0.8) == list(range(199))


def test_chains_become_one_cluster():
    words = [f"w{n}" for n in range(40)]
    texts = [
        " ".join(words[:shift] + ["x"] * 0 + [f"y{n}" for n in range(1)] + words[shift:])
        for shift in (5, 20, 35)
    ]
    assert near_duplicate_clusters([texts], 0.8) == [0, 0, 0]


def test_empty_texts_are_in_no_cluster():
    assert near_duplicate_clusters([["", "", "a"]], 0.8) == [0, 1, 2]


def test_same_clusters_each_time():
    texts = made_texts(50, 3) + made_texts(50, 3)
    assert (
        near_duplicate_clusters([texts], 0.7)
        == near_duplicate_clusters([texts], 0.7)
        == [*range(50), *range(50)]
    )
