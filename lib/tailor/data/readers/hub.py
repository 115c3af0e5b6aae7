"""A data set of the Hugging Face hub, or a folder laid out as one, through `datasets`; no code of theirs is run.

Named `hf:owner/name`, `hf:owner/name:split`, and with `?config=...` and `&revision=...` where there are several.
"""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import polars as pl

from tailor.data.readers.found import ColumnNames, Limits, Piece, Stream
from tailor.data.readers.tabular import text_piece
from tailor.errors import WorkbenchError, did_you_mean

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH = 5_000


@dataclass(frozen=True)
class HubName:
    """What to read: an id or a folder; `split` "" means all of them."""

    id: str
    split: str = ""
    config: str = ""
    revision: str = ""

    @property
    def name(self) -> str:
        return "_".join(part for part in (Path(self.id).name, self.config, self.split) if part)


def parse_name(source: str) -> HubName:
    """Read `hf:owner/name[:split][?config=...&revision=...]`.

    Raises:
        WorkbenchError: no id, or an unknown option.
    """
    address, _, options = source.removeprefix("hf:").partition("?")
    ident, _, split = address.partition(":")
    given = dict(pair.partition("=")[::2] for pair in options.split("&") if pair)
    for key in given:
        if key not in ("config", "revision"):
            raise WorkbenchError(
                f"{source} has the option '{key}'",
                "config or revision",
                f"correct it.{did_you_mean(key, ('config', 'revision'))}",
            )
    if not ident:
        raise WorkbenchError(
            f"{source!r} names no data set", "hf:owner/name or hf:owner/name:split", "add the id"
        )
    return HubName(ident, split, given.get("config", ""), given.get("revision", ""))


def stream_hub(wanted: HubName, limits: Limits) -> Stream:
    """Read a data set in batches; nothing of it is kept in memory or in a cache.

    Raises:
        WorkbenchError: the hub cannot be reached, no such data set, configuration or split, or data of other kinds
            than text and numbers only.
    """
    stream = Stream("hugging face")
    stream.pieces = _pieces(wanted, limits, stream)
    return stream


def _pieces(wanted: HubName, limits: Limits, stream: Stream) -> Iterator[Piece]:
    from tailor.data.readers.delimited import too_many_columns

    done, given = 0, None
    for split, batches in _splits(wanted).items():
        for batch in batches:
            batch, left = _readable(batch)
            if given is None:
                given = batch.schema.names
                if len(given) > limits.columns:
                    raise too_many_columns(wanted.id, len(given), limits.columns)
                names = ColumnNames([*given, "split"])
                stream.columns = names.names
                stream.notes += [*names.notes, *left]
            piece = text_piece(batch.select(given), stream.columns[:-1], done)
            done += piece.frame.height
            where = pl.lit(split, pl.String).alias(stream.columns[-1])
            yield Piece(piece.frame.with_columns(where), piece.lines)


def _readable(batch: "pa.RecordBatch") -> tuple["pa.RecordBatch", list[str]]:
    """The batch without columns of pictures and sound, and a sentence for each of these."""
    import pyarrow as pa

    def is_media(kind: "pa.DataType") -> bool:
        return pa.types.is_struct(kind) and {field.name for field in kind} == {"bytes", "path"}

    media = [field.name for field in batch.schema if is_media(field.type) or pa.types.is_binary(field.type)]
    kept = [name for name in batch.schema.names if name not in media]
    notes = [f"column '{name}' holds pictures, sound or other bytes; only text is read" for name in media]
    return batch.select(kept), notes


def _splits(wanted: HubName) -> dict[str, Iterator["pa.RecordBatch"]]:
    try:
        if not Path(wanted.id).is_dir():
            _knock()
        import datasets

        loaded = datasets.load_dataset(
            wanted.id,
            name=wanted.config or None,
            split=None,
            streaming=True,
            revision=wanted.revision or None,
        )
    except (OSError, ValueError, RuntimeError, TypeError) as error:
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise WorkbenchError(
            f"the data set {wanted.id} cannot be loaded ({said[:200]})",
            "the id of a data set on the Hugging Face hub, and a connection to it",
            "check the id and the network, or download its files and name their folder in 02_gather_data.sources",
        ) from None
    if wanted.split and wanted.split not in loaded:
        raise WorkbenchError(
            f"the data set {wanted.id} has no split '{wanted.split}'",
            f"one of: {', '.join(loaded)}",
            f"correct it.{did_you_mean(wanted.split, loaded)}",
        )
    chosen = {wanted.split: loaded[wanted.split]} if wanted.split else loaded
    return {split: _batches(part) for split, part in chosen.items()}


def _knock() -> None:
    """Raise OSError when the hub does not answer; asking for a data set would retry for half a minute first."""
    from huggingface_hub.constants import ENDPOINT

    from tailor.models.catalog import HUB_TIMEOUT

    address = urlsplit(ENDPOINT)
    port = address.port or (80 if address.scheme == "http" else 443)
    with socket.create_connection((address.hostname, port), timeout=HUB_TIMEOUT):
        pass


def _batches(part: Any) -> Iterator["pa.RecordBatch"]:
    for table in part.with_format("arrow").iter(_BATCH):
        yield from table.combine_chunks().to_batches()
