"""Corrupt rows: bytes in the place of words, cells moved by one column, texts cut in the middle."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl

from tailor.data.cleaning.doubt import LearnedSuspicion, Suspicion, pooled
from tailor.data.cleaning.operation import Columns, Outcome
from tailor.data.cleaning.sieves import is_empty
from tailor.settings import setting

_UNREADABLE = "\ufffd|ï¿½"
_CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f]"
_MAGIC = {
    "a PDF file": r"^%PDF-\d",
    "a packed file": r"^PK[\x03\x05]",
    "a picture": r"^(.PNG\r?\n|GIF8[79]a|....(JFIF|Exif))",
}
_UNCLOSED = (
    r"<(/[a-zA-Z][a-zA-Z0-9]*|(div|span|table|html|body|font|img|td|tr|li|ul|br)\b[^<>]*|"
    r"[a-zA-Z]+\s+[a-zA-Z-]+=[^<>]*)$"
)
_UNCLOSED_GATE = r"<[/a-zA-Z][^<>]{0,200}$"


class DropCorrupt(Suspicion):
    """Find rows whose text was lost: unreadable characters, control bytes, a file's bytes, JSON or markup cut short.

    Its place is before text is normalized, which takes control bytes away and so hides where they stood.
    """

    name = "drop_corrupt"
    title = "Find corrupt text"
    relax = "raise max_damage of drop_corrupt, or set its action to 'mark'"

    max_damage: float = setting(
        0.02,
        "The most characters of a text that may be unreadable or control bytes; one alone in a sentence can be read.",
        unit="share of characters",
        ge=0,
        le=1,
    )
    max_unbroken: int = setting(
        300,
        "More characters than this without a blank are a file's bytes, not words (Chinese, Japanese and Thai, which "
        "write no blanks, do not count).",
        unit="characters",
        ge=50,
    )

    def apply(self, frame: pl.DataFrame, columns: Columns, decision: Any = None) -> Outcome:
        reasons: dict[str, str] = {}
        for name in self.chosen(columns):
            for row_id, why in self._damaged(frame, name):
                reasons.setdefault(row_id, f"'{name}' {why}")
        return self.settle(frame, reasons)

    def _damaged(self, frame: pl.DataFrame, name: str) -> list[tuple[str, str]]:
        text = pl.col(name)
        length = pl.max_horizontal(text.str.len_chars(), 1)
        found: list[tuple[str, str]] = []
        for what, pattern in (("unreadable characters", _UNREADABLE), ("control bytes", _CONTROL)):
            counts = frame.select(
                "row_id",
                count=text.str.count_matches(pattern),
                share=text.str.count_matches(pattern) / length,
            )
            hits = counts.filter((pl.col("share") > self.max_damage) & (pl.col("count") > 1))
            found += [(row_id, f"has {count:,} {what} ({share:.0%})") for row_id, count, share in hits.rows()]
        for what, pattern in _MAGIC.items():
            found += [
                (row_id, f"holds the bytes of {what}")
                for row_id in frame.filter(text.str.contains(pattern))["row_id"]
            ]
        unbroken = frame.filter(text.str.contains(rf"[!-~]{{{min(self.max_unbroken + 1, 1000)},}}"))
        found += [
            (row_id, f"has over {self.max_unbroken:,} characters without a blank")
            for row_id in unbroken["row_id"]
        ]
        found += [
            (row_id, "ends within a tag: markup cut short")
            for row_id in frame.filter(text.str.contains(_UNCLOSED_GATE)).filter(
                text.str.contains(_UNCLOSED)
            )["row_id"]
        ]
        maybe = frame.filter(text.str.contains(r'^\s*(\{\s*"|\[\s*[\{\["])'))
        found += [
            (row_id, "holds JSON cut short")
            for row_id, cell in maybe.select("row_id", name).rows()
            if is_cut_json(cell)
        ]
        return found


def is_cut_json(text: str) -> bool:
    """Whether a text begins as JSON and ends before the JSON does. JSON that is wrong in its middle is not cut."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return error.pos >= len(text.rstrip()) - 1 or error.msg.startswith("Unterminated string")
    except RecursionError:
        return False
    return False


_KINDS = {
    1: r"^\s*(\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[./]\d{1,2}[./]\d{2,4}|\d{4}/\d{1,2}/\d{1,2})",
    2: r"^\s*[-+]?\d+([.,]\d+)*\s*%?\s*$",
    3: r"^\S+@\S+\.\S+$",
    4: r"^[A-Za-z]{1,12}[-_#]?\d[\dA-Fa-f-]*$",
    5: r"^\s*\S+(\s+\S+){6,}",
}
"""Cells by their look: a date, a number, an address, a code, running text. 0: something else; -1: empty."""


class DropShifted(Suspicion):
    """Find rows whose cells stand one column to the right or left of where they belong.

    That comes of a delimiter inside a cell, or of one that is missing. Told by columns that nearly always look one
    way (a date, a number, an address, a code, running text): in a shifted row their cells look like the neighbour's.
    """

    name = "drop_shifted"
    title = "Find rows shifted by one column"
    relax = "set the action of drop_shifted to 'mark'"
    scope = "table"
    acts_on = "names"

    ALIKE: ClassVar[float] = 0.8
    """The share of a column's cells that make its look."""

    def survey(self, frame: pl.DataFrame, columns: Columns) -> dict[str, Counter]:
        return {name: Counter(_looks(frame[name]).tolist()) for name in self.chosen(columns)}

    def decide(self, surveys: Sequence[dict[str, Counter]]) -> dict[str, int]:
        """Column -> the look of nearly all its cells, for those that have one."""
        found = {}
        for name in surveys[0]:
            counts = sum((survey[name] for survey in surveys), Counter())
            counts.pop(-1, None)
            if (
                counts
                and (best := counts.most_common(1)[0])[0] > 0
                and best[1] >= self.ALIKE * counts.total()
            ):
                found[name] = best[0]
        return found

    def apply(self, frame: pl.DataFrame, columns: Columns, decision: dict[str, int]) -> Outcome:
        names = list(self.chosen(columns))
        typed = [(place, decision[name]) for place, name in enumerate(names) if name in decision]
        if len(typed) < 2 or len({look for _, look in typed}) < 2:
            return self.settle(frame, {})
        # one column of nothing on either side, where a shifted row has lost a cell
        looks = np.stack(
            [np.full(frame.height, -1), *(_looks(frame[name]) for name in names), np.full(frame.height, -1)]
        )

        def fits(by: int) -> np.ndarray:
            return sum((looks[place + 1 + by] == look).astype(np.int64) for place, look in typed)

        here = fits(0)
        reasons: dict[str, str] = {}
        for by, side in ((1, "right"), (-1, "left")):
            moved = (fits(by) >= here + 2) & (2 * here <= len(typed)) & (fits(by) >= 0.6 * len(typed))
            for row_id in frame["row_id"].filter(pl.Series(moved)):
                reasons.setdefault(row_id, f"its cells stand one column to the {side} of where they belong")
        return self.settle(frame, reasons)


def _looks(cells: pl.Series) -> np.ndarray:
    """How each cell looks: [rows] with the numbers of _KINDS."""
    found = np.zeros(len(cells), dtype=np.int64)
    for look, pattern in _KINDS.items():
        found[(found == 0) & cells.str.contains(pattern).fill_null(False).to_numpy()] = look
    found[is_empty(cells).to_numpy()] = -1
    return found


@dataclass(frozen=True)
class Habits:
    """How the texts of a column end.

    Attributes:
        known: words that stand in several texts.
        beginnings: the beginnings of these, long enough to be a part of a word and not one of them.
        within: words that are frequent and hardly ever end a sentence.
    """

    known: frozenset[str]
    beginnings: frozenset[str]
    within: frozenset[str]


class DropCutOff(LearnedSuspicion):
    """Find texts that stop in the middle of a sentence, as an export does that keeps the first 100 characters.

    What a last word may be is learned from the column itself: a text that stops after "the" or "with", which its
    sentences never do, or in the middle of a word that others write to its end, was cut.
    """

    name = "drop_cut_off"
    title = "Find texts cut in the middle"
    relax = "set the action of drop_cut_off to 'mark'"

    COMMON: ClassVar[int] = 20
    RARELY_LAST: ClassVar[float] = 0.01

    def decide(self, surveys: Sequence[pl.DataFrame]) -> dict[str, Habits]:
        rows = pooled(surveys)
        return {name: self._habits(rows[name].drop_nulls()) for name in rows.columns if name != "row_id"}

    def _habits(self, texts: pl.Series) -> Habits:
        words = texts.str.to_lowercase().str.extract_all(r"[\p{L}']+")
        per_text = Counter(word for found in words.list.unique() for word in found)
        total = Counter(word for found in words for word in found)
        ends = texts.str.to_lowercase().str.extract_all(r"[\p{L}']+[\s\"')]*(?:[.!?:;,]|\n|$)")
        last = Counter(word.rstrip(" \n\t.!?:;,\"')") for found in ends for word in found)
        known = frozenset(word for word, count in per_text.items() if count >= 3)
        starts = {word[:size] for word in known for size in range(1, len(word))}
        within = {w for w, n in total.items() if n >= self.COMMON and last[w] <= max(self.RARELY_LAST * n, 1)}
        return Habits(known, frozenset(starts - known), frozenset(within))

    def apply(self, frame: pl.DataFrame, columns: Columns, decision: dict[str, Habits]) -> Outcome:
        reasons: dict[str, str] = {}
        for name, habits in decision.items():
            # no end mark, or the dots with which programs mark a cut
            open_end = frame[name].str.contains(r"(\p{L}|\p{L}[ ,]?(\.\.\.|…))\s*$").fill_null(False)
            for row_id, text in frame.filter(open_end).select("row_id", name).rows():
                if word := cut_word(text, habits):
                    reasons.setdefault(row_id, f"'{name}' stops in the middle, at '{word}'")
        return self.settle(frame, reasons)


def cut_word(text: str, habits: Habits) -> str:
    """The last word, where it shows that a text was cut; "" where the text may well end so."""
    bare = text.rstrip()
    dotted = bare.endswith(("...", "…"))
    last = bare.rstrip(".… ,").rsplit(maxsplit=1)[-1:]
    word = last[0].strip("\"'(") if last else ""
    plain = word.lower()
    if plain in habits.within or (plain in habits.beginnings and word.islower()):
        return word
    if len(word) == 1 and word.isascii() and word.isalpha() and (dotted or (word.islower() and word != "x")):
        return word  # "thanks x" is a kiss
    return ""
