"""A small text grammar: ``<a|b>`` is a choice, ``{slot}`` a fact, ``a // b`` a list on one line.

Choices are resolved first, so a line can be refused when it names a fact that the customer never gave.
"""

import random
import re
from pathlib import Path

import yaml

DATA = Path(__file__).parent / "bank_data"
CHOICE = re.compile(r"<([^<>]*)>")
SLOT = re.compile(r"\{(\w+)\}")


def load(name: str):
    """Read one YAML file of the package."""
    return yaml.safe_load((DATA / f"{name}.yaml").read_text(encoding="utf-8"))


def stream(seed: int, *parts) -> random.Random:
    """A random stream of its own for one purpose, so a change in one place leaves the others as they were."""
    return random.Random(":".join(str(part) for part in (seed, *parts)))


def listed(value) -> list[str]:
    """Alternatives written as a YAML list or as ``a // b``."""
    if isinstance(value, str):
        return [item.strip() for item in value.split(" // ")]
    return list(value or [])


def choose(rng: random.Random, text: str) -> str:
    """Resolve the choices of a line, innermost first."""
    while (match := CHOICE.search(text)) is not None:
        picked = rng.choice(match.group(1).split("|"))
        text = text[: match.start()] + picked + text[match.end() :]
    return re.sub(r" +([.,?!]|$)", r"\1", re.sub(r"  +", " ", text)).strip()


def slots(text: str) -> set[str]:
    """Names of the facts a line uses."""
    return set(SLOT.findall(text))


def pick(rng: random.Random, lines, known: set[str] | None = None) -> str:
    """One line at random; with ``known`` only a line that uses no other fact ("" if there is none)."""
    lines = listed(lines)
    for _ in range(5):
        for line in rng.sample(lines, len(lines)):
            chosen = choose(rng, line)
            if known is None or slots(chosen) <= known:
                return chosen
    return ""


def fill(text: str, facts: dict[str, str]) -> str:
    """Put the facts into a line and mend the seams (``the a sofa``, a small letter after a full stop)."""
    text = SLOT.sub(lambda match: facts[match.group(1)], text)
    text = re.sub(r"\b(the|The|no|my) an? ", r"\1 ", text)
    text = re.sub(r"\.\.(?!\.)", ".", text)
    text = re.sub(r"\b(your|Your) (your|our|my) ", r"\1 ", text)
    return upper_first(text)


def upper_first(text: str) -> str:
    """Start every sentence with a capital letter, web addresses excepted."""
    if text[:1].islower() and "@" not in text.split(" ")[0]:
        text = text[0].upper() + text[1:]
    return re.sub(r"([a-z0-9\"][.?!] )([a-z])(?=[a-z]* )", lambda m: m.group(1) + m.group(2).upper(), text)
