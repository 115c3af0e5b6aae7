"""The facts of one conversation, written once as the customer writes them and once as the bank does."""

import random
from datetime import date, datetime, timedelta

from tailor.demos.people import Customer

CARD_NAMES = {"debit": "Quill Debit card", "credit": "Haven credit card"}
# Facts drawn by name from the lists of the world.
SIMPLE = (
    *("shop", "web", "sub", "hotel", "air", "merchant", "biller", "payee", "relative", "kin"),
    *("goods", "town", "branch", "device", "account", "saver"),
)
PERSONAL = ("phone", "email", "iban", "cardno", "street")


def day_text(day: date, style: int) -> str:
    """A date in one of six handwritings; style 0 is the bank's own."""
    month = day.strftime("%B")
    if style == 1:
        return f"{month} {day.day}"
    if style == 2:
        return f"{day.day:02d}/{day.month:02d}"
    if style == 3:
        return f"{day.day}.{day.month}."
    if style == 4:
        ending = {1: "st", 2: "nd", 3: "rd"}.get(day.day % 10 if day.day not in (11, 12, 13) else 0, "th")
        return f"the {day.day}{ending} of {month}"
    return f"{day.day} {month}"


def money_text(cents: int, style: int) -> str:
    """An amount in one of four handwritings; style 0 is the bank's own."""
    euros = f"{cents / 100:,.2f}" if cents % 100 else f"{cents // 100:,}"
    if style == 1:
        return f"{euros} euros"
    if style == 2:
        return f"{euros.replace(',', '')}€"
    if style == 3:
        return f"EUR {euros}"
    return f"€{euros}"


def draw_cents(rng: random.Random) -> int:
    """A sum of daily life, more often small than large."""
    euros = round(rng.lognormvariate(4.3, 0.9)) + 4
    return euros * 100 + rng.choice([0, 0, 0, 50, 90, 95, 99, rng.randrange(100)])


def draw_money(rng: random.Random) -> dict[str, int]:
    """Sums in cents by slot."""
    first = draw_cents(rng)
    second = first + rng.choice([500, 1000, 1250, 2000, 3990, 7500])
    return {
        "amount": first,
        "amount2": second,
        "bigamount": 50000 * rng.choice([2, 3, 4, 5, 6, 8, 10, 13, 14, 16, 19, 24, 30, 36]),
        "smallamount": rng.choice([250, 300, 490, 500, 750, 890, 990, 1200, 1299, 1500, 1999, 2490, 3950]),
    }


def draw_days(rng: random.Random, now: datetime) -> dict[str, date]:
    """Dates around the day of the message by slot."""
    past = now.date() - timedelta(days=rng.randrange(1, 16))
    return {
        "date": past,
        "date2": past - timedelta(days=rng.randrange(5, 40)),
        "future": now.date() + timedelta(days=rng.randrange(4, 40)),
    }


def draw_plain(rng: random.Random, world: dict, person: Customer, now: datetime) -> dict[str, str]:
    """Facts that both sides write the same way."""
    town, country = rng.choice(world["abroad"])
    facts = {name: rng.choice(world[name]) for name in SIMPLE}
    facts |= {"abroad": town, "country": country, "first": person.first, "last": person.last}
    facts |= {"phone": person.phone, "email": person.email, "iban": person.iban}
    facts["cardno"] = rng.choice(world["test_cards"])
    facts["street"] = f"{rng.randrange(2, 98)} {rng.choice(world['street_name'])}, {facts['town']}"
    facts["days"], facts["months"] = (
        str(rng.randrange(6, 22)),
        rng.choice(["two", "three", "four", "6", "12"]),
    )
    facts["years"], facts["mins"] = str(rng.randrange(2, 31)), str(rng.choice([15, 20, 35, 40, 50, 90]))
    facts["end"] = f"{rng.randrange(1000, 9999)}"
    facts["month"] = world["months"][(now.month - 1 - rng.randrange(1, 7)) % 12]
    return facts


def draw_facts(rng: random.Random, world: dict, person: Customer, now: datetime) -> tuple[dict, dict]:
    """The same facts in the customer's hand and in the bank's."""
    theirs = draw_plain(rng, world, person, now)
    ours = dict(theirs)
    for slot, cents in draw_money(rng).items():
        theirs[slot], ours[slot] = money_text(cents, person.money_style), money_text(cents, 0)
    for slot, day in draw_days(rng, now).items():
        theirs[slot], ours[slot] = day_text(day, person.date_style), day_text(day, 0)
    theirs["card"], ours["card"] = rng.choice(world["card"][person.card_kind]), CARD_NAMES[person.card_kind]
    for slot in ("payee", "device"):  # "my landlord" is "your landlord" in the answer
        owner, _, thing = ours[slot].partition(" ")
        ours[slot] = f"your {thing}" if owner in ("my", "our") else ours[slot]
    return theirs, ours
