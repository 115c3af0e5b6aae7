"""The blueprint: every choice of a project in one file that a person can read, edit and repeat."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field

from tailor.errors import WorkbenchError, did_you_mean
from tailor.files import write_text
from tailor.plain_yaml import parse_yaml

HEADER = """\
# Every choice made in this project. Repeat it with: tailor run blueprint.yaml
# A setting that is not written here has its default; `tailor settings STEP` lists them all.
"""


class Blueprint(BaseModel):
    """The choices of one project: step name -> setting -> value."""

    model_config = ConfigDict(extra="forbid")

    version: int = 1
    project: str
    steps: dict[str, dict[str, Any]] = Field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> "Blueprint":
        """Read a blueprint.

        Raises:
            WorkbenchError: no such file, not YAML, unknown keys or steps.
        """
        from tailor.series import STEP_NAMES

        try:
            text = Path(path).read_text(encoding="utf-8")
            values = parse_yaml(text)
        except FileNotFoundError:
            raise WorkbenchError(f"there is no file {path}", "a blueprint", "check the path") from None
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            line = getattr(getattr(error, "problem_mark", None), "line", None)
            where = f" in line {line + 1}" if line is not None else ""
            raise WorkbenchError(
                f"{path} is not valid YAML{where}", "a blueprint as Tailor writes it", "mend that line"
            ) from None
        if not isinstance(values, dict) or not isinstance(values.get("project"), str):
            raise WorkbenchError(
                f"{path} names no project", "a line such as 'project: bank_support'", "add that line"
            )
        _check_keys(values, cls.model_fields, path, "key")
        steps = values.get("steps") or {}
        _check_keys(steps, STEP_NAMES, path, "step")
        for name, settings in steps.items():
            if not isinstance(settings, dict):
                raise WorkbenchError(
                    f"{path}: {name} holds {settings!r}",
                    "settings, one 'name: value' a line",
                    f"write {name}'s settings indented under it",
                )
        if values.get("version", 1) != 1:
            raise WorkbenchError(f"{path} has version {values['version']}", "version 1", "update Tailor")
        return cls(project=values["project"], steps=steps)

    def save(self, path: Path) -> None:
        """Write it in the order of the series, through a temporary name; an unchanged file is left alone."""
        from tailor.series import STEP_NAMES

        ordered = {name: self.steps[name] for name in STEP_NAMES if self.steps.get(name)}
        values = {"version": self.version, "project": self.project, "steps": ordered}
        text = HEADER + yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=110)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            write_text(path, text)


def _check_keys(values: dict, known: Any, path: Path, kind: str) -> None:
    for key in values:
        if key not in known:
            raise WorkbenchError(
                f"{path} has the unknown {kind} '{key}'",
                f"one of: {', '.join(known)}",
                f"correct the {kind}.{did_you_mean(key, known)}",
            )
