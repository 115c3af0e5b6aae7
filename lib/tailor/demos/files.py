"""The raw files: each export has its own columns, date format and encoding, as real exports do."""

import csv
import io
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import format_datetime
from pathlib import Path

from tailor.demos.bank import Row

PLANTED = ["file", "row", "id", "column", "kind", "detail", "twin_file", "twin_id"]


@dataclass
class Layout:
    """How one file is written; ``columns`` maps its column names to what they hold, in order."""

    name: str
    prefix: str
    columns: dict[str, str | Callable[[Row], object]]
    date: str = "%Y-%m-%d %H:%M"
    encoding: str = "utf-8"
    delimiter: str = ","
    rows: list[Row] = field(default_factory=list)
    broken: list[int] = field(default_factory=list)

    @property
    def jsonl(self) -> bool:
        """Whether each row is one JSON line."""
        return self.name.endswith(".jsonl")

    def id(self, number: int, row: Row) -> str:
        """The id of the n-th row (from 1) of this file; ids grow but leave gaps."""
        return f"{self.prefix}{1000 + 3 * number + len(row.uid) % 2:05d}"

    def spelled(self, column: str) -> str:
        """The name that a column has in this file."""
        return next((name for name, holds in self.columns.items() if holds == column), column)


def when(row: Row, layout: Layout) -> str:
    """The date as this export writes it."""
    if row.bad_date:
        return row.bad_date
    if layout.date == "rfc2822":
        return format_datetime(row.created.replace(tzinfo=UTC))
    return row.created.strftime(layout.date)


def cell(row: Row, holds, layout: Layout, number: int):
    """The value of one cell."""
    if callable(holds):
        return holds(row)
    if holds == "id":
        return layout.id(number, row)
    if holds == "created_at":
        return when(row, layout)
    return getattr(row, holds)


def csv_bytes(layout: Layout) -> bytes:
    """A layout's rows as CSV."""
    text = io.StringIO(newline="")
    writer = csv.writer(
        text, delimiter=layout.delimiter, lineterminator="\r\n" if layout.encoding == "cp1252" else "\n"
    )
    writer.writerow(layout.columns)
    for number, row in enumerate(layout.rows, 1):
        writer.writerow([cell(row, holds, layout, number) for holds in layout.columns.values()])
    return text.getvalue().encode(layout.encoding)


def line_number(layout: Layout, number: int) -> int:
    """Where the n-th row of a JSONL file stands, broken lines counted."""
    line = number
    for broken in sorted(layout.broken):
        line += broken <= line
    return line


def nested(row: Row, layout: Layout, number: int) -> dict:
    """One JSON object; a dot in a column name means a nested object."""
    out: dict = {}
    for name, holds in layout.columns.items():
        *path, last = name.split(".")
        inside = out
        for part in path:
            inside = inside.setdefault(part, {})
        inside[last] = cell(row, holds, layout, number)
    return out


def jsonl_bytes(layout: Layout) -> bytes:
    """A layout's rows as JSON lines; broken lines are a row's own line cut short, then written in full."""
    lines = [json.dumps(nested(row, layout, n), ensure_ascii=False) for n, row in enumerate(layout.rows, 1)]
    for at in sorted(layout.broken):
        whole = lines[at - 1]
        lines.insert(at - 1, whole[: len(whole) * 2 // 3])
    return ("\n".join(lines) + "\n").encode(layout.encoding)


def planted_bytes(layouts: list[Layout]) -> bytes:
    """The record of every planted defect, row by row."""
    places = {}
    for layout in layouts:
        for number, row in enumerate(layout.rows, 1):
            line = line_number(layout, number) if layout.jsonl else number
            places[row.uid] = (layout, line, layout.id(number, row))
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(PLANTED)
    for layout in layouts:
        for at in sorted(layout.broken):
            writer.writerow(
                [layout.name, at, "", "*", "broken_line", "JSON cut short; the next line is whole", "", ""]
            )
        for row in layout.rows:
            _, line, name = places[row.uid]
            for column, kind, detail, twin in row.plants:
                other = (places[twin][0].name, places[twin][2]) if twin else ("", "")
                detail = detail.replace("\n", " ")
                writer.writerow([layout.name, line, name, layout.spelled(column), kind, detail, *other])
    return text.getvalue().encode("utf-8")


def write(folder: Path, name: str, content: bytes) -> None:
    """Write under a temporary name, then rename, so no reader sees half a file."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{name}.part"
    part.write_bytes(content)
    os.replace(part, folder / name)


def write_all(folder: Path, layouts: list[Layout]) -> None:
    """Write the raw files and the record of plants."""
    for layout in layouts:
        write(folder, layout.name, jsonl_bytes(layout) if layout.jsonl else csv_bytes(layout))
    write(folder, "planted.csv", planted_bytes(layouts))
