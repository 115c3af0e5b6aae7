"""Rows with equal keys gathered into clusters: loops compiled as those of `tailor.data.word_kernels`, and as late.

numba compiles a loop anew when its own file changes, not when `mix` does; here any `mix` gives the same result.

Shapes: N rows, S bytes a sketch. All keys are uint64.
"""

import numpy as np

from tailor.data.word_kernels import compiled, mix


@compiled
def repeated(keys):
    """Places (int64) of the keys that occur more than once, and of a few others; key 0 does not count.

    Most rows are like no other: to sort only what this leaves takes a tenth of the time.
    """
    size = 1024
    while size < 8 * len(keys):
        size *= 2
    seen, most = np.zeros(size, np.uint8), np.uint64(size - 1)
    for key in keys:
        if key:
            slot = mix(key) & most
            seen[slot] = min(2, seen[slot] + 1)
    found, count = np.empty(len(keys), np.int64), 0
    for place in range(len(keys)):
        if keys[place] and seen[mix(keys[place]) & most] > 1:
            found[count] = place
            count += 1
    return found[:count].copy()


@compiled
def pairs_in_runs(keys, order, window, parent, sketches, least):
    """Pairs of places with equal keys: each with its run's first and with some before it, int64 [pairs, 2].

    That is enough to chain a cluster and grows with its size, not with its square. Left out are pairs that are in
    one cluster by now and those whose sketches agree in less than `least` places: a cheap estimate of likeness.

    Args:
        order: places of the keys to look at, so that equal ones follow one another as they stood. Key 0 is in no pair.
        parent: int64 [N], every row's cluster's first row.
        sketches: uint8 [N, S].
    """
    pairs = np.empty((1024, 2), np.int64)
    start, count = 0, 0
    while start < len(order):
        end = _run_end(keys, order, start)
        for here in range(start + 1, end):
            for other in range(max(start, here - window - 1), here):
                first, second = order[start if other == here - window - 1 else other], order[here]
                if parent[first] == parent[second]:
                    continue
                agreed = 0
                for place in range(sketches.shape[1]):
                    agreed += sketches[first, place] == sketches[second, place]
                if agreed < least:
                    continue
                if count == len(pairs):
                    more = np.empty((2 * count, 2), np.int64)
                    more[:count] = pairs
                    pairs = more
                pairs[count, 0], pairs[count, 1] = first, second
                count += 1
        start = end
    return pairs[:count]


@compiled
def _run_end(keys, order, start):
    end = start + 1
    while end < len(order) and keys[order[start]] != 0 and keys[order[end]] == keys[order[start]]:
        end += 1
    return end


@compiled
def join_pairs(parent, first, second):
    """Join the clusters of each pair; afterwards `parent` (int64 [N]) holds every row's cluster's first row."""
    for pair in range(len(first)):
        a, b = first[pair], second[pair]
        while parent[a] != a:
            parent[a] = parent[parent[a]]
            a = parent[a]
        while parent[b] != b:
            parent[b] = parent[parent[b]]
            b = parent[b]
        parent[max(a, b)] = min(a, b)
    # a root is never behind its rows, so one pass in order settles all
    for row in range(len(parent)):
        parent[row] = parent[parent[row]]
