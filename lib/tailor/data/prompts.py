"""The messages that a model is shown: the one place where a prompt is put together, for training, evaluation, chat,
serving and export alike. How messages become tokens is `tailor.models.chat.encode_chats`' matter, just as alone."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from tailor.data.conversations import read_history
from tailor.data.templates import wrap
from tailor.records import DatasetRecord, Shot

Message = dict[str, str]


class Asked(Protocol):
    """A row as far as its prompt goes (see `tailor.data.dataset.Example`)."""

    input: str
    system: str
    history: str


class Answered(Protocol):
    """What was asked and what was answered."""

    input: str
    output: str


@dataclass(frozen=True)
class PromptFormat:
    """What stands around every input.

    Attributes:
        system_prompt: the system message; a row's own takes its place.
        instruction: a text around the input: it stands at `{input}`, else after a blank line.
        shots: solved examples that stand before every question.
    """

    system_prompt: str = ""
    instruction: str = ""
    shots: tuple[Shot, ...] = ()

    @classmethod
    def of(cls, record: DatasetRecord) -> "PromptFormat":
        return cls(record.system_prompt, record.instruction, tuple(record.shots))

    def question(self, text: str) -> Message:
        """An input as the user's message."""
        return {"role": "user", "content": wrap(self.instruction, text)}

    def turns(self, solved: Iterable[Answered]) -> list[Message]:
        """Solved examples as questions and answers, written as every question is."""
        return [
            message
            for each in solved
            for message in (self.question(each.input), {"role": "assistant", "content": each.output})
        ]

    def prompt(self, asked: Asked | str) -> list[Message]:
        """The messages before an answer.

        Args:
            asked: a row, with its own system prompt and earlier turns where it has them; or a text alone.
        """
        alone = isinstance(asked, str)
        system = self.system_prompt if alone else asked.system or self.system_prompt
        history = [] if alone else read_history(asked.history)
        return [
            *([{"role": "system", "content": system}] if system else []),
            *self.turns(self.shots),
            *history,
            self.question(asked if alone else asked.input),
        ]

    def conversation(self, asked: Asked, answer: str) -> list[Message]:
        """Prompt and answer, as the model learns them."""
        return [*self.prompt(asked), {"role": "assistant", "content": answer}]
