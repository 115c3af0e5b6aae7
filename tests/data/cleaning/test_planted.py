"""What the demos' lists of planted defects say must be found, and how much else may be taken for it."""

from pathlib import Path

import polars as pl
import pytest

from tailor.data.cleaning.bad_dates import BadDates
from tailor.data.cleaning.corrupt import DropCorrupt, DropCutOff, DropShifted
from tailor.data.cleaning.label_errors import SuspectLabels, learn, probabilities, suspects
from tailor.data.cleaning.operation import Columns
from tailor.data.cleaning.pipeline import clean
from tailor.data.cleaning.plan import STANDARD
from tailor.data.cleaning.replies import AutomaticReplies, MismatchedReplies
from tailor.data.gather import Choices, gather
from tailor.progress import Log
from tailor.project import source_home

FILES = {
    "bank_support": ("tickets_2024.csv", "tickets_2025.csv", "helpdesk_export.jsonl", "mailbox.jsonl"),
    "bank_intents": ("intents_2024.csv", "intents_2025.jsonl"),
}
GROUPS = {
    "bank_support": {"texts": ("message", "reply"), "required": ("message", "reply")},
    "bank_intents": {"texts": ("text",), "labels": ("intent",), "required": ("text", "intent")},
}


@pytest.fixture(scope="module")
def demos(tmp_path_factory):
    """Demo -> (raw rows, rows after the standard history, columns, planted row ids by kind)."""
    return {name: _demo(name, tmp_path_factory.mktemp(name)) for name in FILES}


def _demo(name, folder):
    home = source_home() / "data" / "demos" / name
    gather([str(home / file) for file in FILES[name]], Path, folder, Choices(), Log())
    raw = pl.read_parquet(folder / "rows.parquet")
    names = tuple(column for column in raw.columns if column not in ("row_id", "source"))
    columns = Columns(names=names, coded=tuple(n for n in names if n != "created_at"), **GROUPS[name])
    standing, _, _ = clean(raw, STANDARD, columns, Log())
    number = "ticket_id" if name == "bank_support" else "message_id"
    ids = {(source, given): row for source, given, row in raw.select("source", number, "row_id").rows()}
    planted = {}
    for item in pl.read_csv(home / "planted.csv", infer_schema=False).rows(named=True):
        if (item["file"], item["id"]) in ids:
            planted.setdefault(item["kind"], set()).add(ids[item["file"], item["id"]])
    return raw, standing, columns, planted


def rates(operation, frame, columns, wanted):
    """Recall and precision among the rows of the frame."""
    found = set(operation.run_alone(frame, columns).dropped["row_id"])
    there = wanted & set(frame["row_id"])
    assert len(there) >= 5
    return len(found & there) / len(there), len(found & there) / max(len(found), 1)


def test_automatic_replies(demos):
    _, rows, columns, planted = demos["bank_support"]
    assert rates(AutomaticReplies(action="drop"), rows, columns, planted["auto_reply"]) == (1.0, 1.0)


@pytest.mark.parametrize("name", FILES)
def test_impossible_dates(demos, name):
    raw, _, columns, planted = demos[name]
    assert rates(BadDates(action="drop"), raw, columns, planted["bad_date"]) == (1.0, 1.0)


@pytest.mark.parametrize("name", FILES)
def test_cut_texts(demos, name):
    _, rows, columns, planted = demos[name]
    recall, precision = rates(DropCutOff(action="drop"), rows, columns, planted["truncated"])
    assert recall >= 0.85
    assert precision >= 0.95


def test_replies_to_another_message(demos):
    _, rows, columns, planted = demos["bank_support"]
    for operation in (AutomaticReplies(action="drop"), DropCutOff(action="drop")):
        rows = operation.run_alone(rows, columns).frame
    found = set(MismatchedReplies(action="drop").run_alone(rows, columns).dropped["row_id"])
    there = planted["mismatched_reply"] & set(rows["row_id"])
    assert len(found & there) >= 0.8 * len(there) > 5
    # replies that break the guidelines are often no answer at all
    wrong = there | planted["off_guideline"] | planted["truncated"]
    assert len(found & wrong) >= 0.85 * len(found)


def test_label_errors_and_the_label_suggested(demos):
    _, rows, columns, planted = demos["bank_intents"]
    recall, precision = rates(SuspectLabels(action="drop"), rows, columns, planted["label_noise"])
    assert recall >= 0.8
    assert precision >= 0.9


def test_label_errors_are_those_of_cleanlab(demos):
    """At confidence 1 the rule is the paper's, as its authors compute it from the same probabilities."""
    filtering = pytest.importorskip("cleanlab.filter")
    _, rows, _, planted = demos["bank_intents"]
    judge = learn(rows["row_id"], rows["text"], rows["intent"])
    sure = probabilities(judge, rows["row_id"], rows["text"])
    given = rows["intent"].replace_strict({label: n for n, label in enumerate(judge.labels)}).to_numpy()
    theirs = filtering.find_label_issues(given, sure, filter_by="confident_learning", n_jobs=1)
    ours = suspects(sure, given, judge.usual) >= 0
    assert rows["row_id"].filter(pl.Series(ours)).is_in(list(planted["label_noise"])).mean() >= 0.97
    assert ours.sum() > 30
    assert (ours == theirs).all()


@pytest.mark.parametrize("name", FILES)
def test_sound_rows_are_neither_corrupt_nor_shifted(demos, name):
    raw, _, columns, _ = demos[name]
    for operation in (DropCorrupt(action="drop"), DropShifted(action="drop")):
        assert operation.run_alone(raw, columns).dropped.height == 0
