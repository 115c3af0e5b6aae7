"""What a step shows, as plain data: notebooks display blocks, the report prints the same ones."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Heading:
    text: str


@dataclass(frozen=True)
class Text:
    """A plain paragraph. Shown as text: markup in it is escaped."""

    text: str


@dataclass(frozen=True)
class Callout:
    """One sentence that matters: good news, a warning, a verdict."""

    text: str
    kind: Literal["good", "note", "warning", "bad"] = "note"


@dataclass(frozen=True)
class Table:
    """Rows to read. Long tables are cut at `show` rows, saying how many there are."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    caption: str = ""
    show: int = 30


@dataclass(frozen=True)
class Figure:
    """A plot, drawn only when it is shown. `draw` returns a matplotlib Figure; `alt` says what it shows."""

    draw: Callable[[], Any]
    alt: str


@dataclass(frozen=True)
class Tokens:
    """A strip of coloured pieces: (text, kind) with kind a key of `legend`, for example learned / masked."""

    pieces: Sequence[tuple[str, str]]
    legend: dict[str, str] = field(default_factory=dict)
    caption: str = ""


@dataclass(frozen=True)
class Differences:
    """Texts before and after, side by side, with what differs marked. Each row: its name, before, after."""

    rows: Sequence[tuple[str, str, str]]
    caption: str = ""


Block = Heading | Text | Callout | Table | Figure | Tokens | Differences
