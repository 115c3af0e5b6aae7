"""A 5-gram model with modified Kneser-Ney smoothing as the yardstick, by KenLM (Heafield 2011; Heafield et al. 2013).

KenLM's programs ``lmplz``, ``build_binary`` and ``query`` are taken from a folder that is given; the project doesn't
depend on them. The n-gram model works on the same token ids as the neural ones, a document per line, so both face
the same symbols and the same text.
"""

from __future__ import annotations

import math
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from tailor.errors import WorkbenchError

PROGRAMS = ("lmplz", "build_binary", "query")


def build_ngram(
    programs: Path, runs: Iterable[np.ndarray], path: Path, *, order: int = 5, end: int = 0
) -> None:
    """Estimate an ``order``-gram model from runs of token ids (cut at ``end``) and write its binary to ``path``."""
    _check(programs)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        text, arpa = Path(folder) / "ids.txt", Path(folder) / "model.arpa"
        with open(text, "w", encoding="ascii") as file:
            for line in lines_of(runs, end):
                file.write(line)
        with open(text) as given, open(arpa, "w") as made:
            estimate = [programs / "lmplz", "-o", str(order), "-S", "2G", "-T", folder]
            subprocess.run(estimate, stdin=given, stdout=made, stderr=subprocess.DEVNULL, check=True)
        compress = [programs / "build_binary", "probing", arpa, path]
        subprocess.run(compress, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)


def lines_of(runs: Iterable[np.ndarray], end: int) -> Iterator[str]:
    """Yield each document, or the part of it that a run holds, as a line of ids."""
    for run in runs:
        for part in np.split(run, np.flatnonzero(run == end)):
            if len(words := part[part != end]):
                yield " ".join(map(str, words.tolist())) + "\n"


def ngram_bits_per_character(programs: Path, path: Path, tokenizer, documents: list[str]) -> float:
    """Return the n-gram model's bits per character over ``documents``; the end of a document isn't counted."""
    _check(programs)
    lines = [
        " ".join(
            map(
                str,
                tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True, verbose=False),
            )
        )
        for text in documents
    ]
    query = [programs / "query", "-v", "word", path]
    out = subprocess.run(
        query, input="\n".join(lines) + "\n", text=True, capture_output=True, check=True
    ).stdout
    bits = 0.0
    for entry in out.split("\t"):  # "word=id length log10-probability"
        word, _, numbers = entry.strip().partition("=")
        if numbers and word != "</s>":
            bits -= float(numbers.split()[2]) * math.log2(10)
    return bits / sum(map(len, documents))


def _check(programs: Path) -> None:
    missing = [name for name in PROGRAMS if not (programs / name).is_file()]
    if missing:
        raise WorkbenchError(
            found=f"{programs} has no {', '.join(missing)}.",
            needed="the folder with KenLM's programs lmplz, build_binary and query.",
            fix="Build them from the package kenlm's sources (cmake, then make lmplz build_binary query).",
        )
