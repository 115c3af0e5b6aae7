"""Parquet, Arrow and Excel: typed tables, read as text."""

import datetime
import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from tailor.data.readers.delimited import too_many_columns
from tailor.data.readers.file_bytes import check_size, too_large
from tailor.data.readers.found import ColumnNames, Gathering, Limits, Piece, Stream
from tailor.data.readers.text import replace_surrogates
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


@contextmanager
def _damage_told(path: Path, kind: str) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except (
        OSError,
        pa.ArrowException,
        UnicodeDecodeError,
        OverflowError,
        pl.exceptions.PolarsError,
    ) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise WorkbenchError(
            f"{path.name} cannot be read as {kind} ({said})",
            f"a whole {kind} file",
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
    try:
        values = column.to_pylist()
    except OverflowError:
        if not pa.types.is_temporal(column.type):
            raise
        values = [_moment(value) for value in column]  # Python's dates end with the year 9999
    return pl.Series(name, [text_cell(value) for value in values], dtype=pl.String)


def _moment(value: "pa.Scalar") -> Any:
    try:
        return value.as_py()
    except OverflowError:
        return value.value


def stream_excel(path: Path, limits: Limits) -> Stream:
    """Read the first sheet of an .xlsx file; its first row that is not empty is the header.

    Raises:
        WorkbenchError: not an .xlsx file, empty, too many columns, or too large unpacked.
    """
    with _excel_told(path), zipfile.ZipFile(path) as packed:
        size = sum(item.file_size for item in packed.infolist())
    if size > limits.bytes:
        raise too_large(path, f"{size:,} bytes unpacked", limits.bytes)
    stream = Stream("excel")
    stream.pieces = _sheet(path, limits, stream)
    return stream


@contextmanager
def _excel_told(path: Path) -> Iterator[None]:
    from openpyxl.utils.exceptions import InvalidFileException

    broken = (OSError, KeyError, ValueError, IndexError, TypeError, AttributeError, SyntaxError, zlib.error)
    try:
        yield
    except (*broken, zipfile.BadZipFile, InvalidFileException) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise WorkbenchError(
            f"{path.name} cannot be read as Excel ({said})",
            "an .xlsx file as Excel or LibreOffice saves it",
            "open it there and save it again as .xlsx, or export it as CSV",
        ) from None


def _sheet(path: Path, limits: Limits, stream: Stream) -> Iterator[Piece]:
    from openpyxl import load_workbook

    found, width, spilled = Gathering(), 0, 0
    with _excel_told(path):
        book = load_workbook(path, read_only=True, data_only=True)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # what the file says of its size is often wrong, and rows beyond it would be lost
        stream.notes += _uncomputed(path, sheet)
        rows = enumerate(sheet.iter_rows(values_only=True), start=1)
        for number, row in ((n, row) for n, row in rows if any(map(_filled, row))):
            if not width:
                width = max(place for place, cell in enumerate(row, start=1) if _filled(cell))
                _name_columns(
                    path, row[:width], limits, stream, [sheet.title for sheet in book.worksheets[1:]]
                )
                continue
            spilled += any(map(_filled, row[width:]))
            found.add(number, [text_cell(cell) for cell in row[:width]])
            if found.full:
                yield found.take(stream.columns)
        book.close()
    if not width:
        raise WorkbenchError(
            f"{path.name} is empty", "a header row and at least one row", "check the first sheet of the file"
        )
    if spilled:
        stream.notes.append(
            f"{spilled} rows have cells to the right of the header; those cells were left out"
        )
    yield found.take(stream.columns)


_FORMULA = re.compile(rb'<c (?![^<>]*t="str")[^<>]*>\s*<f\b[^<>]*(?:/>|>[^<]*</f>)\s*(<v>[^<])?')


def _uncomputed(path: Path, sheet: Any) -> list[str]:
    """A sentence where formulas were saved without their results, as programs that write Excel files often do."""
    count, rest = 0, b""
    with zipfile.ZipFile(path) as packed, packed.open(sheet._worksheet_path) as file:
        while block := file.read(1 << 20):
            *cells, rest = (rest + block).split(b"</c>")
            count += sum(bool(found) and not found[1] for found in map(_FORMULA.search, cells))
            rest = rest[-(1 << 20) :]
    said = f"{count:,} cells hold a formula without its result, and are empty here; open the file in Excel or"
    return [f"{said} LibreOffice and save it to have them computed"] if count else []


def _filled(cell: Any) -> bool:
    return cell not in (None, "")


def _name_columns(path: Path, header: tuple, limits: Limits, stream: Stream, others: list[str]) -> None:
    if len(header) > limits.columns:
        raise too_many_columns(path.name, len(header), limits.columns)
    names = ColumnNames(header)
    stream.columns = names.names
    stream.notes += names.notes
    if others:
        stream.notes.append(f"only the first sheet was read; the others are {', '.join(others)}")


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
