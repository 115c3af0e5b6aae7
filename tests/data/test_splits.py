"""Splits: shares kept, ties never cut, planted twins on one side."""

import random
from collections import Counter

import polars as pl
import pytest

from tailor.data.dates import sortable
from tailor.data.examples import Formatted
from tailor.data.partition import SplitChoices, partition
from tailor.data.splits import count_leaks, split_rows, tie_rows
from tailor.errors import WorkbenchError


def test_ties_chain():
    assert tie_rows(5, [["a", "b", "a", "c", None], [1, 2, 3, 2, None]]) == [0, 1, 0, 1, 4]


def test_shares_and_labels():
    labels = ["rare"] * 20 + ["often"] * 380
    sides = split_rows(range(400), labels, None, (0.1, 0.15), 7, "stratified")
    counts = Counter(zip(sides, labels, strict=True))
    assert Counter(sides) == {"train": 300, "validation": 40, "test": 60}
    assert (counts["test", "rare"], counts["validation", "rare"]) == (3, 2)


def test_many_small_labels_still_fill_every_split():
    labels = [f"label {n // 3}" for n in range(300)]
    sides = split_rows(range(300), labels, None, (0.1, 0.15), 7, "stratified")
    assert Counter(sides)["test"] == pytest.approx(45, abs=3)
    assert {label for label, side in zip(labels, sides, strict=True) if side == "train"} == set(labels)


def test_same_seed_same_split():
    arguments = (range(100), None, None, (0.1, 0.2))
    assert split_rows(*arguments, 3, "random") == split_rows(*arguments, 3, "random")
    assert split_rows(*arguments, 3, "random") != split_rows(*arguments, 4, "random")


def test_time_puts_the_newest_last():
    times = [f"2024-01-{day:02}" for day in range(1, 21)]
    sides = split_rows(range(20), None, times, (0.1, 0.2), 0, "time")
    assert sides == ["train"] * 14 + ["validation"] * 2 + ["test"] * 4


def test_three_rows_make_three_splits():
    assert sorted(split_rows(range(3), None, None, (0.1, 0.1), 0, "random")) == [
        "test",
        "train",
        "validation",
    ]


def test_too_few_independent_rows():
    with pytest.raises(WorkbenchError) as caught:
        split_rows([0, 0, 2, 2], None, None, (0.1, 0.1), 0, "random")
    assert str(caught.value) == (
        "Found: 4 usable rows form 2 independent groups (copies and one customer's rows stay together)\n"
        "Needed: at least 3, one for each of train, validation and test\n"
        "Do: gather more rows, or set 04_format_data.group_column to 'none'"
    )


def made(count, group=None, source="a"):
    rng = random.Random(1)
    words = [f"w{n}" for n in range(3000)]
    return pl.DataFrame(
        {
            "id": [f"a:{n}" for n in range(count)],
            "input": [" ".join(rng.choice(words) for _ in range(20)) for _ in range(count)],
            "output": ["yes"] * count,
            "source": [source] * count,
            "label": [""] * count,
            "group": group or [None] * count,
            "thread": [None] * count,
            "time": [""] * count,
        },
        schema_overrides=dict.fromkeys(("group", "thread"), pl.String),
    )


CHOICES = SplitChoices("stratified", (0.1, 0.2), (0, 0, 0), 0.7, 3)


def given(rows):
    return Formatted(rows.with_columns(history=pl.lit(""), compared="input"))


def sides_by_id(formatted):
    return dict(formatted.rows.select("id", "split").rows())


def test_planted_twins_and_customers_are_never_cut():
    rows = made(300, group=[f"C{n // 4}" for n in range(300)])
    shouted = rows["input"].str.to_uppercase() + " !"
    typo = rows["input"].str.replace(r"^w\d+", "w0")
    twins = rows.with_columns(id="e" + pl.col("id"), input=shouted, group=pl.lit(None, pl.String))
    near = rows.with_columns(id="n" + pl.col("id"), input=typo, group=pl.lit(None, pl.String))
    formatted = given(pl.concat([rows, twins, near]))
    leaks, notes = partition(formatted, CHOICES)
    sides = sides_by_id(formatted)
    assert all(sides[f"a:{n}"] == sides[f"ea:{n}"] == sides[f"na:{n}"] for n in range(300))
    assert all(len({sides[f"a:{4 * c + k}"] for k in range(4)}) == 1 for c in range(75))
    # of the 270 rows a plain split holds back, most have one of their two twins in training
    assert leaks["nearly equal text"] > 200
    assert leaks["equal text"] > 100
    assert leaks["same group"] > 50
    assert notes == []
    assert count_leaks(formatted.rows["split"].to_list(), formatted.rows["group"].to_list()) == 0
    assert {side: round(count / 900, 1) for side, count in Counter(sides.values()).items()} == {
        "train": 0.7,
        "validation": 0.1,
        "test": 0.2,
    }


def test_a_column_that_ties_everything_is_not_used():
    formatted = given(made(100, group=["team"] * 80 + ["other"] * 20))
    _, notes = partition(formatted, CHOICES)
    assert notes == [
        "the column for 'group' was not used to keep rows together: one value has 80 of 100 rows"
    ]


def test_grouped_needs_a_group():
    with pytest.raises(WorkbenchError) as caught:
        partition(given(made(10)), SplitChoices("grouped", (0.1, 0.2), (0, 0, 0), 0.7, 3))
    assert str(caught.value) == (
        "Found: 04_format_data.split_by is 'grouped', and no column tells the groups\n"
        "Needed: a column such as customer_id\n"
        "Do: name it in 04_format_data.group_column, or choose another split_by"
    )


def test_a_given_test_file_is_the_test_and_its_copies_leave_training():
    rows = made(100)
    tested = rows.head(20).with_columns(id="t" + pl.col("id"), source=pl.lit("test.csv"))
    formatted = given(pl.concat([rows, tested]))
    leaks, _ = partition(formatted, CHOICES, frozen=["test.csv"])
    assert leaks == {"copies of test rows": 20}
    assert formatted.rows.filter(pl.col("split") == "test")["source"].to_list() == ["test.csv"] * 20
    assert Counter(formatted.rows["split"]) == {"train": 72, "validation": 8, "test": 20}
    assert {reason for *_, reason in formatted.set_aside} == {"says the same as a row of the given test file"}


def test_at_most_so_many_rows():
    formatted = given(made(100))
    partition(formatted, SplitChoices("random", (0.1, 0.2), (30, 5, 0), 0.7, 3))
    assert Counter(formatted.rows["split"]) == {"train": 30, "validation": 5, "test": 20}
    assert Counter(reason for *_, reason in formatted.set_aside) == {
        "over the most rows for train": 40,
        "over the most rows for validation": 5,
    }


def test_dates_in_many_forms():
    dates = [
        "02.01.2024 16:15",
        "2024-01-02 09:05",
        "2024-01-02T15:55:00Z",
        "Mon, 08 Jan 2024 02:29:00 +0000",
        "31.02.2024",
    ]
    assert sortable(pl.Series([*dates, "yesterday", None])) == [
        "2024-01-02T16:15",
        "2024-01-02T09:05",
        "2024-01-02T15:55",
        "2024-01-08T02:29",
        "",
        "",
        "",
    ]
    assert sortable(pl.Series(["01/13/2024", "02/03/2024"])) == ["2024-01-13T00:00", "2024-02-03T00:00"]
    assert sortable(pl.Series(["13/01/2024", "02/03/2024"])) == ["2024-01-13T00:00", "2024-03-02T00:00"]


def added(rows, more, choices=CHOICES):
    """Split rows, then split them again together with more; the sides before and after, by id."""
    first = given(rows)
    partition(first, choices)
    before = sides_by_id(first)
    second = given(pl.concat([more, rows.reverse()]))
    sides = [before.get(row_id) for row_id in second.rows["id"]]
    _, notes = partition(second, choices, sides_before=sides)
    return before, sides_by_id(second), second, notes


def test_rows_that_come_later_never_move_a_test_row():
    rows = made(300, group=[f"C{n // 3}" for n in range(300)])
    # other texts, some of the same customers
    more = made(500, group=[f"C{n // 3}" for n in range(500)]).slice(300)
    more = more.with_columns(id="m" + pl.col("id"))
    twins = rows.with_columns(id="t" + pl.col("id"), input=pl.col("input").str.to_uppercase())
    before, after, second, _ = added(rows, pl.concat([more, twins]))
    assert {row: side for row, side in after.items() if row in before} == before
    assert all(after[f"t{row}"] == side for row, side in before.items())
    assert count_leaks(second.rows["split"].to_list(), second.rows["group"].to_list()) == 0
    shares = Counter(side for row, side in after.items() if row[0] == "m")
    assert 25 <= shares["test"] <= 50  # of 200 rows that nothing ties to the others, a fifth


def test_a_row_that_ties_test_to_training_is_on_neither_side():
    rows = made(60, group=[f"C{n}" for n in range(60)])
    first = given(rows)
    partition(first, CHOICES)
    tested, trained = (first.rows.filter(split=side).row(0, named=True) for side in ("test", "train"))
    tie = rows.head(1).with_columns(
        id=pl.lit("tie"), input=pl.lit(tested["input"]), group=pl.lit(trained["group"])
    )
    before, after, second, _ = added(rows, tie)
    assert {row: side for row, side in after.items() if row in before} == before
    assert "tie" not in after
    assert second.set_aside[-1][0::3] == ("tie", "ties a test row to a training row")


def test_by_time_what_is_as_new_as_the_test_joins_it():
    rows = made(100).with_columns(
        time=pl.int_range(100).map_elements(lambda n: f"2024-01-{n:03d}", pl.String)
    )
    more = (
        made(120)
        .slice(100)
        .with_columns(
            id="m" + pl.col("id"),
            time=pl.int_range(20).map_elements(lambda n: f"2024-01-{n * 10:03d}x", pl.String),
        )
    )
    by_time = SplitChoices("time", (0.1, 0.2), (0, 0, 0), 0.0, 3)
    before, after, second, _ = added(rows, more, by_time)
    assert {row: side for row, side in after.items() if row in before} == before
    newest = {side: second.rows.filter(split=side)["time"].max() for side in ("train", "validation")}
    assert newest["train"] < second.rows.filter(split="validation")["time"].min()
    assert newest["validation"] < second.rows.filter(split="test")["time"].min()
