"""Planting of defects.  Every plant is written into the row's own list, and each row gets one text defect at most."""

import random
import re
from datetime import timedelta

from tailor.demos import grammar, writing
from tailor.demos.bank import Bank, Row

NBSP = "\u00a0"
HTML_HEADS = ["<p>", "<div>", '<div class="msg-body">', '<span style="font-family:Arial">', "<html><body><p>"]
HTML_TAILS = {
    "<p>": "</p>",
    "<div>": "</div>",
    '<div class="msg-body">': "</div>",
    '<span style="font-family:Arial">': "</span>",
    "<html><body><p>": "</p></body></html>",
}


def fresh(rng: random.Random, rows: list[Row], count: int) -> list[Row]:
    """Rows at random that have no other damage yet, in a stable order."""
    free = [row for row in rows if not row.damage]
    return rng.sample(free, count)


def mark(row: Row, column: str, kind: str, detail: str, twin: str = "") -> None:
    """Write the plant down and keep other damage away from the row."""
    row.damage = kind
    row.plant(column, kind, detail, twin)


def vary(rng: random.Random, text: str, kind: str) -> str:
    """The same text for a reader, another string for a machine."""
    if kind == "case":
        return text.upper() if rng.random() < 0.4 else text.lower()
    if kind == "blank":
        words = text.split(" ")
        at = rng.randrange(1, len(words)) if len(words) > 1 else 1
        return " ".join(words[:at]) + "   " + " ".join(words[at:]) + rng.choice([" ", "  ", ""])
    if kind == "nbsp":
        return text.replace(" ", NBSP, rng.randrange(1, 5))
    return text


def exact_duplicates(rng, rows: list[Row], kinds: dict[str, int]) -> list[Row]:
    """Rows sent twice; ``verbatim`` or different only in case, blanks or no-break spaces."""
    copies = []
    for kind, count in kinds.items():
        for row in fresh(rng, [row for row in rows if len(row.message) > 40], count):
            copy = row.twin(f"{row.uid}d", timedelta(minutes=rng.randrange(1, 4000)))
            copy.message = vary(rng, copy.message, kind)
            mark(copy, "message", "exact_duplicate", f"variant={kind}", row.uid)
            row.damage = "has_twin"
            copies.append(copy)
    return copies


def near_duplicates(rng, rows: list[Row], count: int) -> list[Row]:
    """Rows written again with slips, a lost sentence or an added one."""
    copies = []
    for row in fresh(rng, [row for row in rows if len(row.message) > 90], count):
        copy = row.twin(f"{row.uid}n", timedelta(hours=rng.randrange(5, 200)))
        how = rng.choice(["slips", "added sentence", "added opening", "slips"])
        if how == "slips":
            copy.message = writing.slips(rng, copy.message, 0.07)
            copy.message = copy.message + " ?" if copy.message == row.message else copy.message
        elif how == "added sentence":
            copy.message += rng.choice(
                [" Please answer soon.", " Did you get my last message?", " I am still waiting."]
            )
        else:
            copy.message = (
                rng.choice(["I am sending this again. ", "Second try: ", "As I wrote before. "])
                + copy.message
            )
        mark(copy, "message", "near_duplicate", how, row.uid)
        row.damage = "has_twin"
        copies.append(copy)
    return copies


def mojibake(rng, rows: list[Row], count: int) -> None:
    """UTF-8 read as cp1252; only rows with a sign outside ASCII can show it, so some get a curly apostrophe."""
    done, free = 0, [row for row in rows if not row.damage]
    for row in rng.sample(free, len(free)):
        text = row.message.replace("'", "\u2019")
        if text.isascii() or done == count:
            continue
        try:
            broken = text.encode("utf-8").decode("cp1252")
        except UnicodeDecodeError:
            continue
        row.message, done = broken, done + 1
        mark(row, "message", "mojibake", "utf-8 read as cp1252")


def html(rng, rows: list[Row], count: int, column: str = "message") -> None:
    """Tags and entities left over from a web form."""
    for row in fresh(rng, rows, count):
        text = getattr(row, column).replace("&", "&amp;").replace("'", "&#39;").replace("\n", "<br>")
        head = rng.choice(HTML_HEADS)
        text = text.replace(". ", rng.choice([".<br>", ".&nbsp; ", ". "]), 2)
        setattr(row, column, head + text + HTML_TAILS[head])
        mark(row, column, "html", head)


def blanks(rng, rows: list[Row], counts: dict[str, int]) -> None:
    """Half-empty rows: one column lost (nothing, a blank, or a word that means nothing)."""
    for column, count in counts.items():
        for row in fresh(rng, rows, count):
            value = rng.choice(["", "", " ", "-", "n/a"])
            setattr(row, column, value)
            row.plants = [plant for plant in row.plants if plant[0] != column]
            mark(row, column, f"empty_{column}", repr(value))


def empty_rows(rng, rows: list[Row], count: int) -> None:
    """Rows with neither message nor answer."""
    for row in fresh(rng, rows, count):
        row.message = row.reply = row.subject = row.intent = ""
        row.plants = []
        mark(row, "*", "empty_row", "all text lost")


def truncated(rng, rows: list[Row], count: int, columns: tuple[str, ...]) -> None:
    """Cells cut in the middle of a word, as by a short database field."""
    for row in fresh(rng, [row for row in rows if len(row.message) > 120], count):
        column = rng.choice(columns)
        text = getattr(row, column)
        at = rng.randrange(60, min(len(text) - 5, 115))
        while not (text[at - 1].isalpha() and text[at].isalpha()) and at < len(text) - 1:
            at += 1
        setattr(row, column, text[:at] + rng.choice(["", "", "…", "..."]))
        row.plants = [plant for plant in row.plants if plant[0] != column or plant[2] in text[:at]]
        mark(row, column, "truncated", f"cut at {at}")


HELLO = {
    "de": ["", "Hallo, ", "Sehr geehrte Damen und Herren, ", "Liebes Team, "],
    "es": ["", "Hola, ", "Estimados señores: "],
    "fr": ["", "Bonjour, ", "Bonsoir, ", "Chère équipe, "],
}


def foreign_text(rng, bank: Bank, row: Row, language: str, text: str) -> str:
    """A message in another language with facts of its own."""
    known = {name: rng.choice(bank.world[name]) for name in ("town", "shop", "biller", "merchant", "web")}
    known["abroad"], known["country"] = rng.choice(bank.world["abroad"])
    known |= {"days": str(rng.randrange(6, 20)), "ddate": f"{row.created.day}.{row.created.month}."}
    known["damount"] = f"{rng.randrange(9, 480)},{rng.randrange(100):02d} €"
    greeted = text.split(" ")[0] in ("Guten", "Hallo,", "Hola,", "Buenos", "Bonjour,", "Madame,")
    hello = "" if greeted else rng.choice(HELLO[language])
    return hello + grammar.fill(text, known)


def foreign(rng, bank: Bank, rows: list[Row], count: int) -> None:
    """Messages in other languages; about half carry the tag ``en`` all the same."""
    by_situation = {entry[1]: entry for entry in grammar.load("foreign")}
    fitting = [row for row in rows if row.situation in by_situation and "b" not in row.uid and not row.damage]
    seen = set()
    for row in rng.sample(fitting, len(fitting)):
        language, _, template = by_situation[row.situation]
        text = foreign_text(rng, bank, row, language, template)
        if text in seen or len(seen) == count:  # the same words twice would be a duplicate nobody planted
            continue
        seen.add(text)
        row.message = text
        row.plants = [plant for plant in row.plants if plant[0] != "message"]
        row.language = language if rng.random() < 0.5 else "en"
        mark(row, "message", "wrong_language", f"is={language} tagged={row.language}")


def bad_dates(rng, rows: list[Row], count: int) -> None:
    """Dates that no calendar knows."""
    for row in fresh(rng, rows, count):
        row.bad_date = rng.choice(
            ["31.02.2024", "0000-00-00", "yesterday", "1970-01-01 00:00", "2042-07-04 10:12"]
        )
        mark(row, "created_at", "bad_date", row.bad_date)


def as_written(text: str, value: str) -> str:
    """A value as it stands in a text that may have lost its capitals or gained blanks ("" if it is gone)."""
    match = re.search(r"\s+".join(map(re.escape, value.split())), text, re.IGNORECASE)
    return match.group(0) if match else ""


def respell(rows: list[Row]) -> None:
    """Bring the record of personal data in line with what slips, cuts and capitals left of it."""
    for row in rows:
        kept = []
        for column, kind, detail, twin in row.plants:
            if kind.startswith("pii_"):
                detail = as_written(row.reply if column == "reply" else row.message, detail)
                if not detail:
                    continue
            kept.append((column, kind, detail, twin))
        row.plants = kept
