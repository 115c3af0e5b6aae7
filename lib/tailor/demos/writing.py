"""What the customers write: parts of a message in the order and the hand of one register."""

import random
import re

from tailor.demos.grammar import choose, fill, pick, slots

NON_NATIVE = [
    (r"\b[Pp]lease\b", "kindly"),
    (r"\binformation\b", "informations"),
    (r"\bdoesn't\b", "not"),
    (r"\bI have got\b", "I got"),
    (r"\bhas not\b", "did not"),
    (r"\bthe (?=[a-z])", ""),
    (r"\bDo I have to\b", "I must"),
    (r"\bsays\b", "say"),
    (r"\b[Hh]ow do I\b", "How I can"),
    (r"\bCan you\b", "You can"),
    (r"\bis (?=[a-z]+ed)", ""),
]


def typo(rng: random.Random, word: str) -> str:
    """One slip of the finger; words with digits or signs stay as they are."""
    if len(word) < 4 or not word.isalpha():
        return word.replace("'", "") if "'" in word else word
    at = rng.randrange(1, len(word) - 1)
    kind = rng.randrange(3)
    if kind == 0:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if kind == 1:
        return word[:at] + word[at + 1 :]
    return word[:at] + word[at] + word[at:]


def slips(rng: random.Random, text: str, rate: float) -> str:
    """Typing slips over a text."""
    return " ".join(typo(rng, word) if rng.random() < rate else word for word in text.split(" "))


def foreign_hand(rng: random.Random, text: str) -> str:
    """The English of somebody who learned it late: each habit is applied now and then, not always."""
    for pattern, put in NON_NATIVE:
        text = re.sub(pattern, lambda m, put=put: put if rng.random() < 0.5 else m.group(0), text)
    return text


def shout(rng: random.Random, text: str) -> str:
    """Anger in signs: doubled marks and one word in capitals."""
    if rng.random() < 0.5:
        text = re.sub(r"[.?]$", lambda m: rng.choice(["!", "!!", "?!" if m.group(0) == "?" else "!"]), text)
    words = text.split(" ")
    at = rng.randrange(len(words))
    if rng.random() < 0.25 and words[at].isalpha() and len(words[at]) > 3:
        words[at] = words[at].upper()
    return " ".join(words)


def styled(rng: random.Random, register: str, text: str) -> str:
    """One sentence group in the hand of a register."""
    if register == "typo":
        text = slips(rng, text, 0.13)
        return text.lower() if rng.random() < 0.4 else text
    if register == "nonnative":
        return foreign_hand(rng, text)
    if register == "angry":
        return shout(rng, text)
    if register == "terse" and rng.random() < 0.35:
        return text.lower()
    if rng.random() < 0.25:
        return slips(rng, text, 0.012)
    return text


def core(rng: random.Random, situation: dict, register: str) -> tuple[list[str], set[str]]:
    """The lines that carry the matter, and the flags that the details raise."""
    what, ask = pick(rng, situation["what"]), pick(rng, situation["ask"])
    count = {"terse": [0, 0, 1], "rambling": [1, 2, 2]}.get(register, [0, 1, 1, 1, 2])
    details, flags = [], set()
    for line in rng.sample(situation["detail"], min(rng.choice(count), len(situation["detail"]))):
        flag, arrow, text = line.partition(" => ")
        if arrow and flags:  # the same thing said twice, or two things that exclude each other
            continue
        flags |= {flag} if arrow else set()
        details.append(choose(rng, text if arrow else line))
    if register == "terse" and rng.random() < 0.3:
        return [what, *details], flags
    lines = [ask, what, *details] if rng.random() < 0.06 else [what, *details, ask]
    return lines, flags


def wrap(rng: random.Random, voice: dict, register: str, lines: list[str], extras: list[str]) -> list[str]:
    """Opener, matter, mood and extra sentences in one order of several."""
    habits = voice["registers"][register]
    opener, mood = pick(rng, habits["open"]), pick(rng, habits["mood"])
    if register == "rambling":  # the story wanders off before it comes back to the matter
        lines = [lines[0], pick(rng, habits["mood"]), *lines[1:]]
    if register in ("angry", "rambling") and rng.random() < 0.3:
        opener, mood = mood, opener
    body = [opener, *lines, mood] if rng.random() < 0.7 else [opener, *lines[:-1], mood, lines[-1]]
    body += extras
    return list(dict.fromkeys(line for line in body if line))


def message(
    rng, voice: dict, person, lines: list[str], facts: dict, extras: list[str], mail: bool
) -> tuple[str, str, set]:
    """The message, its skeleton (slots still open, no slips) and the slots it uses."""
    habits = voice["registers"][person.register]
    body = wrap(rng, voice, person.register, lines, extras)
    greet, close = pick(rng, habits["greet"]), pick(rng, habits["close"])
    named = rng.random() < {"terse": 0.08, "angry": 0.3, "typo": 0.2}.get(person.register, 0.55)
    name = rng.choice(["{first} {last}", "{first} {last}", "{first}"]) if named else ""
    skeleton = "\n".join([greet, *body, close, name])
    text = [styled(rng, person.register, fill(line, facts)) for line in body]
    top, tail = fill(greet, facts), [fill(part, facts) for part in (close, name) if part]
    if mail:
        return (
            "\n\n".join(part for part in (top, " ".join(text), "\n".join(tail)) if part),
            skeleton,
            slots(skeleton),
        )
    ending = (" " if tail and tail[0].endswith(".") else rng.choice([", ", " "])).join(tail)
    return " ".join(part for part in (top, " ".join(text), ending) if part), skeleton, slots(skeleton)
