"""The learning-rate range test: what it takes from a curve, and that training does not notice it was there."""

import pytest

from tailor.plots import rate_range
from tailor.training.rate_range import STEPS, choose, tell

RATES = [0.001, 0.01, 0.1, 1.0]
QUICK = {"max_steps": 3, "metric_rows": 0}


def test_the_rate_at_which_the_loss_fell_fastest_is_taken():
    """By hand: over two steps the loss falls by 0.1, 1.1, 2.0 and 1.0 at the second to the fifth rate."""
    rates = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3]
    found = choose(rates, [4.0, 4.0, 3.9, 2.9, 1.9, 9.0], given=0.005)
    assert found.chosen == 0.03
    assert tell(found) == (
        "Learning-rate range test: from 0.001 to 0.3, the loss was lowest at 0.1 and fell fastest at 0.03, which was "
        "taken in place of 0.005."
    )


def test_a_sweep_that_broke_off_keeps_what_it_saw():
    found = choose(RATES, [2.0, 1.0], given=0.005)
    assert (found.rates, found.chosen) == ([0.001, 0.01], 0.01)
    assert choose(RATES, [], given=0.005).chosen == 0.005


def test_where_the_loss_never_falls_the_setting_stays():
    found = choose(RATES, [1.0, 2.0, 3.0, 4.0], given=0.005)
    assert found.chosen == 0.005
    assert tell(found) == (
        "Learning-rate range test: the loss fell at no rate, so the setting's 0.005 was kept."
    )


def test_training_goes_as_if_the_rate_had_been_set_by_hand(fit, weights, recorder):
    heard = recorder()
    tested, figures = fit("lora", "tested", log=heard, learning_rate_test=True, dropout=0.1, **QUICK)
    found = figures["rate_test"]
    assert len(found.losses) > STEPS / 2
    assert found.chosen != found.given == 0.01
    assert heard.notes[0] == figures["notes"][0] == tell(found)
    by_hand, plain = fit("lora", "by hand", learning_rate=found.chosen, dropout=0.1, **QUICK)
    assert weights(tested) == weights(by_hand)
    assert figures["curves"] == plain["curves"]
    assert plain["rate_test"] is None
    again, figures = fit("lora", "again", learning_rate_test=True, dropout=0.1, **QUICK)
    assert weights(again) == weights(tested)
    assert figures["rate_test"] == found


@pytest.mark.parametrize("name", ["layerwise", "adalora"])
def test_optimizers_of_every_kind_are_swept(name, fit, weights):
    tested, figures = fit(name, "tested", learning_rate_test=True, **QUICK)
    by_hand, _ = fit(name, "by hand", learning_rate=figures["rate_test"].chosen, **QUICK)
    assert weights(tested) == weights(by_hand)


def test_a_killed_run_trains_on_with_the_rate_it_found(fit, weights, recorder, monkeypatch):
    from tailor.training import rate_range

    class Stopped(Exception):
        pass

    def at(series, step):
        if series == "training loss" and step == 3:
            raise Stopped

    whole, figures = fit("lora", "whole", learning_rate_test=True, max_steps=4)
    with pytest.raises(Stopped):
        fit("lora", "cut", log=recorder(at), learning_rate_test=True, max_steps=4, checkpoint_seconds=0.0)
    monkeypatch.setattr(rate_range, "_sweep", None)  # nothing is swept again
    cut, resumed = fit("lora", "cut", learning_rate_test=True, max_steps=4)
    assert weights(cut) == weights(whole)
    assert resumed["rate_test"] == figures["rate_test"]


def test_a_sweep_that_breaks_ends_there_and_harms_nothing(fit, monkeypatch):
    from tailor.training import objectives

    plain, calls = objectives.LearnAnswers.loss, []

    def breaks(self, model, batch):
        summed, learned = plain(self, model, batch)
        calls.append(model.training)
        return (summed * float("nan") if sum(calls) == 40 and model.training else summed), learned

    monkeypatch.setattr(objectives.LearnAnswers, "loss", breaks)
    _, figures = fit("lora", learning_rate_test=True, **QUICK)
    assert len(figures["rate_test"].losses) == 19  # two parts a batch: the twentieth batch broke
    assert all(point["value"] == point["value"] for point in figures["curves"]["training loss"])


def test_the_figure_marks_the_rate_that_was_taken():
    (axes,) = rate_range(choose(RATES, [2.0, 2.0, 1.0, 9.0], given=0.005)).axes
    assert axes.get_xscale() == "log"
    assert [line.get_label() for line in axes.lines][1:] == ["taken: 0.01", "the setting: 0.005"]
