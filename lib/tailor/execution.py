"""One notebook, executed by papermill and kept as a copy. The only importer of papermill.

The copy is written to a hidden name and renamed when the notebook has ended, to `<name>.ipynb` or, after a failure, to
`<name>.failed.ipynb`.
"""

import ast
import json
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from tailor.driving import Journal
from tailor.errors import WorkbenchError, did_you_mean
from tailor.files import disk_error
from tailor.project import Project, home
from tailor.series import StepSpec

KERNEL_DIED = "the kernel was killed"
_THREE_LINES = re.compile(r"Found: (?P<found>.*?)\nNeeded: (?P<needed>.*?)\nDo: (?P<fix>.*)", re.DOTALL)


class StepFailed(WorkbenchError):
    """A notebook stopped.

    Args:
        step: the step's name.
        cell: which of the notebook's code cells, counted from 1, and its tag: "4 (run)".
        copy: the executed copy, with the whole traceback.
    """

    def __init__(self, step: str, cell: str, copy: Path, error: WorkbenchError) -> None:
        super().__init__(error.found, error.needed, error.fix)
        self.step = step
        self.cell = cell
        self.copy = copy

    @property
    def headline(self) -> str:
        return f"notebooks/{self.step}.ipynb stopped in cell {self.cell}."


def run_notebook(
    project: Project, step: StepSpec, source: Path, parameters: dict[str, Any], journal: Journal
) -> Path:
    """Execute one notebook and keep the executed copy.

    Returns:
        The executed copy.

    Raises:
        StepFailed: a cell failed, the kernel died, or the step is not done although the notebook ended.
        WorkbenchError: no such notebook, an unknown parameter, the copy cannot be written.
    """
    notebook = read_notebook(source)
    check_parameters(notebook, parameters, source.name)
    folder = project.path("notebooks")
    running, finished = folder / f".running-{source.name}", folder / source.name
    failed = folder / f"{step.name}.failed.ipynb"
    where = _Where(notebook, lambda cell: journal.tell(step.name, f"running cell {cell}"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _execute(source, running, parameters, heavy=step.heavy, on_cell_start=where.cell_started)
    except OSError as error:
        raise disk_error(error, finished) from None
    except Exception as error:
        problem = _as_workbench_error(error, where.cell)
        journal.tell(step.name, f"failed at cell {where.cell}")
        _keep_failed(running, failed, error, where.index)
        raise StepFailed(step.name, where.cell, failed, problem) from None
    os.replace(running, finished)
    failed.unlink(missing_ok=True)
    _check_done(project, step, where.cell, finished, journal)
    return finished


def _execute(
    source: Path, target: Path, parameters: dict[str, Any], *, heavy: bool, on_cell_start: Any
) -> None:
    import logging

    import papermill

    from tailor.kernels import kernel_manager

    logging.getLogger("papermill").addHandler(logging.NullHandler())  # what it would warn of is told by us
    papermill.execute_notebook(
        str(source).replace("{", "{{").replace("}", "}}"),  # papermill takes braces for parameters
        str(target).replace("{", "{{").replace("}", "}}"),
        parameters=parameters,
        kernel_name="python3",
        language="python",
        progress_bar=False,
        cwd=str(home()),
        kernel_manager_class=kernel_manager(heavy),
        shutdown_kernel="immediate",
        store_widget_state=False,  # so that a copy shows the form as its table wherever it is opened
        on_cell_start=on_cell_start,
    )


class _Where:
    """Follows which code cell of the notebook is being executed: papermill adds one of its own."""

    def __init__(self, notebook: dict, tell: Any) -> None:
        self.tags = [_tags(c) for c in notebook["cells"] if c["cell_type"] == "code"]
        self.number = 0
        self.index = 0
        self.tell = tell

    @property
    def cell(self) -> str:
        """ "4 (run)"; "1 (parameters)" while the kernel starts."""
        tags = self.tags[max(self.number, 1) - 1] if self.tags else []
        return f"{max(self.number, 1)} ({tags[0]})" if tags else str(max(self.number, 1))

    def cell_started(self, cell: dict, cell_index: int) -> None:
        self.index = cell_index
        if cell["cell_type"] == "code" and "injected-parameters" not in _tags(cell):
            self.number += 1
            self.tell(self.cell)


def _tags(cell: dict) -> list[str]:
    return cell.get("metadata", {}).get("tags", [])


def read_notebook(path: Path) -> dict:
    """A notebook's JSON.

    Raises:
        WorkbenchError: it is missing or not a notebook.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        values["cells"]
    except FileNotFoundError:
        raise WorkbenchError(
            f"there is no notebook {path}", "the notebook of the step", "restore it: git checkout notebooks"
        ) from None
    except (ValueError, KeyError, TypeError):
        raise WorkbenchError(
            f"{path} is not a notebook", "JSON as Jupyter writes it", "restore it: git checkout notebooks"
        ) from None
    return values


def check_parameters(notebook: dict, parameters: dict[str, Any], name: str) -> None:
    """Refuse a parameter that the notebook's parameters cell does not set (papermill would only warn).

    Raises:
        WorkbenchError: an unknown parameter, or no parameters cell.
    """
    known = _parameter_names(notebook)
    for parameter in parameters:
        if parameter not in known:
            raise WorkbenchError(
                f"{name} has no parameter '{parameter}'",
                f"one of: {', '.join(known) or 'none, no cell is tagged parameters'}",
                f"correct the name.{did_you_mean(parameter, known)}",
            )


def _parameter_names(notebook: dict) -> list[str]:
    names = []
    for cell in notebook["cells"]:
        if "parameters" in _tags(cell):
            for node in ast.parse("".join(cell["source"])).body:
                targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
                names += [target.id for target in targets if isinstance(target, ast.Name)]
    return names


def _check_done(project: Project, step: StepSpec, cell: str, copy: Path, journal: Journal) -> None:
    """A notebook may end without having done its step: someone removed the run cell, or an input changed meanwhile."""
    state = project.state(step)
    if state.state == "done":
        return
    journal.tell(step.name, "ended without its record")
    error = WorkbenchError(
        f"the notebook ended, but its step is {state.state}: {state.reason}",
        f"a run cell that writes {step.record}, and inputs that stay the same while it runs",
        "run the same command again; if it says so again, restore the notebook",
    )
    raise StepFailed(step.name, cell, copy, error)


# --- failures ----------------------------------------------------------------------------------------------------
def _as_workbench_error(error: Exception, cell: str) -> WorkbenchError:
    """What went wrong in the kernel, in three lines."""
    name, said = getattr(error, "ename", type(error).__name__), str(getattr(error, "evalue", error))
    if told := _THREE_LINES.search(said):
        return WorkbenchError(told["found"].strip(), told["needed"].strip(), told["fix"].strip())
    if _kernel_died(error):
        return WorkbenchError(
            f"{KERNEL_DIED} in cell {cell}; most often the machine ran out of memory",
            "a kernel that lives until the last cell",
            "close other programs or choose smaller settings, then run the same command again: it goes on here",
        )
    last = said.strip().splitlines()[-1] if said.strip() else "no message"
    return WorkbenchError(
        f"{name}: {last}",
        "a step that ends without an unexpected error",
        "read the traceback in the executed copy, then run the same command again: it goes on here",
    )


def _kernel_died(error: Exception) -> bool:
    return type(error).__name__ == "DeadKernelError" or "Kernel died" in str(error)


def _keep_failed(running: Path, failed: Path, error: Exception, index: int) -> None:
    """Keep what was executed; papermill marks the cells of a killed kernel as completed, which is put right here."""
    with suppress(OSError, ValueError, KeyError):
        if _kernel_died(error):
            notebook = json.loads(running.read_text(encoding="utf-8"))
            _mark_failed(notebook, index)
            running.write_text(json.dumps(notebook, indent=1, ensure_ascii=False), encoding="utf-8")
        os.replace(running, failed)


def _mark_failed(notebook: dict, index: int) -> None:
    notebook["metadata"].setdefault("papermill", {})["exception"] = True
    cell = notebook["cells"][index]
    cell["metadata"].setdefault("papermill", {}).update(exception=True, status="failed")
    told = {"output_type": "error", "ename": "KernelDied", "evalue": KERNEL_DIED, "traceback": [KERNEL_DIED]}
    cell.setdefault("outputs", []).append(told)
    for later in notebook["cells"][index + 1 :]:
        later["metadata"].setdefault("papermill", {}).update(exception=None, status="pending")
