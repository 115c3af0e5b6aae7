"""Examples as tokens, counted once and kept: what 04_format_data writes beside the rows, so that training need not
tokenize them again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from tailor.data.dataset import SPLITS, Example
from tailor.data.examples import Formatted
from tailor.data.prompts import PromptFormat
from tailor.data.tables import GROUP, map_table, write_groups, write_table
from tailor.data.tokens import learned_span
from tailor.errors import WorkbenchError
from tailor.files import sha256_file
from tailor.progress import Log
from tailor.records import Split

BATCH = 2000  # rows tokenized together: their Python numbers are forgotten before the next batch comes
ROW = ("id", "input", "output", "source", "weight", "parent", "system", "history")
KEPT = ("label", "group", "thread", "time", "tokens")
"""Columns of a split: those of an Example, and what is said about it."""


@dataclass(frozen=True)
class TokenTable:
    """Rows as tokens, in columns: [n] each. The ids stay on disk.

    Attributes:
        table: id; ids (the whole row, untruncated); learned_from, learned_to (the places of the answer and its end).
        tokenizer: hash of what made them.
    """

    table: pl.DataFrame
    tokenizer: str

    def of(self, ids: pl.Series) -> Iterator[pl.DataFrame]:
        """The rows with these ids, some at a time; one table at least."""
        wanted = self.table["id"].is_in(ids.implode())
        for start in range(0, max(1, self.table.height), GROUP):
            yield self.table.slice(start, GROUP).filter(wanted.slice(start, GROUP))

    @property
    def lengths(self) -> pl.DataFrame:
        """id, prompt (tokens that are read only), tokens (all of them)."""
        tokens = pl.col("ids").list.len().cast(pl.Int64)
        return self.table.select(
            "id", prompt=tokens - (pl.col("learned_to") - pl.col("learned_from")), tokens=tokens
        )


def tokenize(rows: pl.DataFrame, prompts: PromptFormat, tokenizer: Any, log: Log, folder: Path) -> TokenTable:
    """Encode rows with prompt and answer, by the function that every model is asked through.

    Args:
        folder: where the ids are put.
    """
    from tailor.models.chat import tokenizer_hash

    encoded = map_table(_encoded(rows, prompts, tokenizer, log), folder / "tokens.arrow")
    return TokenTable(encoded, tokenizer_hash(tokenizer))


def _encoded(rows: pl.DataFrame, prompts: PromptFormat, tokenizer: Any, log: Log) -> Iterator[pl.DataFrame]:
    from tailor.models.chat import encode_chats

    log.progress(0, rows.height, "rows tokenized")
    for start in range(0, rows.height, BATCH):
        part = [Example(**row) for row in rows.slice(start, BATCH).select(_of_example(rows)).to_dicts()]
        chats = [prompts.conversation(example, example.output) for example in part]
        encoded = encode_chats(tokenizer, chats, last_answer_only=True)
        spans = [learned_span(chat.learned) for chat in encoded]
        yield pl.DataFrame(
            {
                "id": [example.id for example in part],
                "ids": _lists([chat.input_ids for chat in encoded]),
                "learned_from": pl.Series([first for first, _ in spans], dtype=pl.Int32),
                "learned_to": pl.Series([last for _, last in spans], dtype=pl.Int32),
            }
        )
        log.progress(min(start + BATCH, rows.height), rows.height, "rows tokenized")


def _of_example(rows: pl.DataFrame) -> list[str]:
    return [name for name in ROW if name in rows.columns]


def _lists(rows: Sequence[list[int]]) -> pl.Series:
    """Lists of ids as one column of 32-bit numbers, without a Python object for each."""
    import pyarrow as pa

    offsets = np.zeros(len(rows) + 1, dtype=np.int32)
    np.cumsum([len(ids) for ids in rows], out=offsets[1:])
    flat = np.fromiter(chain.from_iterable(rows), dtype=np.int32, count=int(offsets[-1]))
    # through buffers: from numpy arrays Arrow would import pandas, over a second
    places, numbers = (
        pa.Array.from_buffers(pa.int32(), len(array), [None, pa.py_buffer(array)])
        for array in (offsets, flat)
    )
    return pl.Series(values=pl.from_arrow(pa.ListArray.from_arrays(places, numbers)))


def take_out_long(formatted: Formatted, tokens: TokenTable, max_length: int) -> None:
    """Set aside rows whose prompt leaves no room for an answer.

    Raises:
        WorkbenchError: no row is left.
    """
    too_long = tokens.lengths.filter(pl.col("prompt") >= max_length)
    reason = f"the prompt alone is longer than {max_length:,} tokens"
    formatted.take_out(dict.fromkeys(too_long["id"], reason))
    if not formatted.rows.height:
        shortest = tokens.lengths["prompt"].min()
        raise WorkbenchError(
            f"every one of the {too_long.height:,} prompts is longer than {max_length:,} tokens",
            f"04_format_data.max_length above {shortest:,}, the shortest prompt",
            "raise 04_format_data.max_length, or shorten 01_define_use_case.system_prompt",
        )


def write_splits(
    formatted: Formatted, tokens: TokenTable, folder: Path, max_length: int, *, keep_ids: bool
) -> dict[str, Split]:
    """Write each split, its tokens beside it, preference pairs where there are some, and what was set aside.

    Args:
        formatted: rows with `split` and `weight`.
        keep_ids: whether training can use the ids; an encoder, which reads the text alone, cannot.
    """
    folder.mkdir(parents=True)
    rows = formatted.rows.join(tokens.lengths, on="id", how="left", maintain_order="left")
    splits = {}
    for name in SPLITS:
        part = rows.filter(pl.col("split") == name)
        path = folder / f"{name}.parquet"
        # without a template it would be the input once more
        compared = ["compared"] if part["compared"].ne_missing(part["input"]).any() else []
        write_table(part.select(*ROW, *KEPT, *compared), path)
        if keep_ids:
            write_groups(tokens.of(part["id"]), folder / "tokens" / f"{name}.parquet")
        kept = part["tokens"].clip(upper_bound=max_length)
        splits[name] = Split(
            rows=part.height,
            tokens=int(kept.sum()),
            learned_tokens=int((kept - part["prompt"]).sum()),
            truncated=int((part["tokens"] > max_length).sum()),
            longest=int(part["tokens"].max() or 0),
            sha256=sha256_file(path),
        )
    schema = dict.fromkeys(("id", "input", "output", "reason"), pl.String)
    write_table(pl.DataFrame(formatted.set_aside, schema=schema, orient="row"), folder / "set_aside.parquet")
    _write_pairs(formatted.rows, folder)
    return splits


def _write_pairs(rows: pl.DataFrame, folder: Path) -> None:
    """Preference pairs of the training rows, for 09_align_with_feedback."""
    pairs = rows.filter((pl.col("rejected") != "") & (pl.col("split") == "train"))
    if pairs.height:
        kept = pairs.select("id", "system", "history", prompt="input", chosen="output", rejected="rejected")
        write_table(kept, folder / "preferences.parquet")
