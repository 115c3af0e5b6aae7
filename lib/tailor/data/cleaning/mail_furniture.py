"""What e-mail programs add to what was written: quoted earlier mail, signatures, notices, a company's footer."""

import re
from collections.abc import Sequence

import polars as pl

from tailor.data.cleaning.operation import Columns, Repair, map_distinct, put_back

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
_CUTS = [re.compile(part) for part in (_QUOTE_HEAD, _SIGNATURE, _DISCLAIMER)]
_LINES = re.compile(rf"{_SENT_FROM}|^>.*$", re.IGNORECASE | re.MULTILINE)
_RULE = re.compile(r"(?:^|\n)[ \t]*[_=-]{5,}\s*\Z")
"""The line that mail programs draw above what they quote."""
_MAIL_GATE = "|".join(f"(?:{part})" for part in (_QUOTE_HEAD, _SIGNATURE, _SENT_FROM, _DISCLAIMER, r"(?m)^>"))
# One of these is in everything that the gate lets pass; looking for fixed words is quicker.
_MAIL_WORDS = [
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
    "disclaimer:",
    "confidentiality notice",
    "this e-mail",
    "this email",
    "intended recipient",
    "in error",
    ">",
]
_FOOTERS = 3
_FOOTER_ROWS, _FOOTER_SHARE, _FOOTER_LENGTH = 10, 0.01, 40


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


def _plain(cells: pl.Series) -> pl.Series:
    marked = cells.str.contains_any(_MAIL_WORDS, ascii_case_insensitive=True)
    return map_distinct(cells, _MAIL_GATE, _without_furniture, among=marked.fill_null(False))


def _without_furniture(text: str) -> str:
    """What stands above the first mark. A mail that would be left empty is kept whole: it was all quotation."""
    ends = [match.start() for pattern in _CUTS if (match := pattern.search(text))]
    short = _LINES.sub("", text[: min(ends, default=len(text))])
    short = _RULE.sub("", re.sub(r"\n{3,}", "\n\n", short)).strip()
    return short or text


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
    marks = [pl.col(str(place)) for place in range(_FOOTERS)]
    found = found.with_columns(cut=pl.lit(0))
    rounds: list[list[int]] = []
    for _ in range(_FOOTERS):
        here = found.with_columns(
            mark=pl.coalesce([pl.when(pl.col("cut") == place).then(mark) for place, mark in enumerate(marks)])
        )
        counts = here.drop_nulls("mark").group_by("mark").agg(pl.col("rows").sum())
        shared = counts.filter(pl.col("rows") >= most)["mark"].sort().to_list()
        if not shared:
            break
        rounds.append(shared)
        found = here.with_columns(
            pl.col("cut") + pl.col("mark").is_in(shared).fill_null(False).cast(pl.Int32)
        )
    return rounds
