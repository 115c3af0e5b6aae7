"""The labelling card without a browser: what it sends is saved, what it shows is plain, and it reads as tables."""

import pytest
from data_project import run, start, write_rows

from tailor.data.annotations import FILE, read_annotations
from tailor.errors import WorkbenchError
from tailor.notebook import open_step
from tailor.ui import labelling
from tailor.ui.labelling import Labelling

LABELS = ("card", "fees", "login")


@pytest.fixture
def project(home):
    project = start(home, "classify")
    write_rows(
        home / "a.jsonl",
        [{"text": f"My {LABELS[n % 3]} and case {n * 7919} <b>", "intent": LABELS[n % 3]} for n in range(24)],
    )
    run(project, "02", sources=["a.jsonl"])
    run(project, "03", **{"operations.drop_near_duplicates.off": True})
    return project


def open_card(**more):
    step = open_step("04_format_data", "mine", {})
    return Labelling(step, step.form(), **more)


def press(shown, do, value=""):
    shown.card._handle_custom_msg({"do": do, "value": value}, [])


def test_what_the_card_sends_is_saved(project):
    shown = open_card(annotator="Ann", rows=5)
    assert (shown.card.row["number"], shown.card.row["total"], shown.card.labels) == (0, 5, list(LABELS))
    first = shown.card.row["row"]
    press(shown, "answer", "fees")
    press(shown, "drop")
    found, _ = read_annotations(project.path(FILE))
    assert (found[0].row_id, found[0].action, found[0].value) == (first, "answer", "fees")
    assert (found[1].action, shown.card.row["done"]) == ("drop", 2)
    press(shown, "undo")
    press(shown, "back")
    assert (shown.card.row["row"], shown.card.row["mine"], shown.card.row["done"]) == (first, "fees", 1)
    press(shown, "next")
    assert shown.card.row["number"] == 1
    press(shown, "answer", "<img src=x>")
    assert shown.card.told == "Choose one of the labels."
    turn = shown.card.row["turn"]
    press(shown, "delete everything")
    assert shown.card.row["turn"] == turn + 1, "every message is answered: the card waits for it"
    assert len(read_annotations(project.path(FILE))[0]) == 1


def test_a_full_disk_is_told_in_the_card(project, monkeypatch):
    shown = open_card(annotator="Ann")

    def full(*_):
        raise WorkbenchError("the disk is full", "room", "free some space")

    monkeypatch.setattr("tailor.data.labelling.save_annotations", full)
    press(shown, "answer", "fees")
    assert shown.card.told == "Not saved: the disk is full. free some space."
    assert (shown.card.row["number"], shown.card.row["done"]) == (0, 0)


def test_nothing_is_chosen_before_somebody_is_there(project):
    shown = open_card()
    assert shown.session.state() == {"number": 0, "total": 0, "done": 0, "waiting": True}
    assert shown.session.order == []
    press(shown, "answer", "fees")
    assert shown.card.told == "Type your name first: it tells whose answers these are."
    shown.card.annotator = "Ann"
    assert shown.card.row["total"] == 24


def test_without_widgets_it_is_a_summary(project):
    first = open_card(annotator="Ann", rows=4)
    for _ in range(4):
        press(first, "answer", "fees")
    second = open_card(annotator="Ben", rows=4)
    press(second, "answer", "card")
    text = second._repr_mimebundle_()["text/plain"]
    assert "Rows to look at, the most pressing first" in text
    assert "Said so far" in text
    assert "Ann and Ben" in text
    assert "Annotators differ on these rows" in text
    assert "Ann: fees; Ben: card" in text


def test_the_script_sets_no_markup():
    script = (labelling._HERE / "labelling.js").read_text(encoding="utf-8")
    assert "innerHTML" not in script
    assert "insertAdjacentHTML" not in script
