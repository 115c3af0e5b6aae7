"""Texts that say the same: a key for equal ones, clusters for nearly equal ones."""

import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import polars as pl

from tailor.data.cleaning.operation import beyond_ascii, put_back

PERMUTATIONS = 256
_SKETCH = 64
"""Permutations of which a byte is kept: what the likeness of two rows is estimated from before it is computed."""
_SLACK = 0.2
"""How far below the threshold that estimate may lie: four times its standard deviation."""
_WINDOW = 4
"""Rows of one band that a row is compared with, beside the band's first."""
_SLICE = 50_000
"""Rows whose words are looked at together; their text is copied for that."""
_AT_A_TIME = 15_000
"""Pairs that are gathered before they are compared."""

Texts = Callable[[np.ndarray], Sequence[pl.Series]]
"""Gives the columns' cells of some rows, by their places in ascending order."""


def equality_keys(frame: pl.DataFrame, columns: Sequence[str]) -> pl.Series:
    """One 128-bit key a row: what the columns say in lower case, without blanks of any kind and punctuation; the minus
    of a number stays.

    Plain equality would miss most copies: they differ in case, double blanks, no-break blanks or a final dot.
    """
    parts = [_keys_of(part, columns) for part in frame.select(columns).iter_slices(_SLICE)]
    return pl.concat(parts) if parts else _keys_of(frame, columns)


def _keys_of(frame: pl.DataFrame, columns: Sequence[str]) -> pl.Series:
    import pyarrow as pa

    from tailor.data import word_kernels as kernels

    kinds = kernels.LETTER | kernels.NUMBER | kernels.SYMBOL
    cells = [_signed(_composed(frame[column])) for column in columns]
    data, edges = kernels.text_buffer(cells)
    keys = np.zeros((frame.height, 2), np.uint64)
    tables = kernels.character_tables()
    kernels.in_threads(
        lambda first, last: kernels.hash_rows(data, edges, *tables, kinds, first, last, keys), frame.height
    )
    marks = pa.Array.from_buffers(pa.binary(16), frame.height, [None, pa.py_buffer(keys)])
    return pl.Series("key", pl.from_arrow(marks))


def _composed(cells: pl.Series) -> pl.Series:
    """Compatible forms of a character in one form (NFKC), where there is anything beyond ASCII."""
    places = pl.arg_where(beyond_ascii(cells), eager=True)
    return put_back(cells, places, cells.gather(places).str.normalize("NFKC")) if len(places) else cells


def _signed(cells: pl.Series) -> pl.Series:
    """A minus before a figure as the mathematical sign, which counts; other hyphens are punctuation and do not."""
    places = pl.arg_where(cells.str.contains(r"(?:\A|[\s(])-[0-9]").fill_null(False), eager=True)
    signed = cells.gather(places).str.replace_all(r"(\A|[\s(])-([0-9])", "${1}\u2212${2}")
    return put_back(cells, places, signed) if len(places) else cells


def near_duplicate_clusters(columns: Sequence[Sequence[str]], threshold: float) -> list[int]:
    """Group rows whose texts are alike, directly or by way of others.

    Args:
        columns: one list of texts a column, all of the same length ("" for an empty cell).
        threshold: Jaccard similarity of words and word pairs, above 0 and up to 1, that every column must reach.

    Returns:
        For each row the place of its cluster's first row.
    """
    cells = [pl.Series(column, dtype=pl.String) for column in columns]
    parts = []
    for start in range(0, max(1, len(cells[0])), _SLICE):
        some = [column.slice(start, _SLICE) for column in cells]
        parts.append(band_keys(some, np.zeros(len(some[0]), np.uint64), threshold))
    bands = (np.concatenate(band) for band in zip(*(keys for keys, _ in parts), strict=True))
    sketches = np.concatenate([sketch for _, sketch in parts])
    return join_near(bands, sketches, lambda rows: [c.gather(rows) for c in cells], threshold).tolist()


def band_keys(
    columns: Sequence[pl.Series], groups: np.ndarray, threshold: float
) -> tuple[np.ndarray, np.ndarray]:
    """What rows that are alike have in common with high probability: one of some keys, uint64 [bands, N].

    MinHash with banded locality-sensitive hashing over the joined columns (Leskovec, Rajaraman, Ullman, Mining of
    Massive Datasets, chapter 3). Rows of different groups (uint64 [N]) have no key in common.

    Returns:
        The keys, and a sketch of each row, uint8 [N, 64]: the share of places where two agree estimates their
        likeness.
    """
    from tailor.data import word_kernels as kernels

    rows, width = len(groups), band_width(threshold)
    a, b = _permutations()
    data, edges = kernels.text_buffer(columns)
    keys = np.zeros((PERMUTATIONS // width, rows), np.uint64)
    sketches = np.zeros((rows, _SKETCH), np.uint8)
    tables = kernels.character_tables()
    kernels.in_threads(
        lambda first, last: kernels.hash_bands(
            data, edges, *tables, a, b, width, groups, first, last, keys, sketches
        ),
        rows,
    )
    return keys, sketches


def join_near(
    bands: Iterable[np.ndarray], sketches: np.ndarray, texts: Texts, threshold: float
) -> np.ndarray:
    """Join rows that share a key and whose every column's exact Jaccard similarity reaches the threshold.

    A template answer under two different questions does not count. Band after band, so that only one needs memory.

    Args:
        bands, sketches: as `band_keys` makes them.

    Returns:
        For each row the place of its cluster's first row, int64 [N].
    """
    from tailor.data import cluster_kernels as kernels

    rows = len(sketches)
    parent = np.arange(rows)
    least = max(0, math.ceil((threshold - _SLACK) * _SKETCH))
    seen, waiting = np.zeros(0, np.int64), []
    for keys in bands:
        places = kernels.repeated(keys)
        order = places[np.argsort(keys[places], kind="stable")]
        pairs = kernels.pairs_in_runs(keys, order, _WINDOW, parent, sketches, least)
        waiting.append(pairs[:, 0] * rows + pairs[:, 1])
        if sum(map(len, waiting)) >= _AT_A_TIME:
            # most pairs come up in several bands; those that are not alike would be compared again and again
            fresh = np.setdiff1d(np.concatenate(waiting), seen)
            _join(parent, fresh, texts, threshold)
            seen, waiting = np.concatenate([seen, fresh]), []
    _join(parent, np.setdiff1d(np.concatenate([seen[:0], *waiting]), seen), texts, threshold)
    return parent


def _join(parent: np.ndarray, codes: np.ndarray, texts: Texts, threshold: float) -> None:
    """Compare pairs, each `first * rows + second`, and join the clusters of those that are alike."""
    from tailor.data import cluster_kernels as kernels

    for start in range(0, len(codes), _AT_A_TIME):
        first, second = np.divmod(codes[start : start + _AT_A_TIME], len(parent))
        alike = _are_similar(first, second, texts, threshold)
        kernels.join_pairs(parent, first[alike], second[alike])


def _are_similar(first: np.ndarray, second: np.ndarray, texts: Texts, threshold: float) -> np.ndarray:
    """Whether the rows of each pair are alike, bool [pairs], by the shingles of both."""
    from tailor.data import word_kernels as kernels

    wanted = np.unique(np.concatenate([first, second]))
    buffer = kernels.text_buffer(texts(wanted))
    rows = np.searchsorted(wanted, first), np.searchsorted(wanted, second)
    similar = np.zeros(len(first), np.bool_)
    tables = kernels.character_tables()
    kernels.in_threads(
        lambda a, b: kernels.similar_pairs(*buffer, *tables, *rows, threshold, a, b, similar), len(first)
    )
    return similar


def _permutations() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.Generator(np.random.PCG64(42))
    a, b = random.integers(0, 2**32, (2, PERMUTATIONS), dtype=np.uint32)
    return a | np.uint32(1), b


def band_width(threshold: float) -> int:
    """The most permutations a band such that pairs at the threshold share one with at least 95% probability.

    Pairs above it do so nearly always; more permutations a band leave fewer pairs that have to be compared in vain.
    """
    widths = range(1, 33)
    found = [width for width in widths if 1 - (1 - threshold**width) ** (PERMUTATIONS // width) >= 0.95]
    return max(found, default=1)
