"""The demo ``bank_support``: customers' messages with the agents' replies (task kind ``respond``)."""

from pathlib import Path

from tailor.demos import defects, documents, files, grammar, support_defects
from tailor.demos.bank import LAST_DAY, Bank, Row
from tailor.demos.files import Layout

BANK_ADDRESS = "support@quillhaven.example"
# First what the columns hold, then what each of the exports calls them.
HEADERS = """
id created_at channel customer thread language product agent subject message reply
Ticket_No Created Channel Customer_ID Thread Lang Product Agent Subject Customer_Message Agent_Reply
ticket_id created_at channel customer_id thread_id language product agent subject message reply
id createdAt via.channel requester.id thread lang product assignee title customer.text agent.text
message_id date channel customer_id thread_id language product agent subject body reply
"""
HOLDS, OLD, NEW, DESK, MAIL = (line.split() for line in HEADERS.strip().splitlines())


def mail_columns() -> dict:
    """The columns of the mailbox: as in the others, with sender and receiver before the subject."""
    columns = dict(zip(MAIL, HOLDS, strict=True))
    tail = {name: columns.pop(name) for name in ("subject", "body", "reply")}
    return columns | {"from": "email", "to": lambda row: BANK_ADDRESS} | tail


def layouts() -> list[Layout]:
    """The five raw files."""
    old, new, desk = (dict(zip(names, HOLDS, strict=True)) for names in (OLD, NEW, DESK))
    when = "%Y-%m-%dT%H:%M:%SZ"
    return [
        Layout("tickets_2024.csv", "T24-", old, "%d.%m.%Y %H:%M", "cp1252", ";"),
        Layout("tickets_2025.csv", "T25-", new, encoding="utf-8-sig"),
        Layout("helpdesk_export.jsonl", "HD-", desk, when, broken=[61, 148, 149]),
        Layout("mailbox.jsonl", "MSG-", mail_columns(), "rfc2822"),
        Layout("later.csv", "T26-", dict(new)),
    ]


def place(rng, row: Row) -> int:
    """The number of the file that a row belongs to."""
    if row.channel == "email":
        return 3
    if rng.random() < 0.27:
        return 2
    return 0 if row.created.year == 2024 else 1


def damage(bank: Bank, rows: list[Row]) -> list[Row]:
    """Plant the defects of the two years."""
    rng = grammar.stream(bank.seed, "support")
    defects.empty_rows(rng, rows, 7)
    defects.blanks(rng, rows, {"message": 9, "reply": 14})
    defects.foreign(rng, bank, rows, 26)
    copies = defects.exact_duplicates(rng, rows, {"verbatim": 20, "case": 14, "blank": 14, "nbsp": 14})
    copies += defects.near_duplicates(rng, rows, 45)
    defects.mojibake(rng, rows, 48)
    defects.html(rng, rows, 60)
    defects.truncated(rng, rows, 26, ("message", "reply"))
    support_defects.off_guideline(rng, bank, rows, 36)
    support_defects.auto_replies(rng, bank, rows, 22)
    support_defects.swapped(rng, rows, 6)
    defects.bad_dates(rng, [row for row in rows if row.channel != "email"], 6)
    for row in rows + copies:
        if row.channel == "email" and not row.damage.startswith("empty"):
            support_defects.mail_furniture(grammar.stream(bank.seed, "mail", row.uid.rstrip("dn")), bank, row)
    return rows + copies


def repeats(bank: Bank, rows: list[Row], later: list[Row], count: int) -> list[Row]:
    """Training rows that come again in the later month: a test on them would be too good."""
    rng, out = grammar.stream(bank.seed, "leak"), []
    for row, near in zip(defects.fresh(rng, rows, count), rng.choices(later, k=count), strict=True):
        copy = row.twin(f"{row.uid}z", near.created - row.created)
        copy.message, copy.channel = copy.message, near.channel
        kind = rng.choice(["verbatim", "verbatim", "case", "blank"])
        copy.message = defects.vary(rng, copy.message, kind)
        defects.mark(copy, "message", "leak", f"repeats a training row, variant={kind}", row.uid)
        out.append(copy)
    return out


def arrange(bank: Bank) -> list[Layout]:
    """All rows with their plants, in their files and in time order."""
    rng, out = grammar.stream(bank.seed, "place"), layouts()
    history = bank.history()
    later = bank.later()
    later += repeats(bank, [row for row in history if row.channel != "email"], later, 26)
    for row in damage_after_repeats(bank, history, later):
        out[place(rng, row) if row.created <= LAST_DAY else 4].rows.append(row)
    for row in later:
        out[4].rows.append(row)
    for layout in out:
        layout.rows.sort(key=lambda row: (row.created, row.uid))
        defects.respell(layout.rows)
    return out


def damage_after_repeats(bank: Bank, history: list[Row], later: list[Row]) -> list[Row]:
    """Rows that come again later stay clean, so that a repeat can be found."""
    again = {plant[3] for row in later for plant in row.plants if plant[1] == "leak"}
    for row in history:
        row.damage = "comes_again" if row.uid in again else ""
    return damage(bank, history)


def build(folder: Path, seed: int) -> None:
    """Write the whole demo."""
    bank = Bank(seed)
    files.write_all(folder, made := arrange(bank))
    documents.write_support(folder, bank, made, seed)
