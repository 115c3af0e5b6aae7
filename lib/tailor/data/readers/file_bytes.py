"""A file's bytes: in blocks, unpacked and never more than a budget allows, and as lines."""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

from tailor.data.readers.found import Limits
from tailor.errors import WorkbenchError

BLOCK = 1 << 20
_LONGEST_LINE = 1 << 26


def byte_blocks(path: Path, limits: Limits) -> Iterator[bytes]:
    """A file's bytes in blocks of about a megabyte, unpacking `.gz` under the budget.

    Raises:
        WorkbenchError: unpacks to more than `limits.bytes`, or a damaged gzip file.
    """
    if path.suffix.lower() != ".gz":
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                yield block
        return
    total = 0
    try:
        with gzip.open(path) as file:
            while block := file.read(BLOCK):
                total += len(block)
                if total > limits.bytes:
                    size = f"more than {limits.bytes:,} bytes unpacked (from {path.stat().st_size:,} packed)"
                    raise too_large(path, size, limits.bytes)
                yield block
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise WorkbenchError(
            f"{path.name} cannot be unpacked ({error})", "a whole gzip file", "fetch the file again"
        ) from None


def check_size(path: Path, limit: int) -> None:
    """Refuse a file that is too large to be read whole.

    Raises:
        WorkbenchError: it is larger than `limit` bytes.
    """
    size = path.stat().st_size
    if path.suffix.lower() != ".gz" and size > limit:
        raise too_large(path, f"{size:,} bytes", limit)


def too_large(path: Path, size: str, limit: int) -> WorkbenchError:
    return WorkbenchError(
        f"{path.name} holds {size}",
        f"at most {limit:,} bytes in one file",
        "split the file, or raise 02_gather_data.max_megabytes",
    )


def byte_lines(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Lines with their ends; one of more than 64 MB comes in several parts."""
    rest = b""
    for block in blocks:
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            yield line + b"\n"
        if len(rest) > _LONGEST_LINE:  # no text: joining such a line again and again would take for ever
            yield rest
            rest = b""
    if rest:
        yield rest
