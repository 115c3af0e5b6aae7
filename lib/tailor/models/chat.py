"""Chat messages as token ids: the chat template where there is one, and never a control token from a person's text.

Every part of the workbench that shows messages to a model (training, evaluation, chat, serving, export) goes through
`encode_chats`, so what is tested is what was trained. The prompt of an answer that is learned is, token for token, the
prompt that the template announces an answer with: training and use cannot differ.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tailor.errors import WorkbenchError, did_you_mean
from tailor.files import canonical_json, sha256_bytes
from tailor.models.chat_frames import PLAIN_CHAT_TEMPLATE, Control, Frame, writer_of

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

__all__ = [
    "PLAIN_CHAT_TEMPLATE",
    "EncodedChat",
    "encode_chat",
    "encode_chats",
    "encode_lines",
    "encode_words",
    "ending_ids",
    "letters_of_tokens",
    "text_start",
    "tokenizer_hash",
    "turn_end",
]

ROLES = ("system", "user", "assistant")


@dataclass(frozen=True)
class EncodedChat:
    """Messages as ids. ``learned`` marks the assistant's words and the token that ends its turn: [T] each."""

    input_ids: list[int]
    learned: list[bool]

    def __len__(self) -> int:
        return len(self.input_ids)


def encode_chat(
    tokenizer: PreTrainedTokenizerBase, messages: list[dict], *, add_generation_prompt: bool = False
) -> EncodedChat:
    """Encode one chat; see `encode_chats`."""
    return encode_chats(tokenizer, [messages], add_generation_prompt=add_generation_prompt)[0]


def encode_chats(
    tokenizer: PreTrainedTokenizerBase,
    chats: Sequence[list[dict]],
    *,
    add_generation_prompt: bool = False,
    last_answer_only: bool = False,
) -> list[EncodedChat]:
    """Encode chats with the tokenizer's chat template (or `PLAIN_CHAT_TEMPLATE` where it has none).

    The template is rendered with a private mark in place of every content. What stands between the marks is the
    template's own and may hold control tokens; contents are encoded as text, even where they spell a control token.
    For harmless contents a prompt's ids equal ``tokenizer.apply_chat_template(..., add_generation_prompt=True)``; an
    answer is encoded from its first letter on, as a model writes it, so no merge reaches from the prompt into it.

    A template that has no place for a system message gets it at the beginning of the first user message.

    Args:
        chats: each a list of ``{"role": "system" | "user" | "assistant", "content": str}``, in order.
        add_generation_prompt: end with what announces the assistant's answer.
        last_answer_only: mark the last answer alone as learned; what was said before is read only.

    Raises:
        WorkbenchError: a message has no such role or no text, or the template cannot be used.
    """
    for messages in chats:
        _check(messages)
    writer = writer_of(tokenizer)
    frames = writer.frames(chats, add_generation_prompt)
    texts: dict[tuple[str, bool], int] = {}  # a text that stands in many chats is encoded once
    plans = [_plan(frame, messages, texts) for frame, messages in zip(frames, chats, strict=True)]
    encoded = writer.text.encode([text for text, _ in texts], inside=[inside for _, inside in texts])
    return [_put_together(plan, encoded, last_answer_only) for plan in plans]


def tokenizer_hash(tokenizer: PreTrainedTokenizerBase) -> str:
    """Hash of everything that decides which ids a chat becomes: vocabulary, rules, control tokens, chat template."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    parts = json.loads(backend.to_str()) if backend is not None else tokenizer.get_vocab()
    parts = {name: part for name, part in parts.items() if name not in ("truncation", "padding")}
    special = [tokenizer.eos_token, tokenizer.bos_token, *tokenizer.all_special_tokens]
    return sha256_bytes(canonical_json([parts, tokenizer.chat_template, special]).encode())


def encode_lines(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], max_length: int | None = None
) -> list[list[int]]:
    """Encode texts for an encoder: no chat, what its tokenizer puts around a text, at most `max_length` ids."""
    text = writer_of(tokenizer).text
    before, after = text.around
    room = None if max_length is None else max(max_length - len(before) - len(after), 0)
    return [[*before, *ids[:room], *after] for ids in text.encode(texts, inside=[False] * len(texts))]


def letters_of_tokens(
    tokenizer: PreTrainedTokenizerBase, text: str
) -> tuple[list[int], list[tuple[int, int]]]:
    """An answer's ids, and for each which letters of the text it stands for; needs a tokenizer with a fast backend."""
    return writer_of(tokenizer).text.letters(text)


def encode_words(tokenizer: PreTrainedTokenizerBase, words: Sequence[str]) -> list[list[int]]:
    """Encode words as they stand inside a sentence, after a blank."""
    text = writer_of(tokenizer).text
    lead = "" if text.adds_blank else " "
    return text.encode([lead + word for word in words], inside=[True] * len(words))


# --- putting a chat together ---------------------------------------------------------------------------------------
Plan = list[tuple[list[int] | int, bool]]
"""Ids, or the number of a text that is encoded with all others; and whether they are learned."""


def _plan(frame: Frame, messages: list[dict], texts: dict[tuple[str, bool], int]) -> Plan:
    """The parts of a chat: control tokens, runs of text between them, and answers by themselves."""
    if frame.fold:
        joined = {"role": "user", "content": f"{messages[0]['content']}\n\n{messages[1]['content']}"}
        messages = [joined, *messages[2:]]
    plan: Plan = []
    run = ""

    def close(learned: bool = False) -> None:
        nonlocal run
        if run:
            plan.append((texts.setdefault((run, bool(plan)), len(texts)), learned))
        run = ""

    for part in frame.parts:
        if isinstance(part, Control):
            close()
            plan.append((part.ids, part.learned))
        elif isinstance(part, str):
            run += part
        else:
            content = messages[part.message]["content"]
            content = content.lstrip() if part.trim_start else content
            content = content.rstrip() if part.trim_end else content
            if part.answer:
                close()
            run += part.lead + content + part.tail
            if part.answer:
                close(learned=True)
    close()
    return plan


def _put_together(plan: Plan, encoded: list[list[int]], last_answer_only: bool) -> EncodedChat:
    ids: list[int] = []
    learned: list[bool] = []
    first = 0
    if last_answer_only:
        first = len(plan)
        while first and not plan[first - 1][1]:
            first -= 1
        while first and plan[first - 1][1]:
            first -= 1
    for place, (part, is_learned) in enumerate(plan):
        found = encoded[part] if isinstance(part, int) else part
        ids += found
        learned += [is_learned and place >= first] * len(found)
    return EncodedChat(ids, learned)


def ending_ids(tokenizer) -> set[int]:
    """Return the ids that end an answer: every control token that the tokenizer knows."""
    return writer_of(tokenizer).ending


def text_start(tokenizer) -> int | None:
    """Return the id that a plain text begins after: begin of text, else end of text; None where there is neither."""
    ids = (tokenizer.bos_token_id, tokenizer.eos_token_id)
    return next((token for token in ids if token is not None), None)


def turn_end(tokenizer) -> list[int]:
    """Return the ids at which generation must stop: what closes an answer in the template, and end-of-text."""
    closing = encode_chat(
        tokenizer, [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    )
    stops = [token for token, wanted in zip(closing.input_ids, closing.learned, strict=True) if wanted][-1:]
    stops = [token for token in stops if token in ending_ids(tokenizer)]
    if tokenizer.eos_token_id is not None:
        stops.append(tokenizer.eos_token_id)
    return list(dict.fromkeys(stops))


def _check(messages: list[dict]) -> None:
    for number, message in enumerate(messages, start=1):
        role = message.get("role")
        if role not in ROLES:
            raise WorkbenchError(
                found=f"message {number} has the role {role!r}.{did_you_mean(str(role), ROLES)}",
                needed="one of the roles 'system', 'user', 'assistant' in every message.",
                fix=f"Change the role of message {number}.",
            )
        if not isinstance(message.get("content"), str):
            raise WorkbenchError(
                found=f"message {number} ({role}) has {type(message.get('content')).__name__} as content.",
                needed="text.",
                fix=f"Give message {number} a text as its content.",
            )
