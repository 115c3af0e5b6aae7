"""One function per figure: plain values or records in, a matplotlib Figure out. One module per subject."""

from tailor.plots.data import cleaning_credit, dropped_by_reason, learning_curve, length_histogram
from tailor.plots.evaluation import (
    confusion_matrix,
    drift_bars,
    metric_ladder,
    quality_and_price,
    reliability,
)
from tailor.plots.explanation import weight_changes
from tailor.plots.lessons import (
    compared_losses,
    guesses_and_results,
    held_by_directions,
    lucky_draws,
    price_and_result,
    step_sizes,
    token_map,
)
from tailor.plots.shapes import bars_with_intervals, counted_bars, two_distributions
from tailor.plots.sources import (
    source_amounts,
    source_flaws,
    source_lengths,
    source_nearness,
    source_periods,
)
from tailor.plots.style import BLUE, GREY, ORANGE
from tailor.plots.techniques import brief, network_parts, network_parts_svg
from tailor.plots.training import loss_curve, rate_range, search_trials, update_ratios

__all__ = [
    "BLUE",
    "GREY",
    "ORANGE",
    "bars_with_intervals",
    "brief",
    "cleaning_credit",
    "compared_losses",
    "confusion_matrix",
    "counted_bars",
    "drift_bars",
    "dropped_by_reason",
    "guesses_and_results",
    "held_by_directions",
    "learning_curve",
    "length_histogram",
    "loss_curve",
    "lucky_draws",
    "metric_ladder",
    "network_parts",
    "network_parts_svg",
    "price_and_result",
    "quality_and_price",
    "rate_range",
    "reliability",
    "search_trials",
    "source_amounts",
    "source_flaws",
    "source_lengths",
    "source_nearness",
    "source_periods",
    "step_sizes",
    "token_map",
    "two_distributions",
    "update_ratios",
    "weight_changes",
]
