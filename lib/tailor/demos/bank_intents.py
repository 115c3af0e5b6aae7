"""The demo ``bank_intents``: the same customers' messages, labelled by intent (task kind ``classify``)."""

from pathlib import Path

from tailor.demos import defects, documents, files, grammar, labels
from tailor.demos.bank import LAST_DAY, Bank, Row
from tailor.demos.bank_support import repeats
from tailor.demos.files import Layout

COLUMNS = {
    "message_id": "id",
    "created_at": "created_at",
    "channel": "channel",
    "customer_id": "customer",
    "thread_id": "thread",
    "language": "language",
    "product": "product",
    "agent": "agent",
    "text": "message",
    "intent": "intent",
}


def layouts() -> list[Layout]:
    """The three raw files."""
    line = dict(
        zip(
            [
                "id",
                "ts",
                "channel",
                "customer_id",
                "thread_id",
                "lang",
                "product",
                "labelled_by",
                "text",
                "label",
            ],
            COLUMNS.values(),
            strict=True,
        )
    )
    return [
        Layout("intents_2024.csv", "I24-", dict(COLUMNS), "%d.%m.%Y %H:%M", "cp1252", ";"),
        Layout("intents_2025.jsonl", "I25-", line, "%Y-%m-%dT%H:%M:%SZ", broken=[203, 517]),
        Layout("new_month.csv", "I26-", dict(COLUMNS)),
    ]


def damage(bank: Bank, rows: list[Row]) -> list[Row]:
    """Plant the defects of the two years."""
    rng = grammar.stream(bank.seed, "intents")
    defects.empty_rows(rng, rows, 6)
    defects.blanks(rng, rows, {"message": 9, "intent": 12})
    defects.foreign(rng, bank, rows, 24)
    copies = defects.exact_duplicates(rng, rows, {"verbatim": 18, "case": 12, "blank": 12, "nbsp": 12})
    copies += defects.near_duplicates(rng, rows, 40)
    defects.mojibake(rng, rows, 44)
    defects.html(rng, rows, 36)
    defects.truncated(rng, rows, 20, ("message",))
    labels.noise(rng, rows, 64)
    labels.variants(rng, rows, 90)
    defects.bad_dates(rng, rows, 5)
    return rows + copies


def without_replies(rows: list[Row]) -> list[Row]:
    """This demo has no reply column, so plants in replies are dropped."""
    for row in rows:
        row.plants = [plant for plant in row.plants if plant[0] != "reply"]
    return rows


def arrange(bank: Bank) -> list[Layout]:
    """All rows with their plants, in their files and in time order."""
    out, history, later = layouts(), without_replies(bank.history()), without_replies(bank.later())
    later += repeats(bank, history, later, 24)
    again = {plant[3] for row in later for plant in row.plants if plant[1] == "leak"}
    for row in history:
        row.damage = "comes_again" if row.uid in again else ""
    for row in damage(bank, history):
        out[2 if row.created > LAST_DAY else 0 if row.created.year == 2024 else 1].rows.append(row)
    out[2].rows.extend(later)
    for layout in out:
        layout.rows.sort(key=lambda row: (row.created, row.uid))
        defects.respell(layout.rows)
    return out


def build(folder: Path, seed: int) -> None:
    """Write the whole demo."""
    bank = Bank(seed)
    files.write_all(folder, made := arrange(bank))
    documents.write_intents(folder, bank, made, seed)
