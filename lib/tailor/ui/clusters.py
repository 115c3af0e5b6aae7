"""Clusters: values that may be one, found by a keying method, and merged by a person's word."""

from collections.abc import Callable

import ipywidgets as widgets
import polars as pl

from tailor.data.cleaning.keying import METHODS, Cluster, cluster
from tailor.data.cleaning.overview import value_counts
from tailor.html import FAINT, INK, LINE, safe
from tailor.plain import visible

MOST_VALUES = 50_000
"""Different values that are compared; beyond, a click would take longer than a person waits."""
_A_PAGE = 8


class ClusterBox:
    """Finds clusters in a column and merges those a person ticks.

    Args:
        rows: gives the rows that are shown.
        merge: called with the column and old value -> new value.

    Attributes:
        box: the widget.
    """

    def __init__(
        self, rows: Callable[[], pl.DataFrame], merge: Callable[[str, dict[str, str]], None]
    ) -> None:
        self._rows, self._merge = rows, merge
        self._found: list[Cluster] = []
        self._page = 0
        self._chosen: dict[str, str] = {}
        self.column = widgets.Dropdown(description="column", layout=widgets.Layout(width="260px"))
        self.method = widgets.Dropdown(
            options=list(METHODS), description="method", layout=widgets.Layout(width="280px")
        )
        self.find = widgets.Button(
            description="Find similar values", icon="search", layout=widgets.Layout(width="auto")
        )
        self.find.on_click(lambda _: self.search())
        self._about = widgets.HTML()
        self._list = widgets.VBox()
        self.merge = widgets.Button(
            description="Merge those ticked", icon="compress", layout=widgets.Layout(width="auto")
        )
        self.merge.on_click(lambda _: self._on_merge())
        self._more = widgets.Button(description="More", layout=widgets.Layout(width="auto"))
        self._more.on_click(lambda _: self._turn())
        self.method.observe(lambda _: self._explain(), "value")
        self._explain()
        self.box = widgets.VBox(
            [widgets.HBox([self.column, self.method, self.find]), self._about, self._list],
            layout=widgets.Layout(border=f"1px solid {LINE}", padding="8px", margin="0 0 8px 0"),
        )
        self.box.add_class("tailor-clusters")

    def offer(self, columns: list[str], chosen: str | None = None) -> None:
        """The columns to choose from; the choice stays where it can."""
        if list(self.column.options) != columns:
            chosen = chosen or self.column.value
            self.column.options = columns
            self.column.value = chosen if chosen in columns else next(iter(columns), None)

    def search(self) -> None:
        """Find the clusters of the column in the rows shown. Pure: nothing is merged."""
        if self.column.value is None:
            return
        counts = {value: count for value, count in value_counts(self._rows()[self.column.value]) if value}
        if len(counts) > MOST_VALUES:
            self._found = []
            self._say(
                f"The column has {len(counts):,} different values; at most {MOST_VALUES:,} can be compared here."
            )
        else:
            self._found = cluster(counts, self.method.value)
            self._say(f"{len(self._found):,} groups among {len(counts):,} values.")
        self._page = 0
        self._show()

    def _turn(self) -> None:
        self._page += 1
        self._show()

    def _show(self) -> None:
        page = self._found[self._page * _A_PAGE : (self._page + 1) * _A_PAGE]
        self._lines = [_Line(found) for found in page]
        left = len(self._found) - (self._page + 1) * _A_PAGE
        self._more.layout.display = None if left > 0 else "none"
        self._more.description = f"Next ({left:,} more)"
        buttons = [widgets.HBox([self.merge, self._more])] if page else []
        self._list.children = (*(line.box for line in self._lines), *buttons)

    def _on_merge(self) -> None:
        column, new_values = self.column.value, {}
        for line in self._lines:
            if line.on.value:
                new_values |= {value: line.new.value for value, _ in line.cluster.values}
        if new_values:
            self._found, self._lines = [], []
            self._list.children = ()
            self._say(
                f"{len(new_values):,} spellings were merged: see the last entry of the list of operations."
            )
            self._merge(column, new_values)

    def _explain(self) -> None:
        self._say(f"Brings together {METHODS[self.method.value]}.")

    def _say(self, text: str) -> None:
        self._about.value = f'<div style="{FAINT};max-width:90ch">{safe(text)}</div>'


class _Line:
    """One cluster: whether to merge it, its values, and what to write."""

    def __init__(self, found: Cluster) -> None:
        self.cluster = found
        self.on = widgets.Checkbox(
            value=True, indent=False, tooltip="Merge these", layout=widgets.Layout(width="24px")
        )
        shown = found.values[:12]
        told = ", ".join(f"<b>{safe(visible(value))}</b> ({count:,})" for value, count in shown)
        rest = len(found.values) - len(shown)
        told += f" and {rest:,} more" if rest else ""
        values = widgets.HTML(
            f'<div style="{INK};line-height:1.35;white-space:pre-wrap">{told}</div>',
            layout=widgets.Layout(flex="1 1 auto", min_width="0"),
        )
        self.new = widgets.Text(value=found.best, description="becomes", layout=widgets.Layout(width="320px"))
        self.box = widgets.HBox([self.on, values, self.new], layout=widgets.Layout(align_items="center"))
