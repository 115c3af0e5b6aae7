"""Which kind of file is which, by its ending and, where that says nothing, by its first lines."""

import re
from pathlib import Path

from tailor.data.readers.delimited import looks_delimited
from tailor.data.readers.file_bytes import byte_blocks
from tailor.data.readers.found import Limits
from tailor.data.readers.text import decode, wide_without_mark

FORMATS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".txt": "plain",
    ".md": "text",
    ".markdown": "text",
    ".rst": "text",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".pdf": "pdf",
    ".docx": "docx",
    ".eml": "mail",
    ".mbox": "mail",
    ".db": "database",
    ".sqlite": "database",
    ".sqlite3": "database",
    ".zip": "zip",
}
LANGUAGES = {
    ".py": "Python",
    ".pyi": "Python",
    ".js": "JavaScript",
    ".mjs": "JavaScript",
    ".jsx": "JavaScript",
    ".ts": "TypeScript",
    ".tsx": "TypeScript",
    ".java": "Java",
    ".kt": "Kotlin",
    ".scala": "Scala",
    ".c": "C",
    ".h": "C",
    ".cc": "C++",
    ".cpp": "C++",
    ".cxx": "C++",
    ".hpp": "C++",
    ".cs": "C#",
    ".go": "Go",
    ".rs": "Rust",
    ".rb": "Ruby",
    ".php": "PHP",
    ".swift": "Swift",
    ".m": "Objective-C",
    ".r": "R",
    ".jl": "Julia",
    ".lua": "Lua",
    ".pl": "Perl",
    ".sh": "Shell",
    ".bash": "Shell",
    ".ps1": "PowerShell",
    ".sql": "SQL",
    ".hs": "Haskell",
    ".ml": "OCaml",
    ".ex": "Elixir",
    ".erl": "Erlang",
    ".clj": "Clojure",
    ".dart": "Dart",
    ".vue": "Vue",
    ".css": "CSS",
    ".abap": "ABAP",
    ".cob": "COBOL",
    ".cbl": "COBOL",
    ".f90": "Fortran",
    ".vb": "Visual Basic",
    ".tf": "Terraform",
}
PACKED = ("csv", "json", "plain", "text", "html")
"""Formats that are also read as `.gz`."""

_MAILBOX = re.compile(rb"From \S.*\d{4}\s*\n[A-Za-z-]+:")

_CONTROLS = bytes([*range(9), *range(14, 32)])
"""Characters that text does not hold, NUL first of all."""

TABLES = ("csv", "json", "parquet", "arrow", "excel", "database")
DOCUMENTS = ("text", "html", "pdf", "docx")


def format_of(path: Path) -> str | None:
    """The reader that a file's ending asks for, or None. `.csv.gz` counts as `.csv`.

    "plain" is text that may be a table or prose; `sniff` tells them apart.
    """
    endings = [ending.lower() for ending in path.suffixes]
    if endings[-1:] == [".gz"]:
        kind = FORMATS.get(endings[-2]) if len(endings) > 1 else None
        return kind if kind in PACKED else None
    if not endings:
        return None
    return FORMATS.get(endings[-1]) or ("code" if endings[-1] in LANGUAGES else None)


def sniff(path: Path, encoding: str = "") -> str:
    """Whether a file without a telling ending is a table ("csv"), prose ("text"), a mailbox ("mail") or no text at all
    ("binary").

    Raises:
        WorkbenchError: it cannot be unpacked.
    """
    sample = next(byte_blocks(path, Limits()), b"")[:100_000]
    marked = sample.startswith((b"\xff\xfe", b"\xfe\xff")) or wide_without_mark(sample)
    if len(sample) - len(sample.translate(None, _CONTROLS)) > len(sample) // 100 and not marked:
        return "binary"
    if _MAILBOX.match(sample):
        return "mail"
    lines = decode(sample, path, encoding)[0].splitlines()[:200]
    return "csv" if looks_delimited(lines[:-1] if len(lines) > 3 else lines) else "text"
