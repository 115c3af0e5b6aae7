"""What is written in place of personal data: a placeholder, or an invented value of the same form.

The same value has the same stand-in in every row and column. A stand-in is made from the value's number in the order in
which the data shows them, never from the value itself: nobody can get from one back to the other without the vault.
Stand-ins can belong to nobody: mail under example.com (RFC 2606), phone numbers under +999 (a country code that is not
assigned), addresses of 240.0.0.0/4 and 2001:db8::/32 (reserved: RFC 1112, RFC 3849), IBANs with the check digits 00,
which no IBAN has, cards that fail their checksum under a first digit that no network uses, social security numbers of
the area 000. So a search for leaks that checks checksums finds exactly what has leaked, and masking twice changes no
card, IBAN or identity number.
"""

import random
import re
from collections.abc import Mapping, Sequence

from tailor.data.cleaning.privacy.names import given_names
from tailor.data.cleaning.privacy.words import words


def placeholder(kind: str, number: int | None = None) -> str:
    """[EMAIL], or [EMAIL 3] where one value must be told from another."""
    return f"[{kind.upper()}]" if number is None else f"[{kind.upper()} {number}]"


def same(kind: str, value: str) -> str:
    """One spelling for all that mean the same value: case, blanks and marks between digits do not count."""
    if kind in ("card", "iban", "phone", "id_number"):
        return re.sub(r"[\W_]", "", value).upper()
    return " ".join(value.split()) if kind == "url_secret" else " ".join(value.lower().split())


class StandIns:
    """The stand-ins for all values found, now and before.

    Args:
        values: kind -> the values in the order in which the data shows them, as `same` writes them; for names, whole
            names, which are replaced word by word: "Ann" is the first half of the stand-in for "Ann Roe".
        seed: another seed, other names.
        earlier: the `table` of a run before, whose values keep their stand-ins.
    """

    def __init__(
        self,
        values: Mapping[str, Sequence[str]],
        seed: int = 0,
        earlier: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        earlier = earlier or {}
        self.seed = seed
        self.numbers = {
            kind: {
                value: n
                for n, value in enumerate(dict.fromkeys([*earlier.get(kind, ()), *values.get(kind, ())]), 1)
            }
            for kind in {**earlier, **values}
        }
        names = self.numbers.get("name", {})
        given = given_names(names)
        self._parts = {
            part: new
            for name, stand_in in earlier.get("name", {}).items()
            for part, new in zip(name.split(), stand_in.split(), strict=True)
        }
        taken = {part for name in names for part in name.split()} | {
            new.lower() for new in self._parts.values()
        }
        parts = dict.fromkeys(part for name in names for part in name.split() if part not in self._parts)
        first = [part for part in parts if part.strip(".'’-") in given]
        rest = [part for part in parts if part not in set(first)]
        self._parts |= _paired(first, words("given"), seed, taken)
        self._parts |= _paired(rest, words("family"), seed + 1, taken)

    def of(self, kind: str, value: str) -> str:
        """The stand-in for a value that was found."""
        if kind == "name":
            parts = [self._parts.get(part) for part in same("name", value).split()]
            return " ".join(parts) if all(parts) else placeholder(kind)
        number = self.numbers[kind][same(kind, value)]
        make = _MAKERS.get(kind)
        return make(value, number) if make else placeholder(kind, number)

    def table(self) -> dict[str, dict[str, str]]:
        """kind -> value, as `same` writes it -> its stand-in."""
        written = {
            kind: {value: self.of(kind, value) for value in numbers}
            for kind, numbers in self.numbers.items()
            if kind != "name"
        }
        return {**written, "name": {name: self.of("name", name) for name in self.numbers.get("name", ())}}


def _paired(parts: Sequence[str], pool: Sequence[str], seed: int, taken: set[str]) -> dict[str, str]:
    """Each part of a name with a name of the pool; beyond its end with two of them, joined."""
    free = [name for name in pool if name.lower() not in taken]
    random.Random(seed).shuffle(free)
    joined = (f"{a}-{b}" for a in free for b in free if a != b)
    many = (*free, *(name for name in joined if name.lower() not in taken))
    return {part: many[place % len(many)] for place, part in enumerate(parts)}


def _email(value: str, number: int) -> str:
    return f"person{number}@example.com"


def _phone(value: str, number: int) -> str:
    return f"+999 {number // 10_000:03d} {number % 10_000:04d}"


def _iban(value: str, number: int) -> str:
    plain = same("iban", value)
    digits = f"{plain[:2]}00{str(number).zfill(len(plain) - 4)}"
    parts = [digits[i : i + 4] for i in range(0, len(digits), 4)]
    return " ".join(parts) if " " in value else digits


def _card(value: str, number: int) -> str:
    from stdnum import luhn

    size = sum(sign.isdigit() for sign in value)
    body = "9" + str(number).zfill(size - 2)
    wrong = (int(luhn.calc_check_digit(body)) + 5) % 10
    return _in_form(value, f"{body}{wrong}")


def _in_form(value: str, digits: str) -> str:
    """New digits in the places of the old ones."""
    rest = iter(digits)
    return "".join(next(rest, "") if sign.isdigit() else sign for sign in value)


def _id_number(value: str, number: int) -> str:
    return f"000-{number // 10_000 % 100:02d}-{number % 10_000:04d}"


def _ip(value: str, number: int) -> str:
    if ":" in value:
        return f"2001:db8::{number:x}"
    return ".".join(str(part) for part in (240 + number // 2**24, *number.to_bytes(4, "big")[1:]))


def _address(value: str, number: int) -> str:
    streets = words("streets")
    return f"{number} {streets[number % len(streets)]} Street"


_MAKERS = {
    "email": _email,
    "phone": _phone,
    "iban": _iban,
    "card": _card,
    "id_number": _id_number,
    "ip": _ip,
    "address": _address,
}
