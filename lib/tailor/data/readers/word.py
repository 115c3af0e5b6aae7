"""The text of a Word document by python-docx: paragraphs under their headings, tables as lines."""

import zipfile
import zlib
from pathlib import Path
from typing import Any

from tailor.data.readers.file_bytes import too_large
from tailor.data.readers.found import Limits
from tailor.errors import WorkbenchError


def read_docx(path: Path, limits: Limits) -> tuple[str, list[tuple[str, str]]]:
    """A document's title, and its text cut at its headings as (heading, text).

    Raises:
        WorkbenchError: not a .docx file, damaged, or too large unpacked.
    """
    import docx
    from docx.opc.exceptions import PackageNotFoundError
    from lxml.etree import XMLSyntaxError

    try:
        with zipfile.ZipFile(path) as packed:
            size = sum(item.file_size for item in packed.infolist())
        if size > limits.bytes:
            raise too_large(path, f"{size:,} bytes unpacked", limits.bytes)
        document = docx.Document(str(path))
        sections = _sections(document)
    except (
        *(OSError, KeyError, ValueError, TypeError, AttributeError, IndexError, zlib.error),
        *(zipfile.BadZipFile, PackageNotFoundError, XMLSyntaxError),
    ) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise WorkbenchError(
            f"{path.name} cannot be read as Word ({said})",
            "a .docx file as Word or LibreOffice saves it",
            "open it there and save it again as .docx",
        ) from None
    title = (document.core_properties.title or "").strip()
    return title or next((heading for heading, _ in sections if heading), path.stem), sections


def _sections(document: Any) -> list[tuple[str, str]]:
    sections: list[tuple[str, list[str]]] = [("", [])]
    for part in document.iter_inner_content():
        if hasattr(part, "rows"):
            sections[-1][1].append("\n".join(" | ".join(_cells(row)) for row in part.rows))
        elif part.style is not None and (part.style.name or "").startswith(("Heading", "Title")):
            sections.append((part.text.strip(), []))
        elif part.text.strip():
            sections[-1][1].append(part.text)
    return [(heading, "\n\n".join(texts)) for heading, texts in sections if heading or texts]


def _cells(row: Any) -> list[str]:
    """A row's cells; one that spans several columns comes once."""
    cells: list[Any] = []
    for cell in row.cells:
        if not cells or cell._tc is not cells[-1]._tc:
            cells.append(cell)
    return [" ".join(cell.text.split()) for cell in cells]
