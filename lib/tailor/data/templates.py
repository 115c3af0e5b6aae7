"""Templates for the text of a row: `{column}` stands for the row's cell, with a few filters, and nothing is computed.

    Subject: {subject}
    {message | trim | first 2000}

A brace that is meant as a brace is doubled. What a cell holds is put in once and never read as a template again. A
line whose placeholders are all empty is left out, label and all: a row without a subject has no line "Subject:".
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from tailor.errors import WorkbenchError, did_you_mean

_PIECE = re.compile(r"\{\{|\}\}|\{[^{}\n]*\}|[{}]")
_DEFAULT = re.compile(r"""default\s+(?:"([^"]*)"|'([^']*)')""")

FILTERS: dict[str, Callable[[str], str]] = {
    "trim": str.strip,
    "lower": str.lower,
    "upper": str.upper,
    "capitalize": lambda text: text[:1].upper() + text[1:],
    "one line": lambda text: " ".join(text.split()),
}
FILTER_NAMES = (*FILTERS, "first 200", 'default "none"')


@dataclass(frozen=True)
class Placeholder:
    """A column's cell, through filters in their order."""

    column: str
    filters: tuple[Callable[[str], str], ...] = ()

    def fill(self, row: Mapping[str, str | None]) -> str:
        text = row[self.column] or ""
        for change in self.filters:
            text = change(text)
        return text


@dataclass(frozen=True)
class Template:
    """A template, read and checked.

    Attributes:
        lines: each a list of fixed texts and placeholders.
    """

    lines: tuple[tuple[str | Placeholder, ...], ...]

    @classmethod
    def read(cls, text: str, columns: Sequence[str], where: str) -> "Template":
        """Read a template.

        Args:
            columns: the names that placeholders may have.
            where: the setting, for errors ("04_format_data.input_template").

        Raises:
            WorkbenchError: an unknown column or filter, or a single brace.
        """
        return cls(tuple(_read_line(line, columns, where) for line in text.split("\n")))

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns that it shows, in the order of their first place."""
        named = (part.column for line in self.lines for part in line if isinstance(part, Placeholder))
        return tuple(dict.fromkeys(named))

    def cells(self, row: Mapping[str, str | None]) -> str:
        """What the row itself brings to the text, without the words that all rows share."""
        return "\n".join(row[name] or "" for name in self.columns)

    def fill(self, row: Mapping[str, str | None]) -> str:
        """The text of a row. Empty where every placeholder of the template is empty."""
        kept: list[str] = []
        empty = True
        for line in self.lines:
            values = [part if isinstance(part, str) else part.fill(row) for part in line]
            cells = [value for part, value in zip(line, values, strict=True) if not isinstance(part, str)]
            if cells and not any(cells):
                continue
            empty = empty and not cells
            kept.append("".join(values))
        return "" if empty and self.columns else "\n".join(kept).strip()


def _read_line(line: str, columns: Sequence[str], where: str) -> tuple[str | Placeholder, ...]:
    parts: list[str | Placeholder] = []
    at = 0
    for match in _PIECE.finditer(line):
        parts.append(line[at : match.start()])
        at, found = match.end(), match.group()
        if found in ("{{", "}}"):
            parts.append(found[0])
        elif len(found) == 1:
            raise WorkbenchError(
                f"{where} has a single '{found}' in the line {line.strip()[:80]!r}",
                "placeholders such as {column}; a brace that is meant as text is doubled: {{ or }}",
                f"close the placeholder, or write '{found}{found}'",
            )
        else:
            parts.append(_read_placeholder(found, columns, where))
    return _joined([*parts, line[at:]])


def _joined(parts: list[str | Placeholder]) -> tuple[str | Placeholder, ...]:
    """Neighbouring texts as one."""
    joined: list[str | Placeholder] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        elif part != "":
            joined.append(part)
    return tuple(joined)


def _read_placeholder(found: str, columns: Sequence[str], where: str) -> Placeholder:
    if found[1:-1].strip() in columns:  # a column's name may hold a bar
        return Placeholder(found[1:-1].strip())
    name, *filters = (part.strip() for part in found[1:-1].split("|"))
    if name not in columns:
        raise WorkbenchError(
            f"{where} has the placeholder '{found}', and the data has no column '{name}'",
            f"one of: {', '.join(columns)}; a brace that is meant as text is doubled: {{{{ or }}}}",
            f"correct the name.{did_you_mean(name, columns)}",
        )
    return Placeholder(name, tuple(_read_filter(text, found, where) for text in filters))


def _read_filter(text: str, found: str, where: str) -> Callable[[str], str]:
    if text in FILTERS:
        return FILTERS[text]
    if match := re.fullmatch(r"first\s+(\d{1,7})", text):
        return lambda cell, most=int(match[1]): cell[:most]
    if match := _DEFAULT.fullmatch(text):
        return lambda cell, given=match[1] or match[2] or "": cell if cell.strip() else given
    raise WorkbenchError(
        f"{where} has the filter '{text}' in '{found}'",
        f"one of: {', '.join(FILTER_NAMES)}",
        f"correct the filter; templates compute nothing else.{did_you_mean(text, FILTER_NAMES)}",
    )


@lru_cache(maxsize=64)
def _read_instruction(instruction: str) -> Template:
    template = Template.read(instruction, ("input",), "04_format_data.instruction")
    if template.columns:
        return template
    # an instruction without a place for the input stands before it
    return Template((*template.lines, (), (Placeholder("input"),)))


def wrap(instruction: str, text: str) -> str:
    """A question as the model reads it: the input at the instruction's `{input}`, else after a blank line.

    Raises:
        WorkbenchError: the instruction has another placeholder, or a single brace.
    """
    if not instruction.strip():
        return text
    around = _read_instruction(instruction.strip())
    return "\n".join(
        "".join(part if isinstance(part, str) else text for part in line) for line in around.lines
    )
