"""The formatted dataset: what 04_format_data writes and every later step reads."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tailor.data.prompts import Message, PromptFormat
from tailor.errors import WorkbenchError
from tailor.records import DatasetRecord

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
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self.folder / f"{split}.parquet"
        try:
            # not pq.read_table: it imports pandas, over a second
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
                table = file.read(columns=list(Example.__dataclass_fields__))
        except (OSError, pa.ArrowException) as error:
            raise WorkbenchError(
                f"{path} cannot be read ({error})",
                "the split as 04_format_data wrote it",
                "run 04_format_data again",
            ) from None
        return [Example(**row) for row in table.to_pylist()]

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
