"""Blocks as HTML and as text."""

import base64
import re

import pytest

from tailor.blocks import Callout, Differences, Figure, Heading, Table, Text, Tokens
from tailor.differences import differences
from tailor.html import to_html
from tailor.plain import format_value, to_text
from tailor.plots import dropped_by_reason
from tailor.records import Estimate

HOSTILE = "<img src=x onerror=alert(1)></script>[a](javascript:alert(1)) \"q\" 'r'"
BLOCKS = [
    Heading(HOSTILE),
    Text(HOSTILE),
    Callout(HOSTILE, "bad"),
    Table([HOSTILE], [[HOSTILE]], HOSTILE),
    Figure(lambda: dropped_by_reason({HOSTILE: 3}), HOSTILE),
    Tokens([(HOSTILE, HOSTILE)], {HOSTILE: HOSTILE}, HOSTILE),
    Differences([(HOSTILE, HOSTILE, HOSTILE.replace("img", "b"))], HOSTILE),
]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: type(block).__name__)
def test_no_text_becomes_markup(block):
    html = to_html(block)
    tags = set(re.findall(r"<([a-z0-9]+)", html))
    assert tags <= {"div", "h4", "p", "b", "span", "table", "thead", "tbody", "tr", "th", "td", "img"}
    assert "onerror=alert(1)>" not in html
    assert "</script>" not in html
    assert "<a" not in html
    if isinstance(block, Figure):
        assert html.count("<img") == 1
        assert 'alt="&lt;img src=x onerror=alert(1)&gt;' in html


def test_figure_is_an_inline_image_with_its_description():
    html = to_html(Figure(lambda: dropped_by_reason({"empty": 3, "twice": 4}), "rows dropped"))
    data = re.search(r'alt="rows dropped".*src="data:image/png;base64,([^"]+)"', html)[1]
    assert base64.b64decode(data).startswith(b"\x89PNG")


def test_long_table_is_cut_and_says_so():
    table = Table(["n"], [[n] for n in range(1200)], "All rows.", show=3)
    assert to_html(table).count("<tr>") == 4
    assert "All rows. Rows 1 to 3 of 1,200." in to_html(table)
    assert to_text(table) == "n\n-\n0\n1\n2\nAll rows.\nRows 1 to 3 of 1,200."


def test_columns_of_numbers_are_right_aligned():
    table = Table(["name", "rows"], [["a", 12], ["bb", None], ["c", 3456]])
    assert to_html(table).count("text-align:right") == 4
    assert to_text(table) == "name   rows\n----  -----\na        12\nbb\nc     3,456"


def test_empty_table_shows_its_header():
    assert to_text(Table(["a", "b"], [])) == "a  b\n-  -"
    assert to_html(Table(["a", "b"], [])).count("<th ") == 2


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "yes"),
        (1234567, "1,234,567"),
        (0.71234, "0.712"),
        (34.567, "34.6"),
        (12345.6, "12,346"),
        (0.00002, "2e-05"),
        (0.0, "0.000"),
        (float("nan"), "nan"),
        (Estimate(value=0.7123, low=0.69, high=0.735), "0.712 (0.690 to 0.735)"),
        (["a", 2], "a, 2"),
        ({"a": 0.5}, "a: 0.500"),
        ("a\x00b\u202ec\ud800", "a[U+0000]b[U+202E]c[U+D800]"),
        ("x" * 5_000_000, "x" * 600 + " … (4,999,400 more characters)"),
    ],
)
def test_values_are_written_for_people(value, text):
    assert format_value(value) == text


def test_tokens_can_be_read_without_colour():
    tokens = Tokens(
        [("How are", "masked"), (" I'm", "learned"), (" fine\n", "learned"), ("", "learned")],
        {"learned": "learned", "masked": "read only"},
    )
    assert to_text(tokens) == "How·are[·I'm][·fine⏎\n][∅]\n[…] learned; … read only"
    html = to_html(tokens)
    assert "border-bottom:2px solid #009e73" in html
    assert "border-bottom:2px solid transparent" in html
    assert "·fine⏎\n" in html


def test_mathjax_leaves_data_alone():
    assert 'class="tailor-block tex2jax_ignore mathjax_ignore"' in to_html(Text("$5 and $6"))


def test_what_differs_is_marked_word_by_word():
    assert differences("the red  card", "the card now") == (
        [("the ", "same"), ("red  ", "gone"), ("card", "same")],
        [("the ", "same"), ("card", "same"), (" now", "new")],
    )
    assert differences("same", "same") == ([("same", "same")], [("same", "same")])
    long = "x y " * 1_000
    assert differences(long, long + "z") == ([(long, "gone")], [(long + "z", "new")])


def test_what_differs_is_told_without_colour():
    block = Differences([("a.csv:2", "cafÃ© one", "café one\ntwo")], "1 of 9 rows")
    assert to_text(block) == "a.csv:2\n  - [-cafÃ©-] one\n  + {+café+} one{+⏎two+}\n1 of 9 rows"
    assert "text-decoration:line-through" in to_html(block)
    assert "text-decoration:underline" in to_html(block)
