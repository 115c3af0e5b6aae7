"""Turn messages into token ids, so that nothing a person wrote can become a control token.

Every part of the workbench that shows messages to a model (training, evaluation, chat, serving) goes through
`encode_chat`, so what is tested is what was trained.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

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
    frame = _frame(tokenizer, tuple(m["role"] for m in messages), add_generation_prompt)
    ids: list[int] = []
    learned: list[bool] = []
    for message, piece in zip(messages, frame.pieces, strict=True):
        if piece is None:  # some templates drop a message, for example a system turn
            continue
        ids += piece.ids
        learned += piece.learned
        text = piece.lead + message["content"]
        content = tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)
        ids += content
        learned += [message["role"] == "assistant"] * len(content)
    return EncodedChat(ids + frame.end.ids, learned + frame.end.learned)


@dataclass(frozen=True)
class _Piece:
    """The template's own text before a content, and a blank that is encoded together with the content."""

    ids: list[int]
    learned: list[bool]
    lead: str = ""


@dataclass(frozen=True)
class _Frame:
    """What a template writes around the contents of messages with given roles; None for a message it drops."""

    pieces: list[_Piece | None]
    end: _Piece


_frames: WeakKeyDictionary = WeakKeyDictionary()  # tokenizer -> its frames: rendering a template is slow


def _frame(tokenizer: PreTrainedTokenizerBase, roles: tuple[str, ...], generation: bool) -> _Frame:
    known = _frames.setdefault(tokenizer, {})
    key = (tokenizer.chat_template, roles, generation)
    if key not in known:
        known[key] = _render(tokenizer, roles, generation)
    return known[key]


def _render(tokenizer: PreTrainedTokenizerBase, roles: tuple[str, ...], generation: bool) -> _Frame:
    """Render the template with a mark for every content, and encode what stands between the marks."""
    marks = [_mark(number) for number in range(len(roles))]
    text = tokenizer.apply_chat_template(
        [{"role": role, "content": mark} for role, mark in zip(roles, marks, strict=True)],
        chat_template=tokenizer.chat_template or PLAIN_CHAT_TEMPLATE,
        tokenize=False,
        add_generation_prompt=generation,
    )
    pieces: list[_Piece | None] = []
    after_answer = False
    for role, mark in zip(roles, marks, strict=True):
        fixed, found, rest = text.partition(mark)
        if not found:
            pieces.append(None)
            continue
        text = rest
        # A byte-level vocabulary writes " word" as one token, so a blank before a content belongs to the content.
        lead = " " if fixed.endswith(" ") else ""
        pieces.append(_encode_fixed(tokenizer, fixed.removesuffix(lead), after_answer, lead))
        after_answer = role == "assistant"
    return _Frame(pieces, _encode_fixed(tokenizer, text, after_answer))


def _encode_fixed(tokenizer, text: str, after_answer: bool, lead: str = "") -> _Piece:
    """Encode the template's own text; after an answer, its first token is learned if it ends the turn."""
    ids = tokenizer.encode(text, add_special_tokens=False) if text else []
    learned = [False] * len(ids)
    if after_answer and ids and ids[0] in ending_ids(tokenizer):
        learned[0] = True
    return _Piece(ids, learned, lead)


def _mark(number: int) -> str:
    """A text no person writes: private-use characters around the message's number. ``strip`` leaves it alone."""
    return f"\ue000\ue001{number}\ue001\ue000"


def ending_ids(tokenizer) -> set[int]:
    """Return the ids that end an answer: every control token that the tokenizer knows."""
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
