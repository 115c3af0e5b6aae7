"""What a notebook's cells call: open a step, show its form, run it, read its result."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tailor.blocks import Block
from tailor.errors import WorkbenchError
from tailor.machine import use_cores_politely
from tailor.progress import FileLog, Log, Logs
from tailor.project import Project, State
from tailor.series import StepSpec, find_step
from tailor.settings import Settings


@dataclass(frozen=True)
class Result:
    """A finished step: what it wrote, and how to look at it."""

    project: Project
    step: StepSpec
    skipped: bool
    seconds: float

    def blocks(self) -> list[Block]:
        return self.step.module.blocks(self.project)

    def show(self) -> None:
        """Display the result in the notebook: tables, plots, verdicts."""
        from tailor.ui.show import show_blocks

        show_blocks(self.blocks())

    def __repr__(self) -> str:
        did = "was up to date, nothing was run" if self.skipped else f"ran in {self.seconds:.1f} s"
        return f"{self.step.name} {did}; {self.project.path(self.step.record)}"


class OpenStep:
    """A step of a project, opened in a notebook.

    Args:
        changes: values laid over the blueprint for this opening (papermill's `settings` parameter).
    """

    def __init__(self, project: Project, step: StepSpec, changes: dict[str, Any]) -> None:
        self.project = project
        self.step = step
        self.changes = changes
        self._form: Any = None

    @property
    def state(self) -> State:
        return self.project.state(self.step, self.changes)

    def settings(self) -> Any:
        """The settings as blueprint and parameters give them."""
        return self.project.settings(self.step, self.changes)

    def form(self) -> Any:
        """A form of the step's settings; `form.value` is the settings object it shows."""
        from tailor.ui.form import Form

        self._form = Form(
            self.settings(), self.step.question, self.blockers, where=self.step.name, preview=self._preview
        )
        self._fill_form()
        return self._form

    def _fill_form(self) -> None:
        """Show in the form what the step's files say by now, where the step has something to show there."""
        if self._form is not None and hasattr(self.step.module, "fill_form"):
            self.step.module.fill_form(self.project, self._form)

    @property
    def _preview(self) -> Callable[[Settings], list[Block]] | None:
        """What the step's module shows below its form, where it has something to show and its inputs are there."""
        module = self.step.module
        if not hasattr(module, "preview") or not all(self.project.path(r).exists() for r in self.step.reads):
            return None
        return lambda settings: module.preview(self.project, settings)

    def blockers(self, settings: Settings) -> list[str]:
        """Plain sentences on why the step cannot run with these settings; quick and without side effects."""
        missing = [r for r in self.step.reads if not self.project.path(r).exists()]
        if missing:
            return [self.state.reason]
        module = self.step.module
        return module.blockers(self.project, settings) if hasattr(module, "blockers") else []

    def run(self, settings: Settings | None = None, *, force: bool = False) -> Result:
        """Do the step's work, unless its record already says that it was done from the same inputs and settings.

        Writes the choices into the blueprint, the step's files, and last its record.

        Raises:
            WorkbenchError: an input is missing, a setting or the data does not do.
        """
        from tailor.ui.live import notebook_log

        settings = self.settings() if settings is None else settings
        if problems := self.blockers(settings):
            raise WorkbenchError(
                f"{self.step.name} cannot run: {problems[0]}",
                "what the sentence above asks for",
                "change that and run the cell again",
            )
        inputs = self.project.inputs(self.step, settings)
        self.project.choose(self.step, settings)
        if not force and self.project.state(self.step, settings.model_dump(mode="json")).state == "done":
            return Result(self.project, self.step, True, 0.0)
        with notebook_log(self.step.name) as shown:
            seconds = run_step(
                self.project, self.step, settings, inputs, Logs(shown, *_runner_log(self.project))
            )
        self._fill_form()
        return Result(self.project, self.step, False, seconds)


def run_step(project: Project, step: StepSpec, settings: Settings, inputs: dict[str, str], log: Log) -> float:
    """Run a step's module and save its record, complete with inputs, settings and outputs. Returns seconds."""
    from tailor.machine import peak_memory_gib, reset_peak_memory

    project.folder.mkdir(parents=True, exist_ok=True)
    reset_peak_memory()
    start = time.perf_counter()
    record = step.module.run(project, settings, log)
    seconds = time.perf_counter() - start
    record.inputs = inputs
    record.settings = settings.deciding()
    record.outputs |= {name: project.hash_of(project.path(name)) for name in step.writes}
    record.test_set = record.test_set or _test_set(project, step)
    # a step that measured its models one by one has reset the peak in between, and says the highest itself
    peak = max(round(peak_memory_gib(), 3), record.measured.get("peak_gib", 0.0))
    record.measured |= {"seconds": round(seconds, 2), "peak_gib": peak}
    record.save(project.path(step.record))
    return seconds


def _test_set(project: Project, step: StepSpec) -> str:
    """The hash of the test rows, for every record after 04_format_data."""
    from tailor.records import DatasetRecord

    path = project.path("dataset.json")
    return DatasetRecord.load(path).test_set if step.name > "04_format_data" and path.exists() else ""


def _runner_log(project: Project) -> list[Log]:
    """The runner asks for progress by making this folder; nobody listens otherwise."""
    listening: Path = project.folder / ".cache" / "progress"
    return [FileLog(listening / "now.json")] if listening.is_dir() else []


def open_step(name: str, project: str, settings: dict[str, Any] | None = None) -> OpenStep:
    """Open a step of a project.

    Args:
        name: the step ("03_clean_data").
        project: the project's name, its folder under outputs/.
        settings: changes to this step's settings, laid over the blueprint.

    Raises:
        WorkbenchError: no such step, not a plain project name, an unknown setting or a value out of bounds.
    """
    use_cores_politely()
    opened = OpenStep(Project(project), find_step(name), dict(settings or {}))
    if not any(not opened.project.path(r).exists() for r in opened.step.reads):
        opened.settings()  # an unknown setting is told here, in the first cell, not three cells later
    return opened
