"""Values that are probably one value written differently: OpenRefine's keying methods, and nearest neighbours.

The methods follow OpenRefine's documentation, "Clustering methods in-depth": each of the first three gives every value
a key, and equal keys make a cluster; the last compares values with each other. They find candidates. Whether "Cairo"
and "Karo" are one is for a person to say, so what is automatic (`merge_labels`) uses the strictest by default.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from tailor.errors import WorkbenchError, did_you_mean

Method = Literal["fingerprint", "n-gram fingerprint", "phonetic", "edit distance"]
METHODS: dict[Method, str] = {
    "fingerprint": "the same words in any order, whatever the case, accents and marks: 'Card-lost ', 'lost card'",
    "n-gram fingerprint": "the same pairs of letters, whatever the blanks: 'chargeback' and 'charge back'",
    "phonetic": "the same sound in English: 'cheque' and 'check'",
    "edit distance": "few letters apart: 'transfer' and 'trasnfer'",
}
"""From the strictest to the loosest, each with what it brings together."""


@dataclass(frozen=True)
class Cluster:
    """Values that may be one.

    Attributes:
        key: what they share (for edit distance: the value in the middle).
        values: each value with its number of rows, the most frequent first (equals in alphabetical order).
    """

    key: str
    values: tuple[tuple[str, int], ...]

    @property
    def best(self) -> str:
        """The most frequent spelling, without blanks around it."""
        return self.values[0][0].strip()

    @property
    def rows(self) -> int:
        return sum(count for _, count in self.values)


def cluster(
    values: Mapping[str, int], method: Method = "fingerprint", size: int = 2, edits: int = 1
) -> list[Cluster]:
    """Group values that may be spellings of one; values alone in their group are left out.

    Args:
        values: each distinct value with the number of its rows.
        size: letters in an n-gram (n-gram fingerprint only). 1 also joins anagrams.
        edits: the most letters inserted, left out, changed or swapped with their neighbour (edit distance only). No
            value is written as one further away than this.

    Values with other figures ("card 1" and "card 2", "-1" and "1") are never spellings of one; nor are, with the first
    three methods, values that a word such as "to" gives a direction ("US to UK" and "UK to US").

    Returns:
        The clusters with most rows first.

    Raises:
        WorkbenchError: an unknown method.
    """
    if method not in get_args(Method):
        raise WorkbenchError(
            f"there is no clustering method '{method}'",
            f"one of: {', '.join(METHODS)}",
            f"correct the name.{did_you_mean(method, METHODS)}",
        )
    ordered = sorted((value for value in values if value.strip()), key=lambda value: (-values[value], value))
    groups = _around_frequent(ordered, edits) if method == "edit distance" else _by_key(ordered, method, size)
    found = [
        Cluster(key, tuple((value, values[value]) for value in group))
        for key, group in groups
        if key and len(group) > 1
    ]
    return sorted(found, key=lambda item: (-item.rows, item.best))


def _by_key(ordered: list[str], method: Method, size: int) -> list[tuple[str, list[str]]]:
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for value in ordered:
        if method == "fingerprint":
            key = fingerprint(value)
        else:
            key = ngram_fingerprint(value, size) if method == "n-gram fingerprint" else phonetic_key(value)
        groups[key, _beyond_spelling(value)].append(value)
    return [(key, group) for (key, _), group in groups.items()]


_FIGURE = re.compile(r"(?:(?:(?<!\w)-|[<>=≤≥≠$€£¥]+)\s*)?\d+(?:[.,:/-]\d+)*(?:\s*[%€])?")
_GRADE = re.compile(r"\w{1,2}-")
_DIRECTIONS = (
    "to from into not no before after over under than vs versus without against by nach von zu aus nicht ohne vor "
    "gegen de vers sans avant apres para sin desde contra da per senza"
)


def _figures(value: str) -> list[str]:
    """The numbers in a value with their signs: -1, <5, 1-0, 5%."""
    plain = unicodedata.normalize("NFKC", value).replace("−", "-")
    return ["".join(found.split()) for found in _FIGURE.findall(plain)]


def _beyond_spelling(value: str) -> str:
    """What makes two values different things though their words are the same: figures with their signs, the minus of a
    grade (A-), and the order of words where one of them tells a direction (US to UK)."""
    words = _plain_words(value)
    order = words if not set(words).isdisjoint(_DIRECTIONS.split()) else []
    return "\0".join([*_figures(value), "-" * bool(_GRADE.fullmatch(value.strip())), *order])


def _plain_words(value: str) -> list[str]:
    """Lower case, plain letters, in words. Hyphens and underscores part words, and `C++` keeps its plus signs."""
    plain = unicodedata.normalize("NFKD", value).encode("ascii", "ignore").decode()
    # letters without a plain form (日本) are kept as they are
    kept = plain if re.search(r"\w", plain) else unicodedata.normalize("NFKC", value)
    return re.sub(r"[^\w+#]+|_", " ", kept.lower()).split()


def fingerprint(value: str) -> str:
    """OpenRefine's key: lower case, plain letters, words sorted and made unique ("Card-lost_ " and "lost card").

    Unlike there, hyphens and underscores part words, since labels are often written with them.
    """
    return " ".join(sorted(set(_plain_words(value))))


def ngram_fingerprint(value: str, size: int = 2) -> str:
    """OpenRefine's key of letters alone: every stretch of `size` letters, sorted and made unique."""
    letters = "".join(_plain_words(value))
    if len(letters) <= size:
        return letters
    return "".join(sorted({letters[start : start + size] for start in range(len(letters) - size + 1)}))


def phonetic_key(value: str) -> str:
    """The Metaphone code of each word (Philips 1990), which tells how English says it. Numbers stay as they are."""
    import jellyfish

    def sound(word: str) -> str:
        return jellyfish.metaphone(word) if word.isascii() and word.isalpha() else ""

    return " ".join(sound(word) or word for word in _plain_words(value))


def _around_frequent(ordered: list[str], edits: int) -> list[tuple[str, list[str]]]:
    """Each value joins the most frequent one in its reach. No chains: 'bat' does not become 'cot' by way of 'cat'."""
    neighbours: dict[str, list[str]] = defaultdict(list)
    for one, other in _near_pairs(ordered, edits):
        neighbours[one].append(other)
        neighbours[other].append(one)
    rank = {value: place for place, value in enumerate(ordered)}
    groups: dict[str, list[str]] = {}
    taken: set[str] = set()
    for middle in ordered:
        if middle in taken:
            continue
        near = sorted((value for value in neighbours[middle] if value not in taken), key=rank.__getitem__)
        groups[middle] = [middle, *near]
        taken.update(groups[middle])
    return list(groups.items())


def _near_pairs(values: list[str], edits: int) -> Iterator[tuple[str, str]]:
    """Every pair at most `edits` apart, without comparing all with all.

    Cut into `edits + 1` pieces, of two values that near at least one piece of the shorter is found unharmed in the
    longer, moved by at most `edits` places (Li, Deng, Wang, Feng 2011, "Pass-Join", VLDB). A swap of neighbours
    touches two letters and so counts as two edits in that argument.
    """
    from rapidfuzz.distance import OSA

    pieces, reach = 2 * edits + 1, 2 * edits
    index: dict[tuple[int, int, str], list[int]] = defaultdict(list)
    plain = sorted(
        ((" ".join(value.lower().split()), value) for value in values), key=lambda pair: len(pair[0])
    )
    for place, (text, value) in enumerate(plain):
        near: set[int] = set()
        for length in range(max(len(text) - edits, 0), len(text) + 1):
            for number, (start, end) in enumerate(_cuts(length, pieces)):
                for moved in range(max(start - reach, 0), start + reach + 1):
                    near.update(index.get((length, number, text[moved : moved + end - start]), ()))
        figures = _figures(text)
        for other in sorted(near):
            close = OSA.distance(text, plain[other][0], score_cutoff=edits) <= edits
            # a text as short as the edits allowed is near everything
            if close and len(text) > 3 * edits and figures == _figures(plain[other][0]):
                yield value, plain[other][1]
        for number, (start, end) in enumerate(_cuts(len(text), pieces)):
            index[len(text), number, text[start:end]].append(place)


def _cuts(length: int, pieces: int) -> list[tuple[int, int]]:
    """Where pieces of nearly equal length begin and end."""
    return [(length * n // pieces, length * (n + 1) // pieces) for n in range(pieces)]
