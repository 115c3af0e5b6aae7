"""How long metrics, intervals and paired tests take: python benchmarks/evaluation.py [--json FILE].

Beside ours stands a plain loop that draws the rows again and calls the library each time, on fewer samples, scaled up.
"""

import argparse
import json
import random
import time
from pathlib import Path

import numpy as np

from tailor.evaluation.metrics import measure_rows
from tailor.evaluation.statistics import estimate, estimate_difference, paired_p_value

ROWS, SAMPLES, LABELS, LOOPS = 1000, 2000, 77, 20


def made_rows(task: str, seed: int) -> tuple[list[str], list[str]]:
    """References and predictions: labels of which 70% are right, or texts with a third of the words changed."""
    rng = random.Random(seed)
    if task == "classify":
        truth = [f"label {rng.randrange(LABELS)}" for _ in range(ROWS)]
        return truth, [t if rng.random() < 0.7 else f"label {rng.randrange(LABELS)}" for t in truth]
    words = [f"word{n}" for n in range(500)]
    truth = [rng.choices(words, k=60) for _ in range(ROWS)]
    return [" ".join(t) for t in truth], [
        " ".join(w if rng.random() < 0.66 else rng.choice(words) for w in t) for t in truth
    ]


def looped(task: str, truth: list[str], guess: list[str]) -> float:
    """Seconds that SAMPLES calls of the library would take."""
    from sacrebleu.metrics import CHRF
    from sklearn.metrics import f1_score

    rng = np.random.default_rng(0)
    start = time.perf_counter()
    loops = LOOPS if task == "classify" else 2
    for _ in range(loops):
        rows = rng.integers(0, ROWS, ROWS)
        a, b = [truth[i] for i in rows], [guess[i] for i in rows]
        f1_score(a, b, average="macro") if task == "classify" else CHRF().corpus_score(b, [a])
    return (time.perf_counter() - start) / loops * SAMPLES


def timed(work) -> tuple[float, object]:
    start = time.perf_counter()
    found = work()
    return time.perf_counter() - start, found


def run() -> dict[str, float]:
    figures = {}
    for task, name in (("classify", "macro_f1"), ("respond", "chrf")):
        (truth, guess), (_, other) = made_rows(task, 0), made_rows(task, 0)
        measure_rows(task, truth[:2], guess[:2])  # imports stay out of the figures
        figures[f"{task}.metrics.seconds"], metrics = timed(
            lambda t=task, a=truth, b=guess: measure_rows(t, a, b)
        )
        metric, base = metrics[name], measure_rows(task, truth, other[::-1])[name]
        figures[f"{name}.interval.seconds"], _ = timed(lambda m=metric: estimate(m, samples=SAMPLES, seed=0))
        figures[f"{name}.difference.seconds"], _ = timed(
            lambda m=metric, b=base: estimate_difference(m, b, samples=SAMPLES, seed=0)
        )
        figures[f"{name}.test.seconds"], _ = timed(
            lambda m=metric, b=base: paired_p_value(m, b, samples=SAMPLES, seed=0)
        )
        figures[f"{name}.looped_interval.seconds"] = looped(task, truth, guess)
    return {key: round(value, 4) for key, value in figures.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures here, as one flat object")
    arguments = parser.parse_args()
    figures = run()
    print(f"{ROWS:,} rows, {SAMPLES:,} samples")
    for key, value in figures.items():
        print(f"{key:36s} {value:12.4f}")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
