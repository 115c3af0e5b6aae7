"""One file, whatever its format, as a stream of rows."""

from collections.abc import Iterator
from pathlib import Path

from tailor.data.readers.delimited import stream_delimited
from tailor.data.readers.file_bytes import check_size
from tailor.data.readers.formats import DOCUMENTS, FORMATS, format_of, sniff
from tailor.data.readers.found import (
    USUAL,
    Found,
    Limits,
    Options,
    Piece,
    Stream,
    collect,
    without_long_rows,
)
from tailor.data.readers.json_lines import stream_json
from tailor.data.readers.tabular import stream_arrow, stream_excel, stream_parquet
from tailor.errors import WorkbenchError


def stream_file(path: Path, limits: Limits, options: Options = USUAL) -> Stream:
    """Read one file piece by piece, whatever its format.

    Raises:
        WorkbenchError: a format Tailor does not read, an empty file, a file without rows, or one that is damaged;
            what shows only further down in the file is raised while the pieces are read.
    """
    if path.stat().st_size == 0:
        raise WorkbenchError(
            f"{path.name} is empty (0 bytes)", "a file with rows", "check the export that made the file"
        )
    return checked(stream_files(reader_of(path, options), [(path, "")], limits, options), path.name, limits)


def stream_files(kind: str, files: list[tuple[Path, str]], limits: Limits, options: Options) -> Stream:
    """Read files of one kind as one source.

    Args:
        kind: a reader's name; documents, mail and code may be many files, the others are one.
        files: each with its name inside the source, "" for a file that is the whole source.
    """
    path = files[0][0]
    if kind == "csv":
        from tailor.data.formula_cells import rearmed

        return rearmed(stream_delimited(path, limits, options))
    if kind == "json":
        return stream_json(path, limits, options)
    if kind in ("parquet", "arrow", "excel"):
        return {"parquet": stream_parquet, "arrow": stream_arrow, "excel": stream_excel}[kind](path, limits)
    if kind == "database":
        from tailor.data.readers.database import stream_sqlite

        return stream_sqlite(path, limits)
    if kind == "mail":
        from tailor.data.readers.mail import stream_mail

        return stream_mail(files, limits, options)
    if kind == "code":
        from tailor.data.readers.code import stream_code

        return stream_code(files, limits, options)
    from tailor.data.readers.documents import stream_documents

    return stream_documents(files, limits, options)


def reader_of(path: Path, options: Options) -> str:
    """The reader for a file that a person named.

    Raises:
        WorkbenchError: no reader takes it.
    """
    kind = format_of(path)
    if kind in (None, "plain") and path.suffix.lower() in ("", ".gz", ".txt"):
        kind = sniff(path, options.encoding)
        kind = "csv" if options.delimiter and kind == "text" else kind
    if kind in (None, "binary", "zip"):
        raise not_read(path)
    return "documents" if kind in DOCUMENTS else kind


def not_read(path: Path) -> WorkbenchError:
    return WorkbenchError(
        f"{path.name} {why_not_read(path)}",
        f"one of: {', '.join(FORMATS)}, or source code (CSV, JSON and text also with .gz)",
        "export the data in one of these formats",
    )


def why_not_read(path: Path) -> str:
    """The second half of a sentence on a file that no reader takes."""
    if format_of(path) == "plain":
        return "holds control characters such as NUL: it is no text"
    return f"ends in '{path.suffix}'" if path.suffix else "has no ending and holds no text"


def checked(stream: Stream, name: str, limits: Limits) -> Stream:
    """The stream without overlong cells; where it gives nothing at all, an error."""
    stream.pieces = _checked(stream, stream.pieces, name, limits)
    return stream


def _checked(stream: Stream, pieces: Iterator[Piece], name: str, limits: Limits) -> Iterator[Piece]:
    some = False
    for piece in pieces:
        some = some or bool(piece.frame.height or piece.unreadable)
        yield without_long_rows(piece, limits.cell_characters)
    if not some:
        raise WorkbenchError(
            f"{name} has a header ({', '.join(stream.columns[:8])}) and no rows",
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
