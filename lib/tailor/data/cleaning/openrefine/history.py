"""Reading OpenRefine's operation history."""

from pathlib import Path
from typing import Any

from tailor.data.cleaning.history import read_json_file
from tailor.data.cleaning.openrefine.operations import Imported, Reader
from tailor.errors import WorkbenchError

MOST_OPERATIONS = 10_000


def import_history(source: Path | list | dict) -> Imported:
    """Read an operation history.

    Args:
        source: the JSON file, or what it holds: a list of operations.

    Raises:
        WorkbenchError: no such file, too large, nested too deep, or not a list of operations. A single operation that
            cannot be understood is listed in `unsupported` instead.
    """
    where = str(source) if isinstance(source, Path) else "the history"
    values = read_json_file(source) if isinstance(source, Path) else source
    if isinstance(values, dict):
        values = values.get("operations", values.get("entries"))
    if not isinstance(values, list) or not all(isinstance(item, dict) for item in values):
        raise WorkbenchError(
            f"{where} is no OpenRefine history",
            'a list of operations, such as [{"op": "core/text-transform", ...}]',
            "in OpenRefine choose Undo / Redo > Extract, and save the text on the right as a file",
        )
    if len(values) > MOST_OPERATIONS:
        raise WorkbenchError(
            f"{where} has {len(values):,} operations", f"at most {MOST_OPERATIONS:,}", "split the file"
        )
    reader = Reader()
    for number, item in enumerate(values, 1):
        inner = item.get("operation", item)
        reader.read(number, inner if isinstance(inner, dict) else item)
    return reader.found


def is_openrefine(values: Any) -> bool:
    """Whether a JSON file's content looks like OpenRefine's history."""
    items = values.get("operations", values.get("entries")) if isinstance(values, dict) else values
    first = items[0] if isinstance(items, list) and items else None
    first = first.get("operation", first) if isinstance(first, dict) else None
    return isinstance(first, dict) and "op" in first
