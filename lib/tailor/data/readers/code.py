"""Source code: a row for each file, or for each function where the language can be cut; parsed, never run."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tailor.data.readers.documents import clean
from tailor.data.readers.formats import LANGUAGES, sniff
from tailor.data.readers.found import Gathering, Limits, Options, Piece, Stream
from tailor.data.readers.text import read_text
from tailor.errors import WorkbenchError

COLUMNS = ["file", "language", "name", "code"]
_LARGEST = 1_000_000
"""Bytes; larger files of source code are written by programs."""


def stream_code(files: list[tuple[Path, str]], limits: Limits, options: Options) -> Stream:
    """Read source files, one after the other; what is no text, or too large to be written by hand, is set aside.

    Args:
        files: each with its name inside the source, "" for a file that is the whole source.
    """
    stream = Stream("code", columns=list(COLUMNS))
    stream.pieces = _pieces(files, limits, options, stream)
    return stream


def _pieces(
    files: list[tuple[Path, str]], limits: Limits, options: Options, stream: Stream
) -> Iterator[Piece]:
    found = Gathering()
    languages: Counter = Counter()
    whole = 0
    for path, name in files:
        language = LANGUAGES.get(path.suffix.lower(), "text")
        try:
            text = _text(path, limits, options)
        except WorkbenchError as error:
            found.set_aside(0, error.found, "", name)
            continue
        languages[language] += 1
        functions = _functions(text) if options.code == "function" and language == "Python" else None
        whole += functions is None
        for line, title, code in functions if functions is not None else [(1, "", text)]:
            found.add(line, [clean(cell) for cell in (name or path.name, language, title, code)], name)
        if found.full:
            yield found.take(stream.columns)
    stream.notes.append("files: " + ", ".join(f"{count:,} {name}" for name, count in languages.most_common()))
    if options.code == "function" and whole:
        stream.notes.append(f"{whole:,} files are one row each: only sound Python is cut into functions")
    yield found.take(stream.columns)


def _text(path: Path, limits: Limits, options: Options) -> str:
    size = path.stat().st_size
    if size > _LARGEST:
        raise WorkbenchError(f"has {size:,} bytes, more than source code written by hand", "", "")
    if not size or sniff(path, options.encoding) == "binary":
        raise WorkbenchError("is empty" if not size else "holds control characters: it is no text", "", "")
    text, _, _ = read_text(path, limits, options.encoding)
    return text.replace("\r\n", "\n").removeprefix("\ufeff")


def _functions(text: str) -> list[tuple[int, str, str]] | None:
    """(line, name, source) of each function and method in Python code; None where it is not sound Python."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    lines = text.splitlines(keepends=True)
    found = []

    def visit(body: list[ast.stmt], inside: str) -> None:
        for node in body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                start = min([node.lineno, *(d.lineno for d in node.decorator_list)])
                found.append((start, f"{inside}{node.name}", "".join(lines[start - 1 : node.end_lineno])))
            elif isinstance(node, ast.ClassDef):
                visit(node.body, f"{inside}{node.name}.")

    visit(tree.body, "")
    return found or None
