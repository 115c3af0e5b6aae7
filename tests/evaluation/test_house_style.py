"""Answers against the tone sheet and guidelines: the same figures for references and models."""

import pytest

from tailor.evaluation.house_style import broken_rules, house_style_table, measure_house_style
from tailor.records import Guideline, Tone, TonePair, UseCase

CASE = UseCase(
    title="x",
    task="respond",
    description="",
    guidelines=[
        Guideline(id="time", text="Give a time", must_match=r"\d+ days"),
        Guideline(id="kind", text="Be kind"),
    ],
    tone=Tone(avoid=["as per"], pairs=[TonePair(before="As per terms.", after="Thank you for asking.")]),
)


def test_rules_with_a_pattern_and_the_tone_are_measured():
    found = measure_house_style(
        CASE, ["It takes 3 days.", "As per terms, it takes long.", "Soon.", "In 2 days."]
    )
    assert found["keeps time"].value == 0.5
    assert found["avoid_share"].value == 0.25
    assert "keeps kind" not in found
    assert found["sentence_words"].value == pytest.approx((3 + 6 + 1 + 2) / 4)
    assert measure_house_style(CASE, []) == {}


def test_answers_that_break_a_rule_are_shown():
    answers = [
        ("a:1", "It takes 3 days."),
        ("a:2", "Soon."),
        ("a:3", "As per terms."),
        ("a:4", "Later."),
        ("a:5", "No."),
    ]
    (table,) = broken_rules(CASE, answers)
    assert table.rows == [
        ("time", "Give a time", "4 of 5", "a:2", "Soon."),
        ("", "", "", "a:3", "As per terms."),
        ("", "", "", "a:4", "Later."),
        ("tone sheet", "Avoid: as per", "1 of 5", "a:3", "As per terms."),
    ]
    assert broken_rules(CASE, answers[:1]) == []


def test_the_table_has_a_column_for_each():
    answers = {"references": ["It takes 3 days."] * 8, "LoRA": ["Soon."] * 8}
    table = house_style_table(CASE, answers, samples=200, seed=0)
    assert list(table.columns) == ["", "references", "LoRA"]
    last = table.rows[-1]
    assert last[0] == "share of answers that keep time"
    assert last[1] == "1.00 (0.63 to 1.00)"
    assert last[2] == "0.00 (0.00 to 0.37)"
    assert house_style_table(CASE, answers, samples=200, seed=0) == table
