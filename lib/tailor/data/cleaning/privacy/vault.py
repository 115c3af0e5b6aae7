"""Which stand-in was written for which value: kept beside the projects, never in one, readable by its owner only."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

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
        WorkbenchError: the vault cannot be read.
    """
    path = vault_path(project)
    if not path.exists():
        return list(operations)
    try:
        vault = json.loads(path.read_text(encoding="utf-8"))
        seed, table = vault["seed"], vault["stand_ins"]
    except (OSError, ValueError, KeyError) as error:
        raise WorkbenchError(
            f"the vault {path} cannot be read ({error})",
            "what an earlier run wrote there, so that everybody keeps the same stand-in",
            "put the file back from a copy, or remove it: then everybody gets a new stand-in",
        ) from None
    return [
        operation.knowing(table)
        if isinstance(operation, MaskPersonalData) and operation.seed == seed
        else operation
        for operation in operations
    ]


def lock_away(project: str, stand_ins: StandIns) -> Path:
    """Write a project's vault: kind -> value -> stand-in. The folder and the file are their owner's alone.

    Raises:
        WorkbenchError: the disk is full, or the folder cannot be written.
    """
    path = vault_path(project)
    path.parent.mkdir(parents=True, exist_ok=True)
    for folder in (path.parent, path.parent.parent):
        folder.chmod(0o700)
    with writing(path) as temporary:
        # its owner's from the first byte on, not only once it is written
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            vault = {"seed": stand_ins.seed, "stand_ins": stand_ins.table()}
            json.dump(vault, file, ensure_ascii=False, indent=1)
    return path
