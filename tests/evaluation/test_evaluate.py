"""The evaluator: same rows for every model, predictions made once, a killed evaluation goes on where it stood."""

import shutil
import time

import numpy as np
import pytest
from data_project import write_tokenizer
from small_project import LABELS, RuleModel, add_run, make_project

from tailor.data.dataset import Dataset
from tailor.errors import WorkbenchError
from tailor.evaluation import answering
from tailor.evaluation.asking import EvaluationSettings
from tailor.evaluation.evaluate import Evaluator
from tailor.evaluation.loaded import Loaded
from tailor.evaluation.measure import make_measure
from tailor.evaluation.predictions import load_evaluation, predictions_path, read_predictions
from tailor.evaluation.references import majority_label, nearest_answer, references_for
from tailor.progress import Log
from tailor.records import Criterion, Guideline, UseCase
from tailor.training import runs


@pytest.fixture
def evaluator(tmp_path, monkeypatch):
    """Make an evaluator of a model on the test split; `evaluator.model` answers, and counts what it was asked."""
    monkeypatch.setenv("TAILOR_HOME", str(tmp_path))

    def make(model, split="test", **settings):
        project = make_project(tmp_path, model.task)
        add_run(project, "zero_shot", "Zero-shot prompting")
        monkeypatch.setattr(runs, "load_run", lambda *args: model)
        return Evaluator(project, Dataset.open(project), split, EvaluationSettings(**settings), 3, Log())

    return make


RUN = "zero_shot-0000000000"


def test_labels_are_chosen_by_log_probability(evaluator):
    made = evaluator(RuleModel("classify", share=0.5))
    found = made.run(RUN)
    table = read_predictions(made.project, RUN)
    assert table.columns == [
        "id", "source", "input", "reference", "prediction", "confidence", "scores", "accuracy",
    ]  # fmt: skip
    assert table.height == found.rows == 60
    assert found.headline == "accuracy"
    assert found.metrics["accuracy"].value == table["accuracy"].mean()
    assert found.metrics["accuracy"].low < found.metrics["accuracy"].value < found.metrics["accuracy"].high
    assert found.labels == LABELS
    assert sum(sum(row) for row in found.confusion) == 60
    assert load_evaluation(made.project, RUN) == found


def test_written_answers_are_measured(evaluator):
    made = evaluator(RuleModel("respond", share=0.5))
    found = made.run(RUN)
    assert list(found.metrics) == ["chrf", "rouge_l"]
    table = read_predictions(made.project, RUN)
    assert not any(text.endswith("\n") for text in table["prediction"])
    right = table.filter(table["reference"] == table["prediction"])
    assert right.height >= 30
    assert right["chrf"].to_list() == [100.0] * right.height


def test_predictions_are_made_once(evaluator):
    model = RuleModel("classify", share=0.5)
    made = evaluator(model, calibration="none")
    first = made.run(RUN)
    asked = len(model.asked)
    assert made.run(RUN) == first
    more = Evaluator(
        made.project,
        made.dataset,
        "test",
        EvaluationSettings(calibration="none", bootstrap_samples=500),
        3,
        Log(),
    )
    assert more.run(RUN).settings["bootstrap_samples"] == 500
    assert len(model.asked) == asked
    path = predictions_path(made.project, RUN)
    path.write_bytes(path.read_bytes()[:-10])
    assert made.run(RUN).metrics == first.metrics
    assert len(model.asked) == asked
    assert made.run(RUN).measured == first.measured


def test_the_answers_of_a_run_made_anew_are_asked_anew(evaluator):
    model = RuleModel("classify", share=0.5)
    made = evaluator(model, calibration="none")
    made.run(RUN)
    asked = len(model.asked)
    path = made.project.path(f"runs/{RUN}/run.json")
    path.write_text(path.read_text(encoding="utf-8").replace('"seed": 3', '"seed": 4'), encoding="utf-8")
    made.run(RUN)
    assert len(model.asked) == 2 * asked
    assert len(list(made.project.path("evaluations/.answers").iterdir())) == 1


def test_interrupted_evaluation_goes_on_where_it_stood(evaluator, monkeypatch):
    monkeypatch.setattr(answering, "PIECE", 20)
    model = RuleModel("respond", share=0.5)
    made = evaluator(model)
    answer, calls = model.generate, []

    def dies_in_the_third_piece(prompts, config):
        calls.append(len(prompts))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return answer(prompts, config)

    model.generate = dies_in_the_third_piece
    with pytest.raises(KeyboardInterrupt):
        made.run(RUN)
    assert load_evaluation(made.project, RUN) is None
    resumed = made.run(RUN)
    assert calls == [20, 20, 20, 20]
    folder = made.project.path("evaluations")
    assert sorted(path.name for path in folder.iterdir()) == [".answers", f"{RUN}.json", f"{RUN}.parquet"]
    hashes = resumed.outputs
    (folder / f"{RUN}.json").unlink()
    assert made.run(RUN).outputs == hashes


def test_calibration_divides_a_prior_opinion_out(evaluator):
    biased = RuleModel("classify", share=1.0, bias=3.0)
    assert evaluator(biased, calibration="none").run(RUN).metrics["accuracy"].value == pytest.approx(1 / 3)
    auto = evaluator(biased, calibration="auto")
    found = auto.run(RUN)
    assert found.metrics["accuracy"].value == 1.0
    assert found.settings["calibration_used"] == "contextual"
    validation = load_evaluation(auto.project, RUN, "validation")
    assert validation.settings["calibration_used"] == "contextual"
    fair = evaluator(RuleModel("classify", share=1.0), calibration="auto")
    shutil.rmtree(fair.project.path("evaluations"))
    assert fair.run(RUN).settings["calibration_used"] == "none"


class Scoring(RuleModel):
    """Gives every reference two nats a letter."""

    def score(self, prompts, completions):
        with self.usage.timed(len(prompts)):
            return [-2.0 * len(text) for text in completions]


def test_references_are_scored_where_a_metric_asks_for_it(evaluator, tmp_path):
    made = evaluator(Scoring("respond", share=0.5))
    assert "bits_per_character" not in made.run(RUN).metrics
    record = made.dataset.record.model_copy(update={"base_model": str(write_tokenizer(tmp_path / "bytes"))})
    dataset = Dataset(record, made.dataset.folder)
    asked = EvaluationSettings(metrics=["bits_per_character", "perplexity", "repetition"])
    found = Evaluator(made.project, dataset, "test", asked, 3, Log()).run(RUN)
    assert list(found.metrics) == ["chrf", "rouge_l", "bits_per_character", "perplexity", "repetition"]
    assert found.metrics["bits_per_character"].value == pytest.approx(2 / np.log(2))
    characters = [len(text) for text in read_predictions(made.project, RUN)["reference"]]
    tokens = sum(characters) + 60  # one a byte, and one for each end
    assert found.metrics["perplexity"].value == pytest.approx(np.exp(2 * sum(characters) / tokens))


def test_a_model_without_probabilities_is_measured_all_the_same(evaluator):
    class Endpoint(RuleModel):
        def score(self, prompts, completions):
            raise WorkbenchError("far away gives no probabilities", "", "")

    made = evaluator(Endpoint("respond", share=0.5), metrics=["perplexity"])
    made.dataset.record.base_model = str(write_tokenizer(made.project.folder / "bytes"))
    assert list(made.run(RUN).metrics) == ["chrf", "rouge_l"]


def test_success_criteria_are_measured_without_being_asked_for(evaluator, tmp_path):
    (tmp_path / "mine.py").write_text("def short(answer, reference):\n    return len(answer) < 60\n")
    made = evaluator(RuleModel("respond", share=0.5))
    goals = [
        Criterion(metric=name, at_least=0.5) for name in ("token_f1", "keeps new", "keeps gone", "mine:short")
    ]
    case = made.project.load(UseCase, "use_case.json").model_copy(
        update={"success": goals, "guidelines": [Guideline(id="new", text="", must_match="new")]}
    )
    case.save(made.project.path("use_case.json"))
    first = made.run(RUN)
    assert list(first.metrics) == ["chrf", "rouge_l", "token_f1", "keeps new", "mine:short"]
    (tmp_path / "mine.py").write_text("def short(answer, reference):\n    return False\n")
    assert made.run(RUN).metrics["mine:short"].value == 0 < first.metrics["mine:short"].value


def test_calibration_is_measured_by_the_models_own_confidence(evaluator):
    made = evaluator(RuleModel("classify", share=0.5), calibration="none")
    found, table = made.run(RUN), read_predictions(made.project, RUN)
    assert list(found.metrics) == ["accuracy", "macro_f1", "mcc", "ece"]
    # two confidences only, each in a bin of its own: one label ahead of the others by a nat, or all alike
    gaps = [
        abs(part["confidence"].mean() - part["accuracy"].mean()) * part.height
        for _, part in table.group_by("confidence")
    ]
    assert found.metrics["ece"].value == pytest.approx(sum(gaps) / 60, abs=1e-5)


def test_what_one_answer_costs_is_measured(evaluator):
    class Slow(RuleModel):
        def generate(self, prompts, config):
            end = time.process_time() + 0.02
            while time.process_time() < end:
                pass
            return super().generate(prompts, config)

    class Timed(EvaluationSettings):
        latency_rows: int = 5

    made = evaluator(Slow("respond", share=0.5))
    made = Evaluator(made.project, made.dataset, "test", Timed(watts_per_core=10.0), 3, Log())
    found = made.run(RUN).measured
    assert found["timed_answers"] == 5
    assert 0.02 <= found["seconds_per_answer"] <= found["seconds_per_answer_p95"]
    assert found["watt_hours_per_1000"] == pytest.approx(
        found["cpu_seconds"] * 10 / 60 * 1000 / 3600, abs=1e-3
    )


def test_loading_the_model_is_no_part_of_waiting_for_an_answer():
    loaded = Loaded(lambda: [time.sleep(0.3)])
    found = loaded.time_single([lambda: loaded.model] * 3)
    assert found["timed_answers"] == 3
    assert found["seconds_per_answer_p95"] < 0.1


def test_fewer_rows_are_drawn_by_seed_in_their_order(evaluator):
    made = evaluator(RuleModel("classify", share=0.5), max_rows=10)
    found = made.run(RUN)
    ids = read_predictions(made.project, RUN)["id"].to_list()
    assert found.rows == len(ids) == 10
    order = [example.id for example in made.dataset.test]
    assert ids == sorted(ids, key=order.index) != order[:10]


def test_an_empty_split_is_refused(evaluator, monkeypatch):
    made = evaluator(RuleModel("classify", share=0.5))
    monkeypatch.setattr(Dataset, "read", lambda self, split: [])
    with pytest.raises(WorkbenchError) as error:
        made.run(RUN)
    assert str(error.value) == (
        "Found: the test split has no rows\n"
        "Needed: at least one row to evaluate on\n"
        "Do: give 04_format_data more rows, or a larger share for test"
    )


def test_references_need_no_model(evaluator):
    made = evaluator(RuleModel("classify", share=0.5))
    values = {
        name: made.reference(name, predict).metrics["accuracy"].value
        for name, predict in references_for("classify").items()
    }
    assert values["majority_label"] == pytest.approx(1 / 3)
    assert values["tfidf_logistic_regression"] > 0.95


def test_references_by_hand(evaluator):
    dataset = evaluator(RuleModel("respond", share=0.5)).dataset
    assert nearest_answer(dataset.train, dataset.train[:5]) == [e.output for e in dataset.train[:5]]
    assert majority_label(dataset.train[:1], dataset.test[:2]) == [dataset.train[0].output] * 2


def test_measure_in_training_asks_the_same_validation_rows(evaluator):
    dataset = evaluator(RuleModel("classify", share=0.5)).dataset
    measure = make_measure(dataset, rows=20, seed=1)
    weak, strong = RuleModel("classify", share=0.2), RuleModel("classify", share=1.0)
    assert measure(strong) == {"accuracy": 1.0, "macro_f1": 1.0}
    assert measure(weak)["accuracy"] < 1.0
    assert sorted(weak.asked) == sorted(strong.asked)
    assert len(weak.asked) == 20
    assert set(weak.asked) <= {example.input for example in dataset.validation}
