"""Blocks as HTML, for notebooks and the report alike. All text is escaped; styles stand on each element, since
JupyterLab strips style sheets from notebooks it does not trust, and executed copies are such notebooks."""

import base64
import io
import warnings
from html import escape
from typing import Any

from tailor.blocks import Block, Callout, Differences, Figure, Heading, Table, Text, Tokens
from tailor.differences import Piece, differences
from tailor.plain import (
    CALLOUT_WORDS,
    cut_note,
    format_value,
    number_columns,
    show_blanks,
    token_kinds,
    visible,
)

INK = "color:var(--jp-ui-font-color1,#1b1b1b)"
FAINT = "color:var(--jp-ui-font-color2,#5c5c5c)"
LINE = "var(--jp-border-color2,#d0d0d0)"
_FONT = "font-family:var(--jp-ui-font-family,system-ui,sans-serif);font-size:13px;line-height:1.45"
_CELL = "padding:4px 10px;vertical-align:top"
_TEXT_CELL = f"{_CELL};text-align:left;white-space:pre-wrap;overflow-wrap:anywhere;max-width:60ch"
_SHORT_CELL = (
    f"{_CELL};text-align:left;white-space:nowrap"  # beside long texts it would be broken inside a word
)
_NUMBER_CELL = f"{_CELL};text-align:right;white-space:nowrap"
_CALLOUTS = {
    "good": ("✔", "#009e73"),
    "note": ("ℹ", "#0072b2"),
    "warning": ("⚠", "#e69f00"),
    "bad": ("✖", "#d55e00"),
}
_TOKEN_MARKS = (  # background and underline: each kind is told apart without colour too
    ("rgba(0,158,115,0.25)", "2px solid #009e73"),
    ("rgba(128,128,128,0.12)", "2px solid transparent"),
    ("rgba(86,180,233,0.25)", "2px dashed #0072b2"),
    ("rgba(230,159,0,0.25)", "2px dotted #b87f00"),
    ("rgba(204,121,167,0.25)", "3px double #a4517f"),
)


def safe(text: Any) -> str:
    """Escaped text, with unshowable characters made visible."""
    return escape(visible(str(text)))


def to_html(block: Block) -> str:
    """A block as an HTML fragment."""
    match block:
        case Heading(text):
            body = f'<h4 style="{INK};margin:14px 0 4px 0">{safe(text)}</h4>'
        case Text(text):
            body = f'<p style="{INK};margin:4px 0;max-width:80ch;white-space:pre-wrap">{safe(text)}</p>'
        case Callout():
            body = _callout_html(block)
        case Table():
            body = _table_html(block)
        case Figure():
            body = _figure_html(block)
        case Tokens():
            body = _tokens_html(block)
        case Differences():
            body = _differences_html(block)
    # the class keeps MathJax from taking "$5 and $6" in someone's data for a formula
    return f'<div class="tailor-block tex2jax_ignore mathjax_ignore" style="{_FONT}">{body}</div>'


def _callout_html(callout: Callout) -> str:
    sign, colour = _CALLOUTS[callout.kind]
    style = f"border-left:4px solid {colour};padding:6px 12px;margin:6px 0;max-width:90ch;{INK}"
    return (
        f'<div style="{style}"><b>{sign} {CALLOUT_WORDS[callout.kind]}.</b> '
        f'<span style="white-space:pre-wrap">{safe(callout.text)}</span></div>'
    )


def _column_style(table: Table, at: int, number: bool) -> str:
    if number:
        return _NUMBER_CELL
    texts = [table.columns[at], *(format_value(row[at]) for row in table.rows[: table.show])]
    return _SHORT_CELL if all(len(text) <= 12 and "\n" not in text for text in texts) else _TEXT_CELL


def _table_html(table: Table) -> str:
    styles = [_column_style(table, at, number) for at, number in enumerate(number_columns(table))]
    head = "".join(
        f'<th style="{style};position:sticky;top:0;font-weight:600;{INK};'
        f'background:var(--jp-layout-color2,#eeeeee)">{safe(name)}</th>'
        for name, style in zip(table.columns, styles, strict=True)
    )
    body = "".join(_row_html(row, styles) for row in table.rows[: table.show])
    notes = " ".join(note for note in (table.caption, cut_note(table)) if note)
    caption = f'<div style="{FAINT};margin:2px 0 8px 0">{safe(notes)}</div>' if notes else ""
    return (
        f'<div style="max-height:480px;overflow:auto;margin:6px 0">'
        f'<table style="border-collapse:collapse;margin:0;font-size:13px"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>{caption}"
    )


def _row_html(row: Any, styles: list[str]) -> str:
    cells = "".join(
        f'<td style="{style};border-bottom:1px solid {LINE};{INK}">{safe(format_value(value))}</td>'
        for value, style in zip(row, styles, strict=True)
    )
    return f"<tr>{cells}</tr>"


_MARKS = {  # told apart without colour too: struck through, underlined
    "same": "",
    "gone": "background-color:rgba(213,94,0,0.18);text-decoration:line-through",
    "new": "background-color:rgba(0,158,115,0.22);text-decoration:underline",
}


def _differences_html(block: Differences) -> str:
    head = "".join(
        f'<th style="{style};position:sticky;top:0;font-weight:600;{INK};'
        f'background:var(--jp-layout-color2,#eeeeee)">{name}</th>'
        for name, style in (("row", _SHORT_CELL), ("before", _TEXT_CELL), ("after", _TEXT_CELL))
    )
    lines = []
    for name, before, after in block.rows:
        left, right = differences(before, after)
        cells = (
            f'<td style="{_SHORT_CELL};border-bottom:1px solid {LINE};{FAINT}">{safe(name)}</td>',
            *(
                f'<td style="{_TEXT_CELL};border-bottom:1px solid {LINE};{INK}">{"".join(map(_marked, pieces))}</td>'
                for pieces in (left, right)
            ),
        )
        lines.append(f"<tr>{''.join(cells)}</tr>")
    caption = f'<div style="{FAINT};margin:2px 0 8px 0">{safe(block.caption)}</div>' if block.caption else ""
    return (
        f'<div style="max-height:480px;overflow:auto;margin:6px 0">'
        f'<table style="border-collapse:collapse;margin:0;font-size:13px"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>{caption}"
    )


def _marked(piece: Piece) -> str:
    text, kind = piece
    return safe(text) if kind == "same" else f'<span style="{_MARKS[kind]}">{safe(show_blanks(text))}</span>'


def _tokens_html(tokens: Tokens) -> str:
    kinds = token_kinds(tokens)
    marks = {kind: _TOKEN_MARKS[i % len(_TOKEN_MARKS)] for i, kind in enumerate(kinds)}
    pieces = "".join(_piece(show_blanks(text), *marks[kind]) for text, kind in tokens.pieces)
    legend = "".join(
        f'<span style="margin-right:18px">{_piece("abc", *marks[kind])} {safe(meaning)}</span>'
        for kind, meaning in kinds.items()
    )
    caption = f'<div style="{FAINT}">{safe(tokens.caption)}</div>' if tokens.caption else ""
    strip = (
        f"font-family:var(--jp-code-font-family,monospace);font-size:13px;line-height:2;{INK};"
        f"white-space:pre-wrap;overflow-wrap:anywhere;max-height:480px;overflow:auto;margin:6px 0;"
        f"padding:6px 10px;border:1px solid {LINE}"
    )
    return f'<div style="{INK}">{legend}</div><div style="{strip}">{pieces}</div>{caption}'


def _piece(text: str, background: str, underline: str) -> str:
    style = f"background-color:{background};border-bottom:{underline};padding:1px 0;margin-right:2px"
    return f'<span style="{style}">{safe(text)}</span>'


def figure_png(figure: Figure) -> bytes:
    """Draw a figure block; returns a PNG at twice the screen's resolution."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # boxes say it well enough
        figure.draw().savefig(buffer, format="png", dpi=160, facecolor="white")
    return buffer.getvalue()


def _figure_html(figure: Figure) -> str:
    data = base64.b64encode(figure_png(figure)).decode()
    alt = escape(visible(figure.alt), quote=True)
    return f'<img alt="{alt}" title="{alt}" style="max-width:100%;width:720px" src="data:image/png;base64,{data}">'
