"""The whole series, headless through papermill and by hand through the forms: every notebook, same artefacts."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml
from driver import Workspace

from tailor.files import sha256_file
from tailor.project import Project
from tailor.series import STEPS

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "data" / "demos" / "bank_intents"
SMALL = {
    "00_start_here": {"base_model": "tailor-mini"},
    "04_format_data": {
        "max_train_rows": 96,
        "max_validation_rows": 40,
        "max_test_rows": 40,
        "accepted_checks": ["labels once"],  # of 96 rows drawn, a rare label may have one
    },
    "07_tune": {"epochs": 2, "checkpoint_seconds": 0},
    "08_search_hyperparameters": {"trials": 1},
    "10_evaluate": {
        "latency_rows": 2,
        "robustness_rows": 4,
        "injection_rows": 2,
        "out_of_scope_rows": 4,
        "bias_rows": 4,
        "forgetting_questions": 1,
        "explanation_rows": 2,
        "influence_answers": 1,
        "influence_rows": 4,
    },
}
BY_HAND = """
from tailor.notebook import open_step
from tailor.series import STEPS

for spec in STEPS:
    step = open_step(spec.name, "small", {})
    form = step.form()
    step.run(form.value)
"""
LEFT_OUT = {".cache", "notebooks", "logs", "last_run.json", "report.html", "report.md"}


def make_home(folder: Path) -> dict[str, str]:
    """A workspace with the project 'small'; returns the environment to work in it."""
    blueprint = yaml.safe_load((DEMO / "blueprint.yaml").read_text(encoding="utf-8"))
    blueprint["project"] = "small"
    for step, settings in SMALL.items():
        blueprint["steps"].setdefault(step, {}).update(settings)
    target = folder / "outputs" / "small" / "blueprint.yaml"
    target.parent.mkdir(parents=True)
    target.write_text(yaml.safe_dump(blueprint), encoding="utf-8")
    return {**os.environ, "TAILOR_HOME": str(folder), "OMP_WAIT_POLICY": "PASSIVE"}


def tailor(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "tailor.cli", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)


@pytest.fixture(scope="module")
def headless(tmp_path_factory) -> tuple[Path, dict[str, str], subprocess.CompletedProcess]:
    folder = tmp_path_factory.mktemp("headless")
    environment = make_home(folder)
    return folder / "outputs" / "small", environment, tailor(environment, "run", "--project", "small")


def test_every_notebook_runs_and_is_done(headless, monkeypatch):
    _, environment, ran = headless
    assert ran.returncode == 0, ran.stdout + ran.stderr
    monkeypatch.setenv("TAILOR_HOME", environment["TAILOR_HOME"])
    assert [(s.step, s.state) for s in Project("small").states()] == [(step.name, "done") for step in STEPS]


def test_the_run_ends_with_the_table_and_where_things_are(headless):
    _, _, ran = headless
    for word in ("base model", "prompting", "tuned", "report.html", "notebooks", "95%"):
        assert word in ran.stdout


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_the_executed_copy_can_be_read_without_widgets(headless, step):
    folder, _, _ = headless
    cells = nbformat.read(folder / "notebooks" / f"{step.name}.ipynb", as_version=4).cells
    form, result = (next(c for c in cells if tag in c.metadata.get("tags", [])) for tag in ("form", "result"))
    assert any("<table" in output.get("data", {}).get("text/html", "") for output in form.outputs)
    assert any("text/html" in output.get("data", {}) for output in result.outputs)


def test_a_second_run_does_nothing(headless):
    folder, environment, _ = headless
    before = {path: path.stat().st_mtime_ns for path in folder.glob("*.json") if path.name not in LEFT_OUT}
    again = tailor(environment, "run", "--project", "small")
    assert again.returncode == 0
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_changed_setting_makes_exactly_what_depends_on_it_stale(headless, monkeypatch):
    _, environment, _ = headless
    monkeypatch.setenv("TAILOR_HOME", environment["TAILOR_HOME"])
    project = Project("small")
    changed = next(step for step in STEPS if step.name == "12_monitor")
    state = project.state(changed, {"new_data": "data/demos/bank_intents/intents_2025.jsonl"})
    assert state.state == "stale"
    assert state.reason.startswith("setting new_data changed from ")
    assert [s.state for s in project.states()] == ["done"] * len(STEPS)


def artefacts(folder: Path) -> dict[str, str]:
    """Content of everything a run makes: records without what was measured, other files byte for byte."""
    found = {}
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.is_dir() or relative.parts[0] in LEFT_OUT or any(p.startswith(".") for p in relative.parts):
            continue
        if path.suffix == ".json" and "measured" in (values := json.loads(path.read_text(encoding="utf-8"))):
            values.pop("measured")
            found[str(relative)] = json.dumps(values, sort_keys=True)
        else:
            found[str(relative)] = sha256_file(path)
    return found


def test_by_hand_and_headless_make_the_same(headless, tmp_path):
    folder, _, _ = headless
    environment = make_home(tmp_path)
    by_hand = subprocess.run(
        [sys.executable, "-c", BY_HAND], env=environment, capture_output=True, text=True, timeout=600
    )
    assert by_hand.returncode == 0, by_hand.stderr
    ours, theirs = artefacts(tmp_path / "outputs" / "small"), artefacts(folder)
    assert sorted(ours) == sorted(theirs)
    assert [name for name in ours if ours[name] != theirs[name]] == []


def test_killed_while_tuning_it_goes_on_and_ends_the_same(headless, tmp_path):
    folder, _, _ = headless
    tailor(make_home(tmp_path), "run", "--project", "small", "--to", "06")
    command = [sys.executable, "-m", "tailor.cli", "run", "--project", "small", "--to", "07"]
    workspace = Workspace(tmp_path, command=command)
    run = json.loads((folder / "tuned.json").read_text(encoding="utf-8"))["run"]
    ours, theirs = (home / "runs" / run for home in (workspace.folder, folder))
    driver = workspace.start()
    workspace.wait_for("07_tune", driver, lambda _: any(ours.rglob("step-*/complete.json")))
    driver.send_signal(signal.SIGKILL)
    driver.communicate()
    assert not (ours / "run.json").exists()
    workspace.run()
    assert artefacts(ours) == artefacts(theirs)
