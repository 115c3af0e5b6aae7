"""Bytes to text: which encoding a file is in, also when two are mixed.

A file is looked through once to find its encoding, and read in blocks afterwards, so its size does not matter.
"""

import codecs
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tailor.data.readers.file_bytes import BLOCK, byte_blocks, byte_lines, check_size
from tailor.data.readers.found import LISTED, Limits, list_some
from tailor.errors import WorkbenchError

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: its mark begins like UTF-16's
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Encodings in which most letters lie outside ASCII, so that their files cannot be mistaken for Western ones.
_OTHER_SCRIPTS = {
    "cp1251",
    "koi8_r",
    "koi8_u",
    "iso8859_5",
    "mac_cyrillic",
    "cp866",
    "cp1253",
    "iso8859_7",
    "cp1255",
    "cp1256",
    "shift_jis",
    "cp932",
    "euc_jp",
    "iso2022_jp",
    "gb2312",
    "gbk",
    "gb18030",
    "big5",
    "euc_kr",
    "cp949",
}
_SAMPLE = 200_000


@dataclass
class Encoding:
    """How a file's bytes become text.

    Attributes:
        name: as Python and people call it; "utf-8 with cp1252" where lines of both are mixed.
        mixed: lines that are not UTF-8 are cp1252.
        newlines: the file has line feeds; one without has carriage returns at most, as very old Macs wrote.
        notes: sentences worth showing.
    """

    name: str
    mixed: bool = False
    newlines: bool = True
    notes: list[str] = field(default_factory=list)


def read_text(path: Path, limits: Limits, wanted: str = "") -> tuple[str, str, list[str]]:
    """A whole file as text.

    Returns:
        The text, the encoding's name, and notes worth showing.

    Raises:
        WorkbenchError: too large, damaged, or not in the encoding that was chosen.
    """
    check_size(path, limits.bytes)
    return decode(b"".join(byte_blocks(path, limits)), path, wanted)


def decode(data: bytes, path: Path, wanted: str = "") -> tuple[str, str, list[str]]:
    """Turn bytes into text.

    Args:
        wanted: an encoding a person chose; "" to find it out.

    Returns:
        The text, the encoding's name, and notes worth showing.

    Raises:
        WorkbenchError: no such encoding, or the bytes are not in the one that was chosen.
    """
    blocks = [data[start : start + BLOCK] for start in range(0, len(data), BLOCK)]
    encoding = find_encoding(lambda: iter(blocks), path, wanted)
    return b"".join(_as_utf8(iter(blocks), encoding)).decode("utf-8"), encoding.name, encoding.notes


def utf8_blocks(path: Path, limits: Limits, wanted: str = "") -> tuple[Encoding, Iterator[bytes]]:
    """A text file of any encoding as blocks that together are valid UTF-8.

    Raises:
        WorkbenchError: no such encoding, the bytes are not in the one that was chosen, or the file is damaged.
    """
    encoding = find_encoding(lambda: byte_blocks(path, limits), path, wanted)
    blocks = _as_utf8(byte_blocks(path, limits), encoding)
    if not encoding.newlines:
        blocks = (block.replace(b"\r", b"\n") for block in blocks)
    return encoding, blocks


def _as_utf8(blocks: Iterator[bytes], encoding: Encoding) -> Iterator[bytes]:
    if encoding.mixed:
        for line in byte_lines(blocks):
            yield line if _is_utf8(line) else line.decode("cp1252", errors="replace").encode("utf-8")
        return
    if encoding.name == "utf-8":  # valid, as find_encoding saw
        yield from blocks
        return
    decoder = codecs.getincrementaldecoder(encoding.name)(errors="replace")
    for block in blocks:
        yield decoder.decode(block).encode("utf-8")
    yield decoder.decode(b"", final=True).encode("utf-8")


def find_encoding(read: Callable[[], Iterator[bytes]], path: Path, wanted: str = "") -> Encoding:
    """Which encoding some bytes are in.

    Args:
        read: gives the blocks of bytes anew at each call.
        wanted: an encoding a person chose; "" to find it out.

    Raises:
        WorkbenchError: no such encoding, or the bytes are not in the one that was chosen.
    """
    first = next(read(), b"")
    marked = next((name for mark, name in _BOMS if first.startswith(mark)), "")
    name = _known(wanted) if wanted else marked or wide_without_mark(first[:_SAMPLE]) or "utf-8"
    bad, newlines = _first_bad_byte(read(), name)
    if bad is None:
        return Encoding(name, newlines=newlines)
    if wanted:
        raise WorkbenchError(
            f"{path.name} is not in {wanted} (byte {bad:,} does not fit)",
            "the encoding the file was saved in",
            "leave 02_gather_data.encoding empty to have it found out",
        )
    if name != "utf-8":
        return Encoding(name, newlines=newlines, notes=[_broken_note(name, bad)])
    return _not_utf8(read, newlines)


def _known(wanted: str) -> str:
    with suppress(LookupError):
        found = codecs.lookup(wanted)
        if found._is_text_encoding:  # "zlib" and "hex" are codecs too
            return found.name
    raise WorkbenchError(
        f"02_gather_data.encoding is {wanted!r}",
        "an encoding Python knows, such as utf-8, cp1252 or utf-16, or nothing to have it found out",
        "correct the name or leave the setting empty",
    )


def _first_bad_byte(blocks: Iterator[bytes], name: str) -> tuple[int | None, bool]:
    """Where the bytes stop being valid in an encoding (None: nowhere), and whether the text has line feeds."""
    decoder = codecs.getincrementaldecoder(name)()
    seen, newlines, carriage = 0, False, False
    bad: int | None = None
    for block in blocks:
        newlines, carriage = newlines or b"\n" in block, carriage or b"\r" in block
        if bad is None:
            kept = len(decoder.getstate()[0])
            try:
                decoder.decode(block)
            except UnicodeDecodeError as error:
                bad = seen - kept + error.start
        seen += len(block)
    if bad is None:
        kept = len(decoder.getstate()[0])
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            bad = seen - kept + error.start
    return bad, newlines or not carriage


def _broken_note(name: str, bad: int) -> str:
    return f"some bytes are not valid {name} (the first at byte {bad:,}); they show as \ufffd"


def wide_without_mark(sample: bytes) -> str:
    """UTF-16 without its mark: in Western text every second byte is zero."""
    if len(sample) < 4:
        return ""
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    half = len(sample) // 2
    if odd > 0.4 * half and even < 0.05 * half:
        return "utf-16-le"
    return "utf-16-be" if even > 0.4 * half and odd < 0.05 * half else ""


def _not_utf8(read: Callable[[], Iterator[bytes]], newlines: bool) -> Encoding:
    """A UTF-8 file into which lines of another encoding were pasted, or a file in a single-byte encoding."""
    good = bad = 0
    first: list[int] = []
    sample, used = bytearray(), set()
    for number, line in enumerate(byte_lines(read()), start=1):
        if line.isascii():
            continue
        if len(sample) < _SAMPLE:
            sample += line
        used.update(line)
        if _is_utf8(line):
            good += 1
        else:
            bad += 1
            first += [number] if len(first) < LISTED else []
    if good >= bad:
        which = f"line{'s' if bad > 1 else ''} {list_some(first, bad)}"
        note = f"{bad:,} lines are not UTF-8 and were read as cp1252 ({which})"
        return Encoding("utf-8 with cp1252", mixed=True, newlines=newlines, notes=[note])
    name = _guess_single_byte(bytes(sample[:_SAMPLE]), used)
    broken, _ = _first_bad_byte(read(), name)
    notes = [_guess_note(name)] + ([_broken_note(name, broken)] if broken is not None else [])
    return Encoding(name, newlines=newlines, notes=notes)


def _guess_note(name: str) -> str:
    return (
        f"the bytes do not tell the encoding for certain; they were read as {name}. Where letters look wrong, name it "
        "in 02_gather_data.encoding: cp1250 for Polish or Czech, cp1254 for Turkish, koi8_r for old Russian files"
    )


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _guess_single_byte(sample: bytes, used: set[int]) -> str:
    """charset-normalizer's guess for other scripts; Western text is cp1252, or Latin-1 if its extra bytes are unused.

    Among Western encodings the guess is not asked for: on short texts it takes a euro sign for an umlaut.
    """
    if sum(byte > 0x7F for byte in sample) > 0.25 * len(sample):
        from charset_normalizer import from_bytes

        best = from_bytes(sample).best()
        if best is not None and best.encoding in _OTHER_SCRIPTS:
            return best.encoding
    return "cp1252" if any(0x80 <= byte <= 0x9F for byte in used) else "latin-1"


def replace_surrogates(text: str) -> str:
    """Lone surrogates (from `\\ud800` in JSON) cannot be stored as UTF-8; each becomes U+FFFD."""
    try:
        text.encode("utf-8")
        return text
    except UnicodeEncodeError:
        # pairs written as two escapes become the character they mean; what is left alone is replaced
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
