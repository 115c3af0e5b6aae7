"""Turn messages into token ids, so that nothing a person wrote can become a control token.

Every part of the workbench that shows messages to a model (training, evaluation, chat, serving) goes through
`encode_chat`, so what is tested is what was trained.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tailor.errors import WorkbenchError, did_you_mean

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

ROLES = ("system", "user", "assistant")

# Used for a model that comes without a chat template. It needs no control token but the end-of-text one, so it
# suits any vocabulary. {% generation %} marks the assistant's words for libraries that ask for a mask.
PLAIN_CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{%- if message['role'] == 'system' -%}{{- message['content'] + '\n\n' -}}"
    "{%- elif message['role'] == 'user' -%}{{- 'User: ' + message['content'] + '\n' -}}"
    "{%- else -%}{{- 'Assistant:' -}}{%- generation -%}"
    "{{- ' ' + message['content'] + eos_token -}}{%- endgeneration -%}{{- '\n' -}}"
    "{%- endif -%}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- 'Assistant:' -}}{%- endif -%}"
)


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
    """Encode messages with the tokenizer's chat template (or `PLAIN_CHAT_TEMPLATE` where it has none).

    The template is rendered once with a private mark in place of every content. What stands between the marks is the
    template's own and may hold control tokens; each content is encoded as text, even where it spells a control token.
    For harmless content the ids equal ``tokenizer.apply_chat_template`` up to merges across a template's border.

    Args:
        messages: ``{"role": "system" | "user" | "assistant", "content": str}``, in order.
        add_generation_prompt: end with what announces the assistant's answer.

    Raises:
        WorkbenchError: a message has no such role, or no text.
    """
    _check(messages)
    marks = [_mark(number) for number in range(len(messages))]
    hidden = [{"role": m["role"], "content": mark} for m, mark in zip(messages, marks, strict=True)]
    text = tokenizer.apply_chat_template(
        hidden,
        chat_template=tokenizer.chat_template or PLAIN_CHAT_TEMPLATE,
        tokenize=False,
        add_generation_prompt=add_generation_prompt,
    )
    ids: list[int] = []
    learned: list[bool] = []
    before_is_answer = False  # the template's text after an answer begins with the token that ends the turn
    for message, mark in zip(messages, marks, strict=True):
        fixed, found, text = text.partition(mark)
        if not found:  # some templates drop a message, for example a system turn
            text = fixed
            continue
        ids_fixed, lead = _split_lead(tokenizer, fixed)
        _append_template(tokenizer, ids_fixed, before_is_answer, ids, learned)
        content = tokenizer.encode(
            lead + message["content"], add_special_tokens=False, split_special_tokens=True
        )
        before_is_answer = message["role"] == "assistant"
        ids += content
        learned += [before_is_answer] * len(content)
    _append_template(tokenizer, text, before_is_answer, ids, learned)
    return EncodedChat(ids, learned)


def _mark(number: int) -> str:
    """A text no person writes: private-use characters around the message's number. ``strip`` leaves it alone."""
    return f"\ue000\ue001{number}\ue001\ue000"


def _split_lead(tokenizer, fixed: str) -> tuple[str, str]:
    """Give a single blank before a content to the content: byte-level vocabularies write " word" as one token."""
    if fixed.endswith(" "):
        return fixed[:-1], " "
    return fixed, ""


def _append_template(tokenizer, text: str, after_answer: bool, ids: list[int], learned: list[bool]) -> None:
    """Encode the template's own text; after an answer, its first token (the end of the turn) is learned."""
    new = tokenizer.encode(text, add_special_tokens=False) if text else []
    ids += new
    ends = ending_ids(tokenizer)
    for position, token in enumerate(new):
        learned.append(after_answer and position == 0 and token in ends)


def ending_ids(tokenizer) -> set[int]:
    """Return the ids that end an answer: every control token the tokenizer knows, the end-of-text token first."""
    return set(tokenizer.all_special_ids)


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
