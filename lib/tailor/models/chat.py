"""Chat messages as token ids: the chat template where there is one, and never a control token from a person's text.

Every part of the workbench that shows messages to a model (training, evaluation, chat, serving, export) goes through
`encode_chats`, so what is tested is what was trained. The prompt of an answer that is learned is, token for token, the
prompt that the template announces an answer with: training and use cannot differ.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from tailor.errors import WorkbenchError, did_you_mean
from tailor.files import canonical_json, sha256_bytes
from tailor.models.plain_text import PlainText
from tailor.models.template_rendering import render_chats

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
    writer = _writer(tokenizer)
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
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], max_length: int
) -> list[list[int]]:
    """Encode texts for an encoder: no chat, what its tokenizer puts around a text, at most `max_length` ids."""
    text = _writer(tokenizer).text
    before, after = text.around
    room = max(max_length - len(before) - len(after), 0)
    return [[*before, *ids[:room], *after] for ids in text.encode(texts, inside=[False] * len(texts))]


def encode_words(tokenizer: PreTrainedTokenizerBase, words: Sequence[str]) -> list[list[int]]:
    """Encode words as they stand inside a sentence, after a blank."""
    text = _writer(tokenizer).text
    lead = "" if text.adds_blank else " "
    return text.encode([lead + word for word in words], inside=[True] * len(words))


# --- putting a chat together ---------------------------------------------------------------------------------------
Plan = list[tuple[list[int] | int, bool]]
"""Ids, or the number of a text that is encoded with all others; and whether they are learned."""


def _plan(frame: _Frame, messages: list[dict], texts: dict[tuple[str, bool], int]) -> Plan:
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
        if isinstance(part, _Control):
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


# --- what a template writes around the contents --------------------------------------------------------------------
@dataclass(frozen=True)
class _Control:
    """Control tokens that the template writes; learned where they end an answer."""

    ids: list[int]
    learned: bool = False


@dataclass(frozen=True)
class _Slot:
    """The place of a message's content.

    Attributes:
        lead: a blank that is encoded together with an answer: byte-level vocabularies write " word" as one token.
        tail: a blank between an answer and the token that ends it.
        trim_start: the template, or a control token that takes blanks along, strips blanks off its beginning.
        trim_end: the same for its end.
    """

    message: int
    answer: bool
    lead: str = ""
    tail: str = ""
    trim_start: bool = False
    trim_end: bool = False


@dataclass(frozen=True)
class _Frame:
    """A template for messages with given roles. `fold`: the system message goes into the first user message."""

    parts: list[_Control | _Slot | str]
    fold: bool = False


@dataclass
class _Writer:
    """What is known about a tokenizer: its template's frames, and how it encodes text.

    Attributes:
        control: the added tokens that a person's text must not become, by id.
    """

    signature: tuple
    text: PlainText
    tokenizer: Any
    template: str
    control: dict[int, Any]
    known: dict[tuple[tuple[str, ...], bool], _Frame] = field(default_factory=dict)

    @property
    def ending(self) -> set[int]:
        return {*self.control, *self.tokenizer.all_special_ids}

    def frames(self, chats: Sequence[list[dict]], generation: bool) -> list[_Frame]:
        shapes = [tuple(message["role"] for message in messages) for messages in chats]
        missing = [roles for roles in dict.fromkeys(shapes) if (roles, generation) not in self.known]
        if missing:
            self._learn(missing, generation)
        return [self.known[roles, generation] for roles in shapes]

    def _learn(self, shapes: list[tuple[str, ...]], generation: bool) -> None:
        """Render the template for every shape at once, also as it would be without a system message."""
        wanted: dict[tuple[tuple[str, ...], bool], None] = {}
        for roles in shapes:
            for some in (roles, roles[1:]) if _may_fold(roles) else (roles,):
                wanted[some, generation] = None
                if _ends_with_answer(some, generation):
                    wanted[some[:-1], True] = None
        texts = dict(zip(wanted, self._render(list(wanted)), strict=True))
        for roles in shapes:
            frame = self._frame(texts, roles, generation)
            if _may_fold(roles) and (frame is None or not _has(frame, 0)):
                folded = self._frame(texts, roles[1:], generation)
                frame = frame if folded is None else _Frame(folded.parts, fold=True)
            if frame is None:
                raise texts[roles, generation]
            self.known[roles, generation] = frame

    def _render(self, shapes: list[tuple[tuple[str, ...], bool]]) -> list[str | WorkbenchError]:
        chats = [
            ([{"role": role, "content": _mark(place)} for place, role in enumerate(roles)], generation)
            for roles, generation in shapes
        ]
        named = ("bos_token", "eos_token", "pad_token", "unk_token", "sep_token", "cls_token", "mask_token")
        special = {name: str(getattr(self.tokenizer, name, None) or "") for name in named}
        name = Path(str(getattr(self.tokenizer, "name_or_path", ""))).name
        return render_chats(self.template, chats, special, name)

    def _frame(self, texts: dict, roles: tuple[str, ...], generation: bool) -> _Frame | None:
        """The frame of rendered messages; where they end with an answer, its prompt is the one used to ask for it."""
        text = texts[roles, generation]
        if isinstance(text, WorkbenchError):
            return None
        prompt = texts.get((roles[:-1], True)) if _ends_with_answer(roles, generation) else None
        if isinstance(prompt, str):
            before, found, after = text.partition(_mark(len(roles) - 1))
            if not found:
                before, found, after = text.partition(_mark(len(roles) - 1).strip(_BLANK))
            lead = " " if before == prompt + " " else ""
            text = prompt + lead + found + after
        return _Frame(self._split(text, roles))

    def _split(self, text: str, roles: tuple[str, ...]) -> list[_Control | _Slot | str]:
        """A rendered text as control tokens, fixed text and slots, in the order in which the template wrote them."""
        parts: list[_Control | _Slot | str] = []
        while True:
            place, number = min(
                ((at, n) for n in range(len(roles)) if (at := text.find(_core(n))) >= 0), default=(-1, -1)
            )
            if place < 0:
                self._add_fixed(parts, text)
                return parts
            fixed, text = text[:place], text[place + len(_core(number)) :]
            kept_start, kept_end = fixed.endswith(_BLANK), text.startswith(_BLANK)
            fixed, text = fixed.removesuffix(_BLANK), text.removeprefix(_BLANK)
            answer = roles[number] == "assistant"
            lead = " " if answer and fixed.endswith(" ") else ""
            self._add_fixed(parts, fixed.removesuffix(lead))
            greedy = bool(parts) and isinstance(parts[-1], _Control) and self._is_greedy(parts[-1].ids[-1])
            # a tokenizer that puts a blank before every text needs no other one
            lead = "" if self.text.adds_blank else lead
            parts.append(_Slot(number, answer, lead, "", not kept_start or greedy, not kept_end))

    def _add_fixed(self, parts: list[_Control | _Slot | str], text: str) -> None:
        """Add the template's own text, cut where its control tokens stand; the first one after an answer is learned."""
        pieces = self._cut(text) if text else []
        if parts and isinstance(parts[-1], _Slot) and parts[-1].answer:
            blank = pieces[0] if pieces and isinstance(pieces[0], str) and not pieces[0].strip(" ") else ""
            end = pieces[1 if blank else 0 :][:1]
            if end and isinstance(end[0], _Control) and end[0].ids[0] in self.ending:
                parts[-1] = replace(parts[-1], tail=blank)
                ids = end[0].ids
                rest = [_Control(ids[1:])] if ids[1:] else []
                pieces = [_Control(ids[:1], learned=True), *rest, *pieces[2 if blank else 1 :]]
        parts += pieces

    def _cut(self, text: str) -> list[_Control | str]:
        backend = getattr(self.tokenizer, "backend_tokenizer", None)
        if backend is None:  # nobody says where its control tokens stand: the whole text is encoded as one
            return [_Control(list(self.tokenizer.encode(text, add_special_tokens=False)))]
        encoded = backend.encode(text, add_special_tokens=False)
        pieces: list[_Control | str] = []
        at = 0
        for number, (start, end) in zip(encoded.ids, encoded.offsets, strict=True):
            if number in self.control:
                pieces += [text[at:start]] if text[at:start] else []
                pieces.append(_Control([number]))
                at = end
        return [*pieces, text[at:]] if text[at:] else pieces

    def _is_greedy(self, number: int) -> bool:
        """Whether a control token takes the blanks after it along."""
        token = self.control.get(number)
        return bool(token and token.rstrip)


_writers: WeakKeyDictionary = WeakKeyDictionary()  # rendering a template and copying a vocabulary are slow


def _writer(tokenizer: PreTrainedTokenizerBase) -> _Writer:
    template = tokenizer.chat_template or PLAIN_CHAT_TEMPLATE
    if isinstance(template, dict):
        template = template.get("default") or PLAIN_CHAT_TEMPLATE
    signature = (template, len(tokenizer), tuple(tokenizer.all_special_tokens))
    known = _writers.get(tokenizer)
    if known is None or known.signature != signature:
        backend = getattr(tokenizer, "backend_tokenizer", None)
        added = {} if backend is None else backend.get_added_tokens_decoder()
        # `<think>` is no special token, and yet a control token where the template writes it
        control = {
            number: token
            for number, token in added.items()
            if token.special or (token.content.strip() and token.content in template)
        }
        text = PlainText(_weak(tokenizer), {token.content for token in control.values()})
        known = _Writer(signature, text, _weak(tokenizer), template, control)
        _writers[tokenizer] = known
    return known


def _weak(tokenizer: Any) -> Any:
    """The tokenizer, held so that being known here does not keep it alive."""
    from weakref import proxy

    return proxy(tokenizer)


def _ends_with_answer(roles: tuple[str, ...], generation: bool) -> bool:
    return len(roles) > 1 and roles[-1] == "assistant" and not generation


def _may_fold(roles: tuple[str, ...]) -> bool:
    return roles[:2] == ("system", "user")


def _has(frame: _Frame, message: int) -> bool:
    return any(isinstance(part, _Slot) and part.message == message for part in frame.parts)


_BLANK = "\u2003"  # stands around each mark: where it is gone, the template strips contents


def _core(number: int) -> str:
    """A text no person writes: private-use characters around the message's number."""
    return f"\ue000\ue001{number}\ue001\ue000"


def _mark(number: int) -> str:
    return f"{_BLANK}{_core(number)}{_BLANK}"


def ending_ids(tokenizer) -> set[int]:
    """Return the ids that end an answer: every control token that the tokenizer knows."""
    return _writer(tokenizer).ending


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
