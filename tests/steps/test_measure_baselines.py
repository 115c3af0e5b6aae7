"""05: what prompting alone reaches, on validation rows only."""

import pytest
from small_project import LABELS, RuleModel, add_run, answer_by_rule, make_project, run_step

from tailor.blocks import Callout
from tailor.data.dataset import Dataset
from tailor.records import Criterion, RunRecord
from tailor.steps import measure_baselines
from tailor.techniques import find_technique
from tailor.training import runs


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Run 05 with models that answer these shares rightly; which runs are asked for is remembered."""
    monkeypatch.setenv("TAILOR_HOME", str(tmp_path))
    monkeypatch.setattr("tailor.models.catalog.resolve", lambda name: name)
    for name in ("zero_shot", "few_shot"):
        technique = type(find_technique(name))
        monkeypatch.setattr(technique, "find_blockers", lambda *args: [])

    def make(shares=(0.2, 0.5), task="classify", criteria=None, **settings):
        project = make_project(tmp_path, task, criteria=criteria)
        models = dict(
            zip(("zero_shot", "few_shot"), (RuleModel(task, share) for share in shares), strict=True)
        )
        answer_by_rule(monkeypatch, models)

        def make_run(project, name, config, dataset, **rest) -> RunRecord:
            assert rest["seed"] == 3
            return runs.read_run(project, add_run(project, name, find_technique(name).title))

        monkeypatch.setattr(runs, "make_run", make_run)
        return project, run_step(project, "05_measure_baselines", **settings), models

    return make


def test_prompting_is_measured_on_validation_rows_only(made, monkeypatch):
    project, record, models = made(calibration="none")
    assert record["runs"] == ["zero_shot-0000000000", "few_shot-0000000000"]
    asked = [text for model in models.values() for text in model.asked]
    assert {text for text in asked if "case" in text} == {e.input for e in Dataset.open(project).validation}
    assert not project.path("evaluations/zero_shot-0000000000.json").exists()
    assert set(record["outputs"]) == {
        f"evaluations/validation/{name}.{ending}"
        for name in (*record["runs"], "majority_label", "tfidf_logistic_regression")
        for ending in ("json", "parquet")
    }


def test_verdict_when_data_teaches_more(made):
    _, record, _ = made(criteria=[Criterion(metric="accuracy", at_least=0.9)])
    verdict = record["verdict"]
    assert verdict.startswith(
        "Prompting alone reaches accuracy 66.7% (55.0% to 78.3%) on 60 validation rows."
    )
    assert " brings +20.0 percentage points (" in verdict
    assert verdict.endswith(
        "TF-IDF and logistic regression reaches 100.0% (94.0% to 100.0%) without a language model. "
        "The data teaches more than prompting brings out: tuning is worth trying. The goal is accuracy 90.0%."
    )


def test_verdict_when_prompting_is_enough(made):
    _, record, _ = made(shares=(0.9, 1.0), criteria=[Criterion(metric="accuracy", at_least=0.8)])
    assert record["verdict"].endswith("Prompting already meets your criteria: tuning has to earn its price.")


def test_a_blocked_technique_is_left_out_and_told(made, monkeypatch):
    technique = type(find_technique("few_shot"))
    monkeypatch.setattr(technique, "find_blockers", lambda *args: ["The examples do not fit."])
    _, record, _ = made()
    assert record["runs"] == ["zero_shot-0000000000"]
    assert record["verdict"].endswith("Few-shot prompting was left out: The examples do not fit.")


@pytest.mark.parametrize("task", ["classify", "respond"])
def test_blocks_begin_with_the_verdict(made, task):
    project, record, _ = made(task=task)
    blocks = measure_baselines.blocks(project)
    assert next(block.text for block in blocks if isinstance(block, Callout)) == record["verdict"]
    table = next(block for block in blocks if getattr(block, "caption", "").startswith("On the same 60"))
    titles = [row[0] for row in table.rows]
    assert titles[-2:] == ["Zero-shot prompting", "Few-shot prompting"]
    assert len(titles) == (4 if task == "classify" else 3)
    assert LABELS
