"""From what a person names to what is read: files, folders, archives, databases and data sets of the hub."""

import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from tailor.data.readers.archives import unpack
from tailor.data.readers.database import Address, is_database, parse_address
from tailor.data.readers.formats import DOCUMENTS, FORMATS, TABLES, format_of, sniff
from tailor.data.readers.found import Limits, Options, Stream, list_some
from tailor.data.readers.hub import HubName, parse_name
from tailor.data.readers.open import checked, reader_of, stream_files, why_not_read
from tailor.errors import WorkbenchError

_MANNER = re.compile(r"(table|text|mail|code):(?=.)")
_READER = {"table": "csv", "text": "documents", "mail": "mail", "code": "code"}
_SKIPPED = {"node_modules", "__pycache__", "venv", "site-packages"}


@dataclass(frozen=True)
class Item:
    """One source to read.

    Attributes:
        given: as the person named it; a folder gives several items.
        name: what it is called, before it is made plain and unique.
        reader: which reader takes it.
        files: each with its name inside the source, "" where the file is the whole source.
        inside: it was found in a folder or archive, so that one that cannot be read is set aside.
        address: where it is no file.
    """

    given: str
    name: str
    reader: str
    files: tuple[tuple[Path, str], ...] = ()
    inside: bool = False
    address: Address | HubName | None = None

    @property
    def is_file(self) -> bool:
        return self.address is None

    @property
    def is_folder(self) -> bool:
        return bool(self.files and self.files[0][1])


@dataclass
class Listing:
    """What was found: sources, and a sentence for each file that was left out."""

    items: list[Item] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def check_address(source: str) -> None:
    """Refuse a database URL or hub name that cannot be right, without asking anyone.

    Raises:
        WorkbenchError: a password in clear, no table, no id.
    """
    if source.startswith("hf:"):
        parse_name(source)
    elif is_database(source):
        parse_address(source)


def local_path(source: str) -> str | None:
    """The path in what a person named; None where it is no file (a hub data set, a database server)."""
    if source.startswith("hf:"):
        return None
    if is_database(source):
        return parse_address(source).file or None
    return _MANNER.sub("", source, count=1)


def find_sources(
    given: Sequence[str], resolve: Callable[[str], Path], limits: Limits, options: Options, scratch: Path
) -> Listing:
    """List what is to be read, looking into folders and unpacking archives below `scratch`.

    Args:
        given: paths (with `code:`, `text:`, `mail:` or `table:` before one to say how it is read), `hf:` names,
            database URLs.
        resolve: finds a path.

    Raises:
        WorkbenchError: a file that no reader takes, an archive that is too large, or nothing readable at all.
    """
    listing = Listing()
    for source in given:
        if source.startswith("hf:"):
            hub = parse_name(source)
            listing.items.append(Item(source, hub.name, "hub", address=hub))
        elif is_database(source):
            address = parse_address(source)
            files = ((resolve(address.file), ""),) if address.file else ()
            listing.items.append(Item(source, address.name, "database", files, address=address))
        else:
            manner = _MANNER.match(source)
            path = resolve(_MANNER.sub("", source, count=1))
            _add_path(listing, source, path, manner[1] if manner else "", limits, options, scratch)
    seen: set[tuple] = set()
    unique = []
    for item in listing.items:
        key = (item.address, tuple(path.resolve() for path, _ in item.files))
        if key not in seen:
            unique.append(item)
        seen.add(key)
    listing.items = unique
    if not listing.items:
        why = f"; {listing.left_out[0]}" if listing.left_out else ""
        raise WorkbenchError(
            f"{', '.join(given)} holds no file that can be read{why}",
            f"at least one file ending in {', '.join(FORMATS)}, or source code",
            "name another file or folder in 02_gather_data.sources",
        )
    return listing


def open_item(item: Item, limits: Limits, options: Options) -> Stream:
    """Begin to read a source.

    Raises:
        WorkbenchError: it cannot be read.
    """
    if isinstance(item.address, HubName):
        from tailor.data.readers.hub import stream_hub

        stream = stream_hub(item.address, limits)
    elif isinstance(item.address, Address):
        from tailor.data.readers.database import stream_database

        stream = stream_database(item.address, item.files[0][0] if item.files else None, limits)
    else:
        path = item.files[0][0]
        if not item.is_folder and path.stat().st_size == 0:
            raise WorkbenchError(
                f"{path.name} is empty (0 bytes)", "a file with rows", "check the export that made the file"
            )
        stream = stream_files(item.reader, list(item.files), limits, options)
    return checked(stream, item.name, limits)


def _add_path(
    listing: Listing, given: str, path: Path, manner: str, limits: Limits, options: Options, scratch: Path
) -> None:
    if path.is_dir():
        _add_folder(listing, given, path, path.resolve().name, manner, limits, options)
    elif format_of(path) == "zip" and not manner:
        scratch.mkdir(parents=True, exist_ok=True)
        folder = Path(mkdtemp(dir=scratch)) / (path.stem or "archive")
        left = unpack(path, folder, limits)
        listing.left_out += [f"{path.name}/{name} was left out: {reason}" for name, reason in left]
        _add_folder(listing, given, folder, path.stem, manner, limits, options)
    else:
        reader = _READER[manner] if manner else reader_of(path, options)
        listing.items.append(Item(given, path.name, reader, ((path, ""),)))


def _add_folder(
    listing: Listing, given: str, folder: Path, name: str, manner: str, limits: Limits, options: Options
) -> None:
    left: defaultdict[str, list[str]] = defaultdict(list)
    groups: defaultdict[str, list[tuple[Path, str, str]]] = defaultdict(list)
    for number, (path, inside, reason) in enumerate(_walk(folder)):
        if number >= limits.files:
            raise WorkbenchError(
                f"{given} holds more than {limits.files:,} files",
                f"at most {limits.files:,}",
                "name its parts",
            )
        reason = reason or _sort(path, inside, groups, options, manner)
        if reason:
            left[reason].append(inside)
    kept = _chosen(groups, manner)
    for group in list(groups):
        if group not in kept:
            left[_kept_out(group, manner)] += [inside for _, inside, _ in groups.pop(group)]
    if "code" in groups:
        groups["code"] = _without_ignored(folder, groups["code"], left)
    for path, inside, kind in groups.pop("table", []):
        listing.items.append(Item(given, Path(inside).name, kind, ((path, ""),), inside=True))
    documents = sorted(groups.pop("text", []) + groups.pop("document", []), key=lambda file: file[1])
    several = [
        (reader, files) for reader, files in (("documents", documents), *sorted(groups.items())) if files
    ]
    for place, (reader, files) in enumerate(several):
        members = tuple((path, inside) for path, inside, _ in files)
        listing.items.append(Item(given, f"{name}_{reader}" if place else name, reader, members, inside=True))
    listing.left_out += [_left_sentence(names, reason) for reason, names in left.items()]


def _left_sentence(names: list[str], reason: str) -> str:
    if len(names) == 1:
        return f"{names[0]} was left out: {reason}"
    return f"{len(names):,} files were left out ({list_some(names)}): {reason}"


def _sort(
    path: Path, inside: str, groups: dict[str, list[tuple[Path, str, str]]], options: Options, manner: str
) -> str:
    """Put a file into its group (table, text, document, mail or code); the reason where it belongs to none."""
    kind = format_of(path)
    if not path.stat().st_size:
        return "it is empty (0 bytes)"
    if kind == "plain" or (kind is None and (not path.suffix or path.suffix.lower() == ".gz")):
        kind = sniff(path, options.encoding)
    elif kind is None and manner in ("text", "mail") and sniff(path, options.encoding) != "binary":
        kind = manner  # a log, or a message in a folder of a mail program
    if kind == "zip":
        return "an archive inside a folder is not opened; name it in sources itself"
    if kind in (None, "binary"):
        return (
            f"'{path.suffix}' is not a format that is read"
            if path.suffix and not kind
            else why_not_read(path)
        )
    group = "table" if kind in TABLES else "document" if kind in DOCUMENTS and kind != "text" else kind
    groups[group].append((path, inside, kind))
    return ""


def _chosen(groups: dict[str, list], manner: str) -> set[str]:
    """Which groups of a folder are read.

    A folder with more source files than all others is a program, and its tables and texts belong to that. Beside
    tables a text file is a note about them.
    """
    if manner:
        return {"table": {"table"}, "text": {"text", "document"}, "mail": {"mail"}, "code": {"code"}}[manner]
    counts = Counter({group: len(files) for group, files in groups.items()})
    if counts["code"] > counts.total() / 2:
        return {"code"}
    return {"table", "mail", "document"} | ({"text"} if not counts["table"] else set())


def _kept_out(group: str, manner: str) -> str:
    """Why a group of files in a folder is not read, and how it would be."""
    if manner:
        return f"only what '{manner}:' asks for is read"
    if group == "text":
        return "beside tables, a text file is taken for a note about them; name it in sources to read it"
    if group == "code":
        return "source code beside other files; name the folder 'code:...' to read it"
    return "most files of the folder are source code; name this one in sources to read it"


def _walk(folder: Path) -> Iterator[tuple[Path, str, str]]:
    """(path, name inside the folder, reason to leave it out or "") of each file, in a stable order.

    Hidden files are passed over, links out of the folder never followed.
    """
    root = folder.resolve()
    for place, folders, files in os.walk(root):
        here = Path(place)
        for name in sorted(set(folders) & _SKIPPED):
            yield here / name, f"{(here / name).relative_to(root).as_posix()}/", "made by a program"
        linked = [name for name in folders if (here / name).is_symlink()]
        folders[:] = sorted(
            n for n in folders if not n.startswith(".") and n not in _SKIPPED and n not in linked
        )
        for name in sorted([*files, *linked]):
            path = here / name
            inside = _told(path.relative_to(root).as_posix())
            if name.startswith("."):
                continue
            if path.is_symlink() and not path.resolve().is_relative_to(root):
                yield path, inside, "it is a link that leads out of the folder, and is not followed"
            elif path.is_file():
                yield path, inside, ""


def _told(name: str) -> str:
    """A file's name as text: bytes in it that are no UTF-8, as old systems wrote them, become \\xe9 and the like."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _without_ignored(folder: Path, files: list[Any], left: dict[str, list[str]]) -> list[Any]:
    """Source files that no .gitignore of the folder names."""
    import pathspec

    root = folder.resolve()
    rules = {
        path.parent: pathspec.GitIgnoreSpec.from_lines(path.read_text("utf-8", "replace").splitlines())
        for path in sorted(root.rglob(".gitignore"))
        if path.is_file() and not path.is_symlink()
    }
    kept = []
    for path, inside, kind in files:
        above = [
            spec
            for place, spec in rules.items()
            if path.is_relative_to(place) and spec.match_file(path.relative_to(place).as_posix())
        ]
        if above:
            left["a .gitignore names it"].append(inside)
        else:
            kept.append((path, inside, kind))
    return kept
