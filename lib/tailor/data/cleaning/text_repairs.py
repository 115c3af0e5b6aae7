"""Repairs of text: wrong decoding, odd characters and blanks, HTML, and what e-mail programs add."""

import html
import re
from dataclasses import dataclass

import polars as pl

from tailor.data.cleaning.operation import Repair, map_distinct

# UTF-8 read as Latin-1 or cp1252 shows as one of these followed by a character of the upper half; anything else is
# left alone, so that sound accents are never touched.
_MOJIBAKE = (
    r"[\u00c2-\u00f4\u0102-\u0111\u0192\u0393\u251c]"
    r"[\u0080-\u00bf\u0152-\u0192\u02c6\u02dc\u2010-\u2044\u20ac\u2122\u2500-\u25ff]"
)
_TAGS = (
    "a|abbr|b|blockquote|body|br|center|code|div|em|font|footer|form|h[1-6]|head|header|hr|html|i|img|input|li|link|"
    "meta|ol|p|pre|script|section|small|span|strong|style|sub|sup|table|tbody|td|th|thead|title|tr|u|ul"
)
# A known tag, closed, with attributes only of the form name=value: `List<String>`, `x < 5` and `<i think>` pass by.
_ATTRIBUTE = r"(?:\s+[a-zA-Z:-]+(?:\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s\"'<>]+))?)"
_OPENING = "br|hr|img|p|div|table|ul|ol|li|html|body|style|script|span"
HTML_GATE = rf"(?i)</(?:{_TAGS})\s*>|<(?:{_OPENING})\b{_ATTRIBUTE}*\s*/?>"
_ENTITY_GATE = r"&(?:[a-zA-Z]{2,8}|#\d{2,5}|#x[0-9a-fA-F]{2,4});"
_BLOCKS = "p, div, li, tr, h1, h2, h3, h4, h5, h6, blockquote, table, ul, ol"


@dataclass(frozen=True)
class RepairEncoding(Repair):
    """Undo `cafÃ©`: text that was decoded with the wrong encoding somewhere on its way."""

    name = "repair_encoding"
    title = "Repair encoding damage"

    def repair(self, cells: pl.Series) -> pl.Series:
        import ftfy

        return map_distinct(cells, _MOJIBAKE, ftfy.fix_encoding)


@dataclass(frozen=True)
class NormalizeText(Repair):
    """One way of writing the same characters: composed accents, plain blanks, no invisible characters.

    NFC, not NFKC: `½` and `²` keep their meaning.
    """

    name = "normalize_text"
    title = "Normalize characters and blanks"

    def repair(self, cells: pl.Series) -> pl.Series:
        plain = cells.str.normalize("NFC")
        plain = plain.str.replace_all(r"\r\n?|\u2028|\u2029|\u0085", "\n")
        plain = plain.str.replace_all(
            r"[\u200b\u2060\ufeff\u00ad]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]", ""
        )
        plain = plain.str.replace_all(r"[\t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]", " ")
        plain = plain.str.replace_all(r" {2,}", " ").str.replace_all(r" *\n *", "\n")
        return plain.str.replace_all(r"\n{3,}", "\n\n").str.strip_chars()


@dataclass(frozen=True)
class RemoveHtml(Repair):
    """Keep the words of an HTML page or mail, drop its markup; text that merely has `<` in it is not touched."""

    name = "remove_html"
    title = "Remove HTML"

    def repair(self, cells: pl.Series) -> pl.Series:
        plain = map_distinct(cells, HTML_GATE, _text_of_html)
        return map_distinct(plain, _ENTITY_GATE, html.unescape)


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


_QUOTE_HEAD = (
    r"(?im)^[ \t]*(?:On .{5,120}wrote:|Am .{5,120}schrieb.{0,80}:|-{2,}\s*(?:Original Message|Forwarded message|"
    r"Ursprüngliche Nachricht)\s*-{2,}|From:[^\n]{3,120}\n(?:(?:Sent|Date|To|Cc|Subject):[^\n]*\n){2,})"
)
_SIGNATURE = r"(?m)^-- ?$"
_SENT_FROM = r"(?im)^[ \t]*(?:Sent from my|Get Outlook for|Von meinem)\b[^\n]{0,60}$"
_DISCLAIMER = (
    r"(?is)(?:^|\n)[^\n]{0,40}(?:this (?:e-?mail|message)[^\n]{0,120}(?:confidential|intended (?:only|solely))|"
    r"confidentiality notice|disclaimer:|if you (?:are not the intended recipient|"
    r"have received this (?:e-?mail|message) in error))"
)


@dataclass(frozen=True)
class RemoveMailFurniture(Repair):
    """Keep what was written now: drop the quoted earlier mail, the signature below `-- `, legal notices, and closing
    paragraphs that many rows share word for word (a company's footer)."""

    name = "remove_mail_furniture"
    title = "Remove e-mail quotes, signatures and footers"

    def repair(self, cells: pl.Series) -> pl.Series:
        gate = "|".join(
            f"(?:{part})" for part in (_QUOTE_HEAD, _SIGNATURE, _SENT_FROM, _DISCLAIMER, r"(?m)^>")
        )
        plain = map_distinct(cells, gate, _without_furniture)
        for _ in range(_FOOTERS):
            shorter = _without_shared_ending(plain)
            if (shorter == plain).all():
                break
            plain = shorter
        return plain


_FOOTERS = 3
_FOOTER_ROWS, _FOOTER_SHARE, _FOOTER_LENGTH = 10, 0.01, 40


def _without_shared_ending(cells: pl.Series) -> pl.Series:
    """Drop a last paragraph that at least 10 rows and 1% of them share; "Thanks" and the like are too short."""
    endings = cells.str.extract(r"(?s)\n\s*\n((?:[^\n]|\n[^\n])+)$", 1)
    counts = endings.drop_nulls().value_counts()
    most = max(_FOOTER_ROWS, _FOOTER_SHARE * cells.len())
    ending = pl.col(endings.name)
    shared = counts.filter((pl.col("count") >= most) & (ending.str.len_chars() >= _FOOTER_LENGTH))[
        endings.name
    ]
    if shared.is_empty():
        return cells
    without = cells.str.replace(r"(?s)\n\s*\n(?:[^\n]|\n[^\n])+$", "").str.strip_chars()
    return pl.select(
        pl.when(endings.is_in(shared.to_list()).fill_null(False)).then(without).otherwise(cells)
    ).to_series()


_CUTS = [re.compile(part) for part in (_QUOTE_HEAD, _SIGNATURE, _DISCLAIMER)]
_LINES = re.compile(rf"{_SENT_FROM}|^>.*$", re.IGNORECASE | re.MULTILINE)


def _without_furniture(text: str) -> str:
    """What stands above the first mark. A mail that would be left empty is kept whole: it was all quotation."""
    ends = [match.start() for pattern in _CUTS if (match := pattern.search(text))]
    short = _LINES.sub("", text[: min(ends, default=len(text))])
    short = re.sub(r"\n{3,}", "\n\n", short).strip()
    return short or text
