"""A formatted dataset from examples, for benchmarks that start at tuning."""

from pathlib import Path

import polars as pl

from tailor.data.dataset import Dataset, Example
from tailor.data.tables import write_table
from tailor.files import sha256_file
from tailor.records import DatasetRecord, Split


def write_dataset(
    folder: Path, parts: dict[str, list[Example]], *, task: str, base: str, max_length: int
) -> Dataset:
    """Write the splits and open them; the labels of `classify` are the training rows' own.

    Args:
        parts: "train", "test" and perhaps "validation" -> rows.
    """
    folder.mkdir(parents=True, exist_ok=True)
    splits = {}
    for name in ("train", "validation", "test"):
        rows = parts.get(name, [])
        columns = {key: [getattr(row, key) for row in rows] for key in Example.__dataclass_fields__}
        write_table(pl.DataFrame(columns), folder / f"{name}.parquet")
        splits[name] = Split(
            rows=len(rows), tokens=0, learned_tokens=0, truncated=0, longest=0,
            sha256=sha256_file(folder / f"{name}.parquet"),
        )  # fmt: skip
    record = DatasetRecord(
        task=task,
        base_model=base,
        roles={"input": "text", "output": "label"},
        labels=sorted({row.output for row in parts["train"]}) if task == "classify" else [],
        max_length=max_length,
        splits=splits,
    )
    return Dataset(record, folder)
