"""What a person does in the table becomes entries; what the panel shows is what a run would give."""

import polars as pl
import pytest

from tailor.data.cleaning.by_hand import KeepRows
from tailor.data.cleaning.gestures import drop_matching, drop_rows, edit_cell, keep_rows, replace_values
from tailor.data.cleaning.history import History
from tailor.data.cleaning.operation import Columns
from tailor.data.cleaning.overview import after_edits, histogram, value_counts
from tailor.data.cleaning.sieves import DropEmpty
from tailor.data.cleaning.view import View
from tailor.data.cleaning.wrangling import (
    CellEdit,
    DropRows,
    Edit,
    EditCells,
    Facet,
    MassEdit,
    RemoveRows,
    choose_rows,
)

FRAME = pl.DataFrame(
    {
        "row_id": [f"a.csv:{n}" for n in range(2, 8)],
        "source": ["a.csv"] * 6,
        "intent": ["fee", "Fee", "lost", None, "lost", "fee"],
        "amount": ["1", "2.5", "x", "", None, "-3"],
    }
)
COLUMNS = Columns(names=("intent", "amount"))


def ids(frame):
    return [int(row_id[6:]) for row_id in frame["row_id"]]


def test_cells_edited_one_after_the_other_share_an_entry():
    history = History([DropEmpty()])
    edit_cell(history, 2, "a.csv:2", "intent", "Fees")
    edit_cell(history, 3, "a.csv:3", "intent", "")
    edit_cell(history, 3, "a.csv:2", "intent", "Charges")
    assert list(history.operations) == [
        DropEmpty(),
        EditCells(
            cells=[
                CellEdit(row_id="a.csv:3", column="intent", value=None),
                CellEdit(row_id="a.csv:2", column="intent", value="Charges"),
            ]
        ),
    ]
    history.undo()
    assert history.operations[1].cells[0].value == "Fees"


def test_an_edit_stands_where_the_rows_stood_that_were_seen():
    history = History([KeepRows(), DropEmpty()])
    drop_rows(history, 2, ["a.csv:2"])
    drop_rows(history, 3, ["a.csv:3", "a.csv:2"])
    assert list(history.operations) == [KeepRows(), DropRows(rows=["a.csv:2", "a.csv:3"]), DropEmpty()]


def test_rows_brought_back_are_named_first_and_no_longer_on_a_list_to_drop():
    history = History(
        [KeepRows(rows=["a.csv:9"]), DropRows(rows=["a.csv:2"]), DropRows(rows=["a.csv:3", "a.csv:4"])]
    )
    keep_rows(history, ["a.csv:2", "a.csv:3"])
    assert list(history.operations) == [
        KeepRows(rows=["a.csv:9", "a.csv:2", "a.csv:3"]),
        DropRows(rows=["a.csv:4"]),
    ]
    history = History([KeepRows(off=True)])
    keep_rows(history, ["a.csv:2"])
    assert history.operations == (KeepRows(rows=["a.csv:2"]), KeepRows(off=True))


def test_values_that_become_one_share_a_line_and_equal_ones_are_no_edit():
    history = History([])
    replace_values(history, 1, "intent", {"fee": "Fee", "Fee": "Fee", "": "none", "cost": "Fee"})
    edits = [Edit(old=["fee", "cost"], new="Fee"), Edit(blank=True, new="none")]
    assert list(history.operations) == [MassEdit(columns=["intent"], edits=edits)]
    replace_values(history, 2, "intent", {"Fee": "Fee"})
    drop_matching(history, 2, [])
    assert len(history.operations) == 1


def test_what_is_shown_is_what_the_entries_give():
    entries = [
        KeepRows(rows=["a.csv:4"]),
        MassEdit(columns=["intent"], edits=[Edit(old=["Fee"], new="fee")]),
        DropRows(rows=["a.csv:2"], off=True),
        RemoveRows(where=[Facet(column="intent", values=["lost"])]),
        EditCells(cells=[CellEdit(row_id="a.csv:7", column="gone", value="x")]),
    ]
    shown = after_edits(FRAME, entries, COLUMNS)
    assert ids(shown) == [2, 3, 4, 5, 7]
    assert shown["intent"].to_list() == ["fee", "fee", "lost", None, "fee"]


def view(*ran):
    return View(FRAME, FRAME.head(2).with_columns(operation=pl.lit("x"), reason=pl.lit("y")), ran, ())


def test_the_view_says_how_far_it_is_what_a_run_would_give():
    drop, html = DropRows(rows=["a.csv:2"]), DropEmpty(columns=["intent"])
    raw = view()
    assert raw.told([KeepRows(), html]).startswith("The raw rows. What is edited here comes before")
    assert raw.place([KeepRows(), html]) == 2
    assert raw.told([KeepRows(), drop, html]).startswith("The raw rows, with 1 edit made here.")
    cleaned = view(KeepRows(), html)
    assert cleaned.told([KeepRows(), html]) == "The rows of the last run."
    assert cleaned.told([KeepRows(), html, drop]) == "The rows of the last run, with 1 edit made here."
    assert cleaned.place([KeepRows(), html, drop]) == 4
    changed = (
        "The rows of the last run. The list above was changed since: run the next cell to see what it gives."
    )
    for history in ([html], [html, KeepRows()], [KeepRows(), html, DropEmpty()], [KeepRows()]):
        assert cleaned.told(history) == changed
    assert ids(cleaned.now([KeepRows(), html, drop])) == [3, 4, 5, 6, 7]
    grown = view(KeepRows(), drop)
    more = DropRows(rows=["a.csv:2", "a.csv:3"])
    assert grown.told([KeepRows(), more]) == "The rows of the last run, with 1 edit made here."
    assert ids(grown.dropped_now([KeepRows(rows=["a.csv:3"]), drop])) == [2]


def test_counts_and_histograms():
    assert value_counts(FRAME["intent"]) == [("fee", 2), ("lost", 2), ("", 1), ("Fee", 1)]
    assert value_counts(FRAME["intent"], most=1) == [("fee", 2)]
    found = histogram(FRAME["amount"], bins=2)
    assert (found.edges, found.counts, found.empty, found.other) == ((-3.0, -0.25, 2.5), (1, 2), 2, 1)
    assert histogram(FRAME["intent"]).counts == ()
    same = histogram(pl.Series(["5", "5", "inf", "nan"]))
    assert (same.counts, same.other) == ((2,), 2)


ODD = [
    "1",
    " 2",
    "2.50",
    "-3",
    "1e3",
    "007",
    "0x1F",
    "3.",
    ".5",
    "1,000",
    "",
    None,
    "abc",
    "NaN",
    "9" * 20,
    "5f",
]


@pytest.mark.parametrize("error", [True, False])
@pytest.mark.parametrize(("low", "high"), [(None, None), (2, None), (None, 2.5), (1, 2.5), (1000, 1001)])
def test_numbers_compared_all_at_once_pass_as_one_by_one(low, high, error):
    frame = pl.DataFrame({"row_id": [str(n) for n in range(len(ODD))], "n": ODD})
    at_once = Facet(kind="range", column="n", expression="value.toNumber()", low=low, high=high, error=error)
    one_by_one = at_once.model_copy(update={"expression": "toNumber(value)"})
    assert choose_rows(frame, [at_once]).to_list() == choose_rows(frame, [one_by_one]).to_list()


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (KeepRows(rows=["a", "b", "c", "d"]), "a, b, c and 1 more"),
        (MassEdit(columns=["x"], edits=[Edit(old=["a", "b"], new="c")]), "x; 'a', 'b' → 'c'"),
        (RemoveRows(where=[Facet(column="x", values=["t"], blank=True)]), "x is 't' or empty"),
        (RemoveRows(where=[Facet(kind="text", column="x", query="t", invert=True)]), "x does not hold 't'"),
        (
            RemoveRows(
                where=[Facet(kind="range", column="x", expression="value.toNumber()", low=1, high=2.5)]
            ),
            "x is at least 1 and below 2.5",
        ),
        (EditCells(cells=[CellEdit(row_id="r", column="x", value="v")]), "x of r: 'v'"),
        (DropEmpty(), ""),
    ],
)
def test_entries_are_told_in_words(entry, words):
    assert entry.in_words() == words
