"""Read a folder of text files, and set whole documents aside before anything is trained on them.

A *source* is one file, ``<name>.txt`` or ``<name>.txt.gz``. Documents in it are separated by a line that holds only
``<|endoftext|>``. The held-out documents are chosen by the hash of their text, so the choice doesn't depend on the
order of files or on a random state, and a document never moves between the two sides when others are added.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

from tailor.errors import WorkbenchError

SEPARATOR = "<|endoftext|>"
HELD_OUT_SHARE = 0.02  # of a source's characters
HELD_OUT_LEAST = 40_000  # characters: fewer would make bits per character too noisy to compare models
HELD_OUT_MOST = 0.10  # of a source's characters, whatever HELD_OUT_LEAST asks for
LONG_DOCUMENT = 0.25  # a document above this share of its source can't be held out whole; its tail is


@dataclass(frozen=True)
class Source:
    """One file's documents, already divided. ``held_out`` is never seen by tokenizer, model or n-gram counts."""

    name: str
    training: list[str]
    held_out: list[str]

    @property
    def training_characters(self) -> int:
        return sum(map(len, self.training))

    @property
    def held_out_characters(self) -> int:
        return sum(map(len, self.held_out))


def read_documents(path: Path) -> list[str]:
    """Return the documents of one ``.txt`` or ``.txt.gz`` file, in file order, without empty ones."""
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8", newline="\n") as file:
            text = file.read()
    except (UnicodeDecodeError, OSError, EOFError) as error:
        raise WorkbenchError(
            found=f"{path} can't be read as text: {error}.",
            needed="UTF-8 text, plain (.txt) or gzip-compressed (.txt.gz).",
            fix=f"Replace {path.name} by an intact UTF-8 copy, or take it out of the folder.",
        ) from error
    parts = text.split(f"\n{SEPARATOR}\n")
    parts[-1] = parts[-1].removesuffix(f"\n{SEPARATOR}").removesuffix(SEPARATOR)
    return [stripped for part in parts if (stripped := part.strip())]


def hold_out(documents: list[str]) -> tuple[list[str], list[str]]:
    """Divide documents into (training, held out); the same documents always give the same division.

    Documents are taken in the order of their SHA-256 until the held-out side has ``HELD_OUT_SHARE`` of the characters
    and at least ``HELD_OUT_LEAST`` (but not over ``HELD_OUT_MOST``). A source that is one long document (a play
    collection in one file, say) gives its last part instead, cut at a blank line.
    """
    total = sum(map(len, documents))
    wanted = min(max(total * HELD_OUT_SHARE, HELD_OUT_LEAST), total * HELD_OUT_MOST)
    if len(documents) == 1:
        return _hold_out_tail(documents[0], int(wanted))
    order = sorted(documents, key=lambda text: hashlib.sha256(text.encode()).digest())
    chosen: set[str] = set()
    size = 0
    for text in order:
        if size >= wanted:
            break
        if len(text) <= max(total * LONG_DOCUMENT, wanted):
            chosen.add(text)
            size += len(text)
    return [t for t in documents if t not in chosen], [t for t in dict.fromkeys(documents) if t in chosen]


def _hold_out_tail(text: str, wanted: int) -> tuple[list[str], list[str]]:
    cut = text.rfind("\n\n", 0, len(text) - wanted)
    if cut <= 0:
        return [text], []
    return [text[:cut].strip()], [text[cut:].strip()]


def read_corpus(folder: Path) -> list[Source]:
    """Read every ``.txt`` and ``.txt.gz`` file of ``folder`` (not its subfolders), by name.

    Raises:
        WorkbenchError: the folder is missing, or holds no text file.
    """
    paths = sorted(
        p for p in folder.glob("*") if p.name.endswith((".txt", ".txt.gz")) and p.name != "SOURCE.txt"
    )
    if not paths:
        state = "is not a folder" if not folder.is_dir() else "holds no .txt or .txt.gz file"
        raise WorkbenchError(
            found=f"{folder} {state}.",
            needed="a folder with one UTF-8 text file per source, documents separated by a line <|endoftext|>.",
            fix="Give the folder that holds your text files.",
        )
    return [Source(p.name.split(".txt")[0], *hold_out(read_documents(p))) for p in paths]
