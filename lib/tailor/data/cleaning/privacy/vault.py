"""Which stand-in was written for which value: kept beside the projects, never in one, readable by its owner only."""

import json
import os
from pathlib import Path

from tailor.data.cleaning.privacy.stand_ins import StandIns
from tailor.files import writing
from tailor.project import check_name, home

FILE = "stand_ins.json"


def vault_path(project: str) -> Path:
    """Where a project's vault lies: in the workspace's folder `private`, which git ignores and nothing exports."""
    return home() / "private" / check_name(project) / FILE


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
            json.dump(stand_ins.table(), file, ensure_ascii=False, indent=1)
    return path
