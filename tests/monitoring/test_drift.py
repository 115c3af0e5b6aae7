"""Drift: planted changes are found, and rows drawn from the same source are left alone."""

import numpy as np
import pytest

from tailor.monitoring.drift import Limits, jensen_shannon, judge, label_drift, number_drift, stability_index
from tailor.monitoring.words import new_words, tokenize, vocabulary

INDEX = Limits(0.1, 0.25, alpha=0.01)
WORDS = Limits(0.02, 0.05, alpha=0.01)
BITS = Limits(0.01, 0.03, alpha=0.01)
TOPIC = "card account transfer fee login balance statement branch limit refund payment pin".split()  # noqa: SIM905


def _texts(seed, rows, words=TOPIC, length=12):
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(words, size=rng.integers(length // 2, length * 2))) for _ in range(rows)]


def test_stability_index_worked_by_hand():
    # 49.5 + 0.5 and 24.5 + 0.5 of 100: (0.25 - 0.5) ln(0.25 / 0.5) + (0.75 - 0.5) ln(0.75 / 0.5)
    found = stability_index(np.array([49.5, 49.5]), np.array([24.5, 74.5]))
    assert found == pytest.approx(-0.25 * np.log(0.5) + 0.25 * np.log(1.5))


def test_divergence_worked_by_hand():
    assert jensen_shannon(np.array([5, 0]), np.array([0, 7])) == pytest.approx(1.0)
    assert jensen_shannon(np.array([5, 5]), np.array([50, 50])) == pytest.approx(0.0)
    # p = (1, 0), q = (1/2, 1/2), middle (3/4, 1/4)
    wanted = (np.log2(4 / 3) + 0.5 * np.log2(2 / 3) + 0.5 * np.log2(2)) / 2
    assert jensen_shannon(np.array([1, 0]), np.array([1, 1])) == pytest.approx(wanted)


def test_rows_of_the_same_source_raise_no_alarm():
    alarms = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        lengths = rng.normal(50, 10, size=300)
        labels = rng.choice(TOPIC, size=300).tolist()
        texts = _texts(seed, 240)
        found = [
            number_drift("length", "Length", "words", lengths[:200], lengths[200:], INDEX, seed),
            label_drift("labels", "Labels", labels[:200], labels[200:], INDEX, seed),
            vocabulary(texts[:200], texts[200:], BITS, seed),
            new_words(texts[:100], texts[100:200], texts[200:], WORDS, seed),
        ]
        alarms += sum(measure.status != "ok" for measure in found)
    assert alarms <= 2


def test_longer_texts_are_found():
    rng = np.random.default_rng(0)
    found = number_drift(
        "length", "Length", "words", rng.normal(50, 10, 300), rng.normal(65, 10, 80), INDEX, 0
    )
    assert found.status == "act"
    assert found.p_value == pytest.approx(1 / 501)
    assert found.says.startswith("Length: median 4") or found.says.startswith("Length: median 5")


def test_a_slight_shift_is_watched_or_left_alone_never_acted_on():
    rng = np.random.default_rng(1)
    found = number_drift(
        "length", "Length", "words", rng.normal(50, 10, 2000), rng.normal(53.5, 10, 2000), INDEX, 0
    )
    assert found.status == "watch"


def test_constant_numbers_do_not_drift():
    found = number_drift("length", "Length", "words", [3.0] * 50, [3.0] * 20, INDEX, 0)
    assert (found.value, found.p_value, found.status) == (0.0, 1.0, "ok")


def test_a_label_never_seen_before_is_named():
    then = ["fees"] * 50 + ["login"] * 50
    found = label_drift("labels", "Labels", then, ["fees"] * 20 + ["crypto"] * 20, INDEX, 0)
    assert found.status == "act"
    assert found.details["unseen"] == ["crypto"]
    assert found.says == (
        "Labels: the largest moves are crypto 0% to 50%, login 50% to 0%, fees 50% to 50%; never seen before: crypto"
    )


def test_a_new_topic_brings_new_words_and_another_vocabulary():
    train, held = _texts(0, 200), _texts(1, 120)
    new = _texts(2, 60) + _texts(3, 20, words=["crypto", "wallet", "token"])
    words = new_words(train, held, new, WORDS, 0)
    assert words.status == "act"
    assert sorted(words.details["terms"]) == ["crypto", "token", "wallet"]
    assert words.says.startswith("Words that training never saw: 0.0% then, 2")
    shift = vocabulary(held, new, BITS, 0)
    assert shift.status == "act"
    assert set(shift.details["commoner"]) >= {"crypto", "wallet", "token"}


def test_placeholders_and_numbers_are_no_words():
    assert tokenize("Hello [IBAN], €5.20 to A12 it's Zoë's") == ["hello", "to", "it", "zoë"]


def test_a_large_distance_by_chance_counts_for_nothing():
    assert judge(0.9, 0.2, INDEX) == "ok"
    assert judge(0.05, 0.001, INDEX) == "ok"
    assert judge(0.1, 0.001, INDEX) == "watch"
    assert judge(0.25, 0.001, INDEX) == "act"
