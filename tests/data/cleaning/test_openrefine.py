"""OpenRefine histories as its Extract writes them; every table was worked out by hand from its documentation."""

import json
import time

import pytest
from wrangled import run

from tailor.data.cleaning.openrefine import import_history, is_openrefine
from tailor.errors import WorkbenchError

ALL = {"facets": [], "mode": "row-based"}


def engine(*facets, mode="row-based"):
    return {"facets": list(facets), "mode": mode}


def listed(column, *values, expression="value", **more):
    choices = [{"v": {"v": value, "l": str(value)}} for value in values]
    given = {"selection": choices, "selectBlank": False, "selectError": False, "invert": False}
    base = {"type": "list", "name": column, "columnName": column, "expression": expression}
    return {**base, "omitBlank": False, "omitError": False, **given, **more}


def transform(column, expression, config=ALL, **more):
    settings = {"onError": "keep-original", "repeat": False, "repeatCount": 10}
    return {
        "op": "core/text-transform",
        "engineConfig": config,
        "columnName": column,
        "expression": expression,
        **settings,
        **more,
        "description": f"Text transform on cells in column {column}",
    }


def table(names, rows, *history):
    """The columns and rows after a history all of which is understood."""
    found = import_history(list(history))
    assert found.unsupported == []
    return run(names, rows, found.operations)[:2]


def test_a_whole_history_from_a_messy_table():
    names = ("Ticket", "Customer", "Amount", "Tags")
    rows = [
        ("1", " Jo ROE ", "1200", "card;lost"),
        ("", "", "", "urgent"),
        ("2", "jo roe", "90", "Card"),
        ("3", "Ann&amp;Co", "n/a", ""),
        ("4", None, "15.50", "loan;"),
    ]
    history = [
        transform("Customer", "value.trim()"),
        transform("Customer", "value.unescape('html')"),
        transform("Customer", "grel:value.toTitlecase()"),
        transform("Amount", "value.toNumber()"),
        {
            "op": "core/mass-edit",
            "engineConfig": ALL,
            "columnName": "Tags",
            "expression": "value",
            "edits": [{"from": ["Card"], "fromBlank": False, "fromError": False, "to": "card"}],
        },
        {"op": "core/fill-down", "engineConfig": ALL, "columnName": "Ticket"},
        {
            "op": "core/row-removal",
            "engineConfig": engine(
                {
                    "type": "range",
                    "name": "Amount",
                    "columnName": "Amount",
                    "expression": "value",
                    "from": 0,
                    "to": 100,
                    "selectNumeric": True,
                    "selectNonNumeric": False,
                    "selectBlank": False,
                    "selectError": False,
                }
            ),
        },
        {
            "op": "core/column-split",
            "engineConfig": ALL,
            "columnName": "Tags",
            "guessCellType": True,
            "removeOriginalColumn": True,
            "mode": "separator",
            "separator": ";",
            "regex": False,
            "maxColumns": 0,
        },
        {"op": "core/column-rename", "oldColumnName": "Tags 1", "newColumnName": "Topic"},
        {"op": "core/column-move", "columnName": "Topic", "index": 1},
        {"op": "core/column-removal", "columnName": "Tags 2"},
    ]
    assert table(names, rows, *history) == (
        ["Ticket", "Topic", "Customer", "Amount"],
        [
            ("1", "card", "Jo Roe", "1200"),
            ("1", "urgent", "", ""),
            ("3", None, "Ann&co", "n/a"),
        ],
    )


def test_to_number_makes_later_sums_and_facets_see_numbers():
    rows = [("07",), ("9",), ("x",)]
    assert table(("n",), rows, transform("n", "value + 1"))[1] == [("071",), ("91",), ("x1",)]
    counted = table(("n",), rows, transform("n", "value.toNumber()"), transform("n", "value + 1"))
    assert counted[1] == [("8",), ("10",), ("x1",)]
    back = (
        transform("n", "value.toNumber()"),
        transform("n", "value.toString()"),
        transform("n", "value + 1"),
    )
    assert table(("n",), rows, *back)[1] == [("71",), ("91",), ("x1",)]
    renamed = (
        transform("n", "value.toNumber()"),
        {"op": "core/column-rename", "oldColumnName": "n", "newColumnName": "m"},
        transform("m", "value + 1", engine(listed("m", 7))),
    )
    assert table(("n",), rows, *renamed) == (["m"], [("8",), ("9",), ("x",)])


def test_what_becomes_of_errors():
    rows = [("1",), ("x",), (None,)]
    assert table(("n",), rows, transform("n", "value.toNumber()", onError="set-to-blank"))[1][1] == (None,)
    found = import_history([transform("n", "value.toNumber()", onError="store-error")])
    assert found.notes == [
        "operation 1: OpenRefine would keep errors in the cells; here such cells are empty"
    ]


def test_repeat():
    rows = [("((a))",), ("b",)]
    twice = transform("n", r"value.replace(/\((.*)\)/, '$1')", repeat=True, repeatCount=5)
    assert table(("n",), rows, twice)[1] == [("a",), ("b",)]


def test_mass_edit_of_blanks_errors_and_expressions():
    rows = [("Rome",), ("rome ",), ("",), (None,)]
    edit = {
        "op": "core/mass-edit",
        "engineConfig": ALL,
        "columnName": "c",
        "expression": "value.trim().toLowercase()",
        "edits": [
            {"from": ["rome"], "fromBlank": False, "fromError": False, "to": "Roma"},
            {"from": [], "fromBlank": True, "fromError": False, "to": "?"},
            {"from": [], "fromBlank": False, "fromError": True, "to": "!"},
        ],
    }
    # trimming nothing is an error, trimming "" is blank
    assert table(("c",), rows, edit)[1] == [("Roma",), ("Roma",), ("?",), ("!",)]


def test_list_facets_with_inverted_blank_and_typed_choices():
    rows = [("a", "1"), ("b", ""), ("c", None)]
    upper = "value.toUppercase()"
    only = table(("k", "v"), rows, transform("k", upper, engine(listed("v", "1"))))
    assert [k for k, _ in only[1]] == ["A", "b", "c"]
    others = table(("k", "v"), rows, transform("k", upper, engine(listed("v", "1", invert=True))))
    assert [k for k, _ in others[1]] == ["a", "B", "C"]
    blank = table(
        ("k", "v"), rows, transform("k", upper, engine(listed("v", selectBlank=True, omitBlank=True)))
    )
    assert [k for k, _ in blank[1]] == ["a", "B", "C"]
    truth = engine(listed("v", True, expression="isBlank(value)"))
    assert [k for k, _ in table(("k", "v"), rows, transform("k", upper, truth))[1]] == ["a", "B", "C"]
    nothing_chosen = engine(listed("v"))
    assert [k for k, _ in table(("k", "v"), rows, transform("k", upper, nothing_chosen))[1]] == [
        "A",
        "B",
        "C",
    ]


def test_text_filters_and_two_facets_at_once():
    rows = [("a", "lost card"), ("b", "LOST key"), ("c", "card")]
    search = {
        "type": "text",
        "name": "v",
        "columnName": "v",
        "query": "lost",
        "mode": "text",
        "caseSensitive": False,
    }
    pattern = {**search, "query": "card$", "mode": "regex"}
    remove = {"op": "core/row-removal", "engineConfig": engine(search, pattern)}
    assert table(("k", "v"), rows, remove)[1] == rows[1:]
    inverted = {"op": "core/row-removal", "engineConfig": engine({**search, "invert": True})}
    assert table(("k", "v"), rows, inverted)[1] == rows[:2]
    empty = {"op": "core/row-removal", "engineConfig": engine({**search, "query": ""})}
    assert import_history([empty]).operations[0].all_rows


def test_records_mode_takes_the_whole_record():
    rows = [("r1", "x"), ("", "eBook"), ("r2", "y")]
    remove = {"op": "core/row-removal", "engineConfig": engine(listed("v", "eBook"), mode="record-based")}
    assert table(("k", "v"), rows, remove)[1] == [("r2", "y")]


def test_blank_down_then_remove_the_blank_rows():
    rows = [("a", "1"), ("a", "2"), ("b", "3"), ("a", "4")]
    history = [
        {"op": "core/blank-down", "engineConfig": ALL, "columnName": "k"},
        {"op": "core/row-removal", "engineConfig": engine(listed("k", True, expression="isBlank(value)"))},
    ]
    assert table(("k", "v"), rows, *history)[1] == [("a", "1"), ("b", "3"), ("a", "4")]


def test_multivalued_cells_and_back():
    rows = [("a", "x,y"), ("b", "z")]
    split = {
        "op": "core/multivalued-cell-split",
        "columnName": "v",
        "keyColumnName": "k",
        "mode": "separator",
        "separator": ",",
        "regex": False,
    }
    join = {"op": "core/multivalued-cell-join", "columnName": "v", "keyColumnName": "k", "separator": "; "}
    assert table(("k", "v"), rows, split)[1] == [("a", "x"), (None, "y"), ("b", "z")]
    assert table(("k", "v"), rows, split, join)[1] == [("a", "x; y"), ("b", "z")]


def test_columns_added_split_by_length_and_reordered():
    rows = [("Roe, Jo", "20240131")]
    history = [
        {
            "op": "core/column-addition",
            "engineConfig": ALL,
            "baseColumnName": "name",
            "expression": "grel:value.split(', ')[1] + ' ' + cells['day'].value[0,4]",
            "onError": "set-to-blank",
            "newColumnName": "label",
            "columnInsertIndex": 1,
        },
        {
            "op": "core/column-split",
            "engineConfig": ALL,
            "columnName": "day",
            "guessCellType": False,
            "removeOriginalColumn": False,
            "mode": "lengths",
            "fieldLengths": [4, 2, 2],
        },
        {"op": "core/column-reorder", "columnNames": ["day 1", "label", "day 2"]},
    ]
    assert table(("name", "day"), rows, *history) == (
        ["day 1", "label", "day 2"],
        [("2024", "Jo 2024", "01")],
    )


def test_what_is_not_taken_over_is_listed_with_number_and_reason():
    history = [
        {"op": "core/row-star", "starred": True, "engineConfig": ALL, "description": "Star rows"},
        {"op": "core/recon", "columnName": "c", "description": "Reconcile cells"},
        {
            "op": "core/row-reorder",
            "mode": "row-based",
            "sorting": {"criteria": []},
            "description": "Reorder rows",
        },
        transform("c", "value.toDate()"),
        transform("c", "jython:return value"),
        {"op": "core/row-removal", "engineConfig": engine(listed("", True, expression="row.starred"))},
        {"op": "core/text-transform", "columnName": "c"},
        {"op": "core/fill-down", "engineConfig": engine({"type": "timerange"}), "columnName": "c"},
        {"op": "acme/sparkle"},
        transform("c", "value.trim()"),
    ]
    found = import_history(history)
    assert [operation.name for operation in found.operations] == ["transform_text"]
    assert [(item.number, item.op, item.reason) for item in found.unsupported] == [
        (2, "core/recon", "it reconciles with a service on the network"),
        (3, "core/row-reorder", "it sorts the rows, and Tailor keeps them in the order of their files"),
        (
            4,
            "core/text-transform",
            "operation 4 uses toDate(), which works on dates, and the tables here hold text",
        ),
        (5, "core/text-transform", "operation 5 is written in jython: jython:return value"),
        (6, "core/row-removal", "operation 6 asks for 'starred', which only OpenRefine keeps"),
        (7, "core/text-transform", "it is not as OpenRefine writes it (KeyError: 'expression')"),
        (8, "core/fill-down", "it has a facet of the kind 'timerange'"),
        (9, "acme/sparkle", "Tailor does not know this operation"),
    ]
    assert found.notes == ["operation 1: row-star marks rows and changes no cell; nothing was added"]


def test_files_of_every_kind(tmp_path):
    good = tmp_path / "history.json"
    good.write_text(
        json.dumps({"entries": [{"description": "x", "operation": transform("c", "value.trim()")}]})
    )
    assert len(import_history(good).operations) == 1
    assert is_openrefine(json.loads(good.read_text()))
    assert not is_openrefine({"tailor_history": 1, "operations": [{"operation": "drop_empty"}]})
    deep = tmp_path / "deep.json"
    deep.write_text("[" * 200_000)
    with pytest.raises(WorkbenchError, match=r"deep\.json cannot be read"):
        import_history(deep)
    for wrong in (3, {"a": 1}, ["x"], "text"):
        with pytest.raises(WorkbenchError, match="the history is no OpenRefine history"):
            import_history(wrong)
    with pytest.raises(WorkbenchError, match="has 10,001 operations"):
        import_history([{}] * 10_001)


def test_a_hostile_pattern_cannot_hang_the_run():
    begun = time.process_time()
    found = import_history([transform("c", "value.replace(/(x+x+)+y/, '')")])
    with pytest.raises(
        WorkbenchError, match=r"the pattern '\(x\+x\+\)\+y' of Transform cells takes too long"
    ):
        run(("c",), [("x" * 5_000,)], found.operations)
    assert time.process_time() - begun < 5
