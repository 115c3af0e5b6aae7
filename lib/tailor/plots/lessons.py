"""Figures of the lessons: what the learner guessed beside what came out, and looks inside what was learned."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tailor.plots.style import (
    BLUE,
    COLOURS,
    GREY,
    MARKERS,
    ORANGE,
    as_pairs,
    height_of,
    label_rows,
    new_figure,
    plain_text,
)
from tailor.records import Estimate, Point

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure


def guesses_and_results(
    names: Sequence[str], guesses: Sequence[float], results: Sequence[Estimate]
) -> "Figure":
    """A bar for each result with its 95% interval, and a diamond where the learner guessed it would end."""
    figure, (ax,) = new_figure(height_of(len(names)))
    errors = [[e.value - e.low for e in results], [e.high - e.value for e in results]]
    ax.barh(
        range(len(names)), [e.value for e in results], height=0.55, color=BLUE, xerr=errors,
        error_kw={"ecolor": "#1b1b1b", "capsize": 3}, label="came out (line: 95% interval)",
    )  # fmt: skip
    ax.scatter(guesses, range(len(names)), marker="D", s=55, color=ORANGE, zorder=3, label="your guess")
    label_rows(ax, names)
    ax.set_xlim(0, 1.05)
    ax.set_xlabel("share of the test questions sorted rightly", fontsize=10)
    ax.legend(fontsize=9, frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    ax.grid(axis="x", alpha=0.3)
    return figure


def price_and_result(
    names: Sequence[str], prices: Sequence[float], results: Sequence[Estimate], price: str, log: bool = False
) -> "Figure":
    """What each trial reached over what it took, with its 95% interval and its name beside it.

    Args:
        price: the horizontal axis' name.
        log: a logarithmic horizontal axis.
    """
    figure, (ax,) = new_figure(3.6)
    for place, (name, x, e) in enumerate(zip(names, prices, results, strict=True)):
        ax.errorbar(
            x, e.value, [[e.value - e.low], [e.high - e.value]], color=COLOURS[place % 6],
            marker=MARKERS[place % 6], capsize=3, markersize=7,
        )  # fmt: skip
        above = place % 2 == 0  # names of neighbours stand on different sides
        ax.annotate(
            plain_text(name), (x, e.high if above else e.low), xytext=(0, 5 if above else -5),
            textcoords="offset points", fontsize=9, ha="center", va="bottom" if above else "top",
        )  # fmt: skip
    ax.set_xscale("log" if log else "linear")
    ax.margins(x=0.2)
    ax.set_ylim(0, 1.05)
    ax.set_xlabel(price, fontsize=10)
    ax.set_ylabel("share sorted rightly", fontsize=10)
    ax.grid(alpha=0.3)
    return figure


def lucky_draws(groups: Mapping[str, Sequence[float]], chance: float) -> "Figure":
    """Each group's results as dots on one line: how far apart equal choices end.

    Args:
        chance: what guessing blindly gives.
    """
    figure, (ax,) = new_figure(height_of(len(groups)))
    for row, values in enumerate(groups.values()):
        ax.scatter(
            values, [row] * len(values), s=60, alpha=0.6, color=COLOURS[row % 6], marker=MARKERS[row % 6]
        )
    ax.axvline(chance, color=GREY, linestyle="--", linewidth=1)
    ax.annotate(
        "guessing", (chance, -0.55), xytext=(4, 0), textcoords="offset points", fontsize=9, color="#555555"
    )
    label_rows(ax, list(groups))
    ax.set_xlim(0, 1.02)
    ax.set_xlabel("share of the test questions sorted rightly", fontsize=10)
    ax.grid(axis="x", alpha=0.3)
    return figure


def token_map(
    words: "np.ndarray", starts: "np.ndarray", ends: "np.ndarray", names: Sequence[tuple[str, str]]
) -> "Figure":
    """A map of the vocabulary, and on it the way of each virtual token while it was trained.

    Args:
        words: [v, 2] places of the vocabulary's tokens.
        starts, ends: [n, 2] places of the virtual tokens before and after.
        names: [n] (nearest word before, nearest word after).
    """
    figure, (ax,) = new_figure(4.6)
    ax.scatter(words[:, 0], words[:, 1], s=2, color=GREY, alpha=0.25, linewidths=0)
    for start, end, (before, after) in zip(starts, ends, names, strict=True):
        ax.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": BLUE, "linewidth": 1})
        ax.annotate(plain_text(before), start, fontsize=8, color="#555555")
        ax.annotate(plain_text(after), end, fontsize=8, color=BLUE)
    both = [*starts, *ends, *words]
    for side, limit in ((0, ax.set_xlim), (1, ax.set_ylim)):
        values = [place[side] for place in both]
        room = 0.06 * (max(values) - min(values) or 1)
        limit(min(values) - room, max(values) + room)
    ax.set_xlabel("the vocabulary's first direction", fontsize=10)
    ax.set_ylabel("its second direction", fontsize=10)
    return figure


def held_by_directions(shares: Mapping[str, Sequence[float]], ranks: Sequence[int]) -> "Figure":
    """How much of a change its first k directions hold, with lines where adapters of these ranks end.

    Args:
        shares: matrix -> share of the squared change held by its first 1, 2, 3... directions.
    """
    figure, (ax,) = new_figure(3.4)
    for place, (name, held) in enumerate(shares.items()):
        ax.plot(
            range(1, len(held) + 1), held, color=COLOURS[place % 6], linewidth=1.6, label=plain_text(name)
        )
    for rank in ranks:
        ax.axvline(rank, color=GREY, linestyle=":", linewidth=1)
        ax.annotate(f"rank {rank}", (rank, 0.02), xytext=(3, 0), textcoords="offset points", fontsize=8)
    ax.set_xscale("log", base=2)
    ax.set_ylim(0, 1.03)
    ax.set_xlabel("directions kept", fontsize=10)
    ax.set_ylabel("share of the change they hold", fontsize=10)
    ax.legend(fontsize=9, frameon=False)
    ax.grid(alpha=0.3)
    return figure


def compared_losses(losses: Mapping[str, Sequence[Point]]) -> "Figure":
    """Each trial's validation loss over the optimizer's steps, all in one picture.

    Args:
        losses: trial -> points, of which there is at least one.
    """
    figure, (ax,) = new_figure(3.4)
    for place, (name, points) in enumerate(losses.items()):
        steps, values = zip(*as_pairs(points), strict=True)
        ax.plot(
            steps,
            values,
            color=COLOURS[place % 6],
            marker=MARKERS[place % 6],
            markersize=4,
            label=plain_text(name),
        )
    ax.set_ylim(bottom=0)
    ax.set_xlabel("optimizer step", fontsize=10)
    ax.set_ylabel("validation loss (nats per token)", fontsize=10)
    ax.legend(fontsize=9, frameon=False)
    ax.grid(alpha=0.3)
    return figure


def step_sizes(runs: Mapping[str, Mapping[str, float]]) -> "Figure":
    """How far each layer moved in a step, as a share of its weights' length: a line for each run.

    Args:
        runs: run -> layer -> ratio, the layers from the input to the output.
    """
    figure, (ax,) = new_figure(3.4)
    for place, (name, moves) in enumerate(runs.items()):
        moved = {layer: ratio for layer, ratio in moves.items() if ratio > 0}
        ax.plot(
            list(moved), list(moved.values()), color=COLOURS[place % 6], marker=MARKERS[place % 6],
            label=plain_text(name),
        )  # fmt: skip
    ax.set_yscale("log")
    ax.set_ylabel("change of a step / size of the weights", fontsize=10)
    ax.legend(fontsize=9, frameon=False)
    ax.grid(alpha=0.3)
    return figure
