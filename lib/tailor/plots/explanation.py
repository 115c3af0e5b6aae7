"""Figures of what tuning changed inside a model."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tailor.plots.style import BLUE, ORANGE, height_of, label_rows, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def weight_changes(layers: Sequence[tuple[str, float, float]]) -> "Figure":
    """How far each layer moved, and in how many directions, side by side.

    Args:
        layers: (name, share of its length, effective rank), from input to output.
    """
    figure, axes = new_figure(height_of(len(layers)), panels=2)
    panels = [
        (100 * share for _, share, _ in layers),
        (rank for *_, rank in layers),
    ]
    names = ["moved by, % of its length", "effective rank of its change"]
    for ax, values, name, colour in zip(axes, panels, names, (BLUE, ORANGE), strict=True):
        numbers = list(values)
        ax.barh(range(len(numbers)), numbers, height=0.6, color=colour)
        for row, number in enumerate(numbers):
            ax.annotate(
                f"{number:.3g}",
                (number, row),
                xytext=(5, 0),
                textcoords="offset points",
                va="center",
                fontsize=9,
            )
        label_rows(ax, [layer for layer, *_ in layers])
        ax.set_xlim(0, max([*numbers, 1e-9]) * 1.2)
        ax.set_xlabel(name, fontsize=10)
        ax.grid(axis="x", alpha=0.3)
    axes[1].set_yticklabels([])
    return figure
