"""11: which run is exported, and what the step says of parity."""

import pytest
import small_project

from tailor.blocks import Callout, Table
from tailor.series import find_step
from tailor.serving.parity import Parity
from tailor.steps import deploy


@pytest.fixture
def project(home, monkeypatch):
    made = small_project.evaluated_project(home, monkeypatch)

    def export(project, dataset, run, max_new_tokens, log):
        folder = project.path("export/model")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.safetensors").write_text(run.id)
        (folder / "config.json").write_text('{"model_type": "llama", "architectures": ["LlamaForCausalLM"]}')
        return folder

    monkeypatch.setattr(deploy, "export_run", export)
    return made


def _compared(monkeypatch, *different):
    monkeypatch.setattr(deploy, "compare_with_tested", lambda *args, **rest: Parity(40, list(different)))


def test_the_best_run_is_exported(project, monkeypatch):
    _compared(monkeypatch)
    record = small_project.run_step(project, "11_deploy")
    assert (record["run"], record["identical"], record["compared"]) == ("lora-0000000000", 40, 40)
    first = next(block for block in deploy.blocks(project) if isinstance(block, Callout))
    assert first == Callout("The exported folder answers 40 of 40 test rows exactly as tested.", "good")


def test_another_run_may_be_chosen(project, monkeypatch):
    _compared(monkeypatch)
    assert (
        small_project.run_step(project, "11_deploy", run="few_shot-0000000000")["run"]
        == "few_shot-0000000000"
    )


def test_rows_that_differ_are_shown(project, monkeypatch):
    _compared(monkeypatch, *[(f"test.csv:{n}", "fees", "login") for n in range(3)])
    record = small_project.run_step(project, "11_deploy")
    assert record["identical"] == 37
    blocks = deploy.blocks(project)
    assert next(b.kind for b in blocks if isinstance(b, Callout)) == "bad"
    table = next(b for b in blocks if isinstance(b, Table) and b.caption == "Rows that differ")
    assert list(table.rows[0]) == ["test.csv:0", "fees", "login"]


def test_an_export_changed_by_hand_makes_the_step_stale(project, monkeypatch):
    _compared(monkeypatch)
    small_project.run_step(project, "11_deploy")
    project.path("export/model/model.safetensors").write_text("other")
    state = project.state(find_step("11"))
    assert (state.state, state.reason) == ("stale", "export/model was changed by hand or left incomplete")


def test_an_unknown_run_is_refused(project):
    settings = deploy.Settings(run="lora-000000000")
    assert deploy.blockers(project, settings) == [
        "run 'lora-000000000' was not compared in 10_evaluate; those were zero_shot-0000000000, "
        "few_shot-0000000000, lora-0000000000. Did you mean 'lora-0000000000'?"
    ]
