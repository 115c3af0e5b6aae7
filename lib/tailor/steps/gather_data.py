"""02 Gather data: which sources, whose, how good, how much?"""

from pathlib import Path
from typing import Literal

from tailor.blocks import Block
from tailor.data.alignment import parse_renames
from tailor.data.gather import ROWS, Choices, gather
from tailor.data.gather_view import show_sources
from tailor.data.landscape import Base, compare_with_use_case, measure_all
from tailor.data.questions import ask
from tailor.data.readers import Limits, Options
from tailor.data.readers.database import missing_variables
from tailor.data.sources import check_address, local_path
from tailor.errors import WorkbenchError
from tailor.files import writing
from tailor.progress import Log
from tailor.project import Project
from tailor.records import ProjectRecord, Source, SourceCard, Sources, UseCase
from tailor.settings import Settings as BaseSettings
from tailor.settings import setting


class Settings(BaseSettings):
    """What to read, and how."""

    sources: list[str] = setting(
        [],
        "What to read, one a line. A file or folder: CSV, TSV, JSON, JSON Lines, Parquet, Arrow, Excel, text, "
        "Markdown, HTML, PDF, Word, e-mail (.eml, .mbox), SQLite, or a .zip of these; absolute or relative to the "
        "workspace. 'code:folder' reads source code; 'text:', 'mail:' and 'table:' say likewise how a path is read. "
        "A database: sqlite:///file.db?table=tickets, or postgresql://reader:${DB_PASSWORD}@host/shop#select ... "
        "with the password in the environment. A Hugging Face data set: hf:owner/name or hf:owner/name:split.",
    )
    test_source: str = setting(
        "",
        "A source whose rows are the test set, if one was fixed beforehand. Rows elsewhere that say the same are "
        "removed. Empty: the test is split off in 04_format_data.",
        label="test file",
    )
    origin: str = setting(
        "", "Where the data comes from: a system's export, a web site, a published data set."
    )
    owner: str = setting(
        "", "Who the data belongs to; written into the record so that it can be answered later."
    )
    licence: str = setting("", "Under which terms the data may be used.", label="licence or terms")
    consent: str = setting("", "Who agreed that it is used for this, and how; as far as it is about people.")
    cards: list[SourceCard] = setting(
        [],
        "What differs for one source, as a list: '- source: old.csv' and below it any of origin, owner, licence, "
        "consent, encoding, delimiter, header. What is not said there is as above.",
        label="source cards",
    )
    max_rows: int = setting(
        0, "Read at most this many rows of each source, drawn at random; 0 reads all.", unit="rows", ge=0
    )
    passages: Literal["file", "section", "paragraph"] = setting(
        "section",
        "What becomes one row of a text, web page, PDF or Word file: the whole file, each section (of a PDF: page) "
        "or each paragraph.",
        label="a row of a document",
    )
    mail: Literal["pairs", "messages"] = setting(
        "pairs",
        "What becomes one row of e-mail: a query with its reply, or each message. Who belongs together is told by "
        "Message-ID and References, else by subject.",
        label="a row of e-mail",
    )
    own_addresses: list[str] = setting(
        [],
        "Addresses or domains of those who answer, so that query and reply are told apart. Empty: who replies most.",
        advanced=True,
    )
    code: Literal["file", "function"] = setting(
        "file",
        "What becomes one row of source code: each file, or each function (Python only).",
        label="a row of code",
        advanced=True,
    )
    align_columns: bool = setting(
        True,
        "Put columns of different sources that mean the same under one name ('Customer_Message' and 'body' become "
        "'message'); each is told below. Documents and code keep theirs.",
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
    header: Literal["auto", "yes", "no"] = setting(
        "auto",
        "Whether the first row of a CSV file names the columns. 'auto' says no where one of its cells stands again "
        "in its column.",
        label="first row names columns",
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
        "A packed file, or one that has to be read whole (JSON arrays, Excel, documents, e-mail), is refused if it is "
        "larger than this once unpacked. CSV, JSON Lines and Parquet of any size pass through in pieces.",
        unit="MB",
        ge=1,
        advanced=True,
    )
    max_columns: int = setting(
        2_000,
        "A source with more columns is refused: a wide table of figures is no text to learn from.",
        unit="columns",
        ge=1,
        advanced=True,
    )


def blockers(project: Project, settings: Settings) -> list[str]:
    given = _given(settings)
    if not [source for source in settings.sources if source.strip()]:
        return ["no source is named yet: put the path of a file or folder into 'sources'"]
    try:
        for source in given:
            check_address(source)
    except WorkbenchError as error:
        return [f"{error.found}: {error.fix}"]
    return [
        f"a source refers to the environment variable {name}, and there is none: set it before JupyterLab starts"
        for source in given
        for name in missing_variables(source)
    ]


def _given(settings: Settings) -> list[str]:
    given = [*settings.sources, settings.test_source]
    return list(dict.fromkeys(source.strip() for source in given if source.strip()))


def reads_files(project: Project, settings: Settings) -> list[str]:
    """The sources that are files. What a database server or the hub holds is asked again only by force."""
    return list(dict.fromkeys(path for source in _given(settings) if (path := local_path(source))))


def run(project: Project, settings: Settings, log: Log) -> Sources:
    """Copy the sources into raw/, read them all into raw/rows.parquet, and measure each."""
    choices = Choices(
        card=SourceCard(
            origin=settings.origin, owner=settings.owner, licence=settings.licence, consent=settings.consent
        ),
        cards=settings.cards,
        options=Options(
            encoding=settings.encoding,
            delimiter=settings.delimiter,
            header=settings.header,
            passages=settings.passages,
            code=settings.code,
            mail=settings.mail,
            own_addresses=tuple(settings.own_addresses),
        ),
        limits=Limits(
            settings.max_megabytes * 1_000_000, settings.max_cell_characters, columns=settings.max_columns
        ),
        max_rows=settings.max_rows,
        seed=_project_record(project).seed,
        frozen_test=settings.test_source.strip(),
        align=settings.align_columns,
        renames=parse_renames(settings.rename_columns),
    )
    with writing(project.path("raw")) as folder:
        sources, left_out = gather(_given(settings), project.resolve, folder, choices, log)
        _measure(project, sources, folder / ROWS, log)
    for sentence in left_out:
        log.note(sentence)
    return Sources(sources=sources, rows=sum(source.rows for source in sources), left_out=left_out)


def _project_record(project: Project) -> ProjectRecord:
    path = project.path("project.json")
    return (
        ProjectRecord.load(path) if path.exists() else ProjectRecord(name=project.name, base_model="", seed=0)
    )


def _measure(project: Project, sources: list[Source], rows: Path, log: Log) -> None:
    base = _base(_project_record(project).base_model)
    use_case = project.load(UseCase, "use_case.json")
    facts = measure_all(sources, rows, base, log)
    compare_with_use_case(facts, use_case)
    ask(sources, facts, use_case.task, base)


def _base(name: str) -> Base:
    """The base model's tokenizer and size, where it stands on this machine."""
    from tailor.models.catalog import bundled_names, resolve

    if name not in bundled_names() and not Path(name or "-").is_dir():
        return Base()
    try:
        found = resolve(name)
    except WorkbenchError:
        return Base()
    file = found.folder / "tokenizer.json"
    if not file.exists():
        return Base(None, found.context, found.parameters)
    from tokenizers import Tokenizer

    return Base(Tokenizer.from_file(str(file)), found.context, found.parameters)


def blocks(project: Project) -> list[Block]:
    """The sources as found, what could not be read, the landscape, and what the columns hold."""
    return show_sources(project)
