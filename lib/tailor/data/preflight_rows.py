"""The dataset as the checks before tuning read it: rows with their side, ties, and tokens as the trainer sees them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from tailor.data.dataset import SPLITS, Dataset, Example
from tailor.data.duplicates import equality_keys, near_duplicate_clusters
from tailor.data.partition import LARGEST_BUNDLE, whole_text
from tailor.data.tables import map_table, read_pieces
from tailor.data.tokens import learned_span
from tailor.models.catalog import ModelSource
from tailor.records import Finding

SHOWN_ROWS = 5
BATCH = 2000
_TOKENS = {
    "id": pl.String,
    "length": pl.Int32,
    "learned": pl.Int32,
    "ended": pl.Boolean,
    "end_masked": pl.Boolean,
}


def finding(rows: Sequence[str], what: str, fix: str) -> Finding:
    """A finding on rows; `what` begins after "n rows"."""
    return Finding(rows=list(rows[:SHOWN_ROWS]), count=len(rows), what=what, fix=fix)


@dataclass(frozen=True)
class Encoded:
    """A training row as the trainer sees it; the ids from learned_from up to learned_to are learned."""

    ids: list[int]
    learned_from: int
    learned_to: int


class Rows:
    """The dataset as the checks read it.

    Args:
        scratch: where the rows' text and ids are kept while they are checked.
    """

    def __init__(self, dataset: Dataset, source: ModelSource, scratch: Path) -> None:
        self.dataset, self.source = dataset, source
        self.record, self._scratch = dataset.record, scratch

    @cached_property
    def tokenizer(self) -> Any:
        from tailor.models import load_tokenizer

        return load_tokenizer(self.source)

    @cached_property
    def table(self) -> pl.DataFrame:
        """All rows with their `split`; `compared` is what tells whether two say the same."""
        parts = [self._mapped(name).with_columns(split=pl.lit(name)) for name in SPLITS]
        whole = pl.concat(parts, how="diagonal_relaxed")
        for name in ("history", "label", "group", "thread", "time", "parent"):
            if name not in whole.columns:
                whole = whole.with_columns(pl.lit(None, pl.String).alias(name))
        compared = pl.coalesce("compared", "input") if "compared" in whole.columns else pl.col("input")
        return whole.with_columns(compared=compared)

    def _mapped(self, name: str) -> pl.DataFrame:
        path = self.dataset.folder / f"{name}.parquet"
        return map_table(
            read_pieces(path, "04_format_data"), self._scratch / f"{name.replace('/', '-')}.arrow"
        )

    @cached_property
    def _kept(self) -> pl.DataFrame | None:
        """The training rows as 04 tokenized them, where that can be used."""
        return self._mapped("tokens/train") if self.dataset.has_tokens_of(self.tokenizer) else None

    def encoded(self) -> Iterator[tuple[list[Example], list[Encoded]]]:
        """The training rows, some at a time, and how the trainer would feed them: as 04 tokenized them if it can."""
        from tailor.models.chat import encode_chats

        train = self.table.filter(split="train").select(
            name for name in Example.__dataclass_fields__ if name in self.table.columns
        )
        for start in range(0, train.height, BATCH):
            examples = [Example(**row) for row in train.slice(start, BATCH).iter_rows(named=True)]
            rows: list[Encoded | None] = [None] * len(examples)
            if self._kept is not None:
                known = self._kept.slice(start, len(examples)).select(
                    "id", "ids", "learned_from", "learned_to"
                )
                for place, (row_id, *row) in enumerate(known.iter_rows()):
                    rows[place] = Encoded(*row) if row_id == examples[place].id else None
            missing = [place for place, row in enumerate(rows) if row is None]
            chats = [self.dataset.conversation(examples[place]) for place in missing]
            fresh = encode_chats(self.tokenizer, chats, last_answer_only=True)
            for place, chat in zip(missing, fresh, strict=True):
                rows[place] = Encoded(chat.input_ids, *learned_span(chat.learned))
            yield examples, rows

    @cached_property
    def tokens(self) -> pl.DataFrame:
        """Of each training row: id; length (tokens); learned (how many, from the second token on); ended (an end of
        answer is learned last); end_masked (it comes after)."""
        from tailor.models.chat import turn_end

        ends = set(turn_end(self.tokenizer))
        found = []
        for examples, rows in self.encoded():
            for example, row in zip(examples, rows, strict=True):
                last = row.learned_to
                ended = last == row.learned_from or row.ids[last - 1] in ends
                masked = not ended and bool(ends & set(row.ids[last : last + 2]))
                learned = max(0, last - max(row.learned_from, 1))
                found.append((example.id, len(row.ids), learned, ended, masked))
        return pl.DataFrame(found, schema=_TOKENS, orient="row")

    @cached_property
    def same_text(self) -> dict[str, list]:
        """Keys that rows share which say the same, by how much they are alike."""
        said = self.table.select(pl.col("history").fill_null(""), "compared")
        keys: dict[str, list] = {"equal": equality_keys(said, ["history", "compared"]).to_list()}
        near = self.record.settings.get("near_duplicates", 0)
        return keys | ({"nearly equal": near_duplicate_clusters([whole_text(said)], near)} if near else {})

    def ties(self, column: str) -> list[str | None]:
        """A column's values where they tie rows; a value that most rows have ties none (see `partition`)."""
        values = [value or None for value in self.table[column].to_list()]
        largest = max(Counter(value for value in values if value).values(), default=0)
        all_alike = (
            largest > LARGEST_BUNDLE * len(values) and self.record.settings.get("split_by") != "grouped"
        )
        return [None] * len(values) if all_alike else values
