"""Reading what people have: CSV, JSON Lines, JSON, Parquet and Excel, every cell as text, no row lost."""

from tailor.data.readers.found import Found, Limits, Options, Piece, Stream, Unreadable
from tailor.data.readers.open import FORMATS, format_of, read_file, stream_file

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
