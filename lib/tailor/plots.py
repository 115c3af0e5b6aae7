"""One function per figure: plain values or records in, a matplotlib Figure out.

Figures are made through matplotlib's object interface, so nothing is kept between calls and no screen is needed.
Colours are Okabe and Ito's (2008), which people with any kind of colour vision tell apart; bars and lines differ
in shade or marker too. Text from data is never read as a formula.
"""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tailor.records import Estimate, Point

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
ROLE_COLOURS = {"base model": GREY, "prompting": SKY, "tuned": BLUE}
_WIDTH = 7.2  # inches, shown at 720 pixels


def _figure(height: float, panels: int = 1) -> "tuple[Figure, list[Axes]]":
    """An empty figure of the house's width with `panels` axes of `height` inches, two in a row."""
    from matplotlib.figure import Figure

    columns = min(panels, 2)
    rows = math.ceil(panels / columns)
    figure = Figure(figsize=(_WIDTH, height * rows), layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for spare in axes[panels:]:
        spare.remove()
    for ax in axes[:panels]:
        ax.spines[["top", "right"]].set_visible(False)
        ax.tick_params(labelsize=9)
        ax.set_axisbelow(True)
    return figure, axes[:panels]


def _plain(text: Any, longest: int = 40) -> str:
    """Text from data: shortened, on one line, and with no formula in it."""
    words = " ".join(str(text).split())
    return (words if len(words) <= longest else words[: longest - 1] + "…").replace("$", r"\$")


def _pairs(points: Sequence[Point | tuple[int, float]]) -> list[tuple[int, float]]:
    """Points as (step, value), without values that are no numbers."""
    pairs = [(p.step, p.value) if isinstance(p, Point) else tuple(p) for p in points]
    return [(step, value) for step, value in pairs if math.isfinite(value)]


def loss_curve(curves: Mapping[str, Sequence[Point | tuple[int, float]]]) -> "Figure":
    """Curves measured during training: the losses in one panel, each metric in its own.

    Args:
        curves: series name ("training loss", "validation accuracy") -> points by optimizer step.
    """
    groups: dict[str, list[str]] = {}
    for name in curves:
        groups.setdefault(name.removeprefix("training ").removeprefix("validation "), []).append(name)
    figure, axes = _figure(3.2, max(1, len(groups)))
    for ax, (measure, names) in zip(axes, groups.items(), strict=False):
        for place, name in enumerate(names):
            _curve(ax, name, _pairs(curves[name]), COLOURS[place % 6], MARKERS[place % 6])
        ax.set_xlabel("optimizer step", fontsize=10)
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.set_ylabel("loss (nats per token)" if measure == "loss" else _plain(measure), fontsize=10)
        ax.grid(alpha=0.3)
        ax.margins(x=0.12)
        if len(names) > 1:
            ax.legend(fontsize=9, frameon=False)
    return figure


def _curve(ax: "Axes", name: str, pairs: list[tuple[int, float]], colour: str, marker: str) -> None:
    """One line, with its last value written at its end."""
    steps, values = [step for step, _ in pairs], [value for _, value in pairs]
    many = len(pairs) > 30
    ax.plot(
        steps,
        values,
        color=colour,
        marker=None if many else marker,
        markersize=4,
        linewidth=1.6,
        label=_plain(name),
    )
    if pairs:
        ax.annotate(
            f"{values[-1]:.3g}",
            (steps[-1], values[-1]),
            xytext=(5, 0),
            textcoords="offset points",
            fontsize=9,
            color=colour,
            va="center",
        )


def _label_rows(ax: "Axes", labels: Sequence[Any]) -> None:
    """Name horizontal bars, the first one on top."""
    ax.set_yticks(range(len(labels)), [_plain(label) for label in labels], fontsize=9)
    ax.set_ylim(len(labels) - 0.4, -0.6)


def _height(rows: int) -> float:
    return 0.9 + 0.36 * max(rows, 2)


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
    figure, (ax,) = _figure(_height(len(labels)))
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
    _label_rows(ax, labels)
    ax.set_xlim(min([0, *(e.low for e in estimates)]), reach * 1.14)
    ax.set_xlabel(f"{_plain(measure)} (line: 95% interval)", fontsize=10)
    ax.grid(axis="x", alpha=0.3)
    return figure


def metric_ladder(rows: Sequence[tuple[str, str, Estimate]], metric: str) -> "Figure":
    """Base model, prompting and tuned model below each other.

    Args:
        rows: (title, role, estimate); the role is one of ROLE_COLOURS and decides the shade.
        metric: its name, for the axis.
    """
    labels = [f"{' '.join(title.split())[:28]} ({role})" for title, role, _ in rows]
    colours = [ROLE_COLOURS.get(role, GREY) for _, role, _ in rows]
    return bars_with_intervals(labels, [estimate for *_, estimate in rows], metric, colours)


def confusion_matrix(labels: Sequence[str], counts: Sequence[Sequence[int]]) -> "Figure":
    """Which label was taken for which: rows are true labels, columns what the model said, in counts.

    Shade is the share of the row, so that rare labels can be read. With more than 25 labels only the 25 with the
    most mistakes are shown, and the title says so.
    """
    kept = _most_confused(counts, 25)
    table = [[counts[i][j] for j in kept] for i in kept]
    shares = [[n / max(sum(counts[i]), 1) for n in row] for i, row in zip(kept, table, strict=True)]
    size = max(3.2, min(9.0, 1.9 + 0.34 * len(kept)))
    figure, (ax,) = _figure(size)
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    names = [_plain(labels[i], 28) for i in kept]
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


def _most_confused(counts: Sequence[Sequence[int]], most: int) -> list[int]:
    """Places of the labels with the most mistakes (as true or as said label), in their own order."""
    size = len(counts)
    wrong = [
        sum(counts[i]) - counts[i][i] + sum(counts[j][i] for j in range(size)) - counts[i][i]
        for i in range(size)
    ]
    return sorted(sorted(range(size), key=lambda i: (-wrong[i], i))[:most])


def length_histogram(
    lengths: Mapping[str, Sequence[int]], limit: int | None = None, unit: str = "tokens"
) -> "Figure":
    """How long examples are: for each group the share of its examples at each length, so that groups compare.

    Args:
        lengths: group ("train", "prompt") -> lengths.
        limit: what fits into the model; drawn as a line, and the share beyond it said.
        unit: what the lengths count.
    """
    figure, (ax,) = _figure(3.2)
    everything = [length for group in lengths.values() for length in group]
    top = max([*everything, limit or 1, 1])
    edges = [top * i / 40 for i in range(41)]
    for place, (name, group) in enumerate(lengths.items()):
        shares = {"bins": edges, "weights": [100 / len(group)] * len(group)} if group else {"bins": edges}
        line = ("-", "--", ":", "-.")[place % 4]
        colour, label = COLOURS[place % 6], f"{_plain(name)} ({len(group):,})"
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


def counted_bars(counts: Mapping[str, int], unit: str, colour: str = BLUE) -> "Figure":
    """Horizontal bars of counts, the largest on top, each count written beside."""
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    figure, (ax,) = _figure(_height(len(ordered)))
    ax.barh(range(len(ordered)), [count for _, count in ordered], height=0.6, color=colour)
    for row, (_, count) in enumerate(ordered):
        ax.annotate(
            f"{count:,}", (count, row), xytext=(5, 0), textcoords="offset points", va="center", fontsize=9
        )
    _label_rows(ax, [name for name, _ in ordered])
    ax.set_xlim(0, max([count for _, count in ordered] + [1]) * 1.12)
    ax.set_xlabel(unit, fontsize=10)
    ax.grid(axis="x", alpha=0.3)
    return figure


def dropped_by_reason(counts: Mapping[str, int]) -> "Figure":
    """How many rows were dropped for which reason."""
    return counted_bars(counts, "rows dropped", ORANGE)


def drift_bars(
    measures: Sequence[tuple[str, float, float]], measure: str = "distance from the training data"
) -> "Figure":
    """How far new data is from the training data, for each feature, with the threshold where it becomes a warning.

    Args:
        measures: (feature, distance, threshold). A bar beyond its threshold is red and hatched.
        measure: the axis' label.
    """
    figure, (ax,) = _figure(_height(len(measures)))
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
    _label_rows(ax, [name for name, *_ in measures])
    ax.set_xlim(0, max([max(value, threshold) for _, value, threshold in measures] + [1e-9]) * 1.14)
    ax.set_xlabel(f"{_plain(measure, 60)} (black mark: warning)", fontsize=10)
    ax.grid(axis="x", alpha=0.3)
    return figure


def search_trials(trials: Sequence[Any], metric: str) -> "Figure":
    """Trials of a search: each one's curve, and its best value over the first setting that varies smoothly.

    Args:
        trials: `tailor.records.Trial`s.
        metric: what was measured; lower is better.
    """
    names = [name for name, value in trials[0].config.items() if isinstance(value, float)][:1]
    figure, axes = _figure(3.2, 1 + len(names))
    for trial in trials:
        pairs = _pairs(trial.points)
        if pairs:
            _curve(
                axes[0], f"trial {trial.number}", pairs, COLOURS[trial.number % 6], MARKERS[trial.number % 6]
            )
    axes[0].set_xlabel("optimizer step", fontsize=10)
    axes[0].set_ylabel(metric, fontsize=10)
    axes[0].margins(x=0.12)
    if 1 < sum(bool(trial.points) for trial in trials) <= 8:
        axes[0].legend(fontsize=8, frameon=False)
    for ax, name in zip(axes[1:], names, strict=True):
        for trial in trials:
            if trial.value is not None:
                colour, marker = COLOURS[trial.number % 6], MARKERS[trial.number % 6]
                ax.scatter([trial.config[name]], [trial.value], color=colour, marker=marker)
        ax.set_xscale("log")
        ax.set_xlabel(name.replace("_", " "), fontsize=10)
    for ax in axes:
        ax.grid(alpha=0.3)
    return figure
