"""Train, validation and test, so that nothing in the test was seen in training."""

import hashlib
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Literal

from tailor.errors import WorkbenchError

SplitBy = Literal["stratified", "random", "grouped", "time"]


def tie_rows(total: int, ties: Sequence[Sequence[object]]) -> list[int]:
    """Bind rows that must stay on one side of a split.

    Args:
        ties: lists of one key a row (cluster, group, thread); rows with the same key are tied; None ties nothing.

    Returns:
        For each row the place of the first row it is tied to, directly or by way of others.
    """
    parent = list(range(total))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    for keys in ties:
        first: dict[object, int] = {}
        for place, key in enumerate(keys):
            if key is not None:
                a, b = root(first.setdefault(key, place)), root(place)
                parent[max(a, b)] = min(a, b)
    return [root(place) for place in range(total)]


def split_rows(
    bundles: Sequence[int],
    labels: Sequence[str] | None,
    times: Sequence[str] | None,
    shares: tuple[float, float],
    seed: int,
    by: SplitBy,
) -> list[str]:
    """Give each row "train", "validation" or "test"; rows of one bundle always get the same.

    Args:
        bundles: from `tie_rows`.
        labels: needed for "stratified": each split gets its share of every label.
        times: needed for "time": the newest bundles become test, those before them validation.
        shares: of validation and of test, of all rows.

    Raises:
        WorkbenchError: too few bundles for three splits.
    """
    sizes = Counter(bundles)
    _check_bundles(sizes, len(bundles), shares)
    if by == "time":
        return _by_time(bundles, times, shares)
    order = list(sizes)
    random.Random(seed).shuffle(order)
    strata = _strata(bundles, labels if by == "stratified" else None)
    groups = defaultdict(list)
    for bundle in order:
        groups[strata[bundle]].append(bundle)
    side = _fill(groups, sizes, shares, len(bundles), seed)
    return [side[bundle] for bundle in bundles]


def _check_bundles(sizes: Counter, rows: int, shares: tuple[float, float]) -> None:
    needed = 1 + sum(share > 0 for share in shares)
    if len(sizes) < needed:
        raise WorkbenchError(
            f"{rows} usable rows form {len(sizes)} independent group{'s' * (len(sizes) != 1)}"
            " (copies and one customer's rows stay together)",
            f"at least {needed}, one for each of train, validation and test",
            "gather more rows, or set 04_format_data.group_column to 'none'",
        )


def _strata(bundles: Sequence[int], labels: Sequence[str] | None) -> dict[int, str]:
    """The most frequent label of each bundle."""
    if labels is None:
        return dict.fromkeys(bundles, "")
    counts: dict[int, Counter] = defaultdict(Counter)
    for bundle, label in zip(bundles, labels, strict=True):
        counts[bundle][label] += 1
    return {bundle: min(c, key=lambda label: (-c[label], label)) for bundle, c in counts.items()}


def _fill(
    groups: dict[str, list[int]], sizes: Counter, shares: tuple[float, float], rows: int, seed: int
) -> dict[int, str]:
    """Fill test and validation from every stratum, carrying what rounding leaves over to the next one.

    A stratum's last bundle stays in train: a label must be seen to be learned.
    """
    side: dict[int, str] = {}
    owed = {"test": 0.0, "validation": 0.0}
    for stratum in sorted(groups, key=lambda name: hashlib.sha256(f"{seed}{name}".encode()).digest()):
        members = groups[stratum]
        total = sum(sizes[bundle] for bundle in members)
        left = list(members)
        for split, share in (("test", shares[1]), ("validation", shares[0])):
            owed[split] += share * total
            for bundle in list(left):
                if len(left) > 1 and sizes[bundle] <= owed[split] + 0.5 and owed[split] > 0.5:
                    side[bundle] = split
                    owed[split] -= sizes[bundle]
                    left.remove(bundle)
        side |= dict.fromkeys(left, "train")
    _fill_empty(side, sizes, shares)
    return side


def _fill_empty(side: dict[int, str], sizes: Counter, shares: tuple[float, float]) -> None:
    """Tiny data: a split that was promised rows gets the smallest training bundle."""
    for split, share in (("test", shares[1]), ("validation", shares[0])):
        if share > 0 and split not in side.values():
            smallest = min((b for b in side if side[b] == "train"), key=lambda b: (sizes[b], b))
            side[smallest] = split


def _by_time(bundles: Sequence[int], times: Sequence[str] | None, shares: tuple[float, float]) -> list[str]:
    if times is None:
        raise WorkbenchError(
            "04_format_data.split_by is 'time', and no column holds dates",
            "a column with dates",
            "name it in 04_format_data.time_column, or choose another split_by",
        )
    latest: dict[int, str] = {}
    for bundle, time in zip(bundles, times, strict=True):
        latest[bundle] = max(latest.get(bundle, ""), time)
    sizes = Counter(bundles)
    newest = sorted(latest, key=lambda bundle: (latest[bundle], bundle), reverse=True)
    side: dict[int, str] = {}
    rows, tested, held_back = 0, round(shares[1] * len(bundles)), round(sum(shares) * len(bundles))
    for place, bundle in enumerate(newest):
        if rows < tested or (shares[1] > 0 and place == 0):
            side[bundle] = "test"
        elif rows < held_back or (shares[0] > 0 and "validation" not in side.values()):
            side[bundle] = "validation"
        else:
            side[bundle] = "train"
        rows += sizes[bundle]
    if "train" not in side.values():
        side[newest[-1]] = "train"
    return [side[bundle] for bundle in bundles]


def count_leaks(sides: Sequence[str], keys: Sequence[object]) -> int:
    """Rows outside training that share a key with a row in training (None shares nothing)."""
    trained = {key for side, key in zip(sides, keys, strict=True) if side == "train" and key is not None}
    return sum(side != "train" and key in trained for side, key in zip(sides, keys, strict=True))


def hold_sides(bundles: list[int], sides: list[str | None]) -> tuple[list[str | None], set[int]]:
    """Keep rows on the side they were on when rows that came later tie them together.

    Args:
        bundles: [n] rows that must stay together have the same number.
        sides: [n] where a row was the last time; None for a new row.

    Returns:
        [n] the side that each row has to take, None where it is free; and the new rows that tie a test row to a
        training row and can be on neither side.
    """
    known: dict[int, set[str]] = {}
    for bundle, side in zip(bundles, sides, strict=True):
        if side:
            known.setdefault(bundle, set()).add(side)
    held: list[str | None] = []
    between: set[int] = set()
    for place, (bundle, side) in enumerate(zip(bundles, sides, strict=True)):
        here = known.get(bundle, set())
        if side is None and len(here) > 1 and "test" in here:
            between.add(place)
            held.append(None)
        elif side == "test" or here == {"test"}:
            held.append("test")
        else:
            held.append(next((name for name in ("train", "validation") if name in here), None))
    return held, between
