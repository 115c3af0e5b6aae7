"""Figures of the data steps: lengths, what was dropped and why."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tailor.plots.shapes import bars_with_intervals, counted_bars
from tailor.plots.style import BLUE, COLOURS, GREY, ORANGE, RED, new_figure, plain_text
from tailor.records import LearningCurve

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tailor.records import Estimate


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


def cleaning_credit(names: Sequence[str], effects: "Sequence[Estimate]", measure: str) -> "Figure":
    """What each cleaning operation did to the model: blue where it helps, red where it harms, grey where unsure.

    Args:
        names: of the operations, the first on top.
        effects: for each the metric with it minus without it.
        measure: the metric's name.
    """
    colours = [BLUE if e.low > 0 else RED if e.high < 0 else GREY for e in effects]
    return bars_with_intervals(names, effects, f"{measure} gained by the operation", colours)


def dropped_by_reason(counts: Mapping[str, int]) -> "Figure":
    """How many rows were dropped for which reason."""
    return counted_bars(counts, "rows dropped", ORANGE)


def learning_curve(curve: LearningCurve) -> "Figure":
    """How the quick proxy gains with training rows, with 95% intervals, and what twice the rows would bring."""
    figure, (ax,) = new_figure(3.2)
    values = [point.value for point in curve.values]
    spread = [
        [max(p.value - p.low, 0) for p in curve.values],
        [max(p.high - p.value, 0) for p in curve.values],
    ]
    ax.errorbar(
        curve.sizes, values, yerr=spread, color=BLUE, marker="o", capsize=3, linewidth=1.6, label="measured"
    )
    foretold = curve.gain is not None and curve.sizes[-1] == curve.rows
    if foretold:
        unit = 100 if curve.metric == "accuracy" else 1
        gain, low, high = (number / unit for number in (curve.gain.value, curve.gain.low, curve.gain.high))
        around = [[max(gain - low, 0)], [max(high - gain, 0)]]
        twice, then = 2 * curve.rows, values[-1] + gain
        ax.plot([curve.rows, twice], [values[-1], then], color=ORANGE, linestyle="--")
        look = {"color": ORANGE, "marker": "s", "linestyle": "none", "capsize": 3}
        ax.errorbar([twice], [then], yerr=around, label="twice the rows, foretold", **look)
    ax.set_xscale("log", base=2)
    ticks = [*curve.sizes, *([2 * curve.rows] if foretold else [])]
    ax.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    ax.set_xlabel("training rows", fontsize=10)
    ax.set_ylabel(f"{plain_text(curve.metric)} of a quick proxy", fontsize=10)
    ax.grid(axis="y", alpha=0.3)
    ax.legend(fontsize=9, frameon=False, loc="lower right")
    return figure
