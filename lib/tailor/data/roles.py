"""Which column plays which role: guessed from names and contents, with the reason told, or as a person says."""

import re
from dataclasses import dataclass
from typing import Literal

import polars as pl

from tailor.data.readers.found import OWN_COLUMNS
from tailor.errors import WorkbenchError, did_you_mean
from tailor.records import Task

Kind = Literal["empty", "text", "label", "messages", "time", "number", "identifier", "group"]

# In order of preference. A name counts if it is one of these, or holds one of them as a word ("customer_message").
NAMES: dict[str, tuple[str, ...]] = {
    "input": (
        *("input", "prompt", "question", "instruction", "customer_message", "message", "utterance", "query"),
        *("request", "text", "body", "email", "ticket", "content", "sentence", "review", "comment"),
    ),
    "output": (
        *("output", "response", "reply", "answer", "agent_reply", "completion", "target", "solution"),
        *("resolution", "assistant", "summary", "translation"),
    ),
    "label": ("label", "intent", "category", "class", "topic", "sentiment", "tag", "target", "type"),
    "group": ("group", "customer_id", "customer", "user_id", "client_id", "account_id", "user", "author"),
    "thread": ("thread_id", "thread", "conversation_id", "conversation", "dialogue_id", "ticket_id"),
    "time": ("time", "created_at", "timestamp", "date", "created", "sent_at", "received_at", "datetime"),
}
_SIDE_TEXTS = ("subject", "title", "note", "notes", "comment", "remark", "remarks")
_KINDS: dict[str, tuple[Kind, ...]] = {
    "input": ("text", "messages"),
    "output": ("text", "label"),
    "label": ("label",),
    "group": ("group", "identifier", "label", "text"),
    "thread": ("group", "identifier", "label"),
    "time": ("time",),
}
_CODE = r"^[A-Za-z]{0,12}[-_#]?[0-9A-Fa-f-]*\d[0-9A-Fa-f-]*$|^\S+@\S+$"
_TIME = (
    r"^\s*([A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4}|\d{4}-\d{1,2}-\d{1,2}|"
    r"\d{1,2}[./]\d{1,2}[./]\d{2,4}|\d{4}/\d{1,2}/\d{1,2})([T ,].*)?$"
)
_NUMBER = r"^\s*[-+]?\d+([.,]\d+)?([eE][-+]?\d+)?\s*%?\s*$"
_LABEL_LENGTH, _LABEL_WORDS, _MOST_LABELS = 60, 6, 500


@dataclass(frozen=True)
class Column:
    """What one column holds. Lengths in characters, over the cells that are filled."""

    name: str
    kind: Kind
    filled: float
    distinct: int
    median_length: float
    longest: int


@dataclass(frozen=True)
class Role:
    """A column for a role, why, and how sure (0 to 1; 1 when a person said so)."""

    role: str
    column: str
    reason: str
    confidence: float


def describe_columns(frame: pl.DataFrame) -> list[Column]:
    """Describe every column but Tailor's own, in the frame's order."""
    return [_describe(frame[name]) for name in frame.columns if name not in OWN_COLUMNS]


def _describe(cells: pl.Series) -> Column:
    full = cells.drop_nulls()
    full = full.filter(full.str.strip_chars() != "")
    count = full.len()
    if not count:
        return Column(cells.name, "empty", 0.0, 0, 0.0, 0)
    lengths = full.str.len_chars()
    distinct = full.n_unique()
    return Column(
        name=cells.name,
        kind=_kind(full, distinct, float(lengths.median() or 0)),
        filled=count / cells.len(),
        distinct=distinct,
        median_length=float(lengths.median() or 0),
        longest=int(lengths.max() or 0),
    )


def _kind(full: pl.Series, distinct: int, median_length: float) -> Kind:
    sample = full.gather_every(max(1, full.len() // 2_000))  # sources differ: look at all of them

    def share(pattern: str) -> float:
        return float(sample.str.contains(pattern).mean() or 0)

    if share(r'^\s*\[\s*\{.*"(role|from)"') > 0.8:
        return "messages"
    if share(_TIME) > 0.9:
        return "time"
    if share(_NUMBER) > 0.95 and not name_score(full.name, NAMES["group"] + NAMES["thread"]):
        return "label" if distinct <= 20 and name_score(full.name, NAMES["label"]) else "number"
    if share(_CODE) > 0.8:
        return "identifier" if distinct > 0.95 * full.len() else "group"
    words = float((sample.str.strip_chars().str.count_matches(r"[\s_]+") + 1).median() or 0)
    few = distinct <= max(2, min(_MOST_LABELS, full.len() / 5))
    called_so = name_score(full.name, NAMES["label"]) > 0.5 and distinct <= max(2, full.len() / 2)
    if median_length <= _LABEL_LENGTH and words <= _LABEL_WORDS and (few or called_so):
        return "label"
    return "text"


def plain_name(name: str) -> str:
    """A column's name in lower case with underscores: "createdAt", "Created At" and "created.at" are one."""
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()).strip("_")


def name_score(name: str, wanted: tuple[str, ...], words: bool = True) -> float:
    """How well a name fits: 1 for the first wanted one, a little less for each later one.

    Args:
        words: a name that only holds a wanted one as a word ("customer_message") counts a little over half.
    """
    plain = plain_name(name)
    if plain in wanted:
        return 1 - 0.02 * wanted.index(plain)
    parts = plain.split("_") if words else []
    return next((0.6 - 0.02 * place for place, word in enumerate(wanted) if word in parts), 0.0)


def text_columns(columns: list[Column]) -> list[str]:
    """The columns with running text."""
    return [column.name for column in columns if column.kind == "text"]


def label_columns(columns: list[Column]) -> list[str]:
    """The columns that hold labels by their contents and are called so."""
    return [c.name for c in columns if c.kind == "label" and name_score(c.name, NAMES["label"]) > 0.3]


def required_columns(columns: list[Column]) -> list[str]:
    """Columns a usable row must fill: text that most rows have (subjects and notes aside), and labels."""
    texts = [
        c.name
        for c in columns
        if c.kind in ("text", "messages") and c.filled >= 0.7 and not name_score(c.name, _SIDE_TEXTS)
    ]
    return texts + label_columns(columns)


def find_roles(frame: pl.DataFrame, task: Task, chosen: dict[str, str]) -> dict[str, Role]:
    """Give each role its column.

    Args:
        chosen: role -> column as a person says; "" to guess, "none" for no column (group, thread and time only).

    Raises:
        WorkbenchError: a column that is not there, one column in two roles, or none fit for a needed role.
    """
    columns = describe_columns(frame)
    names = [column.name for column in columns]
    roles: dict[str, Role] = {}
    for role, column in chosen.items():
        if column and column != "none":
            _check_column(role, column, names)
            roles[role] = Role(role, column, "chosen by hand", 1.0)
    needed = ("input", "label") if task == "classify" else ("input", "output")
    optional = ("group", "thread", "time")
    for role in (*reversed(needed), *optional):
        if role in roles or chosen.get(role) == "none":
            continue
        if (role in needed or role in optional) and (guess := _guess(role, columns, roles)):
            roles[role] = guess
    if "input" in roles and _kind_of(roles["input"].column, columns) == "messages":
        roles.pop("output", None)
        needed = needed if task == "classify" else ("input",)
    _check_needed(roles, needed, names)
    return {role: roles[role] for role in (*needed, *optional) if role in roles}


def _kind_of(name: str, columns: list[Column]) -> Kind:
    return next(column.kind for column in columns if column.name == name)


def _check_column(role: str, column: str, names: list[str]) -> None:
    if column not in names:
        raise WorkbenchError(
            f"04_format_data.{role}_column is '{column}', and the data has no such column",
            f"one of: {', '.join(names)}",
            f"correct the column's name.{did_you_mean(column, names)}",
        )


def _check_needed(roles: dict[str, Role], needed: tuple[str, ...], names: list[str]) -> None:
    for role in needed:
        if role not in roles:
            raise WorkbenchError(
                f"no column looks like the {role} (columns: {', '.join(names)})",
                f"a column with the {_MEANING[role]}",
                f"name it in 04_format_data.{role}_column",
            )
    used = [roles[role].column for role in needed]
    if len(set(used)) < len(used):
        raise WorkbenchError(
            f"column '{used[0]}' is both {needed[0]} and {needed[1]}",
            "two different columns",
            f"change 04_format_data.{needed[0]}_column or {needed[1]}_column",
        )


_MEANING = {"input": "text a person writes", "output": "answer to learn", "label": "label to learn"}


def _guess(role: str, columns: list[Column], taken: dict[str, Role]) -> Role | None:
    """The best free column for a role: by name among columns of a fitting kind, else by contents."""
    used = {given.column for given in taken.values()}
    free = [c for c in columns if c.name not in used and c.kind in _KINDS[role]]
    named = sorted(free, key=lambda c: (-name_score(c.name, NAMES[role]), columns.index(c)))
    if named and (score := name_score(named[0].name, NAMES[role])) > 0:
        best = named[0]
        return Role(role, best.name, f"its name says so, and it holds {_HOLDS[best.kind]}", round(score, 2))
    return _guess_by_contents(role, free)


_HOLDS = {
    "text": "running text",
    "messages": "conversations",
    "label": "few different short values",
    "time": "dates",
    "group": "codes that repeat",
    "identifier": "codes that do not repeat",
}


def _guess_by_contents(role: str, free: list[Column]) -> Role | None:
    if role == "input":
        free = [c for c in free if c.kind == "messages"] or sorted(free, key=lambda c: -c.filled)
        why = "it is the first column of running text that is left"
    elif role == "output":
        free = [c for c in free if c.kind == "text"][-1:]
        why = "it is the last column of running text"
    elif role == "label":
        free = sorted(free, key=lambda c: (-c.filled, c.distinct))
        why = "it holds few different short values"
    elif role == "time":
        why = "it holds dates"
    else:
        return None  # a wrong guess would tie unrelated rows together
    return Role(role, free[0].name, why, 0.4) if free else None
