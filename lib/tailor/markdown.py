"""Blocks as Markdown: for the report that stands in a repository, and the card that ships with a model."""

from collections.abc import Sequence
from typing import Any

from tailor.blocks import Block, Callout, Figure, Heading, Table, Text
from tailor.plain import CALLOUT_WORDS, cut_note, format_value, number_columns, to_text, visible


def plain_markdown(text: Any) -> str:
    """Text on one line, with nothing that Markdown or HTML would read as markup."""
    words = " ".join(visible(str(text)).split())
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>#|!" else c for c in words)


def to_markdown(block: Block) -> str:
    """A block as Markdown; figures by what they show, coloured texts as plain ones."""
    match block:
        case Heading(text):
            return f"### {plain_markdown(text)}"
        case Text(text):
            return plain_markdown(text)
        case Callout(text, kind):
            return f"> **{CALLOUT_WORDS[kind]}.** {plain_markdown(text)}"
        case Figure(_, alt):
            return f"*Figure, in the HTML report: {plain_markdown(alt)}*"
        case Table():
            return _table(block)
        case _:
            return "\n".join(f"    {line}" for line in to_text(block).splitlines())


def _table(table: Table) -> str:
    rules = ["---:" if number else "---" for number in number_columns(table)]
    rows = [[format_value(value) for value in row] for row in table.rows[: table.show]]
    lines = [_row(table.columns), f"|{'|'.join(rules)}|", *map(_row, rows)]
    notes = " ".join(note for note in (table.caption, cut_note(table)) if note)
    return "\n".join(lines) + (f"\n\n{plain_markdown(notes)}" if notes else "")


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(plain_markdown(cell) for cell in cells)} |"
