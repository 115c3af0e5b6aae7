"""A table of any length of which the browser holds one page; rows can be selected and cells edited."""

from collections.abc import Callable
from pathlib import Path

import anywidget
import polars as pl
import traitlets

from tailor.plain import visible

_HERE = Path(__file__).parent
LONGEST_CELL = 5_000
"""Characters of a cell that are sent; a longer one is shown cut and cannot be edited here."""


class PageTable(anywidget.AnyWidget):
    """Shows one page of a frame whose first column is row_id.

    Attributes:
        selected: ids of the rows with a tick, on all pages.
        edited: called with row_id, column and the new text when a person has edited a cell; None where nobody may.
    """

    _esm = _HERE / "page_table.js"
    _css = _HERE / "page_table.css"

    columns = traitlets.List(traitlets.Unicode()).tag(sync=True)
    rows = traitlets.List().tag(sync=True)
    total = traitlets.Int(0).tag(sync=True)
    page = traitlets.Int(0).tag(sync=True)
    size = traitlets.Int(10).tag(sync=True)
    sort = traitlets.Tuple(traitlets.Unicode(), traitlets.Bool(), default_value=("", False)).tag(sync=True)
    selected = traitlets.List(traitlets.Unicode()).tag(sync=True)
    editable = traitlets.Bool(True).tag(sync=True)

    def __init__(self, edited: Callable[[str, str, str], None] | None = None) -> None:
        self._frame = self._sorted = pl.DataFrame(schema={"row_id": pl.String})
        self.edited = edited
        super().__init__(editable=edited is not None)
        self.observe(self._resort, "sort")
        self.observe(self._turn, ["page", "size"])
        self.on_msg(self._receive)

    def show(self, frame: pl.DataFrame) -> None:
        """Put another frame in its place; the page stays if there still is one."""
        self._frame = frame
        if self.sort[0] not in frame.columns:
            self.sort = ("", False)
        self._resort()

    def _resort(self, chosen: object = None) -> None:
        column, down = self.sort
        self._sorted = (
            self._frame.sort(column, descending=down, nulls_last=True, maintain_order=True)
            if column
            else self._frame
        )
        if chosen:  # by a person, who wants to see what comes first
            self.page = 0
        self._turn()

    def _turn(self, _: object = None) -> None:
        """Send the page that is asked for."""
        size = min(max(self.size, 1), 200)
        last = max(0, -(-self._sorted.height // size) - 1)
        page = min(max(self.page, 0), last)
        rows = self._sorted.slice(page * size, size).rows()
        with self.hold_sync():
            self.total, self.page, self.size = self._sorted.height, page, size
            self.columns = self._sorted.columns
            self.rows = [[None if cell is None else _shown(str(cell)) for cell in row] for row in rows]

    def _receive(self, _: object, content: dict, __: object) -> None:
        """An edit from the browser; anything that is not one of the cells shown is let drop."""
        row_id, column, value = (content.get(key) for key in ("row_id", "column", "value"))
        shown = {row[0] for row in self.rows if isinstance(row[0], str)}
        if self.edited and row_id in shown and column in self.columns[1:] and isinstance(value, str):
            self.edited(row_id, column, value)


def _shown(cell: str) -> str | dict[str, str]:
    """A cell as it is; or what can be shown of it, which must not be edited."""
    if len(cell) > LONGEST_CELL:
        return {"part": f"{visible(cell[:LONGEST_CELL])} … ({len(cell) - LONGEST_CELL:,} more characters)"}
    return cell if visible(cell) == cell else {"part": visible(cell)}
