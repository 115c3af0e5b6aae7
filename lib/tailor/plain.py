"""Values and blocks as plain text: for terminals, logs and executed copies read without a browser."""

import re
from collections.abc import Sequence
from typing import Any

from tailor.blocks import Block, Callout, Differences, Figure, Heading, Table, Text, Tokens
from tailor.differences import Piece, differences
from tailor.records import Estimate

CALLOUT_WORDS = {"good": "Good", "note": "Note", "warning": "Warning", "bad": "Problem"}
_UNSHOWABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_LONGEST_CELL = 600


def visible(text: str) -> str:
    """Text with control characters, direction overrides and lone surrogates replaced by their code in brackets."""
    return _UNSHOWABLE.sub(lambda match: f"[U+{ord(match[0]):04X}]", text)


def format_value(value: Any) -> str:
    """A table cell's text: numbers with a sensible number of digits, intervals in words, very long text cut."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return _format_float(value)
    if isinstance(value, Estimate):
        low, high = _format_float(value.low), _format_float(value.high)
        return f"{_format_float(value.value)} ({low} to {high})"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {format_value(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple, set)):
        return ", ".join(format_value(item) for item in value)
    return _cut(str(value))


def _cut(text: str) -> str:
    if len(text) <= _LONGEST_CELL:
        return visible(text)
    return f"{visible(text[:_LONGEST_CELL])} … ({len(text) - _LONGEST_CELL:,} more characters)"


def _format_float(value: float) -> str:
    size = abs(value)
    if size >= 1000:
        return f"{value:,.0f}"
    if size >= 10:
        return f"{value:.1f}"
    return f"{value:.3f}" if size >= 1e-3 or value == 0 else f"{value:.3g}"


def is_number(value: Any) -> bool:
    """Whether a table cell is right-aligned."""
    return isinstance(value, (int, float, Estimate)) and not isinstance(value, bool)


def number_columns(table: Table) -> list[bool]:
    """For each column: are all its values numbers?"""
    columns = [[row[i] for row in table.rows if row[i] is not None] for i in range(len(table.columns))]
    return [bool(column) and all(map(is_number, column)) for column in columns]


def cut_note(table: Table) -> str:
    """ "Rows 1 to 30 of 1,200." where a table is cut, else nothing."""
    return f"Rows 1 to {table.show:,} of {len(table.rows):,}." if len(table.rows) > table.show else ""


def to_text(block: Block) -> str:
    """A block as plain text."""
    match block:
        case Heading(text):
            return f"{visible(text)}\n{'-' * len(text)}"
        case Text(text):
            return visible(text)
        case Callout(text, kind):
            return f"{CALLOUT_WORDS[kind]}: {visible(text)}"
        case Table():
            return _table_text(block)
        case Figure(_, alt):
            return f"[Figure: {visible(alt)}]"
        case Tokens():
            return _tokens_text(block)
        case Differences():
            return _differences_text(block)


def _differences_text(block: Differences) -> str:
    """Each pair in two lines, `[-what went-]` and `{+what came+}`."""
    lines = []
    for name, before, after in block.rows:
        left, right = differences(before, after)
        lines += [visible(name), f"  - {''.join(map(_marked, left))}", f"  + {''.join(map(_marked, right))}"]
    return "\n".join([*lines, visible(block.caption)]).rstrip()


def _marked(piece: Piece) -> str:
    text, kind = piece
    plain = visible(text).replace("\n", "⏎")
    return {"same": plain, "gone": f"[-{plain}-]", "new": f"{{+{plain}+}}"}[kind]


def _table_text(table: Table, widest: int = 60) -> str:
    rows = [[_one_line(format_value(value), widest) for value in row] for row in table.rows[: table.show]]
    header = [_one_line(str(name), widest) for name in table.columns]
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    right = number_columns(table)
    lines = [_line(header, widths, right), _line(["-" * width for width in widths], widths, right)]
    lines += [_line(row, widths, right) for row in rows]
    notes = [visible(note) for note in (table.caption, cut_note(table)) if note]
    return "\n".join(lines + notes)


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = [
        cell.rjust(width) if align else cell.ljust(width)
        for cell, width, align in zip(cells, widths, right, strict=True)
    ]
    return "  ".join(padded).rstrip()


def _one_line(text: str, widest: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= widest else text[: widest - 1] + "…"


def show_blanks(text: str) -> str:
    """Token text with its spaces, tabs and line breaks made visible; a break is kept as a break too."""
    shown = visible(text).replace(" ", "·").replace("\t", "⇥").replace("\r", "␍").replace("\n", "⏎\n")
    return shown or "∅"


BRACKETS = (("[", "]"), ("", ""), ("{", "}"), ("<", ">"), ("(", ")"))


def _tokens_text(tokens: Tokens) -> str:
    kinds = token_kinds(tokens)
    marks = {kind: BRACKETS[i % len(BRACKETS)] for i, kind in enumerate(kinds)}
    body = "".join(f"{marks[kind][0]}{show_blanks(text)}{marks[kind][1]}" for text, kind in tokens.pieces)
    legend = "; ".join(f"{marks[k][0]}…{marks[k][1]} {meaning}" for k, meaning in kinds.items())
    return "\n".join(part for part in (body, legend, visible(tokens.caption)) if part)


def token_kinds(tokens: Tokens) -> dict[str, str]:
    """Kind -> meaning, in the legend's order; a kind that the legend leaves out stands for itself."""
    return dict(tokens.legend) | {kind: kind for _, kind in tokens.pieces if kind not in tokens.legend}
