"""Personal data: found by pattern, confirmed by checksum where there is one, replaced by a placeholder."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

import polars as pl

from tailor.data.cleaning.operation import Columns, Repair, map_distinct
from tailor.settings import setting

Kind = Literal["email", "iban", "card", "phone"]

KINDS: tuple[Kind, ...] = ("email", "iban", "card", "phone")
"""In the order in which they are looked for: an IBAN holds digits that would pass for a phone number."""

_EMAIL = re.compile(r"[\w.+'%-]{1,64}@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}")
# A lookahead, so that candidates may overlap: which one is an IBAN is told by its country's length and checksum.
_IBAN = re.compile(r"\b(?=([A-Za-z]{2}\d{2}[A-Za-z0-9 -]{11,40}))")
_CARD = re.compile(r"(?<![\d.,-])\d(?:[ -]?\d){12,18}(?![\d])")
# International (+49 30 ...), or with a trunk zero and at least nine digits, or (555) 123-4567, 555-123-4567.
_PHONE = re.compile(
    r"(?<![\w.,+-])(?<!\d )(?:(?:\+|00)\d{1,3}[\s./-]?(?:\(0?\d{1,5}\)|\d)[\d\s./()-]{5,16}\d"
    r"|\(?0\d{1,5}\)?[\s./-]?\d[\d\s./-]{4,12}\d"
    r"|\(\d{3}\)\s?\d{3}[\s.-]\d{4}|\d{3}[.-]\d{3}[.-]\d{4})(?![\w-]|[.,]\d)"
)
_DATE = re.compile(r"^\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|^\d{4}[./-]\d{1,2}[./-]\d{1,2}")
GATE = r"@[\w-]+\.|\d[\s()./-]{0,3}\d[\s()./-]{0,3}\d[\s()./-]{0,3}\d[\s()./-]{0,3}\d|[A-Za-z]{2}\d{2}"


def mask(text: str, kinds: Sequence[Kind] = KINDS, name: Callable[[str, str], str] | None = None) -> str:
    """Replace personal data by [EMAIL], [IBAN], [CARD] and [PHONE].

    Args:
        name: makes the placeholder from the kind and the value found, in place of the plain one.
    """
    name = name or (lambda kind, _: f"[{kind.upper()}]")
    for kind in KINDS:
        if kind in kinds:
            text = _FINDERS[kind](text, partial(name, kind))
    return text


def _mask_email(text: str, name: Callable[[str], str]) -> str:
    return _EMAIL.sub(lambda m: name(m.group()), text) if "@" in text else text


def _mask_iban(text: str, name: Callable[[str], str]) -> str:
    """An IBAN's end is found by its checksum: the words after it may look like a part of it."""
    from stdnum import iban

    out, start = [], 0
    for found in _IBAN.finditer(text):
        value = found.group(1)
        if found.start() < start:
            continue
        length = next(
            (n for n in range(len(value), 14, -1) if iban.is_valid(value[:n], check_country=False)), 0
        )
        end = len(value[:length].rstrip(" -"))
        if end and not value[end : end + 1].isalnum():
            value = value[:end]
            out += [text[start : found.start()], name(value)]
            start = found.start() + len(value)
    return "".join([*out, text[start:]])


def _mask_card(text: str, name: Callable[[str], str]) -> str:
    from stdnum import luhn

    def replace(found: re.Match) -> str:
        digits = re.sub(r"\D", "", found.group())
        return name(digits) if luhn.is_valid(digits) and len(set(digits)) > 1 else found.group()

    return _CARD.sub(replace, text)


def _mask_phone(text: str, name: Callable[[str], str]) -> str:
    def replace(found: re.Match) -> str:
        digits = re.sub(r"\D", "", found.group())
        real = 9 <= len(digits) <= 15 and not _DATE.match(found.group())
        return name(found.group()) if real else found.group()

    return _PHONE.sub(replace, text)


_FINDERS = {"email": _mask_email, "iban": _mask_iban, "card": _mask_card, "phone": _mask_phone}


class MaskPersonalData(Repair):
    """Replace e-mail addresses, phone numbers, IBANs and card numbers in every column.

    In running text the placeholder is plain ([EMAIL]). In other columns it is numbered ([EMAIL 3]), so that rows of
    one customer can still be told from another's.
    """

    name = "mask_personal_data"
    title = "Mask personal data"
    scope = "table"
    acts_on = "coded"

    kinds: list[Kind] = setting(list(KINDS), "The kinds of personal data to mask.")

    def survey(self, frame: pl.DataFrame, columns: Columns) -> dict[str, list[str]]:
        """Column -> the values found in it, in the order of the rows; running text aside."""
        found: dict[str, dict[str, None]] = {}
        for column in self.chosen(columns):
            if column not in columns.texts:
                values = found.setdefault(column, {})

                def note(kind: str, value: str, values: dict = values) -> str:
                    values[value.lower()] = None
                    return f"[{kind.upper()}]"

                map_distinct(frame[column], GATE, partial(mask, kinds=self.kinds, name=note))
        return {column: list(values) for column, values in found.items()}

    def decide(self, surveys: Sequence[dict[str, list[str]]]) -> dict[str, dict[str, int]]:
        """Column -> value -> its number."""
        values = {column: dict.fromkeys(v for s in surveys for v in s[column]) for column in surveys[0]}
        return {column: {value: n for n, value in enumerate(found, 1)} for column, found in values.items()}

    def repair(self, cells: pl.Series, columns: Columns, decision: dict[str, dict[str, int]]) -> pl.Series:
        if cells.name not in decision:
            return map_distinct(cells, GATE, partial(mask, kinds=self.kinds))
        numbers = decision[cells.name]

        def numbered(kind: str, value: str) -> str:
            return f"[{kind.upper()} {numbers[value.lower()]}]"

        return map_distinct(cells, GATE, partial(mask, kinds=self.kinds, name=numbered))
