"""The same text from somebody else: words, names, ages and dialect are swapped, and nothing else."""

import random

import pytest

from tailor.data.augmentation.augment import augment
from tailor.data.augmentation.counterfactual import (
    AXES,
    counterfactual,
    gender_of,
    groups_of,
    origin_of,
    rewrite,
)
from tailor.data.augmentation.filters import Strictness
from tailor.data.dataset import Example
from tailor.progress import Log


@pytest.mark.parametrize(
    ("text", "axis", "group", "wanted"),
    [
        ("He lost his card. Is it his? Ask him.", "gender", "women", "She lost her card. Is it hers? Ask her."),
        ("Wife, tell her that her card came", "gender", "men", "Husband, tell him that his card came"),
        ("Mr Gold and the shermans", "gender", "women", "Mrs Gold and the shermans"),
        ("I am aged 34 and pay 34 a month", "age", "about 80", "I am aged 79 and pay 34 a month"),
        ("A 20-year-old asks", "age", "about 45", "A 46-year-old asks"),
        ("No age here.", "age", "about 20", "I am 21 years old. No age here."),
        ("I don't have any money", "dialect", "African American English", "I don't have no money"),
        ("Please reply, I need the card", "dialect", "Indian English", "Kindly reply, I am needing the card"),
        ("The card does not work", "dialect", "learner English", "Card not work"),
        ("Card lost", "dialect", "learner English", None),
    ],
)  # fmt: skip
def test_what_shows_the_group_is_replaced(text, axis, group, wanted):
    assert rewrite(text, axis, group, "row") == wanted


def test_a_signed_name_is_replaced_and_an_unsigned_text_is_signed():
    signed = {
        group: rewrite("Help me. Kind regards, Maria Gold", "origin", group, "r")
        for group in groups_of("origin")
    }
    assert len(set(signed.values())) == 6
    for group, text in signed.items():
        assert text.startswith("Help me. Kind regards, ")
        assert "Maria" not in text
        assert origin_of(text) == group
    women = {gender_of(text) for text in signed.values()}
    assert len(women) == 1, "the same row is signed by people of the same gender in every group"
    bare = rewrite("The card is lost", "gender", "men", "r")
    assert bare.startswith("The card is lost. Regards, ")
    assert gender_of(bare) == "men"
    assert origin_of("Thanks a lot") == gender_of("Nothing to see") == ""


def test_every_group_of_every_axis_is_written_the_same_each_time():
    text = "Hello, he and his wife are waiting, I know, they don't have any card. Thanks, Amir"
    for axis in AXES:
        made = [rewrite(text, axis, group, "r") for group in groups_of(axis)]
        assert None not in made
        assert len(set(made)) == len(made)
        assert made == [rewrite(text, axis, group, "r") for group in groups_of(axis)]


def test_as_augmentation_it_swaps_what_is_there_and_is_not_held_against_the_prejudice_of_the_rows():
    assert counterfactual("My card is lost", random.Random(0)) is None
    assert counterfactual("His card is lost", random.Random(0)) == "Her card is lost"
    rows = [
        Example(f"t:{n}", f"{who} asks about case number {n} again", label)
        for n in range(40)
        for who, label in [("The lady", "refused") if n % 2 else ("The gentleman", "granted")]
    ]
    made = augment(
        rows, [], "classify", ["counterfactual"], 1.0, seed=0, strictness=Strictness(), log=Log()
    )  # fmt: skip
    assert len(made.kept) == 40
    assert {row.output for row in made.kept if "lady" in row.input} == {"granted"}
    assert all(row.source == "augmentation:counterfactual" and row.parent for row in made.kept)
