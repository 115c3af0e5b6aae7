"""The text of a PDF, page by page, by pypdf: slower than the native libraries, but a broken file cannot crash it."""

import logging
from pathlib import Path

from tailor.errors import WorkbenchError


def read_pages(path: Path) -> tuple[str, list[str], dict[int, str]]:
    """A PDF's title, the text of each page ("" for one without any), and page -> why it cannot be read.

    Raises:
        WorkbenchError: damaged, or locked with a password.
    """
    from pypdf import PdfReader
    from pypdf.errors import DependencyError, FileNotDecryptedError, PyPdfError

    broken = (
        *(PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError),
        *(RecursionError, NotImplementedError, OSError),
    )
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # its warnings name objects nobody can look at
    try:
        reader = PdfReader(path)
        title = str((reader.metadata or {}).get("/Title") or "").strip()
        texts, bad = [], {}
        for number, page in enumerate(reader.pages, start=1):
            try:
                texts.append(page.extract_text())
            except (FileNotDecryptedError, DependencyError):
                raise
            except broken as error:
                texts.append("")
                bad[number] = f"this page cannot be read ({_said(error)})"
        return title or path.stem, texts, bad
    except (FileNotDecryptedError, DependencyError):
        raise WorkbenchError(
            f"{path.name} is locked with a password", "a PDF that opens without one", "save it without"
        ) from None
    except broken as error:
        raise WorkbenchError(
            f"{path.name} cannot be read as PDF ({_said(error)})",
            "a whole PDF file",
            "fetch or export the file again",
        ) from None


def _said(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
