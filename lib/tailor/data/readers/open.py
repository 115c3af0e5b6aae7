"""Which reader a file needs."""

from pathlib import Path

from tailor.data.readers.delimited import read_delimited
from tailor.data.readers.found import Found, Limits, set_long_rows_aside
from tailor.data.readers.json_lines import read_json
from tailor.data.readers.tabular import read_excel, read_parquet
from tailor.errors import WorkbenchError

FORMATS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
    ".parquet": "parquet",
    ".xlsx": "excel",
    ".xlsm": "excel",
}


def format_of(path: Path) -> str | None:
    """The reader for a file's ending ("csv", "json", "parquet", "excel"), or None. `.csv.gz` counts as `.csv`."""
    endings = [ending.lower() for ending in path.suffixes]
    if endings[-1:] == [".gz"]:
        kind = FORMATS.get(endings[-2]) if len(endings) > 1 else None
        return kind if kind in ("csv", "json") else None
    return FORMATS.get(endings[-1]) if endings else None


def read_file(path: Path, limits: Limits, encoding: str = "", delimiter: str = "") -> Found:
    """Read one file, whatever its format.

    Raises:
        WorkbenchError: a format Tailor does not read, an empty file, a file without rows, or one that is damaged.
    """
    kind = format_of(path)
    if kind is None:
        raise WorkbenchError(
            f"{path.name} ends in '{path.suffix}'",
            f"one of: {', '.join(FORMATS)} (CSV and JSON also with .gz)",
            "export the data in one of these formats",
        )
    if path.stat().st_size == 0:
        raise WorkbenchError(
            f"{path.name} is empty (0 bytes)", "a file with rows", "check the export that made the file"
        )
    if kind == "csv":
        found = read_delimited(path, limits, encoding, delimiter)
    elif kind == "json":
        found = read_json(path, limits, encoding)
    else:
        found = read_parquet(path, limits) if kind == "parquet" else read_excel(path, limits)
    if not found.rows and not found.unreadable:
        raise WorkbenchError(
            f"{path.name} has a header ({', '.join(found.columns[:8])}) and no rows",
            "at least one row",
            "check the export that made the file",
        )
    set_long_rows_aside(found, limits.cell_characters)
    return found
