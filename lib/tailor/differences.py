"""What differs between two texts, word by word."""

import re
from difflib import SequenceMatcher
from typing import Literal

_PARTS = re.compile(r"\w+|\s+|[^\w\s]")
_MOST_PARTS = 2_000
"""Words and marks that are compared; the comparison takes quadratic time."""

Piece = tuple[str, Literal["same", "gone", "new"]]


def differences(before: str, after: str) -> tuple[list[Piece], list[Piece]]:
    """Both texts in pieces: what they share, what is only in the first (gone), only in the second (new).

    Texts of more than 2,000 words and marks together are each one piece.
    """
    old, new = _PARTS.findall(before), _PARTS.findall(after)
    if before == after:
        return [(before, "same")], [(after, "same")]
    if len(old) + len(new) > _MOST_PARTS:
        return [(before, "gone")], [(after, "new")]
    left: list[Piece] = []
    right: list[Piece] = []
    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        kinds = ("same", "same") if tag == "equal" else ("gone", "new")
        left += [("".join(old[a:b]), kinds[0])] if a < b else []
        right += [("".join(new[c:d]), kinds[1])] if c < d else []
    return left, right
