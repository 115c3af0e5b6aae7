"""Texts that say the same: a key for equal ones, clusters for nearly equal ones."""

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import polars as pl

PERMUTATIONS = 128
_WORD = re.compile(r"\w+")


def equality_keys(frame: pl.DataFrame, columns: Sequence[str]) -> pl.Series:
    """One key a row: the columns in lower case, without blanks of any kind, punctuation or accents' spelling.

    Plain equality would miss most copies: they differ in case, double blanks, no-break blanks or a final dot.
    """
    parts = [
        pl.col(column)
        .fill_null("")
        .str.normalize("NFKC")
        .str.to_lowercase()
        .str.replace_all(r"[^\p{L}\p{N}\p{S}]+", " ")
        .str.strip_chars()
        for column in columns
    ]
    return frame.select(pl.concat_str(parts, separator="\x1f").alias("key"))["key"]


def shingles(text: str) -> set[str]:
    """The words and pairs of neighbouring words. Pairs keep the order; single words keep short texts comparable."""
    words = _WORD.findall(text.lower())
    return {*words, *(f"{a} {b}" for a, b in pairwise(words))}


def jaccard(a: set[str], b: set[str]) -> float:
    """Shared share of two sets; 1 for two empty ones."""
    return len(a & b) / len(a | b) if a or b else 1.0


def near_duplicate_clusters(columns: Sequence[Sequence[str]], threshold: float) -> list[int]:
    """Group rows whose texts are alike, directly or by way of others.

    Candidates come from MinHash with banded locality-sensitive hashing (Leskovec, Rajaraman, Ullman, Mining of
    Massive Datasets, chapter 3) over the joined columns; each is then confirmed by the exact Jaccard similarity of
    every column that either row fills, so a template answer under two different questions does not count.

    Args:
        columns: one list of texts a column, all of the same length ("" for an empty cell).
        threshold: Jaccard similarity of words and word pairs, above 0 and up to 1, that every column must reach.

    Returns:
        For each row the place of its cluster's first row.
    """
    total = len(columns[0])
    sets = [[shingles(text) for text in column] for column in columns]
    joined = [set().union(*row) for row in zip(*sets, strict=True)]
    parent = list(range(total))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    for first, second in _candidates(joined, threshold):
        a, b = root(first), root(second)
        if a != b and all(jaccard(column[first], column[second]) >= threshold for column in sets):
            parent[max(a, b)] = min(a, b)
    return [root(place) for place in range(total)]


def _candidates(sets: Sequence[set[str]], threshold: float) -> list[tuple[int, int]]:
    """Pairs of places that share a band of their MinHash signature. Rows without a word are in no pair."""
    from rensa import RMinHash

    filled = [place for place, items in enumerate(sets) if items]
    if len(filled) < 2:
        return []
    # sorted: a set's order differs from process to process
    tokens = [sorted(sets[place]) for place in filled]
    digests = np.array(
        RMinHash.digest_matrix_from_token_sets(tokens, PERMUTATIONS, 42).to_rows(), dtype=np.uint64
    )
    width = _band_width(threshold)
    pairs = [
        _equal_neighbours(_mix(digests[:, start : start + width]))
        for start in range(0, PERMUTATIONS - width + 1, width)
    ]
    unique = np.unique(np.concatenate(pairs), axis=0)
    return [(filled[first], filled[second]) for first, second in unique.tolist()]


def _mix(band: np.ndarray) -> np.ndarray:
    """[rows, width] uint64 -> [rows] uint64; equal rows give equal numbers, unequal ones almost never."""
    mixed = np.zeros(len(band), dtype=np.uint64)
    for column in band.T:
        mixed = (mixed ^ column) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    return mixed


def _equal_neighbours(values: np.ndarray) -> np.ndarray:
    """Pairs of places with equal values: each with its group's first and with the one before, [pairs, 2].

    That is enough to chain a cluster and grows with its size, not with its square.
    """
    order = np.argsort(values, kind="stable")
    same = np.concatenate([[False], values[order][1:] == values[order][:-1]])
    starts = np.maximum.accumulate(np.where(same, 0, np.arange(len(order))))
    here = np.flatnonzero(same)
    first = np.stack([order[starts[here]], order[here]], axis=1)
    before = np.stack([order[here - 1], order[here]], axis=1)
    return np.concatenate([first, before])


def _band_width(threshold: float) -> int:
    """Rows a band such that pairs at the threshold are found with at least 99% probability."""
    for width in (32, 16, 8, 4, 2):
        if 1 - (1 - threshold**width) ** (PERMUTATIONS // width) >= 0.99:
            return width
    return 1
