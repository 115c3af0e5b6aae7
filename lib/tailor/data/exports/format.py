"""What an export format is: how a row is written, what its publisher asks of a row and of a file, how it is read."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tailor.data.conversations import read_history
from tailor.data.dataset import Example

Written = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """An example on its way out.

    Attributes:
        messages: prompt and answer as the model learns them, through the function that training uses.
        tokens: of all messages, counted with the base model's tokenizer.
        label: as given, for `classify`.
        rejected: for a preference pair, the answer to avoid.
    """

    example: Example
    messages: list[dict[str, str]]
    tokens: int = 0
    label: str = ""
    rejected: str = ""

    @property
    def system(self) -> str:
        return self.messages[0]["content"] if self.messages[0]["role"] == "system" else ""

    @property
    def turns(self) -> list[dict[str, str]]:
        """The messages without the system's."""
        return self.messages[bool(self.system) :]


@dataclass(frozen=True)
class Problem:
    """A rule that a file breaks. `row` counts from 1; 0 for the file as a whole."""

    row: int
    rule: str

    def __str__(self) -> str:
        return f"row {self.row:,}: {self.rule}" if self.row else self.rule


@dataclass(frozen=True)
class Limits:
    """What a service takes: rows of each file, tokens of a row, bytes of a file; 0 for no limit."""

    least_rows: int = 1
    most_rows: int = 0
    most_validation_rows: int = 0
    tokens: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class Format:
    """One format.

    Attributes:
        name: as 04_format_data.exports names it.
        rules: where its rules are published, and when they were read.
        ending: of the file; says how rows are stored.
        write: a row as an object.
        check: the rules that an object breaks, as sentences.
        whole: a line is a conversation all of whose answers are learned; else only the last answer is.
        pairs: holds preference pairs.
        leaves_out: why a row cannot be told in this format; "" where it can.
    """

    name: str
    rules: str
    ending: Literal[".jsonl", ".json", ".parquet", ".csv"]
    write: Callable[[Row], Written]
    check: Callable[[Written], Iterator[str]]
    limits: Limits = field(default_factory=Limits)
    whole: bool = False
    pairs: bool = False
    leaves_out: Callable[[Row], str] = lambda row: ""


def pairs_before(row: Row) -> list[list[str]]:
    """What was said before the question, as pairs of question and answer."""
    texts = [message["content"] for message in row.turns[:-2]]
    return [list(pair) for pair in zip(texts[::2], texts[1::2], strict=True)]


def whole_conversations(rows: list[Row]) -> list[Row]:
    """The rows without those that stand, answer and all, in the history of another one."""
    told = {(row.example.system, _said(read_history(row.example.history))) for row in rows}
    return [row for row in rows if (row.example.system, _conversation(row.example)) not in told]


def _said(messages: list[dict[str, str]]) -> str:
    return json.dumps([message["content"] for message in messages])


def _conversation(example: Example) -> str:
    asked = [{"content": example.input}, {"content": example.output}]
    return _said([*read_history(example.history), *asked])


# --- files ---------------------------------------------------------------------------------------------------------
def write_file(written: list[Written], path: Path) -> None:
    """Store objects as the ending of `path` says."""
    if path.suffix == ".jsonl":
        lines = [json.dumps(item, ensure_ascii=False, allow_nan=False) + "\n" for item in written]
        path.write_text("".join(lines), encoding="utf-8", newline="\n")
    elif path.suffix == ".json":
        text = json.dumps(written, ensure_ascii=False, allow_nan=False, indent=1)
        path.write_text(text + "\n", encoding="utf-8", newline="\n")
    elif path.suffix == ".csv":
        from tailor.data.exports.spreadsheet import write_csv

        write_csv(written, path)
    else:
        import polars as pl

        from tailor.data.tables import write_table

        write_table(pl.DataFrame(written), path)


def read_objects(path: Path) -> Iterator[tuple[int, Written | str]]:
    """The objects of an exported file with their row numbers; a sentence in place of one that cannot be read."""
    if path.suffix == ".jsonl":
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
            if line:
                yield number, _parse(line)
        return
    if path.suffix == ".json":
        items = json.loads(path.read_text(encoding="utf-8"))
    elif path.suffix == ".csv":
        from tailor.data.exports.spreadsheet import read_csv

        items = read_csv(path)
    else:
        from tailor.data.tables import read_table

        items = read_table(path, "04_format_data").to_dicts()
    for number, item in enumerate(items, start=1):
        yield number, item if isinstance(item, dict) else "is not an object"


def _parse(line: str) -> Written | str:
    try:
        item = json.loads(line)
    except ValueError as error:
        return f"is not valid JSON ({error})"
    return item if isinstance(item, dict) else "is not an object"
