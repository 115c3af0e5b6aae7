"""Language: told by common words where that is enough, by a statistical model where not, and never for short text."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import cache
from typing import ClassVar, Literal

import polars as pl

from tailor.data.cleaning.operation import Columns, Operation, Outcome, drop
from tailor.settings import setting

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


Language = Literal["most", "en", "de", "fr", "es", "it", "nl", "pt", "pl"]


class DropOtherLanguages(Operation):
    """Drop rows whose text is clearly in another language; undetermined rows stay."""

    name = "drop_other_languages"
    title = "Drop rows in another language"
    relax = (
        "set 03_clean_data.operations.drop_other_languages.language to the language you want, or .off to true"
    )
    scope = "table"

    MAJORITY: ClassVar[float] = 0.8

    language: Language = setting(
        "most",
        "Drop rows whose text is clearly in another language. 'most' keeps the language of most rows, if at least "
        "80% share it. Short texts are never dropped.",
    )

    def survey(self, frame: pl.DataFrame, columns: Columns) -> pl.DataFrame:
        """The language of every cell that is long enough to tell: row_id, column, code."""
        found = []
        for column in self.chosen(columns):
            cells = frame[column].fill_null("")
            known = {text: detect(text) for text in cells.unique(maintain_order=True)}
            codes = cells.replace_strict(known, return_dtype=pl.String) if known else cells
            found.append(frame.select("row_id", pl.lit(column).alias("column"), codes.alias("code")))
        empty = pl.DataFrame(schema=dict.fromkeys(("row_id", "column", "code"), pl.String))
        return pl.concat([empty, *found]).filter(pl.col("code") != "")

    def decide(self, surveys: Sequence[pl.DataFrame]) -> tuple[dict[str, str], str]:
        """Why which rows go, and a note."""
        found = pl.concat(surveys)
        wanted, note = self._choose(Counter(dict(found["code"].value_counts().rows())))
        if not wanted:
            return {}, note
        reasons: dict[str, str] = {}
        for row_id, column, code in found.filter(pl.col("code") != wanted).rows():
            reasons.setdefault(row_id, f"'{column}' is in '{code}', not in '{wanted}'")
        return reasons, note

    def apply(self, frame: pl.DataFrame, columns: Columns, decision: tuple[dict[str, str], str]) -> Outcome:
        return drop(frame, *decision)

    def _choose(self, counts: Counter) -> tuple[str, str]:
        if self.language != "most":
            return self.language, ""
        if not counts:
            return "", "no text is long enough to tell its language; nothing was dropped"
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        code, count = ranked[0]
        share = count / counts.total()
        if share < self.MAJORITY:
            kinds = ", ".join(f"{c} {n / counts.total():.0%}" for c, n in ranked[:4])
            return "", f"no language holds {self.MAJORITY:.0%} of the texts ({kinds}); nothing was dropped"
        return code, f"the language of most texts is '{code}' ({share:.0%})"
