"""Rows on their way to examples: the cells of each role, and what is made of them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from tailor.data.columns import Kind, describe_columns


@dataclass(frozen=True)
class Draft:
    """A row on its way to an example.

    Attributes:
        place: the row in the frame; several drafts may come from one row.
        id: the row's id; with "#2" for the second answer of a conversation.
        history: earlier turns as JSON, as `Example.history` holds them.
        rejected: for preference pairs, the answer to avoid.
        thread: what ties the answers of one conversation, where it has several.
        problem: why it cannot be an example; "" where it can.
    """

    place: int
    id: str
    input: str = ""
    output: str = ""
    system: str = ""
    history: str = ""
    rejected: str = ""
    thread: str | None = None
    problem: str = ""


@dataclass(frozen=True)
class Drafts:
    """All drafts of some rows.

    Attributes:
        said: sentences on how they were read.
        left_out: what had to be left out of conversations -> of how many.
    """

    rows: list[Draft]
    said: list[str] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def notes(self) -> list[str]:
        return [*self.said, *(f"{count:,} conversations: {what}" for what, count in self.left_out.items())]


@dataclass(frozen=True)
class Reading:
    """How conversations are read.

    Attributes:
        every: each answer of a conversation is learned; else only the last one.
        assistant: the speaker whose words are learned; "" to guess.
    """

    every: bool = True
    assistant: str = ""


def kinds_of(frame: pl.DataFrame, columns: Mapping[str, str]) -> dict[str, Kind]:
    """Role -> what its column holds; a column that is not there is left out."""
    present = {role: name for role, name in columns.items() if name in frame.columns}
    described = describe_columns(frame.select(list(dict.fromkeys(present.values()))))
    kinds = {column.name: column.kind for column in described}
    return {role: kinds[name] for role, name in present.items()}


class Cells:
    """The cells of a row by role, trimmed.

    Args:
        kinds: what the columns hold, as `kinds_of` tells it from the whole table.
    """

    def __init__(self, frame: pl.DataFrame, columns: Mapping[str, str], kinds: Mapping[str, Kind]) -> None:
        present = {role: columns[role] for role in kinds}
        self.ids = frame["row_id"].to_list()
        self.columns, self.kinds = present, kinds
        self._texts = {
            role: frame[name].fill_null("").str.strip_chars().to_list() for role, name in present.items()
        }

    def __call__(self, role: str, place: int) -> str:
        return self._texts[role][place] if role in self._texts else ""

    def all(self, role: str) -> list[str]:
        return self._texts.get(role) or [""] * len(self.ids)

    def is_messages(self, role: str) -> bool:
        return self.kinds.get(role) == "messages"


class Unreadable(Exception):
    """Why a row cannot be an example."""
