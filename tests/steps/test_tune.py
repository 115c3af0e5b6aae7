"""07: a run made, found again, and shown; its settings are the technique's."""

import json

import pytest
import small_project
import tuned_project
from architectures import write_architecture

from tailor.records import RunRecord, Tuned
from tailor.series import find_step
from tailor.steps.tune import settings_model
from tailor.techniques.lora import LoRAConfig


@pytest.fixture(scope="module", params=["classify", "respond"])
def project(request, tmp_path_factory):
    patch = pytest.MonkeyPatch()
    folder = tmp_path_factory.mktemp("home")
    patch.setenv("TAILOR_HOME", str(folder))
    yield tuned_project.tuned(folder, request.param)
    patch.undo()


def test_the_settings_are_the_techniques(project, home):
    assert settings_model(project) is LoRAConfig
    other = tuned_project.make_project(home, home / "tiny")
    assert settings_model(other) is LoRAConfig, "without a plan, those of LoRA"


def test_the_run_is_complete(project):
    tuned = project.load(Tuned, "tuned.json")
    record = RunRecord.load(project.path(f"runs/{tuned.run}/run.json"))
    metric = (
        "validation accuracy" if tuned.samples[0].reference in small_project.LABELS else "validation chrf"
    )
    assert {"training loss", "validation loss", metric} <= record.curves.keys()
    assert record.outputs.keys() == {"model/adapter_config.json", "model/adapter_model.safetensors"}
    config = json.loads(
        project.path(f"runs/{tuned.run}/model/adapter_config.json").read_text(encoding="utf-8")
    )
    assert config["base_model_name_or_path"] == "tiny", "no path of this machine"
    assert record.measured["tokens_per_second"] > 0


def test_samples_show_different_answers_before_and_after(project):
    samples = project.load(Tuned, "tuned.json").samples
    assert len(samples) == 3
    assert len({sample.reference for sample in samples}) == 3


def test_the_result_shows_curves_figures_a_batch_and_samples(project):
    text = tuned_project.shown(project, "07_tune")
    for wanted in (
        "What LoRA changes",
        "LoRA changes attention, feed-forward",
        "What it costs: ",
        "LoRA on ",
        "Validation loss",
        "weights trained",
        "tokens a second while training",
        "Be",
    ):
        assert wanted in text
    assert "row 1 of 4 in the batch" in text


def test_running_again_uses_the_finished_run(project):
    before = project.load(Tuned, "tuned.json").content_hash()
    path = project.path(f"runs/{project.load(Tuned, 'tuned.json').run}/run.json")
    stamp = path.stat().st_mtime_ns
    small_project.run_step(project, "07_tune", **tuned_project.QUICK)
    assert path.stat().st_mtime_ns == stamp
    assert project.load(Tuned, "tuned.json").content_hash() == before


def test_blockers_are_the_techniques(project, monkeypatch):
    monkeypatch.setattr("tailor.techniques.lora.LoRA.find_blockers", lambda *given: ["too hot"])
    assert find_step("07_tune").module.blockers(project, LoRAConfig()) == ["too hot"]


@pytest.mark.parametrize(
    ("kind", "technique"), [("t5", "lora"), ("bert", "setfit"), ("bert", "encoder_classifier")]
)
def test_other_kinds_of_models_are_tuned_and_shown(kind, technique, home):
    project = tuned_project.make_project(home, write_architecture(kind, home / "tiny"))
    small_project.run_step(project, "06_choose_technique", technique=technique)
    quick = {"epochs": 1.0, "max_steps": 1, "evaluations": 1, "metric_rows": 2}
    small_project.run_step(project, "07_tune", **quick)
    assert all(sample.after in small_project.LABELS for sample in project.load(Tuned, "tuned.json").samples)
    before = {sample.before for sample in project.load(Tuned, "tuned.json").samples}
    assert (before <= set(small_project.LABELS)) == (kind == "t5"), "an encoder knows no label before"
    text = tuned_project.shown(project, "07_tune")
    assert "What one batch looks like to the model" in text
    assert "tuned model" in text
