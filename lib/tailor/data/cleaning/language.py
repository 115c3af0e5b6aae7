"""Language: told by common words where that is enough, by a statistical model where not, and never for short text."""

from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import ClassVar, Literal

import numpy as np
import polars as pl

from tailor.data.cleaning.operation import REASON, Columns, Operation, Outcome, drop
from tailor.settings import setting

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


CODES = tuple(_STOP_WORDS)


@cache
def _known_words() -> tuple[np.ndarray, np.ndarray]:
    """The hash table that `count_known_words` looks into: bit n says that a word belongs to CODES[n]."""
    from tailor.data import word_kernels as kernels

    words = [(word, place) for place, code in enumerate(CODES) for word in _STOP_WORDS[code].split()]
    data, edges = kernels.text_buffer([pl.Series([word for word, _ in words])])
    tables = kernels.character_tables()
    found = np.zeros((len(words), 2), np.uint64)
    hashes, masks = np.zeros(4096, np.uint64), np.zeros(4096, np.uint64)
    for row, (_, place) in enumerate(words):
        kernels.hash_words(data, *edges[0, row : row + 2], *tables, kernels.LETTER, False, found[row])
        slot = int(found[row, 0]) % len(hashes)
        while hashes[slot] not in (0, found[row, 0]):
            slot = (slot + 1) % len(hashes)
        hashes[slot] = found[row, 0]
        masks[slot] |= np.uint64(1 << place)
    return hashes, masks


@cache
def _identifier():
    import py3langid.langid as langid

    return langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)


def detect(cells: pl.Series) -> pl.Series:
    """Each text's two-letter code, or "" when undetermined: too short, or neither sign is clear.

    Common words decide where they are a fifth of a text and twice as many as those of any other language. The rest
    goes through a statistical model, which must be sure and not be contradicted by them. Placeholders such as
    [EMAIL 3] do not count.
    """
    counts = _count_words(cells)
    total, known = counts[:, 0], counts[:, 1:]
    ranked = np.sort(known, axis=1)
    most, second = ranked[:, -1], ranked[:, -2]
    long = total >= MIN_WORDS
    clear = long & (most >= 0.2 * total) & (most >= 2 * second)
    codes = np.where(clear, np.array(CODES)[known.argmax(axis=1)], "")
    unclear = np.flatnonzero(long & ~clear & (total >= MIN_WORDS + 2))
    for row, text in zip(unclear, cells.gather(unclear), strict=True):
        code, probability = _identifier().classify(text)
        agreed = known[row, CODES.index(code)] == most[row] if code in CODES else most[row] == 0
        if probability > 0.9 and agreed:
            codes[row] = code
    return pl.Series(cells.name, codes.tolist(), pl.String)


def _count_words(cells: pl.Series) -> np.ndarray:
    """Words of each text, then how many of them are common words of each language: int32 [N, 1 + languages]."""
    from tailor.data import word_kernels as kernels

    counts = np.zeros((len(cells), 1 + len(CODES)), np.int32)
    data, edges = kernels.text_buffer([cells])
    tables, known = kernels.character_tables(), _known_words()
    kernels.in_threads(
        lambda first, last: kernels.count_known_words(data, edges, *tables, *known, first, last, counts),
        len(cells),
    )
    return counts


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
            found.append(
                frame.select("row_id", pl.lit(column).alias("column"), detect(frame[column]).alias("code"))
            )
        empty = pl.DataFrame(schema=dict.fromkeys(("row_id", "column", "code"), pl.String))
        return pl.concat([empty, *found]).filter(pl.col("code") != "")

    def decide(self, surveys: Sequence[pl.DataFrame]) -> tuple[pl.DataFrame, str]:
        """Why which rows go, and a note."""
        counts: Counter = Counter()
        for survey in surveys:
            counts.update(dict(survey["code"].value_counts().rows()))
        wanted, note = self._choose(counts)
        others = pl.concat([survey.filter((pl.col("code") != wanted) & (wanted != "")) for survey in surveys])
        reason = pl.format("'{}' is in '{}', not in '{}'", "column", "code", pl.lit(wanted)).alias(REASON)
        return others.unique("row_id", keep="first", maintain_order=True).select("row_id", reason), note

    def apply(self, frame: pl.DataFrame, columns: Columns, decision: tuple[pl.DataFrame, str]) -> Outcome:
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
