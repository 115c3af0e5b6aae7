"""The learner's guess: asked in a form, the parameter's value headless, and laid beside the result."""

from pathlib import Path

import pytest

from tailor.errors import WorkbenchError
from tailor.lessons.prediction import ask, compare
from tailor.lessons.prompting import PLANS, Prediction
from tailor.lessons.trials import Trial, trials_table
from tailor.records import Estimate


def trial(name: str, value: float) -> Trial:
    accuracy = Estimate(value=value, low=value - 0.05, high=value + 0.05)
    return Trial(name, "lora", accuracy, [], 1234, 5678, 1.25, 38.0, 0.002, {}, Path())


def test_the_form_shows_the_parameter_and_what_a_hand_changes():
    form = ask(Prediction, {"four_shown": 0.3})
    assert form.value == Prediction(four_shown=0.3)
    form.widgets["four_alike"].value = 0.75
    assert form.value == Prediction(four_shown=0.3, four_alike=0.75)


def test_an_unknown_field_is_told():
    with pytest.raises(WorkbenchError) as error:
        ask(Prediction, {"four_shwon": 0.3})
    assert "Did you mean 'four_shown'?" in str(error.value)


def test_every_prompting_trial_is_asked_about():
    assert PLANS.keys() == Prediction.model_fields.keys()


def test_the_farthest_guess_is_named():
    guess = Prediction(nothing_shown=0.2, four_shown=0.9)
    figure, table, text = compare(
        guess, {"nothing_shown": trial("none", 0.22), "four_shown": trial("four", 0.4)}
    )
    assert figure.alt == "none: guessed 20%, came out 22%; four: guessed 90%, came out 40%"
    assert table.rows[1] == ("four", "90%", "40%", "50 points")
    assert text.text == "The largest surprise: four did worse than you thought. What would explain it?"


def test_no_surprise_where_the_farthest_guess_is_within_the_interval():
    *_, text = compare(Prediction(), {"nothing_shown": trial("none", 0.52), "not_asked": trial("other", 0.1)})
    assert (
        text.text == "Even your farthest guess (none) lies within the interval: nothing here surprises you."
    )


def test_the_table_tells_gain_and_price():
    (row,) = trials_table([trial("LoRA", 0.5)]).rows
    assert row == ("LoRA", "50% (45% to 55%)", "1,234", "5.7 kB", "1.2 s", "38", "2 ms")
