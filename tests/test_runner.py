"""The runner on the small series: skips and failures. Kills and full disks are in tests/faults."""

import json
import os
import time
from dataclasses import replace

import pytest
import small_series

import tailor.execution
import tailor.runner
from tailor.driving import last_run
from tailor.errors import WorkbenchError
from tailor.execution import StepFailed
from tailor.runner import Outcome, run_series


def run(project, **options) -> list[str]:
    """Run the small series; returns what was done with each step."""
    notebooks = tailor.runner.notebooks_folder()
    outcomes = run_series(project, small_series.STEPS, notebooks=notebooks, **options)
    assert all(isinstance(outcome, Outcome) for outcome in outcomes)
    return [outcome.did for outcome in outcomes]


def journal(project) -> dict:
    return json.loads(project.path("last_run.json").read_text())


def test_the_series_runs_once_and_then_only_what_changed(small, monkeypatch, capsys):
    assert run(small) == ["ran"] * 4
    copies = sorted(path.name for path in small.path("notebooks").iterdir())
    assert copies == [f"{step.name}.ipynb" for step in small_series.STEPS]
    assert journal(small)["state"] == "finished"
    assert not small.path(".cache/progress").exists()
    assert "[4/4] 03_count: done in " in capsys.readouterr().err

    monkeypatch.setattr(tailor.execution, "_execute", None)  # a kernel started now would be an error
    start = time.perf_counter()
    assert run(small) == ["skipped"] * 4
    assert time.perf_counter() - start < 2
    monkeypatch.undo()


def test_a_changed_setting_reruns_what_depends_on_it(small):
    run(small)
    step = small_series.STEPS[3]
    small.choose(step, small.settings(step, {"word": "turnips"}))
    assert run(small) == ["skipped", "skipped", "skipped", "ran"]


@pytest.mark.parametrize(
    ("fault", "found", "needed", "fix"),
    [
        (
            "error",
            "ValueError: the watering can is empty",
            "a step that ends without an unexpected error",
            "read the traceback in the executed copy, then run the same command again: it goes on here",
        ),
        ("workbench", "no water", "a full watering can", "fill it"),
        (
            "kill",
            "the kernel was killed in cell 4 (run); most often the machine ran out of memory",
            "a kernel that lives until the last cell",
            "close other programs or choose smaller settings, then run the same command again: it goes on here",
        ),
    ],
)
def test_a_failure_names_the_cell_and_leaves_no_record(small, monkeypatch, fault, found, needed, fix):
    monkeypatch.setenv("SMALL_SERIES_FAULT", f"grow:{fault}")
    with pytest.raises(StepFailed) as caught:
        run(small)
    error = caught.value
    assert (error.found, error.needed, error.fix) == (found, needed, fix)
    assert error.headline == "notebooks/01_grow.ipynb stopped in cell 4 (run)."
    assert error.copy == small.path("notebooks/01_grow.failed.ipynb")
    assert journal(small)["steps"] == {"00_plant": "done", "01_grow": "failed at cell 4 (run)"}
    assert last_run(small) == "The latest run failed: 01_grow failed at cell 4 (run)."
    assert not small.path("grow.json").exists()
    assert not small.path("garden").exists()
    assert not small.path("notebooks/01_grow.ipynb").exists()
    _check_failed_copy(json.loads(error.copy.read_text()))

    if fault != "error":
        return  # how it goes on does not depend on why it stopped: seen once
    monkeypatch.delenv("SMALL_SERIES_FAULT")
    assert run(small) == ["skipped", "ran", "ran", "ran"]
    assert not error.copy.exists()
    assert last_run(small) == ""


def _check_failed_copy(copy: dict) -> None:
    """The run cell must say that it failed, and the one after it that it never ran."""
    cells = {cell["metadata"]["tags"][0]: cell for cell in copy["cells"] if cell["cell_type"] == "code"}
    assert cells["run"]["metadata"]["papermill"]["status"] == "failed"
    assert cells["run"]["outputs"][-1]["output_type"] == "error"
    assert cells["result"]["metadata"]["papermill"]["status"] == "pending"
    assert copy["metadata"]["papermill"]["exception"] is True


def test_a_notebook_that_does_not_do_its_step_is_a_failure(small):
    path = tailor.runner.notebooks_folder() / "00_plant.ipynb"
    path.write_text(json.dumps(small_series.notebook({"parameters": 'project = ""', "run": "1 + 1"})))
    with pytest.raises(StepFailed) as caught:
        run(small)
    assert caught.value.found == "the notebook ended, but its step is ready: not run yet"
    assert journal(small)["steps"] == {"00_plant": "ended without its record"}


def test_a_blocked_step_names_the_notebook_that_is_missing(small):
    with pytest.raises(WorkbenchError) as caught:
        run_series(small, small_series.STEPS[2:3], notebooks=tailor.runner.notebooks_folder())
    assert str(caught.value) == (
        "Found: plant.json of project 'small' is missing\n"
        "Needed: the result of 00_plant\n"
        "Do: run notebooks/00_plant.ipynb, or: tailor run --project small --to 00_plant"
    )


def test_a_warm_kernel_gives_what_a_plain_one_gives(small):
    run(small)
    plain = {step.record: small.hash_of(small.path(step.record)) for step in small_series.STEPS}
    source = tailor.runner.notebooks_folder() / "00_plant.ipynb"
    notebook = json.loads(source.read_text())
    warm_only = "import sys, os\nassert 'torch' in sys.modules and len(os.listdir('/proc/self/task')) >= 1\n"
    notebook["cells"][1]["source"] = warm_only + notebook["cells"][1]["source"]
    source.write_text(json.dumps(notebook))
    heavy = tuple(replace(step, heavy=True) for step in small_series.STEPS)
    run_series(small, heavy, notebooks=source.parent, force=True)
    warm = {step.record: small.hash_of(small.path(step.record)) for step in small_series.STEPS}
    assert warm == plain


def test_a_step_without_torch_starts_and_ends_in_three_seconds(small):
    run(small)  # papermill's own import, paid once in a series, is behind us
    small.path("count.json").unlink()
    before = os.times()
    run(small)
    after = os.times()
    # processor time, so that a busy machine does not decide: the driver's and its kernel's
    assert sum(after[:4]) - sum(before[:4]) < 3
