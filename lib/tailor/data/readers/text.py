"""Bytes to text: which encoding a file is in, also when two are mixed, and unpacking under a budget."""

import codecs
import gzip
import zlib
from pathlib import Path

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
    *(
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
    ),
    *("shift_jis", "cp932", "euc_jp", "iso2022_jp", "gb2312", "gbk", "gb18030", "big5", "euc_kr", "cp949"),
}
_SAMPLE = 200_000
_CHUNK = 1 << 20


def read_bytes(path: Path, limit: int) -> bytes:
    """Read a file, unpacking `.gz`, but never more than `limit` bytes.

    Raises:
        WorkbenchError: too large, or a damaged gzip file.
    """
    size = path.stat().st_size
    if path.suffix.lower() != ".gz":
        if size > limit:
            raise too_large(path, f"{size:,} bytes", limit)
        return path.read_bytes()
    pieces, total = [], 0
    try:
        with gzip.open(path) as file:
            while piece := file.read(_CHUNK):
                total += len(piece)
                if total > limit:
                    raise too_large(path, f"more than {limit:,} bytes unpacked (from {size:,} packed)", limit)
                pieces.append(piece)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise WorkbenchError(
            f"{path.name} cannot be unpacked ({error})", "a whole gzip file", "fetch the file again"
        ) from None
    return b"".join(pieces)


def too_large(path: Path, size: str, limit: int) -> WorkbenchError:
    return WorkbenchError(
        f"{path.name} holds {size}",
        f"at most {limit:,} bytes in one file",
        "split the file, or raise 02_gather_data.max_megabytes",
    )


def decode(data: bytes, path: Path, wanted: str = "") -> tuple[str, str, list[str]]:
    """Turn bytes into text.

    Args:
        wanted: an encoding a person chose; "" to find it out.

    Returns:
        The text, the encoding's name, and notes worth showing.

    Raises:
        WorkbenchError: no such encoding, or the bytes are not in the one that was chosen.
    """
    if not wanted:
        return _decode_found(data)
    try:
        return data.decode(wanted), codecs.lookup(wanted).name, []
    except LookupError:
        raise WorkbenchError(
            f"02_gather_data.encoding is {wanted!r}",
            "an encoding Python knows, such as utf-8, cp1252 or utf-16, or nothing to have it found out",
            "correct the name or leave the setting empty",
        ) from None
    except UnicodeDecodeError as error:
        raise WorkbenchError(
            f"{path.name} is not in {wanted} (byte {error.start:,} does not fit)",
            "the encoding the file was saved in",
            "leave 02_gather_data.encoding empty to have it found out",
        ) from None


def _decode_found(data: bytes) -> tuple[str, str, list[str]]:
    for mark, name in _BOMS:
        if data.startswith(mark):
            return data.decode(name, errors="replace"), name, _broken_note(data, name)
    if wide := _wide_without_mark(data[:_SAMPLE]):
        return data.decode(wide, errors="replace"), wide, []
    try:
        return data.decode("utf-8"), "utf-8", []
    except UnicodeDecodeError:
        pass
    if mixed := _decode_mixed(data):
        return mixed
    name = _guess_single_byte(data)
    return data.decode(name, errors="replace"), name, _broken_note(data, name)


def _broken_note(data: bytes, name: str) -> list[str]:
    try:
        data.decode(name)
    except UnicodeDecodeError as error:
        return [f"some bytes are not valid {name} (the first at byte {error.start:,}); they show as \ufffd"]
    return []


def _wide_without_mark(sample: bytes) -> str:
    """UTF-16 without its mark: in Western text every second byte is zero."""
    if len(sample) < 4:
        return ""
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    half = len(sample) // 2
    if odd > 0.4 * half and even < 0.05 * half:
        return "utf-16-le"
    return "utf-16-be" if even > 0.4 * half and odd < 0.05 * half else ""


def _decode_mixed(data: bytes) -> tuple[str, str, list[str]] | None:
    """A UTF-8 file into which lines of another encoding were pasted: decoded line by line."""
    lines = data.split(b"\n")
    good, bad = 0, []
    decoded = []
    for number, line in enumerate(lines, start=1):
        try:
            decoded.append(line.decode("utf-8"))
            good += not line.isascii()
        except UnicodeDecodeError:
            bad.append(number)
            decoded.append(line.decode("cp1252", errors="replace"))
    if good < len(bad):
        return None
    note = f"{len(bad)} lines are not UTF-8 and were read as cp1252 (the first is line {bad[0]})"
    return "\n".join(decoded), "utf-8 with cp1252", [note]


def _guess_single_byte(data: bytes) -> str:
    """charset-normalizer's guess for other scripts; Western text is cp1252, or Latin-1 if its extra bytes are unused.

    Among Western encodings the guess is not asked for: on short texts it takes a euro sign for an umlaut.
    """
    lines = [line for line in data.split(b"\n") if not line.isascii()]
    sample = b"\n".join(lines)[:_SAMPLE]
    if sum(byte > 0x7F for byte in sample) > 0.25 * len(sample):
        from charset_normalizer import from_bytes

        best = from_bytes(sample).best()
        if best is not None and best.encoding in _OTHER_SCRIPTS:
            return best.encoding
    return "cp1252" if any(0x80 <= byte <= 0x9F for byte in set(data)) else "latin-1"


def replace_surrogates(text: str) -> str:
    """Lone surrogates (from `\\ud800` in JSON) cannot be stored as UTF-8; each becomes U+FFFD."""
    try:
        text.encode("utf-8")
        return text
    except UnicodeEncodeError:
        # pairs written as two escapes become the character they mean; what is left alone is replaced
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
