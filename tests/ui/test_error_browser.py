"""Reading answers one by one: views, filters, notes that are kept at once, tables where there are no widgets."""

import json
from dataclasses import replace

import pytest
import small_project
from small_project import evaluated_project

from tailor.data.notes import FILE, Note, count_faults, read_notes, save_note
from tailor.errors import WorkbenchError
from tailor.evaluation.errors_read import ANY, Answers, Filter
from tailor.notebook import open_step
from tailor.series import find_step
from tailor.ui import error_browser
from tailor.ui.error_browser import ErrorBrowser


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("read")
        patch.setenv("TAILOR_HOME", str(home))
        patch.setattr(small_project, "examples", with_markup(small_project.examples))
        yield evaluated_project(home, patch, shares=(0.2, 0.4, 0.7))


def with_markup(examples):
    """The same rows, the first of each split with markup in it."""

    def odd(*args):
        first, *others = examples(*args)
        return [replace(first, input=f"{first.input} <img src=x>"), *others]

    return odd


@pytest.fixture
def project(evaluated):
    evaluated.path(FILE).unlink(missing_ok=True)
    return evaluated


def shown_rows(browser):
    table = browser.answers.tables[browser.widgets["model"].value]
    return table[[place for _, place in browser.widgets["rows"].options]]


def test_the_worst_come_first_and_filters_narrow_the_list(project):
    browser = ErrorBrowser(open_step("10_evaluate", "small", {}))
    own = browser.widgets
    assert own["model"].value == "lora-0000000000"
    assert shown_rows(browser)["accuracy"].to_list() == sorted(shown_rows(browser)["accuracy"])
    own["view"].value = "best"
    assert shown_rows(browser)["accuracy"][0] == 1.0
    own["label"].value = "login"
    assert set(shown_rows(browser)["reference"]) == {"login"}
    own["contains"].value = "PASSWORD"
    assert all("password" in text for text in shown_rows(browser)["input"])
    own["source"].value = "a.csv"
    assert set(shown_rows(browser)["source"]) == {"a.csv"}
    own["contains"].value = "no such words"
    assert "No row fits these filters." in browser._card.value
    assert own["note"].disabled
    own["label"].value, own["contains"].value, own["source"].value = ANY, "", ANY
    own["mistake"].value = own["mistake"].options[1][1]
    right, given = own["mistake"].value
    assert {*shown_rows(browser)["reference"]} == {right} != {given} == {*shown_rows(browser)["prediction"]}


def test_rows_on_which_models_disagree_are_those_that_differ(project):
    answers = Answers(project)
    places = answers.order(answers.best, "models disagree")
    said = list(zip(*(table["prediction"] for table in answers.tables.values()), strict=True))
    assert set(places) == {place for place, row in enumerate(said) if len(set(row)) > 1}
    drawn = answers.order(answers.best, "random")
    assert drawn == Answers(project).order(answers.best, "random") != sorted(drawn)
    assert sorted(drawn) == list(range(60))


def test_a_note_is_saved_at_once_found_again_and_taken_away(project):
    browser = ErrorBrowser(open_step("10_evaluate", "small", {}))
    own, path = browser.widgets, project.path(FILE)
    first = shown_rows(browser)["id"][0]
    assert not path.exists()
    own["note"].value = "Both labels fit <b>"
    own["fault"].value = "both are right"
    saved = Note(first, "lora-0000000000", "both are right", "Both labels fit <b>")
    assert read_notes(path) == ([saved], [])
    browser._next.click()
    assert (own["note"].value, own["fault"].value, browser._told.value) == ("", "", "")
    browser._back.click()
    assert own["note"].value == "Both labels fit <b>"
    own["noted"].value = True
    assert shown_rows(browser)["id"].to_list() == [first]
    assert own["rows"].options[0][0].startswith("✎ ")
    text = browser._repr_mimebundle_()["text/plain"]
    assert "Where the models differ most" in text
    assert "Both labels fit <b>" in text
    own["note"].value, own["fault"].value = "", ""
    assert read_notes(path) == ([], [])


def test_text_from_data_is_never_markup(project):
    browser = ErrorBrowser(open_step("10_evaluate", "small", {}))
    browser.widgets["contains"].value = "<img"
    assert len(browser.widgets["rows"].options) == 1
    assert "&lt;img src=x&gt;" in browser._card.value
    assert "<img" not in browser._card.value + browser._repr_mimebundle_()["text/html"]


def test_a_full_disk_is_told_beside_the_note(project, monkeypatch):
    def full(*_):
        raise WorkbenchError("the disk is full", "room", "free some space")

    monkeypatch.setattr(error_browser, "save_note", full)
    browser = ErrorBrowser(open_step("10_evaluate", "small", {}))
    browser.widgets["note"].value = "x"
    assert "Not saved: the disk is full. free some space." in browser._told.value


def test_notes_reach_13_as_a_table_and_as_proposals(project):
    from tailor.records import Monitoring

    Monitoring(rows=1, measures=[], verdict="", settings={"new_data": ""}).save(
        project.path("monitoring/monitoring.json")
    )
    small_project.run_step(project, "13_refine")
    save_note(
        project.path(FILE), Note("test.csv:2", "lora-0000000000", "the reference is wrong", "It is a fee.")
    )
    assert project.state(find_step("13")).reason == "outputs/small/notes.jsonl changed since"
    record = small_project.run_step(project, "13_refine", most_proposals=50)
    (proposal,) = [p for p in record["proposals"] if p["what"].startswith("Mend the answers")]
    assert proposal["step"] == "04_format_data"
    assert proposal["why"] == "1 row was noted so in 10_evaluate: test.csv:2."
    tables = [block for block in find_step("13").module.blocks(project) if hasattr(block, "rows")]
    table = next(block for block in tables if block.caption == "What people noted about single answers in 10")
    assert table.rows == [("test.csv:2", "lora-0000000000", "the reference is wrong", "It is a fee.")]


def test_damaged_lines_are_kept_aside_and_the_commonest_fault_comes_first(tmp_path):
    path = tmp_path / FILE
    path.write_text('{"row_id": "a", "run": "r", "te\n[]\n' + json.dumps({"row_id": "b", "run": "r"}) + "\n")
    found, broken = read_notes(path)
    assert ([note.row_id for note in found], len(broken)) == (["b"], 2)
    save_note(path, Note("c", "r", "the model is wrong"))
    assert [note.row_id for note in read_notes(path)[0]] == ["b", "c"]
    assert len((tmp_path / "notes.unreadable.jsonl").read_text().splitlines()) == 2
    notes = [
        Note("1", "r", "both are right"),
        Note("2", "r"),
        *[Note(str(n), "r", "the model is wrong") for n in "34"],
    ]
    assert list(count_faults(notes)) == ["the model is wrong", "both are right", ""]
    assert Filter() == Filter(ANY, ANY, ANY, "", False)
