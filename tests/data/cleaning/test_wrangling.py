import pytest
from wrangled import frame_of, run

from tailor.data.cleaning.history import History
from tailor.data.cleaning.plan import OPERATIONS, read_operations
from tailor.data.cleaning.wrangling import (
    WRANGLING,
    AddColumn,
    BlankDown,
    CellEdit,
    DropRows,
    Edit,
    EditCells,
    Facet,
    FillDown,
    JoinRows,
    MassEdit,
    MoveColumns,
    RemoveColumns,
    RemoveRows,
    RenameColumns,
    ReorderColumns,
    SplitColumn,
    SplitIntoRows,
    TransformText,
    choose_rows,
)
from tailor.errors import WorkbenchError

PEOPLE = ("name", "city")
ROWS = [("a", "Rome"), ("b", "rome "), ("c", ""), ("d", None), ("e", "Oslo")]


def cells(found, column):
    names, rows, _ = found
    return [row[names.index(column)] for row in rows]


def test_mass_edit_the_later_edit_counts_and_blank_means_null_or_empty():
    edits = [
        Edit(old=["rome ", "Rome"], new="Roma"),
        Edit(old=["Rome"], new="ROMA"),
        Edit(blank=True, new="?"),
    ]
    found = run(PEOPLE, ROWS, [MassEdit(columns=["city"], edits=edits)])
    assert cells(found, "city") == ["ROMA", "Roma", "?", "?", "Oslo"]
    found = run(PEOPLE, ROWS, [MassEdit(columns=["city"], edits=[Edit(old=[""], new="?")])])
    assert cells(found, "city") == ["Rome", "rome ", "?", "?", "Oslo"]


def test_mass_edit_may_look_up_an_expression():
    edit = MassEdit(
        columns=["city"], expression="value.trim().toLowercase()", edits=[Edit(old=["rome"], new="Rom")]
    )
    assert cells(run(PEOPLE, ROWS, [edit]), "city") == ["Rom", "Rom", "", None, "Oslo"]


def test_transform_keeps_or_empties_where_the_expression_fails():
    rows = [("1",), ("x",), (None,), (" 2.50 ",)]
    keep = TransformText(columns=["n"], expression="value.toNumber() * 2")
    assert cells(run(("n",), rows, [keep]), "n") == ["2", "x", None, "5.0"]
    blank = TransformText(columns=["n"], expression="value.toNumber() * 2", on_error="blank")
    assert cells(run(("n",), rows, [blank]), "n") == ["2", None, None, "5.0"]


def test_transform_repeats_until_nothing_changes():
    rows = [("((a))",), ("b",)]
    once = TransformText(columns=["n"], expression=r"value.replace(/\((.*)\)/, '$1')")
    assert cells(run(("n",), rows, [once]), "n") == ["(a)", "b"]
    again = once.model_copy(update={"repeat": 10})
    assert cells(run(("n",), rows, [again]), "n") == ["a", "b"]


def test_row_numbers_count_over_the_whole_table():
    numbered = TransformText(columns=["name"], expression="value + (rowIndex + 1)")
    assert cells(run(PEOPLE, ROWS, [numbered]), "name") == ["a1", "b2", "c3", "d4", "e5"]


def test_numbers_are_numbers_only_in_the_columns_said_to_hold_them():
    rows = [("10",), ("9",), ("n/a",), (None,)]
    text = TransformText(columns=["n"], expression="value + 1")
    assert cells(run(("n",), rows, [text]), "n") == ["101", "91", "n/a1", None]
    number = TransformText(columns=["n"], expression="value + 1", numbers=["n"])
    assert cells(run(("n",), rows, [number]), "n") == ["11", "10", "n/a1", None]
    as_it_was = TransformText(columns=["n"], expression="value", numbers=["n"])
    assert cells(run(("n",), [("007",), ("1.50",)], [as_it_was]), "n") == ["007", "1.50"]


def test_fill_down_and_blank_down():
    rows = [("", "1"), ("a", "2"), (None, "3"), ("", "4"), ("b", "5"), (None, "6")]
    filled = run(("k", "v"), rows, [FillDown(columns=["k"])])
    assert cells(filled, "k") == ["", "a", "a", "a", "b", "b"]
    again = run(("k", "v"), rows, [FillDown(columns=["k"]), BlankDown(columns=["k"])])
    assert cells(again, "k") == ["", "a", None, None, "b", None]


def test_fill_down_takes_only_chosen_rows_and_stays_in_its_record():
    rows = [("r1", "x"), ("", ""), ("r2", ""), ("", "y"), ("", "")]
    rowwise = run(("k", "v"), rows, [FillDown(columns=["v"])])
    assert cells(rowwise, "v") == ["x", "x", "x", "y", "y"]
    by_record = run(("k", "v"), rows, [FillDown(columns=["v"], records=True)])
    assert cells(by_record, "v") == ["x", "x", "", "y", "y"]
    # the row that holds y is not chosen, so the rows below it are filled from x
    chosen = run(
        ("k", "v"), rows, [FillDown(columns=["v"], where=[Facet(column="v", values=["x"], blank=True)])]
    )
    assert cells(chosen, "v") == ["x", "x", "x", "y", "x"]


@pytest.mark.parametrize(
    ("facet", "expected"),
    [
        (Facet(column="city", values=["Rome", "Oslo"]), [1, 5]),
        (Facet(column="city", values=["Rome", "Oslo"], invert=True), [2, 3, 4]),
        (Facet(column="city", blank=True), [3, 4]),
        (Facet(column="city", expression="isBlank(value)", values=[True]), [3, 4]),
        (Facet(column="city", expression="isBlank(value)", values=["true"]), []),
        (Facet(column="city", expression="value.length()", values=[5]), [2]),
        (Facet(column="city", expression="value.length()", error=True), [4]),
        (Facet(column="city", expression="value.split('')", values=["o"]), []),
        (Facet(kind="text", column="city", query="ROME"), [1, 2]),
        (Facet(kind="text", column="city", query="Rome", case_sensitive=True), [1]),
        (Facet(kind="text", column="city", query="rome", invert=True), [3, 4, 5]),
        (Facet(kind="text", column="city", query="^r.me$", regex=True), [1]),
        (Facet(kind="range", column="city", expression="value.length()", low=0, high=5), [1, 3, 5]),
        (Facet(kind="range", column="city", expression="value.length()", low=5, high=9, error=True), [2, 4]),
        (Facet(kind="range", column="city", low=0, high=5, other=True), [1, 2, 5]),
        (Facet(kind="range", column="city", low=0, high=5, blank=True), [3, 4]),
        (Facet(kind="rows", values=["f:2", "f:9"]), [2]),
        (Facet(kind="rows", values=["f:2"], invert=True), [1, 3, 4, 5]),
    ],
)
def test_facets_choose_rows(facet, expected):
    frame = frame_of(PEOPLE, ROWS)
    assert [n for n, chosen in enumerate(choose_rows(frame, [facet]), 1) if chosen] == expected


def test_rows_are_removed_with_their_reason_and_never_all_by_mistake():
    where = [Facet(column="city", blank=True), Facet(column="name", values=["c"])]
    _, rows, dropped = run(PEOPLE, ROWS, [RemoveRows(where=where)])
    assert (len(rows), dropped) == (4, ["f:3"])
    assert run(PEOPLE, ROWS, [RemoveRows()])[2] == []
    outcome = RemoveRows(where=where[:1]).run_alone(frame_of(PEOPLE, ROWS), None)
    assert outcome.dropped["cleaning:reason"].to_list() == ["city is empty"] * 2


def test_records_go_as_a_whole():
    rows = [("r1", "x"), ("", "bad"), ("r2", "y"), ("r3", ""), (None, "z")]
    bad = [Facet(column="v", values=["bad"])]
    assert run(("k", "v"), rows, [RemoveRows(where=bad, records=True)])[2] == ["f:1", "f:2"]
    assert run(("k", "v"), rows, [RemoveRows(where=bad)])[2] == ["f:2"]
    others = [Facet(column="v", values=["bad"], invert=True)]
    assert run(("k", "v"), rows, [RemoveRows(where=others, records=True)])[2] == ["f:3", "f:4", "f:5"]


def test_columns_are_renamed_moved_ordered_and_removed():
    names, rows = ("a", "b", "c"), [("1", "2", "3")]
    assert run(names, rows, [RenameColumns(names={"a": " x ", "b": "a"})])[:2] == (["x", "a", "c"], rows)
    assert run(names, rows, [MoveColumns(columns=["c"], place=1)])[:2] == (["c", "a", "b"], [("3", "1", "2")])
    assert run(names, rows, [MoveColumns(columns=["a"], place=-1)])[0] == ["b", "c", "a"]
    assert run(names, rows, [ReorderColumns(columns=["c", "a"])])[:2] == (["c", "a"], [("3", "1")])
    assert run(names, rows, [RemoveColumns(columns=["b"])])[:2] == (["a", "c"], [("1", "3")])


def test_a_name_that_is_taken_is_refused():
    with pytest.raises(WorkbenchError, match="Rename columns would name a column 'b', and there is one"):
        run(("a", "b"), [("1", "2")], [RenameColumns(names={"a": "b"})])
    with pytest.raises(WorkbenchError, match="Add a column would make a column 'b', and there is one"):
        run(("a", "b"), [("1", "2")], [AddColumn(columns=["a"], new_name="b")])


@pytest.mark.parametrize(
    "operation",
    [MassEdit(columns=["row_id"]), RemoveColumns(columns=["source"]), RenameColumns(names={"row_id": "x"})],
)
def test_tailors_own_columns_are_never_touched(operation):
    with pytest.raises(WorkbenchError, match="by which Tailor tells the rows apart"):
        run(("a",), [("1",)], [operation])


def test_split_column_names_and_places_the_pieces():
    names, rows = (
        ("id", "v", "v 2"),
        [("1", "a,b", "old"), ("2", "", "old"), ("3", "x,,z", "old"), ("4", None, "")],
    )
    found = run(names, rows, [SplitColumn(columns=["v"])])
    assert found[0] == ["id", "v 1", "v 3", "v 4", "v 2"]
    assert found[1] == [
        ("1", "a", "b", None, "old"),
        ("2", None, None, None, "old"),
        ("3", "x", "", "z", "old"),
        ("4", None, None, None, ""),
    ]
    two = run(names, rows, [SplitColumn(columns=["v"], most=2, keep_original=True)])
    assert two[0] == ["id", "v", "v 1", "v 3", "v 2"]
    assert two[1][2] == ("3", "x,,z", "x", ",z", "old")


def test_split_column_by_pattern_by_lengths_and_with_numbers():
    assert run(("v",), [("a1b22c",), ("x9",)], [SplitColumn(columns=["v"], separator=r"\d+", regex=True)])[
        :2
    ] == (
        ["v 1", "v 2", "v 3"],
        [("a", "b", "c"), ("x", None, None)],
    )
    assert run(("v",), [("abcdef",), ("ab",)], [SplitColumn(columns=["v"], lengths=[1, 2])])[1] == [
        ("a", "bc"),
        ("a", "b"),
    ]
    guessed = SplitColumn(columns=["v"], guess_numbers=True)
    assert run(("v",), [("007,1e3,x",)], [guessed])[1] == [("7", "1000.0", "x")]


def test_add_column_from_other_columns():
    add = AddColumn(columns=["name"], new_name="both", expression="cells.city.value.trim() + '/' + value")
    found = run(PEOPLE, ROWS, [add])
    assert found[0] == ["name", "both", "city"]
    assert cells(found, "both") == ["Rome/a", "rome/b", "/c", None, "Oslo/e"]
    copied = add.model_copy(update={"on_error": "copy", "place": 1})
    assert run(PEOPLE, ROWS, [copied])[0] == ["both", "name", "city"]
    assert cells(run(PEOPLE, ROWS, [copied]), "both")[3] == "d"


def test_values_of_a_cell_become_rows_and_rows_values():
    rows = [("a", "x,y"), ("", ""), ("b", "p,q,r"), (None, None), ("c", "s")]
    split = run(("k", "v"), rows, [SplitIntoRows(columns=["v"])])
    assert split[1] == [("a", "x"), ("", "y"), ("b", "p"), (None, "q"), (None, "r"), ("c", "s")]
    joined = run(("k", "v"), rows, [SplitIntoRows(columns=["v"]), JoinRows(columns=["v"], separator="|")])
    assert joined[1] == [("a", "x|y"), ("b", "p|q|r"), ("c", "s")]
    assert joined[2] == ["f:2", "f:4", "f:4+1"]


def test_rows_of_a_record_that_hold_something_else_stay():
    rows = [("a", "1", "x"), ("", "2", ""), ("", "3", "y")]
    found = run(("k", "v", "w"), rows, [JoinRows(columns=["v"], separator=";")])
    assert found[1:] == ([("a", "1;2;3", "x"), ("", None, "y")], ["f:2"])


def test_single_cells_and_rows_by_hand():
    edit = EditCells(
        cells=[
            CellEdit(row_id="f:1", column="city", value="Roma"),
            CellEdit(row_id="f:5", column="city"),
            CellEdit(row_id="f:1", column="city", value="ROMA"),
            CellEdit(row_id="f:99", column="name", value="nobody"),
        ]
    )
    found = run(PEOPLE, ROWS, [edit, DropRows(rows=["f:2", "f:77"])])
    assert cells(found, "city") == ["ROMA", "", None, None]
    assert found[2] == ["f:2"]


def test_every_operation_is_in_the_registry_and_comes_back_from_yaml():
    assert all(OPERATIONS[operation.name] is operation for operation in WRANGLING)
    facet = Facet(column="n", values=[1, True, "x"])
    history = History(
        [
            MassEdit(
                columns=["city"],
                edits=[Edit(old=["a"], new="b")],
                where=[facet],
            ),
            EditCells(cells=[CellEdit(row_id="f:1", column="city", value="x")]),
            SplitColumn(columns=["city"], lengths=[1, 2]),
        ]
    )
    again = History.from_yaml(history.to_yaml())
    assert again == history
    values = again.operations[0].where[0].values
    assert [type(value) for value in values] == [int, bool, str]
    assert read_operations([{"operation": "fill_down", "columns": ["k"]}])[0] == FillDown(columns=["k"])


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(WorkbenchError, match=r"entry 1 \(remove_rows\) names the column 'town'"):
        run(PEOPLE, ROWS, [RemoveRows(where=[Facet(column="town", blank=True)])])
