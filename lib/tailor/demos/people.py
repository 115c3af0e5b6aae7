"""Invented customers and their personal data, all from ranges that can belong to nobody.

IBANs carry a correct checksum over a German bank code of zeros, which is never assigned; phone numbers come
from the blocks kept free for drama; e-mail uses ``example`` domains; cards are public test numbers.
"""

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Customer:
    """One invented person and the way this person writes."""

    id: str
    first: str
    last: str
    register: str
    email: str
    phone: str
    iban: str
    date_style: int
    money_style: int
    card_kind: str


def iban_check(country: str, account: str) -> str:
    """The two check digits of ISO 13616."""
    digits = "".join(str(int(char, 36)) for char in account + country + "00")
    return f"{98 - int(digits) % 97:02d}"


def iban_valid(text: str) -> bool:
    """Whether the checksum of an IBAN, with or without blanks, is right."""
    plain = "".join(text.split())
    return int("".join(str(int(char, 36)) for char in plain[4:] + plain[:4])) % 97 == 1


def luhn_valid(text: str) -> bool:
    """Whether the digits pass the Luhn check of card numbers."""
    digits = [int(char) for char in text if char.isdigit()][::-1]
    return (sum(digits[::2]) + sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2])) % 10 == 0


def draw_iban(rng: random.Random) -> str:
    """A checksum-valid IBAN over the unassigned bank code 00000000, mostly in groups of four."""
    account = "00000000" + f"{rng.randrange(10**10):010d}"
    plain = "DE" + iban_check("DE", account) + account
    if rng.random() < 0.3:
        return plain
    return " ".join(plain[i : i + 4] for i in range(0, len(plain), 4))


def draw_phone(rng: random.Random) -> str:
    """A number of a block reserved for fiction."""
    kind = rng.randrange(4)
    if kind == 0:
        return f"+44 7700 900{rng.randrange(1000):03d}"
    if kind == 1:
        return f"07700 900 {rng.randrange(1000):03d}"
    if kind == 2:
        return f"(020) 7946 0{rng.randrange(1000):03d}"
    return f"01632 960{rng.randrange(1000):03d}"


def draw_email(rng: random.Random, first: str, last: str) -> str:
    """An address at a domain reserved for examples."""
    user = rng.choice(
        [f"{first}.{last}", f"{first[0]}{last}", f"{first}_{last}{rng.randrange(40, 99)}", f"{last}{first}"]
    )
    return f"{user.lower()}@{rng.choice(['example.com', 'example.org', 'mail.example', 'example.net'])}"


def draw_customers(rng: random.Random, world: dict, registers: dict, count: int = 640) -> list[Customer]:
    """The customers of the bank, each with one register and habits of writing dates and money."""
    names, weights = list(registers), [registers[name]["weight"] for name in registers]
    people = []
    for number in range(count):
        first, last = rng.choice(world["first"]), rng.choice(world["last"])
        register = rng.choices(names, weights)[0]
        email, phone, iban = draw_email(rng, first, last), draw_phone(rng), draw_iban(rng)
        styles = rng.randrange(6), rng.choices(range(4), [6, 2, 2, 1])[0]
        kind = rng.choices(["debit", "credit"], [3, 1])[0]
        people.append(
            Customer(f"C{10017 + 13 * number}", first, last, register, email, phone, iban, *styles, kind)
        )
    return people
