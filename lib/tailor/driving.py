"""Who runs a project, and how far it came: a lock for one driver, and last_run.json for people.

Neither decides what runs next: that is computed from the records (tailor.project).
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from tailor.errors import WorkbenchError
from tailor.files import disk_error, write_json
from tailor.project import Project


class Journal:
    """last_run.json: how far the latest run came, for people and for `tailor status`; it decides nothing."""

    def __init__(self, project: Project) -> None:
        self.path = project.path("last_run.json")
        self.values: dict[str, Any] = {"pid": os.getpid(), "state": "running", "steps": {}}

    def tell(self, step: str, state: str) -> None:
        self.values["steps"][step] = state
        write_json(self.path, self.values)

    def end(self, state: str) -> None:
        self.values["state"] = state
        with suppress(WorkbenchError):  # a full disk must not hide the error that is on its way
            write_json(self.path, self.values)


@contextmanager
def driving(project: Project) -> Iterator[None]:
    """Hold the project for one driver. The operating system lets go of the lock when the driver ends, however it ends.

    Raises:
        WorkbenchError: another driver holds it, or the folder cannot be written.
    """
    from filelock import FileLock, Timeout

    path = project.path(".cache/driver.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path)
        lock.acquire(timeout=0)
    except Timeout:
        raise WorkbenchError(
            f"project '{project.name}' is being run by another process{_other_pid(project)}",
            "one run of a project at a time",
            "wait until it ends, or stop it and run the command again",
        ) from None
    except OSError as error:
        raise disk_error(error, path) from None
    try:
        yield
    finally:
        lock.release()


def last_run(project: Project) -> str:
    """What the latest run came to when it did not finish, in a sentence; else an empty text."""
    try:
        told = json.loads(project.path("last_run.json").read_text(encoding="utf-8"))
        step, state = list(told["steps"].items())[-1]
        how = told["state"]
        if how == "finished":
            return ""
    except (OSError, ValueError, KeyError, IndexError):
        return ""
    if how == "running" and not _is_driven(project):
        how = "was cut off"
    return f"The latest run {how.replace('running', 'is running')}: {step} {state}."


def _is_driven(project: Project) -> bool:
    try:
        with driving(project):
            return False
    except WorkbenchError:
        return True


def _other_pid(project: Project) -> str:
    with suppress(OSError, ValueError, KeyError):
        return f" ({json.loads(project.path('last_run.json').read_text(encoding='utf-8'))['pid']})"
    return ""
