"""Documents as rows: a whole file, a section (or page) or a paragraph each; text, Markdown, HTML, PDF and Word."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tailor.data.readers.file_bytes import check_size
from tailor.data.readers.formats import format_of
from tailor.data.readers.found import Gathering, Limits, Options, Piece, Stream, list_some
from tailor.data.readers.text import read_text, replace_surrogates
from tailor.errors import WorkbenchError

COLUMNS = ["file", "title", "section", "text"]

_HEADING = re.compile(r"#{1,6}\s+(.*?)\s*#*$")
_BLANK = re.compile(r"\n[ \t]*\n\s*")


@dataclass(frozen=True)
class Section:
    """A part of a document.

    Attributes:
        place: its first line in a text file, its page in a PDF, its number elsewhere.
    """

    place: int
    heading: str
    text: str


@dataclass
class Document:
    """A document as read.

    Attributes:
        bad: parts without text: place and reason.
    """

    title: str
    sections: list[Section]
    bad: list[tuple[int, str]] = field(default_factory=list)
    encoding: str = ""
    notes: list[str] = field(default_factory=list)


def stream_documents(files: list[tuple[Path, str]], limits: Limits, options: Options) -> Stream:
    """Read documents, one after the other.

    Args:
        files: each with its name inside the source, "" for a file that is the whole source.

    Raises:
        WorkbenchError: the only file cannot be read; one of several is set aside with the reason.
    """
    kinds = Counter(_kind(path) for path, _ in files)
    stream = Stream(", ".join(sorted(kinds)), columns=list(COLUMNS))
    stream.pieces = _pieces(files, limits, options, stream)
    return stream


def _kind(path: Path) -> str:
    kind = format_of(path)
    return kind if kind in _READERS else "text"


def _pieces(
    files: list[tuple[Path, str]], limits: Limits, options: Options, stream: Stream
) -> Iterator[Piece]:
    found = Gathering()
    encodings: Counter = Counter()
    notes: defaultdict[str, list[str]] = defaultdict(list)
    for path, name in files:
        try:
            document = read_document(path, limits, options)
        except WorkbenchError as error:
            if not name:
                raise
            found.set_aside(0, error.found, "", name)
            continue
        encodings[document.encoding] += bool(document.encoding)
        for note in document.notes:
            notes[note].append(name)
        for place, reason in document.bad:
            found.set_aside(place, reason, "", name)
        for section in _passages(document, options.passages):
            cells = [name or path.name, document.title, section.heading, section.text.strip()]
            found.add(section.place, [clean(cell) for cell in cells], name)
        if found.full:
            yield found.take(stream.columns)
    stream.encoding = " and ".join(sorted(filter(None, encodings))) or None
    stream.notes += [f"{list_some(names)}: {note}" if any(names) else note for note, names in notes.items()]
    yield found.take(stream.columns)


def clean(text: str) -> str:
    """Text without what a table cannot hold: NUL, and halves of character pairs."""
    return replace_surrogates(text).replace("\x00", "")


def read_document(path: Path, limits: Limits, options: Options) -> Document:
    """Read one document.

    Raises:
        WorkbenchError: empty, too large, damaged, locked, or in another encoding than the one chosen.
    """
    if path.stat().st_size == 0:
        raise WorkbenchError(f"{path.name} is empty (0 bytes)", "a file with text", "leave it out")
    check_size(path, limits.bytes)
    document = _READERS[_kind(path)](path, limits, options)
    if not document.bad and not any(section.text.strip() for section in document.sections):
        document.bad.append((0, "holds no text"))
    return document


def _passages(document: Document, wanted: str) -> Iterator[Section]:
    sections = [section for section in document.sections if section.text.strip()]
    if wanted == "section":
        yield from sections
    elif wanted == "file" and sections:
        whole = "\n\n".join(f"{s.heading}\n{s.text}" if s.heading else s.text for s in sections)
        yield Section(1, "", whole)
    elif wanted == "paragraph":
        places_are_lines = bool(document.encoding)
        number = 0
        for section in sections:
            line = section.place + bool(section.heading)
            for text, before in _paragraphs(section.text):
                number += 1
                yield Section(line + before if places_are_lines else number, section.heading, text)


def _paragraphs(text: str) -> Iterator[tuple[str, int]]:
    """Paragraphs, each with the number of lines before it."""
    start = 0
    for gap in [*_BLANK.finditer(text), None]:
        end = gap.start() if gap else len(text)
        if text[start:end].strip():
            yield text[start:end].strip("\n"), text.count("\n", 0, start)
        start = gap.end() if gap else end


def _read_plain(path: Path, limits: Limits, options: Options) -> Document:
    text, encoding, notes = read_text(path, limits, options.encoding)
    text = text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    markdown = path.name.lower().removesuffix(".gz").endswith((".md", ".markdown"))
    sections = _by_heading(text) if markdown else [Section(1, "", text)]
    title = next((s.heading for s in sections if s.heading), "") or path.name.partition(".")[0]
    return Document(title, sections, encoding=encoding, notes=notes)


def _by_heading(text: str) -> list[Section]:
    """Markdown cut at its headings; those inside fenced code are none."""
    sections, fenced = [], False
    start, heading, lines = 1, "", []
    for number, line in enumerate(text.split("\n"), start=1):
        fenced ^= line.lstrip().startswith(("```", "~~~"))
        found = None if fenced else _HEADING.match(line)
        if found:
            sections.append(Section(start, heading, "\n".join(lines)))
            start, heading, lines = number, found[1], []
        else:
            lines.append(line)
    return [*sections, Section(start, heading, "\n".join(lines))]


def _read_html(path: Path, limits: Limits, options: Options) -> Document:
    from tailor.data.readers.html_pages import read_page

    text, encoding, notes = read_text(path, limits, options.encoding or _declared(path))
    try:
        title, sections = read_page(text)
    except ValueError as error:
        raise WorkbenchError(f"{path.name} {error}", "a web page", "leave it out") from None
    parts = [Section(number, heading, body) for number, (heading, body) in enumerate(sections, start=1)]
    document = Document(title or path.name.partition(".")[0], parts, notes=notes)
    document.notes = [*notes, *([f"its encoding is {encoding}"] if encoding != "utf-8" else [])]
    return document


def _declared(path: Path) -> str:
    """The encoding a page names itself, where Python knows it and the bytes agree; else ""."""
    head = path.read_bytes()[:4_000] if path.suffix.lower() != ".gz" else b""
    named = re.search(rb"""<meta[^>]+charset=["']?([\w-]+)""", head, re.IGNORECASE)
    name = named[1].decode("ascii").lower() if named else ""
    try:
        path.read_bytes().decode(name or "utf-8")
    except (LookupError, UnicodeDecodeError):
        return ""
    return name


def _read_pdf(path: Path, limits: Limits, options: Options) -> Document:
    from tailor.data.readers.pdf import read_pages

    title, pages, broken = read_pages(path)
    empty = [number for number, text in enumerate(pages, start=1) if not text.strip()]
    sections = [Section(number, f"page {number}", text) for number, text in enumerate(pages, start=1)]
    if len(empty) == len(pages) and not broken:
        reason = (
            f"none of its pages ({len(pages):,}) has text: they are pictures, probably scanned; "
            "a program for text recognition (OCR) makes a PDF with text from it"
        )
        return Document(title, [], [(0, reason)])
    picture = "this page has no text; it may be a picture"
    return Document(title, sections, [(n, broken.get(n, picture)) for n in empty])


def _read_docx(path: Path, limits: Limits, options: Options) -> Document:
    from tailor.data.readers.word import read_docx

    title, sections = read_docx(path, limits)
    return Document(title, [Section(n, heading, text) for n, (heading, text) in enumerate(sections, start=1)])


_READERS: dict[str, Callable[[Path, Limits, Options], Document]] = {
    "text": _read_plain,
    "html": _read_html,
    "pdf": _read_pdf,
    "docx": _read_docx,
}
