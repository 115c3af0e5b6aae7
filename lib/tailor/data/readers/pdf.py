"""The text of a PDF, page by page, by pypdf: slower than the native libraries, but a broken file cannot crash it."""

import logging
from pathlib import Path

from tailor.errors import WorkbenchError


def read_pages(path: Path) -> tuple[str, list[str]]:
    """A PDF's title and the text of each page; "" for a page without any.

    Raises:
        WorkbenchError: damaged, or locked with a password.
    """
    from pypdf import PdfReader
    from pypdf.errors import DependencyError, FileNotDecryptedError, PyPdfError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # its warnings name objects nobody can look at
    try:
        reader = PdfReader(path)
        title = str((reader.metadata or {}).get("/Title") or "").strip()
        return title or path.stem, [page.extract_text() for page in reader.pages]
    except (FileNotDecryptedError, DependencyError):
        raise WorkbenchError(
            f"{path.name} is locked with a password", "a PDF that opens without one", "save it without"
        ) from None
    except (
        PyPdfError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        IndexError,
        RecursionError,
        OSError,
    ) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise WorkbenchError(
            f"{path.name} cannot be read as PDF ({said})",
            "a whole PDF file",
            "fetch or export the file again",
        ) from None
