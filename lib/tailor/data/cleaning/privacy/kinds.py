"""The kinds of personal data that have a form: found by pattern, confirmed by checksum where there is one."""

import ipaddress
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Literal, NamedTuple

from tailor.data.cleaning.privacy.addresses import ADDRESS_GATE, find_addresses

Kind = Literal["email", "iban", "card", "phone", "id_number", "ip", "url_secret", "address", "name"]

KINDS: tuple[Kind, ...] = (
    "url_secret",
    "email",
    "iban",
    "card",
    "id_number",
    "ip",
    "phone",
    "address",
    "name",
)
"""In the order in which they are looked for: an IBAN holds digits that would pass for a phone number."""

CHECKSUMMED: tuple[Kind, ...] = ("iban", "card")
TITLES: dict[str, str] = {
    "email": "e-mail addresses",
    "iban": "bank accounts (IBAN)",
    "card": "payment cards",
    "phone": "phone numbers",
    "id_number": "identity numbers",
    "ip": "IP addresses",
    "url_secret": "passwords and tokens in links",
    "address": "postal addresses",
    "name": "names",
}


class Span(NamedTuple):
    """Where personal data stands in a text."""

    start: int
    end: int
    kind: str


def spans_of(kind: str, text: str) -> list[Span]:
    """Where one kind stands in a text, from left to right."""
    return [Span(start, end, kind) for start, end in _FINDERS[kind](text)]


Places = Iterator[tuple[int, int]]

_DIGITS = re.compile(r"\d[\d\s./()x+_–-]{3,}\d")


@lru_cache(maxsize=8)
def _digit_runs(text: str) -> list[tuple[int, int, int]]:
    """Where digits stand together, with what people put between them: (start, end, number of digits) of each run.

    Looking for a card or a phone number only there takes a tenth of the time; several kinds ask for the same text.
    """
    return [(*run.span(), sum(map(str.isdigit, run.group()))) for run in _DIGITS.finditer(text)]


def _in_digits(pattern: re.Pattern, text: str, least: int) -> list[re.Match]:
    """The matches of a pattern that needs `least` digits and goes on over nothing but what runs of digits are made of.

    It may begin up to three characters before a run and look up to nine behind its end.
    """
    found = []
    for start, end, digits in _digit_runs(text):
        if digits >= least:
            matches = pattern.finditer(text, max(0, start - 3), end + 9)
            found += [match for match in matches if match.start() < end]
    return found


_CUE_LENGTH = 40


def _before(place: int) -> tuple[int, int]:
    """Where a word may stand that tells what the number at a place is."""
    return max(0, place - _CUE_LENGTH), place


_LOCAL = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+'%-_")
_DOMAIN = re.compile(r"@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}")


def _emails(text: str) -> Places:
    """From each @ outwards: looking for the part before it from the left would try every word of the text."""
    at, done = text.find("@"), 0
    while at >= 0:
        start = at
        while start > done and (text[start - 1] in _LOCAL or text[start - 1].isalnum()) and at - start < 64:
            start -= 1
        while start < at and text[start] in "'.-%":
            start += 1
        domain = _DOMAIN.match(text, at) if start < at else None
        if domain:
            yield start, domain.end()
            done = domain.end()
        at = text.find("@", max(at + 1, done))


# A lookahead, so that candidates may overlap: which one is an IBAN is told by its country's length and checksum.
_IBAN = re.compile(
    r"(?<![A-Za-z0-9])(?:IBAN|iban)?"
    r"(?=((?:[A-Za-z]{2}|[A-Z]{2} )\d{2}[A-Za-z0-9 \u00a0\u2009\u202f._\n–-]{11,50}))"
)


_DIGITS_OF = str.maketrans(
    {letter: str(int(letter, 36)) for letter in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"}
    | dict.fromkeys(" .-", "")
)


def _passes_97(value: str) -> bool:
    """The checksum alone, in a tenth of the time that all of `iban.is_valid` takes."""
    head = 5 if value[2] == " " else 4
    digits = (value[head:] + value[:head]).translate(_DIGITS_OF)
    return digits.isdecimal() and int(digits) % 97 == 1


_GAPS = str.maketrans(dict.fromkeys("\u00a0\u2009\u202f_\n–", " "))


def _ibans(text: str) -> Places:
    """An IBAN's end is found by its checksum: the words after it may look like a part of it."""
    from stdnum import iban

    done = 0
    for found in _IBAN.finditer(text):
        value, start = found.group(1), found.start(1)
        if start < done:
            continue
        plain = value.translate(_GAPS)
        ends = (
            n
            for n in range(len(value), 14, -1)
            if value[n - 1].isalnum()
            and not value[n : n + 1].isalnum()
            and _passes_97(plain[:n])
            and iban.is_valid(plain[:n], check_country=False)
        )
        if length := next(ends, 0):
            done = start + length
            yield start, done


# Who issues which first digits, and how long their numbers are (ISO/IEC 7812 and the networks' own documents).
_ISSUERS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720))\d*|3[47]\d{13}|3(?:0[0-5]|[689])\d{11,16}"
    r"|6(?:011|5|4[4-9]|22)\d*|35\d{14}|(?:50|5[6-9]|6)\d{10,17}|2131\d{11}|1800\d{11}"
)
_LENGTHS = {"5": (12, 19), "2": (15, 16), "6": (12, 19)}


_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def _passes_luhn(digits: str) -> bool:
    """What stdnum's luhn.is_valid says, in a tenth of the time: every long number of a text is asked."""
    return not (sum(map(int, digits[::-2])) + sum(_DOUBLED[int(digit)] for digit in digits[-2::-2])) % 10


_GAP = r"[ \u00a0\u2009\u202f./_\n–-]{1,3}"
_IN_GROUPS = re.compile(rf"\d+(?:{_GAP}\d+)*")
_GROUP = re.compile(r"\d+")
_CARD_GROUPS = {(4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3)}
_OF_A_NUMBER = re.compile(r"\d[.-]|0,")
"""What stands before the decimals of a number, or the second part of a reference."""


def _cards(text: str) -> Places:
    """Also beside other digits: a date of expiry and a check number often follow."""
    for start, end, digits in _digit_runs(text):
        if digits >= 12:
            for found in _IN_GROUPS.finditer(text, start, end):
                yield from _cards_among(
                    text, [group.span() for group in _GROUP.finditer(text, *found.span())]
                )


def _cards_among(text: str, groups: list[tuple[int, int]]) -> Places:
    sizes = tuple(end - start for start, end in groups)
    place = 0
    while place < len(groups):
        counts = _groups_of_a_card(text, groups, sizes, place)
        count = next((count for count in counts if _is_card(text, groups[place : place + count])), 0)
        if count:
            yield groups[place][0], groups[place + count - 1][1]
        place += count or 1


def _groups_of_a_card(
    text: str, groups: list[tuple[int, int]], sizes: tuple[int, ...], place: int
) -> Iterator[int]:
    """How many groups of digits from a place on may be a card: all there are, cut anyhow by one plain sign each; as
    many as cards are cut into; or one."""
    if not place and len(sizes) > 1 and 12 <= sum(sizes) <= 19:
        gaps = {text[end:start] for (_, end), (start, _) in pairwise(groups)}
        if gaps <= {" ", "\u00a0", "-"}:
            yield len(sizes)
    left = len(sizes) - place
    yield from (n for n in (5, 4, 3) if n <= left and sizes[place : place + n] in _CARD_GROUPS)
    if 12 <= sizes[place] <= 19:
        yield 1


def _is_card(text: str, groups: list[tuple[int, int]]) -> bool:
    start, end = groups[0][0], groups[-1][1]
    if _OF_A_NUMBER.fullmatch(text, max(0, start - 2), start):
        return False
    digits = re.sub(r"\D", "", text[start:end])
    low, high = _LENGTHS.get(digits[0], (13, 19))
    known = low <= len(digits) <= high and _ISSUERS.fullmatch(digits)
    return bool(known) and len(set(digits)) > 1 and _passes_luhn(digits)


_SSN = re.compile(r"(?<![\d-])(?!000|666)\d{3}([ –-])(?!00)\d{2}\1(?!0000)\d{4}(?![\d-])")
_SSN_PLAIN = re.compile(r"(?<!\d)\d{9}(?!\d)")
_SSN_CUE = re.compile(r"(?i:\bSSN|social security)\D{0,20}\Z")
_NINO = re.compile(r"\b(?![DFIQUV])[A-Z](?![DFIQUVO])[A-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b")
_SPANISH = re.compile(r"\b(?:\d{8}|[XYZ]\d{7})-?[A-HJ-NP-TV-Z]\b")
_ITALIAN = re.compile(r"\b[A-Z]{6}\d{2}[A-EHLMPR-T]\d{2}[A-Z]\d{3}[A-Z]\b")
_FRENCH = re.compile(r"(?<!\d)[12] ?\d{2} ?(?:0[1-9]|1[0-2]) ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}(?!\d)")


def _id_numbers(text: str) -> Places:
    """US social security, UK national insurance; Spanish, Italian and French ones by their check characters."""
    from stdnum.es import dni, nie
    from stdnum.fr import nir
    from stdnum.it import codicefiscale

    found = [match.span() for match in _in_digits(_SSN, text, 9)]
    found += [m.span() for m in _in_digits(_SSN_PLAIN, text, 9) if _SSN_CUE.search(text, *_before(m.start()))]
    found += [match.span() for match in _in_digits(_NINO, text, 6)]
    checked = (
        (_in_digits(_SPANISH, text, 7), (dni, nie)),
        (_ITALIAN.finditer(text), (codicefiscale,)),
        (_FRENCH.finditer(text), (nir,)),
    )
    for matches, checks in checked:
        for match in matches:
            if any(check.is_valid(match.group()) for check in checks):
                found.append(match.span())
    yield from sorted(found)


_IP4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)")
_IP6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:])")


_NUMBERED = re.compile(r"(?i)\b(?:version|build|release|firmware|ver|rev|v)[ .:#]*$")


def _ips(text: str) -> Places:
    """Addresses of no machine in particular (0.0.0.0, 127.0.0.1, ::) are left, and numbers of versions."""
    for pattern in (_IP4, _IP6):
        for found in pattern.finditer(text):
            try:
                address = ipaddress.ip_address(found.group())
            except ValueError:
                continue
            nobody = address.is_unspecified or address.is_loopback or found.group() == "255.255.255.255"
            short = pattern is _IP6 and (found.group().count(":") < 3 or not re.search(r"\d", found.group()))
            if not nobody and not short and not _NUMBERED.search(text[: found.start()][-20:]):
                yield found.span()


_LINK = re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s<>\"']+", re.IGNORECASE)
_LOGIN = re.compile(r"//([^/?#@\s]{1,200})@")
_SECRET = re.compile(
    r"(?i)[?&#;](?:access_?token|refresh_?token|id_?token|token|api_?key|key|auth|authorization|sig|signature|secret|"
    r"client_?secret|pass(?:word|wd)?|pwd|session(?:_?id)?|sid|code|otp|jwt|ticket|reset|invite|email|user(?:name)?|phone)"
    r"=([^&#\s]{4,})"
)
_TOKEN = re.compile(
    r"/((?=[A-Za-z_-]*\d)(?=[\d_-]*[A-Za-z])[A-Za-z0-9_-]{24,}|[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.\w{6,})"
)


def _url_secrets(text: str) -> Places:
    """User and password before the host, tokens in the query, and parts of the path that read like keys."""
    for link in _LINK.finditer(text):
        parts = [m.span(1) for pattern in (_LOGIN, _SECRET, _TOKEN) for m in pattern.finditer(link.group())]
        done = 0
        for start, end in sorted(parts):
            if start >= done:
                yield link.start() + start, link.start() + end
                done = end


# International (+49 30 ...), or with a trunk zero and at least nine digits, or (555) 123-4567, 555-123-4567.
_PHONE = re.compile(
    r"(?<![\w.+-])(?<!\d[ ,])(?!000[ -])(?:(?:\+|00)\d{1,3}[\s./-]?(?:\(0?\d{1,5}\)|\d)[\d\s./()-]{5,16}\d"
    r"|\(?0\d{1,5}\)?[\s./-]?\d[\d\s./-]{4,12}\d"
    r"|(?:1[ .-])?\(\d{2,4}\)\s?\d{3}[\s.-]?\d{3,4}|(?:1[ .-])?\d{3}[.-]\d{3}[.-]\d{4})(?![\w-]|[.,]\d)"
)
# A number that a word before it tells to be one. The number is looked for first: words would be tried at every place.
_NUMBER = re.compile(r"(?<!\d)[+(]?\d[\d ().x/-]{5,18}\d(?![\w-]|[.,:]\d)")
_CUE = re.compile(
    r"(?i:\b(?:(?:tele)?(?:phone|fax)|tel|mobile|cell|whatsapp|desk|call(?:ing)?|answering|ring|reach|text)"
    r"|messages? to)[^\d\n+(]{0,25}\n?\Z"
)
_DATE = re.compile(r"(?:\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d{2})|\d{4}[./-]\d{1,2}[./-]\d{1,2})(?![./-]?\d)")
_AMOUNT = re.compile(r"\d+[.,]\d{2}")
_SAID_AFTER = re.compile(r"(?<![\w.+-])([+(]?\d[\d ().-]{4,16}\d)[ -]?(?i:office|fax|mobile|cell|desk)\b")


_DIGIT = re.compile(r"\d")


def _phones(text: str) -> Places:
    done = 0  # end of the last one
    found = [(m.span(), 9) for m in _in_digits(_PHONE, text, 9)]
    found += [(m.span(), 7) for m in _in_digits(_NUMBER, text, 7) if _CUE.search(text, *_before(m.start()))]
    found += [(m.span(1), 7) for m in _in_digits(_SAID_AFTER, text, 7)]
    for (start, end), least in sorted(found):
        digits = len(_DIGIT.findall(text, start, end))
        other = _DATE.match(text, start, end) or _AMOUNT.fullmatch(text, start, end)
        if start >= done and least <= digits <= 15 and not other:
            yield start, end
            done = end


GATES: dict[str, str] = {
    "email": r"@[\w-]+\.",
    "iban": r"(?:[A-Za-z]{2}|[A-Z]{2} )[0-9]{2}(?:[ \u00a0\u2009\u202f._\n–-]{0,2}[A-Za-z0-9]){11}",
    "card": r"[0-9](?:[ \u00a0-]?[0-9]){11}|"
    rf"[0-9]{{4}}{_GAP}(?:[0-9]{{4}}{_GAP}[0-9]{{4}}|[0-9]{{6}}{_GAP}[0-9]{{4}})",
    "id_number": r"[0-9]{3}[ –-][0-9]{2}[ –-][0-9]{4}|SSN|ssn|[Ss]ocial [Ss]ecurity|[A-Z]{2} ?(?:[0-9]{2} ?){3}[A-D]|"
    r"[0-9]{7,8}-?[A-Z]|[A-Z]{6}[0-9]{2}[A-Z]|"
    r"(?:\A|[^0-9])[12] ?[0-9]{2} ?[01][0-9] ?[0-9][0-9AB] ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}",
    "ip": r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]|:[0-9a-fA-F]{0,4}:[0-9a-fA-F]{0,4}:",
    "phone": r"(?:\A|[^\p{L}\p{N}_.+-])(?:(?:\+|00|\(?0)[0-9\s./()-]{7}|(?:1[ .-])?(?:\([0-9]{2,4}\)\s?[0-9]{3}|"
    r"[0-9]{3}[.-][0-9]{3}[.-][0-9]{4}))|[0-9][0-9 ().-]{5,}[ -]?(?i:office|fax|mobile|cell|desk)|(?i:phone|fax|"
    r"tel|mobile|cell|whatsapp|desk|call|calling|answering|ring|reach|messages? to|text)[^0-9\n+(]{0,25}\n?[0-9+(]"
    r"[0-9 ().x/-]{6}",
    "url_secret": r"://[^\s]*[@=/]",
    "address": ADDRESS_GATE,
}
"""Kind -> what every text that holds it matches, in Rust's regular expressions; polars looks through all rows by it."""

_FINDERS = {
    "email": _emails,
    "iban": _ibans,
    "card": _cards,
    "id_number": _id_numbers,
    "ip": _ips,
    "url_secret": _url_secrets,
    "phone": _phones,
    "address": find_addresses,
}
