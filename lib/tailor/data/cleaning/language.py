"""Language: told by common words where that is enough, by a statistical model where not, and never for short text."""

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cache

import polars as pl

from tailor.data.cleaning.operation import Operation, Outcome, drop

_LETTERS = re.compile(r"[^\W\d_]+")
_PLACEHOLDER = re.compile(r"\[[A-Z]+(?: \d+)?\]")
MIN_WORDS = 6
"""Below this many words every detector errs too often (measured: 8 to 37% of three-word English is lost)."""

# Words shared with another of these languages (Polish "to", German "die", Spanish "me") are left out: they mislead.
_STOP_WORDS = {
    "en": "the and is are was were of that it for with have has my you this be not at your can but from they i to",
    "de": "der das und ist nicht ich sie mit ein eine den dem zu auf für wir von haben habe mein bitte auch wird",
    "fr": "le les et est je vous que pas une des dans pour sur avec mon ce nous ai sont votre été cette du",
    "es": "el los las y es en una por con para mi se lo ha como pero más esta está mis del qué",
    "it": "il e è che di per non si della sono ho gli mio nel alla questo anche dal delle",
    "nl": "het een en niet ik je op dat voor te zijn mijn heb maar ook aan er bij naar",
    "pt": "os e é em um uma com para não meu minha eu da ao mas foi você isso pelo",
    "pl": "w nie na się jest z że jak po mam moje czy przez od za dla był ale proszę",
}


@cache
def _languages_of_words() -> dict[str, list[str]]:
    languages = defaultdict(list)
    for code, words in _STOP_WORDS.items():
        for word in words.split():
            languages[word].append(code)
    return dict(languages)


@cache
def _identifier():
    import py3langid.langid as langid

    return langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)


def detect(text: str) -> str:
    """The language's two-letter code, or "" when undetermined: too short, or neither sign is clear."""
    words = _LETTERS.findall(_PLACEHOLDER.sub(" ", text).lower())
    if len(words) < MIN_WORDS:
        return ""
    known = _languages_of_words()
    counts = Counter(dict.fromkeys(_STOP_WORDS, 0))
    for word in words:
        for code in known.get(word, ()):
            counts[code] += 1
    (first, most), (_, second) = counts.most_common(2)
    if most >= 0.2 * len(words) and most >= 2 * second:
        return first
    code, probability = _identifier().classify(text)
    sure = probability > 0.9 and len(words) >= MIN_WORDS + 2 and counts.get(code, 0) == most
    return code if sure else ""


@dataclass(frozen=True)
class DropOtherLanguages(Operation):
    """Drop rows whose text is clearly in another language; undetermined rows stay."""

    name = "drop_other_languages"
    title = "Drop rows in another language"
    relax = "set 03_clean_data.language to the language you want, or to 'any' to keep all"

    columns: tuple[str, ...]
    wanted: str

    MAJORITY = 0.8

    def apply(self, frame: pl.DataFrame) -> Outcome:
        found: dict[str, dict[str, str]] = {}
        for column in self.columns:
            cells = frame[column].fill_null("")
            known = {text: detect(text) for text in cells.unique(maintain_order=True)}
            found[column] = dict(zip(frame["row_id"], (known[text] for text in cells), strict=True))
        counts = Counter(code for codes in found.values() for code in codes.values() if code)
        wanted, note = self._choose(counts)
        reasons: dict[str, str] = {}
        if wanted:
            for column, codes in found.items():
                for row_id, code in codes.items():
                    if code and code != wanted:
                        reasons.setdefault(row_id, f"'{column}' is in '{code}', not in '{wanted}'")
        return drop(frame, reasons, note)

    def _choose(self, counts: Counter) -> tuple[str, str]:
        if self.wanted != "most":
            return self.wanted, ""
        if not counts:
            return "", "no text is long enough to tell its language; nothing was dropped"
        code, count = counts.most_common(1)[0]
        share = count / counts.total()
        if share < self.MAJORITY:
            kinds = ", ".join(f"{c} {n / counts.total():.0%}" for c, n in counts.most_common(4))
            return "", f"no language holds {self.MAJORITY:.0%} of the texts ({kinds}); nothing was dropped"
        return code, f"the language of most texts is '{code}' ({share:.0%})"
