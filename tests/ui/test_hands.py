"""The panel and the list without a browser: what a click does to the history, and what is shown."""

import json
import shutil

import polars as pl
import pytest
from data_project import run as run_step
from data_project import start, write_rows

from tailor.data.cleaning.plan import OPERATIONS
from tailor.data.cleaning.sieves import DropNearDuplicates
from tailor.data.cleaning.wrangling import Facet, TransformText
from tailor.notebook import open_step
from tailor.ui.hands import Hands
from tailor.ui.page_table import LONGEST_CELL, PageTable

TITLES = ["Card lost", "cardlost", "fee", "fee"]


@pytest.fixture(scope="module")
def gathered(tmp_path_factory):
    """A workspace whose project has its raw rows."""
    home = tmp_path_factory.mktemp("gathered")
    rows = [
        {
            "message": f"Could you please tell me about matter {n} {'<b onclick=x>' * (n == 3)}",
            "intent": TITLES[n % 4],
            "amount": str(n * 1.5),
        }
        for n in range(40)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TAILOR_HOME", str(home))
        project = start(home)
        write_rows(home / "a.jsonl", rows)
        run_step(project, "02", sources=["a.jsonl"])
    return home


@pytest.fixture
def step(gathered, home):
    shutil.copytree(gathered, home, dirs_exist_ok=True)
    return open_step("03_clean_data", "mine", {})


@pytest.fixture
def panel(step):
    return Hands(step, step.form())


def names(panel):
    return [entry.name for entry in panel._history.operations]


def test_untouched_it_changes_nothing(step):
    form = step.form()
    Hands(step, form)
    assert form.changed == []
    assert form.value is form._given


def test_a_value_chosen_filters_and_is_replaced_in_one_entry(panel):
    facet = panel.facets[0]
    assert [value for _, value in facet.values.options] == ["fee", "Card lost", "cardlost"]
    facet.values.value = ("Card lost", "cardlost")
    assert panel.table.total == 20
    assert facet.facet() == Facet(column="intent", values=["Card lost", "cardlost"])
    facet.new.value = "card lost"
    facet.write.click()
    assert names(panel)[:2] == ["keep_rows", "mass_edit"]
    assert [label for label, _ in facet.values.options] == ["card lost  ·  20", "fee  ·  20"]
    panel._list.undo.click()
    assert "mass_edit" not in names(panel)
    assert len(facet.values.options) == 3


def test_facets_count_the_rows_that_pass_the_others(panel):
    numbers = panel.add_facet("amount")
    numbers.range.value = (0, 4)
    assert panel.table.total == 3
    assert [label for label, _ in panel.facets[0].values.options] == [
        "Card lost  ·  1",
        "cardlost  ·  1",
        "fee  ·  1",
    ]
    text = panel.add_facet("message")
    text.query.value = "MATTER 1"
    assert panel.table.total == 1
    text.query.value, text.regex.value = "(", True
    assert "is no regular expression" in panel.told.value
    text.query.value = ""
    panel._on_drop_all()
    assert panel.table.total == 37
    assert names(panel)[1] == "remove_rows"


def test_empty_cells_are_found_and_facets_taken_away(panel):
    box = panel.add_facet("intent", "empty")
    box.choice.value = "empty"
    assert panel.table.total == 0
    panel._remove_facet(box)
    assert panel.table.total == 40


def test_clusters_are_merged_by_a_click(panel):
    panel._on_merge()
    panel.clusters.column.value, panel.clusters.method.value = "intent", "n-gram fingerprint"
    panel.clusters.search()
    assert [line.new.value for line in panel.clusters._lines] == ["Card lost"]
    panel.clusters.merge.click()
    assert [value for _, value in panel.facets[0].values.options] == ["Card lost", "fee"]


def test_rows_and_cells_by_hand(panel):
    panel.table._receive(None, {"row_id": "a.jsonl:1", "column": "message", "value": "new"}, None)
    assert panel.table.rows[0][1] == "new"
    panel.table.selected = ["a.jsonl:2"]
    panel.drop.click()
    assert panel.table.total == 39
    assert names(panel)[:3] == ["keep_rows", "edit_cells", "drop_rows"]


def test_after_a_run_the_panel_shows_what_it_left_and_dropped_rows_come_back(step):
    form = step.form()
    panel = Hands(step, form)
    panel.table.selected = ["a.jsonl:2"]
    panel.drop.click()
    step.run(form.value)
    assert panel.told.value.count("The rows of the last run.") == 1
    assert form.widgets["operations"]._rows[1].counts.value.count("1 dropped") == 1
    panel.which.value = "dropped"
    assert ("a.jsonl:2", "drop_rows") in [(row[0], row[-3]) for row in panel.table.rows]
    assert not panel.table.editable
    panel.table.selected = ["a.jsonl:2"]
    panel.keep.click()
    step.run(form.value)
    panel.which.value = "rows"
    panel.table.size = 100
    assert "a.jsonl:2" in [row[0] for row in panel.table.rows]


def test_of_a_very_long_table_a_sample_is_shown(step, monkeypatch):
    monkeypatch.setattr("tailor.data.cleaning.view.MOST_ROWS", 10)
    panel = Hands(step, step.form())
    assert panel.table.total == 10
    assert "10 of 10 rows. A sample of 40 rows. The raw rows." in panel.told.value


def test_the_executed_copy_shows_the_first_rows(panel):
    shown = panel._repr_mimebundle_()
    assert "a.jsonl:5" in shown["text/plain"]
    assert "<b onclick" not in shown["text/html"]
    assert "&lt;b onclick=x&gt;" in shown["text/html"]


# --- the table -----------------------------------------------------------------------------------------------------
def table(rows, edited=None):
    shown = PageTable(edited=edited)
    shown.show(pl.DataFrame({"row_id": [f"r{n}" for n in range(len(rows))], "t": rows}))
    return shown


def test_the_browser_holds_one_page():
    shown = table([f"text {n:03d}" for n in range(95)])
    assert (shown.total, len(shown.rows), shown.rows[0]) == (95, 10, ["r0", "text 000"])
    shown.page = 9
    assert [row[0] for row in shown.rows] == [f"r{n}" for n in range(90, 95)]
    shown.size = 50
    assert (shown.page, len(shown.rows)) == (1, 45)
    shown.sort = ("t", True)
    assert (shown.page, shown.rows[0][1]) == (0, "text 094")
    shown.page, shown.size = 99, 10_000
    assert (shown.page, shown.size) == (0, 200)


def test_only_cells_that_are_shown_whole_are_edited():
    made = []
    shown = table(["a", "b" * (LONGEST_CELL + 1), "nul\x00"], edited=lambda *edit: made.append(edit))
    assert shown.rows[0] == ["r0", "a"]
    assert shown.rows[1][1]["part"].endswith(" … (1 more characters)")
    assert shown.rows[2][1] == {"part": "nul[U+0000]"}
    for content in (
        {"row_id": "r0", "column": "t", "value": "x"},
        {"row_id": "r9", "column": "t", "value": "x"},
        {"row_id": "r0", "column": "row_id", "value": "x"},
        {"row_id": "r0", "column": "t", "value": 5},
        {},
    ):
        shown._receive(None, content, None)
    assert made == [("r0", "t", "x")]


# --- the list ------------------------------------------------------------------------------------------------------
def test_entries_are_switched_moved_added_and_removed(step):
    form = step.form()
    box = form.widgets["operations"]
    box._rows[1].on.value = False
    box._rows[2].down.click()
    box._rows[0].remove.click()
    box._add.value = "drop_rows"
    values = [(entry.name, entry.off) for entry in form.value.operations]
    assert values[:3] == [("repair_encoding", True), ("normalize_text", False), ("remove_html", False)]
    assert values[-1] == ("drop_rows", False)
    assert form.changed == ["operations"]
    for _ in range(4):
        box.undo.click()
    assert form.changed == []
    assert box.undo.disabled


def test_settings_of_an_entry_are_changed_or_refused(step):
    form = step.form()
    box = form.widgets["operations"]
    number = len(box.value)
    assert isinstance(box.value[-1], DropNearDuplicates)
    box._rows[number - 1].edit.click()
    controls = {control.setting.name: control for control in box.editor.controls}
    controls["threshold"].widget.value = 0.6
    assert form.value.operations[-1].threshold == 0.6
    controls["threshold"].widget.value = 7.0
    assert form.value.operations[-1].threshold == 0.6
    box._rows[0].remove.click()  # the settings shown would be another entry's
    assert box._editor.children == ()
    assert box.editor is None


def test_an_entry_that_cannot_be_run_is_told_in_the_panel(panel):
    panel._history.add(TransformText(columns=["intent"], expression="value.("))
    panel._list.edited()
    assert "Transform cells" in panel.told.value
    panel._list.undo.click()
    assert "40 of 40 rows" in panel.told.value


def test_every_operation_can_be_added(step):
    box = step.form().widgets["operations"]
    for name, kind in OPERATIONS.items():
        box._add.value = name
        assert isinstance(box.value[-1], kind)
        assert {control.setting.name for control in box.editor.controls} == set(kind.model_fields) - {"off"}


def test_the_executed_copy_lists_the_entries(step):
    form = step.form()
    form.widgets["operations"]._rows[2].on.value = False
    shown = form._repr_mimebundle_()["text/html"]
    assert "3. Remove HTML (off)" in shown


def test_the_list_is_pasted_as_text(step):
    form = step.form()
    box = form.widgets["operations"]
    box.show_text()
    assert box.editor.text.value == box.history.to_yaml()
    box.editor.text.value = "[drop_empty, drop_lnog]"
    box.editor.take_over()
    assert "Did you mean &#x27;drop_long&#x27;?" in box.editor.told.value
    assert form.changed == []
    box.editor.text.value = "[drop_empty, drop_long]"
    box.editor.take_over()
    assert [entry.name for entry in form.value.operations] == ["drop_empty", "drop_long"]
    rename = {"op": "core/column-rename", "oldColumnName": "intent", "newColumnName": "label"}
    box.editor.text.value = json.dumps([rename, {"op": "core/recon"}])
    box.editor.take_over()
    assert [entry.name for entry in form.value.operations][2:] == ["rename_columns"]
    assert "Left out: 2. core/recon" in box.editor.told.value
