"""Slices: a part planted to be worse is found and named, chance is not taken for it, unknown columns are told."""

import random

import polars as pl
import pytest
from small_project import evaluated_project, run_step

from tailor.blocks import Table
from tailor.data.tables import write_table
from tailor.errors import WorkbenchError
from tailor.evaluation.slices import parts_by, slice_problems, slices
from tailor.notebook import open_step
from tailor.steps import evaluate


def predictions(right, column="accuracy", labels=("a",)):
    """A table of predictions whose rows are right (1) or wrong (0) as given."""
    rows = len(right)
    return pl.DataFrame(
        {
            "id": [f"t.csv:{n}" for n in range(rows)],
            "source": ["t.csv"] * rows,
            "input": ["x" * (10 + n % 30) for n in range(rows)],
            "reference": [labels[n % len(labels)] for n in range(rows)],
            column: [float(value) for value in right],
        }
    )


def test_a_planted_biased_group_is_found_and_the_others_are_not():
    draw = random.Random(1)
    group = ["business" if n % 4 == 0 else "private" for n in range(200)]
    right = [draw.random() < (0.4 if name == "business" else 0.85) for name in group]
    found = slices(predictions(right), "accuracy", samples=500, seed=0, more={"customer": group})
    worst = found[0]
    assert (worst.kind, worst.value, worst.rows) == ("customer", "business", 50)
    assert worst.is_worse
    assert worst.found.high < worst.rest == pytest.approx(sum(right[n] for n in range(200) if n % 4) / 150)
    assert [part.value for part in found if part.is_worse] == ["business"]


def test_many_parts_of_equal_rows_are_not_called_worse():
    draw = random.Random(3)
    right = [draw.random() < 0.7 for _ in range(400)]
    parts = {f"column {k}": [draw.choice("abcdefgh") for _ in right] for k in range(10)}
    found = slices(predictions(right), "accuracy", samples=200, seed=0, more=parts)
    assert len(found) > 80
    assert not any(part.is_worse for part in found)


def test_values_other_than_right_and_wrong_are_compared_by_rank():
    group = ["old" if n % 3 == 0 else "new" for n in range(60)]
    values = [20 + n % 7 if name == "old" else 60 + n % 9 for n, name in enumerate(group)]
    found = slices(predictions(values, "chrf"), "chrf", samples=200, seed=0, more={"manual": group})
    assert (found[0].value, found[0].is_worse) == ("old", True)
    assert "label" not in {part.kind for part in found}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project after 10_evaluate with a cleaned table; what the best model got wrong came in by telephone."""
    monkeypatch.setenv("TAILOR_HOME", str(tmp_path))
    project = evaluated_project(tmp_path, monkeypatch, shares=(0.2, 0.3, 0.6))
    table = pl.read_parquet(project.path("evaluations/lora-0000000000.parquet"))
    rows = table.height
    clean = {
        "row_id": table["id"].to_list(),
        "channel": ["mail" if right else "telephone" for right in table["accuracy"]],
        "age": [str(18 + n) for n in range(rows)],
        "written": [f"2024-{1 + n % 12:02}-15" for n in range(rows)],
        "note": ["only here" if n < 20 else None for n in range(rows)],
    }
    write_table(pl.DataFrame(clean), project.path("clean.parquet"))
    return project


def test_columns_of_the_cleaned_table_are_joined_by_row(project):
    table = pl.read_parquet(project.path("evaluations/lora-0000000000.parquet"))
    parts = parts_by(project, table, ["channel", "age", "written", "note", "language"])
    assert sorted(set(parts["channel"])) == ["mail", "telephone"]
    assert len(set(parts["age"])) == 3
    assert parts["age"][0] == "low (up to 38.0)"
    assert sorted(set(parts["written"])) == [f"2024-{month:02}" for month in range(1, 13)]
    assert parts["note"] == ["only here"] * 20 + [""] * 40
    assert set(parts["language"]) <= {"en", "undetermined"}
    conversation = table.with_columns(id=table["id"] + "#2")
    assert parts_by(project, conversation, ["channel"]) == {"channel": parts["channel"]}


def test_the_worst_group_stands_first_in_10_and_becomes_a_proposal_in_13(project):
    from tailor.monitoring.proposals import Evidence, from_slices
    from tailor.records import Comparison, Monitoring

    run_step(project, "10_evaluate", slice_by=["channel"])
    table = next(
        block for block in evaluate.blocks(project) if isinstance(block, Table) and block.columns[0] == "by"
    )
    assert table.rows[0][:3] == ["channel", "telephone", 16]
    assert table.rows[0][-1] == "worse than the rest, p < 0.001"
    record = project.load(Comparison, "comparison.json")
    (proposal,) = from_slices(
        Evidence(project, None, record, Monitoring(rows=0, measures=[], verdict=""), None, 3)
    )
    assert proposal.what == "Look at the rows of channel 'telephone', and add more of them."
    assert proposal.why == (
        "accuracy is 0.0% (0.0% to 20.6%) on 16 test rows there, and 100.0% on all others (p < 0.001, corrected)."
    )


def test_an_unknown_column_is_told_before_and_while_it_runs(project):
    step = open_step("10_evaluate", "small", {"slice_by": ["chanel"]})
    sentence = (
        "slice_by names the column 'chanel', which the cleaned table does not have. Did you mean 'channel'?"
    )
    assert step.blockers(step.settings()) == [sentence] == slice_problems(project, ["chanel"])
    table = pl.read_parquet(project.path("evaluations/lora-0000000000.parquet"))
    with pytest.raises(WorkbenchError) as error:
        parts_by(project, table, ["chanel"])
    assert str(error.value) == (
        "Found: 10_evaluate.slice_by names the column 'chanel', which the cleaned table does not have\n"
        "Needed: any of: channel, age, written, note, language\n"
        "Do: correct the name. Did you mean 'channel'?"
    )
