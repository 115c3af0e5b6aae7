"""A table larger than the memory it may take: python benchmarks/larger_than_memory.py [--gb 10] [--limit-gib 4].

Tickets of some 3,300 characters, as many of them with planted defects as in benchmarks/cleaning.py, are written as
uncompressed Parquet and cleaned by that benchmark's composition in a process of its own. Process and workers together
are watched every second and ended when they hold more than the limit. Pages of mapped files are told apart: the
system takes these back when memory is short. Three rows in a hundred are copies of rows of the part before: of each
pair one row has to go.

The folder needs room for the table, for three times its size in pieces, and for the result.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
import psutil
import pyarrow.parquet as pq
from cleaning import COLUMNS, COMPOSITION
from planted import GENERATORS
from tree_memory import TreeMemory

from tailor.data.cleaning.pipeline import clean_file
from tailor.progress import Log

POOL, PART, JOINED, COPIED = 50_000, 10_000, 6, 300
"""Messages that rows are put together from; rows of a part; messages of a row; rows of a part that are copies."""


def make_part(pools: list[pl.Series], number: int, before: pl.Series | None) -> pl.DataFrame:
    """Rows put together at random; the last ones say what the first ones of the part before say.

    Args:
        pools: for each message of a row those that it may be.
    """
    rng = np.random.Generator(np.random.PCG64([7, number]))
    messages = [pool.gather(rng.integers(0, len(pool), PART)) for pool in pools]
    cells = pl.select(pl.concat_str(messages, separator="\n\n"))
    texts = cells.to_series()
    if before is not None:
        texts = pl.concat([texts.head(PART - COPIED), "  " + before.head(COPIED) + " !"])
    ids = pl.Series([f"made.csv:{number * PART + place + 2}" for place in range(PART)])
    return pl.DataFrame({"row_id": ids, "source": pl.repeat("made.csv", PART, eager=True), "message": texts})


def write_file(path: Path, size: int) -> int:
    """Write parts until the file holds `size` bytes; gives their number."""
    made = GENERATORS["shop"](POOL)
    sound = made.filter((pl.col("_kind") == "plain") & (pl.col("_secrets").list.len() == 0))["message"]
    pools = [made["message"], *[sound] * (JOINED - 1)]
    before, number = None, 0
    part = make_part(pools, number, before)
    with pq.ParquetWriter(path, part.to_arrow().schema, compression="none", use_dictionary=False,
                          write_page_checksum=True) as writer:  # fmt: skip
        while True:
            writer.write_table(part.to_arrow())
            before, number = part["message"], number + 1
            if path.stat().st_size >= size:
                return number
            part = make_part(pools, number, before)


def clean(path: Path, engine: str) -> dict[str, float]:
    """Clean the file in this process."""
    start = time.perf_counter()
    done = clean_file(
        path,
        COMPOSITION,
        COLUMNS,
        Log(),
        kept=path.with_name("kept.parquet"),
        dropped=path.with_name("dropped.parquet"),
        engine=engine,
    )
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {
        "seconds": time.perf_counter() - start,
        "cpu_seconds": sum(usage.ru_utime + usage.ru_stime for usage in used),
        "rows_in": done.rows_in,
        "rows_out": done.rows_out,
    }


def uncopied(folder: Path, parts: int) -> int:
    """Planted copies of which both rows stayed."""
    ids = pl.read_parquet(folder / "kept.parquet", columns=["row_id"])["row_id"]
    stayed = np.zeros(parts * PART + 2, dtype=bool)
    stayed[ids.str.strip_prefix("made.csv:").cast(pl.Int64)] = True
    first = np.arange(parts - 1)[:, None] * PART + np.arange(COPIED) + 2
    return int((stayed[first] & stayed[first + 2 * PART - COPIED]).sum())


def run(size: int, limit: int, engine: str, folder: Path) -> dict[str, float]:
    path = folder / "rows.parquet"
    parts = write_file(path, size)
    command = [sys.executable, __file__, "--clean", str(path), "--engine", engine]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)

    def stop(held: int) -> None:
        if held > limit:
            os.killpg(child.pid, 9)

    with TreeMemory(psutil.Process(child.pid), stop) as memory:
        out, _ = child.communicate()
    if child.returncode:
        raise SystemExit(f"ended at {memory.own_bytes / 2**30:.2f} GiB, exit {child.returncode}")
    figures = {
        "table_gb": path.stat().st_size / 1e9,
        "limit_gib": limit / 2**30,
        "peak_gib": memory.bytes / 2**30,
        "own_peak_gib": memory.own_bytes / 2**30,
        "pairs_of_copies_left": uncopied(folder, parts),
        **json.loads(out),
    }
    return figures | {"rows_per_second": figures["rows_in"] / figures["seconds"]}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gb", type=float, default=10.0, help="size of the table's file")
    parser.add_argument("--limit-gib", type=float, default=4.0)
    parser.add_argument("--engine", default="here")
    parser.add_argument(
        "--folder", type=Path, help="where to work; the system's temporary folder if not given"
    )
    parser.add_argument("--json", type=Path, help="write the figures here, as one flat object")
    parser.add_argument("--clean", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.clean:
        print(json.dumps(clean(given.clean, given.engine)))
        return
    folder = Path(tempfile.mkdtemp(prefix="larger-", dir=given.folder))
    try:
        figures = run(int(given.gb * 1e9), int(given.limit_gib * 2**30), given.engine, folder)
    finally:
        shutil.rmtree(folder)
    figures = {name: round(value, 4) for name, value in figures.items()}
    for name, value in figures.items():
        print(f"{name:<24} {value:>16,.4f}")
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
