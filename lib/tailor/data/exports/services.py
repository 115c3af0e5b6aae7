"""The files that OpenAI and Google Vertex AI take for tuning."""

from collections.abc import Iterator
from typing import Any

from tailor.data.exports.format import Format, Limits, Row, Written
from tailor.data.exports.rules import alternating, keys_of

_OPENAI_KEYS = ("role", "content", "name", "weight", "tool_calls", "tool_call_id", "function_call")
_OPENAI_ROLES = ("system", "developer", "user", "assistant", "tool", "function")


def _openai(row: Row) -> Written:
    """Only the last answer is learned, as Tailor learns it: the answers before it weigh 0."""
    *before, answer = row.messages
    weighed = [{**m, "weight": 0} if m["role"] == "assistant" else m for m in before]
    return {"messages": [*weighed, answer]}


def _check_openai(item: Written) -> Iterator[str]:
    yield from keys_of(item, ("messages",), ("tools", "parallel_tool_calls"))
    messages = item.get("messages")
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        yield "'messages' is not a list of messages"
        return
    for place, message in enumerate(messages, start=1):
        for rule in _openai_message(message):
            yield f"message {place} {rule}"
    learned = [m for m in messages if m.get("role") == "assistant" and m.get("weight", 1) == 1]
    if not messages or messages[-1].get("role") != "assistant":
        yield "the last message is not the assistant's"
    elif not learned:
        yield "every answer has the weight 0: there is nothing to learn"


def _openai_message(message: dict[str, Any]) -> Iterator[str]:
    yield from keys_of(message, ("role",), _OPENAI_KEYS)
    role, content = message.get("role"), message.get("content")
    if role not in _OPENAI_ROLES:
        yield f"has the role {role!r}"
    if not content and not message.get("tool_calls") and not message.get("function_call"):
        yield "has no content"
    elif content is not None and not isinstance(content, (str, list)):
        yield "has a content that is neither text nor parts"
    if "weight" in message and (role != "assistant" or message["weight"] not in (0, 1)):
        yield "has a weight, which only the assistant's may have, 0 or 1"


OPENAI = Format(
    name="OpenAI",
    rules="platform.openai.com/docs/guides/supervised-fine-tuning and the cookbook's chat_finetuning_data_prep; read "
    "November 2026. 65,536 tokens is the limit of most models that can be tuned; older ones take 16,385.",
    ending=".jsonl",
    write=_openai,
    check=_check_openai,
    limits=Limits(least_rows=10, tokens=65_536, bytes=512 * 1024 * 1024),
)


def _gemini(row: Row) -> Written:
    names = {"user": "user", "assistant": "model"}
    contents = [{"role": names[m["role"]], "parts": [{"text": m["content"]}]} for m in row.turns]
    if not row.system:
        return {"contents": contents}
    return {"systemInstruction": {"parts": [{"text": row.system}]}, "contents": contents}


def _check_gemini(item: Written) -> Iterator[str]:
    yield from keys_of(item, ("contents",), ("systemInstruction", "tools"))
    if "systemInstruction" in item:
        for rule in _parts(item["systemInstruction"]):
            yield f"systemInstruction {rule}"
    contents = item.get("contents")
    if not isinstance(contents, list) or not all(isinstance(content, dict) for content in contents):
        yield "'contents' is not a list of contents"
        return
    yield from alternating([content.get("role") for content in contents], "user", "model", "content")
    for place, content in enumerate(contents, start=1):
        for rule in _parts(content):
            yield f"content {place} {rule}"


def _parts(content: Any) -> Iterator[str]:
    parts = content.get("parts") if isinstance(content, dict) else None
    if not isinstance(parts, list) or not parts:
        yield "has no parts"
        return
    for part in parts:
        text = part.get("text") if isinstance(part, dict) else None
        if not isinstance(text, str) or not text.strip():
            yield "has a part without text"


GEMINI = Format(
    name="Gemini",
    rules="cloud.google.com/vertex-ai/generative-ai/docs: prepare supervised fine-tuning data, and its limits for "
    "Gemini 2.5; read November 2026. At least 100 examples are recommended.",
    ending=".jsonl",
    write=_gemini,
    check=_check_gemini,
    limits=Limits(most_rows=1_000_000, most_validation_rows=5_000, tokens=131_072, bytes=1_000_000_000),
    whole=True,
)
