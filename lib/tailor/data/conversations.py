"""Rows that are conversations: a list of messages in one cell, or one message a row in a thread."""

import json
from dataclasses import dataclass

_ROLES = {
    **dict.fromkeys(("user", "human", "customer", "client", "person", "prompter", "question"), "user"),
    **dict.fromkeys(("assistant", "gpt", "agent", "bot", "model", "support", "answer"), "assistant"),
    "system": "system",
}


@dataclass(frozen=True)
class Exchange:
    """What was asked (with what was said before) and what was answered."""

    input: str
    output: str


def read_messages(cell: str) -> Exchange | str:
    """The last answer of a conversation and all that led to it, or a sentence on why there is none.

    Args:
        cell: JSON: `[{"role": "user", "content": "..."}, ...]`, also with "from" and "value".
    """
    try:
        items = json.loads(cell)
    except (ValueError, RecursionError):
        return "the conversation is not valid JSON"
    turns = []
    for item in items if isinstance(items, list) else []:
        said = item.get("content", item.get("value")) if isinstance(item, dict) else None
        role = _ROLES.get(str(item.get("role", item.get("from"))).lower()) if isinstance(said, str) else None
        if role in ("user", "assistant") and said.strip():
            turns.append((role, said.strip()))
    last = max((i for i, (role, _) in enumerate(turns) if role == "assistant"), default=0)
    if last == 0:
        return "the conversation has no answer after a question"
    before = turns[:last]
    if len(before) == 1:
        return Exchange(before[0][1], turns[last][1])
    names = {"user": "User", "assistant": "Assistant"}
    return Exchange("\n\n".join(f"{names[role]}: {said}" for role, said in before), turns[last][1])
