"""The documents next to the raw files: handbook, glossary, guidelines, tone sheet, label guide and datasheet."""

import csv
import io
from collections import Counter
from pathlib import Path

import yaml

from tailor.demos import files, grammar
from tailor.demos.bank import Bank
from tailor.demos.files import Layout

MEANING = {
    "id": "id of the row",
    "created_at": "time of the message (time for splits)",
    "channel": "app, web form, chat, email",
    "customer": "customer (group)",
    "thread": "conversation (group)",
    "language": "language tag",
    "agent": "agent code",
    "product": "product",
    "subject": "subject line",
    "message": "customer's message (input)",
    "reply": "agent's reply (output)",
    "intent": "intent (label)",
    "email": "sender's address",
}
FIRST_NOTE = {"review": "No result may be promised before the review.", "hear": "The customer hears from us."}
PURPOSE = {
    "bank_support": "a model that answers customers of a bank, with handbook, guidelines, glossary and tone sheet.",
    "bank_intents": "a model that sorts customers' messages by intent.",
}


FROM_NOTE = " Every `from` in `mailbox.jsonl` is personal data\ntoo and not listed row by row."


def heading(intent: str) -> str:
    """An intent as a heading."""
    return intent.replace("_", " ").capitalize()


def handbook(bank: Bank) -> str:
    """The product handbook, from the same source as the replies, so that both always agree."""
    lines = [
        "# Quillhaven Bank: support handbook",
        "",
        "Procedures by subject. Time frames are the longest we state.",
        "",
    ]
    lines += ["## Products", "", "| product | price | note |", "|---|---|---|"]
    lines += ["| Quill Current | €3.90 a month | free with €1,000 monthly income, or under 27 |"]
    lines += [
        "| Quill Plus | €7.90 a month | no fees abroad |",
        "| Quill Debit, Haven Credit | free | limit €2,000 a day |",
    ]
    lines += ["| Haven Saver | free | open every day, interest on 31 December |"]
    lines += [
        "| Haven Fixed | free | closed until the end of the term |",
        "| Haven Loan | see offer | early repayment 1 % |",
        "",
    ]
    for intent in bank.world["weights"]:
        lines += [f"## {heading(intent)}", ""]
        for situation in bank.situations.values():
            if situation["intent"] == intent:
                note = FIRST_NOTE.get(situation["kind"], "")
                lines += [f"### {situation['title']}", "", f"Procedure: {situation['rule']}", ""]
                lines += [f"Time frame: {situation['tf']}. {note}".strip(), ""]
    return "\n".join(lines)


def glossary() -> bytes:
    """The glossary as CSV."""
    text, terms = io.StringIO(newline=""), grammar.load("glossary")
    writer = csv.DictWriter(text, list(terms[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(terms)
    return text.getvalue().encode("utf-8")


def label_guide(bank: Bank) -> str:
    """The intents with what belongs to them."""
    guide = []
    for intent in bank.world["weights"]:
        titles = [what["title"] for what in bank.situations.values() if what["intent"] == intent]
        guide.append({"label": intent, "name": heading(intent), "covers": titles})
    head = "# The labels, in the spelling that counts.\n"
    return head + yaml.safe_dump({"labels": guide}, sort_keys=False, allow_unicode=True, width=110)


def column_table(layouts: list[Layout]) -> str:
    """All columns of all files with type and meaning."""
    lines = ["| file | column | type | meaning |", "|---|---|---|---|"]
    for layout in layouts:
        for name, holds in layout.columns.items():
            kind = f"date `{layout.date}`" if holds == "created_at" else "text"
            meaning = (
                MEANING.get(holds, "address of the bank") if isinstance(holds, str) else "address of the bank"
            )
            lines.append(f"| {layout.name} | {name} | {kind} | {meaning} |")
    return "\n".join(lines)


def file_table(layouts: list[Layout]) -> str:
    """Rows, format and encoding of the raw files."""
    lines = []
    for layout in layouts:
        form = "JSON lines" if layout.jsonl else f"CSV, delimiter `{layout.delimiter}`"
        broken = f" and {len(layout.broken)} broken lines" if layout.broken else ""
        name = {"utf-8-sig": "UTF-8 with BOM", "utf-8": "UTF-8"}.get(layout.encoding, layout.encoding)
        lines.append(f"| {layout.name} | {len(layout.rows)}{broken} | {form} | {name} |")
    return "\n".join(lines)


def planted_counts(layouts: list[Layout]) -> Counter:
    """Plants by kind."""
    record = files.planted_bytes(layouts).decode("utf-8")
    return Counter(entry["kind"] for entry in csv.DictReader(io.StringIO(record)))


def table(counts: dict) -> str:
    """Two columns in Markdown."""
    return "\n".join(f"| {name} | {count} |" for name, count in counts.items())


def datasheet(name: str, bank: Bank, layouts: list[Layout], seed: int, others: str) -> str:
    """The datasheet with the counts of this very run."""
    known = {row.situation: row.intent for row in bank.history()}  # undamaged, so labels are right
    rows = Counter(row.intent for row in bank.history())
    text = grammar.load("datasheet")["text"]
    values = {
        "name": name,
        "purpose": PURPOSE[name],
        "with_reply": " with the agent's reply" if name == "bank_support" else "",
        "situations": len(known),
        "intents": len(rows),
        "files": file_table(layouts),
        "others": others,
        "columns": column_table(layouts),
        "intent_rows": table(dict(rows.most_common())),
        "planted": table(dict(sorted(planted_counts(layouts).items()))),
        "seed": seed,
        "later": layouts[-1].name,
        "from_note": FROM_NOTE if name == "bank_support" else "",
    }
    for key, value in values.items():
        text = text.replace("{" + key + "}", str(value))
    return text


def write_text(folder: Path, name: str, text: str) -> None:
    """Write one document."""
    files.write(folder, name, text.encode("utf-8"))


def write_support(folder: Path, bank: Bank, layouts: list[Layout], seed: int) -> None:
    """The documents of ``bank_support``."""
    for name in ("guidelines.yaml", "tone.yaml"):
        write_text(folder, name, (grammar.DATA / name).read_text(encoding="utf-8"))
    files.write(folder, "glossary.csv", glossary())
    write_text(folder, "handbook.md", handbook(bank))
    others = "`handbook.md`, `glossary.csv`, `guidelines.yaml`, `tone.yaml`"
    write_text(folder, "DATASHEET.md", datasheet("bank_support", bank, layouts, seed, others))


def write_intents(folder: Path, bank: Bank, layouts: list[Layout], seed: int) -> None:
    """The documents of ``bank_intents``."""
    write_text(folder, "labels.yaml", label_guide(bank))
    write_text(folder, "DATASHEET.md", datasheet("bank_intents", bank, layouts, seed, "`labels.yaml`"))
