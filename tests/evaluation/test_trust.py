"""Too few test rows and too many looks at them are told; the version before is what a new one is held against."""

import polars as pl
import pytest
from small_project import RuleModel, add_run, answer_by_rule, evaluated_project, run_step

from tailor.blocks import Callout
from tailor.data.dataset import Dataset
from tailor.data.tables import write_table
from tailor.evaluation.criteria import judge_costs
from tailor.evaluation.seeds import say_seeds
from tailor.evaluation.trust import note_uses, too_small, used_too_often
from tailor.project import Project
from tailor.records import Comparison, Criterion, DatasetRecord, Estimate, Tuned
from tailor.steps import evaluate
from tailor.training import runs


def test_too_few_rows_are_told_with_how_many_would_do():
    found = Estimate(value=0.7, low=0.6, high=0.8)
    assert too_small("accuracy", found, 60, 60, 20.0) == ""
    assert too_small("accuracy", found, 60, 60, 10.0) == (
        "60 test rows are few: the interval of accuracy is 20.0 points wide, and 10 are allowed (widest_interval). "
        "About 240 rows would narrow it to that. Gather more rows, or give the test a larger share in 04_format_data."
    )
    assert too_small("accuracy", found, 60, 300, 10.0).endswith("The test split has 300: raise max_rows.")
    points = Estimate(value=40, low=38, high=42)
    assert too_small("chrf", points, 60, 60, 4.0) == ""


def test_runs_that_were_judged_are_counted_once(tmp_path, monkeypatch):
    monkeypatch.setenv("TAILOR_HOME", str(tmp_path))
    project = Project("small")
    assert note_uses(project, "", ["a"]) == ["a"]
    assert note_uses(project, "rows", ["a", "b"]) == ["a", "b"]
    assert note_uses(project, "rows", ["b", "c"]) == ["a", "b", "c"]
    assert note_uses(project, "other rows", ["d"]) == ["d"]
    assert note_uses(project, "rows", []) == ["a", "b", "c"]


def test_a_test_set_used_too_often_is_told():
    assert used_too_often(19) == ""
    assert used_too_often(23) == (
        "These test rows have judged 23 different runs by now. Choosing among so many fits the rows a little, and the "
        "best run looks better than it is (Dwork et al. 2015, The Reusable Holdout; Recht et al. 2019 found that the "
        "order of models mostly holds all the same). Decide on validation rows, and draw fresh test rows for a last "
        "check."
    )


@pytest.fixture
def project(tmp_path, monkeypatch):
    """After 10_evaluate, with test rows that have a hash, as 04 gives them."""
    monkeypatch.setenv("TAILOR_HOME", str(tmp_path))
    made = evaluated_project(
        tmp_path, monkeypatch, criteria=[Criterion(metric="seconds_per_answer", at_most=5)]
    )
    record = made.load(DatasetRecord, "dataset.json")
    record.test_set = "0123456789"
    record.save(made.path("dataset.json"))
    return made


QUICK = {"robustness": False}


def test_a_leaked_test_set_is_found(project):
    """Every fifth test row stands in the training rows, in capitals and with other blanks."""
    assert project.load(Comparison, "comparison.json").leaked == ""
    path = project.path("dataset/train.parquet")
    train, test = pl.read_parquet(path), pl.read_parquet(project.path("dataset/test.parquet"))
    copied = test[::5].with_columns(
        pl.col("input").str.to_uppercase().str.replace_all(" ", "  "), id="copy:" + pl.col("id")
    )
    write_table(pl.concat([train, copied]), path)
    record = run_step(project, "10_evaluate", **QUICK)
    assert record["leaked"].startswith(
        "12 of 60 test rows stand in the training rows too, case and blanks aside (test.csv:2, test.csv:7, "
        "test.csv:12, ...): the test is not one of new questions. Without them accuracy is 93.8% ("
    )
    assert record["leaked"].endswith(
        " in place of 93.3% (86.7% to 98.3%). Run 04_format_data again, or take these rows out of what is learned from."
    )
    assert record["leaked"] in _callouts(project)


def _callouts(project):
    return [block.text for block in evaluate.blocks(project) if isinstance(block, Callout)]


def test_a_new_version_is_held_against_the_one_before(project, monkeypatch):
    first = run_step(project, "10_evaluate", **QUICK)
    assert (first["measured"]["test_set_uses"], first["measured"]["previous"]) == (3, {})
    shares = {"zero_shot": 0.2, "few_shot": 0.4, "lora": 0.9, "full": 0.5}
    answer_by_rule(monkeypatch, {name: RuleModel("classify", share) for name, share in shares.items()})
    Tuned(run=add_run(project, "full", "Full fine-tuning")).save(project.path("tuned.json"))
    second = run_step(project, "10_evaluate", **QUICK)
    assert second["measured"]["test_set_uses"] == 4
    previous = second["measured"]["previous"]
    assert previous["run"] == "lora-0000000000"
    assert previous["difference"]["high"] < 0
    assert previous["says"].startswith("Against the version judged before (lora-0000000000): -")
    assert previous["says"] in _callouts(project)
    assert second["verdict"].startswith("On 60 test rows Full fine-tuning (tuned) does best")


def test_many_runs_on_the_same_rows_are_warned_of(project):
    note_uses(project, "0123456789", [f"lora-{n}" for n in range(20)])
    record = run_step(project, "10_evaluate", **QUICK)
    assert record["measured"]["test_set_uses"] == 23
    assert used_too_often(23) in _callouts(project)


def test_what_was_judged_before_does_not_change_the_hash(project):
    run_step(project, "10_evaluate", **QUICK)
    before = project.load(Comparison, "comparison.json").content_hash()
    note_uses(project, "0123456789", ["lora-1", "lora-2"])
    run_step(project, "10_evaluate", **QUICK)
    assert project.load(Comparison, "comparison.json").content_hash() == before


def test_p_values_cost_and_width_are_told(project):
    record = run_step(project, "10_evaluate", widest_interval=5.0, **QUICK)
    base, *others = record["compared"]
    assert base["p_corrected"] is None
    assert all(line["p_corrected"] >= line["p_value"] for line in others)
    (cost,) = record["measured"]["criteria"]
    assert (cost["metric"], cost["result"]) == ("seconds_per_answer", "met")
    assert cost["says"].endswith(" on this machine; the goal is at most 5")
    assert record["criteria"] == []
    said = _callouts(project)
    assert f"seconds_per_answer: {cost['says']}" in said
    assert record["too_small"].startswith("60 test rows are few: the interval of accuracy is ")
    assert record["too_small"] in said


def test_a_cost_that_was_not_measured_is_no_failure():
    (judged,) = judge_costs([Criterion(metric="seconds_per_answer", at_most=5)], {})
    assert (judged["result"], judged["says"]) == (
        "not measured",
        "it was not measured for this model: see latency_rows, or ask the model on this machine",
    )


def test_the_best_run_is_made_again_with_other_seeds(project, monkeypatch):
    shares, made = {3: 0.9, 4: 0.8, 5: 0.1}, []

    def make_run(project, name, config, dataset, **rest):
        assert rest["base"] == "tiny"
        made.append(rest["seed"])
        record = runs.read_run(project, add_run(project, name, "LoRA"))
        again = record.model_copy(update={"id": f"lora-seed{rest['seed']}", "seed": rest["seed"]})
        again.save(project.path(f"runs/{again.id}/run.json"))
        return again

    def load_run(project, ident, dataset=None):
        if "seed" in ident:
            return RuleModel("classify", shares[int(ident[-1])])
        return RuleModel(
            "classify", {"zero_shot": 0.2, "few_shot": 0.4, "lora": 0.9}[ident.rsplit("-", 1)[0]]
        )

    monkeypatch.setattr(runs, "make_run", make_run)
    monkeypatch.setattr(runs, "load_run", load_run)
    monkeypatch.setattr(evaluate, "measure_of", lambda *args: None)
    record = run_step(project, "10_evaluate", seeds=2, **QUICK)
    assert made == [4, 5]
    assert list(record["seeds"]) == ["3", "4", "5"]
    best = next(line for line in record["compared"] if line["run"] == record["best"])
    assert (
        record["seeds"]["3"]
        == best["metrics"]["accuracy"]["value"]
        > record["seeds"]["4"]
        > record["seeds"]["5"]
    )
    assert "evaluations/lora-seed5.parquet" in record["outputs"]
    (said,) = [text for text in _callouts(project) if text.startswith("LoRA with 3 seeds: accuracy ")]
    assert said.endswith("1 of 3 are no better than the base model: the gain hangs on the seed.")
    assert Dataset.open(project).record.test_set == "0123456789"


def test_spread_over_seeds_worked_by_hand():
    # mean 80%, deviations -10, 0 and 10 points: standard deviation 10
    assert say_seeds("accuracy", "LoRA", {"1": 0.7, "2": 0.8, "3": 0.9}, 0.5) == (
        "LoRA with 3 seeds: accuracy 80.0% on average, standard deviation 10.0 points (70.0% to 90.0%). Each of them "
        "is better than the base model."
    )
