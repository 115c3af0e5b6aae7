"""Write a project's training and validation rows in other formats, check the files, and count what they cost."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tailor.data.dataset import Dataset, Example
from tailor.data.exports import FORMATS, Format
from tailor.data.exports.format import Row, whole_conversations, write_file
from tailor.data.exports.rules import validate
from tailor.data.tables import read_table
from tailor.files import sha256_file, writing
from tailor.progress import Log
from tailor.records import Exported

SPLITS = ("train", "validation")
SHOWN_PROBLEMS = 20


def export_dataset(dataset: Dataset, formats: Sequence[str], folder: Path, log: Log) -> list[Exported]:
    """Write `folder`/<format>/{train,validation}.<ending> for each format, and check every file.

    The test split is never written: what was trained on it could not be measured by it.

    Args:
        formats: names of `FORMATS`; one of pairs is written where the data have preference pairs.
    """
    made = []
    with writing(folder) as temporary:
        for form in log.track([FORMATS[name] for name in formats], "formats written"):
            for split in SPLITS if not form.pairs else SPLITS[:1]:
                rows = _pairs(dataset) if form.pairs else _rows(dataset, split, with_shots=not form.whole)
                made.append(_write(form, split, rows, temporary, folder.name))
    return made


def cost(tokens: int, epochs: int, price: float) -> float:
    """What training costs: tokens read once an epoch, at a price per million. In the price's currency."""
    return tokens * epochs * price / 1e6


def _write(form: Format, split: str, rows: list[Row], folder: Path, name: str) -> Exported:
    wanted = [row for row in rows if not form.leaves_out(row)]
    reasons = Counter(reason for row in rows if (reason := form.leaves_out(row)))
    if form.whole:
        wanted = whole_conversations(wanted)
    path = folder / form.name.replace(" ", "_").lower() / f"{split}{form.ending}"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file([form.write(row) for row in wanted], path)
    problems = validate(form, path, split, [row.tokens for row in wanted])
    return Exported(
        format=form.name,
        split=split,
        file=f"dataset/{name}/{path.relative_to(folder).as_posix()}",
        rows=len(wanted),
        tokens=sum(row.tokens for row in wanted),
        answers=len(rows) - sum(reasons.values()),
        left_out=dict(reasons),
        problems=[str(problem) for problem in problems[:SHOWN_PROBLEMS]],
        more_problems=max(0, len(problems) - SHOWN_PROBLEMS),
        sha256=sha256_file(path),
    )


def _rows(dataset: Dataset, split: str, with_shots: bool) -> list[Row]:
    """A split's rows as their messages. A format whose every answer is learned gets no shots: they would be, too."""
    form = dataset.format if with_shots else replace(dataset.format, shots=())
    table = read_table(dataset.folder / f"{split}.parquet", "04_format_data")
    labels = table["label"].to_list() if dataset.task == "classify" else [""] * table.height
    examples = dataset.read(split)
    made = [
        Row(example, form.conversation(example, example.output), label=label)
        for example, label in zip(examples, labels, strict=True)
    ]
    return _counted(dataset, made)


def _pairs(dataset: Dataset) -> list[Row]:
    from tailor.training.preferences import read_dataset_pairs

    made = []
    for pair in read_dataset_pairs(dataset.folder):
        example: Example = pair.as_example()
        made.append(Row(example, dataset.conversation(example), rejected=pair.rejected))
    return _counted(dataset, made)


def _counted(dataset: Dataset, rows: list[Row]) -> list[Row]:
    """The rows with their tokens, counted as training counts them."""
    from tailor.models import load_tokenizer
    from tailor.models.chat import encode_chats

    tokenizer = load_tokenizer(dataset.record.base_model)
    encoded = encode_chats(tokenizer, [row.messages for row in rows])
    return [replace(row, tokens=len(chat.input_ids)) for row, chat in zip(rows, encoded, strict=True)]
