"""How fast sources are read, and in how much memory: python benchmarks/gathering.py [--megabytes N] [--json FILE].

Each reader runs in a process of its own on a file made here: support tickets with commas, quotation marks and line
breaks in their cells. "careful" is Python's csv module line by line, "fast" the way that sound blocks take; "gather" is
the whole of 02's reading, with copies, the table and its checksums.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import polars as pl

WORDS = (
    *("card", "account", "payment", "refund", "transfer", "balance", "limit", "address", "branch", "letter"),
    *("phone", "please", "thanks", "where"),
)


def make_files(folder: Path, megabytes: int) -> dict[str, Path]:
    """CSV, JSON Lines and Parquet with the same rows, the CSV about `megabytes` large."""
    rng = random.Random(1)
    texts = [" ".join(rng.choices(WORDS, k=rng.randint(20, 120))) for _ in range(2_000)]
    texts = [text[:40] + rng.choice((', "so"', "\n", ", ", " ")) + text[40:] for text in texts]
    rows = megabytes * 1_000_000 // 440
    frame = pl.DataFrame({"id": range(rows), "message": [rng.choice(texts) for _ in range(rows)]})
    paths = {ending: folder / f"tickets.{ending}" for ending in ("csv", "jsonl", "parquet")}
    frame.write_csv(paths["csv"])
    frame.write_ndjson(paths["jsonl"])
    frame.write_parquet(paths["parquet"])
    return paths


def measure(way: str, path: Path) -> dict[str, float]:
    """Seconds and the highest memory of one way to read a file, in a fresh process."""
    done = subprocess.run(
        [sys.executable, __file__, "--way", way, "--file", str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def read(way: str, path: Path) -> dict[str, float]:
    """One way to read a file, here."""
    from tailor.data.gather import Choices, gather
    from tailor.data.readers import Limits, stream_file
    from tailor.data.readers.delimited import stream_delimited
    from tailor.machine import peak_memory_gib
    from tailor.progress import Log

    before, start = peak_memory_gib(), time.perf_counter()
    if way == "gather":
        with tempfile.TemporaryDirectory() as folder:
            sources, _ = gather([str(path)], Path, Path(folder) / "raw", Choices(), Log())
            rows = sources[0].rows
    else:
        careful = way == "careful"
        stream = stream_delimited(path, Limits(), fast=False) if careful else stream_file(path, Limits())
        rows = sum(piece.frame.height for piece in stream.pieces)
    seconds = time.perf_counter() - start
    return {"rows": rows, "seconds": seconds, "peak_gib": peak_memory_gib(), "before_gib": before}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=300)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--way", help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.way:
        print(json.dumps(read(arguments.way, arguments.file)))
        return
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        paths = make_files(Path(folder), arguments.megabytes)
        for way, ending in (
            *(("fast", "csv"), ("careful", "csv"), ("fast", "jsonl"), ("fast", "parquet")),
            *(("gather", "csv"), ("gather", "jsonl")),
        ):
            name = f"{ending}.{way}"
            found[name] = measure(way, paths[ending])
            values = found[name]
            # by the text in it, as it stands in the CSV: the same rows take less room in Parquet
            values["megabytes_per_second"] = paths["csv"].stat().st_size / 1e6 / values["seconds"]
            speed = f"{values['megabytes_per_second']:7.0f} MB/s"
            print(f"{name:16} {speed}  peak {values['peak_gib']:.2f} GiB", flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
