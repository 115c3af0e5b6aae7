"""A file held against the rules of its format; and the rules that several formats share."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tailor.data.exports.format import Format, Problem, read_objects


def validate(form: Format, path: Path, split: str, tokens: Sequence[int] = ()) -> list[Problem]:
    """Every rule that a file breaks, by row.

    Args:
        split: "train" or "validation": some limits differ.
        tokens: of each row, where they were counted.
    """
    problems: list[Problem] = []
    limits, count = form.limits, 0
    for number, item in read_objects(path):
        count += 1
        found = [item] if isinstance(item, str) else form.check(item)
        problems += [Problem(number, rule) for rule in found]
        if limits.tokens and number <= len(tokens) and tokens[number - 1] > limits.tokens:
            rule = f"has {tokens[number - 1]:,} tokens, over the limit of {limits.tokens:,}"
            problems.append(Problem(number, rule))
    return [*(Problem(0, rule) for rule in _of_the_file(form, path, split, count)), *problems]


def _of_the_file(form: Format, path: Path, split: str, count: int) -> Iterator[str]:
    limits, size = form.limits, path.stat().st_size
    if split == "train" and count < limits.least_rows:
        yield f"{count:,} rows, and {form.name} asks for at least {limits.least_rows:,}"
    most = limits.most_validation_rows if split == "validation" else limits.most_rows
    if most and count > most:
        yield f"{count:,} rows, and {form.name} takes at most {most:,} for {split}"
    if limits.bytes and size > limits.bytes:
        yield f"{size:,} bytes, and {form.name} takes at most {limits.bytes:,}"


def keys_of(item: dict[str, Any], needed: Sequence[str], allowed: Sequence[str] = ()) -> Iterator[str]:
    """Keys that are missing, and keys that the format does not know."""
    for key in needed:
        if key not in item:
            yield f"has no '{key}'"
    for key in item:
        if key not in needed and key not in allowed:
            yield f"has the unknown key '{key}'"


def text_in(item: dict[str, Any], key: str, empty: bool = False) -> Iterator[str]:
    """Whether a value is text, and some of it unless `empty` is allowed."""
    value = item.get(key)
    if key in item and not isinstance(value, str):
        yield f"'{key}' is not text"
    elif key in item and not empty and not value.strip():
        yield f"'{key}' is empty"


def alternating(roles: Sequence[object], person: str, model: str, what: str) -> Iterator[str]:
    """The person starts, both take turns, the model ends."""
    if not roles:
        yield f"has no {what}"
        return
    for place, role in enumerate(roles, start=1):
        if role not in (person, model):
            yield f"{what} {place} has the role {role!r}; only '{person}' and '{model}' are taken"
            return
        if role != (person, model)[(place - 1) % 2]:
            yield f"{what} {place} is the {role}'s, where the {(person, model)[(place - 1) % 2]}'s turn is"
            return
    if roles[-1] != model:
        yield f"the last of its {what}s is not the {model}'s"
