"""Reading what people have, from CSV to mailboxes: every cell as text, no row lost, no code in the data ever run."""

from tailor.data.readers.formats import FORMATS, format_of
from tailor.data.readers.found import Found, Limits, Options, Piece, Stream, Unreadable
from tailor.data.readers.open import read_file, stream_file

__all__ = [
    "FORMATS",
    "Found",
    "Limits",
    "Options",
    "Piece",
    "Stream",
    "Unreadable",
    "format_of",
    "read_file",
    "stream_file",
]
