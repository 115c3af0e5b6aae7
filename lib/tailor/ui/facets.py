"""Facets: small boxes that show what a column holds and choose rows by it. Pure: each gives a Facet and recounts."""

from collections.abc import Callable

import ipywidgets as widgets
import polars as pl

from tailor.data.cleaning.overview import Histogram, histogram, value_counts
from tailor.data.cleaning.wrangling import Facet
from tailor.data.cleaning.wrangling.facets import TO_NUMBER
from tailor.html import FAINT, INK, LINE, safe
from tailor.plain import visible

KINDS = {"values": "values", "text": "holds a text", "numbers": "numbers", "empty": "empty or filled"}
SHOWN_VALUES = 200
"""Values listed in a facet; the rest is found by a text facet. More would make the browser slow."""
_LONGEST = 60


class FacetBox:
    """One facet.

    Args:
        column: what it looks at.
        changed: called after a person has chosen something.
        removed: called with this box when a person takes it away.

    Attributes:
        box: the widget.
    """

    def __init__(
        self, column: str, changed: Callable[[], None], removed: Callable[["FacetBox"], None]
    ) -> None:
        self.column = column
        self._busy = False
        self._changed = changed
        remove = widgets.Button(
            icon="times", tooltip="Take this facet away", layout=widgets.Layout(width="30px")
        )
        remove.on_click(lambda _: removed(self))
        name = widgets.HTML(
            f'<b style="{INK}">{safe(column)}</b>', layout=widgets.Layout(flex="1 1 auto", min_width="0")
        )
        self.told = widgets.HTML()
        head = widgets.HBox([name, remove], layout=widgets.Layout(align_items="center"))
        self.box = widgets.VBox(
            [head, *self._make(), self.told],
            layout=widgets.Layout(border=f"1px solid {LINE}", padding="2px 8px 6px 8px", margin="0 0 8px 0"),
        )
        self.box.add_class("tailor-facet")

    def facet(self) -> Facet | None:
        """The condition chosen, or None where every row passes."""
        raise NotImplementedError

    def clear(self) -> None:
        """Let every row pass."""
        self._busy = True
        try:
            self._clear()
        finally:
            self._busy = False

    def recount(self, cells: pl.Series) -> None:
        """Show the counts of these cells: those of the rows that pass all other facets."""
        self._busy = True
        try:
            self._show(cells)
        finally:
            self._busy = False

    def _make(self) -> list[widgets.Widget]:
        raise NotImplementedError

    def _clear(self) -> None:
        raise NotImplementedError

    def _show(self, cells: pl.Series) -> None:
        raise NotImplementedError

    def _watch(self, *watched: widgets.Widget) -> None:
        for widget in watched:
            widget.observe(lambda _: None if self._busy else self._changed(), "value")

    def _say(self, text: str) -> None:
        self.told.value = f'<span style="{FAINT};font-size:12px">{safe(text)}</span>'


class ValuesFacet(FacetBox):
    """The values of a column with their counts; a new value can be written in the place of those chosen.

    Attributes:
        replace: called with column and old value -> new value; set by the panel.
    """

    def __init__(self, column: str, changed: Callable, removed: Callable, replace: Callable) -> None:
        self._replace = replace
        super().__init__(column, changed, removed)

    def _make(self) -> list[widgets.Widget]:
        self.values = widgets.SelectMultiple(rows=8, layout=widgets.Layout(width="100%"))
        self.values.add_class("tailor-values")
        self.others = widgets.Checkbox(
            description="all but these", indent=False, layout=widgets.Layout(width="130px")
        )
        self.new = widgets.Text(
            placeholder="write instead …",
            continuous_update=False,
            layout=widgets.Layout(flex="1 1 auto", width="auto"),
        )
        self.write = widgets.Button(
            description="Replace",
            tooltip="In every row, write this for the values chosen",
            layout=widgets.Layout(width="auto"),
        )
        self.write.on_click(lambda _: self._on_write())
        self._watch(self.values, self.others)
        return [self.values, self.others, widgets.HBox([self.new, self.write])]

    def _on_write(self) -> None:
        if self.values.value:
            chosen, new = self.values.value, self.new.value
            self.values.value, self.new.value = (), ""
            self._replace(self.column, dict.fromkeys(chosen, new))
        else:
            self._say("Choose the values to replace first (with Ctrl or Shift for several).")

    def facet(self) -> Facet | None:
        chosen = self.values.value
        if not chosen:
            return None
        filled = [value for value in chosen if value]
        return Facet(column=self.column, values=filled, blank="" in chosen, invert=self.others.value)

    def _clear(self) -> None:
        self.values.value, self.others.value = (), False

    def _show(self, cells: pl.Series) -> None:
        chosen = self.values.value
        counts = value_counts(cells)
        shown = dict(counts[:SHOWN_VALUES])
        missing = [value for value in chosen if value not in shown]
        known = dict(counts) if missing else {}
        shown |= {value: known.get(value, 0) for value in missing}
        self.values.options = [(f"{_short(value)}  ·  {count:,}", value) for value, count in shown.items()]
        self.values.value = chosen
        more = f"; the {SHOWN_VALUES} most frequent are listed" if len(counts) > SHOWN_VALUES else ""
        self._say(f"{len(counts):,} different values{more}")


class TextFacet(FacetBox):
    """Rows whose cell holds a text or matches a pattern."""

    def _make(self) -> list[widgets.Widget]:
        self.query = widgets.Text(placeholder="text to look for", layout=widgets.Layout(width="100%"))
        self.regex = widgets.Checkbox(
            description="pattern", indent=False, layout=widgets.Layout(width="90px")
        )
        self.case = widgets.Checkbox(
            description="capitals matter", indent=False, layout=widgets.Layout(width="130px")
        )
        self.others = widgets.Checkbox(description="not", indent=False, layout=widgets.Layout(width="60px"))
        self.query.continuous_update = False
        self._watch(self.query, self.regex, self.case, self.others)
        return [self.query, widgets.HBox([self.regex, self.case, self.others])]

    def facet(self) -> Facet | None:
        if not self.query.value:
            return None
        return Facet(
            kind="text",
            column=self.column,
            query=self.query.value,
            regex=self.regex.value,
            case_sensitive=self.case.value,
            invert=self.others.value,
        )

    def _clear(self) -> None:
        self.query.value = ""

    def _show(self, cells: pl.Series) -> None:
        self._say(f"among {cells.len():,} rows")


class NumbersFacet(FacetBox):
    """A histogram of a column's numbers, and a range to choose."""

    def _make(self) -> list[widgets.Widget]:
        self.bars = widgets.HTML()
        self.range = widgets.FloatRangeSlider(
            min=0,
            max=1,
            value=(0, 1),
            readout=True,
            continuous_update=False,
            layout=widgets.Layout(width="100%"),
        )
        wide = widgets.Layout(width="auto")
        self.other = widgets.Checkbox(
            value=True, description="rows without a number too", indent=False, layout=wide
        )
        self._ends: tuple[float, float] | None = None
        self._watch(self.range, self.other)
        return [self.bars, self.range, self.other]

    def facet(self) -> Facet | None:
        if self._ends is None or (self.range.value == self._ends and self.other.value):
            return None
        low, high = self.range.value
        return Facet(
            kind="range",
            column=self.column,
            expression=TO_NUMBER,
            low=None if low <= self._ends[0] else low,
            high=None if high >= self._ends[1] else high,
            error=self.other.value,
        )

    def _clear(self) -> None:
        self.other.value = True
        if self._ends:
            self.range.value = self._ends

    def _show(self, cells: pl.Series) -> None:
        found = histogram(cells)
        if self._ends is None and len(found.edges) > 1 and found.edges[0] < found.edges[-1]:
            low, high = found.edges[0], found.edges[-1]
            self._ends = (low, high)
            self.range.step = (high - low) / 200
            # the slider's ends are moved one at a time and must never cross
            self.range.max = max(high, self.range.min)
            self.range.min, self.range.max, self.range.value = low, high, (low, high)
        self.bars.value = _bars(found)
        self.range.layout.display = self.other.layout.display = None if self._ends else "none"
        numbers = sum(found.counts)
        self._say(f"{numbers:,} numbers, {found.empty:,} empty, {found.other:,} other")


class EmptyFacet(FacetBox):
    """Rows whose cell is empty, or filled."""

    def _make(self) -> list[widgets.Widget]:
        self.choice = widgets.RadioButtons(
            options=[("all", "all"), ("empty", "empty"), ("filled", "filled")],
            value="all",
            layout=widgets.Layout(width="auto"),
        )
        self._watch(self.choice)
        return [self.choice]

    def facet(self) -> Facet | None:
        if self.choice.value == "all":
            return None
        return Facet(column=self.column, blank=True, invert=self.choice.value == "filled")

    def _clear(self) -> None:
        self.choice.value = "all"

    def _show(self, cells: pl.Series) -> None:
        empty = int((cells.fill_null("") == "").sum())
        self._say(f"{empty:,} empty, {cells.len() - empty:,} filled")


def _short(value: str) -> str:
    text = visible(" ".join(value.split())) or ("(empty)" if not value else "(blanks)")
    text = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    # blanks at the ends are what often tells two labels apart
    return text if value.strip() == value or not value else f"“{visible(value)}”"[: _LONGEST + 2]


def _bars(found: Histogram) -> str:
    """The histogram as an inline drawing, each bar with its range and count as a tooltip."""
    if not found.counts:
        return f'<span style="{FAINT}">no numbers here</span>'
    width, height, top = 260, 54, max(found.counts)
    step = width / len(found.counts)
    bars = []
    for place, count in enumerate(found.counts):
        tall = height * count / top
        ends = f"{found.edges[place]:,.6g} to {found.edges[min(place + 1, len(found.edges) - 1)]:,.6g}: {count:,}"
        bars.append(
            f'<rect x="{place * step:.1f}" y="{height - tall:.1f}" width="{max(step - 1, 1):.1f}" '
            f'height="{tall:.1f}" fill="#0072b2"><title>{safe(ends)}</title></rect>'
        )
    return f'<svg width="100%" viewBox="0 0 {width} {height}" role="img">{"".join(bars)}</svg>'
