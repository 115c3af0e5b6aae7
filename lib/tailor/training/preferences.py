"""Preference pairs: a prompt, the answer to prefer, the answer to avoid, and where the pair came from."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tailor.data.dataset import Dataset, Example
from tailor.errors import WorkbenchError, did_you_mean
from tailor.files import write_text
from tailor.models.language_model import GenerationConfig, LanguageModel
from tailor.records import Guideline

if TYPE_CHECKING:
    import numpy as np

COLUMNS = ("prompt", "chosen", "rejected")
DATASET_PAIRS = "preferences.parquet"  # beside the splits that 04_format_data writes


@dataclass(frozen=True)
class Pair:
    """One comparison. `prompt` is what the person wrote; `id` tells the row or line it comes from; `system` and
    `history` are an Example's."""

    id: str
    prompt: str
    chosen: str
    rejected: str
    source: str
    system: str = ""
    history: str = ""

    def as_example(self) -> Example:
        """The prompt with its better answer."""
        return Example(self.id, self.prompt, self.chosen, system=self.system, history=self.history)


def read_feedback(path: Path) -> tuple[list[Pair], list[str]]:
    """Pairs from a file of any readable format with the columns prompt, chosen and rejected.

    Returns:
        The pairs, and a sentence for each line that cannot be used.

    Raises:
        WorkbenchError: the file cannot be read, or lacks a column.
    """
    from tailor.data.readers import Limits, read_file

    found = read_file(path, Limits())
    for column in COLUMNS:
        if column not in found.columns:
            raise WorkbenchError(
                f"{path.name} has no column '{column}'; it has {', '.join(found.columns) or 'none'}",
                f"the columns {', '.join(COLUMNS)}",
                f"rename or add the column.{did_you_mean(column, found.columns)}",
            )
    pairs, left_out = [], [f"line {bad.line}: {bad.reason}" for bad in found.unreadable]
    places = [found.columns.index(column) for column in COLUMNS]
    for line, row in zip(found.lines, found.rows, strict=True):
        prompt, chosen, rejected = ((row[place] or "").strip() for place in places)
        if problem := _problem(prompt, chosen, rejected):
            left_out.append(f"line {line}: {problem}")
        else:
            pairs.append(Pair(f"{path.name}:{line}", prompt, chosen, rejected, "feedback file"))
    return pairs, left_out


def read_dataset_pairs(folder: Path) -> list[Pair]:
    """The pairs that 04 found in the data themselves, of training rows only; none where the data have no such shape."""
    from tailor.data.tables import read_table

    path = folder / DATASET_PAIRS
    if not path.exists():
        return []
    table = read_table(path, "04_format_data")
    return [Pair(**row, source="the data") for row in table.iter_rows(named=True)]


def _problem(prompt: str, chosen: str, rejected: str) -> str:
    for name, value in zip(COLUMNS, (prompt, chosen, rejected), strict=True):
        if not value:
            return f"'{name}' is empty"
    return "chosen and rejected are the same" if chosen == rejected else ""


def pairs_from_answers(
    model: LanguageModel,
    who: str,
    dataset: Dataset,
    rows: Sequence[Example],
    guidelines: Sequence[Guideline],
    max_new_tokens: int,
) -> list[Pair]:
    """A model's own answers beside the references: the reference is to be preferred (Chen et al. 2024, SPIN).

    For labels the rejected one is the label that the model finds likeliest among the wrong ones, right or not as its
    first choice may be. For texts it is what the model writes, unless it writes the reference. An answer that breaks a
    guideline which the reference keeps is told apart in `source`.
    """
    prompts = [dataset.prompt(row) for row in rows]
    if dataset.task == "classify":
        rejected = _likeliest_wrong(model.score_choices(prompts, dataset.labels), dataset.labels, rows)
    else:
        rejected = model.generate(prompts, GenerationConfig(max_new_tokens=max_new_tokens))
    pairs = []
    for row, answer in zip(rows, rejected, strict=True):
        if not _problem(row.input, row.output, answer.strip()):
            broken = [rule.id for rule in guidelines if breaks(rule, answer) and not breaks(rule, row.output)]
            source = f"{who}, breaks {broken[0]}" if broken else who
            pairs.append(Pair(row.id, row.input, row.output, answer.strip(), source, row.system, row.history))
    return pairs


def _likeliest_wrong(scores: "np.ndarray", labels: Sequence[str], rows: Sequence[Example]) -> list[str]:
    wrong = []
    for row, line in zip(rows, scores.copy(), strict=True):
        if row.output in labels:
            line[labels.index(row.output)] = -float("inf")
        wrong.append(labels[int(line.argmax())] if len(labels) > 1 else row.output)
    return wrong


def breaks(rule: Guideline, answer: str) -> bool:
    """Whether an answer lacks what a guideline asks for, or has what it forbids."""
    lacks = rule.must_match and not re.search(rule.must_match, answer, re.IGNORECASE)
    has = rule.must_not_match and re.search(rule.must_not_match, answer, re.IGNORECASE)
    return bool(lacks or has)


def write_pairs(pairs: Sequence[Pair], path: Path) -> None:
    """One JSON object a line."""
    import json

    write_text(path, "".join(json.dumps(asdict(pair), ensure_ascii=False) + "\n" for pair in pairs))


def read_pairs(path: Path) -> list[Pair]:
    import json

    return [Pair(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def prefers_chosen(model: LanguageModel, dataset: Dataset, pairs: Sequence[Pair]) -> "np.ndarray":
    """[pairs] 1 where the model finds the chosen answer likelier, 0 where not, 0.5 where both are alike.

    For texts the mean over letters is compared: a sum would always favour the shorter answer.
    """
    import numpy as np

    prompts = [dataset.prompt(pair.as_example()) for pair in pairs]
    known = set(dataset.labels)
    if dataset.task == "classify" and all({pair.chosen, pair.rejected} <= known for pair in pairs):
        scores = model.score_choices(prompts, dataset.labels)
        places = [(dataset.labels.index(pair.chosen), dataset.labels.index(pair.rejected)) for pair in pairs]
        margins = [
            row[chosen] - row[rejected] for row, (chosen, rejected) in zip(scores, places, strict=True)
        ]
    else:
        chosen = model.score(prompts, [pair.chosen for pair in pairs])
        rejected = model.score(prompts, [pair.rejected for pair in pairs])
        margins = [
            good / len(pair.chosen) - bad / len(pair.rejected)
            for good, bad, pair in zip(chosen, rejected, pairs, strict=True)
        ]
    return (np.sign(margins) + 1) / 2
