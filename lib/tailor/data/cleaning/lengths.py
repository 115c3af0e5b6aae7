"""Texts that are too short or too long, or that repeat themselves."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import polars as pl

from tailor.blocks import Block, Table
from tailor.data.cleaning.operation import Columns, Operation, Outcome, drop
from tailor.settings import setting

_GOPHER = "Rae et al. 2021, arXiv:2112.11446, table A1"
_WORD = re.compile(r"\w+")
_MASKED = re.compile(r"\[[A-Z_]+(?: \d+)?\]|\b[xX]{2,}\b")
"""What stands where something was taken out says nothing twice."""


class DropByLength(Operation):
    """Drop rows with a text shorter or longer than wanted. (`drop_long` drops what no person would write.)"""

    name = "drop_by_length"
    title = "Drop texts by their length"
    relax = "lower the least and raise the most lengths of drop_by_length"

    min_characters: int = setting(1, "The fewest characters of a text.", unit="characters", ge=0)
    min_words: int = setting(
        0, "The fewest words of a text; short questions are often real ones.", unit="words", ge=0
    )
    max_words: int = setting(0, "The most words of a text; 0 for no limit.", unit="words", ge=0)

    def apply(self, frame: pl.DataFrame, columns: Columns, decision: Any = None) -> Outcome:
        reasons: dict[str, str] = {}
        for name in self.chosen(columns):
            measured = _measure(frame, name)
            for row_id, characters, words in measured.rows():
                why = self._why(characters, words)
                if why:
                    reasons.setdefault(row_id, f"'{name}' has {why}")
        return drop(frame, reasons)

    def _why(self, characters: int, words: int) -> str:
        if characters < self.min_characters:
            return f"{characters:,} characters, fewer than {self.min_characters:,}"
        if words < self.min_words:
            return f"{words:,} words, fewer than {self.min_words:,}"
        return f"{words:,} words, more than {self.max_words:,}" if 0 < self.max_words < words else ""

    def preview(self, frame: pl.DataFrame, columns: Columns) -> list[Block]:
        rows = []
        for name in self.chosen(columns):
            words = _measure(frame, name)["words"]
            if len(words):
                rows.append((name, *(int(words.quantile(q)) for q in (0, 0.01, 0.05, 0.5, 0.95, 0.99, 1))))
        head = ("column", "fewest", "1%", "5%", "half", "95%", "99%", "most")
        return [Table(head, rows, "Words a text: this share of the texts has at most so many")]


def _measure(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    """row_id, characters and words of the texts that are there."""
    text = pl.col(name).str.strip_chars()
    return frame.filter(pl.col(name).is_not_null()).select(
        "row_id", characters=text.str.len_chars(), words=text.str.count_matches(r"\S+")
    )


class DropRepetitive(Operation):
    """Drop texts that say the same over and over: a stuck key, a mail pasted ten times, a page's menu."""

    name = "drop_repetitive"
    title = "Drop texts that repeat themselves"
    relax = "raise the shares of drop_repetitive, or its min_words"

    repeated_lines: float = setting(
        0.3, "The most lines that were there before.", unit="share of lines", source=_GOPHER, gt=0, le=1
    )
    top_ngram: float = setting(
        0.2,
        "The most characters that the commonest pair of words takes up (three words: nine tenths of that; four: "
        "eight tenths).",
        unit="share of characters",
        source=_GOPHER,
        gt=0,
        le=1,
    )
    repeated_ngrams: float = setting(
        0.15,
        "The most characters in runs of five words that occur more than once (one hundredth less for each word more, "
        "up to ten).",
        unit="share of characters",
        source=_GOPHER,
        gt=0,
        le=1,
    )
    min_words: int = setting(
        50,
        "Shorter texts are left alone: in ten words one pair that occurs twice is no sign of anything.",
        unit="words",
        source="the same paper drops documents below 50 words altogether",
        ge=1,
    )

    def apply(self, frame: pl.DataFrame, columns: Columns, decision: Any = None) -> Outcome:
        reasons: dict[str, str] = {}
        for name in self.chosen(columns):
            long = frame.filter(pl.col(name).str.count_matches(r"\w+") >= self.min_words)
            for row_id, text in long.select("row_id", name).rows():
                if why := self._why(text):
                    reasons.setdefault(row_id, f"'{name}' {why}")
        return drop(frame, reasons)

    def preview(self, frame: pl.DataFrame, columns: Columns) -> list[Block]:
        shown: list[Block] = []
        for name in self.chosen(columns):
            texts = frame[name].filter(frame[name].str.count_matches(r"\w+") >= self.min_words)
            if len(texts):
                words = [_words(text) for text in texts]
                measured = {
                    "repeated lines": [repeated_lines(text) for text in texts],
                    "commonest pair": [top_ngram(found, 2) for found in words],
                    "runs of five again": [repeated_ngrams(found, 5) for found in words],
                }
                rows = [
                    (what, *(f"{pl.Series(shares).quantile(q):.0%}" for q in (0.5, 0.95, 0.99, 1)))
                    for what, shares in measured.items()
                ]
                caption = f"Shares in the {len(texts):,} texts of '{name}' that are long enough"
                shown.append(Table(("share", "half", "95%", "99%", "most"), rows, caption))
        return shown

    def _why(self, text: str) -> str:
        if (share := repeated_lines(text)) > self.repeated_lines:
            return f"repeats {share:.0%} of its lines"
        words = _words(text)
        for size, part in ((2, 1.0), (3, 0.9), (4, 0.8)):
            if (share := top_ngram(words, size)) > part * self.top_ngram:
                return f"has {share:.0%} of its letters in one run of {size} words"
        for size in range(5, 11):
            if (share := repeated_ngrams(words, size)) > self.repeated_ngrams - 0.01 * (size - 5):
                return f"has {share:.0%} of its letters in runs of {size} words that occur more than once"
        return ""


def _words(text: str) -> list[str]:
    return _WORD.findall(_MASKED.sub(" ", text).lower())


def repeated_lines(text: str) -> float:
    """Share of the lines (empty ones aside) that stood there before."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return 1 - len(set(lines)) / len(lines) if lines else 0.0


def top_ngram(words: Sequence[str], size: int) -> float:
    """Share of the letters that the run of `size` words with most letters in all its occurrences takes up.

    Runs that occur once do not count; occurrences that overlap are counted once.
    """
    places = _places(words, size)
    total = sum(map(len, words))
    return max(
        (_covered(words, found, size) for found in places.values() if len(found) > 1), default=0
    ) / max(total, 1)


def repeated_ngrams(words: Sequence[str], size: int) -> float:
    """Share of the letters that lie in a run of `size` words which occurs more than once."""
    again = sorted(place for found in _places(words, size).values() if len(found) > 1 for place in found)
    return _covered(words, again, size) / max(sum(map(len, words)), 1)


def _places(words: Sequence[str], size: int) -> dict[tuple[str, ...], list[int]]:
    runs: dict[tuple[str, ...], list[int]] = {}
    for place in range(len(words) - size + 1):
        runs.setdefault(tuple(words[place : place + size]), []).append(place)
    return runs


def _covered(words: Sequence[str], places: Sequence[int], size: int) -> int:
    """Letters of the words that runs starting at these places (ascending) cover."""
    ends = [*places, len(words)]
    return sum(len(word) for here, after in pairwise(ends) for word in words[here : min(here + size, after)])
