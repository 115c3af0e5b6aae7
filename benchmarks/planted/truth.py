"""What a generator writes down about each row, and values that carry checksums. Shares no code with the detectors."""

import random
import string
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import polars as pl


@dataclass
class Planted:
    """One row and its truth.

    Attributes:
        text: as the tools see it.
        kind: "plain", "exact", "near", "far", "damaged", "markup", "foreign", "short".
        sound: the text without its damage or markup.
        cluster: rows of one number say the same; -1 for none.
        similarity: to the first of the cluster, by words and word pairs.
        secrets: (kind, value) of personal data in the text.
    """

    text: str
    kind: str = "plain"
    sound: str = ""
    cluster: int = -1
    similarity: float = 0.0
    secrets: list[tuple[str, str]] = field(default_factory=list)


def table_of(rows: Sequence[Planted]) -> pl.DataFrame:
    """row_id, source, message, and the truth in columns that begin with an underscore."""
    return pl.DataFrame(
        {
            "row_id": [f"tickets.jsonl:{line}" for line in range(1, len(rows) + 1)],
            "source": ["tickets.jsonl"] * len(rows),
            "message": [row.text for row in rows],
            "_kind": [row.kind for row in rows],
            "_sound": [row.sound or row.text for row in rows],
            "_cluster": [row.cluster for row in rows],
            "_similarity": [row.similarity for row in rows],
            "_secrets": [[value for _, value in row.secrets] for row in rows],
            "_checked": [[value for kind, value in row.secrets if kind in ("iban", "card")] for row in rows],
        },
        schema_overrides={"_secrets": pl.List(pl.String), "_checked": pl.List(pl.String)},
    )


def listed(words: str) -> list[str]:
    return words.split("|")


def overlap(a: str, b: str) -> float:
    """Jaccard similarity of the lower-case words and neighbouring pairs of two texts."""

    def parts(text: str) -> set:
        bare = "".join(c if c.isalnum() or c == "_" else " " for c in text.lower()).split()
        return set(bare) | set(pairwise(bare))

    x, y = parts(a), parts(b)
    return len(x & y) / len(x | y)


def card_number(rng: random.Random) -> str:
    """Sixteen digits whose last makes the sum of every second digit doubled a multiple of ten."""
    digits = [4, *(rng.randrange(10) for _ in range(14))]
    doubled = [d if place % 2 else sum(divmod(2 * d, 10)) for place, d in enumerate(digits)]
    return "".join(map(str, [*digits, -sum(doubled) % 10]))


def wrong_card_number(rng: random.Random) -> str:
    """A number of the same look whose check digit is off by one to nine."""
    right = card_number(rng)
    return right[:-1] + str((int(right[-1]) + rng.randrange(1, 10)) % 10)


def iban(rng: random.Random) -> str:
    """A German, French or Dutch account number whose check digits are 98 minus the rest modulo 97."""
    country, length, letters = rng.choice([("DE", 18, 0), ("FR", 23, 0), ("NL", 10, 4)])
    account = "".join(rng.choice(string.ascii_uppercase) for _ in range(letters))
    account += "".join(str(rng.randrange(10)) for _ in range(length))
    number = "".join(str(int(c, 36)) for c in account + country + "00")
    return f"{country}{98 - int(number) % 97:02d}{account}"


def in_fours(value: str, mark: str = " ") -> str:
    return mark.join(value[place : place + 4] for place in range(0, len(value), 4))
