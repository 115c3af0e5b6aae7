"""Templates: cells put into text, nothing computed, every mistake told with its place."""

import pytest

from tailor.data.templates import Template, wrap
from tailor.errors import WorkbenchError

COLUMNS = ("subject", "message", "customer name", "a|b")
ROW = {"subject": "  Card ", "message": "Where is\nmy {card}? {{x}}", "customer name": None, "a|b": "bar"}


def fill(text, **row):
    return Template.read(text, COLUMNS, "04_format_data.input_template").fill(ROW | row)


def refusal(text):
    with pytest.raises(WorkbenchError) as caught:
        Template.read(text, COLUMNS, "04_format_data.input_template")
    return str(caught.value)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{message}", "Where is\nmy {card}? {{x}}"),
        ("Subject: {subject|trim}\n\n{message}", "Subject: Card\n\nWhere is\nmy {card}? {{x}}"),
        ("{subject | trim | lower}!", "card!"),
        ("{subject | trim | upper} {a|b}", "CARD bar"),
        ("{message | one line | first 8}", "Where is"),
        ("From: {customer name}\n{subject | trim}", "Card"),
        ('From: {customer name | default "a customer"}', "From: a customer"),
        ("From: {customer name}, about {subject | trim}", "From: , about Card"),
        ("{{{subject | trim}}} and {{}}", "{Card} and {}"),
        ("From: {customer name}", ""),
        ("fixed", "fixed"),
        ("{message|capitalize}", "Where is\nmy {card}? {{x}}"),
    ],
)
def test_fill(template, text):
    assert fill(template) == text


def test_an_unknown_column():
    assert refusal("Hello\n{mesage}") == (
        "Found: 04_format_data.input_template has the placeholder '{mesage}', and the data has no column 'mesage'\n"
        "Needed: one of: subject, message, customer name, a|b; a brace that is meant as text is doubled: {{ or }}\n"
        "Do: correct the name. Did you mean 'message'?"
    )


@pytest.mark.parametrize(
    "text", ["{message.__class__}", "{message[0]}", "{0}", "{}", "{message!r}", "{message:>9999999}"]
)
def test_nothing_is_reached_or_computed(text):
    assert f"has the placeholder '{text}', and the data has no column" in refusal(text)


def test_an_unknown_filter():
    assert refusal("{message | lowr}") == (
        "Found: 04_format_data.input_template has the filter 'lowr' in '{message | lowr}'\n"
        'Needed: one of: trim, lower, upper, capitalize, one line, first 200, default "none"\n'
        "Do: correct the filter; templates compute nothing else. Did you mean 'lower'?"
    )


@pytest.mark.parametrize(("text", "brace"), [("a {message", "{"), ("b} {message}", "}")])
def test_a_single_brace(text, brace):
    assert refusal(text) == (
        f"Found: 04_format_data.input_template has a single '{brace}' in the line {text!r}\n"
        "Needed: placeholders such as {column}; a brace that is meant as text is doubled: {{ or }}\n"
        f"Do: close the placeholder, or write '{brace}{brace}'"
    )


@pytest.mark.parametrize(
    ("instruction", "text"),
    [
        ("", "It is {input}."),
        ("Classify.", "Classify.\n\nIt is {input}."),
        ("Message: {input}\nLabel:", "Message: It is {input}.\nLabel:"),
        ("Write {{json}}.", "Write {json}.\n\nIt is {input}."),
    ],
)
def test_an_instruction_stands_around_the_input(instruction, text):
    assert wrap(instruction, "It is {input}.") == text


def test_an_instruction_knows_the_input_alone():
    with pytest.raises(WorkbenchError) as caught:
        wrap("Classify {message}", "x")
    assert str(caught.value).startswith(
        "Found: 04_format_data.instruction has the placeholder '{message}', and the data has no column 'message'\n"
    )
