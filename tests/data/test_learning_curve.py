"""The learning curve: a planted power law is found again, and the sentence says what it means."""

import numpy as np
import pytest

from tailor.data.dataset import Example
from tailor.data.learning_curve import fit_power_law, learning_curve, say_gain
from tailor.progress import Log
from tailor.records import Estimate, LearningCurve

SIZES = np.array([50, 100, 200, 400, 800], dtype=float)


def test_a_planted_law_is_found():
    errors = 0.1 + 2 * SIZES**-0.5
    floor, slope, exponent = (found[0] for found in fit_power_law(SIZES, errors[None]))
    assert (floor, slope, exponent) == (
        pytest.approx(0.1, abs=0.02),
        pytest.approx(2, rel=0.15),
        pytest.approx(0.5, abs=0.05),
    )


def test_errors_that_do_not_fall_promise_nothing():
    _, slope, _ = fit_power_law(SIZES, np.array([[0.3] * 5, [0.1, 0.2, 0.3, 0.4, 0.5]]))
    assert slope.tolist() == pytest.approx([0, 0], abs=1e-9)


def test_a_law_without_floor_is_kept_at_zero():
    floor, _, exponent = fit_power_law(SIZES, (3 * SIZES**-0.8)[None])
    assert floor[0] == pytest.approx(0, abs=1e-3)
    assert exponent[0] == pytest.approx(0.8, abs=0.03)


def words(count, seed, share=0.3):
    """Ten labels by a word among many rare ones; some labels are wrong."""
    draw = np.random.default_rng(seed)
    made = []
    for n in range(count):
        label = draw.integers(10)
        text = " ".join(f"k{label}w{j}" for j in draw.integers(0, 30, 3))
        wrong = draw.random() < share
        made.append(Example(f"a:{n}", text, f"label {draw.integers(10) if wrong else label}"))
    return made


@pytest.fixture(scope="module")
def curve():
    return learning_curve(words(480, 1), words(200, 2), "classify", seed=0, log=Log())


def test_the_curve_rises_and_foretells_what_twice_the_rows_bring(curve):
    assert curve.sizes == [30, 60, 120, 240, 480]
    values = [point.value for point in curve.values]
    assert values[-1] > values[0] + 0.2
    assert all(point.low <= point.value <= point.high for point in curve.values)
    from tailor.data.proxy import measure_proxy

    def mean(rows):
        return np.mean(
            [measure_proxy("classify", words(rows, seed), words(300, 2)).value for seed in (11, 12, 13)]
        )

    assert curve.gain.low <= 100 * (mean(960) - mean(480)) <= curve.gain.high


def test_the_same_rows_give_the_same_curve(curve):
    assert learning_curve(words(480, 1), words(200, 2), "classify", seed=0, log=Log()) == curve


def test_answers_are_measured_by_chrf():
    rows = [Example(f"a:{n}", f"word{n % 20} question {n}", f"answer number {n % 20}") for n in range(100)]
    found = learning_curve(rows, rows[:30], "respond", seed=0, log=Log())
    assert found.metric == "chrF"
    assert found.values[-1].value > found.values[0].value > 1


def test_too_few_rows():
    found = learning_curve(words(50, 1), words(10, 2), "classify", seed=0, log=Log())
    assert (found.gain, say_gain(found)) == (
        None,
        "There is no learning curve: it takes at least 80 training and 20 validation rows, and there are 50 and 10.",
    )
    same = [Example(f"a:{n}", f"text {n}", "one") for n in range(100)]
    assert say_gain(learning_curve(same, same, "classify", seed=0, log=Log())) == (
        "There is no learning curve: there is one label only."
    )


@pytest.mark.parametrize(
    ("low", "high", "end"),
    [
        (2.0, 4.0, "Gathering more rows is worth it."),
        (
            0.0,
            0.5,
            "More rows of the same kind would hardly help: look at wrong labels and missing cases first.",
        ),
        (0.2, 3.0, "Whether more rows would help is not clear."),
    ],
)
def test_the_sentence(low, high, end):
    curve = LearningCurve(
        metric="accuracy",
        proxy="the proxy",
        rows=1204,
        gain=Estimate(value=(low + high) / 2, low=low, high=high),
    )
    assert say_gain(curve) == (
        f"Twice the rows (1,204 to 2,408): {low:+.1f} to {high:+.1f} points of accuracy by a quick proxy (the proxy), "
        f"the likeliest being {(low + high) / 2:+.1f}. {end}"
    )
