"""The lessons' questions: the same seed the same rows, equally many of each topic, held-out phrasings held out."""

from collections import Counter

from tailor.demos.bank import Bank
from tailor.lessons.questions import ROWS, TOPICS, bank_questions, first_questions, phrasings

SPLITS = ("train", "validation", "test")


def texts(dataset, split):
    return [row.input for row in getattr(dataset, split)]


def test_the_same_seed_gives_the_same_questions_and_another_seed_others():
    first, again, other = bank_questions(1), bank_questions(1), bank_questions(2)
    for split in SPLITS:
        assert texts(first, split) == texts(again, split) != texts(other, split)


def test_topics_are_balanced_and_no_question_stands_in_two_splits():
    dataset = bank_questions(3)
    for split in SPLITS:
        counts = Counter(row.output for row in getattr(dataset, split))
        assert counts == dict.fromkeys(TOPICS, ROWS[split])
    assert not set(texts(dataset, "train")) & {*texts(dataset, "validation"), *texts(dataset, "test")}


def test_a_third_of_the_phrasings_is_held_out():
    bank = Bank(1)
    for intent in TOPICS.values():
        known, held_out = phrasings(bank, intent, 1)
        assert not set(known) & set(held_out)
        assert len(held_out) == (len(known) + len(held_out)) // 3 > 0


def test_one_question_of_each_topic_is_shown():
    table = first_questions(bank_questions(1))
    assert [topic for _, topic in table.rows] == list(TOPICS)
    assert table.caption == "120 questions to learn from, 120 held out for the test"
