"""Which reader a file needs."""

from collections.abc import Iterator
from pathlib import Path

from tailor.data.readers.delimited import stream_delimited
from tailor.data.readers.found import Found, Limits, Options, Piece, Stream, collect, without_long_rows
from tailor.data.readers.json_lines import stream_json
from tailor.data.readers.tabular import stream_excel, stream_parquet
from tailor.data.readers.text import check_size
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


def stream_file(path: Path, limits: Limits, options: Options = Options()) -> Stream:
    """Read one file piece by piece, whatever its format.

    Raises:
        WorkbenchError: a format Tailor does not read, an empty file, a file without rows, or one that is damaged;
            what shows only further down in the file is raised while the pieces are read.
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
        stream = stream_delimited(path, limits, options)
    elif kind == "json":
        stream = stream_json(path, limits, options)
    else:
        stream = stream_parquet(path, limits) if kind == "parquet" else stream_excel(path, limits)
    stream.pieces = _checked(path, stream, stream.pieces, limits)
    return stream


def _checked(path: Path, stream: Stream, pieces: Iterator[Piece], limits: Limits) -> Iterator[Piece]:
    """The pieces without overlong cells, and an error where there is nothing at all."""
    some = False
    for piece in pieces:
        some = some or bool(piece.frame.height or piece.unreadable)
        yield without_long_rows(piece, limits.cell_characters)
    if not some:
        raise WorkbenchError(
            f"{path.name} has a header ({', '.join(stream.columns[:8])}) and no rows",
            "at least one row",
            "check the export that made the file",
        )


def read_file(path: Path, limits: Limits, encoding: str = "", delimiter: str = "") -> Found:
    """Read one file whole, whatever its format.

    Raises:
        WorkbenchError: as `stream_file`, and a file larger than `limits.bytes`.
    """
    check_size(path, limits.bytes)
    return collect(stream_file(path, limits, Options(encoding, delimiter)))
