"""Writing without half-written files, and hashing what is on disk."""

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tailor.errors import WorkbenchError


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; on success it takes the place of `path`, on failure it vanishes.

    Works for a file or a folder (create the folder yourself at the path given). Readers never see a half-written
    state: they see what was there before or what is there after.

    Raises:
        WorkbenchError: the disk is full, or the folder cannot be written.
    """
    path = Path(path)
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # a short random name: the final name may already be as long as the file system allows
        handle, name = tempfile.mkstemp(prefix=f".writing-{os.getpid()}-", dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        temporary.unlink()
        yield temporary
        _flush(temporary)
        _replace(temporary, path)
    except OSError as error:
        raise disk_error(error, path) from error
    finally:
        if temporary is not None:
            _remove(temporary)


def _flush(path: Path) -> None:
    """Push a file's bytes to the disk, so that a rename never outruns them."""
    if path.is_file():
        with path.open("rb+") as file:
            os.fsync(file.fileno())


def _replace(temporary: Path, path: Path) -> None:
    """Rename over `path`; a folder is first moved aside, since rename does not replace a full folder."""
    if temporary.is_dir() and path.exists():
        aside = path.with_name(f".writing-{os.getpid()}-old-{path.name[:80]}")
        _remove(aside)
        os.replace(path, aside)
        os.replace(temporary, path)
        _remove(aside)
    else:
        os.replace(temporary, path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def scratch_folder(path: Path) -> Iterator[Path]:
    """Give an empty folder beside `path`, which goes when the block ends (after a kill: with `sweep`).

    Raises:
        WorkbenchError: the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".writing-{os.getpid()}-", dir=path.parent))
    except OSError as error:
        raise disk_error(error, path) from error
    try:
        yield folder
    finally:
        _remove(folder)


def sweep(folder: Path) -> None:
    """Remove what killed processes left half-written below `folder`; what a living one is writing stays."""
    import psutil

    for path in list(folder.rglob(".writing-*")):
        pid = path.name.split("-")[1]
        if not (pid.isdigit() and psutil.pid_exists(int(pid))):
            _remove(path)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text through a temporary name."""
    with writing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: object) -> None:
    """Write indented JSON with stable key order as given, through a temporary name."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def disk_error(error: OSError, path: Path) -> WorkbenchError:
    """Turn an operating-system error on writing `path` into one a person can act on."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        free = shutil.disk_usage(_existing_parent(path)).free
        return WorkbenchError(
            f"the disk is full: {free:,} bytes are free where {path} should be written",
            "room for the file; what was there before is untouched",
            "free some space, or set TAILOR_HOME to a folder on a larger disk, and run the step again",
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return WorkbenchError(
            f"{path} cannot be written ({os.strerror(error.errno)})",
            "a folder you may write to",
            f"change the permissions of {_existing_parent(path)}, or set TAILOR_HOME to a folder of yours",
        )
    return WorkbenchError(
        f"{path} could not be read or written ({error.strerror or error})",
        "a path the operating system accepts",
        "check the path, and run the step again",
    )


def _existing_parent(path: Path) -> Path:
    return next(folder for folder in [path, *path.parents] if folder.is_dir())


def sha256_bytes(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Hash a file's bytes."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_tree(path: Path) -> str:
    """Hash a file, or a folder as the sorted list of its visible files' names and hashes."""
    path = Path(path)
    if path.is_file():
        return sha256_file(path)
    lines = [
        f"{file.relative_to(path).as_posix()} {sha256_file(file)}"
        for file in sorted(path.rglob("*"))
        if file.is_file() and not any(part.startswith(".") for part in file.relative_to(path).parts)
    ]
    return sha256_bytes("\n".join(lines).encode())


def canonical_json(value: object) -> str:
    """JSON with sorted keys and no blanks: equal values give equal text."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
