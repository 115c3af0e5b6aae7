"""05: what prompting alone reaches, on validation rows only."""

import random

import polars as pl
import pytest
from small_project import LABELS, RuleModel, add_run, answer_by_rule, make_project, run_step

from tailor.blocks import Callout, Figure
from tailor.data.dataset import Dataset
from tailor.data.tables import write_table
from tailor.records import Criterion, Evaluation, RunRecord
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

    def make(shares=(0.2, 0.5), task="classify", criteria=None, labels_swapped=False, **settings):
        project = make_project(tmp_path, task, criteria=criteria)
        if labels_swapped:
            _swap_labels(project)
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


def _swap_labels(project):
    """Give the training rows labels that have nothing to do with their text."""
    path = project.path("dataset/train.parquet")
    table = pl.read_parquet(path)
    labels = random.Random(1).choices(LABELS, k=table.height)
    write_table(table.with_columns(pl.Series("output", labels)), path)


def test_prompting_is_measured_on_validation_rows_only(made, monkeypatch):
    project, record, models = made(calibration="none")
    assert record["runs"] == ["zero_shot-0000000000", "few_shot-0000000000"]
    asked = [text for model in models.values() for text in model.asked]
    assert {text for text in asked if "case" in text} == {e.input for e in Dataset.open(project).validation}
    assert not project.path("evaluations/zero_shot-0000000000.json").exists()
    assert set(record["outputs"]) == {
        f"evaluations/validation/{name}.{ending}"
        for name in (*record["runs"], "majority_label", "nearest_answer", "tfidf_logistic_regression")
        for ending in ("json", "parquet")
    }


def test_verdict_when_data_teaches_more(made):
    _, record, _ = made(criteria=[Criterion(metric="accuracy", at_least=0.999)])
    assert record["decision"] == "tune"
    assert record["verdict"] == (
        "Prompting alone reaches accuracy 66.7% (55.0% to 78.3%) on 60 validation rows (Few-shot prompting); "
        "'Answer of the most similar training row' reaches 100.0% (94.0% to 100.0%) without a language model. It "
        "misses the goal accuracy 99.9%. Tune: the data teaches more than prompting brings out."
    )


def test_stop_where_prompting_is_enough(made):
    goal = Criterion(metric="mcc", at_least=0.99)
    _, record, _ = made(shares=(0.9, 1.0), criteria=[goal], labels_swapped=True)
    assert record["decision"] == "stop"
    assert record["verdict"].endswith(
        "Stop here: prompting is enough. Few-shot prompting already meets your success criteria. Tuning has to earn "
        "its price."
    )
    assert [rung["says"].endswith("meets your success criteria") for rung in record["rungs"]] == [
        False
    ] * 4 + [True]


def test_stop_where_no_language_model_is_needed(made):
    _, record, _ = made(criteria=[Criterion(metric="accuracy", at_least=0.8)])
    assert record["decision"] == "stop"
    assert record["verdict"].endswith(
        "Stop here: 'Answer of the most similar training row' already meets your success criteria, without a language "
        "model. Tuning has to earn its price."
    )


def test_do_not_tune_where_nothing_tells_the_answer(made):
    _, record, _ = made(shares=(0.0, 0.0), labels_swapped=True)
    assert record["decision"] == "look at the data"
    assert record["verdict"].endswith(
        "Do not tune yet: nothing does better than 'Always the commonest label', which looks at no input. Make sure "
        "that a person could answer from the input alone, and that the answers are right, before you train on them."
    )


def test_every_rung_is_paired_with_the_best_below_it(made):
    _, record, _ = made()
    majority, nearest, tfidf, zero, few = record["rungs"]
    assert (majority["over"], majority["difference"], majority["says"]) == ("", None, "")
    assert nearest["over"] == "Always the commonest label"
    assert nearest["says"] == "better than Always the commonest label"
    assert nearest["difference"]["value"] == pytest.approx(
        nearest["value"]["value"] - majority["value"]["value"]
    )
    assert zero["role"] == "base model"
    assert few["says"] == f"worse than {few['over']}"
    assert tfidf["says"].startswith("no difference to Answer of the most similar training row shown")
    assert all(rung["p_corrected"] >= rung["p_value"] for rung in record["rungs"][1:])


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
    table = next(block for block in blocks if getattr(block, "caption", "").startswith("Each rung against"))
    titles = [row[0] for row in table.rows]
    assert titles[-2:] == ["Zero-shot prompting", "Few-shot prompting"]
    assert len(titles) == (5 if task == "classify" else 4)
    figure = next(block for block in blocks if isinstance(block, Figure))
    assert len(figure.draw().axes[0].patches) == len(titles)


def test_each_way_of_prompting_tells_its_price(made):
    project, record, _ = made()
    for number, ident in enumerate(record["runs"]):
        path = project.path(f"evaluations/validation/{ident}.json")
        found = Evaluation.load(path)
        found.measured |= {
            "tokens_per_question": 40.0 + 200 * number,
            "seconds_per_question": 0.01 + 0.03 * number,
        }
        found.save(path)
    (table,) = [
        block
        for block in measure_baselines.blocks(project)
        if getattr(block, "caption", "").startswith("The price of prompting")
    ]
    zero, few = table.rows
    assert zero[1:] == ["40", "", "10 ms", ""]
    assert few[1:] == ["240", "+200", "40 ms", "+30 ms"]


def test_ways_of_prompting_have_settings_of_their_own(made):
    project, _, _ = made(prompting_settings={"few_shot": {"choose": "random", "demonstrations": 2}})

    def problems(**given):
        return measure_baselines.blockers(project, measure_baselines.Settings(prompting_settings=given))

    assert problems(few_shot={"choose": "nearest"}) == []
    assert problems(few_shots={}) == [
        "05_measure_baselines.prompting_settings names 'few_shots', which is not measured. Needed: one of: zero_shot, "
        "few_shot. Do: add it to 'prompting', or take it out. Did you mean 'few_shot'?"
    ]
    (problem,) = problems(few_shot={"chose": "nearest"})
    assert problem.startswith(
        "05_measure_baselines.prompting_settings.few_shot has no setting 'chose'. Needed: one of: "
    )
    assert problem.endswith("Do: correct the name. Did you mean 'choose'?")
