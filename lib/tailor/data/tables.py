"""Tables on disk: Parquet whose pages carry checksums, so that a damaged file is refused and never half believed."""

from pathlib import Path

import polars as pl

from tailor.errors import WorkbenchError
from tailor.files import writing


def write_table(frame: pl.DataFrame, path: Path) -> None:
    """Write a table through a temporary name, every page with its checksum.

    Raises:
        WorkbenchError: the disk is full, or the folder cannot be written.
    """
    import pyarrow.parquet as pq

    with writing(path) as temporary:
        pq.write_table(frame.to_arrow(), temporary, compression="zstd", write_page_checksum=True)


class TableWriter:
    """Writes a table piece by piece, in row groups of bounded size; every page with its checksum.

    Args:
        path: inside a folder that `tailor.files.writing` gave, so that nobody sees the half of it.
        schema: column -> Polars type.
    """

    ROWS, BYTES = 50_000, 64_000_000

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
            self._writer.write_table(pl.concat(self._waiting).to_arrow())
            self._waiting = []


def read_table(path: Path, made_by: str) -> pl.DataFrame:
    """Read a table that Tailor wrote, verifying its checksums.

    Args:
        made_by: the step that writes it, named in the error.

    Raises:
        WorkbenchError: missing, cut short or damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # polars verifies no page checksums; pq.read_table does, and imports pandas (over a second) on its way
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            return pl.from_arrow(file.read())
    except FileNotFoundError:
        found = f"there is no {path}"
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        found = f"{path} cannot be read ({str(error).splitlines()[0]})"
    raise WorkbenchError(found, f"the table as {made_by} wrote it", f"run {made_by} again")
