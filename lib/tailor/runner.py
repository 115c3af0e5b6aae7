"""The headless series: each notebook executed in order, those of done steps skipped.

What is done is computed from the records (tailor.project).
"""

import shutil
import time
from dataclasses import dataclass
from itertools import dropwhile
from pathlib import Path

from tailor.driving import Journal, driving
from tailor.execution import run_notebook
from tailor.files import disk_error, sweep
from tailor.project import Project, home, source_home
from tailor.series import STEPS, StepSpec
from tailor.terminal import SeriesDisplay


@dataclass(frozen=True)
class Outcome:
    """What the runner did with a step."""

    step: str
    did: str
    seconds: float


def run_series(
    project: Project,
    steps: tuple[StepSpec, ...] = STEPS,
    *,
    force: bool = False,
    notebooks: Path | None = None,
    display: SeriesDisplay | None = None,
) -> list[Outcome]:
    """Execute the notebooks of `steps` that are not done, in order.

    Args:
        force: run done steps as well.
        notebooks: the folder with the notebooks; Tailor's own otherwise.

    Raises:
        StepFailed: a notebook stopped.
        WorkbenchError: a step is blocked, another driver runs this project, or its folder cannot be written.
    """
    notebooks = notebooks or notebooks_folder()
    with driving(project):
        sweep(project.folder)
        progress = _listen(project)
        journal = Journal(project)
        try:
            _warm_up(project, steps, force)
            with display or SeriesDisplay(len(steps), progress) as shown:
                outcomes = [_run_step(project, step, force, notebooks, shown, journal) for step in steps]
        except BaseException as error:
            journal.end("failed" if isinstance(error, Exception) else "stopped")
            raise
        finally:
            shutil.rmtree(progress.parent, ignore_errors=True)
        journal.end("finished")
        return outcomes


def _warm_up(project: Project, steps: tuple[StepSpec, ...], force: bool) -> None:
    """Begin importing the stack in the background when a step that needs it is going to run."""
    todo = steps if force else tuple(dropwhile(lambda step: project.state(step).state == "done", steps))
    if any(step.heavy for step in todo):
        from tailor.kernels import WARMTH

        WARMTH.start()


def notebooks_folder() -> Path:
    """The workspace's notebooks, or Tailor's own where the workspace has none."""
    own = home() / "notebooks"
    return own if own.is_dir() else source_home() / "notebooks"


def _listen(project: Project) -> Path:
    """Make the folder that tells the kernels to write their progress."""
    progress = project.path(".cache/progress/now.json")
    try:
        progress.parent.mkdir(parents=True, exist_ok=True)
        progress.unlink(missing_ok=True)
    except OSError as error:
        raise disk_error(error, progress) from None
    return progress


def _run_step(
    project: Project, step: StepSpec, force: bool, notebooks: Path, shown: SeriesDisplay, journal: Journal
) -> Outcome:
    state = project.state(step)
    if state.state == "done" and not force:
        shown.skipped(step.name)
        journal.tell(step.name, "up to date")
        return Outcome(step.name, "skipped", 0.0)
    if state.state == "blocked":
        project.inputs(step, project.settings(step))  # raises the error that `state` put in a sentence
    if force:
        project.path(step.record).unlink(missing_ok=True)
    shown.started(step.name, "asked to" if force else state.reason)
    start = time.perf_counter()
    run_notebook(project, step, notebooks / f"{step.name}.ipynb", {"project": project.name}, journal)
    seconds = time.perf_counter() - start
    shown.finished(step.name, seconds)
    journal.tell(step.name, "done")
    return Outcome(step.name, "ran", seconds)
