"""Parquet, Arrow and Excel: typed tables, read as text."""

import datetime
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from tailor.data.readers.delimited import too_many_columns
from tailor.data.readers.found import ColumnNames, Gathering, Limits, Piece, Stream
from tailor.data.readers.text import check_size, replace_surrogates, too_large
from tailor.errors import WorkbenchError

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH = 10_000


def stream_parquet(path: Path, limits: Limits) -> Stream:
    """Read a Parquet file piece by piece; nested columns become JSON text.

    Raises:
        WorkbenchError: damaged, cut short, too many columns, or one row group too large unpacked.
    """
    import pyarrow.parquet as pq

    with _damage_told(path, "Parquet"), pq.ParquetFile(path) as file:
        names = file.schema_arrow.names
        sizes = [file.metadata.row_group(i).total_byte_size for i in range(file.num_row_groups)]
    if sizes and max(sizes) > limits.bytes:
        raise too_large(path, f"a row group of {max(sizes):,} bytes unpacked", limits.bytes)

    def batches() -> Iterator["pa.RecordBatch"]:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            yield from file.iter_batches(_BATCH)

    return _typed("parquet", path, names, batches(), limits)


def stream_arrow(path: Path, limits: Limits) -> Stream:
    """Read an Arrow file (as Hugging Face datasets keeps them on disk), as a stream or with a footer.

    Raises:
        WorkbenchError: damaged, or too many columns.
    """
    import pyarrow as pa

    check_size(path, limits.bytes)

    def batches() -> Iterator["pa.RecordBatch"]:
        with pa.memory_map(str(path)) as source:
            if source.read(6) == b"ARROW1":
                file = pa.ipc.open_file(source)
                yield from (file.get_batch(number) for number in range(file.num_record_batches))
            else:
                source.seek(0)
                yield from pa.ipc.open_stream(source)

    with _damage_told(path, "Arrow"), pa.memory_map(str(path)) as source:
        wide = source.read(6) == b"ARROW1"
        source.seek(0)
        names = (pa.ipc.open_file(source) if wide else pa.ipc.open_stream(source)).schema.names
    return _typed("arrow", path, names, batches(), limits)


class _damage_told:
    """Turns pyarrow's errors into one that names the file."""

    def __init__(self, path: Path, kind: str) -> None:
        self._path, self._kind = path, kind

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type | None, error: BaseException | None, _: Any) -> None:
        import pyarrow as pa

        if isinstance(error, (OSError, pa.ArrowException, UnicodeDecodeError, pl.exceptions.PolarsError)):
            said = (str(error).splitlines() or [type(error).__name__])[0]
            raise WorkbenchError(
                f"{self._path.name} cannot be read as {self._kind} ({said})",
                f"a whole {self._kind} file",
                "fetch or export the file again",
            ) from None


def _typed(
    kind: str, path: Path, given: list[str], batches: Iterator["pa.RecordBatch"], limits: Limits
) -> Stream:
    if len(given) > limits.columns:
        raise too_many_columns(path.name, len(given), limits.columns)
    names = ColumnNames(given)
    stream = Stream(kind, columns=names.names, notes=names.notes)

    def pieces() -> Iterator[Piece]:
        done = 0
        with _damage_told(path, kind.capitalize()):
            for batch in batches:
                yield text_piece(batch, stream.columns, done)
                done += batch.num_rows

    stream.pieces = pieces()
    return stream


def text_piece(batch: "pa.RecordBatch", names: list[str], before: int) -> Piece:
    """Typed columns as text.

    Args:
        before: rows that came before these; they count on from there.
    """
    cells = [_text_column(name, column) for name, column in zip(names, batch.columns, strict=True)]
    lines = pl.Series(range(before + 1, before + batch.num_rows + 1), dtype=pl.Int64)
    return Piece(pl.DataFrame(cells), lines)


def _text_column(name: str, column: "pa.Array") -> pl.Series:
    import pyarrow as pa

    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column.validate(full=True)  # Arrow itself believes that every text is UTF-8
        return pl.Series(name, pl.from_arrow(column), dtype=pl.String).str.replace_all(
            "\x00", "", literal=True
        )
    return pl.Series(name, [text_cell(value) for value in column.to_pylist()], dtype=pl.String)


def stream_excel(path: Path, limits: Limits) -> Stream:
    """Read the first sheet of an .xlsx file; its first row that is not empty is the header.

    Raises:
        WorkbenchError: not an .xlsx file, empty, or too large unpacked.
    """
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with zipfile.ZipFile(path) as packed:
            size = sum(item.file_size for item in packed.infolist())
        if size > limits.bytes:
            raise too_large(path, f"{size:,} bytes unpacked", limits.bytes)
        book = load_workbook(path, read_only=True, data_only=True)
        sheet = book.worksheets[0]
        table = [(number, list(row)) for number, row in enumerate(sheet.iter_rows(values_only=True), start=1)]
        others = [other.title for other in book.worksheets[1:]]
        book.close()
    except (OSError, KeyError, ValueError, IndexError, zipfile.BadZipFile, InvalidFileException) as error:
        raise WorkbenchError(
            f"{path.name} cannot be read as Excel ({error})",
            "an .xlsx file as Excel or LibreOffice saves it",
            "open it there and save it again as .xlsx, or export it as CSV",
        ) from None
    return _sheet(path, table, others, limits)


def _sheet(path: Path, table: list[tuple[int, list]], others: list[str], limits: Limits) -> Stream:
    table = [(number, row) for number, row in table if any(cell not in (None, "") for cell in row)]
    if not table:
        raise WorkbenchError(
            f"{path.name} is empty", "a header row and at least one row", "check the first sheet of the file"
        )
    header = table[0][1]
    width = max(place for place, cell in enumerate(header, start=1) if cell not in (None, ""))
    if width > limits.columns:
        raise too_many_columns(path.name, width, limits.columns)
    names = ColumnNames(header[:width])
    notes = names.notes
    if others:
        notes.append(f"only the first sheet was read; the others are {', '.join(others)}")
    found, spilled = Gathering(), 0
    for number, row in table[1:]:
        spilled += any(cell not in (None, "") for cell in row[width:])
        found.add(number, [text_cell(cell) for cell in row[:width]])
    if spilled:
        notes.append(f"{spilled} rows have cells to the right of the header; those cells were left out")
    return Stream("excel", iter([found.take(names.names)]), names.names, notes=notes)


def text_cell(value: Any) -> str | None:
    """A typed cell as the text a person would have typed."""
    if value is None:
        return None
    if isinstance(value, str):
        return replace_surrogates(value).replace("\x00", "")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").replace("\x00", "")
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
