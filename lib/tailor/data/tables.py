"""Tables on disk: Parquet whose pages carry checksums, so that a damaged file is refused and never half believed; and
Arrow files for the time of a step, whose text stays on disk until it is looked at."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl

from tailor.errors import WorkbenchError
from tailor.files import disk_error, writing


def write_table(frame: pl.DataFrame, path: Path) -> None:
    """Write a table through a temporary name, every page with its checksum.

    Raises:
        WorkbenchError: the disk is full, or the folder cannot be written.
    """
    write_groups(frame.iter_slices(GROUP) if frame.height else [frame], path)


def write_groups(groups: Iterable[pl.DataFrame], path: Path) -> None:
    """Write such a table, a row group for each of these tables, of which memory holds one.

    Args:
        groups: one at least, all of the same columns.

    Raises:
        WorkbenchError: the disk is full, or the folder cannot be written.
    """
    import pyarrow.parquet as pq

    with writing(path) as temporary:
        writer = None
        for group in groups:
            table = group.rechunk().to_arrow()
            writer = writer or pq.ParquetWriter(
                temporary, table.schema, compression="zstd", write_page_checksum=True
            )
            writer.write_table(table)
        writer.close()


def write_pieces(pieces: Iterable[pl.DataFrame], path: Path, empty: pl.DataFrame | None = None) -> None:
    """Write tables below one another. The file's bytes depend on the rows alone, not on how they were cut.

    Args:
        pieces: gone through twice; columns that some lack are null there.
        empty: the columns where there is no piece at all.

    Raises:
        WorkbenchError: the disk is full, or the folder cannot be written.
    """
    schema: dict[str, pl.DataType] = {}
    for piece in pieces:
        schema |= {name: kind for name, kind in piece.schema.items() if name not in schema}
    columns = pl.DataFrame(schema=schema or empty.schema)
    with writing(path) as temporary, TableWriter(temporary, dict(columns.schema)) as writer:
        waiting = columns
        for piece in pieces:
            waiting = pl.concat([waiting, piece], how="diagonal") if piece.width else waiting
            while rows := _full_group(waiting):
                writer.write(waiting[:rows])
                writer.flush()
                waiting = waiting[rows:]
        if waiting.height:
            writer.write(waiting)


GROUP, GROUP_BYTES = 20_000, 64_000_000
"""Rows of a row group, what a piece is read back in, and where rows are long the text of one."""


def _full_group(frame: pl.DataFrame) -> int:
    """How many of the first rows fill a row group; 0 if all of them do not."""
    bytes_of = pl.sum_horizontal(pl.lit(0), pl.col(pl.String).str.len_bytes().fill_null(0))
    grown = frame.head(GROUP).select(bytes_of.cast(pl.Int64).cum_sum()).to_series()
    full = int(grown.search_sorted(GROUP_BYTES)) + 1
    return full if full <= len(grown) else GROUP * (frame.height >= GROUP)


class TableWriter:
    """Writes a table piece by piece, in row groups of bounded size; every page with its checksum.

    Args:
        path: inside a folder that `tailor.files.writing` gave, so that nobody sees the half of it.
        schema: column -> Polars type.
    """

    ROWS, BYTES = 50_000, 32_000_000

    def __init__(self, path: Path, schema: dict[str, type[pl.DataType]]) -> None:
        import pyarrow.parquet as pq

        self._empty = pl.DataFrame(schema=schema)
        self._waiting: list[pl.DataFrame] = []
        self._writer = pq.ParquetWriter(
            path, self._empty.to_arrow().schema, compression="zstd", write_page_checksum=True
        )

    def __enter__(self) -> "TableWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self.flush()
        self._writer.close()

    def write(self, frame: pl.DataFrame) -> None:
        self._waiting.append(frame.select(self._empty.columns))
        rows = sum(piece.height for piece in self._waiting)
        if rows >= self.ROWS or sum(piece.estimated_size() for piece in self._waiting) >= self.BYTES:
            self.flush()

    def flush(self) -> None:
        """End the row group here."""
        if self._waiting:
            self._writer.write_table(pl.concat(self._waiting, rechunk=True).to_arrow())
            self._waiting = []


def read_table(path: Path, made_by: str) -> pl.DataFrame:
    """Read a table that Tailor wrote, verifying its checksums.

    Args:
        made_by: the step that writes it, named in the error.

    Raises:
        WorkbenchError: missing, cut short or damaged.
    """
    with _checked(path, made_by) as file:
        return pl.from_arrow(file.read())


def read_pieces(path: Path, made_by: str) -> Iterator[pl.DataFrame]:
    """Read such a table row group by row group; one without rows has one piece.

    Raises:
        WorkbenchError: as `read_table`.
    """
    with _checked(path, made_by) as file:
        groups = [place for place in range(file.num_row_groups) if file.metadata.row_group(place).num_rows]
        for place in groups:
            yield pl.from_arrow(file.read_row_group(place))
        if not groups:
            yield pl.from_arrow(file.read())


def count_bytes(path: Path, made_by: str) -> int:
    """About how much memory such a table takes."""
    with _checked(path, made_by) as file:
        return sum(file.metadata.row_group(place).total_byte_size for place in range(file.num_row_groups))


# --- for the time of a step ------------------------------------------------------------------------------------------
def map_table(frames: Iterable[pl.DataFrame], path: Path) -> pl.DataFrame:
    """Put tables below one another in an Arrow file, and give the whole with its text left there: memory holds
    16 bytes a cell, and the system reads and forgets the text as it is needed.

    Args:
        frames: one at least, all of the same columns.

    Raises:
        WorkbenchError: the disk is full, or the folder cannot be written.
    """
    import pyarrow as pa

    try:
        writer = None
        for frame in frames:
            # the older layout holds each text once, whatever it was cut from
            table = frame.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
            writer = writer or pa.ipc.new_file(path, table.schema)
            writer.write_table(table)
        writer.close()
    except OSError as error:
        raise disk_error(error, path) from error
    return read_mapped(path)


def read_mapped(path: Path, names: Sequence[str] | None = None) -> pl.DataFrame:
    """An Arrow file's rows, or some columns of them, its text left on disk."""
    import pyarrow as pa

    with pa.memory_map(str(path)) as file:
        table = pa.ipc.open_file(file).read_all()
    return pl.from_arrow(table if names is None else table.select(list(names)))


@contextmanager
def _checked(path: Path, made_by: str) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # polars verifies no page checksums; pq.read_table does, and imports pandas (over a second) on its way
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            yield file
        return
    except FileNotFoundError:
        found = f"there is no {path}"
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        found = f"{path} cannot be read ({str(error).splitlines()[0]})"
    raise WorkbenchError(found, f"the table as {made_by} wrote it", f"run {made_by} again")
