"""One customization project: its folders, its blueprint, and the state of each step."""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from tailor.blueprint import Blueprint
from tailor.errors import WorkbenchError, did_you_mean
from tailor.files import canonical_json, sha256_bytes, sha256_tree
from tailor.records import Record
from tailor.series import STEPS, StepSpec, maker_of
from tailor.settings import Settings, make_settings

Kind = TypeVar("Kind", bound=Record)

_RESERVED = {"con", "prn", "aux", "nul"} | {f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10)}


def home() -> Path:
    """The workspace: the folder with notebooks/, data/ and outputs/. TAILOR_HOME, or where Tailor's source stands."""
    return Path(os.environ.get("TAILOR_HOME") or Path(__file__).resolve().parents[2])


def source_home() -> Path:
    """Where Tailor's own notebooks and demo data stand."""
    return Path(__file__).resolve().parents[2]


def resolve_path(path: str) -> Path:
    """A path a person gave: relative to the workspace, then to Tailor's own folder, then as the shell sees it.

    Raises:
        WorkbenchError: no such file; near names are offered.
    """
    given = Path(path).expanduser()
    candidates = (
        [given] if given.is_absolute() else [home() / given, source_home() / given, Path.cwd() / given]
    )
    for candidate in candidates:
        if candidate.exists():
            return candidate
    folder = next((c.parent for c in candidates if c.parent.is_dir()), None)
    names = sorted(p.name for p in folder.iterdir())[:200] if folder else []
    raise WorkbenchError(
        f"there is no file or folder {path}",
        "an existing path, absolute or relative to the workspace",
        f"check the path.{did_you_mean(given.name, names)}",
    )


def check_name(name: str) -> str:
    """Refuse names that could lead out of outputs/ or that some file system cannot hold.

    Raises:
        WorkbenchError: not a plain name.
    """
    plain = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}", name or "")
    if not plain or name.lower() in _RESERVED:
        raise WorkbenchError(
            f"the project name {name!r}",
            "1 to 60 letters, digits, '_' or '-', starting with a letter or digit",
            "choose a plain name such as 'my_project'",
        )
    return name


@dataclass(frozen=True)
class State:
    """Where a step stands, and why, in a sentence."""

    step: str
    state: Literal["blocked", "ready", "done", "stale"]
    reason: str


class Project:
    """A project's folder under outputs/.

    Args:
        name: a plain name; a demo's name (a folder of data/demos with a blueprint.yaml) starts from its blueprint.

    Raises:
        WorkbenchError: not a plain name.
    """

    def __init__(self, name: str) -> None:
        self.name = check_name(name)
        self.folder = home() / "outputs" / name
        self._hashes: dict[str, list] | None = None

    # --- choices ---------------------------------------------------------------------------------------------------
    @property
    def blueprint_path(self) -> Path:
        return self.folder / "blueprint.yaml"

    def blueprint(self) -> Blueprint:
        """The project's blueprint; a demo's own when there is none yet; else an empty one."""
        if self.blueprint_path.exists():
            return Blueprint.load(self.blueprint_path)
        demo = source_home() / "data" / "demos" / self.name / "blueprint.yaml"
        return Blueprint.load(demo) if demo.exists() else Blueprint(project=self.name)

    def settings_model(self, step: StepSpec) -> type[Settings]:
        """The step's settings model; some depend on earlier records (07_tune's on the technique chosen)."""
        module = step.module
        return module.settings_model(self) if hasattr(module, "settings_model") else module.Settings

    def settings(self, step: StepSpec, changes: dict[str, Any] | None = None) -> Any:
        """The step's settings: defaults, then the blueprint, then `changes`."""
        model = self.settings_model(step)
        chosen = {**model.unfold(self.blueprint().steps.get(step.name, {})), **(changes or {})}
        return make_settings(model, chosen, step.name)

    def choose(self, step: StepSpec, settings: Settings) -> None:
        """Write what differs from the defaults into the project's blueprint."""
        blueprint = self.blueprint()
        values = settings.model_dump(mode="json")
        short = settings.model_dump(mode="json", exclude_defaults=True)
        blueprint.steps[step.name] = {
            name: short.get(name, values[name])
            for name, field in type(settings).model_fields.items()
            if field.is_required() or values[name] != _plain(field.get_default(call_default_factory=True))
        }
        blueprint.save(self.blueprint_path)

    def resolve(self, path: str) -> Path:
        """See `resolve_path`."""
        return resolve_path(path)

    # --- records ---------------------------------------------------------------------------------------------------
    def path(self, relative: str) -> Path:
        return self.folder / relative

    def load(self, kind: type[Kind], relative: str) -> Kind:
        """Read a record of this project.

        Raises:
            WorkbenchError: it is missing (names the notebook that makes it) or damaged.
        """
        if not self.path(relative).exists():
            raise self._missing(relative)
        return kind.load(self.path(relative))

    def _missing(self, relative: str) -> WorkbenchError:
        maker = maker_of(relative)
        return WorkbenchError(
            f"{relative} of project '{self.name}' is missing",
            f"the result of {maker.name}",
            f"run notebooks/{maker.name}.ipynb, or: tailor run --project {self.name} --to {maker.name}",
        )

    # --- hashes and state ------------------------------------------------------------------------------------------
    def hash_of(self, path: Path) -> str:
        """Content hash of a file, folder or record. Files that did not change since last time are not read again."""
        if path.suffix == ".json" and path.is_relative_to(self.folder):
            return _record_hash(path)
        stamp = [[str(f.relative_to(path)), f.stat().st_mtime_ns, f.stat().st_size] for f in _files(path)]
        cache = self._hash_cache()
        kept = cache.get(str(path))
        if kept and kept[0] == stamp:
            return kept[1]
        digest = sha256_tree(path)
        cache[str(path)] = [stamp, digest]
        self._save_hash_cache(cache)
        return digest

    def _hash_cache(self) -> dict[str, list]:
        if self._hashes is None:
            try:
                self._hashes = json.loads(
                    (self.folder / ".cache" / "hashes.json").read_text(encoding="utf-8")
                )
            except (OSError, ValueError):
                self._hashes = {}
        return self._hashes

    def _save_hash_cache(self, cache: dict[str, list]) -> None:
        target = self.folder / ".cache" / "hashes.json"
        try:  # a cache is a convenience: a folder that cannot be written must not stop `tailor status`
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary = target.with_suffix(f".{os.getpid()}")
            temporary.write_text(json.dumps(cache), encoding="utf-8")
            os.replace(temporary, target)
        except OSError:
            pass

    def inputs(self, step: StepSpec, settings: Settings) -> dict[str, str]:
        """Hash of everything the step reads: records of earlier steps and files named in its settings.

        Raises:
            WorkbenchError: one of them is missing.
        """
        found = {}
        for relative in step.reads:
            if not self.path(relative).exists():
                raise self._missing(relative)
            found[relative] = self.hash_of(self.path(relative))
        if hasattr(step.module, "reads_files"):
            for path in step.module.reads_files(self, settings):
                found[str(path)] = self.hash_of(self.resolve(path))
        return found

    def state(self, step: StepSpec, changes: dict[str, Any] | None = None) -> State:
        """Compute where a step stands from the files as they are now."""
        for relative in step.reads:
            if not self.path(relative).exists():
                return State(
                    step.name, "blocked", f"{relative} is missing: run {maker_of(relative).name} first"
                )
        try:
            settings = self.settings(step, changes)
            inputs = self.inputs(step, settings)
        except WorkbenchError as error:
            return State(step.name, "blocked", f"{error.found}: {error.fix}")
        if not self.path(step.record).exists():
            return State(step.name, "ready", "not run yet")
        try:
            made = _read_json(self.path(step.record))
        except WorkbenchError as error:
            return State(step.name, "stale", error.found)
        reason = self._stale_reason(made, settings, inputs)
        return State(step.name, "stale", reason) if reason else State(step.name, "done", "up to date")

    def _stale_reason(self, made: dict, settings: Settings, inputs: dict[str, str]) -> str | None:
        then, now = made.get("settings", {}), settings.deciding()
        for name in now:
            if canonical_json(then.get(name)) != canonical_json(now[name]):
                return f"setting {name} changed from {_short(then.get(name))} to {_short(now[name])}"
        for name in inputs.keys() | made.get("inputs", {}).keys():
            if made.get("inputs", {}).get(name) != inputs.get(name):
                return f"{name} changed since"
        for name, digest in made.get("outputs", {}).items():
            if not self.path(name).exists():
                return f"{name} is missing"
            if self.hash_of(self.path(name)) != digest:
                return f"{name} was changed by hand or left incomplete"
        return None

    def states(self) -> list[State]:
        return [self.state(step) for step in STEPS]


def _plain(value: Any) -> Any:
    """A default as it would stand in JSON."""
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."


def _files(path: Path) -> list[Path]:
    return sorted(f for f in path.rglob("*") if f.is_file()) if path.is_dir() else [path]


def _read_json(path: Path) -> dict:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise WorkbenchError(
            f"{path.name} cannot be read ({error})", "a record", "run its step again"
        ) from None
    if not isinstance(values, dict):
        raise WorkbenchError(f"{path.name} is not a record", "a JSON object", "run its step again")
    return values


def _record_hash(path: Path) -> str:
    """A record's hash leaves out what was merely measured (see Record.content_hash)."""
    values = _read_json(path)
    values.pop("measured", None)
    return sha256_bytes(canonical_json(values).encode())
