"""Repairs of text: wrong decoding, odd characters and blanks, HTML."""

import html
import re
from collections.abc import Callable, Iterable
from typing import Any

import polars as pl

from tailor.data.cleaning.operation import Columns, Repair, beyond_ascii, map_distinct, put_back

# The first bytes of UTF-8's characters that show in damaged text of each encoding: for those that turn them into
# signs that sound text has side by side, only the bytes of Latin accents, Greek, Cyrillic, Hebrew, Arabic, Vietnamese
# and typographic signs.
_FIRST_BYTES = {
    "latin-1": range(0xC2, 0xF5),
    "cp1252": range(0xC2, 0xF5),
    "cp1250": (0xC2, 0xC3, 0xC4, 0xC5, 0xD8, 0xD9, 0xE2),
    "cp1251": (0xC2, 0xC3, 0xD0, 0xD1, 0xE2, 0xEF),
    "mac_roman": (0xC2, 0xC3, 0xC4, 0xC5, 0xCE, 0xCF, 0xD0, 0xD1, 0xD7, 0xD8, 0xD9, 0xE2),
    "cp437": (0xC2, 0xC3, 0xC4, 0xC5, 0xCE, 0xCF, 0xD0, 0xD1, 0xE1, 0xE2),
}


def _mojibake_gate() -> str:
    """UTF-8 read in an old encoding shows as a character of a first byte before one of a following byte.

    Whether that is damage indeed is for ftfy to say; sound text that never has the two side by side is not touched.
    """

    def characters(encoding: str, values: Iterable[int]) -> str:
        decoded = "".join(bytes([value]).decode(encoding, "ignore") or chr(value) for value in values)
        return "".join(rf"\x{{{ord(character):x}}}" for character in decoded)

    return "|".join(
        f"[{characters(encoding, first)}][{characters(encoding, range(0x80, 0xC0))}]"
        for encoding, first in _FIRST_BYTES.items()
    )


# besides: quotation marks of Windows-1252 read as Latin-1's control characters, and an à that took the blank behind it
_MOJIBAKE = _mojibake_gate() + r"|[\x{80}-\x{84}\x{86}-\x{9f}]|\p{Ll}Ã "
_TAGS = (
    "a|abbr|b|blockquote|body|br|center|code|div|em|font|footer|form|h[1-6]|head|header|hr|html|i|img|input|li|link|"
    "meta|ol|p|pre|script|section|small|span|strong|style|sub|sup|table|tbody|td|th|thead|title|tr|u|ul"
)
# A known tag, closed, with attributes only of the form name=value: `List<String>`, `x < 5` and `<i think>` pass by.
_ATTRIBUTE = r"(?:\s+[a-zA-Z:-]+(?:\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s\"'<>]+))?)"
_OPENING = "br|hr|img|p|div|table|ul|ol|li|html|body|style|script|span"
_HTML_GATE = rf"(?i)</(?:{_TAGS})\s*>|<(?:{_OPENING})\b{_ATTRIBUTE}*\s*/?>"
_ENTITY_GATE = r"&(?:[a-zA-Z]{2,8}|#\d{2,5}|#x[0-9a-fA-F]{2,4});"
_BLOCKS = "p, div, li, tr, h1, h2, h3, h4, h5, h6, blockquote, table, ul, ol"


class RepairEncoding(Repair):
    """Undo `cafÃ©`: text that was decoded with the wrong encoding somewhere on its way."""

    name = "repair_encoding"
    title = "Repair encoding damage"
    acts_on = "coded"
    by_cell = True

    def repair(self, cells: pl.Series, columns: Columns, decision: Any = None) -> pl.Series:
        return map_distinct(cells, _MOJIBAKE, _decoded_again, among=beyond_ascii(cells))


_DOS_FOLLOWING = re.escape(bytes(range(0x80, 0xC0)).decode("cp437"))
_DOS_DASH = re.compile(f"ΓÇ[{_DOS_FOLLOWING}]")
_DOS_SIGN = re.compile(
    rf"{_DOS_DASH.pattern}|(?<=[a-zA-Z])[├┬][{_DOS_FOLLOWING}]|[├┬][{_DOS_FOLLOWING}](?=[a-zA-Z])"
)
"""A dash, a quotation mark or an accented letter of UTF-8 read as cp437, where ftfy takes it for Greek or for a drawn
table: no language writes these."""
_DRAWN = re.compile(r"[\u2500-\u257f]")
"""Where more lines are left than such letters explain, something is drawn indeed."""


_PLAIN_STRETCH = re.compile(r"(?<=[\x00-\x7f]{16})[\x00-\x7f]{9,}(?=[\x00-\x7f]{16})")
_STAND_FOR_IT = "\x02"


def _decoded_again(text: str) -> str:
    """ASCII is the same in every encoding: of a long stretch ftfy, which takes its time, sees only both ends."""
    import ftfy

    stretches = _PLAIN_STRETCH.findall(text)
    mended = ftfy.fix_encoding(_PLAIN_STRETCH.sub(_STAND_FOR_IT, text))
    pieces = mended.split(_STAND_FOR_IT)
    if len(pieces) == len(stretches) + 1:
        mended = "".join(part for both in zip(pieces, [*stretches, ""], strict=True) for part in both)
    else:  # the text has such a character of its own
        mended = ftfy.fix_encoding(text)
    if mended != text:
        return mended
    signs = _DOS_DASH if _DRAWN.search(_DOS_SIGN.sub("", text)) else _DOS_SIGN
    return signs.sub(lambda sign: sign.group().encode("cp437", "replace").decode("utf-8", "replace"), text)


class NormalizeText(Repair):
    """One way of writing the same characters: composed accents, plain blanks, no invisible characters.

    NFC, not NFKC: `½` and `²` keep their meaning.
    """

    name = "normalize_text"
    title = "Normalize characters and blanks"
    acts_on = "coded"
    by_cell = True

    def repair(self, cells: pl.Series, columns: Columns, decision: Any = None) -> pl.Series:
        composed = _changed_only(cells, beyond_ascii(cells), lambda found: found.str.normalize("NFC"))
        return _changed_only(composed, composed.str.contains(_UNTIDY).fill_null(False), _tidied)


def _changed_only(cells: pl.Series, where: pl.Series, mend: Callable[[pl.Series], pl.Series]) -> pl.Series:
    places = pl.arg_where(where, eager=True)
    found = cells.gather(places)
    mended = mend(found)
    changed = found != mended
    return put_back(cells, places.filter(changed), mended.filter(changed)) if changed.any() else cells


# What there is to do. Most rows have none of it, and telling so is quicker than ten replacements.
_UNTIDY = (
    r"[\x00-\x09\x0b-\x1f\x7f-\x{a0}\x{ad}\x{1680}\x{2000}-\x{200b}\x{2028}\x{2029}\x{202f}\x{205f}\x{2060}\x{3000}"
    r"\x{feff}]|  | \n|\n |\n\n\n|\A\s|\s\z"
)


def _tidied(cells: pl.Series) -> pl.Series:
    plain = cells.str.replace_all(r"\r\n?|\u2028|\u2029|\u0085", "\n")
    plain = plain.str.replace_all(
        r"[\u200b\u2060\ufeff\u00ad]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]", ""
    )
    plain = plain.str.replace_all(r"[\t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]", " ")
    plain = plain.str.replace_all(r" {2,}", " ").str.replace_all(r" *\n *", "\n")
    return plain.str.replace_all(r"\n{3,}", "\n\n").str.strip_chars()


class RemoveHtml(Repair):
    """Keep the words of an HTML page or mail, drop its markup; text that merely has `<` in it is not touched."""

    name = "remove_html"
    title = "Remove HTML"

    def repair(self, cells: pl.Series, columns: Columns, decision: Any = None) -> pl.Series:
        plain = map_distinct(cells, _HTML_GATE, _text_of_html, among=_holds(cells, "<"))
        return map_distinct(plain, _ENTITY_GATE, _without_entities, among=_holds(plain, "&"))


_ENTITY = re.compile(_ENTITY_GATE)


def _without_entities(text: str) -> str:
    """One by one: html.unescape would also take `&copy` out of the link `?a=1&copy=2`."""
    return _ENTITY.sub(lambda found: html.unescape(found.group()), text)


def _holds(cells: pl.Series, sign: str) -> pl.Series:
    return cells.str.contains(sign, literal=True).fill_null(False)


_PARSED = 50_000
"""Characters above which tags are cut out without building a tree: deep nesting takes quadratic time there."""
_KNOWN_TAG = re.compile(rf"(?i)</?(?:{_TAGS})\b[^<>]*>|<!doctype[^<>]*>")


def _without_comments(text: str) -> str:
    """Not by a pattern: it would take quadratic time on comments that never close."""
    pieces, start = [], 0
    while (opens := text.find("<!--", start)) >= 0 and (closes := text.find("-->", opens)) >= 0:
        pieces.append(text[start:opens])
        start = closes + 3
    return "".join([*pieces, text[start:]])


def _text_of_html(text: str) -> str:
    from selectolax.lexbor import LexborHTMLParser

    # what is not a known tag is text to us: `<String>` and `x < 5` would be lost in the parser
    text = _without_comments(text)
    if len(text) > _PARSED:
        return html.unescape(re.sub(r"\n{3,}", "\n\n", _KNOWN_TAG.sub("\n", text))).strip()
    pieces, end = [], 0
    for tag in _KNOWN_TAG.finditer(text):
        pieces += [text[end : tag.start()].replace("<", "&lt;"), tag.group()]
        end = tag.end()
    pieces.append(text[end:].replace("<", "&lt;"))
    tree = LexborHTMLParser("".join(pieces))
    tree.strip_tags(["script", "style", "head", "title"], recursive=True)
    if tree.body is None:
        return text
    for node in tree.css("br"):
        node.replace_with("\n")
    for node in tree.css(_BLOCKS):
        node.insert_before("\n")
        node.insert_after("\n")
    words = tree.body.text(deep=True).replace("\xa0", " ")
    return re.sub(r"\n{3,}", "\n\n", re.sub(r"[ \t]*\n[ \t]*", "\n", words)).strip()
