"""Defects that only make sense where a reply is written: poor, automatic and misplaced answers, and mail furniture."""

from tailor.demos import grammar
from tailor.demos.bank import Bank, Row
from tailor.demos.defects import fresh, mark


def topic(bank: Bank, row: Row) -> str:
    """A short name of the matter without facts."""
    title = (bank.situations | bank.new_topics)[row.situation]["title"]
    return f"your request ({title.lower()})"


def off_guideline(rng, bank: Bank, rows: list[Row], count: int) -> None:
    """Replies that break a named rule of the guidelines."""
    for row in fresh(rng, rows, count):
        rule, text = rng.choice(bank.voice["off_guideline"])
        extra = rng.choice(bank.voice["off_extra"])
        row.reply = grammar.fill(f"{text} {extra}", {"topic": topic(bank, row), "agent": row.agent})
        row.plants = [plant for plant in row.plants if plant[0] != "reply"]
        mark(row, "reply", "off_guideline", rule)


def auto_replies(rng, bank: Bank, rows: list[Row], count: int) -> None:
    """Answers of the ticket system instead of an agent."""
    for row in fresh(rng, rows, count):
        text = grammar.choose(rng, rng.choice(bank.voice["auto_reply"]))
        known = {
            "ticket": f"#{rng.randrange(10**5, 10**6)}",
            "future": f"{rng.randrange(1, 28)} {rng.choice(bank.world['months'])}",
        }
        row.reply = grammar.fill(text, known)
        row.plants = [plant for plant in row.plants if plant[0] != "reply"]
        mark(row, "reply", "auto_reply", "written by the ticket system")


def swapped(rng, rows: list[Row], pairs: int) -> None:
    """Replies pasted into the wrong ticket: two rows of different intents change theirs."""
    picked = fresh(rng, rows, 4 * pairs)
    done = 0
    for one, two in zip(picked[::2], picked[1::2], strict=True):
        if one.intent == two.intent or done == pairs:
            continue
        done += 1
        one.reply, two.reply = two.reply, one.reply
        names = [[plant for plant in row.plants if plant[0] == "reply"] for row in (one, two)]
        for row, other, plants in ((one, two, names[1]), (two, one, names[0])):
            row.plants = [plant for plant in row.plants if plant[0] != "reply"] + plants
            mark(row, "reply", "mismatched_reply", "belongs to the twin", other.uid)


def mail_furniture(rng, bank: Bank, row: Row) -> None:
    """Signature, disclaimer and quoted text around the two sides of an e-mail."""
    person = next(person for person in bank.people if person.id == row.customer)
    known = {"first": person.first, "last": person.last, "town": rng.choice(bank.world["town"])}
    known["street"] = f"{rng.randrange(2, 98)} {rng.choice(bank.world['street_name'])}"
    said = row.message
    if rng.random() < 0.4:
        template = rng.choice(bank.world["signatures"])
        row.message += "\n\n" + grammar.SLOT.sub(lambda m: known[m.group(1)], template)
        row.plant("body", "signature", template.split("\n")[0])
        if "{first}" in template:
            row.plant("body", "pii_name", f"{person.first} {person.last}")
        if "{street}" in template:
            row.plant("body", "pii_address", known["street"])
    if rng.random() < 0.2:
        text = rng.choice(bank.world["disclaimers"])
        row.message += "\n\n" + text
        row.plant("body", "disclaimer", text[:40])
    if rng.random() < 0.35:
        row.reply += "\n\n" + bank.world["bank_signature"]
        row.plant("reply", "signature", "bank footer")
    if rng.random() < 0.4:
        lines = [line for line in said.split("\n") if line][:3]
        head = f"On {row.created:%d %b %Y at %H:%M}, customer {row.customer} wrote:"
        row.reply += "\n\n" + "\n".join([head, *(f"> {line[:160]}" for line in lines)])
        row.plant("reply", "quoted_text", head[:30])
