"""02 Gather data: which sources, whose, how good, how much?"""

from tailor.blocks import Block, Callout, Heading, Table, Text
from tailor.data.alignment import parse_renames
from tailor.data.gather import UNREADABLE, Choices, find_files, gather
from tailor.data.profile import profile_table
from tailor.data.readers import Limits
from tailor.data.tables import read_table
from tailor.files import writing
from tailor.progress import Log
from tailor.project import Project
from tailor.records import ProjectRecord, Sources
from tailor.settings import Settings as Base
from tailor.settings import setting

STEP = "02_gather_data"


class Settings(Base):
    """What to read, and how."""

    sources: list[str] = setting(
        [],
        "Files or folders to read: CSV, TSV, JSON Lines, JSON, Parquet or Excel; CSV and JSON also packed as .gz. "
        "A path is absolute or relative to the workspace.",
    )
    test_source: str = setting(
        "",
        "A file whose rows are the test set, if one was fixed beforehand. Rows elsewhere that say the same are "
        "removed. Empty: the test is split off in 04_format_data.",
        label="test file",
    )
    owner: str = setting(
        "", "Who the data belongs to; written into the record so that it can be answered later."
    )
    licence: str = setting("", "Under which terms the data may be used.", label="licence or terms")
    max_rows: int = setting(
        0, "Read at most this many rows of each file, drawn at random; 0 reads all.", unit="rows", ge=0
    )
    align_columns: bool = setting(
        True,
        "Put columns of different files that mean the same under one name ('Customer_Message' and 'body' become "
        "'message'); each is told below.",
    )
    rename_columns: list[str] = setting(
        [], "Columns to rename first, each as 'old name = new name'.", advanced=True
    )
    encoding: str = setting(
        "",
        "The encoding of text files, such as utf-8 or cp1252. Empty: found out for each file and shown below.",
        advanced=True,
    )
    delimiter: str = setting(
        "",
        "What separates the cells of a CSV file: a comma, semicolon, tab or bar. Empty: found out and shown below.",
        max_length=1,
        advanced=True,
    )
    max_cell_characters: int = setting(
        1_000_000,
        "A row with a longer cell is set aside with the reason: it is almost always a broken export.",
        unit="characters",
        ge=1,
        advanced=True,
    )
    max_megabytes: int = setting(
        1_000,
        "A file that is larger than this once unpacked is refused before it fills the memory.",
        unit="MB",
        ge=1,
        advanced=True,
    )


def blockers(project: Project, settings: Settings) -> list[str]:
    if not [source for source in settings.sources if source.strip()]:
        return ["no source is named yet: put the path of a file or folder into 'sources'"]
    return []


def reads_files(project: Project, settings: Settings) -> list[str]:
    given = [*settings.sources, settings.test_source]
    return list(dict.fromkeys(source for source in given if source.strip()))


def run(project: Project, settings: Settings, log: Log) -> Sources:
    """Copy the sources into raw/ and read them all into raw/rows.parquet."""
    files, skipped = find_files([project.resolve(source) for source in reads_files(project, settings)])
    for note in skipped:
        log.note(note)
    choices = Choices(
        owner=settings.owner,
        licence=settings.licence,
        encoding=settings.encoding,
        delimiter=settings.delimiter,
        max_rows=settings.max_rows,
        limits=Limits(settings.max_megabytes * 1_000_000, settings.max_cell_characters),
        seed=_seed(project),
        align=settings.align_columns,
        renames=parse_renames(settings.rename_columns),
        frozen_test=project.resolve(settings.test_source) if settings.test_source else None,
    )
    with writing(project.path("raw")) as folder:
        sources = gather(files, folder, choices, log)
    return Sources(sources=sources, rows=sum(source.rows for source in sources))


def _seed(project: Project) -> int:
    path = project.path("project.json")
    return ProjectRecord.load(path).seed if path.exists() else 0


def blocks(project: Project) -> list[Block]:
    """The sources, what could not be read, and what the columns hold."""
    record = project.load(Sources, "sources.json")
    rows = read_table(project.path("raw/rows.parquet"), STEP)
    shown: list[Block] = [
        Callout(f"{record.rows:,} rows from {len(record.sources)} files are in one table.", "good"),
        _sources_table(record),
    ]
    shown += [Text(f"{source.name}: {note}.") for source in record.sources for note in source.notes]
    if bad := sum(source.unreadable for source in record.sources):
        shown.append(Callout(f"{bad:,} lines could not be read. They are kept, with the reason.", "warning"))
        table = read_table(project.path(f"raw/{UNREADABLE}"), STEP)
        shown.append(
            Table(("row", "reason"), table.select("row_id", "reason").rows(), "What could not be read", 10)
        )
    shown += [Heading("What the columns hold"), profile_table(rows)]
    return shown


def _sources_table(record: Sources) -> Table:
    names = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", None: ""}
    rows = [
        (
            source.name,
            source.format,
            source.encoding or "",
            names.get(source.delimiter, source.delimiter),
            source.rows,
            source.unreadable,
            len(source.columns),
            source.bytes,
        )
        for source in record.sources
    ]
    columns = ("file", "format", "encoding", "delimiter", "rows", "unreadable", "columns", "bytes")
    return Table(columns, rows, "Sources as found")
