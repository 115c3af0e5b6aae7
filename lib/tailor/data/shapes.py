"""The shapes that training data come in, recognized by the roles of their columns."""

from dataclasses import dataclass

import polars as pl

from tailor.data.role_search import Role
from tailor.records import Task


@dataclass(frozen=True)
class Shape:
    """What kind of data this is: its name as the field knows it, why, and how sure (0 to 1)."""

    name: str
    reason: str
    confidence: float


def name_shape(frame: pl.DataFrame, task: Task, roles: dict[str, Role]) -> Shape:
    """Name the shape that the roles amount to. It is as sure as the least sure of the roles that make it."""
    name, reason, deciding = _name(frame, task, roles)
    return Shape(name, reason, min(roles[role].confidence for role in deciding if role in roles))


def _name(frame: pl.DataFrame, task: Task, roles: dict[str, Role]) -> tuple[str, str, tuple[str, ...]]:
    column = {role: found.column for role, found in roles.items()}
    if "input" in roles and not roles.keys() & {"output", "label", "chosen", "speaker"}:
        return (
            "rows to answer by hand",
            f"'{column['input']}' is given, its answers are written by hand",
            ("input",),
        )
    if task == "classify":
        return (
            "classification",
            f"'{column['input']}' has its label in '{column['label']}'",
            ("input", "label"),
        )
    if "chosen" in roles:
        return _preference(column)
    if "conversation" in roles:
        name, writes = _dialect(frame[column["conversation"]])
        reason = f"'{column['conversation']}' holds whole conversations, {writes}"
        return name, reason, ("conversation",)
    if "speaker" in roles:
        mails = frame[column["speaker"]].str.contains(r"@[\w.-]+>?\s*$").mean() or 0
        name = "e-mail threads" if mails > 0.5 else "turns in rows"
        said = (
            f"each row is one turn: '{column['input']}' said by '{column['speaker']}' in '{column['thread']}'"
        )
        return name, said, ("speaker", "thread", "input")
    if _is_messages(frame[column["input"]]) or _is_messages(frame[column["output"]]):
        reason = f"'{column['input']}' or '{column['output']}' holds messages with role and content"
        return "conversational prompt-completion", reason, ("input", "output")
    if "context" in roles and column["context"].lower() == "input":
        reason = f"'{column['input']}' says what to do, '{column['context']}' on what; '{column['output']}' answers"
        return "Alpaca", reason, ("input", "output")
    if "context" in roles:
        reason = f"'{column['output']}' answers '{column['input']}' from the passage in '{column['context']}'"
        return "question-answer-context", reason, ("input", "output", "context")
    reason = f"'{column['output']}' is the answer to '{column['input']}'"
    asked = "question" in column["input"].lower() and "answer" in column["output"].lower()
    return "question-answer" if asked else "prompt-completion", reason, ("input", "output")


def _preference(column: dict[str, str]) -> tuple[str, str, tuple[str, ...]]:
    pair = f"'{column['chosen']}' and '{column['rejected']}'"
    if "winner" in column:
        return (
            "preference pairs",
            f"{pair} are two answers, '{column['winner']}' says which is better",
            ("chosen",),
        )
    if "input" in column:
        return (
            "preference pairs",
            f"{pair} are a better and a worse answer to '{column['input']}'",
            ("chosen",),
        )
    return (
        "preference pairs",
        f"{pair} are conversations that end in a better and a worse answer",
        ("chosen",),
    )


def _is_messages(cells: pl.Series) -> bool:
    return bool(
        cells.drop_nulls().head(50).str.contains(r'(?s)^\s*(\[\s*)?\{.*"(role|from|speaker)"').mean() or 0
    )


def _dialect(cells: pl.Series) -> tuple[str, str]:
    """Whose way of writing conversations this is, by the keys of the first ones."""
    sample = cells.drop_nulls().head(50)
    ways = (
        ("ShareGPT", ("from", "value")),
        ("Gemini", ("role", "parts")),
        ("messages", ("role", "content")),
        ("speaker and text", ("speaker", "text")),
    )
    for name, (who, what) in ways:
        if (sample.str.contains(f'"{who}"\\s*:').mean() or 0) > 0.5 and sample.str.contains(
            f'"{what}"\\s*:'
        ).any():
            return name, f"each message with '{who}' and '{what}'"
    return "conversations", "each message with a role and a text"
