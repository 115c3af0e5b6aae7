"""Figures of training and of the search for settings."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tailor.plots.style import (
    COLOURS,
    GREY,
    MARKERS,
    as_pairs,
    new_figure,
    plain_text,
)
from tailor.records import Point, RateTest

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def loss_curve(curves: Mapping[str, Sequence[Point | tuple[int, float]]]) -> "Figure":
    """Curves measured during training: the losses in one panel, each metric in its own.

    Args:
        curves: series name ("training loss", "validation accuracy") -> points by optimizer step.
    """
    groups: dict[str, list[str]] = {}
    for name in curves:
        groups.setdefault(name.removeprefix("training ").removeprefix("validation "), []).append(name)
    figure, axes = new_figure(3.2, max(1, len(groups)))
    for ax, (measure, names) in zip(axes, groups.items(), strict=False):
        for place, name in enumerate(names):
            _curve(ax, name, as_pairs(curves[name]), COLOURS[place % 6], MARKERS[place % 6])
        ax.set_xlabel("optimizer step", fontsize=10)
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.set_ylabel("loss (nats per token)" if measure == "loss" else plain_text(measure), fontsize=10)
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
        label=plain_text(name),
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


def rate_range(found: RateTest) -> "Figure":
    """A learning-rate range test: loss by rate on a logarithmic axis, the rate taken marked."""
    figure, (ax,) = new_figure(3.2)
    ax.plot(found.rates, found.losses, color=COLOURS[0], marker=MARKERS[0], markersize=3, linewidth=1.4)
    ax.axvline(
        found.chosen, color=COLOURS[1], linestyle="--", linewidth=1.4, label=f"taken: {found.chosen:g}"
    )
    if found.given != found.chosen:
        ax.axvline(
            found.given, color=GREY, linestyle=":", linewidth=1.2, label=f"the setting: {found.given:g}"
        )
    ax.set_xscale("log")
    ax.set_xlabel("learning rate", fontsize=10)
    ax.set_ylabel("training loss", fontsize=10)
    ax.grid(alpha=0.3)
    ax.legend(fontsize=9, frameon=False)
    return figure


def update_ratios(curves: Mapping[str, Sequence[Point | tuple[int, float]]]) -> "Figure":
    """How far each layer moved in a step, as a share of its weights' length, on a logarithmic axis.

    Args:
        curves: layer ("embeddings", "layer 1") -> points by optimizer step, from the input to the output.
    """
    import matplotlib as mpl

    figure, (ax,) = new_figure(3.4)
    shades = mpl.colormaps["viridis"]
    for place, (layer, points) in enumerate(curves.items()):
        pairs = [(step, value) for step, value in as_pairs(points) if value > 0]
        shade = shades(0.9 * place / max(len(curves) - 1, 1))
        steps, values = [step for step, _ in pairs], [value for _, value in pairs]
        ax.plot(
            steps,
            values,
            color=shade,
            marker=MARKERS[place % 6],
            markersize=3,
            linewidth=1.4,
            label=plain_text(layer),
        )
    ax.set_yscale("log")
    ax.set_xlabel("optimizer step", fontsize=10)
    ax.set_ylabel("change of a step / size of the weights", fontsize=10)
    ax.grid(alpha=0.3)
    ax.legend(
        fontsize=8, frameon=False, ncols=1 + len(curves) // 9, loc="center left", bbox_to_anchor=(1.0, 0.5)
    )
    return figure


def search_trials(trials: Sequence[Any], metric: str) -> "Figure":
    """Trials of a search: each one's curve, and its best value over the first setting that varies smoothly.

    Args:
        trials: `tailor.records.Trial`s.
        metric: what was measured; lower is better.
    """
    names = [name for name, value in trials[0].config.items() if isinstance(value, float)][:1]
    figure, axes = new_figure(3.2, 1 + len(names))
    for trial in trials:
        pairs = as_pairs(trial.points)
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
