"""13: proposals follow from figures, and the next blueprint can be run."""

import pytest
import small_project

from tailor.blueprint import Blueprint
from tailor.records import Criterion, Monitoring, Point, RunRecord
from tailor.series import find_step
from tailor.steps import refine


@pytest.fixture
def made(home, monkeypatch):
    def make(measures=(), new_data="", **options):
        project = small_project.evaluated_project(home, monkeypatch, **options)
        Monitoring(rows=1, measures=list(measures), verdict="", settings={"new_data": new_data}).save(
            project.path("monitoring/monitoring.json")
        )
        return project

    return make


def _proposals(record, step):
    return [p for p in record["proposals"] if p["step"] == step]


def test_every_run_is_in_the_ledger(made):
    record = small_project.run_step(made(), "13_refine")
    assert [(e["title"], e["best"]) for e in record["entries"]] == [
        ("Zero-shot prompting", False),
        ("Few-shot prompting", False),
        ("LoRA", True),
    ]
    tuned = record["entries"][2]
    assert tuned["test"]["metric"] == "accuracy"
    assert tuned["test"]["low"] <= tuned["test"]["value"] <= tuned["test"]["high"]


def test_confused_labels_are_named_with_their_counts(made):
    record = small_project.run_step(made(shares=(0.1, 0.2, 0.7)), "13_refine")
    found = next(p for p in record["proposals"] if p["what"].startswith("Add rows that tell"))
    assert "was taken for" in found["why"]
    assert "of 20 test rows; training has 40 and 40 rows of them." in found["why"]
    assert not found["in_next_blueprint"]


def test_training_that_was_still_improving_goes_on_longer(made, monkeypatch):
    project = made()
    path = project.path("runs/lora-0000000000/run.json")
    run = RunRecord.load(path)
    run.config = {"epochs": 3.0}
    run.curves = {"validation loss": [Point(step=n, value=v) for n, v in enumerate((2.0, 1.5, 1.2))]}
    run.save(path)
    record = small_project.run_step(project, "13_refine")
    longer = _proposals(record, "07_tune")[0]
    assert longer["why"] == "The validation loss was still falling at the end: 1.500, then 1.200."
    assert longer["settings"] == {"epochs": 6.0}


def test_drift_with_answers_proposes_to_learn_from_the_new_rows(made, home):
    (home / "new.csv").write_text("text,intent\nhello,fees\n")
    words = {"name": "new_words", "title": "", "value": 1, "p_value": 0, "status": "act",
             "says": "Words that training never saw: 0% then, 20% now", "details": {"terms": ["crypto"]}}  # fmt: skip
    quality = {
        "name": "quality",
        "title": "",
        "value": 0,
        "p_value": 1,
        "status": "ok",
        "says": "",
        "details": {},
    }
    project = made([words, quality], new_data="new.csv")
    project.choose(find_step("02"), find_step("02").module.Settings(sources=["old.csv"]))
    record = small_project.run_step(project, "13_refine")
    first = record["proposals"][0]
    assert first["what"] == "Learn from the new rows of new.csv as well. They bring new words: crypto."
    assert first["settings"] == {"sources": ["old.csv", "new.csv"]}
    assert first["in_next_blueprint"]
    following = Blueprint.load(project.path("next_blueprint.yaml"))
    assert following.project == "small_next"
    assert following.steps["02_gather_data"] == {"sources": ["old.csv", "new.csv"]}
    without = small_project.run_step(made([words], new_data="new.csv"), "13_refine")
    assert without["proposals"][0]["what"].startswith(
        "Have the new rows of new.csv answered, then learn from them."
    )


def test_too_few_test_rows_are_told(made):
    project = made(criteria=[Criterion(metric="accuracy", at_least=0.92)])
    record = small_project.run_step(project, "13_refine")
    found = next(p for p in record["proposals"] if p["step"] == "04_format_data")
    assert found["why"].startswith("accuracy is not decidable with 60 rows: ")
    small_project.run_step(project, "10_evaluate", max_rows=30)
    record = small_project.run_step(project, "13_refine")
    assert _proposals(record, "10_evaluate")[0]["settings"] == {"max_rows": 0}


def test_prompting_that_wins_and_a_plain_method_that_wins_are_both_said(made):
    record = small_project.run_step(made(shares=(0.2, 0.6, 0.3)), "13_refine")
    says = [p["what"] for p in record["proposals"]]
    assert "Keep prompting, or tune a larger base model." in says
    assert any(what.startswith("Search other settings or a larger base model") for what in says)


def test_a_project_may_not_follow_itself(made):
    project = made()
    assert refine.blockers(project, refine.Settings(next_project="small")) == [
        "next_project is this project's own name, 'small'"
    ]
    assert refine.blockers(project, refine.Settings(next_project="../up")) == [
        "the project name '../up' does not do: 1 to 60 letters, digits, '_' or '-', starting with a letter or digit"
    ]


def test_blocks_give_the_command_that_goes_on(made):
    project = made()
    small_project.run_step(project, "13_refine")
    assert refine.blocks(project)[-1].text.endswith("tailor run outputs/small/next_blueprint.yaml")
