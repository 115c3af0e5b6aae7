"""Small tables in and out of the cleaning history, for the tests of wrangling and of OpenRefine's history."""

import polars as pl

from tailor.data.cleaning.operation import Columns
from tailor.data.cleaning.pipeline import clean
from tailor.progress import Log

ANY_CUT = (None, 1, 2)
"""Rows in a chunk: the result may not depend on it."""


class Quiet(Log):
    """Says nothing."""

    def note(self, text):
        pass


def frame_of(names, rows):
    """Row ids f:1, f:2 ... and the rows' cells under `names`."""
    cells = dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else {name: [] for name in names}
    ids = {"row_id": [f"f:{n}" for n in range(1, len(rows) + 1)], "source": ["f"] * len(rows)}
    data = {**ids, **{name: list(column) for name, column in cells.items()}}
    return pl.DataFrame(data, schema=dict.fromkeys(data, pl.String))


def run(names, rows, operations):
    """Names and rows after the operations, the same however the table is cut; and the ids of dropped rows."""
    frame = frame_of(names, rows)
    found = []
    for cut in ANY_CUT:
        pieces = {"rows_per_chunk": cut} if cut else {}
        kept, dropped, done = clean(frame, operations, Columns(names=tuple(names)), Quiet(), **pieces)
        assert kept.columns[:2] == ["row_id", "source"]
        table = kept.drop("row_id", "source")
        found.append((table.columns, table.rows(), dropped["row_id"].to_list(), [d.changed for d in done]))
    assert found[0] == found[1] == found[2]
    return found[0][:3]
