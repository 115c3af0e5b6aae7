"""The dataset as the checks before tuning read it: rows with their side, ties, and tokens as the trainer sees them."""

from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from tailor.data.dataset import SPLITS, Dataset
from tailor.data.duplicates import equality_keys, near_duplicate_clusters
from tailor.data.partition import LARGEST_BUNDLE
from tailor.data.tables import read_table
from tailor.data.tokens import learned_span
from tailor.models.catalog import ModelSource
from tailor.records import Finding

SHOWN_ROWS = 5
BATCH = 2000


def finding(rows: Sequence[str], what: str, fix: str) -> Finding:
    """A finding on rows; `what` begins after "n rows"."""
    return Finding(rows=list(rows[:SHOWN_ROWS]), count=len(rows), what=what, fix=fix)


@dataclass(frozen=True)
class Encoded:
    """A training row as the trainer sees it; the ids from learned_from up to learned_to are learned."""

    id: str
    ids: "array[int]"
    learned_from: int
    learned_to: int


class Rows:
    """The dataset as the checks read it."""

    def __init__(self, dataset: Dataset, source: ModelSource) -> None:
        self.dataset, self.source = dataset, source
        self.record = dataset.record

    @cached_property
    def tokenizer(self) -> Any:
        from tailor.models import load_tokenizer

        return load_tokenizer(self.source)

    @cached_property
    def table(self) -> pl.DataFrame:
        """All rows with their `split`; `compared` is what tells whether two say the same."""
        parts = [
            read_table(self.dataset.folder / f"{name}.parquet", "04_format_data").with_columns(
                split=pl.lit(name)
            )
            for name in SPLITS
        ]
        whole = pl.concat(parts, how="diagonal_relaxed")
        for name in ("history", "label", "group", "thread", "time", "parent"):
            if name not in whole.columns:
                whole = whole.with_columns(pl.lit(None, pl.String).alias(name))
        compared = pl.coalesce("compared", "input") if "compared" in whole.columns else pl.col("input")
        return whole.with_columns(compared=compared)

    @cached_property
    def encoded(self) -> list[Encoded]:
        """The training rows as the trainer would feed them: kept tokens where they can be used."""
        from tailor.models.chat import encode_chats

        kept = self.dataset.kept_tokens(self.tokenizer)
        examples = self.dataset.train
        rows = []
        for start in range(0, len(examples), BATCH):
            part = examples[start : start + BATCH]
            chats = [kept.get(example) if kept else None for example in part]
            missing = [
                self.dataset.conversation(e) for e, chat in zip(part, chats, strict=True) if chat is None
            ]
            fresh = iter(encode_chats(self.tokenizer, missing, last_answer_only=True))
            for example, known in zip(part, chats, strict=True):
                chat = known or next(fresh)
                rows.append(Encoded(example.id, array("i", chat.input_ids), *learned_span(chat.learned)))
        return rows

    @cached_property
    def same_text(self) -> dict[str, list]:
        """Keys that rows share which say the same, by how much they are alike."""
        table = self.table
        texts = [
            history + text
            for history, text in table.select(pl.col("history").fill_null(""), "compared").rows()
        ]
        keys = {
            "equal": equality_keys(
                table.with_columns(pl.col("history").fill_null("")), ["history", "compared"]
            )
        }
        keys = {kind: [bytes(key) for key in found] for kind, found in keys.items()}
        near = self.record.settings.get("near_duplicates", 0)
        return keys | ({"nearly equal": near_duplicate_clusters([texts], near)} if near else {})

    def ties(self, column: str) -> list[str | None]:
        """A column's values where they tie rows; a value that most rows have ties none (see `partition`)."""
        values = [value or None for value in self.table[column].to_list()]
        largest = max(Counter(value for value in values if value).values(), default=0)
        all_alike = (
            largest > LARGEST_BUNDLE * len(values) and self.record.settings.get("split_by") != "grouped"
        )
        return [None] * len(values) if all_alike else values
