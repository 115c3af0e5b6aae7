"""Conversations in a cell: lists of messages as OpenAI, ShareGPT, Gemini, TRL and others write them."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

Message = dict[str, str]

SPEAKERS = {
    **dict.fromkeys(
        ("user", "human", "customer", "client", "person", "prompter", "question", "usr", "caller", "patient"),
        "user",
    ),
    **dict.fromkeys(
        ("assistant", "gpt", "agent", "bot", "model", "support", "answer", "chatgpt", "ai", "chatbot", "operator"),
        "assistant",
    ),
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(
        ("tool", "function", "observation", "function_call", "tool_call", "tool_response", "api", "ipython"), "tool"
    ),
}  # fmt: skip
"""What people call the speakers. A system that speaks after the user is the assistant: some dialogue data say so."""

NAME_KEYS = ("role", "from", "speaker", "author")
OPENS = "the assistant speaks first; what it says before the first question is not shown to the model"
TOOLS = "a tool is called; what follows is left out, since only text can be learned"


@dataclass(frozen=True)
class Exchange:
    """One answer with all that led to it.

    Attributes:
        history: (role, text) of the turns before `input`, a user's first.
        turn: place of the turn that ends the answer.
    """

    input: str
    output: str
    system: str = ""
    history: tuple[tuple[str, str], ...] = ()
    turn: int = 0


@dataclass(frozen=True)
class Turn:
    """What one speaker said. `said` is None where the turn holds something else than text."""

    speaker: str
    said: str | None
    learned: bool = True


@dataclass(frozen=True)
class Conversation:
    """Every answer of a conversation, and what had to be left out (`OPENS`, `TOOLS`)."""

    exchanges: tuple[Exchange, ...]
    notes: tuple[str, ...] = ()


def read_conversation(cell: str) -> Conversation | str:
    """The exchanges of a conversation, or a sentence on why there is none.

    Args:
        cell: JSON: a list of messages with role (or from, speaker, author) and content (or value, text, parts).
    """
    turns = read_turns(cell)
    return turns if isinstance(turns, str) else join_turns(turns)


def read_turns(cell: str) -> list[Turn] | str:
    """The turns of a conversation in their order, or a sentence on why they cannot be read."""
    try:
        items = json.loads(cell)
    except (ValueError, RecursionError):
        return "the conversation is not valid JSON"
    if isinstance(items, dict):
        items = next(
            (items[key] for key in ("messages", "conversations", "contents") if key in items), [items]
        )
    turns = []
    for item in items if isinstance(items, list) else []:
        turn = _read_turn(item) if isinstance(item, dict) else None
        if turn is None:
            return "the conversation holds something that is not a message with a role and a text"
        turns.append(turn)
    return turns


def _read_turn(item: dict[str, Any]) -> Turn | None:
    name = next((item[key] for key in NAME_KEYS if isinstance(item.get(key), str)), None)
    learned = item.get("weight") != 0
    if item.get("tool_calls") or item.get("function_call"):
        return Turn("tool", None)
    if name is None:
        return None
    for key in ("content", "value", "text", "parts", "utterance"):
        if key in item:
            said = plain_text(item[key])
            return None if said is None and item[key] is not None else Turn(name, said or "", learned)
    return Turn("tool", None) if len(item) > 1 else None


def plain_text(content: Any) -> str | None:
    """The text of a content: text itself, or a list of parts that are all text. None for anything else."""
    if isinstance(content, str):
        return content.strip()
    parts = content if isinstance(content, list) else [content]
    texts = [
        part if isinstance(part, str) else part.get("text") if isinstance(part, dict) else None
        for part in parts
    ]
    return "\n\n".join(texts).strip() if texts and all(isinstance(text, str) for text in texts) else None


def who_speaks(names: Sequence[str], assistant: str = "") -> dict[str, str] | str:
    """Which of user, assistant, system and tool each speaker's name stands for, or a sentence on why it is not known.

    Args:
        names: the speakers of all turns, in order.
        assistant: the name whose words are to be learned, as a person says; "" to guess.
    """
    known = {name: SPEAKERS.get(name.strip().lower(), "") for name in names}
    if assistant:
        return {name: _beside(assistant, name, kind) for name, kind in known.items()}
    if "assistant" not in known.values() and "user" in known.values():
        first = next(place for place, name in enumerate(names) if known[name] == "user")
        late = {name for name in names[first:] if known[name] == "system"}
        known |= dict.fromkeys(late, "assistant")
    for name, kind in known.items():
        if not kind:
            return f"the speaker '{name[:40]}' is neither the person nor the assistant"
    return known


def _beside(assistant: str, name: str, kind: str) -> str:
    """What a speaker is beside a known assistant, whose name may be the domain of e-mail addresses."""
    if assistant.strip().lower() in (name.strip().lower(), mail_domain(name)):
        return "assistant"
    return kind if kind in ("system", "tool") else "user"


def mail_domain(name: str) -> str:
    """The domain of an e-mail address ("Help Desk <help@bank.example>" -> "bank.example"); "" where there is none."""
    found = re.search(r"@([\w.-]+)>?\s*$", name)
    return found[1].lower() if found else ""


def join_turns(turns: Sequence[Turn], assistant: str = "") -> Conversation | str:
    """The exchanges of turns in their order. What one speaker says in several turns on end counts as one.

    Args:
        assistant: see `who_speaks`.
    """
    kinds = who_speaks([turn.speaker for turn in turns], assistant)
    if isinstance(kinds, str):
        return kinds
    system, said, exchanges, notes = [], [], [], []
    for place, (turn, after) in enumerate(zip_longest(turns, turns[1:])):
        kind = kinds[turn.speaker]
        if kind == "tool":
            notes.append(TOOLS)
            break
        if kind == "system":
            system.append(turn.said)
        elif not turn.said:
            continue
        elif not said and kind == "assistant":
            notes.append(OPENS)
        else:
            _say(said, kind, turn.said)
            ends = after is None or kinds[after.speaker] != "assistant"
            if kind == "assistant" and ends and turn.learned:
                exchanges.append(_exchange(said, system, place))
    if exchanges:
        return Conversation(tuple(exchanges), tuple(dict.fromkeys(notes)))
    if TOOLS in notes:
        return "the conversation calls a tool before its first answer, and only text can be learned"
    return "the conversation has no answer after a question"


def _say(said: list[tuple[str, str]], kind: str, text: str) -> None:
    if said and said[-1][0] == kind:
        text = f"{said.pop()[1]}\n\n{text}"
    said.append((kind, text))


def _exchange(said: list[tuple[str, str]], system: list[str], turn: int) -> Exchange:
    return Exchange(said[-2][1], said[-1][1], "\n\n".join(filter(None, system)), tuple(said[:-2]), turn)


def transcript(turns: Sequence[Turn]) -> str:
    """Turns as one text, "User: ..." and "Assistant: ...", for a task that reads whole conversations."""
    kinds = who_speaks([turn.speaker for turn in turns])
    names = {turn.speaker: turn.speaker.capitalize() for turn in turns}
    names |= {} if isinstance(kinds, str) else {name: kind.capitalize() for name, kind in kinds.items()}
    return "\n\n".join(f"{names[turn.speaker]}: {turn.said}" for turn in turns if turn.said)


def write_history(history: Sequence[tuple[str, str]]) -> str:
    """Earlier turns as JSON messages, as `Example.history` holds them; "" for none."""
    messages = [{"role": role, "content": said} for role, said in history]
    return json.dumps(messages, ensure_ascii=False) if messages else ""


def read_history(text: str) -> list[Message]:
    """The messages of `Example.history`."""
    return json.loads(text) if text else []
