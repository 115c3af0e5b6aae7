"""Which stand-in was written for which value: kept beside the projects, never in one, readable by its owner only."""

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeGuard

from tailor.data.cleaning.operation import Operation
from tailor.data.cleaning.privacy.operation import MaskPersonalData
from tailor.data.cleaning.privacy.stand_ins import StandIns
from tailor.errors import WorkbenchError
from tailor.files import writing
from tailor.project import check_name, home

FILE = "stand_ins.json"


def vault_path(project: str) -> Path:
    """Where a project's vault lies: in the workspace's folder `private`, which git ignores and nothing exports."""
    return home() / "private" / check_name(project) / FILE


def with_earlier_stand_ins(operations: Sequence[Operation], project: str) -> list[Operation]:
    """A history whose values keep the stand-ins that a run before has given them, unless for another seed.

    Raises:
        WorkbenchError: the vault cannot be read, or two entries write stand-ins of one kind.
    """
    _check_one_writer(operations)
    vault = _read(vault_path(project))
    return [
        operation.knowing(
            {
                kind: vault[kind]["stand_ins"]
                for kind in (*operation.kinds, *operation.patterns)
                if kind in vault and vault[kind]["seed"] == operation.seed
            }
        )
        if _writes_stand_ins(operation)
        else operation
        for operation in operations
    ]


def lock_away(project: str, written: Iterable[StandIns]) -> Path | None:
    """Write a project's vault: kind -> its seed, and value -> stand-in. Folder and file are their owner's alone.

    Args:
        written: of each entry that wrote stand-ins; of kinds that none of them wrote, the vault keeps what it holds.

    Returns:
        Where it lies; nothing where no stand-in was written.

    Raises:
        WorkbenchError: the disk is full, the folder cannot be written, or the vault there cannot be read.
    """
    new = {
        kind: {"seed": stand_ins.seed, "stand_ins": table}
        for stand_ins in written
        for kind, table in stand_ins.table().items()
        if table
    }
    if not new:
        return None
    path = vault_path(project)
    vault = _read(path) | new
    path.parent.mkdir(parents=True, exist_ok=True)
    for folder in (path.parent, path.parent.parent):
        folder.chmod(0o700)
    with writing(path) as temporary:
        # its owner's from the first byte on, not only once it is written
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(vault, file, ensure_ascii=False, indent=1)
    return path


def _writes_stand_ins(operation: Operation) -> TypeGuard[MaskPersonalData]:
    return isinstance(operation, MaskPersonalData) and operation.write == "stand-ins" and not operation.off


def _check_one_writer(operations: Sequence[Operation]) -> None:
    """Two entries number values apart: one stand-in would stand for two, or one person get two."""
    writers: dict[str, int] = {}
    for number, operation in enumerate(operations, 1):
        if not _writes_stand_ins(operation):
            continue
        for kind in (*operation.kinds, *operation.patterns):
            if kind in writers:
                raise WorkbenchError(
                    f"entries {writers[kind]} and {number} of the history both write stand-ins for the kind '{kind}'",
                    "one entry for each kind, so that a value has one stand-in in every column",
                    f"name all columns in one of them, and take '{kind}' out of the kinds of the other",
                )
            writers[kind] = number


def _read(path: Path) -> dict[str, dict[str, Any]]:
    """kind -> its seed and stand-ins; nothing where no vault lies yet."""
    if not path.exists():
        return {}
    try:
        vault = json.loads(path.read_text(encoding="utf-8"))
        return {kind: {"seed": of["seed"], "stand_ins": dict(of["stand_ins"])} for kind, of in vault.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WorkbenchError(
            f"the vault {path} cannot be read ({error})",
            "what an earlier run wrote there, so that everybody keeps the same stand-in",
            "put the file back from a copy, or remove it: then everybody gets a new stand-in",
        ) from None
