"""Spellings that belong together are found by the method made for them, and by no stricter one."""

import random
import time
from itertools import combinations

import pytest

from tailor.data.cleaning.keying import cluster, fingerprint, ngram_fingerprint, phonetic_key
from tailor.errors import WorkbenchError


def groups(values, method, **settings):
    return [[value for value, _ in found.values] for found in cluster(values, method, **settings)]


def test_fingerprints():
    assert fingerprint("Card-Lost_ ") == fingerprint("lost card") == "card lost"
    assert fingerprint("日本") == "日本"
    assert fingerprint("C++") != fingerprint("C")
    assert fingerprint("Fée") == "fee"


def test_ngram_fingerprints():
    # ch ha ar rg ge eb ba ac ck, sorted
    assert ngram_fingerprint("charge back") == ngram_fingerprint("Chargeback") == "acarbachckebgeharg"
    assert ngram_fingerprint("ab", 2) == "ab"
    assert ngram_fingerprint("banana", 1) == "abn"


def test_phonetic_keys():
    assert phonetic_key("cheque") == "XK"
    assert phonetic_key("Smith") == phonetic_key("smyth")
    assert phonetic_key("card 1") != phonetic_key("card 2")
    assert phonetic_key("日本") == "日本"


def test_the_most_frequent_spelling_is_best():
    (found,) = cluster({"Card lost": 3, "card-lost": 9, "card lost ": 9, "lost card": 1, "fee": 40})
    assert found.values == (("card lost ", 9), ("card-lost", 9), ("Card lost", 3), ("lost card", 1))
    assert (found.best, found.rows, found.key) == ("card lost", 22, "card lost")


def test_each_method_finds_what_it_is_for():
    assert groups({"charge back": 1, "chargeback": 2}, "fingerprint") == []
    assert groups({"charge back": 1, "chargeback": 2}, "n-gram fingerprint") == [
        ["chargeback", "charge back"]
    ]
    assert groups({"smith": 1, "smyth": 2}, "n-gram fingerprint") == []
    assert groups({"smith": 1, "smyth": 2}, "phonetic") == [["smyth", "smith"]]
    assert groups({"transfer": 5, "trasnfer": 1, "transfers": 1, "fee": 2}, "edit distance") == [
        ["transfer", "transfers", "trasnfer"]
    ]


def test_numbers_and_short_words_are_not_slips():
    assert groups({"card 1": 2, "card 2": 1}, "edit distance") == []
    assert groups({"fee": 2, "few": 1}, "edit distance") == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *(("-1", "1"), ("−1", "1"), ("< 5", "> 5"), ("1-0", "0-1"), ("1.0", "10"), ("5%", "5"), ("€5", "$5")),
        *(("A-", "A"), ("O-", "O+"), ("US to UK", "UK to US"), ("von A nach B", "von B nach A")),
    ],
)
def test_other_things_in_the_same_words_are_not_one(one, other):
    for method in ("fingerprint", "n-gram fingerprint", "phonetic", "edit distance"):
        assert groups({one: 2, other: 1}, method) == []


def test_a_sign_is_no_slip():
    assert groups({"overdraft -100": 2, "overdraft 100": 1}, "edit distance") == []


def test_marks_around_figures_are_spelling():
    for one, other in (("Tier-1", "tier 1"), (">5", "> 5"), ("(-1)", "-1"), ("US - to UK", "us to uk")):
        assert len(groups({one: 2, other: 1}, "fingerprint")) == 1


def test_no_chains():
    assert groups({"bat house": 3, "cat house": 2, "cot house": 1}, "edit distance") == [
        ["bat house", "cat house"]
    ]


def test_empty_values_are_no_spelling():
    assert cluster({"": 5, " ": 3, "!": 1, "?": 1}) == []


@pytest.mark.parametrize("edits", [1, 2])
def test_every_near_pair_is_found(edits):
    """Against comparing all with all."""
    from rapidfuzz.distance import OSA

    from tailor.data.cleaning.keying import _near_pairs

    draw = random.Random(4)
    values = sorted({"".join(draw.choices("abc", k=draw.randint(4, 11))) for _ in range(400)})
    expected = {
        frozenset(pair)
        for pair in combinations(values, 2)
        if OSA.distance(*pair) <= edits and len(max(pair, key=len)) > 3 * edits
    }
    assert len(expected) > 100
    assert {frozenset(pair) for pair in _near_pairs(values, edits)} == expected


def test_many_values_take_little_time():
    draw = random.Random(5)
    words = ["".join(draw.choices("abcdefghijklmnop", k=8)) for _ in range(2_000)]
    values = {f"{draw.choice(words)} {draw.choice(words)}": 1 for _ in range(20_000)}
    start = time.process_time()
    cluster(values, "edit distance")
    assert time.process_time() - start < 10


def test_an_unknown_method_is_told():
    with pytest.raises(WorkbenchError) as caught:
        cluster({"a": 1}, "phonetics")
    assert str(caught.value) == (
        "Found: there is no clustering method 'phonetics'\n"
        "Needed: one of: fingerprint, n-gram fingerprint, phonetic, edit distance\n"
        "Do: correct the name. Did you mean 'phonetic'?"
    )
