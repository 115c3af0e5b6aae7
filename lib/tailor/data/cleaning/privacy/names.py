"""Names of persons, as far as rules carry: greetings, closings, cue words, and names that the data itself gives away.

No list of the world's names is used. A greeting ("Hello Ann,") shows that Ann is a name in this data; then "Ann Roe"
is one elsewhere too, and so is "Ann" alone at the end of a text. What stands in running prose without any such mark is
not found: the benchmark says how much that is.
"""

from collections.abc import Iterable, Iterator
from functools import cache, lru_cache

import polars as pl
import regex

from tailor.data.cleaning.privacy.words import words

_WORD = r"\p{Lu}[\p{L}\p{M}'’\-]*"
_PART = rf"(?:(?:de|da|di|del|della|van|von|der|den|la|le|bin|al|el|dos|du)[ \t]+){{0,2}}{_WORD}\.?"
NAME = rf"{_WORD}(?:[ \t]+{_PART}){{0,3}}"
_TITLE = r"(?:(?i:mr|mrs|ms|miss|mx|dr|prof|herrn?|frau|madame|monsieur|mme|señora?|sir)\.?[ \t]+)"
_HELLO = (
    r"dear|hello|hi|hey|hallo|good[ ]?(?:day|morning|afternoon|evening)|liebe[r]?|sehr geehrte[r]?|guten (?:tag|morgen|"
    r"abend)|moin|bonjour|salut|ch[eè]re?|hola|estimad[oa]|querid[oa]|buen[oa]s d[ií]as|ciao|gentile|car[oa]|beste|"
    r"geachte|hej|olá"
)
_BYE = (
    r"thanks?|thank you|thx|ty|tks|regards?|cheers|best|sincerely|faithfully|truly|greetings?|wishes|nice day|"
    r"gr[uü](?:ß|ss)e?|danke|cordialement|merci|saludos|gracias|saluti|grazie|groeten|signed|yours|advance|helping|colleagues|love"
)
_STRONG = (
    r"name(?:'s| is|[ \t]*[:=?])|named|i am called|account holder(?: is)?:?|cardholder(?: is)?:?|on behalf of|"
    r"the name of|attn\.?:?|kind attention:?|contact person:?|signed by|mein name ist|ich heiße|"
    r"je m'appelle|me llamo|mi chiamo"
)
_WEAK = (
    r"i am|i'm|this is|it's|contact|sp[eo]a?ke? (?:to|with)|ask for|from|by|call|cc|to|for|with|and|between"
)

_AND = r",?[ \t]+(?:and|&|und|et|y|e)[ \t]+"
_GREETING = rf"(?:^|[^\p{{L}}])(?i:{_HELLO})[ \t,]+{_TITLE}?{NAME}(?:{_AND}{_TITLE}?{NAME})?(?:[^\p{{L}}]|$)"
_MY = (
    r"i am|i'm|this is|it's under|speaking is|(?:user|customer|client|patient|employee|sender|recipient|owner|"
    r"(?:billing |shipping )?address):"
)
_MYSELF = rf"(?:^|[^\p{{L}}])(?i:{_MY})[ \t]+{_TITLE}?{_WORD}[ \t]+{_PART}(?:[^\p{{L}}]|$)"
_ENVELOPE = rf"(?m)^[ \t>]*{_WORD}(?:[ \t]+{_PART}){{1,3}}[ \t]*\n\s*[0-9]{{1,5}}[ \t]"
_CUE = rf"(?:^|[^\p{{L}}])(?:(?i:{_STRONG})[ \t]+(?:(?i:is)[ \t]+)?{_TITLE}?|{_TITLE}){NAME}(?:[^\p{{L}}]|$)"
_CLOSING_LINE = rf"(?m)^[^\n]{{0,60}}(?i:{_BYE})[^\n]{{0,30}}\n\s*{NAME}[ \t]*[.,!?]?[ \t]*$"
_LINE = rf"(?m)^[ \t>]*{NAME}(?:,[ \t]*{NAME})?[ \t]*$"
_RUN = rf"(?:^|[^\p{{L}}])(?:(?i:{_WEAK})[ \t]+)?{_WORD}(?:[ \t]+{_PART}){{1,3}}(?:[^\p{{L}}]|$)"
_END = r"(?:[\s.,!?;:)\-–—]|<[^<>]{0,40}>)*"
_CLOSING = rf"(?i:\b(?:{_BYE}))[^\n.!?]*?[\s,;:!.\-–—>]+{NAME}{_END}$"
_LAST = rf"(?:[.!?,\n>;]|--?|–)\s*{NAME}{_END}$"
_TAIL = 160
"""Characters at the end of a text in which a closing is looked for."""

_BEGINS = {
    "greeting": regex.compile(rf"(?:^|[^\p{{L}}])(?i:{_HELLO})[ \t,]+"),
    "cue": regex.compile(rf"(?<!\p{{L}})(?:(?i:{_STRONG})[ \t]+(?:(?i:is)[ \t]+)?{_TITLE}?|{_TITLE})"),
    "myself": regex.compile(rf"^\P{{L}}?(?i:{_MY})[ \t]+{_TITLE}?"),
}
_JOINED = regex.compile(rf"{_AND}(?={_TITLE}?{_WORD})")
_TITLED = regex.compile(rf"^{_TITLE}")
_NAMES = regex.compile(NAME)
_BYE_WORD = regex.compile(rf"(?i:\b(?:{_BYE})\b)")

# Words that begin with a capital where names stand, and are none.
_NO_NAMES = frozenset(words("no_names"))
_LATER_NAMES = frozenset(words("later_names"))
_ORGANISATION = frozenset(words("organisations"))


_ANYWHERE = (f"{_GREETING}|{_CUE}|{_MYSELF}", _CLOSING_LINE, _ENVELOPE, _LINE, _RUN)
_AT_THE_END = (_CLOSING, _LAST)
_SURE = (3, 1)
"""How many of each, from the first on, give away a name by themselves."""


def contexts(cells: pl.Series, sure: bool = False) -> pl.Series:
    """The pieces of each text in which a name may stand, marks around it included.

    Args:
        cells: texts.
        sure: only pieces that give a name away by themselves.

    Returns:
        A list of pieces for each text. All of it runs in Rust: rows in which nothing fits cost microseconds.
    """
    text = pl.col("text")
    anywhere, at_the_end = _SURE if sure else (None, None)
    found = [text.str.extract_all(pattern) for pattern in _ANYWHERE[:anywhere]]
    found += [text.str.tail(_TAIL).str.extract_all(pattern) for pattern in _AT_THE_END[:at_the_end]]
    return pl.DataFrame({"text": cells}).select(pl.concat_list(found)).to_series()


def pieces(text: str) -> list[str]:
    """The same for one text, without the cost of a table."""
    found = [match.group() for pattern in _compiled(_ANYWHERE) for match in pattern.finditer(text)]
    return found + [m.group() for pattern in _compiled(_AT_THE_END) for m in pattern.finditer(text[-_TAIL:])]


@cache
def _compiled(patterns: tuple[str, ...]) -> list[regex.Pattern]:
    return [regex.compile(pattern) for pattern in patterns]


_ABOVE_NUMBER = regex.compile(r"\n\s*[0-9]{1,5}[ \t]$")
_ALONE = regex.compile(rf"^[ \t>]*{NAME},[ \t]*{NAME}[ \t]*$")
_FROM = regex.compile(r"(?i)\b(?:from|aus|de|da|in)\s+$")


@lru_cache(maxsize=200_000)
def certain(piece: str) -> tuple[tuple[int, int], ...]:
    """Where names stand in a piece that a greeting, a closing or a cue word gives away."""
    if found := _BEGINS["greeting"].search(piece):
        # "Hello, Nobody answers" and "Hi Quick question" begin a sentence; "Hi Ann," greets
        addressed = "," not in found.group() and not piece.endswith((" ", "\t"))
        return tuple(_each_name(piece, found.end())) if addressed else ()
    if found := _BEGINS["cue"].search(piece):
        return tuple(_each_name(piece, found.end()))
    if found := _BEGINS["myself"].search(piece):
        spans = _each_name(piece, found.end())
        return tuple(
            span for span in spans if " " in piece[slice(*span)] and not piece[slice(*span)].isupper()
        )
    if _ABOVE_NUMBER.search(piece):
        spans = (span for match in _NAMES.finditer(piece) for span in _trimmed(piece, *match.span()))
        return tuple(span for span in spans if " " in piece[slice(*span)])[:1]
    byes = list(_BYE_WORD.finditer(piece))
    if not byes:
        return ()
    # the last run of capitals after the last closing word; "Greetings from Rome" names a place
    found = list(_NAMES.finditer(piece, byes[-1].end()))
    if not found or _FROM.search(piece[byes[-1].end() : found[-1].start()]):
        return ()
    return tuple(_trimmed(piece, *found[-1].span()))


def _each_name(piece: str, start: int) -> Iterator[tuple[int, int]]:
    """The names that follow one another from `start` on, each perhaps with a title: "Mr Roe and Ann"."""
    start += _title(piece, start)
    while found := _NAMES.match(piece, start):
        first, end = found.span()
        joint = _JOINED.search(piece, first, end)
        end = joint.start() if joint else end
        yield from _trimmed(piece, first, end)
        joint = joint or _JOINED.match(piece, end)
        if not joint:
            return
        start = joint.end() + _title(piece, joint.end())


def _title(piece: str, start: int) -> int:
    found = _TITLED.match(piece[start:])
    return found.end() if found else 0


def _trimmed(piece: str, start: int, end: int, strict: bool = True) -> Iterator[tuple[int, int]]:
    """The name without words after it that are none; nothing where an organisation is addressed.

    Args:
        strict: also nothing where the first word is none ("named The Folder"); else such words are left out.
    """
    words = [
        (match.start() + start, match.end() + start) for match in regex.finditer(r"\S+", piece[start:end])
    ]
    plain = [_plain(piece[a:b]) for a, b in words]
    if any(word in _ORGANISATION for word in plain):
        return
    while words and _is_none(plain[0]):
        if strict:
            return
        del words[0], plain[0]
    for place, word in enumerate(plain[1:], 1):
        if not word.strip("x") or (word in _NO_NAMES and word not in _LATER_NAMES):
            del words[place:]
            break
    if words:
        first, last = words[0][0], words[-1][1]
        yield first, first + len(piece[first:last].rstrip(".'’-"))


def _is_none(word: str) -> bool:
    """Whether a word, in small letters, is no first name; "XXXX" is what others wrote in place of one."""
    return len(word) < 2 or word in _NO_NAMES or not word.strip("x")


def _plain(word: str) -> str:
    return word.strip(".'’-").lower().removesuffix("'s").removesuffix("’s")


@lru_cache(maxsize=200_000)
def runs(piece: str) -> tuple[tuple[int, int], ...]:
    """Every run of words with capitals in a piece, without those that are no names."""
    return tuple(
        span for match in _NAMES.finditer(piece) for span in _trimmed(piece, *match.span(), strict=False)
    )


def probable(piece: str, given: frozenset[str]) -> tuple[tuple[int, int], ...]:
    """Where names stand in any piece, known by a first name that this data has shown to be one."""
    found = []
    if _ALONE.match(piece) and any(begins_with_given(piece[slice(*run)], given) for run in runs(piece)):
        return runs(piece)  # "Roe, Ann"
    for start, end in runs(piece):
        words = [(m.start() + start, m.group()) for m in regex.finditer(r"\S+", piece[start:end])]
        at = next((place for place, word in words if _plain(word) in given), None)
        if at is not None and (
            " " in piece[at:end] or _BEGINS["greeting"].search(piece) or at_the_end(piece, end)
        ):
            found.append((at, end))
    return tuple(found)


def begins_with_given(run: str, given: frozenset[str]) -> bool:
    """Whether a run of capitals holds a first name."""
    return any(_plain(word) in given for word in run.split())


def at_the_end(piece: str, end: int) -> bool:
    """Whether nothing but marks follows: a single first name counts only there."""
    return not regex.search(r"\p{L}", regex.sub(r"<[^<>]*>", "", piece[end:])) and not piece[end:].startswith(
        " "
    )


def given_names(names: Iterable[str]) -> frozenset[str]:
    """First names, in small letters, from names that are certain."""
    # of "Roe, Ann" both: which is the first name, nobody knows
    parts = (part for name in names for part in name.split(","))
    first = (_plain(part.split()[0]) for part in parts if part.strip())
    return frozenset(word for word in first if not _is_none(word))


def reads_as_name(cells: pl.Series) -> pl.Series:
    """Which cells are nothing but one to four words with capitals, as in a column of names."""
    return cells.str.contains(
        rf"^\s*{_TITLE}?{_WORD}(?:[ \t]+{_PART}){{0,3}}\s*$|^\s*{_WORD},[ \t]+{_WORD}\s*$"
    ).fill_null(False)


_NAMED = regex.compile(
    r"(?i)(?:^|[\W_])(?:(?:full|first|last|given|family|sur|middle|customer|client|contact|holder|account_?holder|employee|"
    r"user|display|sender|recipient|person|patient)[\W_]*name|name|surname|forename|customer|client|contact|sender|"
    r"recipient|from|author|agent|assignee|requester|holder|vorname|nachname|nom|pr[eé]nom|nombre|apellidos?)(?:$|[\W_])"
)
_OF_THINGS = regex.compile(
    r"(?i)product|file|column|bank|company|organi[sz]ation|store|shop|city|country|street|place|town|region|event|template|"
    r"brand|category|project|domain|host|model|campaign|department|channel|topic|label|intent"
)


def named_like_people(column: str) -> bool:
    """Whether a column's name says that it holds names of people."""
    words = regex.sub(r"(?<=\p{Ll})(?=\p{Lu})", "_", column)
    return bool(_NAMED.search(words)) and not _OF_THINGS.search(words)
