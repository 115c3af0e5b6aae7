"""Near duplicates: found, chained, and never invented."""

import random
from itertools import pairwise

import pytest

from tailor.data.duplicates import jaccard, near_duplicate_clusters, shingles


def test_similarity_by_hand():
    assert shingles("Where is, WHERE is") == {"where", "is", "where is", "is where"}
    # {a, b, c, a b, b c} and {a, b, d, a b, b d} share {a, b, a b} of 7
    assert jaccard(shingles("a b c"), shingles("a b d")) == pytest.approx(3 / 7)
    assert jaccard(set(), set()) == 1.0


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
