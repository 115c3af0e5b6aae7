"""What `tailor run` is told on the command line: which steps, which project, and which of its choices change."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tailor.errors import WorkbenchError, did_you_mean

if TYPE_CHECKING:
    from tailor.project import Project
    from tailor.series import StepSpec

DEMO = "bank_support"
"""The project that a command is about when none is named."""


def choose_steps(first: str | None, last: str | None, only: str | None) -> tuple["StepSpec", ...]:
    """The steps from `first` to `last`, or `only` one.

    Raises:
        WorkbenchError: no such step, an empty range, or `only` together with a range.
    """
    from tailor.series import STEPS, find_step

    if only and (first or last):
        raise WorkbenchError(
            "--only stands beside --from or --to", "one step, or a range", "leave one of them out"
        )
    if only:
        return (find_step(only),)
    begin = STEPS.index(find_step(first)) if first else 0
    end = STEPS.index(find_step(last)) if last else len(STEPS) - 1
    if begin > end:
        raise WorkbenchError(
            f"--from {STEPS[begin].name} comes after --to {STEPS[end].name}",
            "a range in the order of the series",
            "swap them",
        )
    return STEPS[begin : end + 1]


def open_project(arguments: argparse.Namespace) -> "Project":
    """The project named, with the choices given on the command line written into its blueprint."""
    from tailor.blueprint import Blueprint
    from tailor.project import Project

    given = Blueprint.load(arguments.blueprint) if arguments.blueprint else None
    project = Project(arguments.project or (given.project if given else DEMO))
    if given is None and not arguments.data:
        check_exists(project)
    steps = {**(given or project.blueprint()).steps}
    for step, values in _changes(arguments, project).items():
        steps[step] = {**steps.get(step, {}), **values}
    if arguments.data and not steps.get("01_define_use_case", {}).get("task"):
        _guess_task(project, steps)
    check_choices(project, steps)
    blueprint = Blueprint(project=project.name, steps=steps)
    if blueprint != project.blueprint():
        blueprint.save(project.blueprint_path)
    return project


def _guess_task(project: "Project", steps: dict[str, dict[str, Any]]) -> None:
    """Write into `steps` the task that the data looks made for, and say so."""
    from tailor.data.task import guess_task

    guess = guess_task(steps["02_gather_data"]["sources"], project.resolve)
    if guess:
        task, why = guess
        steps["01_define_use_case"] = {**steps.get("01_define_use_case", {}), "task": task}
        print(f"Task: {task}, {why}. Change it with --task.", file=sys.stderr, flush=True)


def check_exists(project: "Project") -> None:
    """Refuse a project that is neither begun nor a demo when no data is given for it.

    Raises:
        WorkbenchError: names what there is.
    """
    if project.blueprint_path.exists() or project.blueprint().steps or project.name in demos():
        return
    begun = sorted(path.parent.name for path in project.folder.parent.glob("*/blueprint.yaml"))
    known = sorted({*begun, *demos()})
    raise WorkbenchError(
        f"there is no project '{project.name}' and no data was given",
        f"one of: {', '.join(known)}; or data for a new project",
        f"add --data FILE.{did_you_mean(project.name, known)}",
    )


def _changes(arguments: argparse.Namespace, project: "Project") -> dict[str, dict[str, Any]]:
    """What the command line changes: step -> setting -> value."""
    changes: dict[str, dict[str, Any]] = {}
    if arguments.data:
        changes["02_gather_data"] = {"sources": [as_source(path, project) for path in arguments.data]}
    if arguments.model:
        changes["00_start_here"] = {"base_model": arguments.model}
    if arguments.task:
        changes["01_define_use_case"] = {"task": arguments.task}
    if arguments.engine:
        changes["03_clean_data"] = {"engine": arguments.engine}
    for text in arguments.changes:
        step, setting, value = parse_change(text)
        changes.setdefault(step, {})[setting] = value
    return changes


def as_source(source: str, project: "Project") -> str:
    """How a source given on the command line is written into the blueprint: so that a file is found from any folder.

    Raises:
        WorkbenchError: there is no such file, or an address that cannot be right.
    """
    from tailor.data.sources import check_address, local_path
    from tailor.project import home

    check_address(source)
    path = local_path(source)
    if path is None:
        return source
    here = Path(path).expanduser().absolute()
    if not here.exists():
        project.resolve(path)  # found in the workspace, or an error with near names
        return source
    found = str(here.relative_to(home())) if here.is_relative_to(home()) else str(here)
    return source.replace(path, found, 1)


def parse_change(text: str) -> tuple[str, str, Any]:
    """Read "04_format_data.near_duplicates=0.8"; the value is YAML.

    Raises:
        WorkbenchError: not of that form, no such step, not YAML.
    """
    import yaml

    from tailor.plain_yaml import parse_yaml
    from tailor.series import find_step

    name, equals, value = text.partition("=")
    step, dot, setting = name.partition(".")
    if not (equals and dot and setting.strip()):
        raise WorkbenchError(
            f"--set {text}",
            "STEP.SETTING=VALUE, such as 04_format_data.near_duplicates=0.8",
            "write step, setting and value",
        )
    try:
        return find_step(step.strip()).name, setting.strip(), parse_yaml(value)
    except yaml.YAMLError:
        raise WorkbenchError(
            f"--set {text}: the value is not valid YAML",
            "a number, a text, true, false or [a, list]",
            "put the value between quotation marks",
        ) from None


def check_choices(project: "Project", steps: dict[str, dict[str, Any]]) -> None:
    """Check the choices of every step at once, before anything runs.

    A step whose settings depend on an earlier step's record is checked when that record is there.

    Raises:
        WorkbenchError: an unknown setting (with "did you mean") or a value out of its type or bounds.
    """
    from tailor.series import find_step
    from tailor.settings import make_settings

    for name, values in steps.items():
        if not values:
            continue
        try:
            model = project.settings_model(find_step(name))
        except WorkbenchError:
            continue
        make_settings(model, values, name)


def demos() -> list[str]:
    """The demo projects that ship with Tailor."""
    from tailor.project import source_home

    return sorted(path.parent.name for path in (source_home() / "data" / "demos").glob("*/blueprint.yaml"))
