"""12: new rows are read as the training data were, and drift, new words and lost quality are told."""

import csv

import polars as pl
import pytest
import small_project

from tailor.blocks import Callout, Table
from tailor.data.cleaning.plan import STANDARD, change_setting
from tailor.data.tables import write_table
from tailor.errors import WorkbenchError
from tailor.records import Cleaning, DatasetRecord, Export, Sources
from tailor.series import find_step
from tailor.steps import clean_data, monitor


@pytest.fixture
def project(home, monkeypatch):
    made = small_project.evaluated_project(home, monkeypatch, rows=90)
    record = made.load(DatasetRecord, "dataset.json")
    record.roles = {"input": "text", "label": "intent"}
    record.save(made.path("dataset.json"))
    history = change_setting(STANDARD, "drop_near_duplicates.off", True)
    settings = clean_data.Settings(operations=history).model_dump(mode="json")
    Cleaning(rows_in=1, rows_out=1, operations=[], settings=settings).save(made.path("cleaning.json"))
    Sources(sources=[], rows=1).save(made.path("sources.json"))
    empty = dict.fromkeys(("row_id", "source", "text", "intent"), pl.String)
    write_table(pl.DataFrame(schema=empty), made.path("clean.parquet"))
    Export(run="lora-0000000000", format="safetensors", identical=1, compared=1).save(
        made.path("export/export.json")
    )
    monkeypatch.setattr(
        "tailor.serving.export.load_export", lambda *args: small_project.RuleModel("classify", share=0.9)
    )
    small_project.run_step(made, "10_evaluate")
    return made


def _write(path, rows, columns=("text", "intent")):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns, *rows])
    return str(path)


def _rows(split, count):
    return [(e.input, e.output) for e in small_project.examples("classify", split, count)]


def _statuses(record):
    return {measure["name"]: measure["status"] for measure in record["measures"]}


def test_more_of_the_same_is_ok(project, home):
    path = _write(home / "same.csv", _rows("test", 90))
    record = small_project.run_step(project, "12_monitor", new_data=path)
    assert record["status"] == "ok"
    assert set(_statuses(record)) == {
        "length", "new_words", "vocabulary", "labels", "predictions", "confidence", "quality",
    }  # fmt: skip
    assert record["verdict"] == (
        "90 rows of same.csv were compared with the rows held out from training. "
        "Nothing differs more than chance explains."
    )
    assert next(b for b in monitor.blocks(project) if isinstance(b, Callout)).kind == "good"


def test_a_new_topic_is_acted_on_and_its_words_are_named(project, home):
    new = [(f"My crypto wallet token was stolen yesterday, case {n}, help", "login") for n in range(90)]
    record = small_project.run_step(
        project, "12_monitor", new_data=_write(home / "new.csv", _rows("test", 30) + new)
    )
    statuses = _statuses(record)
    assert record["status"] == "act"
    assert (statuses["new_words"], statuses["vocabulary"], statuses["quality"]) == ("act", "act", "act")
    terms = next(m for m in record["measures"] if m["name"] == "new_words")["details"]["terms"]
    assert {"crypto", "wallet", "token"} <= set(terms)
    tables = [block for block in monitor.blocks(project) if isinstance(block, Table)]
    assert tables[-1].caption == "New rows that the model is least sure of: have these labelled first"


def test_columns_called_otherwise_and_labels_spelt_otherwise_are_recognized(project, home):
    rows = [(text, label.replace(" ", "_").upper()) for text, label in _rows("test", 60)]
    path = _write(home / "other.csv", rows, columns=("message", "category"))
    record = small_project.run_step(project, "12_monitor", new_data=path)
    labels = next(m for m in record["measures"] if m["name"] == "labels")
    assert labels["details"]["unseen"] == []
    assert labels["status"] == "ok"


def test_rows_without_answers_are_measured_without_quality(project, home):
    path = _write(home / "unlabelled.csv", [(text,) for text, _ in _rows("test", 60)], columns=("text",))
    record = small_project.run_step(project, "12_monitor", new_data=path)
    assert set(_statuses(record)) == {"length", "new_words", "vocabulary", "predictions", "confidence"}


def test_without_new_data_the_test_rows_stand_in_and_the_result_says_so(project):
    record = small_project.run_step(project, "12_monitor")
    assert record["verdict"].startswith(
        "90 rows of your own test split (no new data was named) were compared with the rows held out"
    )
    assert set(_statuses(record)) == {"length", "new_words", "vocabulary", "labels"}
    assert monitor.blocks(project)


def test_empty_rows_are_counted_in_the_verdict(project, home):
    path = _write(home / "holes.csv", [*_rows("test", 60), ("", "fees"), ("  ", "login")])
    record = small_project.run_step(project, "12_monitor", new_data=path)
    assert record["rows"] == 60
    assert record["verdict"].startswith("60 rows of holes.csv, 2 left out by cleaning were compared")


def test_a_file_without_the_input_is_refused(project, home):
    path = _write(home / "wrong.csv", [("1", "2")] * 3, columns=("alpha", "txt"))
    with pytest.raises(WorkbenchError) as error:
        small_project.run_step(project, "12_monitor", new_data=path)
    assert str(error.value) == (
        "Found: wrong.csv has no column 'text' (columns: alpha, txt)\n"
        "Needed: the input in a column called 'text', as in the training data\n"
        "Do: rename the column. Did you mean 'txt'?"
    )


def test_a_changed_file_makes_the_step_stale(project, home):
    path = _write(home / "new.csv", _rows("test", 60))
    small_project.run_step(project, "12_monitor", new_data=path)
    _write(home / "new.csv", _rows("test", 61))
    state = project.state(find_step("12"), {"new_data": path})
    assert (state.state, state.reason) == ("stale", f"{path} changed since")


def test_thresholds_in_the_wrong_order_are_refused(project):
    settings = monitor.Settings(watch_index=0.3, act_index=0.2)
    assert monitor.blockers(project, settings) == [
        "watch_index is 0.3 and act_index is 0.2: acting must start above watching"
    ]
