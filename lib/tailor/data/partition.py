"""Put examples into train, validation and test: ties found, the test kept free of what training saw, leaks counted."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from tailor.data.dataset import SPLITS
from tailor.data.duplicates import equality_keys, near_duplicate_clusters
from tailor.data.examples import Formatted
from tailor.data.splits import SplitBy, count_leaks, hold_sides, split_rows, tie_rows
from tailor.errors import WorkbenchError

LARGEST_BUNDLE = 0.5
"""A tie that binds more than this share of the rows cannot be meant (a column with the team's name as "customer")."""


@dataclass(frozen=True)
class SplitChoices:
    """How rows are split.

    Attributes:
        shares: of validation and of test.
        most: the most rows of train, validation and test; 0 for all.
        near: similarity from which two inputs count as copies.
    """

    by: SplitBy
    shares: tuple[float, float]
    most: tuple[int, int, int]
    near: float
    seed: int


def partition(
    formatted: Formatted,
    choices: SplitChoices,
    frozen: Sequence[str] = (),
    sides_before: Sequence[str | None] = (),
) -> tuple[dict[str, int], list[str]]:
    """Add a column `split` to the formatted rows.

    Args:
        frozen: sources whose rows are the test set; training rows that say the same are set aside.
        sides_before: for each row its side in the last run, None for a new row; test rows never move.

    Returns:
        Rows that a plain random split would have leaked, by kind, and sentences on what was decided.

    Raises:
        WorkbenchError: too few rows, a frozen test set without rows, or "grouped" without groups.
    """
    rows = formatted.rows
    if choices.by == "grouped" and rows["group"].null_count() == rows.height:
        raise WorkbenchError(
            "04_format_data.split_by is 'grouped', and no column tells the groups",
            "a column such as customer_id",
            "name it in 04_format_data.group_column, or choose another split_by",
        )
    keys, notes = _tie_keys(rows, choices)
    bundles = tie_rows(rows.height, list(keys.values()))
    if frozen:
        sides = _around_frozen(formatted, bundles, keys, choices, frozen)
        leaks = {"copies of test rows": rows.height - formatted.rows.height}
    else:
        shuffled = split_rows(range(rows.height), None, None, choices.shares, choices.seed, "random")
        leaks = {kind: count for kind, k in keys.items() if (count := count_leaks(shuffled, k))}
        sides = _as_before(formatted, bundles, choices, sides_before or [None] * rows.height)
    formatted.rows = formatted.rows.with_columns(split=pl.Series(sides, dtype=pl.String))
    formatted.take_out(_over_most(formatted.rows, choices))
    return leaks, notes


def _as_before(
    formatted: Formatted, bundles: list[int], choices: SplitChoices, before: Sequence[str | None]
) -> list[str]:
    """Split rows, those that were split before as they were."""
    rows = formatted.rows
    held, between = hold_sides(bundles, before)
    ids = rows["id"].to_list()
    formatted.take_out({ids[place]: "ties a test row to a training row" for place in between})
    free = [place for place, side in enumerate(held) if side is None and place not in between]
    times = rows["time"].to_list() if any(rows["time"]) else None
    if choices.by == "time" and times and len(free) < len(held):
        side = _by_frozen_time(free, held, times)
    elif len(free) < len(held) and len({bundles[place] for place in free}) < len(SPLITS):
        side = dict.fromkeys(free, "train")  # too few to be split
    else:
        labels = rows["label"].to_list()
        found = split_rows(
            [bundles[place] for place in free],
            [labels[place] for place in free],
            [times[place] for place in free] if times else None,
            choices.shares,
            choices.seed,
            choices.by,
        )
        side = dict(zip(free, found, strict=True))
    return [held[place] or side[place] for place in range(len(held)) if place not in between]


def _by_frozen_time(free: list[int], held: list[str | None], times: list[str]) -> dict[int, str]:
    """New rows beside a test set that stays: what is as new as the test joins it."""
    first = {
        name: min((times[place] for place, side in enumerate(held) if side == name), default="~")
        for name in ("validation", "test")
    }
    return {
        place: "test"
        if times[place] >= first["test"]
        else "validation"
        if times[place] >= first["validation"]
        else "train"
        for place in free
    }


def whole_text(rows: pl.DataFrame) -> pl.Series:
    """What was said before, and the input without the words that all rows share. Nothing is copied if that will do."""
    return rows["compared"] if (rows["history"] == "").all() else rows["history"] + rows["compared"]


def _tie_keys(rows: pl.DataFrame, choices: SplitChoices) -> tuple[dict[str, list], list[str]]:
    """What ties rows together, by the name of the leak it prevents."""
    keys: dict[str, list] = {"equal text": equality_keys(rows, ["history", "compared"]).to_list()}
    if choices.near > 0:
        keys["nearly equal text"] = near_duplicate_clusters([whole_text(rows)], choices.near)
    notes = []
    for column, name in (("group", "same group"), ("thread", "same thread")):
        values = rows[column].to_list()
        counts = Counter(value for value in values if value is not None)
        if not counts:
            continue
        largest = max(counts.values())
        if largest > LARGEST_BUNDLE * rows.height and choices.by != "grouped":
            notes.append(
                f"the column for '{column}' was not used to keep rows together: one value has {largest:,} of "
                f"{rows.height:,} rows"
            )
        else:
            keys[name] = values
    return keys, notes


def _around_frozen(
    formatted: Formatted,
    bundles: list[int],
    keys: dict[str, list],
    choices: SplitChoices,
    frozen: Sequence[str],
) -> list[str]:
    """Split what is not frozen into train and validation, after taking out copies of frozen rows."""
    rows = formatted.rows
    tested = rows["source"].is_in(list(frozen)).to_list()
    if not any(tested):
        raise WorkbenchError(
            f"the test file {', '.join(frozen)} has no usable row",
            "at least one",
            "look at dropped.parquet and dataset/set_aside.parquet for the reasons",
        )
    ids = rows["id"].to_list()
    copies: dict[str, str] = {}
    for kind in ("equal text", "nearly equal text"):
        held = {key: ids[i] for i, key in enumerate(keys.get(kind, [])) if tested[i]}
        for i, key in enumerate(keys.get(kind, [])):
            if not tested[i] and key in held:
                copies.setdefault(ids[i], "says the same as a row of the given test file")
    formatted.take_out(copies)
    staying = [i for i in range(len(ids)) if ids[i] not in copies]
    free = [i for i in staying if not tested[i]]
    if not free:
        raise WorkbenchError(
            "every row is in the given test file or a copy of one", "rows to learn from", "name more sources"
        )
    labels, times = rows["label"].to_list(), rows["time"].to_list()
    sides = split_rows(
        [bundles[i] for i in free],
        [labels[i] for i in free],
        [times[i] for i in free] if any(times) else None,
        (choices.shares[0], 0.0),
        choices.seed,
        choices.by,
    )
    side = dict(zip(free, sides, strict=True))
    return [side.get(i, "test") for i in staying]


def _over_most(rows: pl.DataFrame, choices: SplitChoices) -> dict[str, str]:
    """Rows beyond a split's most, drawn at random."""
    reasons = {}
    for split, most in zip(SPLITS, choices.most, strict=True):
        part = rows.filter(pl.col("split") == split)
        if most and part.height > most:
            keep = set(part.sample(most, seed=choices.seed, shuffle=False)["id"])
            reasons |= {
                row_id: f"over the most rows for {split}" for row_id in part["id"] if row_id not in keep
            }
    return reasons
