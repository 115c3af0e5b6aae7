"""Repairs of text: wrong decoding, odd characters and blanks, HTML, and what e-mail programs add."""

import html
import re
from collections.abc import Callable, Iterable, Sequence
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
HTML_GATE = rf"(?i)</(?:{_TAGS})\s*>|<(?:{_OPENING})\b{_ATTRIBUTE}*\s*/?>"
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
        plain = map_distinct(cells, HTML_GATE, _text_of_html, among=_holds(cells, "<"))
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


_QUOTE_HEAD = (
    r"(?im)^[ \t]*(?:(?:On .{5,120}\n?.{0,60}\bwrote|Am .{5,120}\n?.{0,60}\bschrieb.{0,80}|"
    r"Le .{5,120}\n?.{0,60}\ba écrit|El .{5,120}\n?.{0,60}\bescribió)[ \u00a0]?:[ \t]*(?:$|>)|"
    r"-{2,}\s*(?:Original Message|Forwarded message|Ursprüngliche Nachricht)\s*-{2,}|"
    r"(?:From|Von|De):[^\n]{3,120}\n(?:(?:Sent|Date|To|Cc|Subject|Gesendet|Datum|An|"
    r"Betreff|Envoyé|À|Objet|Enviado(?: el)?|Para|Asunto)[ \u00a0]?:[^\n]*\n){2,})"
)
_SIGNATURE = r"(?m)^-- ?$"
_SENT_FROM = r"(?im)^[ \t]*(?:Sent from my|Get Outlook for|Von meinem)\b[^\n]{0,60}$"
_DISCLAIMER = (
    r"(?is)(?:^|\n)(?:[^\n]{0,40}(?:this (?:e-?mail|message)[^\n]{0,120}(?:(?:is|are|be) (?:\w+ ){0,2}confidential|"
    r"confidential (?:\w+ ){0,2}(?:and|or|information|material|contents?)|privileged|intended (?:only|solely))|"
    r"confidentiality notice|if you (?:are not the intended recipient|"
    r"have received this (?:e-?mail|message) in error))|[ \t*_-]*(?:legal |e-?mail )?disclaimer:)"
)


class RemoveMailFurniture(Repair):
    """Keep what was written now: drop the quoted earlier mail, the signature below `-- `, legal notices, and closing
    paragraphs that many rows share word for word (a company's footer)."""

    name = "remove_mail_furniture"
    title = "Remove e-mail quotes, signatures and footers"
    scope = "table"

    def survey(self, frame: pl.DataFrame, columns: Columns) -> dict[str, tuple[int, pl.DataFrame]]:
        """Column -> rows, and the checksums of the last paragraphs long enough for a footer, last one first."""
        found = {}
        for column in self.chosen(columns):
            plain = _plain(frame[column])
            marks = {}
            for place in range(_FOOTERS):
                marks[str(place)] = _footer_marks(plain)
                plain = _without_ending(plain)
            ended = pl.DataFrame(marks).filter(pl.col("0").is_not_null())
            found[column] = frame.height, ended.group_by(pl.all()).len("rows")
        return found

    def decide(self, surveys: Sequence[dict[str, tuple[int, pl.DataFrame]]]) -> dict[str, list[list[int]]]:
        """Column -> for each round the checksums of the endings to cut."""
        decided = {}
        for column in surveys[0]:
            total = sum(survey[column][0] for survey in surveys)
            decided[column] = _shared_endings(total, pl.concat([survey[column][1] for survey in surveys]))
        return decided

    def repair(self, cells: pl.Series, columns: Columns, decision: dict[str, list[list[int]]]) -> pl.Series:
        plain = _plain(cells)
        for shared in decision[cells.name]:
            cut = _footer_marks(plain).is_in(shared).fill_null(False)
            plain = pl.select(pl.when(cut).then(_without_ending(plain)).otherwise(plain)).to_series()
        return plain.alias(cells.name)


_MAIL_GATE = "|".join(f"(?:{part})" for part in (_QUOTE_HEAD, _SIGNATURE, _SENT_FROM, _DISCLAIMER, r"(?m)^>"))
# One of these is in everything that the gate lets pass; looking for fixed words is quicker.
_MAIL_WORDS = [
    *(
        "wrote:",
        "schrieb",
        "a écrit",
        "escribió",
        " message",
        "nachricht",
        "from:",
        "von:",
        "\nde:",
        "--",
        "sent from my",
        "get outlook for",
        "von meinem",
    ),
    *(
        "disclaimer:",
        "confidentiality notice",
        "this e-mail",
        "this email",
        "intended recipient",
        "in error",
        ">",
    ),
]
_FOOTERS = 3
_FOOTER_ROWS, _FOOTER_SHARE, _FOOTER_LENGTH = 10, 0.01, 40


def _plain(cells: pl.Series) -> pl.Series:
    marked = cells.str.contains_any(_MAIL_WORDS, ascii_case_insensitive=True)
    return map_distinct(cells, _MAIL_GATE, _without_furniture, among=marked.fill_null(False))


def _footer_marks(cells: pl.Series) -> pl.Series:
    """A checksum of each last paragraph; null where there is one paragraph only, or the last is short ("Thanks")."""
    several = cells.str.contains("\n", literal=True)
    endings = pl.select(pl.when(several).then(cells)).to_series()
    endings = endings.str.extract(r"(?s)\n\s*\n((?:[^\n]|\n[^\n])+)$", 1)
    long = (endings.str.len_chars() >= _FOOTER_LENGTH).fill_null(False)
    return pl.select(pl.when(long).then(endings.hash(seed=0))).to_series()


def _without_ending(cells: pl.Series) -> pl.Series:
    places = pl.arg_where(cells.str.contains("\n", literal=True).fill_null(False), eager=True)
    shorter = cells.gather(places).str.replace(r"(?s)\n\s*\n(?:[^\n]|\n[^\n])+$", "").str.strip_chars()
    return put_back(cells, places, shorter)


def _shared_endings(total: int, found: pl.DataFrame) -> list[list[int]]:
    """Last paragraphs that at least 10 rows and 1% of them share; below them the next, up to three.

    Args:
        found: the marks of the last, the last but one ... paragraph, and the number of `rows` that end so.
    """
    most = max(_FOOTER_ROWS, _FOOTER_SHARE * total)
    rounds: list[list[int]] = []
    ending = pl.lit(0)
    for _ in range(_FOOTERS):
        marks = [pl.col(str(place)) for place in range(_FOOTERS)]
        here = found.with_columns(
            mark=pl.coalesce([pl.when(ending == place).then(mark) for place, mark in enumerate(marks)])
        )
        counts = here.drop_nulls("mark").group_by("mark").agg(pl.col("rows").sum())
        shared = counts.filter(pl.col("rows") >= most)["mark"].sort().to_list()
        if not shared:
            break
        rounds.append(shared)
        found = here.with_columns(cut=pl.col("cut") if "cut" in here.columns else pl.lit(0)).with_columns(
            cut=pl.col("cut") + pl.col("mark").is_in(shared).fill_null(False).cast(pl.Int32)
        )
        ending = pl.col("cut")
    return rounds


_CUTS = [re.compile(part) for part in (_QUOTE_HEAD, _SIGNATURE, _DISCLAIMER)]
_LINES = re.compile(rf"{_SENT_FROM}|^>.*$", re.IGNORECASE | re.MULTILINE)


_RULE = re.compile(r"(?:^|\n)[ \t]*[_=-]{5,}\s*\Z")
"""The line that mail programs draw above what they quote."""


def _without_furniture(text: str) -> str:
    """What stands above the first mark. A mail that would be left empty is kept whole: it was all quotation."""
    ends = [match.start() for pattern in _CUTS if (match := pattern.search(text))]
    short = _LINES.sub("", text[: min(ends, default=len(text))])
    short = _RULE.sub("", re.sub(r"\n{3,}", "\n\n", short)).strip()
    return short or text
