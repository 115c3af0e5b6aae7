"""The use case's glossary, guidelines and tone sheet as rows, pairs and figures."""

import random
import re

import pytest

from tailor.data.dataset import Example
from tailor.data.knowledge import (
    break_rule,
    contrastive_pairs,
    definition_rows,
    knowledge_rows,
    weighted_terms,
)
from tailor.data.pattern_text import text_that_matches
from tailor.records import Guideline, Term, Tone, TonePair, UseCase
from tailor.training.preferences import breaks

TERMS = [
    Term(
        term="chargeback", definition="A claim through the card network", variants=["card claim", "a b c d e"]
    ),
    Term(term="ARN", definition="A long number."),
]
TONE = Tone(pairs=[TonePair(before="Send us your PIN to verify you.", after="We never need your PIN.")])
NO_PIN = Guideline(
    id="no_pin", text="Never ask for a PIN", must_not_match=r"\b(send|tell)( us)?( your)? PIN\b"
)
TIME = Guideline(id="time", text="Give a time", must_match=r"\bwithin \d+ (hours|days)\b")
NO_SURE = Guideline(id="sure", text="No promise", must_not_match=r"\b(guarantee|definitely)\b")
READ = Guideline(id="read", text="Be kind")
ANSWER = "Thank you for writing. You will hear from us within 3 days. Open the app\nand tap Cards (#12)."
CASE = UseCase(
    title="x",
    task="respond",
    description="",
    glossary=TERMS,
    guidelines=[NO_PIN, TIME, NO_SURE, READ],
    tone=TONE,
)


def test_definitions_are_asked_in_several_ways_by_every_name():
    rows = definition_rows(TERMS, 3, seed=0)
    assert [row.id for row in rows] == [f"glossary:{t}:{n}" for t in ("chargeback", "ARN") for n in (1, 2, 3)]
    assert {row.output for row in rows[:3]} == {"A claim through the card network."}
    assert {row.source for row in rows} == {"glossary"}
    assert "chargeback" in rows[0].input
    assert "card claim" in rows[1].input
    assert len({row.input for row in rows}) == 6
    assert rows == definition_rows(TERMS, 3, seed=0)


def test_the_tone_sheet_becomes_requests_to_rewrite():
    rows = [row for row in knowledge_rows(CASE, 2, seed=0) if row.source == "tone"]
    assert [(row.id, row.output) for row in rows] == [
        ("tone:1:1", "We never need your PIN."),
        ("tone:1:2", "We never need your PIN."),
    ]
    assert all(row.input.endswith(": Send us your PIN to verify you.") for row in rows)


def test_what_a_rule_asks_for_is_taken_out():
    assert break_rule(TIME, ANSWER, TONE, random.Random(0)) == (
        "Thank you for writing. Open the app\nand tap Cards (#12)."
    )
    assert break_rule(TIME, "Only within 3 days.", TONE, random.Random(0)) is None
    assert break_rule(TIME, "No time given.", TONE, random.Random(0)) is None


def test_what_a_rule_forbids_is_put_in_from_the_tone_sheet_or_the_pattern():
    broken = break_rule(NO_PIN, ANSWER, TONE, random.Random(0))
    assert broken.replace("Send us your PIN to verify you. ", "") == ANSWER
    made = break_rule(NO_SURE, ANSWER, TONE, random.Random(0))
    assert re.search("guarantee|definitely", made, re.IGNORECASE)
    assert re.sub(r"(Guarantee|Definitely)\. ", "", made) == ANSWER


def test_pairs_keep_and_break_exactly_one_rule():
    rows = [Example(f"a:{n}", f"Question {n}", ANSWER) for n in range(6)]
    pairs = contrastive_pairs(rows, CASE, per_rule=2, seed=0)
    rules = {rule.id: rule for rule in CASE.guidelines}
    assert [pair.source for pair in pairs] == [
        *["guideline: no_pin"] * 2,
        *["guideline: time"] * 2,
        *["guideline: sure"] * 2,
        "tone",
    ]
    for pair in pairs[:-1]:
        mine = rules[pair.source.removeprefix("guideline: ")]
        broken = [rule.id for rule in CASE.guidelines if breaks(rule, pair.rejected)]
        assert broken == [mine.id]
        assert not any(breaks(rule, pair.chosen) for rule in CASE.guidelines)
    assert (pairs[-1].chosen, pairs[-1].rejected) == (
        "We never need your PIN.",
        "Send us your PIN to verify you.",
    )
    assert pairs == contrastive_pairs(rows, CASE, per_rule=2, seed=0)
    assert contrastive_pairs(rows, CASE, per_rule=0, seed=0) == []


def test_weighted_terms():
    assert weighted_terms(TERMS) == ["ARN", "a b c d e", "card claim", "chargeback"]


@pytest.mark.parametrize(
    "pattern",
    [
        r"\b(guarantee|definitely)\b",
        r"\b\d{4}[ -]?\d{4,6}[ -]?\d{4,5}([ -]?\d{1,4})?\b",
        r"(?<!never )\b(send|tell)( us|me)?( your| the)? (card number|PIN)\b",
        r"[^a-y]{2}\s+x+?",
        r"a{2,}[0-9a-f]*(?:b|c)$",
    ],
)
def test_a_pattern_turned_round_is_found_by_itself(pattern):
    for seed in range(5):
        text = text_that_matches(pattern, random.Random(seed))
        assert re.search(pattern, text, re.IGNORECASE)


def test_a_pattern_that_nothing_fits_gives_nothing():
    assert text_that_matches(r"a(?!.)b", random.Random(0)) is None
    assert text_that_matches("", random.Random(0)) is None
    assert len(text_that_matches(r"(a{90}){90}|b", random.Random(1)) or "") <= 200
