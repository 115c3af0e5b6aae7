"""Labels and answers given by hand: kept through crashes, applied and counted, compared between annotators."""

import json

import pytest
from data_project import run, start, table, write_rows

from tailor.blocks import Table
from tailor.data.annotations import (
    FILE,
    Agreement,
    Annotation,
    agreements,
    apply_annotations,
    disagreements,
    read_annotations,
    row_key,
    save_annotations,
)
from tailor.data.drafts import Draft
from tailor.data.labelling import Session, open_session
from tailor.data.labelling_order import choose_for_labelling
from tailor.steps import format_data

WORDS = {"card": "card lost stolen gone", "fees": "fee charge price cost", "login": "password app sign code"}
LABELS = list(WORDS)


def draft(n, label=None, text=None):
    label = LABELS[n % 3] if label is None else label
    words = WORDS[LABELS[n % 3]].split()
    return Draft(
        n, f"a:{n}", text or f"My {words[n % 4]} and {words[(n + 1) % 4]}, please see case {n}", label
    )


DRAFTS = [draft(n) for n in range(30)]


def said(n, value="fees", who="Ann", action="answer", **changes):
    row = DRAFTS[n]
    values = {"row_id": row.id, "key": row_key(row), "annotator": who, "action": action, "value": value}
    return Annotation(**(values | changes))


def test_what_is_saved_is_read_again(tmp_path):
    path = tmp_path / FILE
    mine = [said(1, 'a "quoted"\nanswer 🚀'), said(2, "", action="drop")]
    save_annotations(path, "Ann", mine)
    assert read_annotations(path) == (mine, [])


def test_one_annotator_does_not_overwrite_another(tmp_path):
    path = tmp_path / FILE
    save_annotations(path, "Ann", [said(1)])
    save_annotations(path, "Ben", [said(1, "card", "Ben")])
    save_annotations(path, "Ann", [said(1, "login"), said(2)])
    found, _ = read_annotations(path)
    assert [(each.annotator, each.row_id, each.value) for each in found] == [
        ("Ben", "a:1", "card"), ("Ann", "a:1", "login"), ("Ann", "a:2", "fees"),
    ]  # fmt: skip


def test_a_half_line_is_set_aside_and_the_rest_kept(tmp_path):
    path = tmp_path / FILE
    save_annotations(path, "Ann", [said(1), said(2)])
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole + '{"row_id": "a:3", "key": "12', encoding="utf-8")
    found, broken = read_annotations(path)
    assert (len(found), broken) == (2, ['{"row_id": "a:3", "key": "12'])
    save_annotations(path, "Ann", found)
    assert path.read_text(encoding="utf-8") == whole
    assert (tmp_path / "annotations.unreadable.jsonl").read_text(
        encoding="utf-8"
    ) == '{"row_id": "a:3", "key": "12\n'


LINE = vars(said(1))


@pytest.mark.parametrize(
    "line",
    [
        "[]",
        "7",
        '{"row_id": "a:1"}',
        json.dumps(LINE | {"action": "delete"}),
        json.dumps(LINE | {"value": 3}),
        "[" * 9999,
    ],
)
def test_a_line_that_is_no_annotation_is_set_aside(tmp_path, line):
    path = tmp_path / FILE
    path.write_text(line + "\n" + json.dumps(vars(said(2))) + "\n", encoding="utf-8")
    assert read_annotations(path) == ([said(2)], [line])


def test_annotations_take_the_place_of_what_rows_say():
    given = [
        said(0, "login"), said(1, "fees"), said(2, "", action="drop"), said(3, "fees"), said(3, "login", "Ben"),
        said(4, "card"), said(4, "card", "Ben"), said(4, "login", "Cem"),
        said(5, row_id="old:5"), said(6, row_id="gone:6", key="0" * 16), said(7, key="1" * 16),
    ]  # fmt: skip
    drafts, counts = apply_annotations([*DRAFTS[:9], draft(9, "")], [*given, said(9, "card")])
    assert [each.output for each in drafts] == [
        "login", "fees", "login", "card", "card", "fees", "card", "fees", "login", "card",
    ]  # fmt: skip
    assert drafts[2].problem == "set aside by hand (Ann)"
    assert counts == {
        "annotators disagree: left as it was": 1,
        "answered by hand": 1,
        "changed by hand": 3,
        "confirmed by hand": 1,
        "no such row any more": 1,
        "set aside by hand": 1,
        "the row asks something else now": 1,
    }
    assert apply_annotations(DRAFTS, []) == (DRAFTS, {})


def test_agreement_by_hand_computed_numbers():
    """Ann and Ben agree on 3 of 4; by chance 2/4 x 2/4 + 2/4 x 1/4 + 0 x 1/4 = 0.375: kappa = 0.375 / 0.625 = 0.6."""
    ann = [said(n, value) for n, value in enumerate(("card", "card", "fees", "fees"))]
    ben = [said(n, value, "Ben") for n, value in enumerate(("card", "card", "fees", "login"))]
    (found,) = agreements([*ann, *ben])
    assert (found.annotators, found.rows, found.share) == (("Ann", "Ben"), 4, 0.75)
    assert found.kappa == pytest.approx(0.6)
    assert disagreements([*ann, *ben]) == [("a:3", {"Ann": "fees", "Ben": "login"})]
    same = [said(n, "card", who) for n in range(2) for who in ("Ann", "Ben")]
    assert agreements(same) == [Agreement(("Ann", "Ben"), 2, 1.0, None)]


def session(path, drafts=DRAFTS, task="classify", count=10, labels=()):
    return Session(drafts, task, labels, path, count=count, seed=3)


def test_a_wrong_label_and_an_empty_one_come_before_easy_rows(tmp_path):
    drafts = [*DRAFTS, draft(30, ""), draft(33, "login")]
    order = choose_for_labelling(drafts, "classify", [], 4, 3)
    assert order[0] == (30, "no answer yet")
    assert 31 in [place for place, _ in order]
    assert order == choose_for_labelling(drafts, "classify", [], 4, 3)
    seen = [said(5, "card"), said(7, "fees"), said(7, "card", "Ben")]
    assert choose_for_labelling(drafts, "classify", seen, 4, 3)[:2] == [
        (7, "annotators differ"),
        (5, "one annotator so far"),
    ]


def test_suggestions_come_from_other_rows(tmp_path):
    wrong = [*DRAFTS, draft(30, "login")]
    walk = session(tmp_path / FILE, wrong, count=31)
    walk.sign_in("Ann")
    shown = {}
    for _ in walk.order:
        state = walk.state()
        shown[state["row"]] = (state["given"], state["suggested"])
        walk.move(1)
    assert shown["a:30"] == ("login", "card")
    assert sum(given == suggested for given, suggested in shown.values()) >= 28


def test_answers_are_saved_at_once_and_undone(tmp_path):
    path = tmp_path / FILE
    walk = session(path, labels=("other",))
    assert walk.say("answer", "card") == "Type your name first: it tells whose answers these are."
    assert walk.labels == ["card", "fees", "login", "other"]
    walk.sign_in("  Ann  ")
    first = walk.state()
    assert walk.say("answer", "nonsense") == "Choose one of the labels."
    assert walk.say("answer", "other") == ""
    assert walk.state()["number"] == 1
    assert [(each.row_id, each.value) for each in read_annotations(path)[0]] == [(first["row"], "other")]
    walk.say("drop")
    assert [each.action for each in read_annotations(path)[0]] == ["answer", "drop"]
    assert walk.undo() == ""
    assert (walk.state()["number"], walk.state()["done"]) == (1, 1)
    walk.undo()
    assert (walk.state()["mine"], read_annotations(path)[0]) == ("", [])
    assert walk.undo() == "There is nothing to undo."


def test_undo_gives_back_the_answer_before(tmp_path):
    walk = session(tmp_path / FILE)
    walk.sign_in("Ann")
    walk.say("answer", "card")
    walk.move(-1)
    walk.say("answer", "fees")
    walk.undo()
    assert walk.state()["mine"] == "card"


def test_work_goes_on_where_it_stopped_and_each_has_their_own(tmp_path):
    path = tmp_path / FILE
    walk = session(path)
    walk.sign_in("Ann")
    for _ in range(3):
        walk.say("answer", "card")
    again = session(path)
    again.sign_in("Ann")
    assert (again.state()["done"], again.state()["mine"]) == (3, "")
    again.sign_in("Ben")
    assert again.state()["done"] == 0
    assert {again.state()["why"]} == {"one annotator so far"}


def test_a_written_answer(tmp_path):
    drafts = [Draft(n, f"a:{n}", f"Question {n} about a card", "" if n else "Old answer") for n in range(4)]
    walk = session(tmp_path / FILE, drafts, "respond")
    walk.sign_in("Ann")
    assert walk.say("answer", "   ") == "The answer is empty."
    walk.say("answer", " A new answer,\nwith two lines. ")
    assert read_annotations(tmp_path / FILE)[0][0].value == "A new answer,\nwith two lines."


def test_nothing_to_look_at(tmp_path):
    walk = session(tmp_path / FILE, [])
    walk.sign_in("Ann")
    assert walk.say("answer", "x") == "There is no row to look at."
    assert walk.state() == {"number": 0, "total": 0, "done": 0, "waiting": False}


def test_04_applies_and_counts_them_and_runs_again(home):
    project = start(home, "classify")
    rows = [{"text": each.input, "intent": each.output} for each in DRAFTS]
    write_rows(home / "a.jsonl", rows)
    run(project, "02", sources=["a.jsonl"])
    run(project, "03", **{"operations.drop_near_duplicates.off": True})
    settings = {"near_duplicates": 0.0}
    assert run(project, "04", **settings).annotated == {}
    step = format_data_step()
    assert project.state(step, settings).state == "done"

    walk = open_session(project, project.settings(step, settings), count=5)
    walk.sign_in("Ann")
    changed = walk.state()
    new = next(label for label in LABELS if label != changed["given"])
    walk.say("answer", new)
    assert project.state(step, settings).reason == "outputs/mine/annotations.jsonl changed since"
    record = run(project, "04", **settings)
    assert record.annotated == {"changed by hand": 1}
    parts = [table(project, f"dataset/{name}.parquet") for name in record.splits]
    assert {row["id"]: row["output"] for part in parts for row in part.to_dicts()}[changed["row"]] == new
    shown = [block.rows for block in format_data.blocks(project) if isinstance(block, Table)]
    assert [("changed by hand", 1)] in shown


def format_data_step():
    from tailor.series import find_step

    return find_step("04_format_data")


def test_rows_without_any_label_can_be_labelled(home):
    project = start(home, "classify")
    write_rows(home / "a.jsonl", [{"text": each.input} for each in DRAFTS])
    run(project, "02", sources=["a.jsonl"])
    run(project, "03", **{"operations.drop_near_duplicates.off": True})
    settings = project.settings(format_data_step(), {"label_column": "none", "near_duplicates": 0.0})
    walk = open_session(project, settings, count=30, labels=LABELS)
    walk.sign_in("Ann")
    for _ in range(30):
        n = int(walk.state()["text"].split()[-1])
        walk.say("answer", LABELS[n % 3])
    record = run(project, "04", label_column="none", near_duplicates=0.0)
    assert record.annotated == {"answered by hand": 30}
    assert (record.shape, record.labels) == ("rows to answer by hand", LABELS)
