"""Postal addresses, by the forms in which streets are written, and by the words that come before them."""

import re
from collections.abc import Iterator

import regex

_STREET = (
    r"Street|St|Road|Rd|Avenue|Ave|Av|Lane|Ln|Drive|Dr|Row|Walk|Hill|Way|Close|Court|Ct|Place|Pl|Square|Sq|Terrace|"
    r"Boulevard|Blvd|Crescent|Cres|Gardens|Grove|Parkway|Pkwy|Highway|Hwy|Mews|Park|Circle|Cir|Trail|Quay|Green|Rise"
)
_SUFFIXES = (
    "straße",
    "strasse",
    "str.",
    "weg",
    "gasse",
    "platz",
    "allee",
    "damm",
    "ufer",
    "straat",
    "laan",
    "gatan",
)
_SUFFIXES += ("vägen", "vej", "gade", "katu", "tie")
_RUES = ("rue", "avenue", "boulevard", "place", "chemin", "quai", "allée", "impasse")
_VIAS = ("Via", "Viale", "Piazza", "Corso", "Calle", "Avenida", "Plaza", "Rua")
_SUFFIX, _RUE, _VIA = (f"(?:{'|'.join(map(re.escape, words))})" for words in (_SUFFIXES, _RUES, _VIAS))
_NAME = r"[A-ZÀ-ÖØ-Þ][\w'’.-]{0,30}"
_PLAIN = "Is|Was|Are|Were|Has|Had|Have|Will|Can|And|To|In|On|At|For|With|That|This|My|Our|Your|A|An|Of|By|Be"
_NO_STREET = rf"(?!(?:{_PLAIN})\b)"
"""Words of a sentence: a text in which every word has a capital is no address."""
_UK_CODE = r"[A-Z]{1,2}\d[A-Z\d]?\s*\d[A-Z]{2}\b"
_TOWN = (
    rf"(?:(?:,\s*|\s*\n\s*){_NAME}(?: (?!{_UK_CODE}){_NAME}){{0,2}}"
    rf"(?=\s*(?:[,.;?!)\n<]|$|\d|{_UK_CODE}|and\b|please\b)))"
)
_UNIT = r"(?:,?\s*(?:Apt|Apartment|Suite|Ste|Unit|Flat|Room|Floor|#)\.?\s*#?\s*\w{1,6})"
_CODE = rf"(?:,?\s+(?:[A-Z]{{2}}\s+)?\d{{5}}(?:-\d{{4}})?\b|,?\s+{_UK_CODE})"
# Each form with what must stand in a text that holds it: looking for a word is much quicker than for the form.
_FORMS: tuple[tuple[tuple[str, ...], re.Pattern], ...] = (
    (
        (),  # 20 Larch Street, Flat 2, Vellingham
        re.compile(
            rf"\b\d{{1,5}}[A-Za-z]?(?:\s*[-/]\s*\d{{1,4}})?,?\s+(?:{_NO_STREET}{_NAME}\s+){{1,4}}?(?:{_STREET})\b\.?"
            rf"{_UNIT}?{_TOWN}?{_CODE}?"
        ),
    ),
    (
        _SUFFIXES,  # Lindenstraße 12, 10115 Berlin
        re.compile(
            rf"\b(?:{_NAME}[ -]){{0,2}}[A-ZÀ-ÖØ-Þ]?[\w-]{{0,40}}{_SUFFIX}\s+\d{{1,4}}\s?[a-zA-Z]?\b"
            rf"(?:,?\s+(?:[A-Z]{{1,2}}-)?\d{{4,5}}\s+{_NAME})?"
        ),
    ),
    (
        tuple(f"{word} " for word in _RUES),  # 12 rue de la Paix, 75002 Paris
        re.compile(
            rf"\b\d{{1,4}}(?:\s?(?:bis|ter))?,?\s+{_RUE}\s+[\w'’ -]{{2,40}}?"
            rf"(?:,\s*\d{{5}}\s+{_NAME}|(?=[,.;\n]|$))"
        ),
    ),
    (_VIAS, re.compile(rf"\b{_VIA}\s+(?:\w+\s+){{0,3}}?{_NAME},?\s+(?:n[º°.]?\s*)?\d{{1,4}}\b")),
    (
        ("Box", "Postfach", "PSC"),
        re.compile(r"\b(?:P\.?\s?O\.?\s?Box|Postfach|PSC|Box)\s+\d{1,6}(?:,\s*Box\s+\d+)?\b"),
    ),
    (
        ("Apt", "Apartment", "Suite", "Flat", "Unit"),
        re.compile(r"\b(?:Apt|Apartment|Suite|Flat|Unit)\.?\s+#?\d{1,5}[A-Z]?\b"),
    ),
)
_SMALL = 15
"""Characters up to which a form is only a part of an address, such as a flat's number."""

# "my new address is ...", then numbers and words with capitals, as far as they go
_LIVING = (
    r"address(?: of [\w .&'-]{1,40}?)?(?: is|es are|:)|lives? (?:at|on)|living at|moved? to|located at|"
    r"offices? (?:is|are) at|resid(?:e|es|ing) at|anschrift:|wohne in"
)
_PIECE = r"(?:\d[\w/-]*|\p{Lu}[^\s,;?!]*|d[aeio]s?|del|della|l[ae]s?|of|al|am|der|den|st|str|u|apt|suite)\.?"
_CUED = regex.compile(
    rf"(?i:\b(?:{_LIVING}))\s*((?=[^.;?!]{{0,40}}\d)(?=[^.;?!]{{0,40}}\p{{Lu}})"
    rf"{_PIECE}(?:,?[ \t]*\n?[ \t]*,?[ \t]*(?<!\w){_PIECE}){{1,14}})"
)

ADDRESS_GATE = "|".join(
    (
        rf"[0-9](?:,?\s+\p{{Lu}}[\w'’.-]*){{1,4}}?\s+(?:{_STREET})\b",
        rf"{_SUFFIX}\s+[0-9]",
        rf"[0-9](?: bis| ter)?,?\s+{_RUE}\s",
        rf"{_VIA}\s",
        r"(?:Box|Postfach|PSC)\s+[0-9]",
        r"(?:Apt|Apartment|Suite|Flat|Unit)\.?\s+#?[0-9]",
        # written out for both cases: ignoring case made the whole pattern ten times as slow
        r"(?:[Aa]ddress(?:es)?(?: is| are| of|:)|[Ll]ives? (?:at|on)|[Ll]iving at|[Mm]oved? to|[Ll]ocated at|"
        r"[Oo]ffices? (?:is|are) at|[Rr]esid(?:e|es|ing) at|Anschrift:|[Ww]ohne in)\s+[\p{Lu}0-9]",
    )
)
"""What every text with an address matches, in Rust's regular expressions."""


def find_addresses(text: str) -> Iterator[tuple[int, int]]:
    """Where addresses stand, from left to right."""
    found: list[tuple[int, int]] = []
    for words, pattern in _FORMS:
        if not words or any(word in text for word in words):
            found += [match.span() for match in pattern.finditer(text)]
    for match in _CUED.finditer(text):
        begin, stop = match.start(1), match.start(1) + len(match.group(1).rstrip(" .,\n"))
        if not any(start < stop and begin < end and end - start > _SMALL for start, end in found):
            found.append((begin, stop))
    found.sort(key=lambda span: (span[0], -span[1]))
    done = 0
    for start, end in found:
        if start >= done:
            yield start, end
            done = end
