"""Formatting and tokenizing: python benchmarks/formatting.py [--rows N] [--step N ...] [--json FILE].

Tokenizing is measured beside the bare tokenizer.

Both get the same rows in the same run: ours messages (question, answer) that become ids, the places of
the learned tokens and an Arrow table; the bare tokenizer the same rows as finished text, in batches. Its ids are thrown
away, so that the highest memory is ours.

`--step` measures the memory of the whole of 04_format_data at several sizes, each in a process of its own: the highest
resident memory, and the highest without pages of mapped files, which the system takes back when memory is short.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import polars as pl
from tree_memory import TreeMemory

from tailor.data.formatting import tokenize
from tailor.data.prompts import PromptFormat
from tailor.data.tables import GROUP, write_groups
from tailor.machine import peak_memory_gib, reset_peak_memory
from tailor.models import load_tokenizer
from tailor.progress import Log
from tailor.project import Project
from tailor.records import ProjectRecord, Sources, UseCase
from tailor.steps import format_data

ROWS, BATCH, ROUNDS = 200_000, 1000, 2
WORDS = [
    *(
        "card",
        "account",
        "payment",
        "refund",
        "transfer",
        "balance",
        "limit",
        "address",
        "branch",
        "letter",
        "phone",
    ),
    *(
        "code",
        "app",
        "login",
        "password",
        "fee",
        "charge",
        "month",
        "week",
        "today",
        "tomorrow",
        "please",
        "thanks",
    ),
    *(
        "question",
        "where",
        "when",
        "how",
        "why",
        "because",
        "still",
        "again",
        "could",
        "would",
        "should",
        "waiting",
    ),
    *(
        "arrived",
        "missing",
        "blocked",
        "declined",
        "opened",
        "closed",
        "changed",
        "number",
        "statement",
        "savings",
    ),
]


def made_rows(count: int, seed: int = 0) -> pl.DataFrame:
    """Ticket-like rows of about 40 and 30 words, each different."""
    rng = random.Random(seed)
    return pl.DataFrame(
        {
            "id": [f"made.csv:{n + 2}" for n in range(count)],
            "input": [_text(rng, rng.randint(15, 65), n) for n in range(count)],
            "output": [_text(rng, rng.randint(10, 50), n) for n in range(count)],
            "system": [""] * count,
            "history": [""] * count,
        }
    )


def _text(rng: random.Random, words: int, number: int) -> str:
    return f"{' '.join(rng.choices(WORDS, k=words)).capitalize()}, case {number}."


def bare(tokenizer, texts: list[str]) -> float:
    """Seconds that the tokenizer alone takes for finished texts."""
    start = time.perf_counter()
    for first in range(0, len(texts), BATCH):
        tokenizer(texts[first : first + BATCH], add_special_tokens=False)
    return time.perf_counter() - start


def rendered(tokenizer, rows: pl.DataFrame, prompts: PromptFormat) -> list[str]:
    """The rows as the chat template writes them."""
    (mark,) = tokenizer.apply_chat_template(
        [[*prompts.prompt("\ue000"), {"role": "assistant", "content": "\ue001"}]], tokenize=False
    )
    return [
        mark.replace("\ue000", asked).replace("\ue001", answer)
        for asked, answer in rows.select("input", "output").rows()
    ]


def run(count: int, model: str) -> dict[str, float]:
    tokenizer, prompts = (
        load_tokenizer(model),
        PromptFormat(),
    )  # a system prompt would be encoded once, not per row
    rows = made_rows(count)
    texts = rendered(tokenizer, rows, prompts)
    ours, alone = [], []
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        tokenize(rows.head(10), prompts, tokenizer, Log(), scratch)  # the template's frame is known before
        for _ in range(ROUNDS):  # in turns: the machine's speed drifts
            alone.append(bare(tokenizer, texts))
            start = time.perf_counter()
            found = tokenize(rows, prompts, tokenizer, Log(), scratch)
            ours.append(time.perf_counter() - start)
        same = tokenizer(texts[:200], add_special_tokens=False)["input_ids"]
        assert found.table["ids"][:200].to_list() == same, "ours and the bare tokenizer's ids differ"
    return {
        "rows": count,
        "tokens": int(found.lengths["tokens"].sum()),
        "tokenize.ratio_to_bare": round(min(alone) / min(ours), 3),
        "tokenize.rows_per_second": round(count / min(ours)),
        "bare.rows_per_second": round(count / min(alone)),
        "tokenize.peak_gib": round(peak_memory_gib(), 2),
    }


def run_step(count: int, model: str) -> dict[str, float]:
    """04_format_data on a clean table, in this process and a workspace of its own."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["TAILOR_HOME"] = home
        project = Project("measured")
        project.folder.mkdir(parents=True)
        ProjectRecord(name=project.name, base_model=model, seed=5).save(project.path("project.json"))
        UseCase(title="", task="respond", description="").save(project.path("use_case.json"))
        Sources(sources=[], rows=count).save(project.path("sources.json"))
        write_groups((_clean(first, min(GROUP, count - first)) for first in range(0, count, GROUP)),
                     project.path("clean.parquet"))  # fmt: skip
        reset_peak_memory()
        start = time.perf_counter()
        with TreeMemory() as memory:
            format_data.run(project, format_data.Settings(), Log())
        return {
            "seconds": time.perf_counter() - start,
            "cpu_seconds": time.process_time(),
            "peak_gib": peak_memory_gib(),
            "own_peak_gib": memory.own_bytes / 2**30,
        }


def _clean(first: int, count: int) -> pl.DataFrame:
    """Some of the rows of a table as 03_clean_data leaves it."""
    rows = made_rows(count, seed=first)
    numbers = pl.int_range(first, first + count, eager=True).cast(pl.String)
    return rows.select(
        row_id="made.csv:" + numbers,
        source=pl.lit("made.csv"),
        question=pl.col("input") + " " + numbers,
        answer=pl.col("output"),
        customer_id="c" + (pl.int_range(first, first + count, eager=True) // 3).cast(pl.String),
    )


def measure_step(sizes: Sequence[int], model: str) -> dict[str, float]:
    """Each size in a fresh process, and what a further row adds between the smallest and the largest."""
    figures: dict[str, float] = {}
    for count in sizes:
        command = [sys.executable, __file__, "--run-step", str(count), "--model", model]
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        figures |= {f"step.{count}.{name}": round(value, 3) for name, value in json.loads(out).items()}
    few, many = min(sizes), max(sizes)
    for name in ("peak", "own_peak") if few < many else ():
        more = figures[f"step.{many}.{name}_gib"] - figures[f"step.{few}.{name}_gib"]
        figures[f"step.{name}_bytes_per_row"] = round(more * 2**30 / (many - few))
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--model", default="tailor-base")
    parser.add_argument(
        "--step", type=int, nargs="+", metavar="ROWS", help="measure the memory of 04 instead"
    )
    parser.add_argument("--json", type=Path)
    parser.add_argument("--run-step", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.run_step:
        print(json.dumps(run_step(given.run_step, given.model)))
        return
    figures = measure_step(given.step, given.model) if given.step else run(given.rows, given.model)
    for name, value in figures.items():
        print(f"{name:48} {value:>14,}")
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
