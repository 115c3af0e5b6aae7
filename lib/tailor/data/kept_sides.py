"""Which side of the split a text was on, remembered: rows that come later never move a test row."""

import hashlib
from dataclasses import asdict
from pathlib import Path

import polars as pl

from tailor.data.duplicates import equality_keys
from tailor.data.examples import Formatted
from tailor.data.partition import SplitChoices
from tailor.data.tables import read_table, write_table
from tailor.errors import WorkbenchError
from tailor.files import canonical_json, sha256_bytes

FILE = "sides.parquet"


def text_keys(rows: pl.DataFrame) -> list[str]:
    """A key for what was asked, the same for spellings that say the same. The answer takes no part: a corrected
    answer does not make another row."""
    keys = equality_keys(rows, ["history", "compared"])
    return [sha256_bytes(bytes(key))[:24] for key in keys]


def write_sides(formatted: Formatted, choices: SplitChoices, folder: Path) -> None:
    """Remember each row's side, beside the splits."""
    rows = formatted.rows.filter(parent="")  # a made row may go tomorrow, and holds no text to its side
    sides = (
        pl.DataFrame({"key": text_keys(rows), "side": rows["split"]})
        .unique()
        .sort("key", "side", descending=[False, True])
    )
    write_table(sides.with_columns(choices=pl.lit(_hash(choices))), folder / FILE)


def read_sides(folder: Path, choices: SplitChoices) -> dict[str, str]:
    """Key -> side of the last run; nothing where there was none, or where rows were split in another way."""
    if not (folder / FILE).exists():
        return {}
    try:
        sides = read_table(folder / FILE, "04_format_data").filter(choices=_hash(choices))
    except WorkbenchError:
        return {}  # a damaged file of an earlier run must not stop this one
    return dict(sides.select("key", "side").rows())


def _hash(choices: SplitChoices) -> str:
    """What makes another split: everything but the most rows, which only leave rows out."""
    chosen = {name: value for name, value in asdict(choices).items() if name != "most"}
    return sha256_bytes(canonical_json(chosen).encode())


def hash_rows(rows: pl.DataFrame) -> str:
    """Hash of what rows ask and answer, whatever their order, ids and files are."""
    texts = rows.select("system", "history", "input", "output")
    lines = pl.Series([canonical_json(list(row)) for row in texts.iter_rows()], dtype=pl.String).sort()
    digest = hashlib.sha256()
    for place, line in enumerate(lines):
        digest.update(b"\n" * (place > 0) + line.encode())
    return digest.hexdigest()
