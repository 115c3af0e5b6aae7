"""How answers sound, in figures: sentence length, readability, the tone sheet's words, likeness to its examples.

The figures are the same wherever they are taken: of the data before tuning, of a model's answers in the evaluation, of
the answers given in use. They describe; only the house's own rules judge.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from tailor.records import Tone

if TYPE_CHECKING:
    from tailor.evaluation.metrics import Metric

TITLES = {
    "sentence_words": "words in a sentence",
    "reading_ease": "reading ease (Flesch; 60 to 70 is plain English, higher is easier)",
    "use_share": "share of answers with a word of the tone sheet's 'use'",
    "avoid_share": "share of answers with a word of the tone sheet's 'avoid'",
    "tone_distance": "distance to the tone sheet's examples (0: written like them, 1: nothing in common)",
}
_SENTENCE = re.compile(r"[^.!?]+(?:[.!?]+|$)")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


@dataclass(frozen=True)
class Style:
    """Measures texts against a tone sheet."""

    tone: Tone

    def measure(self, texts: Sequence[str]) -> "dict[str, Metric]":
        """Each figure as a metric over rows, so that intervals and paired differences come from the same code.

        Figures for which the tone sheet holds nothing are left out; so is every text without a word.
        """
        from tailor.evaluation.metrics import mean_metric

        texts = [text for text in texts if _WORD.search(text)]
        if not texts:
            return {}
        values = {
            "sentence_words": [mean_sentence_words(text) for text in texts],
            "reading_ease": [reading_ease(text) for text in texts],
        }
        for name, words in (("use_share", self.tone.use), ("avoid_share", self.tone.avoid)):
            if pattern := phrase_pattern(words):
                values[name] = [float(bool(pattern.search(text))) for text in texts]
        if self.tone.pairs:
            values["tone_distance"] = self.distances(texts).tolist()
        shares = ("use_share", "avoid_share")
        return {name: mean_metric(name, np.array(v), share=name in shares) for name, v in values.items()}

    def distances(self, texts: Sequence[str]) -> np.ndarray:
        """[n] 1 minus the cosine of each text and the middle of the tone's "after" examples, less that of "before".

        Groups of letters stand for style rather than for the subject (Stamatatos 2009, A Survey of Modern Authorship
        Attribution Methods, section 2.3). Measured against both sides of the pairs, since words of the subject stand in
        both: 0.5 is as near to one as to the other, below is nearer to "after".
        """
        after, before = (self._vectors.transform(side) for side in zip(*self._pairs, strict=True))
        rows = self._vectors.transform(texts)
        good, bad = (np.asarray((rows @ side.T).max(axis=1).todense()).ravel() for side in (after, before))
        return np.divide(bad, good + bad, out=np.full(len(texts), 0.5), where=good + bad > 0)

    @cached_property
    def _pairs(self) -> list[tuple[str, str]]:
        return [(pair.after, pair.before) for pair in self.tone.pairs]

    @cached_property
    def _vectors(self):
        from sklearn.feature_extraction.text import TfidfVectorizer

        vectors = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True)
        return vectors.fit([text for pair in self._pairs for text in pair])


def phrase_pattern(phrases: Sequence[str]) -> re.Pattern | None:
    """Finds any of the phrases as whole words, in any case."""
    words = sorted({phrase.strip() for phrase in phrases if phrase.strip()}, key=lambda p: (-len(p), p))
    if not words:
        return None
    either = "|".join(r"\s+".join(map(re.escape, word.split())) for word in words)
    return re.compile(rf"(?<!\w)(?:{either})(?!\w)", re.IGNORECASE)


def sentences(text: str) -> list[str]:
    return [s.strip() for s in _SENTENCE.findall(text) if _WORD.search(s)]


def mean_sentence_words(text: str) -> float:
    """Words divided by sentences."""
    return len(_WORD.findall(text)) / max(len(sentences(text)), 1)


def reading_ease(text: str) -> float:
    """Flesch reading ease (Flesch 1948), for English: 206.835 - 1.015 words a sentence - 84.6 syllables a word."""
    words = _WORD.findall(text)
    if not words:
        return 0.0
    syllables = sum(map(count_syllables, words))
    return 206.835 - 1.015 * mean_sentence_words(text) - 84.6 * syllables / len(words)


def count_syllables(word: str) -> int:
    """Groups of vowels, without a silent final e; a rule of thumb that is right for most English words."""
    plain = word.lower()
    groups = len(re.findall(r"[aeiouyäöü]+", plain))
    silent = plain.endswith("e") and not plain.endswith(("le", "ee")) and groups > 1
    return max(1, groups - silent)
