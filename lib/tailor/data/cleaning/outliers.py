"""Outliers: texts of an unusual length, in unusual characters, or about something no other row is about."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from tailor.blocks import Block, Table
from tailor.data.cleaning.doubt import LearnedSuspicion, pooled
from tailor.data.cleaning.operation import Columns, Outcome
from tailor.settings import setting

_COMPARED = 4_000
"""Texts of the sample with which each text is compared."""
_BATCH = 1_000
_LEAST_SPREAD = 0.3
"""Texts that are all of one length do not make one of twice the length an outlier."""


@dataclass(frozen=True)
class Usual:
    """What is usual in a column.

    Attributes:
        middle, spread: of the logarithm of the length: median, and median distance from it times 1.4826.
        common: characters that stand in two texts and in one of a thousand at least.
        words, texts: what turns a text into TF-IDF weights, and the texts to compare with, [texts, words]; None where
            there are too few.
    """

    middle: float
    spread: float
    common: frozenset[str]
    words: Any = None
    texts: Any = None


class Outliers(LearnedSuspicion):
    """Find texts that are unlike all others."""

    name = "outliers"
    title = "Find outliers"
    relax = "set the action of outliers to 'mark', or make its limits wider"
    warning = "What is rare is not wrong: a new kind of request looks like an outlier, and is what a model most lacks."

    length: float = setting(
        5.0,
        "How far a text's length (its logarithm) may lie from the usual one.",
        unit="robust standard deviations",
        source="3.5 is customary for such scores (Iglewicz and Hoaglin 1993); texts have longer tails",
        gt=0,
    )
    rare_characters: float = setting(
        0.1,
        "The most characters of a text that may be ones which hardly any other text uses.",
        unit="share of characters",
        gt=0,
        le=1,
    )
    likeness: float = setting(
        0.03,
        "The least likeness (cosine of TF-IDF) to the most similar other text. 0 leaves this out; texts of fewer than "
        "five words are not judged.",
        unit="similarity",
        ge=0,
        lt=1,
    )

    def decide(self, surveys: Sequence[pl.DataFrame]) -> dict[str, Usual]:
        rows = pooled(surveys)
        return {
            name: _usual(rows[name].drop_nulls()) for name in rows.columns[1:] if rows[name].count() >= 20
        }

    def apply(self, frame: pl.DataFrame, columns: Columns, decision: dict[str, Usual]) -> Outcome:
        reasons: dict[str, str] = {}
        for name, usual in decision.items():
            there = frame.select("row_id", name).drop_nulls(name)
            ids, texts = there["row_id"].to_list(), there[name]
            far, odd, like = self._scores(texts, usual)
            for place in np.flatnonzero(
                (far > self.length) | (odd > self.rare_characters) | (like < self.likeness)
            ):
                if far[place] > self.length:
                    why = f"has {len(texts[int(place)]):,} characters, far from the usual {np.exp(usual.middle):,.0f}"
                elif odd[place] > self.rare_characters:
                    why = f"consists to {odd[place]:.0%} of characters that hardly any other text has"
                else:
                    why = f"is like no other text (likeness {like[place]:.2f})"
                reasons.setdefault(ids[place], f"'{name}' {why}")
        return self.settle(frame, reasons)

    def _scores(self, texts: pl.Series, usual: Usual) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        lengths = np.maximum(texts.str.len_chars().to_numpy(), 1)
        far = np.abs(np.log(lengths) - usual.middle) / usual.spread
        odd = np.array([sum(sign not in usual.common for sign in text) for text in texts]) / lengths
        return far, odd, _likeness(texts, usual) if self.likeness else np.ones(len(texts))

    def preview(self, frame: pl.DataFrame, columns: Columns) -> list[Block]:
        shown: list[Block] = []
        for name, usual in self.decide([self.survey(frame, columns)]).items():
            far, odd, like = self._scores(frame[name].drop_nulls(), usual)
            rows = [
                (
                    f"{q:.1%}",
                    *(f"{np.quantile(score, p):.2f}" for score, p in ((far, 1 - q), (odd, 1 - q), (like, q))),
                )
                for q in (0.001, 0.01, 0.05)
            ]
            head = ("most unusual", "length beyond", "rare characters beyond", "likeness below")
            shown.append(Table(head, rows, f"Where limits would cut off that share of '{name}'"))
        return shown


def _usual(texts: pl.Series) -> Usual:
    logs = np.log(np.maximum(texts.str.len_chars().to_numpy(), 1))
    middle = float(np.median(logs))
    spread = max(1.4826 * float(np.median(np.abs(logs - middle))), _LEAST_SPREAD)
    used = Counter(sign for text in texts for sign in set(text))
    common = frozenset(sign for sign, count in used.items() if count >= max(2, 0.001 * len(texts)))
    from sklearn.feature_extraction.text import TfidfVectorizer

    words = TfidfVectorizer(sublinear_tf=True, min_df=2, token_pattern=r"(?u)\b\w+\b")
    try:
        words.fit(texts.to_list())
    except ValueError:  # no word stands in two texts
        return Usual(middle, spread, common)
    return Usual(middle, spread, common, words, words.transform(texts.head(_COMPARED).to_list()))


def _likeness(texts: pl.Series, usual: Usual) -> np.ndarray:
    """[texts] cosine with the most similar other text of the sample; 1 for texts too short to judge."""
    nearest = np.ones(len(texts))
    if usual.words is None:
        return nearest
    long = np.flatnonzero((texts.str.count_matches(r"\w+") >= 5).to_numpy())
    for start in range(0, len(long), _BATCH):
        rows = long[start : start + _BATCH]
        cosines = (usual.words.transform(texts.gather(rows).to_list()) @ usual.texts.T).toarray()
        # a text of the sample meets itself; that a text has a copy does not make it usual
        cosines[cosines > 0.9999] = 0.0
        nearest[rows] = cosines.max(axis=1, initial=0.0)
    return nearest
