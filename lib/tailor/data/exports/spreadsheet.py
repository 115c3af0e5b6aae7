"""Tables of rows: Parquet, and CSV that a spreadsheet opens without computing anything from it."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

from tailor.data.exports.format import Format, Row, Written
from tailor.data.exports.rules import keys_of, text_in
from tailor.data.formula_cells import disarm, is_formula

COLUMNS = ("id", "input", "output", "label", "system", "history", "source", "weight")


def _table_row(row: Row) -> Written:
    return {
        "id": row.example.id,
        "input": row.turns[-2]["content"],
        "output": row.turns[-1]["content"],
        "label": row.label,
        "system": row.system,
        "history": json.dumps(row.turns[:-2], ensure_ascii=False) if row.turns[:-2] else "",
        "source": row.example.source,
        "weight": f"{row.example.weight:g}",
    }


def _check_table(item: Written) -> Iterator[str]:
    yield from keys_of(item, COLUMNS)
    yield from text_in(item, "input")
    yield from text_in(item, "output")


def _check_csv(item: Written) -> Iterator[str]:
    yield from _check_table(item)
    for key, cell in item.items():
        if isinstance(cell, str) and is_formula(cell):
            yield f"'{key}' starts like a formula"


def write_csv(written: list[Written], path: Path) -> None:
    """UTF-8 with a byte-order mark, as Excel wants it; cells that look like formulas are disarmed."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows([disarm(str(item[name])) for name in COLUMNS] for item in written)
    path.write_bytes(text.getvalue().encode("utf-8-sig"))


def read_csv(path: Path) -> list[Written]:
    """The cells as they stand in the file, still disarmed."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


PARQUET = Format(
    name="Parquet",
    rules="Tailor's own columns, one row an example, as text; zstd, pages with checksums.",
    ending=".parquet",
    write=_table_row,
    check=_check_table,
)
CSV = Format(
    name="CSV",
    rules="RFC 4180; cells a spreadsheet would compute start with an apostrophe: owasp.org, CSV Injection. Read "
    "November 2026.",
    ending=".csv",
    write=_table_row,
    check=_check_csv,
)
