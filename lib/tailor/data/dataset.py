"""The formatted dataset: what 04_format_data writes and every later step reads."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tailor.data.prompts import Message, PromptFormat
from tailor.errors import WorkbenchError
from tailor.files import canonical_json, sha256_bytes
from tailor.records import DatasetRecord

if TYPE_CHECKING:
    import pyarrow as pa

    from tailor.models.chat import EncodedChat

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Example:
    """One formatted row.

    Attributes:
        id: the row's id since 02 ("file:line"), so that every answer can be traced to its source.
        input: what the person writes.
        output: the answer to learn; for `classify` the label's text.
        source: file the row came from; for a row that Tailor made, what made it ("augmentation:typo", "glossary").
        weight: how much the row counts in training.
        parent: id of the row it was made from; empty for a row that was given.
        system: the row's own system prompt; empty: the use case's.
        history: earlier turns of the conversation as JSON messages; empty for none.
    """

    id: str
    input: str
    output: str
    source: str = ""
    weight: float = 1.0
    parent: str = ""
    system: str = ""
    history: str = ""


class Dataset:
    """The examples of a project.

    Args:
        record: dataset.json.
        folder: the folder with train.parquet, validation.parquet and test.parquet.
    """

    def __init__(self, record: DatasetRecord, folder: Path) -> None:
        self.record = record
        self.folder = folder
        self.task = record.task
        self.labels = record.labels
        self.system_prompt = record.system_prompt
        self.max_length = record.max_length

    @classmethod
    def open(cls, project) -> "Dataset":
        """Open a project's dataset.

        Raises:
            WorkbenchError: 04_format_data has not run.
        """
        return cls(project.load(DatasetRecord, "dataset.json"), project.path("dataset"))

    @cached_property
    def train(self) -> list[Example]:
        return self.read("train")

    @cached_property
    def given(self) -> list[Example]:
        """The training rows without those that Tailor made: what people really wrote."""
        return [example for example in self.train if not example.parent]

    @cached_property
    def validation(self) -> list[Example]:
        return self.read("validation")

    @cached_property
    def test(self) -> list[Example]:
        return self.read("test")

    def read(self, split: str) -> list[Example]:
        """Read a split in its order on disk.

        Raises:
            WorkbenchError: the file is missing or damaged (page checksums are verified).
        """
        table = self._table(self.folder / f"{split}.parquet", list(Example.__dataclass_fields__))
        return [Example(**row) for row in table.to_pylist()]

    def _table(self, path: Path, columns: list[str]) -> "pa.Table":
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            # not pq.read_table: it imports pandas, over a second
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
                return file.read(columns=columns)
        except (OSError, pa.ArrowException) as error:
            raise WorkbenchError(
                f"{path} cannot be read ({error})",
                "the split as 04_format_data wrote it",
                "run 04_format_data again",
            ) from None

    def has_tokens_of(self, tokenizer: Any) -> bool:
        """Whether tokens/ holds the training and validation rows as this tokenizer makes them now."""
        from tailor.models.chat import tokenizer_hash

        if not self.record.tokens_made_by or not (self.folder / "tokens").is_dir():
            return False
        return made_by(tokenizer_hash(tokenizer), self.format) == self.record.tokens_made_by

    def kept_tokens(self, tokenizer: Any) -> "KeptTokens | None":
        """The training and validation rows as 04 tokenized them; None where that was done with another tokenizer,
        chat template or prompt, or not at all.

        Raises:
            WorkbenchError: a file is damaged.
        """
        if not self.has_tokens_of(tokenizer):
            return None
        columns = ["id", "ids", "learned_from", "learned_to"]
        parts = [
            (self.read(name), self._table(self.folder / f"tokens/{name}.parquet", columns))
            for name in SPLITS[:2]
        ]
        return KeptTokens(parts)

    @cached_property
    def format(self) -> PromptFormat:
        """What stands around every input."""
        return PromptFormat.of(self.record)

    def prompt(self, asked: Example | str) -> list[Message]:
        """The messages for an input; see `tailor.data.prompts`."""
        return self.format.prompt(asked)

    def turns(self, examples: Iterable[Example]) -> list[Message]:
        """Examples as questions and answers, to be shown before a question."""
        return self.format.turns(examples)

    def conversation(self, example: Example) -> list[Message]:
        """Prompt and answer, as the model learns them."""
        return self.format.conversation(example, example.output)


class KeptTokens:
    """Rows as tokens, by example; Python's numbers are made when a row is asked for."""

    def __init__(self, parts: "list[tuple[list[Example], pa.Table]]") -> None:
        self._tables = [table for _, table in parts]
        self._places = {
            example: (number, place)
            for number, (examples, _) in enumerate(parts)
            for place, example in enumerate(examples)
        }

    def get(self, example: Example) -> "EncodedChat | None":
        """The very example's tokens; None where it is not among those kept."""
        from tailor.models.chat import EncodedChat

        if example not in self._places:
            return None
        number, place = self._places[example]
        row = self._tables[number].slice(place, 1).to_pylist()[0]
        if row["id"] != example.id:
            return None
        learned = [row["learned_from"] <= at < row["learned_to"] for at in range(len(row["ids"]))]
        return EncodedChat(row["ids"], learned)


def made_by(tokenizer: str, prompts: PromptFormat) -> str:
    """Hash of what decides a row's tokens: the tokenizer (its hash) and what stands around every input."""
    shots = [[shot.input, shot.output] for shot in prompts.shots]
    return sha256_bytes(
        canonical_json([tokenizer, prompts.system_prompt, prompts.instruction, shots]).encode()
    )
