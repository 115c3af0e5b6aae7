"""Zip archives, unpacked under a budget: no member leaves the folder, no bomb fills the disk."""

import re
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from tailor.data.readers.file_bytes import too_large
from tailor.data.readers.found import Limits
from tailor.errors import WorkbenchError

_BLOCK = 1 << 20
_DRIVE = re.compile(r"^[A-Za-z]:")


def unpack(path: Path, folder: Path, limits: Limits) -> list[tuple[str, str]]:
    """Unpack an archive into `folder`, which must not exist yet.

    Returns:
        (name, reason) of each member that was left out.

    Raises:
        WorkbenchError: no archive, more members than `limits.files`, or more than `limits.bytes` unpacked.
    """
    left: list[tuple[str, str]] = []
    folder.mkdir(parents=True)
    try:
        with zipfile.ZipFile(path) as packed:
            members = [member for member in packed.infolist() if not member.is_dir()]
            if len(members) > limits.files:
                raise WorkbenchError(
                    f"{path.name} holds {len(members):,} files",
                    f"at most {limits.files:,}",
                    "split the archive",
                )
            total = 0
            for member in members:
                if reason := _refusal(member, folder):
                    left.append((member.filename, reason))
                    continue
                total += _extract(packed, member, folder, limits.bytes - total, path, limits)
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise WorkbenchError(
            f"{path.name} cannot be unpacked ({error})", "a whole zip archive", "fetch or make the file again"
        ) from None
    return left


def _refusal(member: zipfile.ZipInfo, folder: Path) -> str:
    """Why a member is left out; "" for one that is unpacked."""
    name = member.filename
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if name.startswith("/") or _DRIVE.match(name) or ".." in parts or "\x00" in name or not parts:
        return "its path leads out of the archive"
    if stat.S_ISLNK(member.external_attr >> 16):
        return "it is a link"
    if any(len(part.encode()) > 255 for part in parts):
        return "its name is longer than a file's may be"
    if member.flag_bits & 1:
        return "it is locked with a password"
    if folder.joinpath(*parts).exists():
        return "a file of the same name came before it"
    return ""


def _extract(
    packed: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path, room: int, path: Path, limits: Limits
) -> int:
    """Unpack one member, counting what comes out and not what the archive says about it."""
    target = folder.joinpath(*PurePosixPath(member.filename.replace("\\", "/")).parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    size = 0
    with packed.open(member) as source, target.open("wb") as file:
        while block := source.read(_BLOCK):
            size += len(block)
            if size > room:
                packed_size = path.stat().st_size
                what = f"more than {limits.bytes:,} bytes unpacked (from {packed_size:,} packed)"
                raise too_large(path, what, limits.bytes)
            file.write(block)
    return size
