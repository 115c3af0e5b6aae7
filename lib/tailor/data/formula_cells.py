"""Cells that a spreadsheet would compute: disarmed by an apostrophe on the way out, and given back on the way in."""

import re
from collections.abc import Iterator
from dataclasses import replace

import polars as pl

from tailor.data.readers.found import Piece, Stream

_FORMULA = re.compile(r"[\t\r\n]|[\s\u00a0]*[=+\-@\uff1d\uff0b\uff0d\uff20]")
_DISARMED = re.compile(r"'+(?:[\t\r\n]|[\s\u00a0]*[=+\-@\uff1d\uff0b\uff0d\uff20])")


def is_formula(cell: str) -> bool:
    """Whether a spreadsheet might compute a cell: =, +, - or @ at its start (also after blanks and in full width), or
    a tab or a line break there. Source: owasp.org, CSV Injection."""
    return bool(_FORMULA.match(cell))


def disarm(cell: str) -> str:
    """The cell as text that no spreadsheet computes. `rearm` gives exactly the cell back.

    A cell that already starts with apostrophes before a formula gets one more, so that one can always be taken off.
    """
    return f"'{cell}" if _FORMULA.match(cell) or _DISARMED.match(cell) else cell


def rearm(cell: str) -> str:
    """The cell that `disarm` was given. Only cells that start with an apostrophe before a formula are changed."""
    return cell[1:] if _DISARMED.match(cell) else cell


def rearmed(stream: Stream) -> Stream:
    """A source on its way, its disarmed cells as they were before; how many there were is noted."""
    stream.pieces = _rearm_pieces(stream, stream.pieces)
    return stream


def _rearm_pieces(stream: Stream, pieces: Iterator[Piece]) -> Iterator[Piece]:
    changed = 0
    for piece in pieces:
        texts = [name for name in piece.frame.columns if piece.frame[name].str.starts_with("'").any()]
        armed = {name: piece.frame[name].str.contains(f"^(?:{_DISARMED.pattern})") for name in texts}
        changed += sum(int(marks.sum() or 0) for marks in armed.values())
        frame = piece.frame.with_columns(
            pl.when(marks).then(pl.col(name).str.slice(1)).otherwise(pl.col(name)).alias(name)
            for name, marks in armed.items()
        )
        yield replace(piece, frame=frame)
    if changed:
        stream.notes.append(
            f"{changed:,} cells began with an apostrophe that keeps a spreadsheet from computing them; it was taken off"
        )
