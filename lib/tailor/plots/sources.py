"""Figures of the data landscape: all sources side by side."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from tailor.plots.style import BLUE, GREEN, GREY, ORANGE, RED, SKY, height_of, label_rows, new_figure
from tailor.records import Source

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST = 25
"""Sources shown; the largest ones where there are more."""


def _shown(sources: Sequence[Source]) -> list[Source]:
    largest = sorted(sources, key=lambda source: -source.rows)[:_MOST]
    return [source for source in sources if source in largest]


def source_amounts(sources: Sequence[Source]) -> "Figure":
    """Rows and tokens of each source, each on its own scale."""
    shown = _shown(sources)
    figure, axes = new_figure(height_of(len(shown)), panels=2)
    for ax, unit, colour in zip(axes, ("rows", "tokens"), (BLUE, SKY), strict=True):
        values = [getattr(source, unit) for source in shown]
        ax.barh(range(len(shown)), values, color=colour)
        _write(ax, values, "{:,.0f}")
        label_rows(ax, [source.name for source in shown] if unit == "rows" else [""] * len(shown))
        ax.set_xlabel(unit, fontsize=10)
        ax.ticklabel_format(axis="x", style="plain")
        ax.locator_params(axis="x", nbins=4)
    return figure


def source_flaws(sources: Sequence[Source]) -> "Figure":
    """Share of broken, duplicate and incomplete rows of each source; a row may be both of the last two."""
    shown = _shown(sources)
    figure, (ax,) = new_figure(0.4 + 1.5 * height_of(len(shown)))
    for place, (kind, colour, hatch) in enumerate(
        (("broken", RED, ""), ("duplicate", ORANGE, "//"), ("incomplete", GREY, ".."))
    ):
        values = [100 * source.checks["good"].values.get(kind, 0.0) for source in shown]
        rows = [row + (place - 1) * 0.26 for row in range(len(shown))]
        ax.barh(rows, values, height=0.24, color=colour, hatch=hatch, edgecolor="white", label=kind)
        _write(ax, values, "{:.1f}%", rows)
    label_rows(ax, [source.name for source in shown])
    ax.set_xlabel("% of the source's rows", fontsize=10)
    ax.legend(fontsize=9, frameon=False, loc="upper center", ncols=3, bbox_to_anchor=(0.5, 1.12))
    return figure


def source_periods(sources: Sequence[Source]) -> "Figure":
    """From when to when each source reaches."""
    shown = [source for source in _shown(sources) if source.period]
    figure, (ax,) = new_figure(height_of(len(shown)))
    for row, source in enumerate(shown):
        first, last = (date.fromisoformat(day) for day in source.period)
        ax.plot([first, last], [row, row], color=GREEN, linewidth=5, marker="|", markersize=12)
    label_rows(ax, [source.name for source in shown])
    ax.tick_params(axis="x", labelrotation=20)
    return figure


def source_lengths(sources: Sequence[Source]) -> "Figure":
    """How long rows are: the middle eight tenths and the median of each source, and what the model can read."""
    shown = [source for source in _shown(sources) if "median_tokens" in source.checks["compatible"].values]
    figure, (ax,) = new_figure(height_of(len(shown)))
    for row, source in enumerate(shown):
        values = source.checks["compatible"].values
        ax.barh(
            row, values["tokens_90"] - values["tokens_10"], left=values["tokens_10"], height=0.5, color=SKY
        )
        ax.plot([values["median_tokens"]] * 2, [row - 0.25, row + 0.25], color=BLUE, linewidth=2)
    limits = {source.checks["compatible"].values["context"] for source in shown} - {0.0}
    for limit in limits:
        ax.axvline(limit, color=RED, linestyle="--", linewidth=1.6, label=f"the model reads {limit:,.0f}")
        ax.legend(fontsize=9, frameon=False, loc="upper center", bbox_to_anchor=(0.5, 1.2))
    label_rows(ax, [source.name for source in shown])
    ax.set_xlabel("tokens of a row: 10% to 90% of rows, and the median", fontsize=10)
    return figure


def source_nearness(sources: Sequence[Source]) -> "Figure":
    """TF-IDF similarity of each source to the use case's own words."""
    shown = _shown(sources)
    figure, (ax,) = new_figure(height_of(len(shown)))
    values = [source.checks["relevant"].values.get("similarity", 0.0) for source in shown]
    ax.barh(range(len(shown)), values, color=BLUE)
    _write(ax, values, "{:.2f}")
    label_rows(ax, [source.name for source in shown])
    ax.set_xlabel("similarity to the use case (cosine of TF-IDF, 0 to 1)", fontsize=10)
    return figure


def _write(ax: "Axes", values: Sequence[float], form: str, rows: Sequence[float] | None = None) -> None:
    """Write each value behind its bar."""
    top = max([*values, 1e-9])
    for row, value in zip(rows if rows is not None else range(len(values)), values, strict=True):
        ax.annotate(
            form.format(value),
            (value, row),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
        )
    ax.set_xlim(0, max(top * 1.25, ax.get_xlim()[1]))
