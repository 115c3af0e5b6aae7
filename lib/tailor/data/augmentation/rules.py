"""Rewording by rule: the input said a little differently, with the same answer. No model is needed.

Each rule takes a text and a seeded random number generator and returns the new text; the same text, or None, where it
finds nothing to change. What a rule must not touch (placeholders, addresses, links, anything with a digit) is left as
it stands. Published studies find that such changes help most where rows are few (Wei and Zou 2019, EDA), and often not
at all.
"""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from tailor.records import Term

Rule = Callable[[str, random.Random], str | None]

_FIXED = re.compile(r"\[[A-Z][A-Z_]*\]|\S*[@/\\<>{}]\S*|\S*\d\S*")
"""Placeholders, addresses, links, markup and whatever holds a digit."""
_KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_GREETINGS = ("Hello, ", "Hi, ", "Hi there, ", "Good morning, ", "Good afternoon, ", "Dear team, ")
_REQUESTS = ("", "", "I have a question. ", "Could you help me? ", "Quick question: ")
_CLOSINGS = (
    " Thanks.",
    " Thank you.",
    " Thanks in advance.",
    " Please help.",
    " Many thanks for your help.",
    "",
)
_GREETED = re.compile(
    r"\s*(hi|hello|hey|dear|good (morning|day|afternoon|evening)|greetings)\b", re.IGNORECASE
)
_CLOSED = re.compile(
    r"(\b(thanks|thank you|thx|regards|wishes|greetings?|cheers|please help)\b[^.!?]*[.!?]?|\])\s*$",
    re.IGNORECASE,
)
"""Thanks or regards in the last sentence, or a placeholder where a name stood."""
_CONTRACTIONS = {
    "do not": "don't", "does not": "doesn't", "did not": "didn't", "cannot": "can't", "can not": "can't",
    "could not": "couldn't", "would not": "wouldn't", "should not": "shouldn't", "will not": "won't",
    "is not": "isn't", "are not": "aren't", "was not": "wasn't", "were not": "weren't", "have not": "haven't",
    "has not": "hasn't", "had not": "hadn't", "I am": "I'm", "I have": "I've", "I will": "I'll",
    "you are": "you're", "you have": "you've", "we are": "we're", "we have": "we've", "they are": "they're",
    "they have": "they've", "it is": "it's", "that is": "that's", "what is": "what's", "there is": "there's",
}  # fmt: skip


def typo(text: str, draw: random.Random) -> str | None:
    """Slips of the finger: a neighbouring key, a letter lost, doubled or swapped; one in about ten longer words."""
    words = [span for span in _free_words(text) if span[1] - span[0] >= 4]
    if not words:
        return None
    places = draw.sample(words, max(1, len(words) // 10))
    for start, end in sorted(places, reverse=True):  # from the end, so that earlier places stay right
        text = text[:start] + _slip(text[start:end], draw) + text[end:]
    return text


def _slip(word: str, draw: random.Random) -> str:
    at = draw.randrange(1, len(word) - 1)  # the first letter is seldom wrong
    kind = draw.choice(("neighbour", "lost", "doubled", "swapped"))
    if kind == "lost":
        return word[:at] + word[at + 1 :]
    if kind == "doubled":
        return word[:at] + word[at] + word[at:]
    if kind == "swapped":
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word[:at] + draw.choice(_neighbours(word[at])) + word[at + 1 :]


def _neighbours(letter: str) -> str:
    """Keys beside a letter on a QWERTY keyboard; the letter itself where it has no key."""
    for row in _KEYBOARD:
        if (place := row.find(letter.lower())) >= 0:
            beside = row[max(0, place - 1) : place] + row[place + 1 : place + 2]
            return beside.upper() if letter.isupper() else beside
    return letter


def casing(text: str, draw: random.Random) -> str | None:
    """As people type in a hurry: no capitals, perhaps no final stop; or, rarely, all capitals."""
    if draw.random() < 0.15:
        return _outside_fixed(text, str.upper)
    lower = _outside_fixed(text, str.lower)
    return lower.rstrip(".!") if draw.random() < 0.5 else lower


def contraction(text: str, draw: random.Random) -> str | None:
    """ "do not" as "don't", or the reverse where the text has contractions already."""
    short = {brief: full for full, brief in _CONTRACTIONS.items() if full != "can not"}
    table = short if re.search(either_of(short), text, re.IGNORECASE) else _CONTRACTIONS
    return re.sub(
        either_of(table),
        lambda m: as_written_in(m.group(), _lookup(table, m.group())),
        text,
        flags=re.IGNORECASE,
    )


def template(text: str, draw: random.Random) -> str | None:
    """A greeting before and thanks after, where the text has none."""
    body = text.strip()
    opening = "" if _GREETED.match(body) else draw.choice(_GREETINGS) + draw.choice(_REQUESTS)
    closing = "" if _CLOSED.search(body) else draw.choice(_CLOSINGS)
    if opening and body[:1].isupper() and body[1:2].islower() and opening.endswith(", "):
        body = body[0].lower() + body[1:]
    if closing and body[-1:].isalnum():
        body += "."
    return opening + body + closing


class Synonyms:
    """Up to three words replaced by others of the same meaning: the glossary's variants and a list that ships."""

    def __init__(self, glossary: Sequence[Term] = ()) -> None:
        self.others = {**_shipped(), **_from_glossary(glossary)}
        self.pattern = re.compile(either_of(self.others), re.IGNORECASE)

    def __call__(self, text: str, draw: random.Random) -> str | None:
        fixed = [match.span() for match in _FIXED.finditer(text)]
        found = [m for m in self.pattern.finditer(text) if not _touches(m.span(), fixed)]
        if not found:
            return None
        chosen = draw.sample(found, min(len(found), draw.randint(1, 3)))
        for match in sorted(chosen, key=lambda m: -m.start()):
            other = draw.choice(_lookup(self.others, match.group()))
            text = text[: match.start()] + as_written_in(match.group(), other) + text[match.end() :]
        return text


@lru_cache(maxsize=1)
def _shipped() -> dict[str, list[str]]:
    import yaml

    groups = yaml.safe_load((Path(__file__).parent / "synonyms.yaml").read_text(encoding="utf-8"))
    others: dict[str, list[str]] = {}
    for group in groups:
        for word in group:
            others.setdefault(word, []).extend(w for w in group if w != word)
    return others


def _from_glossary(glossary: Sequence[Term]) -> dict[str, list[str]]:
    """Terms and their variants for each other; long variants and those with brackets are explanations, not words."""
    others: dict[str, list[str]] = {}
    for term in glossary:
        group = [term.term, *(v for v in term.variants if len(v.split()) <= 3 and "(" not in v)]
        for word in group if len(group) > 1 else ():
            others.setdefault(word, []).extend(w for w in group if w != word)
    return others


def find_rules(glossary: Sequence[Term] = ()) -> dict[str, Rule]:
    """Every rule by the name that settings and the rows' source use."""
    from tailor.data.augmentation.counterfactual import counterfactual

    return {
        "synonym": Synonyms(glossary),
        "typo": typo,
        "casing": casing,
        "contraction": contraction,
        "template": template,
        "counterfactual": counterfactual,
    }


def kept_facts(text: str) -> list[str]:
    """What a reworded text must still hold: its placeholders, addresses and numbers, in any order."""
    return sorted(piece.strip(".,;:!?()\"'").lower() for piece in _FIXED.findall(text))


# --- letters and places ----------------------------------------------------------------------------------------------
def _free_words(text: str) -> list[tuple[int, int]]:
    fixed = [match.span() for match in _FIXED.finditer(text)]
    spans = [match.span() for match in re.finditer(r"[^\W\d_]+", text)]
    return [span for span in spans if not _touches(span, fixed)]


def _touches(span: tuple[int, int], others: Sequence[tuple[int, int]]) -> bool:
    return any(span[0] < end and span[1] > start for start, end in others)


def _outside_fixed(text: str, change: Callable[[str], str]) -> str:
    pieces, last = [], 0
    for match in _FIXED.finditer(text):
        pieces += [change(text[last : match.start()]), match.group()]
        last = match.end()
    return "".join([*pieces, change(text[last:])])


def either_of(words: Mapping[str, object]) -> str:
    """A pattern for any of the words, the longest first, not inside another word."""
    ordered = sorted(words, key=lambda word: (-len(word), word))
    return rf"(?<![\w'])(?:{'|'.join(re.escape(word) for word in ordered)})(?![\w'])"


def _lookup(table: Mapping[str, object], found: str):
    return table.get(found) or next(value for word, value in table.items() if word.lower() == found.lower())


def as_written_in(old: str, new: str) -> str:
    """`new` with a capital first letter where `old` has one."""
    return new[:1].upper() + new[1:] if old[:1].isupper() else new
