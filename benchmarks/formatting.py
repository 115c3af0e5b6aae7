"""Formatting and tokenizing beside the bare tokenizer: python benchmarks/formatting.py [--rows N] [--json FILE].

Both get the same rows in the same run: ours messages (question, answer) that become ids, the places of
the learned tokens and an Arrow table; the bare tokenizer the same rows as finished text, in batches. Its ids are thrown
away, so that the highest memory is ours.
"""

import argparse
import json
import random
import tempfile
import time
from pathlib import Path

import polars as pl

from tailor.data.formatting import tokenize
from tailor.data.prompts import PromptFormat
from tailor.machine import peak_memory_gib
from tailor.models import load_tokenizer
from tailor.progress import Log

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--model", default="tailor-base")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    figures = run(given.rows, given.model)
    for name, value in figures.items():
        print(f"{name:48} {value:>14,}")
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
