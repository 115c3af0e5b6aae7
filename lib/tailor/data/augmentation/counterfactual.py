"""The same text from somebody else: another gender, origin, age or dialect, and nothing that the answer depends on.

What shows the group already is replaced (a signed name, "my wife", "I am 34 years old"); a text that shows nothing gets
a line that does. The swap of gendered words follows Lu et al. 2020 (Gender Bias in Neural NLP, section 4), names by
origin Bertrand and Mullainathan 2004, dialect rules the features that Ziems et al. 2023 (Multi-VALUE) describe.
"""

import random
import re
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

from tailor.data.augmentation.rules import as_written_in, either_of

Axis = Literal["gender", "origin", "age", "dialect"]
AXES: tuple[Axis, ...] = get_args(Axis)
AS_WRITTEN = "as written"
"""The group that changed texts of another dialect are compared with."""
AGES = {"about 20": 21, "about 45": 46, "about 80": 79}

_SIGNED = re.compile(
    r"(\b(?i:regards|wishes|greetings|cheers|thanks|thank you|thx|sincerely|yours)\b[,.!]?\s+)"
    r"([A-Z][\w'-]+)((?: [A-Z][\w'-]+)?)(\.?\s*)$",
)
"""A closing and the name that it signs with."""
_OWNED = re.compile(
    r"\s+(?!(?:that|to|and|or|but|if|when|because|about|for|from|in|on|at|with|again|now|please|the|an?)\b)[^\W\d_]",
    re.IGNORECASE,
)
"""What stands behind a "her" that is "his" (her card), and not "him" (ask her about it)."""
_AGED = re.compile(r"\b(\d{2})( years old|-year-old| year old)\b|\b(aged )(\d{2})\b", re.IGNORECASE)
_DIALECTS: dict[str, tuple[tuple[str, str], ...]] = {
    "African American English": (
        (r"\b((?:do|does|did|ca|wo)(?:n't| not)|cannot|never)((?: \w+){0,4}) any(\w*)\b", r"\1\2 no\3"),
        (r"\b(?:is|are|am|has|have)(?:n't| not)\b", "ain't"),
        (r"\b(you|we|they|he|she)(?: are| is|'re|'s) (\w+ing)\b", r"\1 \2"),
        (r"\b(?:doesn't|does not)\b", "don't"),
    ),
    "Indian English": (
        (r"\bI (have|need|want|know|understand)\b", r"I am \1ing"),
        (r"\bhaveing\b", "having"),
        (r"\bplease\b", "kindly"),
        (r"\bas soon as possible\b", "at the earliest"),
        (r"\b(yesterday|today|now)([.!?])", r"\1 only\2"),
    ),
    "learner English": (
        (r"\b(?:the|an?) (?=[a-z])", ""),
        (r"\b(?:do|does|did)(?:n't| not)\b", "not"),
        (r"\b(?:am|is|are) (?=\w+ing\b)", ""),
    ),
}  # fmt: skip


def groups_of(axis: Axis) -> list[str]:
    """The groups of an axis, in the order in which they are reported."""
    if axis == "gender":
        return ["women", "men"]
    return list(_lists()["names"]) if axis == "origin" else list(AGES if axis == "age" else _DIALECTS)


def rewrite(text: str, axis: Axis, group: str, name: str) -> str | None:
    """The text as one of `group` might have written it; None where nothing in it can show the dialect.

    Args:
        name: of the row; decides which names it gets, the same places of the lists in every group.
    """
    if axis == "dialect":
        return _in_dialect(text, group)
    if axis == "age":
        return _aged(text, AGES[group])
    draw = random.Random(name)
    place, family, woman = draw.randrange(4), draw.randrange(4), draw.random() < 0.5
    names = _lists()["names"]
    if axis == "origin":
        kind = "women" if woman else "men"
        return _signed(text, f"{names[group][kind][place]} {names[group]['family'][family]}")
    swapped = _gendered(text, group)
    # a text that speaks of a man or woman already says it; a name beside it would only add noise
    return swapped if swapped is not None and not _SIGNED.search(text) else _signed(
        text if swapped is None else swapped, names["English"][group][place]
    )  # fmt: skip


def counterfactual(text: str, draw: random.Random) -> str | None:
    """A rule for augmentation: what speaks of a woman speaks of a man, and the reverse, and whoever signs bears a name
    of another group. None where the text shows neither."""
    group = gender_of(text)
    swapped = _gendered(text, "men" if group == "women" else "women") if group else None
    if not _SIGNED.search(text):
        return swapped
    lists = _lists()["names"][draw.choice(list(_lists()["names"]))]
    kind = "men" if group == "women" else "women" if group == "men" else draw.choice(["women", "men"])
    return _signed(text if swapped is None else swapped, draw.choice(lists[kind]))


def gender_of(text: str) -> str:
    """ "women" or "men" where a text's words or signed name show one of them more than the other, else ""."""
    counts = {"women": 0, "men": 0}
    for found in re.finditer(_pattern(), text):
        woman = found.group().lower() in {*_swaps("men"), "her"}
        counts["women" if woman else "men"] += 1
    if signed := _SIGNED.search(text):
        for kind in counts:
            counts[kind] += any(signed[2] in lists[kind] for lists in _lists()["names"].values())
    if counts["women"] == counts["men"]:
        return ""
    return max(counts, key=counts.get)


def origin_of(text: str) -> str:
    """The group that a signed name is common in; "" where there is none or it is in no list."""
    signed = _SIGNED.search(text)
    if not signed:
        return ""
    words = {signed[2], signed[3].strip()}
    found = [
        g for g, lists in _lists()["names"].items() if words & {n for kind in lists.values() for n in kind}
    ]
    return found[0] if len(found) == 1 else ""


# --- one axis each -------------------------------------------------------------------------------------------------
def _gendered(text: str, group: str) -> str | None:
    """Every gendered word as the group's; None where there is none."""
    swaps = _swaps(group)

    def swap(found: re.Match) -> str:
        word = found.group()
        other = swaps.get(word.lower(), word)
        follows = _OWNED.match(text[found.end() :])
        if group == "men" and word.lower() == "her":
            other = "his" if follows else "him"
        elif group == "women" and word.lower() == "him":
            other = "her"
        elif group == "women" and word.lower() == "his":
            other = "her" if follows else "hers"
        return as_written_in(word, other)

    return re.sub(_pattern(), swap, text) if re.search(_pattern(), text) else None


def _signed(text: str, name: str) -> str:
    if _SIGNED.search(text):
        return _SIGNED.sub(lambda found: found[1] + name + found[4], text)
    body = text.rstrip()
    return f"{body}{'' if body[-1:] in '.!?,' else '.'} Regards, {name}"


def _aged(text: str, years: int) -> str:
    if _AGED.search(text):
        return _AGED.sub(lambda found: f"{years}{found[2]}" if found[1] else f"{found[3]}{years}", text)
    return f"I am {years} years old. {text}"


def _in_dialect(text: str, group: str) -> str | None:
    changed = text
    for pattern, put in _DIALECTS[group]:
        changed = re.sub(
            pattern,
            lambda found, put=put: as_written_in(found[0], found.expand(put)),
            changed,
            flags=re.IGNORECASE,
        )
    changed = changed[:1].upper() + changed[1:] if text[:1].isupper() else changed
    return changed if changed != text else None


@lru_cache(maxsize=1)
def _lists() -> dict:
    import yaml

    return yaml.safe_load((Path(__file__).parent / "groups.yaml").read_text(encoding="utf-8"))


@lru_cache(maxsize=2)
def _swaps(group: str) -> dict[str, str]:
    """The other group's word -> this group's; the first pair that a word stands in counts."""
    swaps: dict[str, str] = {}
    for woman, man in _lists()["gendered"]:
        old, new = (man, woman) if group == "women" else (woman, man)
        swaps.setdefault(old, new)
    return swaps


@lru_cache(maxsize=1)
def _pattern() -> re.Pattern:
    words = {word for pair in _lists()["gendered"] for word in pair} | {"her", "him", "his"}
    return re.compile(either_of(dict.fromkeys(words)), re.IGNORECASE)
