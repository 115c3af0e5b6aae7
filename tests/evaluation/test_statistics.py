"""Intervals cover what they promise to cover; a planted difference is found and no difference is not."""

import numpy as np
import pytest
from scipy.stats import bootstrap

from tailor.errors import WorkbenchError
from tailor.evaluation.label_metrics import accuracy, macro_f1
from tailor.evaluation.metric import Rows, mean_metric
from tailor.evaluation.statistics import estimate, estimate_difference, holm, mcnemar, paired_p_value
from tailor.evaluation.text_metrics import chrf


def _accuracy(right):
    return mean_metric("accuracy", np.asarray(right, dtype=float), share=True)


def test_interval_equals_scipys_percentile_bootstrap():
    values = np.random.default_rng(0).random(200)
    ours = estimate(mean_metric("mean", values), samples=5000, seed=1)
    theirs = bootstrap((values,), np.mean, n_resamples=5000, method="percentile", rng=2).confidence_interval
    assert ours.value == pytest.approx(values.mean())
    assert ours.low == pytest.approx(theirs.low, abs=0.003)
    assert ours.high == pytest.approx(theirs.high, abs=0.003)


def test_interval_covers_the_truth_about_95_times_in_100():
    rng = np.random.default_rng(3)
    inside = 0
    for seed in range(300):
        found = estimate(_accuracy(rng.random(150) < 0.7), samples=500, seed=seed)
        inside += found.low <= 0.7 <= found.high
    assert 0.91 <= inside / 300 <= 0.98


def test_same_seed_same_interval_however_it_is_cut(monkeypatch):
    metric = mean_metric("mean", np.random.default_rng(1).random(50))
    whole = estimate(metric, samples=400, seed=7)
    assert estimate(metric, samples=400, seed=7) == whole
    assert estimate(metric, samples=400, seed=8) != whole
    monkeypatch.setattr("tailor.evaluation.statistics._CHUNK", 500)
    cut = estimate(metric, samples=400, seed=7)
    assert (cut.low, cut.high) == pytest.approx((whole.low, whole.high), abs=1e-9)


def test_all_right_is_not_certainty():
    found = estimate(_accuracy([1] * 60), seed=0)
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(0.9404, abs=1e-4)  # binom.ppf: 0.9404 ** 60 = 0.025
    wrong = estimate(_accuracy([0] * 5), seed=0)
    assert (wrong.value, wrong.low, wrong.high) == (0.0, 0.0, pytest.approx(0.5218, abs=1e-4))


def test_mcnemar_worked_by_hand():
    # 8 rows only the first got right, 1 only the second: 2 * (C(9,0) + C(9,1)) / 2**9
    a = np.array([1] * 8 + [0] + [1] * 20 + [0] * 5)
    b = np.array([0] * 8 + [1] + [1] * 20 + [0] * 5)
    assert mcnemar(a, b) == pytest.approx(2 * (1 + 9) / 2**9)


def test_holm_worked_by_hand():
    # sorted: .01 x 4, .02 x 3, .03 x 2 but not below .06, .04 x 1 but not below .06
    assert holm([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.4, 0.9]) == pytest.approx([0.8, 0.9])
    assert holm([0.7]) == [0.7]
    assert holm([]) == []


def test_holm_keeps_false_alarms_rare_where_plain_tests_do_not():
    p_values = np.random.default_rng(2).random((400, 10))  # ten tests of models that do not differ, 400 times
    plain = np.mean((p_values < 0.05).any(axis=1))
    corrected = np.mean([min(holm(row)) < 0.05 for row in p_values])
    assert plain > 0.3
    assert corrected < 0.08


def test_identical_models_do_not_differ():
    right = np.random.default_rng(0).random(100) < 0.6
    texts = [f"answer number {i}" for i in range(30)]
    for metric in (_accuracy(right), chrf(Rows(texts, [f"reply number {i}" for i in range(30)]))):
        difference = estimate_difference(metric, metric, seed=0)
        assert (difference.value, difference.low, difference.high) == (0, 0, 0)
        assert paired_p_value(metric, metric, seed=0) == 1.0


def test_a_model_that_saw_the_answers_is_significantly_better():
    truth = [f"The fee for account {i} was refunded on day {i * 7}." for i in range(40)]
    leaked = chrf(Rows(truth, truth))
    honest = chrf(Rows(truth, ["We looked into your account and write again soon."] * 40))
    difference = estimate_difference(leaked, honest, seed=0)
    assert difference.low > 50
    assert paired_p_value(leaked, honest, seed=0) == pytest.approx(1 / 2001)


def test_p_values_of_equal_models_are_rarely_small():
    rng = np.random.default_rng(5)
    small = 0
    for seed in range(200):
        labels = rng.integers(0, 3, size=80).astype(str).tolist()
        guesses = [
            [label if rng.random() < 0.6 else "0" for label in labels],
            [label if rng.random() < 0.6 else "0" for label in labels],
        ]
        a, b = (macro_f1(Rows(labels, guess)) for guess in guesses)
        small += paired_p_value(a, b, samples=300, seed=seed) < 0.05
    assert 2 <= small <= 20


def test_different_rows_are_refused():
    with pytest.raises(WorkbenchError) as error:
        estimate_difference(accuracy(Rows(["a"], ["a"])), accuracy(Rows(["a", "b"], ["a", "a"])), seed=0)
    assert str(error.value) == (
        "Found: accuracy on 1 rows against accuracy on 2 rows\n"
        "Needed: the same metric on the same rows\n"
        "Do: evaluate both models on the same split with the same max_rows"
    )
