"""Words: spellings of glossary terms made one, stems, and words without content left out."""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any, Literal

import polars as pl
from pydantic import field_validator

from tailor.data.cleaning.operation import Columns, Operation, Repair, map_distinct
from tailor.records import Term
from tailor.settings import setting

_WORD = re.compile(r"\w+(?:['’]\w+)?")
Language = Literal["en", "de", "fr", "es", "it", "nl", "pt"]
_STEMMERS: dict[str, str] = {
    "en": "english",
    "de": "german",
    "fr": "french",
    "es": "spanish",
    "it": "italian",
    "nl": "dutch",
    "pt": "portuguese",
}


class UnifyTerms(Repair):
    """Write every variant of a glossary term as the term: 'standing-order' and 'stand. order' as 'standing order'."""

    name = "unify_terms"
    title = "Write glossary terms one way"
    warning = (
        "The model then learns the house's words in questions too; customers will go on writing the variants, so for "
        "the column with messages leave it out unless the model is to see normalized questions."
    )

    terms: list[str] = setting(
        [],
        "One term a line with its variants: 'IBAN = I.B.A.N., international account number'. Empty: the glossary of "
        "01_define_use_case.",
        multiline=True,
    )

    @field_validator("terms")
    @classmethod
    def _has_variants(cls, terms: list[str]) -> list[str]:
        for line in terms:
            term, equals, variants = line.partition("=")
            if not (equals and term.strip() and variants.strip(" ,")):
                raise ValueError(f"'{line}' is not of the form 'term = variant, variant'")
        return terms

    def repair(self, cells: pl.Series, columns: Columns, decision: Any = None) -> pl.Series:
        spelled = _by_variant(tuple(self.terms))
        if not spelled:
            return cells
        # the longest first: "standing order form" before "standing order"
        one_of = "|".join(re.escape(variant) for variant in sorted(spelled, key=lambda v: (-len(v), v)))
        pattern = re.compile(rf"(?<!\w)(?:{one_of})(?!\w)", re.IGNORECASE)
        gate = "(?i)" + "|".join(_escaped(variant) for variant in sorted(spelled))

        def mend(text: str) -> str:
            # a dotless i matches an i, and has no entry
            return pattern.sub(lambda found: spelled.get(found.group().lower(), found.group()), text)

        return map_distinct(cells, gate, mend)


def with_glossary(operations: Sequence[Operation], glossary: Sequence[Term]) -> list[Operation]:
    """The history with the use case's terms in every `unify_terms` that names none."""
    lines = [
        f"{term.term} = {', '.join(term.variants)}" for term in glossary if any(map(str.strip, term.variants))
    ]
    return [
        operation.model_copy(update={"terms": lines})
        if isinstance(operation, UnifyTerms) and not operation.terms
        else operation
        for operation in operations
    ]


@cache
def _by_variant(lines: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for line in lines:
        term, _, variants = line.partition("=")
        for variant in variants.split(","):
            if variant.strip() and variant.strip() != term.strip():
                found[variant.strip().lower()] = term.strip()
    return found


def _escaped(text: str) -> str:
    """For polars' regular expressions, which refuse a backslash before a letter or blank."""
    return re.sub(r"([.^$*+?{}\[\]\\|()\-&~#])", r"\\\1", text)


class StemWords(Repair):
    """Cut words to their stems (Snowball; Porter 2001): 'payments', 'paying' and 'pays' to 'payment', 'pay', 'pay'."""

    name = "stem_words"
    title = "Cut words to their stems"
    warning = (
        "Harms a language model: it learns to read and write 'pleas send the card'. Use it only for a text that a "
        "classical model of word counts is to read, never for replies."
    )

    language: Language = setting("en", "The language whose endings are cut.")

    def repair(self, cells: pl.Series, columns: Columns, decision: Any = None) -> pl.Series:
        import snowballstemmer

        stem = cache(snowballstemmer.stemmer(_STEMMERS[self.language]).stemWord)
        return map_distinct(
            cells, r"\pL", lambda text: _WORD.sub(lambda found: stem(found.group().lower()), text)
        )


_FUNCTION_WORDS = {
    "en": "a an the and or but if of at by for with to from in on as is are was were be been it this that these those",
    "de": "der die das ein eine einer einem einen und oder aber wenn von bei für mit zu zum aus in im an auf als ist",
    "fr": "le la les un une des et ou mais si de du au aux par pour avec à en dans sur est sont il elle ce cette ces",
    "es": "el la los las un una unos unas y o pero si de del al por para con a en como es son este esta estos estas",
    "it": "il lo la i gli le un una e o ma se di del della al alla per con a in su come è sono questo questa questi",
    "nl": "de het een en of maar als van bij voor met naar uit in op aan is zijn was waren dit dat deze die",
    "pt": "o a os as um uma e ou mas se de do da ao por para com em no na como é são este esta estes estas",
}


class RemoveStopWords(Repair):
    """Leave out words that carry no content of their own."""

    name = "remove_stop_words"
    title = "Leave out stop words"
    warning = (
        "Harms a language model: 'I did not pay' and 'did I pay' differ in such words only, and replies lose their "
        "grammar. Use it only for a text that a classical model of word counts is to read."
    )

    language: Language = setting("en", "The language of the built-in list.")
    words: list[str] = setting(
        [],
        "The words to leave out, in place of the built-in list of articles, prepositions and forms of 'to be'. That "
        "list is short on purpose: 'not', 'no' and 'can' change what a message says.",
    )

    def repair(self, cells: pl.Series, columns: Columns, decision: Any = None) -> pl.Series:
        gone = {word.lower() for word in self.words} or set(_FUNCTION_WORDS[self.language].split())

        def mend(text: str) -> str:
            kept = _WORD.sub(lambda found: "" if found.group().lower() in gone else found.group(), text)
            return re.sub(r"[ \t]{2,}", " ", re.sub(r"[ \t]+([.,!?;:])", r"\1", kept)).strip()

        return map_distinct(cells, r"\pL", mend)
