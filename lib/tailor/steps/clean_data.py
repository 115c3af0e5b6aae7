"""03 Clean data: what is broken, and what does each repair change?"""

from typing import Any, Literal

from tailor.blocks import Block, Callout, Figure, Heading, Table
from tailor.data.cleaning.pipeline import clean
from tailor.data.cleaning.plan import OPERATIONS, choose_columns, plan_operations
from tailor.data.cleaning.privacy import KINDS
from tailor.data.roles import describe_columns
from tailor.data.tables import read_table, write_table
from tailor.progress import Log
from tailor.project import Project
from tailor.records import Cleaning, Operation, Sources
from tailor.settings import Settings as Base
from tailor.settings import setting

TITLES = {operation.name: operation.title for operation in OPERATIONS}
Language = Literal["most", "any", "en", "de", "fr", "es", "it", "nl", "pt", "pl"]


class Settings(Base):
    """Which repairs run, and how strict each one is. They run in the order of this form."""

    repair_encoding: bool = setting(
        True, "Undo text that was decoded wrongly on its way, such as 'cafÃ©' for 'café'."
    )
    remove_html: bool = setting(
        True,
        "Keep the words of HTML mails and drop the markup. Text that merely has '<' in it is not touched.",
    )
    normalize_text: bool = setting(
        True, "One way of writing each character: plain blanks, composed accents, nothing invisible."
    )
    remove_mail_furniture: bool = setting(
        True, "Drop what e-mail programs add: the quoted earlier mail, signatures, legal notices."
    )
    drop_empty: bool = setting(True, "Drop rows in which a required column is empty.")
    max_characters: int = setting(
        20_000, "Drop rows with a longer text than this.", unit="characters", ge=1, log=True
    )
    language: Language = setting(
        "most",
        "Drop rows whose text is clearly in another language. 'most' keeps the language of most rows, if at least "
        "80% share it; 'any' keeps all. Short texts are never dropped.",
    )
    mask_personal_data: bool = setting(
        True, "Replace personal data by placeholders such as [EMAIL], so that the model cannot learn it."
    )
    merge_labels: bool = setting(
        True, "Write 'Card lost', 'card-lost' and 'card lost ' as one label: the most frequent spelling."
    )
    exact_duplicates: bool = setting(
        True, "Of rows that are equal but for case, blanks and punctuation, keep the first."
    )
    near_duplicates: float = setting(
        0.8,
        "Of rows that share at least this much of their words and word pairs (Jaccard similarity), keep the first. "
        "Lower drops more; 0 turns it off.",
        unit="similarity",
        source="0.7 to 0.8 is customary for web text (Lee et al. 2022, arXiv:2107.06499, section 4.2, uses 0.8)",
        ge=0,
        le=1,
    )
    personal_data: list[Literal["email", "iban", "card", "phone"]] = setting(
        list(KINDS), "The kinds of personal data to mask.", advanced=True
    )
    text_columns: list[str] = setting(
        [], "Columns with running text. Empty: found out from their contents.", advanced=True
    )
    label_columns: list[str] = setting(
        [], "Columns with labels. Empty: found out from their names and contents.", advanced=True
    )
    required_columns: list[str] = setting(
        [],
        "Columns that a usable row must fill. Empty: labels, and text that most rows have.",
        advanced=True,
    )


def run(project: Project, settings: Settings, log: Log) -> Cleaning:
    """Clean raw/rows.parquet into clean.parquet; what goes is kept in dropped.parquet with its reason."""
    rows = read_table(project.path("raw/rows.parquet"), "02_gather_data")
    columns = choose_columns(
        describe_columns(rows), settings.text_columns, settings.label_columns, settings.required_columns
    )
    sources = project.load(Sources, "sources.json").sources
    frozen = tuple(source.name for source in sources if source.frozen_test)
    kept, dropped, operations = clean(rows, plan_operations(settings, columns, frozen), log)
    write_table(kept, project.path("clean.parquet"))
    write_table(dropped, project.path("dropped.parquet"))
    return Cleaning(rows_in=rows.height, rows_out=kept.height, operations=operations)


def blocks(project: Project) -> list[Block]:
    """What each operation did, with examples."""
    record = project.load(Cleaning, "cleaning.json")
    lost = record.rows_in - record.rows_out
    share = lost / record.rows_in
    shown: list[Block] = [
        Callout(
            f"{record.rows_out:,} of {record.rows_in:,} rows are clean; {lost:,} ({share:.0%}) were dropped and are "
            "kept in dropped.parquet with their reasons.",
            "warning" if share > 0.3 else "good",
        ),
        Table(
            ("operation", "rows changed", "rows dropped"),
            [(TITLES.get(item.name, item.name), item.changed, item.dropped) for item in record.operations],
            "What each operation did, in order",
        ),
    ]
    if lost:
        shown.append(_dropped_figure(record))
    return shown + [block for item in record.operations for block in _examples(item)]


def _dropped_figure(record: Cleaning) -> Figure:
    counts = {TITLES.get(item.name, item.name): item.dropped for item in record.operations if item.dropped}

    def draw() -> Any:
        from tailor.plots import dropped_by_reason

        return dropped_by_reason(counts)

    return Figure(draw, "Rows dropped: " + ", ".join(f"{name} {count:,}" for name, count in counts.items()))


def _examples(item: Operation) -> list[Block]:
    if not item.examples:
        return []
    title = TITLES.get(item.name, item.name)
    if not item.changed:
        rows = [(row_id, reason) for row_id, _, reason in item.examples[:5]]
        return [Heading(title), Table(("row", "why it was dropped"), rows)]
    return [Heading(title), Table(("row", "before", "after"), item.examples[:5])]
