"""Parquet and Excel: typed tables, read as text."""

import datetime
import json
import zipfile
from pathlib import Path
from typing import Any

from tailor.data.readers.found import Found, Limits, name_columns
from tailor.data.readers.text import replace_surrogates, too_large
from tailor.errors import WorkbenchError


def read_parquet(path: Path, limits: Limits) -> Found:
    """Read a Parquet file; nested columns become JSON text.

    Raises:
        WorkbenchError: damaged, cut short, or too large unpacked.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            size = sum(file.metadata.row_group(i).total_byte_size for i in range(file.num_row_groups))
            if size > limits.bytes:
                raise too_large(path, f"{size:,} bytes unpacked", limits.bytes)
            table = file.read()
        columns, notes = name_columns(table.column_names)
        cells = [[_text(value) for value in column.to_pylist()] for column in table.columns]
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        raise WorkbenchError(
            f"{path.name} cannot be read as Parquet ({str(error).splitlines()[0]})",
            "a whole Parquet file",
            "fetch or export the file again",
        ) from None
    rows = [list(row) for row in zip(*cells, strict=True)]
    return Found("parquet", columns, rows, list(range(1, len(rows) + 1)), notes=notes)


def read_excel(path: Path, limits: Limits) -> Found:
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
    return _sheet(path, table, others)


def _sheet(path: Path, table: list[tuple[int, list]], others: list[str]) -> Found:
    table = [(number, row) for number, row in table if any(cell not in (None, "") for cell in row)]
    if not table:
        raise WorkbenchError(
            f"{path.name} is empty", "a header row and at least one row", "check the first sheet of the file"
        )
    header = table[0][1]
    width = max(place for place, cell in enumerate(header, start=1) if cell not in (None, ""))
    columns, notes = name_columns(header[:width])
    if others:
        notes.append(f"only the first sheet was read; the others are {', '.join(others)}")
    rows, lines, spilled = [], [], 0
    for number, row in table[1:]:
        spilled += any(cell not in (None, "") for cell in row[width:])
        cells = [_text(cell) for cell in row[:width]]
        rows.append(cells + [None] * (width - len(cells)))
        lines.append(number)
    if spilled:
        notes.append(f"{spilled} rows have cells to the right of the header; those cells were left out")
    return Found("excel", columns, rows, lines, notes=notes)


def _text(value: Any) -> str | None:
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
