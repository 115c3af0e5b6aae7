"""The evaluation harness on a real little model, with a task of our own; without the harness, a sentence."""

import json

import pytest
from small_project import add_run, evaluated_project

from tailor.errors import WorkbenchError
from tailor.evaluation import harness
from tailor.evaluation.harness import run_harness
from tailor.models.catalog import resolve

TASK = """\
task: colours
dataset_path: json
dataset_kwargs:
  data_files: {file}
test_split: train
output_type: multiple_choice
doc_to_text: "{{{{question}}}}"
doc_to_target: answer
doc_to_choice: [" red", " blue"]
metric_list:
  - metric: acc
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setenv("TAILOR_HOME", str(tmp_path))
    return evaluated_project(tmp_path, monkeypatch)


def test_without_the_harness_the_way_to_it_is_told(project, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "lm_eval", None)
    with pytest.raises(WorkbenchError) as error:
        run_harness(project, ["arc_easy"])
    assert str(error.value) == (
        "Found: the evaluation harness is not installed\n"
        "Needed: the package lm-eval\n"
        "Do: pip install 'tailor-workbench[harness]'"
    )


def test_metrics_and_their_intervals_are_read():
    found = harness._metrics({"alias": "x", "acc,none": 0.5, "acc_stderr,none": 0.1, "f1,get-answer": 0.25})
    assert list(found) == ["acc", "f1 (get-answer)"]
    assert (found["acc"].low, found["acc"].high) == pytest.approx((0.304, 0.696))
    assert found["f1 (get-answer)"] == 0.25  # no standard error: no interval


def test_base_model_and_run_are_measured_on_a_task_of_ones_own(project, tmp_path, monkeypatch):
    pytest.importorskip("lm_eval")
    from tailor.models.local_model import LocalModel
    from tailor.training import runs

    model = LocalModel.open(resolve("tailor-mini"))
    monkeypatch.setattr(runs, "load_run", lambda *args: model)
    run = add_run(project, "lora", "LoRA")
    rows = tmp_path / "rows.json"
    rows.write_text(json.dumps([{"question": f"The sky no. {n} is", "answer": n % 2} for n in range(12)]))
    folder = tmp_path / "tasks"
    folder.mkdir()
    (folder / "colours.yaml").write_text(TASK.format(file=rows))
    table = run_harness(project, ["colours"], run=run, rows=10, folder=folder)
    assert table.columns == ["task", "metric", "base model", run]
    assert [row[:2] for row in table.rows] == [["colours", "acc"]]
    assert table.rows[0][2] == table.rows[0][3]
    kept = json.loads(project.path(f"evaluations/harness/{run}.json").read_text(encoding="utf-8"))
    assert kept["rows"] == 10
    assert kept["tasks"]["colours"]["acc"]["value"] == table.rows[0][2].value
    with pytest.raises(WorkbenchError, match="Did you mean 'colours'"):
        run_harness(project, ["colors"], run=run, folder=folder)
