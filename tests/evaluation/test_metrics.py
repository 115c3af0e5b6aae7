"""Metrics equal the reference libraries' on the same predictions."""

import random

import numpy as np
import pytest
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics import CHRF
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score

from tailor.errors import WorkbenchError
from tailor.evaluation.metrics import confusion, label_order, measure_rows

LABELS = ["card lost", "fees", "login", "transfer"]


def _labelled(seed, rows=60):
    rng = random.Random(seed)
    truth = [rng.choice(LABELS[:3]) for _ in range(rows)]
    return truth, [label if rng.random() < 0.6 else rng.choice(LABELS) for label in truth]


def _texts(seed, rows=25):
    rng = random.Random(seed)
    words = [
        "Thank",
        "you",
        "for",
        "your",
        "message",
        "we",
        "will",
        "block",
        "the",
        "card",
        "at",
        "once",
        "Grüße",
        "and",
        "it's",
        "done,",
        "£5.20",
        "back",
    ]
    truth = [" ".join(rng.choices(words, k=rng.randint(3, 20))) for _ in range(rows)]
    return truth, [" ".join(rng.choices(words, k=rng.randint(0, 20))) for _ in range(rows)]


@pytest.mark.parametrize("seed", range(5))
def test_labels_equal_scikit_learn(seed):
    truth, guess = _labelled(seed)
    found = measure_rows("classify", truth, guess, LABELS)
    assert list(found) == ["accuracy", "macro_f1"]
    assert found["accuracy"].value == accuracy_score(truth, guess)
    assert found["macro_f1"].value == pytest.approx(
        f1_score(truth, guess, average="macro", zero_division=0), abs=1e-12
    )


def test_macro_f1_of_resamples_equals_scikit_learn():
    truth, guess = _labelled(9, rows=30)
    metric = measure_rows("classify", truth, guess, LABELS)["macro_f1"]
    rows = np.random.default_rng(0).integers(0, 30, size=(20, 30))
    found = metric.combine(metric.statistics[rows].sum(axis=1))
    wanted = [
        f1_score([truth[i] for i in r], [guess[i] for i in r], average="macro", zero_division=0) for r in rows
    ]
    np.testing.assert_allclose(found, wanted, atol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_chrf_equals_sacrebleu(seed):
    truth, guess = _texts(seed)
    found = measure_rows("respond", truth, guess)["chrf"]
    assert found.value == pytest.approx(CHRF().corpus_score(guess, [truth]).score, abs=1e-9)
    wanted = [CHRF().sentence_score(g, [t]).score for t, g in zip(truth, guess, strict=True)]
    np.testing.assert_allclose(found.per_row, wanted, atol=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_rouge_l_equals_rouge_score(seed):
    truth, guess = _texts(seed)
    found = measure_rows("respond", truth, guess)["rouge_l"]
    scorer = RougeScorer(["rougeL"], use_stemmer=False)
    wanted = [scorer.score(t, g)["rougeL"].fmeasure for t, g in zip(truth, guess, strict=True)]
    np.testing.assert_allclose(found.per_row, wanted)
    assert found.value == pytest.approx(np.mean(wanted))


def test_empty_answers_are_worth_nothing():
    found = measure_rows("respond", ["Your card is blocked.", "Good day."], ["", ""])
    assert [metric.value for metric in found.values()] == [0.0, 0.0, 0.0]


def test_exact_match_only_where_references_are_short():
    short = measure_rows("respond", ["yes", "no  way", "maybe"], ["yes ", "no way", "never"])
    assert short["exact_match"].value == pytest.approx(2 / 3)
    long = "a text of more than five words"
    assert "exact_match" not in measure_rows("respond", [long, long, "yes"], [long, long, "yes"])


def test_confusion_counts_labels_outside_the_dataset_too():
    truth, guess = ["fees", "login", "new one"], ["fees", "fees", "login"]
    order = label_order(truth, guess, LABELS)
    assert order == [*LABELS, "new one"]
    assert confusion(truth, guess, LABELS) == confusion_matrix(truth, guess, labels=order).tolist()


def test_no_rows_are_refused():
    with pytest.raises(WorkbenchError) as error:
        measure_rows("respond", [], [])
    assert str(error.value) == (
        "Found: 0 predictions for 0 references\n"
        "Needed: at least one row, and one prediction for each\n"
        "Do: check the split and its predictions"
    )
