"""Style in figures, by hand."""

import pytest

from tailor.data.style import Style, count_syllables, mean_sentence_words, reading_ease, sentences
from tailor.records import Tone, TonePair

TONE = Tone(
    use=["thank you", "please"],
    avoid=["as per"],
    pairs=[
        TonePair(before="As per our terms the claim was denied.", after="Thank you. We look into it today.")
    ],
)


def test_sentences_and_words():
    assert sentences("Hello. How are you?! 12. Fine") == ["Hello.", "How are you?!", "Fine"]
    assert mean_sentence_words("One two three. Four five.") == 2.5


@pytest.mark.parametrize(
    ("word", "syllables"),
    [("cat", 1), ("table", 2), ("time", 1), ("see", 1), ("transaction", 3), ("b", 1)],
)
def test_syllables(word, syllables):
    assert count_syllables(word) == syllables


def test_reading_ease_by_hand():
    """Six words, one sentence, six syllables: 206.835 - 1.015 * 6 - 84.6."""
    assert reading_ease("The cat sat on the mat.") == pytest.approx(116.145)
    assert reading_ease("The organization's communication necessitates consideration.") < 0


def test_shares_and_distance():
    texts = ["Thank you. We look into it.", "As per our terms it was denied.", "Please wait.", "123"]
    found = Style(TONE).measure(texts)
    assert found["use_share"].value == pytest.approx(2 / 3)
    assert found["avoid_share"].value == pytest.approx(1 / 3)
    near, far, _ = found["tone_distance"].per_row
    assert near < 0.3 < 0.7 < far


def test_without_a_tone_sheet_only_sentences_are_measured():
    assert set(Style(Tone()).measure(["Hello there."])) == {"sentence_words", "reading_ease"}
    assert Style(TONE).measure(["", "42"]) == {}


def test_intervals_come_from_the_usual_code():
    from tailor.evaluation.statistics import estimate

    found = estimate(Style(TONE).measure(["Please wait."] * 10)["use_share"], seed=0)
    assert found.value == 1.0
    assert found.low < 1.0
