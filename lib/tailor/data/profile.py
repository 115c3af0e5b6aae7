"""A first look at a table: what each column holds, without showing anyone's text, on a sample where it is large."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from tailor.blocks import Table
from tailor.data.columns import describe_columns
from tailor.errors import WorkbenchError

if TYPE_CHECKING:
    import pyarrow as pa

SAMPLE_ROWS = 50_000
_SAMPLE_GROUPS = 60


def profile_table(rows: pl.DataFrame, total: int = 0) -> Table:
    """One line a column: what it seems to be, how full it is, how many different values, how long.

    No cell is shown: at this point nothing has been masked yet.

    Args:
        total: rows of the table that `rows` is a sample of; 0 if it is all of it.
    """
    lines = [
        (
            column.name,
            column.kind,
            f"{column.filled:.0%}",
            column.distinct,
            round(column.median_length),
            column.longest,
        )
        for column in describe_columns(rows)
    ]
    columns = ("column", "seems to be", "filled", "different values", "median length", "longest")
    of = f"measured on {rows.height:,} of {total:,} rows" if total > rows.height else f"{rows.height:,} rows"
    return Table(columns, lines, f"{of}; lengths in characters", show=60)


def row_groups(path: Path) -> list[tuple[str, int, int]]:
    """Source, number and rows of each row group of rows.parquet; a group holds rows of one source.

    Raises:
        WorkbenchError: missing or damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            place = file.schema_arrow.names.index("source")
            groups = [file.metadata.row_group(number) for number in range(file.num_row_groups)]
            return [
                (g.column(place).statistics.min, n, g.num_rows) for n, g in enumerate(groups) if g.num_rows
            ]
    except (OSError, pa.ArrowException, ValueError) as error:
        raise _damaged(path, error) from None


def read_groups(path: Path, numbers: list[int], columns: list[str] | None = None) -> pl.DataFrame:
    """Some row groups of a table, their checksums verified.

    Raises:
        WorkbenchError: damaged.
    """
    return pl.from_arrow(_read(path, numbers, columns))


def _read(path: Path, numbers: list[int], columns: list[str] | None = None) -> "pa.Table":
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            return file.read_row_groups(numbers, columns=columns)
    except (OSError, pa.ArrowException) as error:
        raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> WorkbenchError:
    return WorkbenchError(
        f"{path} cannot be read ({str(error).splitlines()[0]})",
        "the table as 02_gather_data wrote it",
        "run 02_gather_data again",
    )


def sample_rows(
    path: Path, most: int = SAMPLE_ROWS, groups: Sequence[tuple[str, int, int]] | None = None
) -> pl.DataFrame:
    """Rows of rows.parquet at even distances, always the same ones.

    Of a table with very many row groups only some are looked into, at even distances too.

    Args:
        groups: the row groups to look into, as `row_groups` gives them; None for all.
    """
    import pyarrow as pa

    groups = row_groups(path) if groups is None else groups
    groups = groups[:: max(1, -(-len(groups) // _SAMPLE_GROUPS))]
    step = max(1, -(-sum(rows for _, _, rows in groups) // most))
    frames, before = [], 0
    for _, number, rows in groups:
        places = range(-before % step, rows, step)
        # taken as Arrow: cells that Polars picks keep the whole group's text in memory. (pa.array imports pandas.)
        frames.append(_read(path, [number]).take(pl.Series(places, dtype=pl.Int64).to_arrow()))
        before += rows
    return pl.from_arrow(pa.concat_tables(frames)) if frames else pl.DataFrame()
