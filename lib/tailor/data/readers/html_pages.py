"""The text of a web page: nothing in it is run or fetched, scripts and styles are left out, tables become lines."""

import re

_GONE = ["script", "style", "noscript", "template", "svg", "iframe", "object", "embed", "math", "head"]
_BLOCKS = (
    "address,article,aside,blockquote,br,dd,div,dl,dt,fieldset,figcaption,figure,footer,form,header,hr,li,main,nav,ol,"
    "p,pre,section,table,tr,ul"
)
_HEADINGS = "h1,h2,h3,h4,h5,h6"
# Marks that no page holds once they are removed from it: between blocks, around headings, between table cells.
_BREAK, _OPEN, _CLOSE, _CELL = "\x1e", "\x1d", "\x1c", "\x1f"
_NESTING = re.compile(
    r"<(/?)(?:div|section|article|main|blockquote|table|ul|ol|span|font|b|i|em|strong|a)\b", re.IGNORECASE
)
DEEPEST = 1_000
_MARKS = re.compile(f"[{_BREAK}{_OPEN}{_CLOSE}{_CELL}\x00]")


def read_page(html: str) -> tuple[str, list[tuple[str, str]]]:
    """A page's title, and its text cut at its headings as (heading, text).

    Raises:
        ValueError: tags nested deeper than any page has them; the parser would take minutes.
    """
    from selectolax.lexbor import LexborHTMLParser

    depth = 0
    for tag in _NESTING.finditer(html):
        depth = max(0, depth - 1) if tag[1] else depth + 1
        if depth > DEEPEST:
            raise ValueError(f"has tags nested more than {DEEPEST:,} deep")
    tree = LexborHTMLParser(_MARKS.sub("", html))
    found = tree.css_first("title") or tree.css_first("h1")
    title = " ".join(found.text().split()) if found else ""
    tree.strip_tags(_GONE)
    if tree.body is None:
        return title, []
    for selector, before, after in (
        (_BLOCKS, _BREAK, _BREAK),
        (_HEADINGS, _BREAK + _OPEN, _CLOSE + _BREAK),
        ("td,th", "", _CELL),
    ):
        for node in tree.body.css(selector):
            if before:
                node.insert_before(before)
            node.insert_after(after)
    return title, _sections(tree.body.text(deep=True))


def _sections(marked: str) -> list[tuple[str, str]]:
    first, *others = marked.split(_OPEN)
    sections = [("", _lines(first))]
    for part in others:
        heading, _, text = part.partition(_CLOSE)
        sections.append((" ".join(_MARKS.sub(" ", heading).split()), _lines(text.replace(_CLOSE, ""))))
    return [(heading, text) for heading, text in sections if heading or text]


def _lines(marked: str) -> str:
    lines = (" ".join(part.replace(_CELL, " | ").split()) for part in marked.split(_BREAK))
    return "\n".join(line.removesuffix(" |").strip() for line in lines if line.strip(" |"))
