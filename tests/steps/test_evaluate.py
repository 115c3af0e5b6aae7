"""10: the three models on the same rows, with paired tests, criteria and a verdict."""

import json

import pytest
from small_project import evaluated_project, run_step

from tailor.blocks import Callout, Table
from tailor.records import Comparison, Criterion
from tailor.steps import evaluate


@pytest.fixture
def made(tmp_path, monkeypatch):
    monkeypatch.setenv("TAILOR_HOME", str(tmp_path))

    def make(**options):
        project = evaluated_project(tmp_path, monkeypatch, **options)
        return project, project.load(Comparison, "comparison.json")

    return make


@pytest.mark.parametrize(("task", "headline"), [("classify", "accuracy"), ("respond", "chrf")])
def test_tuned_model_is_better_and_the_table_says_so(made, task, headline):
    _project, record = made(task=task)
    assert record.headline == headline
    assert [line.role for line in record.compared] == ["base model", "prompting", "tuned"]
    assert record.best == "lora-0000000000"
    base, _, tuned = record.compared
    assert base.difference is None
    assert tuned.difference.low > 0
    assert tuned.difference.value == pytest.approx(
        tuned.metrics[headline].value - base.metrics[headline].value
    )
    assert tuned.p_value < 0.001
    assert "LoRA (tuned) does best" in record.verdict
    assert record.measured["models"]["lora-0000000000"]["seconds"] >= 0
    assert len([name for name in record.outputs if name.endswith(".parquet")]) == (
        6 if task == "classify" else 5
    )


def test_equal_models_are_not_called_better(made):
    _, record = made(shares=(0.5, 0.5, 0.5))
    assert record.best == "zero_shot-0000000000"
    assert [line.p_value for line in record.compared[1:]] == [1.0, 1.0]
    assert record.verdict.endswith(
        "No change to the base model brought anything: look at the data and the technique again."
    )


def test_criteria_are_met_missed_or_undecided(made):
    goals = [
        Criterion(metric="accuracy", at_least=0.7),
        Criterion(metric="accuracy", at_least=0.999),
        Criterion(metric="macro_f1", at_least=0.92),
        Criterion(metric="accurracy", at_least=0.5),
    ]
    _, record = made(criteria=goals)
    assert [c["result"] for c in record.criteria] == ["met", "not met", "not decidable", "not measured"]
    assert record.criteria[0]["says"].startswith("met: 93.3% (")
    assert record.criteria[0]["says"].endswith("; the goal is 70.0%")
    assert record.criteria[2]["says"].startswith("not decidable with 60 rows: ")
    assert record.criteria[3]["says"] == (
        "this task has no metric 'accurracy': it has accuracy, macro_f1, mcc, ece. Did you mean 'accuracy'?"
    )


def test_the_same_again_gives_the_same_record(made):
    project, record = made()
    before = record.content_hash()
    assert run_step(project, "10_evaluate") | {"measured": {}} == json.loads(
        project.path("comparison.json").read_text(encoding="utf-8")
    ) | {"measured": {}}
    assert project.load(Comparison, "comparison.json").content_hash() == before


def test_predictions_changed_by_hand_make_the_step_stale(made):
    from tailor.series import find_step

    project, _record = made()
    path = project.path("evaluations/lora-0000000000.parquet")
    path.write_bytes(path.read_bytes() + b" ")
    state = project.state(find_step("10"))
    assert (state.state, state.reason) == (
        "stale",
        "evaluations/lora-0000000000.parquet was changed by hand or left incomplete",
    )


@pytest.mark.parametrize("task", ["classify", "respond"])
def test_blocks_show_table_slices_and_samples(made, task):
    project, record = made(task=task)
    blocks = evaluate.blocks(project)
    assert next(block.text for block in blocks if isinstance(block, Callout)) == record.verdict
    tables = {block.caption: block for block in blocks if isinstance(block, Table)}
    final = tables["All models on the same test rows; in brackets the 95% interval"]
    assert [row[0] for row in final.rows] == ["Zero-shot prompting", "Few-shot prompting", "LoRA"]
    assert final.rows[2][-1] == "2.5 MB"
    worst = tables["Parts of the test rows, worst first"]
    kinds = {row[0] for row in worst.rows}
    assert kinds == ({"label", "source", "length"} if task == "classify" else {"source", "length"})
    if task == "classify":
        wrong = tables["Wrong answers, the surest first"]
        assert wrong.rows
        assert all(row[2] != row[3] for row in wrong.rows)
        assert all(row[2] == row[3] for row in tables["Right answers, the surest first"].rows)
