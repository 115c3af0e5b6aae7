"""Words of texts, hashed straight from Arrow's buffer by compiled loops: about a hundred times what Python does.

Imported only where it is used (numba takes 0.4 s to load). The loops are compiled at their first call, about ten
seconds once a machine, and kept in __pycache__. They hold no lock, so `in_threads` runs them on all cores.

Shapes: B bytes, C columns, N rows, P permutations. All hashes are uint64.
"""

import unicodedata
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numba
import numpy as np
import polars as pl

from tailor.machine import cores

LETTER, NUMBER, SYMBOL, UNDERSCORE = 1, 2, 4, 8
WORDS = LETTER | NUMBER | UNDERSCORE
"""What Python's `\\w` matches."""
_LAST = 0x323B0
"""Above the last letter of Unicode 16; code points beyond are taken for blanks."""

compiled = numba.njit(nogil=True, cache=True)
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


@cache
def character_tables() -> tuple[np.ndarray, np.ndarray]:
    """For every code point its kind (uint8, 0 for blanks and punctuation) and its lower case (uint32)."""
    kinds, lowers = np.zeros(_LAST, np.uint8), np.arange(_LAST, dtype=np.uint32)
    values = {"L": LETTER, "N": NUMBER, "S": SYMBOL}
    for point in range(_LAST):
        character = chr(point)
        kind = values.get(unicodedata.category(character)[0], 0)
        if kind:
            kinds[point] = kind
            lowers[point] = ord(character.lower()[0])
    kinds[ord("_")] = UNDERSCORE
    return kinds, lowers


def text_buffer(columns: Sequence[pl.Series]) -> tuple[np.ndarray, np.ndarray]:
    """The UTF-8 bytes of some columns, uint8 [B], and where each cell begins and ends in them, int64 [C, N + 1].

    Null counts as empty.
    """
    pieces, edges, start = [], [], 0
    for cells in columns:
        array = cells.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
        _, offsets, data = array.buffers()
        if not len(array):
            edges.append(np.zeros(1, np.int64))
            continue
        places = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
        pieces.append(np.frombuffer(data or b"", np.uint8)[places[0] : places[-1]])
        edges.append(places - places[0] + start)
        start = int(edges[-1][-1])
    joined = pieces[0] if len(pieces) == 1 else np.concatenate([np.zeros(0, np.uint8), *pieces])
    return joined, np.stack(edges) if edges else np.zeros((0, 1), np.int64)


def in_threads(work: Callable[[int, int], None], rows: int) -> None:
    """Call `work(first, last)` on stretches of the rows, all cores at a time."""
    step = max(1000, -(-rows // cores()))
    stretches = [(first, min(first + step, rows)) for first in range(0, rows, step)]
    if len(stretches) < 2:
        for stretch in stretches:
            work(*stretch)
        return
    with ThreadPoolExecutor(len(stretches)) as pool:
        list(pool.map(lambda stretch: work(*stretch), stretches))


@compiled
def mix(value):
    """One uint64 spread over all its bits (the finalizer of SplitMix64, Steele et al. 2014)."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@compiled
def pair_of(first, second):
    """The hash of two neighbouring words; their order counts."""
    return mix(first * np.uint64(31) + second)


@compiled
def read_character(data, place):
    """(code point, its number of bytes) of valid UTF-8 at a place."""
    head = np.uint32(data[place])
    if head < 0x80:
        return head, 1
    if head < 0xE0:
        return ((head & np.uint32(0x1F)) << np.uint32(6)) | np.uint32(data[place + 1] & 0x3F), 2
    middle = (np.uint32(data[place + 1] & 0x3F) << np.uint32(6)) | np.uint32(data[place + 2] & 0x3F)
    if head < 0xF0:
        return ((head & np.uint32(0x0F)) << np.uint32(12)) | middle, 3
    last = np.uint32(data[place + 3] & 0x3F)
    return ((head & np.uint32(0x07)) << np.uint32(18)) | (middle << np.uint32(6)) | last, 4


@compiled
def _placeholder_end(data, place, end):
    """Where `[EMAIL]` or `[EMAIL 3]` that begins at a place ends, or the place itself."""
    here = place + 1
    while here < end and 65 <= data[here] <= 90:
        here += 1
    if here > place + 1 and here + 1 < end and data[here] == 32 and 48 <= data[here + 1] <= 57:
        here += 1
        while here < end and 48 <= data[here] <= 57:
            here += 1
    return here + 1 if place + 1 < here < end and data[here] == 93 else place


@compiled
def hash_words(data, start, end, kinds, lowers, wanted, skip_placeholders, out):
    """Hash the words of one text in lower case into `out`; returns how many there are.

    A word is a run of characters whose kind is in `wanted`, such as LETTER | NUMBER.
    """
    count, place, inside = 0, start, False
    value = np.uint64(0)
    while place < end:
        point, width = read_character(data, place)
        if skip_placeholders and point == 91:
            width = max(width, _placeholder_end(data, place, end) - place)
        place += width
        if point < _LAST and kinds[point] & wanted:
            value = (value ^ np.uint64(lowers[point])) * _MULTIPLIER
            value ^= value >> np.uint64(29)
            inside = True
        elif inside:
            out[count] = mix(value)
            count += 1
            value, inside = np.uint64(0), False
    if inside:
        out[count] = mix(value)
        count += 1
    return count


@compiled
def longest(edges, first, last):
    """Bytes of the longest cell among rows first..last."""
    most = 0
    for column in range(edges.shape[0]):
        for row in range(first, last):
            most = max(most, edges[column, row + 1] - edges[column, row])
    return most


@compiled
def hash_rows(data, edges, kinds, lowers, wanted, first, last, out):
    """Two hashes a row of all its words in order, column after column: uint64 `out` [N, 2]."""
    words = np.empty(longest(edges, first, last) // 2 + 1, np.uint64)
    for row in range(first, last):
        a, b = np.uint64(1), np.uint64(2)
        for column in range(edges.shape[0]):
            count = hash_words(
                data, edges[column, row], edges[column, row + 1], kinds, lowers, wanted, False, words
            )
            for place in range(count):
                a = mix(a ^ words[place])
                b = (b + words[place]) * _MULTIPLIER
                b ^= b >> np.uint64(32)
            a, b = mix(a + np.uint64(column + 1)), mix(b + np.uint64(column + 1))
        out[row, 0], out[row, 1] = a, b


@compiled
def count_known_words(data, edges, kinds, lowers, hashes, masks, first, last, out):
    """How many words a text has, and how many of these are known to be of each group.

    Args:
        hashes, masks: an open hash table (uint64 [slots], slots a power of two, 0 for empty): bit g of a mask says
            that the word belongs to group g.
        out: int32 [N, 1 + groups].
    """
    words = np.empty(longest(edges, first, last) // 2 + 1, np.uint64)
    most = np.uint64(len(hashes) - 1)
    for row in range(first, last):
        count = hash_words(data, edges[0, row], edges[0, row + 1], kinds, lowers, LETTER, True, words)
        out[row, 0] = count
        for place in range(count):
            slot = words[place] & most
            while hashes[slot] != 0:
                if hashes[slot] == words[place]:
                    for group in range(out.shape[1] - 1):
                        out[row, 1 + group] += (masks[slot] >> np.uint64(group)) & np.uint64(1)
                    break
                slot = (slot + np.uint64(1)) & most


@compiled
def hash_bands(data, edges, kinds, lowers, a, b, width, groups, first, last, out, sketches):
    """MinHash over the words and word pairs of all columns, cut into bands of `width` permutations.

    Args:
        a, b: uint32 [P], the permutations: the high bits of `a * x + b` modulo 2^32 decide.
        groups: uint64 [N]; rows of different groups share no band.
        out: uint64 [bands, N]; 0 in every band of a row without a word.
        sketches: uint8 [N, S]: the low byte of the first S minima.
    """
    words = np.empty(longest(edges, first, last) // 2 + 1, np.uint64)
    lowest = np.empty(len(a), np.uint32)
    for row in range(first, last):
        lowest[:] = np.uint32(0xFFFFFFFF)
        some = False
        for column in range(edges.shape[0]):
            count = hash_words(
                data, edges[column, row], edges[column, row + 1], kinds, lowers, WORDS, False, words
            )
            some |= count > 0
            for place in range(count):
                _lower(lowest, a, b, np.uint32(words[place] >> np.uint64(32)))
                if place:
                    _lower(lowest, a, b, np.uint32(pair_of(words[place - 1], words[place]) >> np.uint64(32)))
        for place in range(sketches.shape[1]):
            sketches[row, place] = lowest[place] & np.uint32(0xFF)
        for band in range(out.shape[0]):
            value = groups[row] ^ np.uint64(band + 1)
            for place in range(band * width, (band + 1) * width):
                value = mix(value + np.uint64(lowest[place]) * _MULTIPLIER)
            out[band, row] = (value | np.uint64(1)) if some else np.uint64(0)


@compiled
def _lower(lowest, a, b, item):
    for place in range(len(lowest)):
        value = np.uint32(a[place] * item + b[place])
        lowest[place] = min(lowest[place], value)


@compiled
def similar_pairs(data, edges, kinds, lowers, first, second, threshold, start, end, out):
    """Whether the Jaccard similarity of the words and word pairs of two rows reaches the threshold in every column.

    Args:
        first, second: int64 [pairs], the rows of each pair, of which those from `start` to `end` are looked at.
        out: bool [pairs], written.
    """
    ours = np.empty(longest(edges, 0, edges.shape[1] - 1) // 2 + 1, np.uint64)
    theirs = np.empty_like(ours)
    keys, marks = np.empty(4096, np.uint64), np.zeros(4096, np.int64)
    turn = 0
    for pair in range(start, end):
        out[pair] = True
        for column in range(edges.shape[0]):
            a, b = first[pair], second[pair]
            n = hash_words(data, edges[column, a], edges[column, a + 1], kinds, lowers, WORDS, False, ours)
            m = hash_words(data, edges[column, b], edges[column, b + 1], kinds, lowers, WORDS, False, theirs)
            if 4 * (n + m) > len(keys):
                size = len(keys)
                while size < 4 * (n + m):
                    size *= 2
                keys, marks = np.empty(size, np.uint64), np.zeros(size, np.int64)
            turn += 2
            mine, _ = _note_shingles(ours, n, keys, marks, turn, turn)
            others, shared = _note_shingles(theirs, m, keys, marks, turn, turn + 1)
            if shared < threshold * (mine + others):
                out[pair] = False
                break


@compiled
def _note_shingles(words, count, keys, marks, turn, mark):
    """Put a text's words and word pairs into a hash table; (those that are new in it, those that had mark `turn`).

    Each counts once: it gets the mark. What has a mark below `turn` is of an earlier pair of texts and counts as empty.
    """
    new = known = 0
    most = np.uint64(len(keys) - 1)
    for place in range(2 * count - 1):
        value = words[place] if place < count else pair_of(words[place - count], words[place - count + 1])
        slot = value & most
        while marks[slot] >= turn and keys[slot] != value:
            slot = (slot + np.uint64(1)) & most
        if marks[slot] < turn:
            keys[slot] = value
            marks[slot] = mark
            new += 1
        elif marks[slot] != mark:
            marks[slot] = mark
            known += 1
    return new, known
