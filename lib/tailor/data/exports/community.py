"""Formats that open tools read: Alpaca, ShareGPT, and TRL's prompt-completion and preference data."""

from collections.abc import Iterator
from typing import Any

from tailor.data.exports.format import Format, Row, Written, pairs_before
from tailor.data.exports.rules import alternating, keys_of, text_in


def _alpaca(row: Row) -> Written:
    written: Written = {
        "instruction": row.turns[-2]["content"],
        "input": "",
        "output": row.turns[-1]["content"],
    }
    written |= {"system": row.system} if row.system else {}
    return written | ({"history": before} if (before := pairs_before(row)) else {})


def _check_alpaca(item: Written) -> Iterator[str]:
    yield from keys_of(item, ("instruction", "input", "output"), ("system", "history"))
    yield from text_in(item, "instruction")
    yield from text_in(item, "input", empty=True)
    yield from text_in(item, "output")
    yield from text_in(item, "system", empty=True)
    history = item.get("history", [])
    pairs = history if isinstance(history, list) else [None]
    if not all(isinstance(p, list) and len(p) == 2 and all(isinstance(t, str) for t in p) for p in pairs):
        yield "'history' is not a list of pairs of question and answer"


ALPACA = Format(
    name="Alpaca",
    rules="github.com/tatsu-lab/stanford_alpaca (instruction, input, output); system and history as LLaMA-Factory's "
    "data/README reads them. Read November 2026.",
    ending=".json",
    write=_alpaca,
    check=_check_alpaca,
    whole=True,
)


def _sharegpt(row: Row) -> Written:
    names = {"user": "human", "assistant": "gpt"}
    written: Written = {
        "conversations": [{"from": names[m["role"]], "value": m["content"]} for m in row.turns]
    }
    return written | ({"system": row.system} if row.system else {})


def _check_sharegpt(item: Written) -> Iterator[str]:
    yield from keys_of(item, ("conversations",), ("system", "tools", "id"))
    yield from text_in(item, "system", empty=True)
    said = item.get("conversations")
    if not isinstance(said, list) or not all(isinstance(message, dict) for message in said):
        yield "'conversations' is not a list of messages"
        return
    yield from alternating([message.get("from") for message in said], "human", "gpt", "message")
    for place, message in enumerate(said, start=1):
        for rule in (*keys_of(message, ("from", "value")), *text_in(message, "value")):
            yield f"message {place} {rule}"


SHAREGPT = Format(
    name="ShareGPT",
    rules="ShareGPT as LLaMA-Factory's data/README reads it: human at odd places, gpt at even ones; November 2026.",
    ending=".json",
    write=_sharegpt,
    check=_check_sharegpt,
    whole=True,
)

_TRL = "huggingface.co/docs/trl/dataset_formats, TRL 1.16; read November 2026"


def _one_text(row: Row) -> str:
    return "a plain prompt cannot hold the turns before it" if row.turns[:-2] else ""


def _prompt_completion(row: Row) -> Written:
    return {"prompt": row.turns[-2]["content"], "completion": row.turns[-1]["content"]}


def _check_texts(*keys: str):
    def check(item: Written) -> Iterator[str]:
        yield from keys_of(item, keys)
        for key in keys:
            yield from text_in(item, key)

    return check


TRL = Format(
    name="TRL",
    rules=f"{_TRL}: standard prompt-completion. A system prompt has no place in it.",
    ending=".jsonl",
    write=_prompt_completion,
    check=_check_texts("prompt", "completion"),
    leaves_out=_one_text,
)


def _answer(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


def _conversational(row: Row) -> Written:
    return {"prompt": row.messages[:-1], "completion": row.messages[-1:]}


def _check_messages(*answers: str):
    def check(item: Written) -> Iterator[str]:
        yield from keys_of(item, ("prompt", *answers))
        for key in ("prompt", *answers):
            for rule in _messages(item.get(key)):
                yield f"'{key}' {rule}"
        prompt = item.get("prompt")
        if (
            isinstance(prompt, list)
            and prompt
            and isinstance(prompt[-1], dict)
            and prompt[-1].get("role") != "user"
        ):
            yield "'prompt' does not end with the user's message"
        for key in answers:
            first = item[key][0] if isinstance(item.get(key), list) and item[key] else {}
            if isinstance(first, dict) and first.get("role", "assistant") != "assistant":
                yield f"'{key}' does not start with the assistant's message"

    return check


def _messages(messages: Any) -> Iterator[str]:
    if not isinstance(messages, list) or not messages or not all(isinstance(m, dict) for m in messages):
        yield "is not a list of messages"
        return
    for place, message in enumerate(messages, start=1):
        for rule in (*keys_of(message, ("role", "content")), *text_in(message, "content")):
            yield f"message {place} {rule}"
        if message.get("role") not in ("system", "user", "assistant"):
            yield f"message {place} has the role {message.get('role')!r}"


TRL_CONVERSATIONAL = Format(
    name="TRL conversational",
    rules=f"{_TRL}: conversational prompt-completion.",
    ending=".jsonl",
    write=_conversational,
    check=_check_messages("completion"),
)
TRL_PREFERENCE = Format(
    name="TRL preference",
    rules=f"{_TRL}: standard preference, explicit prompt. A system prompt has no place in it.",
    ending=".jsonl",
    write=lambda row: {
        "prompt": row.turns[-2]["content"],
        "chosen": row.turns[-1]["content"],
        "rejected": row.rejected,
    },
    check=_check_texts("prompt", "chosen", "rejected"),
    pairs=True,
    leaves_out=_one_text,
)
TRL_CONVERSATIONAL_PREFERENCE = Format(
    name="TRL conversational preference",
    rules=f"{_TRL}: conversational preference, explicit prompt.",
    ending=".jsonl",
    write=lambda row: {
        "prompt": row.messages[:-1],
        "chosen": row.messages[-1:],
        "rejected": _answer(row.rejected),
    },
    check=_check_messages("chosen", "rejected"),
    pairs=True,
)
