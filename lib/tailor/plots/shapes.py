"""Shapes of figures that several subjects share: bars with intervals, bars of counts."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tailor.plots.style import BLUE, RED, height_of, label_rows, new_figure, plain_text
from tailor.records import Estimate

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def bars_with_intervals(
    labels: Sequence[str], estimates: Sequence[Estimate], measure: str, colours: Sequence[str] = ()
) -> "Figure":
    """Horizontal bars with their 95% intervals, each value written beside.

    Args:
        labels: one for each bar, the first on top.
        estimates: value and interval for each bar.
        measure: the name of what is measured, for the axis.
        colours: one for each bar; all blue otherwise.
    """
    figure, (ax,) = new_figure(height_of(len(labels)))
    values = [e.value for e in estimates]
    errors = [[max(e.value - e.low, 0) for e in estimates], [max(e.high - e.value, 0) for e in estimates]]
    ax.barh(
        range(len(labels)),
        values,
        height=0.6,
        color=list(colours) or BLUE,
        xerr=errors,
        error_kw={"ecolor": "#1b1b1b", "capsize": 3, "linewidth": 1.2},
    )
    reach = max([abs(e.high) for e in estimates] + [abs(e.value) for e in estimates] + [1e-9])
    for row, e in enumerate(estimates):
        ax.annotate(
            f"{e.value:.3g}",
            (max(e.high, e.value, 0), row),
            xytext=(6, 0),
            textcoords="offset points",
            fontsize=9,
            va="center",
        )
    label_rows(ax, labels)
    ax.set_xlim(min([0, *(e.low for e in estimates)]), reach * 1.14)
    ax.set_xlabel(f"{plain_text(measure)} (line: 95% interval)", fontsize=10)
    ax.grid(axis="x", alpha=0.3)
    return figure


def counted_bars(counts: Mapping[str, int], unit: str, colour: str = BLUE) -> "Figure":
    """Horizontal bars of counts, the largest on top, each count written beside."""
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    figure, (ax,) = new_figure(height_of(len(ordered)))
    ax.barh(range(len(ordered)), [count for _, count in ordered], height=0.6, color=colour)
    for row, (_, count) in enumerate(ordered):
        ax.annotate(
            f"{count:,}", (count, row), xytext=(5, 0), textcoords="offset points", va="center", fontsize=9
        )
    label_rows(ax, [name for name, _ in ordered])
    ax.set_xlim(0, max([count for _, count in ordered] + [1]) * 1.12)
    ax.set_xlabel(unit, fontsize=10)
    ax.grid(axis="x", alpha=0.3)
    return figure


def two_distributions(
    first: Sequence[float], second: Sequence[float], names: tuple[str, str], measure: str
) -> "Figure":
    """Two histograms over each other, each as shares of its own values.

    Args:
        measure: what is on the axis.
    """
    figure, (ax,) = new_figure(2.6)
    every = [*first, *second] or [0.0]
    low, high = min(every), max(every)
    width = (high - low or 1.0) / 20
    edges = [low + n * width for n in range(21)]
    for values, name, colour, hatch in ((first, names[0], BLUE, None), (second, names[1], RED, "//")):
        weights = [1 / max(len(values), 1)] * len(values)
        label = f"{plain_text(name)} ({len(values):,})"
        ax.hist(
            values,
            edges,
            weights=weights,
            color=colour,
            alpha=0.55,
            hatch=hatch,
            edgecolor="white",
            label=label,
        )
    ax.set_xlabel(plain_text(measure), fontsize=10)
    ax.set_ylabel("share", fontsize=10)
    ax.legend(fontsize=9, frameon=False)
    return figure
