"""What is not kept, each reason provoked."""

from dataclasses import replace

import pytest

from tailor.data.augmentation import filters
from tailor.data.augmentation.filters import Strictness, find_faults
from tailor.data.dataset import Example

GIVEN = [
    Example(f"a:{n}", f"my card number {n} was lost in the city yesterday", "card lost") for n in range(8)
]
GIVEN += [Example(f"b:{n}", f"why is there a fee of {n} euro on the account", "fees") for n in range(8)]
HELD_OUT = [Example("t:1", "my card number 3 was lost in the city today", "card lost")]


def faults(text, parent=GIVEN[3], held_out=(), task="classify", given=GIVEN, **strictness):
    made = replace(parent, id="new", input=text, parent=parent.id)
    return find_faults([made], given, held_out, task, Strictness(**strictness))[0]


def test_a_good_row_is_kept():
    assert faults("my card with the number 3 got lost in the city yesterday") == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (GIVEN[3].input, filters.EQUAL),
        ("my card number was lost in the city yesterday", filters.FACTS),
        ("my card number 4 was lost in the city yesterday", filters.FACTS),
        ("card 3", filters.LENGTH),
        ("3 " + "zzz yyy qqq " * 4, filters.FAR),
        ("3: why is there a fee of euro on the account, my card", filters.CONTRADICTS),
    ],
)
def test_each_reason(text, reason):
    assert faults(text) == reason


def test_a_row_that_comes_close_to_the_test_is_not_kept():
    near = "My card, number 3, was lost in the city today"
    assert faults(near) == ""
    assert faults(near, held_out=HELD_OUT) == filters.LEAK
    assert faults(near, held_out=HELD_OUT, near=0.0) == filters.LEAK


def test_the_second_of_two_equal_new_rows_is_not_kept():
    made = [
        replace(GIVEN[3], id=f"new{n}", input="my card 3 got lost in the city yesterday", parent="a:3")
        for n in range(2)
    ]
    assert find_faults(made, GIVEN, (), "classify", Strictness()) == ["", filters.EQUAL]


def test_a_free_answer_must_stay_closest_to_its_parent():
    given = [
        Example("a:1", "how do I block my card", "Open the app."),
        Example("a:2", "how do I unblock my account", "Call us."),
        Example("a:3", "how do I unblock my accounts", "Open the app."),
    ]
    assert faults("how do i block my cards", given[0], task="respond", given=given) == ""
    assert faults("how do I unblock my account?", given[0], task="respond", given=given) == filters.CLOSER
    assert faults("how do I unblock my accountss", given[0], task="respond", given=given) == ""


def test_one_label_contradicts_nothing():
    given = [replace(row, output="one") for row in GIVEN]
    assert faults("my card with the number 3 got lost in the city", given[3], given=given) == ""
