"""Figures of evaluation and monitoring."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tailor.plots.shapes import bars_with_intervals
from tailor.plots.style import (
    BLUE,
    GREY,
    MARKERS,
    RED,
    ROLE_COLOURS,
    height_of,
    label_rows,
    new_figure,
    plain_text,
)
from tailor.records import Estimate

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def metric_ladder(
    rows: Sequence[tuple[str, str, Estimate]], metric: str, goal: float | None = None
) -> "Figure":
    """References, base model, prompting and tuned model below each other.

    Args:
        rows: (title, role, estimate); the role is one of ROLE_COLOURS and decides the shade.
        metric: its name, for the axis.
        goal: where a line across all bars stands.
    """
    labels = [
        title if role == "reference" else f"{' '.join(title.split())[:28]} ({role})"
        for title, role, _ in rows
    ]
    colours = [ROLE_COLOURS.get(role, GREY) for _, role, _ in rows]
    figure = bars_with_intervals(labels, [estimate for *_, estimate in rows], metric, colours)
    if goal is not None:
        (ax,) = figure.axes
        ax.axvline(goal, color=RED, linestyle="--", linewidth=1.4)
        ax.set_xlim(right=max(ax.get_xlim()[1], goal * 1.05))
        ax.set_xlabel(f"{ax.get_xlabel()}; dashed: your goal", fontsize=10)
    return figure


def quality_and_price(models: Sequence[tuple[str, str, Estimate, float, bool]], metric: str) -> "Figure":
    """Quality against speed: the upper left corner is where one would like to be.

    Args:
        models: (title, role, quality, seconds for one answer, on the Pareto front); the role decides the shade.
        metric: the quality's name, for the axis.
    """
    figure, (ax,) = new_figure(3.4)
    front = sorted((seconds, quality.value) for _, _, quality, seconds, on in models if on)
    ax.plot(*zip(*front, strict=True), color=GREY, linestyle="--", linewidth=1, zorder=1)
    for number, (title, role, quality, seconds, on) in enumerate(models):
        ax.errorbar(
            seconds,
            quality.value,
            yerr=[[max(quality.value - quality.low, 0)], [max(quality.high - quality.value, 0)]],
            fmt=MARKERS[number % len(MARKERS)],
            color=ROLE_COLOURS.get(role, GREY),
            markerfacecolor=ROLE_COLOURS.get(role, GREY) if on else "white",
            markersize=8,
            capsize=3,
            label=plain_text(f"{title} ({role})", 48) + ("" if on else ", beaten"),
        )
    ax.set_xlabel("seconds for one answer", fontsize=10)
    ax.set_ylabel(f"{plain_text(metric)} (line: 95% interval)", fontsize=10)
    ax.set_xlim(0, max(seconds for *_, seconds, _ in models) * 1.12 or 1)
    ax.grid(alpha=0.3)
    ax.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    return figure


def confusion_matrix(labels: Sequence[str], counts: Sequence[Sequence[int]]) -> "Figure":
    """Which label was taken for which: rows are true labels, columns what the model said, in counts.

    Shade is the share of the row, so that rare labels can be read. With more than 25 labels only the 25 with the
    most mistakes are shown, and the title says so.
    """
    kept = _most_confused(counts, 25)
    table = [[counts[i][j] for j in kept] for i in kept]
    shares = [[n / max(sum(counts[i]), 1) for n in row] for i, row in zip(kept, table, strict=True)]
    size = max(3.2, min(9.0, 1.9 + 0.34 * len(kept)))
    figure, (ax,) = new_figure(size)
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    names = [plain_text(labels[i], 28) for i in kept]
    ax.set_xticks(range(len(kept)), names, rotation=60, ha="right", rotation_mode="anchor", fontsize=8)
    ax.set_yticks(range(len(kept)), names, fontsize=8)
    ax.set_xlabel("what the model said", fontsize=10)
    ax.set_ylabel("true label", fontsize=10)
    if len(kept) < len(labels):
        ax.set_title(f"The {len(kept)} of {len(labels)} labels with the most mistakes", fontsize=10)
    for i, row in enumerate(table):
        for j, count in enumerate(row):
            if count:
                ink = "white" if shares[i][j] > 0.55 else "#1b1b1b"
                ax.text(j, i, f"{count:,}", ha="center", va="center", fontsize=8, color=ink)
    return figure


def reliability(bins: Sequence[tuple[float, float, int]]) -> "Figure":
    """How often a classifier is right when it says how sure it is; on the diagonal it means what it says.

    Args:
        bins: (mean confidence, share that was right, rows) of each bin that holds rows.
    """
    figure, (ax,) = new_figure(3.4)
    most = max((count for *_, count in bins), default=1)
    ax.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1.2)
    sizes = [30 + 270 * count / most for *_, count in bins]
    ax.scatter([sure for sure, *_ in bins], [right for _, right, _ in bins], s=sizes, color=BLUE, alpha=0.8)
    for sure, right, count in bins:
        ax.annotate(f"{count:,}", (sure, right), xytext=(9, -3), textcoords="offset points", fontsize=8)
    ax.set_xlim(0, 1.06)
    ax.set_ylim(-0.04, 1.06)
    ax.set_xlabel("how sure the model said it was (beside each point: rows)", fontsize=10)
    ax.set_ylabel("share that was right", fontsize=10)
    ax.grid(alpha=0.3)
    return figure


def _most_confused(counts: Sequence[Sequence[int]], most: int) -> list[int]:
    """Places of the labels with the most mistakes (as true or as said label), in their own order."""
    size = len(counts)
    wrong = [
        sum(counts[i]) - counts[i][i] + sum(counts[j][i] for j in range(size)) - counts[i][i]
        for i in range(size)
    ]
    return sorted(sorted(range(size), key=lambda i: (-wrong[i], i))[:most])


def drift_bars(
    measures: Sequence[tuple[str, float, float]], measure: str = "distance from the training data"
) -> "Figure":
    """How far new data is from the training data, for each feature, with the threshold where it becomes a warning.

    Args:
        measures: (feature, distance, threshold). A bar beyond its threshold is red and hatched.
        measure: the axis' label.
    """
    figure, (ax,) = new_figure(height_of(len(measures)))
    for row, (_, value, threshold) in enumerate(measures):
        beyond = value > threshold
        ax.barh(
            row,
            value,
            height=0.6,
            color=RED if beyond else BLUE,
            hatch="//" if beyond else None,
            edgecolor="white",
        )
        ax.plot([threshold, threshold], [row - 0.42, row + 0.42], color="#1b1b1b", linewidth=2)
        ax.annotate(
            f"{value:.3g}",
            (max(value, threshold), row),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
        )
    label_rows(ax, [name for name, *_ in measures])
    ax.set_xlim(0, max([max(value, threshold) for _, value, threshold in measures] + [1e-9]) * 1.14)
    ax.set_xlabel(f"{plain_text(measure, 60)} (black mark: warning)", fontsize=10)
    ax.grid(axis="x", alpha=0.3)
    return figure
