"""Figures of the data steps: lengths, what was dropped and why."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tailor.plots.shapes import counted_bars
from tailor.plots.style import COLOURS, ORANGE, RED, new_figure, plain_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def length_histogram(
    lengths: Mapping[str, Sequence[int]], limit: int | None = None, unit: str = "tokens"
) -> "Figure":
    """How long examples are: for each group the share of its examples at each length, so that groups compare.

    Args:
        lengths: group ("train", "prompt") -> lengths.
        limit: what fits into the model; drawn as a line, and the share beyond it said.
        unit: what the lengths count.
    """
    figure, (ax,) = new_figure(3.2)
    everything = [length for group in lengths.values() for length in group]
    top = max([*everything, limit or 1, 1])
    edges = [top * i / 40 for i in range(41)]
    for place, (name, group) in enumerate(lengths.items()):
        shares = {"bins": edges, "weights": [100 / len(group)] * len(group)} if group else {"bins": edges}
        line = ("-", "--", ":", "-.")[place % 4]
        colour, label = COLOURS[place % 6], f"{plain_text(name)} ({len(group):,})"
        ax.hist(
            group, histtype="stepfilled", alpha=0.3 if len(lengths) == 1 else 0.12, color=colour, **shares
        )
        ax.hist(group, histtype="step", linewidth=1.6, color=colour, linestyle=line, label=label, **shares)
    if limit is not None:
        beyond = sum(length > limit for length in everything)
        ax.axvline(limit, color=RED, linewidth=1.6, linestyle="--")
        share = beyond / max(len(everything), 1)
        ax.annotate(
            f"limit {limit:,}\n{beyond:,} longer ({share:.1%})",
            (limit, 0.98),
            xycoords=("data", "axes fraction"),
            xytext=(-6, 0),
            textcoords="offset points",
            ha="right",
            va="top",
            fontsize=9,
            color=RED,
        )
    ax.set_xlabel(f"length in {unit}", fontsize=10)
    ax.set_ylabel("% of the group", fontsize=10)
    if lengths:
        ax.legend(
            fontsize=9, frameon=False, loc="upper center", ncols=len(lengths), bbox_to_anchor=(0.5, 1.15)
        )
    return figure


def dropped_by_reason(counts: Mapping[str, int]) -> "Figure":
    """How many rows were dropped for which reason."""
    return counted_bars(counts, "rows dropped", ORANGE)
