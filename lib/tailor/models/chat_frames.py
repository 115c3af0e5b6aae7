"""What a chat template writes around the contents of messages: its control tokens, its words, and the places between.

A template is rendered once for messages of given roles, with a private mark in place of every content. What stands
between the marks is the template's own and may hold control tokens; what takes the place of a mark is text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from tailor.errors import WorkbenchError
from tailor.models.plain_text import PlainText
from tailor.models.template_rendering import render_chats

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

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
class Control:
    """Control tokens that the template writes; learned where they end an answer."""

    ids: list[int]
    learned: bool = False


@dataclass(frozen=True)
class Slot:
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
class Frame:
    """A template for messages with given roles. `fold`: the system message goes into the first user message."""

    parts: list[Control | Slot | str]
    fold: bool = False


@dataclass
class Writer:
    """What is known about a tokenizer: its template's frames, and how it encodes text.

    Attributes:
        control: the added tokens that a person's text must not become, by id.
    """

    signature: tuple
    text: PlainText
    tokenizer: Any
    template: str
    control: dict[int, Any]
    known: dict[tuple[tuple[str, ...], bool], Frame] = field(default_factory=dict)

    @property
    def ending(self) -> set[int]:
        return {*self.control, *self.tokenizer.all_special_ids}

    def frames(self, chats: Sequence[list[dict]], generation: bool) -> list[Frame]:
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
                frame = frame if folded is None else Frame(folded.parts, fold=True)
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

    def _frame(self, texts: dict, roles: tuple[str, ...], generation: bool) -> Frame | None:
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
        return Frame(self._split(text, roles))

    def _split(self, text: str, roles: tuple[str, ...]) -> list[Control | Slot | str]:
        """A rendered text as control tokens, fixed text and slots, in the order in which the template wrote them."""
        parts: list[Control | Slot | str] = []
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
            greedy = bool(parts) and isinstance(parts[-1], Control) and self._is_greedy(parts[-1].ids[-1])
            # a tokenizer that puts a blank before every text needs no other one
            lead = "" if self.text.adds_blank else lead
            parts.append(Slot(number, answer, lead, "", not kept_start or greedy, not kept_end))

    def _add_fixed(self, parts: list[Control | Slot | str], text: str) -> None:
        """Add the template's own text, cut where its control tokens stand; the first one after an answer is learned."""
        pieces = self._cut(text) if text else []
        if parts and isinstance(parts[-1], Slot) and parts[-1].answer:
            blank = pieces[0] if pieces and isinstance(pieces[0], str) and not pieces[0].strip(" ") else ""
            end = pieces[1 if blank else 0 :][:1]
            if end and isinstance(end[0], Control) and end[0].ids[0] in self.ending:
                parts[-1] = replace(parts[-1], tail=blank)
                ids = end[0].ids
                rest = [Control(ids[1:])] if ids[1:] else []
                pieces = [Control(ids[:1], learned=True), *rest, *pieces[2 if blank else 1 :]]
        parts += pieces

    def _cut(self, text: str) -> list[Control | str]:
        backend = getattr(self.tokenizer, "backend_tokenizer", None)
        if backend is None:  # nobody says where its control tokens stand: the whole text is encoded as one
            return [Control(list(self.tokenizer.encode(text, add_special_tokens=False)))]
        # transformers leaves a tokenizer as its last call had it: after `split_special_tokens` each control token would
        # be cut into letters here
        backend.encode_special_tokens = False
        encoded = backend.encode(text, add_special_tokens=False)
        pieces: list[Control | str] = []
        at = 0
        for number, (start, end) in zip(encoded.ids, encoded.offsets, strict=True):
            if number in self.control:
                pieces += [text[at:start]] if text[at:start] else []
                pieces.append(Control([number]))
                at = end
        return [*pieces, text[at:]] if text[at:] else pieces

    def _is_greedy(self, number: int) -> bool:
        """Whether a control token takes the blanks after it along."""
        token = self.control.get(number)
        return bool(token and token.rstrip)


_writers: WeakKeyDictionary = WeakKeyDictionary()  # rendering a template and copying a vocabulary are slow


def writer_of(tokenizer: PreTrainedTokenizerBase) -> Writer:
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
        known = Writer(signature, text, _weak(tokenizer), template, control)
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


def _has(frame: Frame, message: int) -> bool:
    return any(isinstance(part, Slot) and part.message == message for part in frame.parts)


_BLANK = "\u2003"  # stands around each mark: where it is gone, the template strips contents


def _core(number: int) -> str:
    """A text no person writes: private-use characters around the message's number."""
    return f"\ue000\ue001{number}\ue001\ue000"


def _mark(number: int) -> str:
    return f"{_BLANK}{_core(number)}{_BLANK}"
