"""A first look at a table: what each column holds, without showing anyone's text."""

import polars as pl

from tailor.blocks import Table
from tailor.data.columns import describe_columns


def profile_table(rows: pl.DataFrame) -> Table:
    """One line a column: what it seems to be, how full it is, how many different values, how long.

    No cell is shown: at this point nothing has been masked yet.
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
    return Table(columns, lines, f"{rows.height:,} rows; lengths in characters", show=60)
