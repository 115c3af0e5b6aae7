"""What 02_gather_data shows: sources as found, what could not be read, and the data landscape."""

from tailor.blocks import Block, Callout, Figure, Heading, Table
from tailor.data.gather import ROWS, UNREADABLE
from tailor.data.profile import profile_table, read_groups, sample_rows
from tailor.data.questions import QUESTIONS
from tailor.data.readers.delimited import delimiter_name
from tailor.project import Project
from tailor.records import Source, Sources


def show_sources(project: Project) -> list[Block]:
    """The sources as found, what could not be read, the landscape, and what the columns hold."""
    record = project.load(Sources, "sources.json")
    noun = "source" if len(record.sources) == 1 else "sources"
    shown: list[Block] = [
        Callout(f"{record.rows:,} rows from {len(record.sources):,} {noun} are in one table.", "good"),
        _sources_table(record),
    ]
    notes = [f"{source.name}: {note}" for source in record.sources for note in source.notes]
    if notes:
        shown.append(Table(("what was noticed while reading",), [(note,) for note in notes], show=60))
    if record.left_out:
        shown.append(Table(("what was not read",), [(sentence,) for sentence in record.left_out], show=30))
    return [*shown, *_unreadable(project, record), *_landscape(record), *_columns(project, record)]


def _sources_table(record: Sources) -> Table:
    rows = [
        (
            source.name,
            source.format,
            source.encoding or "",
            delimiter_name(source.delimiter),
            source.rows,
            source.unreadable,
            len(source.columns),
            source.bytes,
        )
        for source in record.sources
    ]
    columns = ("source", "format", "encoding", "delimiter", "rows", "unreadable", "columns", "bytes")
    return Table(columns, rows, "Sources as found", show=60)


def _unreadable(project: Project, record: Sources) -> list[Block]:
    bad = sum(source.unreadable for source in record.sources)
    if not bad:
        return []
    first = read_groups(project.path(f"raw/{UNREADABLE}"), [0])  # there may be millions
    rows = first.select("row_id", "reason").rows()
    return [
        Callout(f"{bad:,} lines could not be read. They are kept, with the reason.", "warning"),
        Table(("row", "reason"), rows, "What could not be read", 10),
    ]


def _landscape(record: Sources) -> list[Block]:
    """All sources side by side: their cards, the four questions, and plots."""
    from tailor import plots

    sources = record.sources
    if not all(source.checks for source in sources):
        return []
    cards = [
        (
            source.name,
            source.origin,
            source.owner,
            source.licence,
            source.consent,
            _languages(source),
            " to ".join(source.period),
            source.tokens,
            source.sha256[:12],
        )
        for source in sources
    ]
    names = ("source", "origin", "owner", "licence", "consent", "language", "period", "tokens", "sha-256")
    answers = [
        (source.name, question, _VERDICTS[source.checks[question].verdict], source.checks[question].says)
        for source in sources
        for question in QUESTIONS
    ]
    missing = [source.name for source in sources if not source.licence]
    shown: list[Block] = [
        Heading("The data landscape"),
        Table(names, cards, "What is known about each source; language, period and tokens are measured", 60),
    ]
    if missing:
        shown.append(Callout(f"Nobody has said under which terms {_some(missing)} may be used.", "warning"))
    figures = [
        Figure(lambda: plots.source_amounts(sources), "Rows and tokens of each source"),
        Figure(lambda: plots.source_flaws(sources), "Share of broken, duplicate and incomplete rows"),
        Figure(lambda: plots.source_lengths(sources), "Length of rows in tokens, and what the model reads"),
    ]
    if any(source.period for source in sources):
        figures.append(Figure(lambda: plots.source_periods(sources), "Period of each source"))
    if len(sources) > 1:
        figures.append(Figure(lambda: plots.source_nearness(sources), "Nearness to the use case"))
    return [
        *shown,
        Table(("source", "is it ...", "", "why"), answers, "Four questions to each source", 120),
        *figures,
    ]


_VERDICTS = {"good": "yes", "note": "see why", "warning": "doubtful", "bad": "no"}


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")


def _languages(source: Source) -> str:
    return ", ".join(
        f"{code or 'undetermined'} {share:.0%}" for code, share in list(source.languages.items())[:3]
    )


def _columns(project: Project, record: Sources) -> list[Block]:
    rows = sample_rows(project.path(f"raw/{ROWS}"))
    return [Heading("What the columns hold"), profile_table(rows, record.rows)]
