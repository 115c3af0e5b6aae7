"""The cleaning history: an ordered list of operations that can be edited, undone, written, exported and replayed."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from tailor.data.cleaning.operation import Operation
from tailor.data.cleaning.plan import STANDARD, read_operations, write_operations
from tailor.errors import WorkbenchError
from tailor.files import canonical_json, sha256_bytes, write_json
from tailor.plain_yaml import parse_yaml
from tailor.settings import make_settings

LARGEST_FILE = 50_000_000
"""Bytes of a history file that is read; a million row ids are some 20 MB."""


class History:
    """A list of operations with undo and redo. Entries are numbered from 1, as people see them.

    Args:
        operations: the list to begin with; the standard one where none is given.
    """

    def __init__(self, operations: Sequence[Operation] = STANDARD) -> None:
        self._past: list[tuple[Operation, ...]] = []
        self._now = tuple(operations)
        self._future: list[tuple[Operation, ...]] = []

    @property
    def operations(self) -> tuple[Operation, ...]:
        """The entries in order, those that are off included."""
        return self._now

    # --- edits -----------------------------------------------------------------------------------------------------
    def set(self, operations: Sequence[Operation]) -> None:
        """Put another list in the place of this one; one step to undo. An equal list is no step."""
        if tuple(operations) != self._now:
            self._past.append(self._now)
            self._now = tuple(operations)
            self._future.clear()

    def add(self, operation: Operation, number: int | None = None) -> None:
        """Add an entry: as `number`, or at the end."""
        place = len(self._now) if number is None else self._place(number, len(self._now) + 1)
        self.set((*self._now[:place], operation, *self._now[place:]))

    def remove(self, number: int) -> None:
        place = self._place(number)
        self.set(self._now[:place] + self._now[place + 1 :])

    def move(self, number: int, to: int) -> None:
        """Take entry `number` out and put it back as entry `to`."""
        entry, rest = self._now[self._place(number)], list(self._now)
        del rest[number - 1]
        rest.insert(self._place(to), entry)
        self.set(rest)

    def switch(self, number: int, off: bool) -> None:
        """Switch an entry off or on."""
        self.change(number, off=off)

    def change(self, number: int, **settings: Any) -> None:
        """Change settings of an entry.

        Raises:
            WorkbenchError: no such entry or setting, or a value out of its bounds.
        """
        place = self._place(number)
        entry = self._now[place]
        values = {key: value for key, value in entry.model_dump(mode="json").items() if key != "operation"}
        changed = make_settings(type(entry), {**values, **settings}, f"entry {number} ({entry.name})")
        self.set((*self._now[:place], changed, *self._now[place + 1 :]))

    def _place(self, number: int, last: int | None = None) -> int:
        last = len(self._now) if last is None else last
        if not 1 <= number <= last:
            raise WorkbenchError(
                f"the history has no entry {number}",
                f"a number from 1 to {last}",
                "give one of these numbers",
            )
        return number - 1

    # --- undo ------------------------------------------------------------------------------------------------------
    @property
    def can_undo(self) -> bool:
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        return bool(self._future)

    def undo(self) -> None:
        """Take the last edit back; nothing where there is none."""
        if self._past:
            self._future.append(self._now)
            self._now = self._past.pop()

    def redo(self) -> None:
        """Make the last undone edit again; nothing where there is none."""
        if self._future:
            self._past.append(self._now)
            self._now = self._future.pop()

    # --- writing and reading ---------------------------------------------------------------------------------------
    def __eq__(self, other: object) -> bool:
        return isinstance(other, History) and self._now == other._now

    def __hash__(self) -> int:
        return hash(self.digest())

    def digest(self) -> str:
        """SHA-256 of the entries with all their settings."""
        entries = [operation.model_dump(mode="json") for operation in self._now]
        return sha256_bytes(canonical_json(entries).encode())

    def to_yaml(self) -> str:
        """One entry an operation, with the settings that differ from the defaults."""
        return write_operations(self._now)

    @classmethod
    def from_yaml(cls, text: str) -> "History":
        """Read what `to_yaml` wrote, or a person.

        Raises:
            WorkbenchError: not YAML, not a list of operations, an unknown operation or setting, a wrong value.
        """
        try:
            entries = parse_yaml(text)
        except yaml.YAMLError as error:
            line = getattr(getattr(error, "problem_mark", None), "line", None)
            where = f" in line {line + 1}" if line is not None else ""
            raise WorkbenchError(
                f"the history is not valid YAML{where}", "a list of operations", "mend that line"
            ) from None
        return cls(read_operations(entries, "the history's"))

    def save(self, path: Path) -> None:
        """Export to a JSON file, with every setting, to be used in another project."""
        entries = [operation.model_dump(mode="json") for operation in self._now]
        write_json(path, {"tailor_history": 1, "operations": entries})

    @classmethod
    def load(cls, path: Path) -> "History":
        """Import from a JSON file. Nothing in it is run or followed; every entry is checked as if typed by hand.

        Raises:
            WorkbenchError: missing, too large, not JSON, not a history, an unknown operation or a wrong value.
        """
        values = read_json_file(Path(path))
        if not isinstance(values, dict) or values.get("tailor_history") != 1 or "operations" not in values:
            raise WorkbenchError(
                f"{path} is no history", 'a JSON object with "tailor_history": 1', "export the history again"
            )
        return cls(read_operations(values["operations"], f"{Path(path).name}:"))


def read_json_file(path: Path) -> Any:
    """A JSON file of somebody else's.

    Raises:
        WorkbenchError: missing, larger than LARGEST_FILE, nested beyond all measure, or not JSON.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise WorkbenchError(
                f"{path} has {path.stat().st_size:,} bytes", f"at most {LARGEST_FILE:,}", "check the file"
            )
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise WorkbenchError(f"there is no file {path}", "a history in JSON", "check the path") from None
    except (OSError, ValueError, RecursionError) as error:
        raise WorkbenchError(
            f"{path} cannot be read ({str(error)[:100]})", "a history in JSON", "export it again"
        ) from None


def for_new_rows(operations: Sequence[Operation]) -> list[Operation]:
    """The entries that mean something on other data: those that name single rows of the first are left out."""
    return [operation for operation in operations if not operation.names_rows and not operation.off]
