"""Hands: facets that filter a table, edits of cells and groups, merging, keeping and dropping. Each gesture is an entry
of the form's history; nothing is run and nothing is written here: the next cell does that."""

from collections.abc import Callable
from typing import Any

import ipywidgets as widgets
import polars as pl

from tailor.blocks import Table
from tailor.data.cleaning import gestures
from tailor.data.cleaning.view import View
from tailor.data.cleaning.wrangling import Facet, choose_rows
from tailor.errors import WorkbenchError
from tailor.html import INK, safe, to_html
from tailor.plain import to_text
from tailor.ui.clusters import ClusterBox
from tailor.ui.facets import KINDS, EmptyFacet, FacetBox, NumbersFacet, TextFacet, ValuesFacet
from tailor.ui.page_table import PageTable

_OWN = ("source", "operation", "entry", "reason")
_KIND_OF = {"label": "values", "group": "values", "number": "numbers"}


class Hands:
    """The panel of 03.

    Args:
        step: 03, opened; its project's files are read.
        form: the step's form, whose history the gestures are added to.

    Attributes:
        table: the rows shown.
        facets: the facets shown.
        clusters: where similar values are merged.
    """

    def __init__(self, step: Any, form: Any) -> None:
        self._project = step.project
        self._list = form.widgets["operations"]
        self._history = self._list.history
        self.view = View.load(step.project)
        self.facets: list[FacetBox] = []
        self._seen: tuple[tuple, pl.DataFrame] | None = None
        self._masks: dict[tuple[str, str], tuple[str, pl.Series, pl.Series]] = {}
        self.table = PageTable(edited=self._edit)
        self.clusters = ClusterBox(lambda: self._passing(self._rows()), self._replace)
        self._make()
        labels = [column.name for column in self.view.described if column.kind == "label"]
        if labels := [*self.view.columns.labels, *labels]:
            self.clusters.offer(self._names(self.view.rows), labels[0])
            self.add_facet(labels[0], "values")
        self._list.observe(lambda _: self.refresh(), "value")
        self._list.observe(lambda _: self.reload(), "runs")
        self.table.observe(lambda _: self._name_buttons(), "selected")
        self.refresh()

    # --- looks -----------------------------------------------------------------------------------------------------
    def _make(self) -> None:
        self.told = widgets.HTML()
        self.which = widgets.ToggleButtons(
            options=[("Rows", "rows"), ("Dropped rows", "dropped")], style={"button_width": "auto"}
        )
        self.which.observe(lambda _: self._switch(), "value")
        self.drop = self._button("trash", "Drop selected", self._on_drop, "Leave the rows with a tick out")
        self.keep = self._button(
            "thumb-tack", "Keep selected", self._on_keep, "No operation will drop the rows with a tick"
        )
        self.drop_all = self._button(
            "filter", "Drop all matching", self._on_drop_all, "Leave out every row that passes the facets"
        )
        self.merge = self._button(
            "compress", "Merge similar values …", self._on_merge, "Find spellings of one value"
        )
        bar = widgets.HBox(
            [self.which, self.drop, self.keep, self.drop_all, self.merge],
            layout=widgets.Layout(flex_flow="row wrap"),
        )
        self.new_column = widgets.Dropdown(layout=widgets.Layout(flex="1 1 auto", width="auto"))
        self.new_kind = widgets.Dropdown(
            options=[("that fits", ""), *((title, kind) for kind, title in KINDS.items())],
            layout=widgets.Layout(width="110px"),
        )
        add = self._button("plus", "", self._on_add, "Add a facet on this column")
        add.layout.width = "34px"
        self._facet_list = widgets.VBox()
        side = widgets.VBox(
            [widgets.HBox([self.new_column, self.new_kind, add]), self._facet_list],
            layout=widgets.Layout(width="310px", flex="0 0 310px", margin="0 14px 0 0"),
        )
        self._below = widgets.VBox()
        main = widgets.VBox(
            [bar, self._below, self.told, self.table], layout=widgets.Layout(flex="1 1 auto", min_width="0")
        )
        self.box = widgets.HBox([side, main], layout=widgets.Layout(width="100%", align_items="flex-start"))
        self.box.add_class("tailor-hands")

    def _button(self, icon: str, text: str, act: Callable[[], None], tooltip: str) -> widgets.Button:
        button = widgets.Button(
            icon=icon, description=text, tooltip=tooltip, layout=widgets.Layout(width="auto")
        )
        button.on_click(lambda _: act())
        return button

    def refresh(self) -> None:
        """Count and filter anew: after a gesture, a choice in a facet, an undo."""
        try:
            self._show()
        except WorkbenchError as error:  # a pattern that is none, an entry that cannot be run
            self._say(f"{error.found}. Needed: {error.needed}.")
        self._name_buttons()

    def _show(self) -> None:
        rows = self._rows()
        names = self._names(rows)
        if list(self.new_column.options) != names:
            self.new_column.options = names
            self.new_column.value = next(iter(names), None)
        self.clusters.offer([name for name in names if name not in _OWN])
        for box in self.facets:
            if box.column in rows.columns:
                box.recount(self._passing(rows, without=box)[box.column])
        shown = self._passing(rows)
        self.table.show(shown.select("row_id", pl.col(names).exclude("source")).cast(pl.String))
        dropped = self.which.value == "dropped"
        self.table.edited = None if dropped else self._edit
        self.table.editable = not dropped
        seen = "Rows that the last run dropped." if dropped else self.view.told(self._history.operations)
        self._say(f"{shown.height:,} of {rows.height:,} rows. {seen}")

    def reload(self) -> None:
        """Read what the last run left."""
        self.view, self._seen = View.load(self._project), None
        self.refresh()

    def _say(self, text: str) -> None:
        self.told.value = f'<span style="{INK}">{safe(text)}</span>'

    def _name_buttons(self) -> None:
        dropped, picked = self.which.value == "dropped", len(self.table.selected)
        self.keep.description = "Bring selected back" if dropped else "Keep selected"
        for button in (self.drop, self.drop_all, self.merge):
            button.layout.display = "none" if dropped else None
        self.drop.disabled = self.keep.disabled = not picked
        self.drop_all.disabled = not self._conditions()

    # --- rows ------------------------------------------------------------------------------------------------------
    def _rows(self) -> pl.DataFrame:
        """The rows to look at; worked out once for each state of the history."""
        history, dropped = self._history.operations, self.which.value == "dropped"
        if self._seen is None or self._seen[0] != (history, dropped):
            rows = self.view.dropped_now(history) if dropped else self.view.now(history)
            self._seen = (history, dropped), rows
        return self._seen[1]

    def _conditions(self, without: FacetBox | None = None) -> list[Facet]:
        found = [box.facet() for box in self.facets if box is not without]
        return [facet for facet in found if facet is not None]

    def _passing(self, rows: pl.DataFrame, without: FacetBox | None = None) -> pl.DataFrame:
        facets = [facet for facet in self._conditions(without) if facet.column in rows.columns]
        masks = [self._mask(rows, facet) for facet in facets]
        return rows.filter(*masks) if masks else rows

    def _mask(self, rows: pl.DataFrame, facet: Facet) -> pl.Series:
        """Which rows pass a facet; asked again of the same cells, it answers from memory (a pattern takes seconds)."""
        key, cells = facet.model_dump_json(), rows[facet.column]
        known = self._masks.get((facet.column, facet.kind))
        if known is None or known[0] != key or not known[1].equals(cells, check_names=True):
            known = self._masks[facet.column, facet.kind] = key, cells, choose_rows(rows, [facet])
        return known[2]

    def _names(self, rows: pl.DataFrame) -> list[str]:
        """The columns in the order of their interest: why a row was dropped, texts and labels, and the others."""
        known = self.view.columns
        first = [*_OWN[1:], *known.texts, *known.labels]
        there = [name for name in dict.fromkeys(first) if name in rows.columns]
        return [*there, *(name for name in rows.columns if name not in (*there, "row_id"))]

    # --- gestures --------------------------------------------------------------------------------------------------
    def add_facet(self, column: str, kind: str = "") -> FacetBox:
        """Add a facet; without a kind the one that fits the column's contents."""
        if not kind:
            fits = {described.name: described.kind for described in self.view.described}
            kind = "values" if column in _OWN else _KIND_OF.get(fits.get(column, ""), "text")
        if kind == "values":
            box: FacetBox = ValuesFacet(column, self.refresh, self._remove_facet, self._replace)
        else:
            makers = {"text": TextFacet, "numbers": NumbersFacet, "empty": EmptyFacet}
            box = makers[kind](column, self.refresh, self._remove_facet)
        self.facets.append(box)
        self._facet_list.children = tuple(facet.box for facet in self.facets)
        self.refresh()
        return box

    def _remove_facet(self, box: FacetBox) -> None:
        self.facets.remove(box)
        self._facet_list.children = tuple(facet.box for facet in self.facets)
        self.refresh()

    def _on_add(self) -> None:
        if self.new_column.value:
            self.add_facet(self.new_column.value, self.new_kind.value)

    def _on_merge(self) -> None:
        self._below.children = () if self._below.children else (self.clusters.box,)

    def _switch(self) -> None:
        self.table.selected = []
        self._below.children = ()
        self.refresh()

    def _edit(self, row_id: str, column: str, value: str) -> None:
        self._gesture(gestures.edit_cell, self._place(), row_id, column, value)

    def _replace(self, column: str, new_values: dict[str, str]) -> None:
        box = next(
            (box for box in self.facets if box.column == column and isinstance(box, ValuesFacet)), None
        )
        self._gesture(
            gestures.replace_values, self._place(), column, new_values, self._conditions(without=box)
        )

    def _on_drop(self) -> None:
        self._gesture(gestures.drop_rows, self._place(), self.table.selected)

    def _on_keep(self) -> None:
        self._gesture(gestures.keep_rows, self.table.selected)

    def _on_drop_all(self) -> None:
        facets = self._conditions()
        for box in self.facets:
            box.clear()  # nothing would be left to see
        self._gesture(gestures.drop_matching, self._place(), facets)

    def _place(self) -> int:
        return self.view.place(self._history.operations)

    def _gesture(self, act: Callable, *args: Any) -> None:
        """Add to the history; its list shows the new entry, and `refresh` follows."""
        self.table.selected = []
        act(self._history, *args)
        self._list.edited()

    # --- without a browser -----------------------------------------------------------------------------------------
    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """The live panel where there are widgets, the first rows where there are none."""
        rows = self._rows()
        names = [name for name in rows.columns if name != "source"]
        caption = f"{rows.height:,} rows. {self.view.told(self._history.operations)}"
        table = Table(names, rows.select(names).head(5).rows(), caption)
        widget = self.box._repr_mimebundle_() or {}
        return {**widget, "text/html": to_html(table), "text/plain": to_text(table)}
