"""How long asking models, metrics, intervals and paired tests take: python benchmarks/evaluation.py [--json FILE].

Choosing among labels stands beside one forward pass for each label of each row (`LocalModel.score`, itself batched by
length), writing beside transformers' own batched generate on the same prompts in the order given, an interval beside a
plain loop that draws the rows again and calls the library each time, on fewer samples, scaled up. Times are the
better of two.
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
ASKED, WRITTEN, NEW_TOKENS, BATCH = 24, 96, 48, 32


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


def questions(rows: int) -> list[list[dict]]:
    """Chats of 8 to 60 words, as customers write."""
    rng = random.Random(0)
    words = ["my", "card", "was", "charged", "twice", "please", "refund", "transfer", "limit", "today", "why"]
    return [
        [
            {"role": "system", "content": "You answer a bank's customers."},
            {"role": "user", "content": " ".join(rng.choices(words, k=rng.randrange(8, 60)))},
        ]
        for _ in range(rows)
    ]


def labels(count: int) -> list[str]:
    """Label names of two to four words that begin alike here and there, as they do in practice."""
    rng = random.Random(1)
    subjects = ["card", "transfer", "top up", "cash withdrawal", "exchange rate", "direct debit", "PIN"]
    states = [
        "not working",
        "declined",
        "pending",
        "charged twice",
        "not recognised",
        "limits",
        "arrival",
        "fee",
    ]
    found = [f"{a} {b}" for a in subjects for b in states] + [
        f"{a} {b} abroad" for a in subjects for b in states
    ]
    return rng.sample(found, count)


def asking(model_name: str) -> dict[str, float]:
    """Rows a second of choosing among labels and of writing, and what they are beside the plain ways."""
    from tailor.models.catalog import resolve
    from tailor.models.language_model import GenerationConfig
    from tailor.models.local_model import LocalModel

    model = LocalModel.open(resolve(model_name))
    prompts, choices = questions(ASKED), labels(LABELS)
    model.score_choices(prompts[:2], choices[:4])
    pairs = [(prompt, choice) for prompt in prompts for choice in choices]
    ours, fast = best_of_two(lambda: model.score_choices(prompts, choices))
    plain, slow = best_of_two(lambda: model.score(*zip(*pairs, strict=True)))
    same = (fast.argmax(1) == np.array(slow).reshape(fast.shape).argmax(1)).mean()

    prompts = questions(WRITTEN)
    config = GenerationConfig(max_new_tokens=NEW_TOKENS)
    written, _ = best_of_two(lambda: model.generate(prompts, config))
    theirs, _ = best_of_two(lambda: plainly_written(model, prompts))
    return {
        "classify.rows_per_second": ASKED / ours,
        "classify.speedup_over_forward_per_label": plain / ours,
        "classify.same_label": float(same),
        "generate.rows_per_second": WRITTEN / written,
        "generate.ratio_to_transformers": theirs / written,
    }


def plainly_written(model, prompts: list) -> list[str]:
    """transformers' generate in batches of BATCH prompts, in the order given."""
    import torch

    written = []
    with torch.inference_mode():
        for start in range(0, len(prompts), BATCH):
            encoded = [model.encode(prompt, NEW_TOKENS) for prompt in prompts[start : start + BATCH]]
            inputs = model.tokenizer.pad(
                {"input_ids": encoded}, padding_side="left", return_tensors="pt", padding=True
            )
            out = model.model.generate(
                **inputs, max_new_tokens=NEW_TOKENS, do_sample=False, eos_token_id=model.stop_ids()
            )
            written += model.tokenizer.batch_decode(out[:, inputs["input_ids"].shape[1] :])
    return written


def best_of_two(work) -> tuple[float, object]:
    (first, found), (second, _) = timed(work), timed(work)
    return min(first, second), found


def run(model_name: str) -> dict[str, float]:
    figures = asking(model_name)
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
    parser.add_argument("--model", default="tailor-base", help="whose speed is measured")
    arguments = parser.parse_args()
    figures = run(arguments.model)
    print(f"{ROWS:,} rows, {SAMPLES:,} samples")
    for key, value in figures.items():
        print(f"{key:36s} {value:12.4f}")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
