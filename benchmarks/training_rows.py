"""What choosing and augmenting rows bring where rows are few: python benchmarks/training_rows.py FOLDER [--json FILE].

FOLDER holds banking77/ and sms_spam/ (the published files, gzipped). Everything is measured by the quick proxy of
`tailor.data.proxy` on rows kept apart, in points of accuracy; draws at random are repeated.
"""

import argparse
import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tailor.data.augmentation.augment import augment
from tailor.data.augmentation.effect import compare
from tailor.data.augmentation.filters import Strictness
from tailor.data.dataset import Example
from tailor.data.learning_curve import learning_curve
from tailor.data.proxy import measure_proxy
from tailor.data.selection import choose_useful
from tailor.data.training_settings import BY_RULE
from tailor.models.encoder import find_encoder
from tailor.progress import Log

DRAWS = 5
HELD_OUT = 1000
POOL = 3000


def read_banking(folder: Path) -> tuple[list[Example], list[Example]]:
    """Training and test rows of banking77."""
    both = []
    for name in ("train", "test"):
        text = gzip.decompress((folder / "banking77" / f"{name}.csv.gz").read_bytes()).decode("utf-8")
        rows = csv.DictReader(io.StringIO(text))
        both.append([Example(f"{name}:{n}", row["text"], row["category"]) for n, row in enumerate(rows)])
    return both[0], both[1]


def read_spam(folder: Path) -> tuple[list[Example], list[Example]]:
    """Messages of the SMS spam collection, every third for the test."""
    text = gzip.decompress((folder / "sms_spam" / "SMSSpamCollection.gz").read_bytes()).decode("utf-8")
    cells = [line.rstrip("\t").split("\t", 1) for line in text.splitlines() if "\t" in line]
    rows = [Example(f"sms:{n}", message.strip('"\t 0'), label) for n, (label, message) in enumerate(cells)]
    return [row for n, row in enumerate(rows) if n % 3], rows[::3]


def draw(rows: list[Example], count: int, seed: int) -> list[Example]:
    return [rows[i] for i in np.random.default_rng(seed).permutation(len(rows))[:count]]


def draw_evenly(rows: list[Example], count: int, seed: int) -> list[Example]:
    """As many rows of each label as of any other."""
    by_label: dict[str, list[Example]] = {}
    for row in draw(rows, len(rows), seed):
        by_label.setdefault(row.output, []).append(row)
    turns = [row for turn in range(count) for label in by_label.values() for row in label[turn : turn + 1]]
    return turns[:count]


def points(train: list[Example], held_out: list[Example]) -> float:
    return 100 * measure_proxy("classify", train, held_out).value


def mean_of_draws(
    how: Callable, pool: list[Example], count: int, held_out: list[Example]
) -> tuple[float, float]:
    """Mean and standard deviation over draws."""
    found = [points(how(pool, count, seed), held_out) for seed in range(DRAWS)]
    return float(np.mean(found)), float(np.std(found, ddof=1))


def measure(
    name: str, pool: list[Example], held_out: list[Example], counts: tuple[int, ...]
) -> dict[str, float]:
    figures: dict[str, float] = {}
    for count in counts:
        at = f"{name}.{count}_rows"
        for title, how in (("random", draw), ("random_even", draw_evenly)):
            figures[f"{at}.{title}"], figures[f"{at}.{title}.sd"] = mean_of_draws(how, pool, count, held_out)
        figures[f"{at}.useful"] = points(choose_useful(pool, count, "classify", seed=0), held_out)
        if find_encoder():
            chosen = choose_useful(pool, count, "classify", seed=0, encoder=True)
            figures[f"{at}.useful_by_encoder"] = points(chosen, held_out)
        given = draw_evenly(pool, count, 0)
        for title, kinds in (*((kind, [kind]) for kind in BY_RULE), ("all_rules", BY_RULE)):
            made = augment(
                given, held_out, "classify", kinds, 2.0, seed=0, strictness=Strictness(), log=Log()
            )
            figures[f"{at}.augment.{title}.kept"] = len(made.kept)
            if found := compare(given, made.kept, held_out, "classify", seed=0):
                change = found.difference
                figures[f"{at}.augment.{title}"] = change.value
                figures[f"{at}.augment.{title}.low"] = change.low
                figures[f"{at}.augment.{title}.high"] = change.high
    return figures


def foretell(name: str, pool: list[Example], held_out: list[Example], rows: int) -> dict[str, float]:
    """What the learning curve of `rows` rows says of twice as many, and what these bring."""
    curve = learning_curve(pool[:rows], held_out, "classify", seed=0, log=Log())
    now, then = points(pool[:rows], held_out), points(pool[: 2 * rows], held_out)
    found = {"foretold": curve.gain.value, "low": curve.gain.low, "high": curve.gain.high, "true": then - now}
    return {f"{name}.{rows}_rows.twice.{key}": value for key, value in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", type=Path, help="write the figures here, as one flat object")
    arguments = parser.parse_args()
    figures: dict[str, float] = {}
    for name, read, counts in (("banking77", read_banking, (385, 770)), ("sms_spam", read_spam, (40, 160))):
        train, test = (draw(rows, len(rows), 0) for rows in read(arguments.folder))
        figures |= measure(name, train[:POOL], test[:HELD_OUT], counts)
        figures |= foretell(name, train, test[:HELD_OUT], POOL // 3)
    for key, value in figures.items():
        print(f"{key:45} {value:8.2f}")
    if arguments.json:
        arguments.json.write_text(json.dumps({k: round(v, 3) for k, v in figures.items()}, indent=2) + "\n")


if __name__ == "__main__":
    main()
