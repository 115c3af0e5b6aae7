"""Rewording by rule: each rule does what it says, leaves facts alone, and draws the same again."""

import random
import re

import pytest

from tailor.data.augmentation.rules import (
    Synonyms,
    casing,
    contraction,
    find_rules,
    kept_facts,
    template,
    typo,
)
from tailor.records import Term

TEXT = "I do not know why my payment of 45.90 to [NAME] was declined, please write to a.b@c.org or see www.x.com/y"


def drawn(rule, text=TEXT, tries=30):
    return [rule(text, random.Random(seed)) for seed in range(tries)]


@pytest.mark.parametrize("name", ["synonym", "typo", "casing", "contraction", "template"])
def test_every_rule_changes_the_text_keeps_its_facts_and_draws_the_same_again(name):
    rule = find_rules()[name]
    found = drawn(rule)
    assert all(text and text != TEXT for text in found)
    assert {tuple(kept_facts(text)) for text in found} == {tuple(kept_facts(TEXT))}
    assert found == drawn(rule)


def test_a_typo_changes_one_longer_word_in_about_ten():
    for text in drawn(typo, "my new payment did not arrive"):
        before, after = ["my", "new", "payment", "did", "not", "arrive"], text.split()
        changed = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
        assert len(changed) <= 1
        assert all(len(a) >= 4 and a[0] == b[0] and abs(len(a) - len(b)) <= 1 for a, b in changed)


def test_a_neighbouring_key():
    from tailor.data.augmentation.rules import _neighbours

    assert (_neighbours("a"), _neighbours("G"), _neighbours("ß")) == ("s", "FH", "ß")


def test_contractions_go_both_ways():
    draw = random.Random(0)
    assert contraction("I do not see it. It is gone.", draw) == "I don't see it. It's gone."
    assert contraction("I can't see it. Isn't it there?", draw) == "I cannot see it. Is not it there?"
    assert contraction("Nothing here", draw) == "Nothing here"


def test_casing():
    assert set(drawn(casing, "My Card. Is [NAME] here?")) == {
        "my card. is [NAME] here?",
        "MY CARD. IS [NAME] HERE?",
    }
    assert "thank you" in drawn(casing, "Thank you.")


def test_greetings_stand_only_where_there_is_none():
    for text in drawn(template, "Hello, my card is lost. Thanks"):
        assert text == "Hello, my card is lost. Thanks"
    for text in drawn(template, "Hello, my card is lost.\nGreetings from York\n[NAME]"):
        assert text.endswith("York\n[NAME]")
    for text in drawn(template, "My card is lost"):
        assert re.match(r"(Hello|Hi|Hi there|Good morning|Good afternoon|Dear team), ", text)
        assert "y card is lost" in text


def test_synonyms_come_from_the_glossary_and_the_list():
    rule = Synonyms(
        [Term(term="chargeback", definition="x", variants=["card claim", "a very long way to say it"])]
    )
    found = drawn(rule, "Where is my Chargeback? I bought nothing in the shops.")
    assert any("Card claim" in text for text in found)
    assert any("purchased" in text for text in found)
    assert not any("long way" in text for text in found)
    assert rule("Zebra", random.Random(0)) is None


def test_words_with_digits_are_never_touched():
    assert typo("A12B X99Z 1234 [NAME]", random.Random(0)) is None
