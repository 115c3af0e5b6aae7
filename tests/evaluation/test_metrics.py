"""Metrics equal the reference libraries' on the same predictions, and suit the kind of answer."""

import random

import numpy as np
import pytest
from nltk import ngrams
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics import BLEU, CHRF
from sklearn.calibration import calibration_curve
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, matthews_corrcoef

from tailor.errors import WorkbenchError
from tailor.evaluation.known_metrics import KNOWN, metrics_of
from tailor.evaluation.metrics import MEASURES, confusion, label_order, measure_rows
from tailor.evaluation.structure_metrics import last_number, read_json
from tailor.records import Guideline

LABELS = ["card lost", "fees", "login", "transfer"]
WORDS = [
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
]
WORDS += ["and", "it's", "done,", "£5.20", "back", "The", "a"]


def _labelled(seed, rows=60):
    rng = random.Random(seed)
    truth = [rng.choice(LABELS[:3]) for _ in range(rows)]
    return truth, [label if rng.random() < 0.6 else rng.choice(LABELS) for label in truth]


def _texts(seed, rows=25):
    rng = random.Random(seed)
    truth = [" ".join(rng.choices(WORDS, k=rng.randint(3, 20))) for _ in range(rows)]
    return truth, [" ".join(rng.choices(WORDS, k=rng.randint(0, 20))) for _ in range(rows)]


def _respond(name, truth, guess, **more):
    return measure_rows("respond", truth, guess, names=[name], **more)[name]


@pytest.mark.parametrize("seed", range(5))
def test_labels_equal_scikit_learn(seed):
    truth, guess = _labelled(seed)
    found = measure_rows("classify", truth, guess, LABELS)
    assert list(found) == ["accuracy", "macro_f1", "mcc"]
    assert found["accuracy"].value == accuracy_score(truth, guess)
    assert found["macro_f1"].value == pytest.approx(
        f1_score(truth, guess, average="macro", zero_division=0), abs=1e-12
    )
    assert found["mcc"].value == pytest.approx(matthews_corrcoef(truth, guess), abs=1e-12)


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("macro_f1", lambda t, g: f1_score(t, g, average="macro", zero_division=0)),
        ("mcc", matthews_corrcoef),
    ],
)
def test_resamples_equal_scikit_learn(name, theirs):
    truth, guess = _labelled(9, rows=30)
    metric = measure_rows("classify", truth, guess, LABELS)[name]
    rows = np.random.default_rng(0).integers(0, 30, size=(20, 30))
    found = metric.combine(metric.statistics[rows].sum(axis=1))
    wanted = [theirs([truth[i] for i in r], [guess[i] for i in r]) for r in rows]
    np.testing.assert_allclose(found, wanted, atol=1e-12)


def test_one_label_only_has_no_correlation():
    assert (
        measure_rows("classify", ["a", "a"], ["a", "a"])["mcc"].value
        == matthews_corrcoef([1, 1], [1, 1])
        == 0
    )


@pytest.mark.parametrize("seed", range(3))
def test_calibration_error_equals_scikit_learns_bins(seed):
    truth, guess = _labelled(seed, rows=200)
    confidence = np.random.default_rng(seed).random(200)
    found = measure_rows("classify", truth, guess, LABELS, confidence=confidence)["ece"]
    right = [a == b for a, b in zip(truth, guess, strict=True)]
    share, sure = calibration_curve(right, confidence, n_bins=15)
    counts = np.histogram(confidence, bins=np.linspace(0, 1, 16))[0]
    weights = counts[counts > 0] / 200
    assert found.value == pytest.approx((weights * np.abs(share - sure)).sum(), abs=1e-12)


def test_a_model_that_is_always_sure_and_half_right_is_half_off():
    found = measure_rows("classify", ["a"] * 10, ["a"] * 5 + ["b"] * 5, confidence=[1.0] * 10)
    assert found["ece"].value == pytest.approx(0.5)
    assert "ece" not in measure_rows("classify", ["a"], ["a"])


@pytest.mark.parametrize("seed", range(5))
def test_chrf_and_bleu_equal_sacrebleu(seed):
    truth, guess = _texts(seed)
    chrf, bleu = _respond("chrf", truth, guess), _respond("bleu", truth, guess)
    assert chrf.value == pytest.approx(CHRF().corpus_score(guess, [truth]).score, abs=1e-9)
    assert bleu.value == pytest.approx(BLEU().corpus_score(guess, [truth]).score, abs=1e-9)
    wanted = [CHRF().sentence_score(g, [t]).score for t, g in zip(truth, guess, strict=True)]
    np.testing.assert_allclose(chrf.per_row, wanted, atol=1e-9)


def test_bleu_of_resamples_equals_sacrebleu():
    truth, guess = _texts(11)
    metric = _respond("bleu", truth, guess)
    rows = np.random.default_rng(0).integers(0, len(truth), size=(10, len(truth)))
    found = metric.combine(metric.statistics[rows].sum(axis=1))
    wanted = [BLEU().corpus_score([guess[i] for i in r], [[truth[i] for i in r]]).score for r in rows]
    np.testing.assert_allclose(found, wanted, atol=1e-9)


@pytest.mark.parametrize(
    ("name", "kind"), [("rouge_1", "rouge1"), ("rouge_2", "rouge2"), ("rouge_l", "rougeL")]
)
@pytest.mark.parametrize("seed", range(3))
def test_rouge_equals_rouge_score(seed, name, kind):
    truth, guess = _texts(seed)
    found = _respond(name, truth, guess)
    scorer = RougeScorer([kind], use_stemmer=False)
    wanted = [scorer.score(t, g)[kind].fmeasure for t, g in zip(truth, guess, strict=True)]
    np.testing.assert_allclose(found.per_row, wanted)
    assert found.value == pytest.approx(np.mean(wanted))


def test_token_f1_worked_by_hand():
    # "the" and "an" go, and the full stop: 2 of 3 words said are wanted, 2 of 2 wanted are said: 2 * 2 / (2 + 3)
    truth, guess = ["The red card.", "yes", "a", "no"], ["an old red card", "Yes!", "the", ""]
    assert _respond("token_f1", truth, guess).per_row.tolist() == pytest.approx([0.8, 1.0, 1.0, 0.0])


@pytest.mark.parametrize("length", [1, 2])
def test_distinct_is_the_share_of_different_sequences(length):
    _, guess = _texts(4)
    found = _respond(f"distinct_{length}", guess, guess)
    every = [gram for text in guess for gram in ngrams(text.split(), length)]
    assert found.value == pytest.approx(len(set(every)) / len(every))


def test_a_model_that_answers_everything_alike_is_found_by_distinct():
    varied = [f"Case {i} went to {i}" for i in range(40)]
    alike = ["We thank you for your kind message today"] * 40
    assert _respond("distinct_2", varied, varied).value > 0.7
    assert _respond("distinct_2", varied, alike).value == pytest.approx(7 / (40 * 7))


def test_a_model_that_turns_in_circles_is_found_by_repetition():
    # 11 words: 8 sequences of four, of which "a b c a", "b c a b" and "c a b c" are all there are
    circling, plain = "a b c a b c a b c a b", "one two three four five six"
    assert _respond(
        "repetition", ["x"] * 3, [circling, plain, "too short"]
    ).per_row.tolist() == pytest.approx([1 - 3 / 8, 0, 0])


def test_json_is_valid_or_not_and_compared_by_field():
    truth = ['{"name": "Ann", "tags": ["a", "b"], "n": 1}', '{"name": "Bob", "tags": [], "n": 2}']
    guess = ['{"n": 1, "name": "Ann", "tags": ["b", "c"]}', 'Here it is: {"name": "Bob"}']
    found = measure_rows("respond", truth, guess)
    assert list(found) == ["chrf", "rouge_l", "json_validity", "field_f1"]
    assert found["json_validity"].value == 0.5
    # the first: 3 of 4 fields; the second says nothing of 3: 2 * 3 / (4 + 3 + 4 + 0)
    assert found["field_f1"].value == pytest.approx(6 / 11)
    assert read_json("[" * 100_000) is None
    assert read_json('{"a": NaN}') is None


def test_numbers_at_the_end_are_compared_as_numbers():
    truth = ["It costs £1,200.50.", "So 7", "Minus: -3"]
    found = measure_rows("respond", truth, ["about 5, no: 1200.5", "seven", "it is -3.0 %"])
    assert found["numeric_match"].per_row.tolist() == [1, 0, 1]
    assert last_number("none") is None
    assert "numeric_match" not in measure_rows("respond", ["It is open."], ["It is open."])


def test_code_is_parsed_and_never_run():
    truth = ["def f(x):\n    return x", "import os\nos.remove('gone')"]
    found = measure_rows("respond", truth, ["def f(x) return x", "raise SystemExit"])
    assert list(found) == ["chrf", "rouge_l", "code_validity"]
    assert found["code_validity"].per_row.tolist() == [0, 1]
    assert "code_validity" not in measure_rows("respond", ["yes", "no"], ["yes", "no"])


def test_summaries_of_long_inputs_are_measured_by_rouge():
    inputs, truth = ["many words " * 100] * 3, [" ".join(WORDS)] * 3
    assert list(measure_rows("respond", truth, truth, inputs=inputs)) == [
        "chrf",
        "rouge_l",
        "rouge_1",
        "rouge_2",
    ]
    assert list(measure_rows("respond", truth, truth, inputs=truth)) == ["chrf", "rouge_l"]


def test_perplexity_and_bits_worked_by_hand():
    more = {"nats": [-4 * np.log(2), -8 * np.log(2)], "tokens": [4, 2]}
    names = ["bits_per_character", "perplexity"]
    found = measure_rows("respond", ["abcd", "abcdefgh"], ["", ""], names=names, **more)
    assert found["bits_per_character"].value == pytest.approx(12 / 12)  # bits over characters
    assert found["perplexity"].value == pytest.approx(2 ** (12 / 6))
    assert measure_rows("respond", ["a"], ["a"], names=names) == {}


def test_reading_ease_of_answers():
    easy, hard = (
        "The cat sat. It was fun.",
        "Institutional considerations necessitate comprehensive deliberation.",
    )
    found = _respond("reading_ease", ["x", "x"], [easy, hard])
    assert found.per_row[0] > 100 > 0 > found.per_row[1]


def test_a_guideline_is_a_metric():
    rules = [Guideline(id="time", text="Give a time", must_match=r"\d days")]
    found = _respond("keeps time", ["x", "x"], ["In 3 days.", "Soon."], guidelines=rules)
    assert found.value == 0.5


def test_empty_answers_are_worth_nothing():
    found = measure_rows("respond", ["Your card is blocked.", "Good day."], ["", ""])
    assert {name: metric.value for name, metric in found.items()} == {
        "chrf": 0, "rouge_l": 0, "exact_match": 0, "token_f1": 0,
    }  # fmt: skip
    more = [name for name in metrics_of("respond") if name in MEASURES]
    found = measure_rows("respond", ["Your card is blocked.", "Good day."], ["", ""], names=more)
    assert all(metric.value == 0 for metric in found.values())


def test_exact_match_only_where_references_are_short():
    short = measure_rows("respond", ["yes", "no  way", "maybe"], ["yes ", "no way", "never"])
    assert short["exact_match"].value == pytest.approx(2 / 3)
    long = "a text of more than five words"
    assert "exact_match" not in measure_rows("respond", [long, long, "yes"], [long, long, "yes"])


def test_a_persons_own_metric(tmp_path, monkeypatch):
    monkeypatch.setenv("TAILOR_HOME", str(tmp_path))
    (tmp_path / "mine.py").write_text(
        "def polite(answer, reference):\n"
        "    if not answer:\n"
        "        raise ValueError('empty')\n"
        "    return 'please' in answer\n"
        "def odd(answer, reference):\n"
        "    return 'much'\n",
        encoding="utf-8",
    )
    found = _respond("mine:polite", ["x", "x"], ["please wait", "wait"])
    assert (found.value, found.share) == (0.5, True)
    with pytest.raises(WorkbenchError) as error:
        _respond("mine:polite", ["x", "x"], ["please", ""])
    assert str(error.value) == (
        "Found: mine:polite failed on answer 2, '': ValueError: empty (mine.py, line 3)\n"
        "Needed: a function that takes every answer and its reference\n"
        "Do: mend the function, or handle this answer in it"
    )
    with pytest.raises(WorkbenchError) as error:
        _respond("mine:odd", ["x"], ["y"])
    assert str(error.value) == (
        "Found: mine:odd returned 'much' for answer 1, 'y'\n"
        "Needed: a finite number, or True or False\n"
        "Do: mend the function's return"
    )
    with pytest.raises(WorkbenchError) as error:
        _respond("mine:polit", ["x"], ["y"])
    assert str(error.value) == (
        "Found: mine.py has no function 'polit'\n"
        "Needed: one of: polite, odd\n"
        "Do: correct the name. Did you mean 'polite'?"
    )


def test_every_metric_is_described_and_computed():
    assert {name for name, known in KNOWN.items() if not known.cost} == set(MEASURES)


def test_an_unknown_metric_is_refused():
    with pytest.raises(WorkbenchError) as error:
        measure_rows("classify", ["a"], ["a"], names=["macrof1"])
    assert str(error.value) == (
        "Found: the task classify has no metric 'macrof1'\n"
        "Needed: one of: accuracy, macro_f1, mcc, ece, 'keeps ' and the id of a guideline with a pattern, or "
        "module:function\n"
        "Do: correct the name. Did you mean 'macro_f1'?"
    )


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
