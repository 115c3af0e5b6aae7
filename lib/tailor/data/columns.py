"""What each column of a table holds, by its contents, and how well its name fits a role."""

import re
from dataclasses import dataclass
from typing import Literal

import polars as pl

from tailor.data.readers.found import OWN_COLUMNS

Kind = Literal["empty", "text", "label", "messages", "nested", "time", "number", "identifier", "group"]

# In order of preference. A name counts if it is one of these, or holds one of them as a word ("customer_message").
NAMES: dict[str, tuple[str, ...]] = {
    "input": (
        *("input", "prompt", "question", "instruction", "customer_message", "message", "utterance", "query"),
        *("request", "text", "body", "email", "ticket", "content", "sentence", "review", "comment"),
    ),
    "output": (
        *("output", "response", "reply", "answer", "agent_reply", "completion", "target", "solution"),
        *("resolution", "assistant", "summary", "translation", "answers_text", "answers", "responses"),
    ),
    "label": ("label", "intent", "category", "class", "topic", "sentiment", "tag", "target", "type"),
    "group": ("group", "customer_id", "customer", "user_id", "client_id", "account_id", "user", "author"),
    "thread": ("thread_id", "thread", "conversation_id", "conversation", "dialogue_id", "ticket_id"),
    "time": ("time", "created_at", "timestamp", "date", "created", "sent_at", "received_at", "datetime"),
    "conversation": (
        *("messages", "conversations", "conversation", "contents", "dialogue", "dialog", "turns", "chat"),
        *("dialogs", "context", "input_messages"),
    ),
    "system": (
        *("system", "system_prompt", "system_instruction_parts", "system_instruction", "system_message"),
        *("system_instruction_parts_text",),
    ),
    "context": (
        "context",
        "passage",
        "paragraph",
        "document",
        "article",
        "background",
        "evidence",
        "knowledge",
    ),
    "history": ("history",),
    "chosen": ("chosen", "preferred_output", "preferred", "accepted", "chosen_response", "response_chosen"),
    "rejected": (
        *("rejected", "non_preferred_output", "dispreferred", "not_preferred", "rejected_response"),
        *("response_rejected",),
    ),
    "winner": ("label", "preference", "preferred", "winner", "better", "choice"),
    "speaker": ("speaker", "role", "sender", "from", "author_role", "speaker_role", "author", "who"),
    "turn": (
        "turn",
        "turn_number",
        "turn_id",
        "turn_index",
        "turn_no",
        "utterance_number",
        "sequence",
        "position",
    ),
}
_SIDE_TEXTS = ("subject", "title", "note", "notes", "comment", "remark", "remarks")
_CODE = r"""^[A-Za-z]{0,12}[-_#]?[0-9A-Fa-f-]*\d[0-9A-Fa-f-]*$|^("?[\w .,'-]{0,60}"?\s*<)?\S+@\S+>?$"""
_TIME = (
    r"^\s*([A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4}|\d{4}-\d{1,2}-\d{1,2}|"
    r"\d{1,2}[./]\d{1,2}[./]\d{2,4}|\d{4}/\d{1,2}/\d{1,2})([T ,].*)?$"
)
_NUMBER = r"^\s*[-+]?\d+([.,]\d+)?([eE][-+]?\d+)?\s*%?\s*$"
_MESSAGES = r'(?s)^\s*(\[\s*)?\{.*"(role|from|speaker)"\s*:'
_NESTED = r"""(?s)^\s*(\[\s*([\[{"'\]]|-?\d)|\{\s*["}]).*[\]}]\s*$"""
_NAME_WITH_NUMBER = r"^\s*\S*\d\S*\s*$"  # seed_task_0, <CONV>e9330f4e<TURN>0
_PLACE = r"(?i)^(https?://\S+|[^\n]{1,300}\.(txt|pdf|docx?|html?|xml|json|csv|md|eml|png|jpe?g))$"
_LABEL_LENGTH, _LABEL_WORDS, _MOST_LABELS = 60, 6, 500


@dataclass(frozen=True)
class Column:
    """What one column holds. Lengths in characters and the share of questions are over the cells that are filled."""

    name: str
    kind: Kind
    filled: float
    distinct: int
    median_length: float
    longest: int
    questions: float = 0.0


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
        questions=float(full.str.contains(r"[?\uFF1F]\s*$").mean() or 0),
    )


def _kind(full: pl.Series, distinct: int, median_length: float) -> Kind:
    sample = full.gather_every(max(1, full.len() // 2_000))  # sources differ: look at all of them

    def share(pattern: str) -> float:
        return float(sample.str.contains(pattern).mean() or 0)

    if share(_MESSAGES) > 0.8:
        return "messages"
    if share(_NESTED) > 0.8:
        return "nested"
    if share(_TIME) > 0.9:
        return "time"
    if share(_NUMBER) > 0.95 and not name_score(full.name, NAMES["group"] + NAMES["thread"]):
        return "label" if distinct <= 20 and name_score(full.name, NAMES["label"]) else "number"
    named = distinct > 0.95 * full.len() and share(_NAME_WITH_NUMBER) > 0.95
    if share(_CODE) > 0.8 or share(_PLACE) > 0.9 or named:
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


def whole_columns(columns: list[Column]) -> list[str]:
    """Columns that are compared with all they hold, and never edited as running text: conversations, and where there is
    no text at all, lists and objects.

    Where each row is one turn of a thread (or one e-mail), also what tells the turns apart: "yes, please" is said in
    many threads, and taking it out of all but one would leave holes.
    """
    kinds = ("messages",) if text_columns(columns) else ("messages", "nested")
    whole = [column.name for column in columns if column.kind in kinds]
    named = {role: _best_named(columns, role, kinds) for role, kinds in _TURNS.items()}
    answered = any(c.kind == "text" and name_score(c.name, NAMES["output"]) > 0.5 for c in columns)
    if named["thread"] and named["speaker"] and not answered:  # a row with its reply is no mere turn
        whole += [name for name in dict.fromkeys(named.values()) if name and name not in whole]
    return whole


_CODED: tuple[Kind, ...] = ("group", "identifier", "label", "number")
_TURNS: dict[str, tuple[Kind, ...]] = {"thread": _CODED, "speaker": _CODED, "turn": _CODED, "time": ("time",)}


def _best_named(columns: list[Column], role: str, kinds: tuple[Kind, ...]) -> str:
    """The column whose name is one of the role's own, of a fitting kind; "" where there is none."""
    scores = {c.name: name_score(c.name, NAMES[role], words=False) for c in columns if c.kind in kinds}
    best = max(scores, key=scores.__getitem__, default="")
    return best if scores.get(best, 0) > 0 else ""
