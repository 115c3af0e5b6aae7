"""Colours, sizes and the handling of text that all figures share.

Figures are made through matplotlib's object interface, so nothing is kept between calls and no screen is needed.
Colours are Okabe and Ito's (2008), which people with any kind of colour vision tell apart; bars and lines differ
in shade or marker too. Text from data is never read as a formula.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tailor.records import Point

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, RED, PURPLE, SKY, GREY = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#d55e00",
    "#cc79a7",
    "#56b4e9",
    "#7f7f7f",
)
COLOURS = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY)
MARKERS = ("o", "s", "^", "D", "v", "P")
ROLE_COLOURS = {"reference": "#c8c8c8", "base model": GREY, "prompting": SKY, "tuned": BLUE}
WIDTH = 7.2  # inches, shown at 720 pixels


def new_figure(height: float, panels: int = 1) -> "tuple[Figure, list[Axes]]":
    """An empty figure of the house's width with `panels` axes of `height` inches, two in a row."""
    from matplotlib.figure import Figure

    columns = min(panels, 2)
    rows = math.ceil(panels / columns)
    figure = Figure(figsize=(WIDTH, height * rows), layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for spare in axes[panels:]:
        spare.remove()
    for ax in axes[:panels]:
        ax.spines[["top", "right"]].set_visible(False)
        ax.tick_params(labelsize=9)
        ax.set_axisbelow(True)
    return figure, axes[:panels]


def plain_text(text: Any, longest: int = 40) -> str:
    """Text from data: shortened, on one line, and with no formula in it."""
    words = " ".join(str(text).split())
    return (words if len(words) <= longest else words[: longest - 1] + "…").replace("$", r"\$")


def as_pairs(points: Sequence[Point | tuple[int, float]]) -> list[tuple[int, float]]:
    """Points as (step, value), without values that are no numbers."""
    pairs = [(p.step, p.value) if isinstance(p, Point) else tuple(p) for p in points]
    return [(step, value) for step, value in pairs if math.isfinite(value)]


def label_rows(ax: "Axes", labels: Sequence[Any]) -> None:
    """Name horizontal bars, the first one on top."""
    ax.set_yticks(range(len(labels)), [plain_text(label) for label in labels], fontsize=9)
    ax.set_ylim(len(labels) - 0.4, -0.6)


def height_of(rows: int) -> float:
    return 0.9 + 0.36 * max(rows, 2)
