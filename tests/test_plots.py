"""Figures: what they show, and that they can be drawn from hostile or empty values."""

import io

import numpy as np
import pytest

from tailor import plots
from tailor.records import Estimate, LearningCurve, Point

HALF = Estimate(value=0.5, low=0.4, high=0.62)
BROKEN = r"$\foo{$ <b> 日本"


def texts(figure):
    from matplotlib.text import Text

    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


@pytest.mark.parametrize(
    "make",
    [
        lambda: plots.loss_curve({}),
        lambda: plots.loss_curve({BROKEN: [(1, 2.0), (2, float("nan"))], "training loss": []}),
        lambda: plots.loss_curve({f"validation {n}": [(1, 0.5)] for n in "abcde"}),
        lambda: plots.bars_with_intervals([], [], "accuracy"),
        lambda: plots.bars_with_intervals([BROKEN], [Estimate(value=-0.1, low=-0.2, high=0)], BROKEN),
        lambda: plots.metric_ladder([(BROKEN, "tuned", HALF)], "chrf"),
        lambda: plots.metric_ladder([(BROKEN, "reference", HALF)], BROKEN, goal=70.0),
        lambda: plots.reliability([]),
        lambda: plots.confusion_matrix([BROKEN, "b"], [[0, 0], [1, 5]]),
        lambda: plots.length_histogram({}),
        lambda: plots.length_histogram({"train": [], BROKEN: [0]}, limit=5),
        lambda: plots.dropped_by_reason({}),
        lambda: plots.dropped_by_reason({BROKEN: 0}),
        lambda: plots.drift_bars([(BROKEN, 0.0, 0.0)]),
        lambda: plots.learning_curve(LearningCurve(metric=BROKEN, proxy="", sizes=[1], values=[HALF])),
        lambda: plots.guesses_and_results([BROKEN], [0.1], [HALF]),
        lambda: plots.price_and_result([BROKEN], [0], [HALF], "numbers"),
        lambda: plots.lucky_draws({BROKEN: []}, 0.1),
        lambda: plots.compared_losses({BROKEN: [Point(step=0, value=1.0)]}),
        lambda: plots.token_map(np.zeros((1, 2)), np.zeros((1, 2)), np.ones((1, 2)), [(BROKEN, BROKEN)]),
        lambda: plots.held_by_directions({BROKEN: [0.0]}, [1]),
        lambda: plots.step_sizes({BROKEN: {"layer 1": 0.0, "layer 2": 0.1}}),
    ],
)
@pytest.mark.filterwarnings("ignore:Glyph")
def test_every_figure_can_be_drawn(make):
    buffer = io.BytesIO()
    make().savefig(buffer, format="png")
    assert buffer.getvalue().startswith(b"\x89PNG")


def test_the_goal_stands_across_the_ladder_and_in_sight():
    (ax,) = plots.metric_ladder([("majority", "reference", HALF)], "accuracy", goal=0.9).axes
    assert [line.get_xdata() for line in ax.lines if line.get_linestyle() == "--"] == [[0.9, 0.9]]
    assert ax.get_xlim()[1] > 0.9
    assert "dashed: your goal" in ax.get_xlabel()


def test_reliability_has_a_point_for_each_bin_with_its_rows():
    (ax,) = plots.reliability([(0.4, 0.1, 20), (0.9, 0.8, 40)]).axes
    assert ax.collections[0].get_offsets().tolist() == [[0.4, 0.1], [0.9, 0.8]]
    assert {"20", "40"} <= set(texts(ax.figure))


def test_curves_are_grouped_by_what_they_measure_and_end_with_their_value():
    figure = plots.loss_curve(
        {
            "training loss": [(1, 2.0), (2, 1.25)],
            "validation loss": [Point(step=2, value=1.5)],
            "validation accuracy": [(2, 0.75)],
        }
    )
    loss, accuracy = figure.axes
    assert (loss.get_ylabel(), accuracy.get_ylabel()) == ("loss (nats per token)", "accuracy")
    assert {loss.get_yscale(), loss.get_xscale()} == {"linear"}
    assert [text.get_text() for text in loss.texts] == ["1.25", "1.5"]
    assert [text.get_text() for text in accuracy.texts] == ["0.75"]


def test_bars_show_values_and_intervals():
    figure = plots.bars_with_intervals(["a", "b"], [HALF, HALF], "accuracy")
    (axes,) = figure.axes
    assert [bar.get_width() for bar in axes.patches] == [0.5, 0.5]
    ends = axes.collections[0].get_segments()[0][:, 0]
    assert ends == pytest.approx([0.4, 0.62])
    assert axes.get_xlabel() == "accuracy (line: 95% interval)"


def test_ladder_names_each_role():
    figure = plots.metric_ladder([("tailor-base", "base model", HALF), ("LoRA", "tuned", HALF)], "accuracy")
    assert {"tailor-base (base model)", "LoRA (tuned)"} <= set(texts(figure))


def test_confusion_counts_stand_at_true_row_and_said_column():
    figure = plots.confusion_matrix(["a", "b"], [[3, 1], [0, 5]])
    cells = {text.get_position(): text.get_text() for text in figure.axes[0].texts}
    assert cells == {(0, 0): "3", (1, 0): "1", (1, 1): "5"}


def test_of_many_labels_the_most_confused_are_shown():
    size = 30
    counts = [[9 if i == j else 0 for j in range(size)] for i in range(size)]
    counts[28][29] = 4
    figure = plots.confusion_matrix([f"label {i}" for i in range(size)], counts)
    assert "The 25 of 30 labels with the most mistakes" in texts(figure)
    assert {"label 28", "label 29"} <= set(texts(figure))
    assert "label 27" not in texts(figure)


def test_histogram_says_how_many_do_not_fit():
    figure = plots.length_histogram({"train": [10, 600, 700, 20]}, limit=512)
    assert "limit 512\n2 longer (50.0%)" in texts(figure)


def test_learning_curve_goes_on_to_twice_the_rows():
    curve = LearningCurve(
        metric="accuracy", proxy="p", sizes=[50, 100], values=[HALF, HALF], rows=100,
        gain=Estimate(value=4.0, low=1.0, high=6.0),
    )  # fmt: skip
    (axes,) = plots.learning_curve(curve).axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["50", "100", "200"]
    ahead = axes.containers[1]
    assert ahead[0].get_xydata().tolist() == [[200, pytest.approx(0.54)]]
    assert ahead[2][0].get_segments()[0][:, 1] == pytest.approx([0.51, 0.56])


def test_drift_beyond_its_threshold_is_hatched():
    figure = plots.drift_bars([("length", 0.1, 0.2), ("vocabulary", 0.3, 0.2)])
    assert [bar.get_hatch() for bar in figure.axes[0].patches] == [None, "//"]


def test_no_global_state_is_touched():
    import sys

    before = "matplotlib.pyplot" in sys.modules  # another test's library may have loaded it
    plots.dropped_by_reason({"a": 1})
    assert ("matplotlib.pyplot" in sys.modules) == before
