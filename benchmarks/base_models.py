"""Measure the bundled base models: bits per character, continuations, small tasks, speed.

    python benchmarks/base_models.py --work RECIPE_FOLDER --shared SHARED_FOLDER --kenlm KENLM_BIN --json FILE

``--work`` is the folder that `tailor.pretraining.recipe` wrote (held-out text, token files); without it, text measures
are left out. ``--shared`` holds data/ and models/stories260K; ``--kenlm`` holds KenLM's programs. Prints tables
and writes one flat JSON object.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np

from tailor.machine import use_cores_politely

use_cores_politely()

import torch  # noqa: E402

from tailor.models import encode_chat, load_model, load_tokenizer  # noqa: E402
from tailor.models.catalog import BUNDLED_FOLDER, ModelSource, resolve  # noqa: E402
from tailor.pretraining.loop import Learner, Schedule, build_model  # noqa: E402
from tailor.pretraining.measure import bits_per_character, read_held_out, xz_bits_per_character  # noqa: E402
from tailor.pretraining.ngram import build_ngram, ngram_bits_per_character  # noqa: E402
from tailor.pretraining.recipe import SHAPES, open_mixture  # noqa: E402
from tailor.pretraining.skills import SKILLS  # noqa: E402
from tailor.pretraining.tasks import accuracy, read_sentiment, read_sms_spam, split_task  # noqa: E402

NAMES = ("tailor-mini", "tailor-base")
PROMPTS = (
    "The heart of a frog has", "Once upon a time there was a little", "The President shall", "In the year 1850",
    "My dear sir,", "Python programs can", "The country's economy", "A cell is", "She opened the door and",
    "The first law of", "User: Hello, I would like", "Many people believe that", "The old man looked at",
    "To be or not to be", "The website should", "Climate:", "When two players", "He had never seen",
    "In this chapter, you will learn", "The sun rose over",
)  # fmt: skip


def measure_text(work: Path, shared: Path | None, kenlm: Path | None, characters: int) -> dict[str, float]:
    """Return bits per character by model and source."""
    held_out = read_held_out(work / "held_out", characters)
    figures: dict[str, float] = {}
    neural = [(name, resolve(name), load_tokenizer(name).eos_token_id) for name in NAMES]
    if shared is not None:
        neural.append(("stories260K", resolve(str(shared / "models" / "stories260K")), 1))
    for name, source, begin in neural:
        model, tokenizer = load_model(source, dtype=torch.float32), load_tokenizer(source)
        for label, documents in held_out.items():
            bits = bits_per_character(model, tokenizer, documents, context=512, begin=begin)
            figures[f"bits_per_character/{label}/{name}"] = bits
    for label, documents in held_out.items():
        figures[f"bits_per_character/{label}/xz"] = xz_bits_per_character(documents)
    if kenlm is not None:
        figures |= measure_ngrams(work, kenlm, held_out)
    return figures


def measure_ngrams(work: Path, kenlm: Path, held_out: dict[str, list[str]]) -> dict[str, float]:
    """Return the 5-grams' bits per character: one from all training text, one per model from what that model read."""
    figures = {}
    tokenizer = load_tokenizer("tailor-base")
    for name in ("all text", *NAMES):
        title = "5-gram, all text" if name == "all text" else f"5-gram, text read by {name}"
        path = work / f"5-gram-{name.replace(' ', '-')}.bin"
        if not path.exists():
            build_ngram(kenlm, text_read(work, name), path)
        for label, documents in held_out.items():
            bits = ngram_bits_per_character(kenlm, path, tokenizer, documents)
            figures[f"bits_per_character/{label}/{title}"] = bits
    return figures


def text_read(work: Path, name: str) -> Iterator[np.ndarray]:
    """Yield the token runs that a model's first stage drew, or the whole training text for "all text"."""
    mixture = open_mixture(work, seed=Schedule.seed)
    if name == "all text":
        yield from (np.asarray(stream) for stream in mixture.streams.values())
        return
    position = json.loads((work / name / "checkpoint" / "position.json").read_text())
    mixture.tokens_taken.update(position["tokens_taken"])
    for source in mixture.names:
        yield from mixture.seen(source)


def measure_tasks(data: Path, rows: int) -> dict[str, float]:
    """Return accuracy without and with eight examples on two public sets, balanced so that chance is one half."""
    figures = {}
    for name in NAMES:
        model, tokenizer = load_model(name), load_tokenizer(name)
        for task in (read_sms_spam(data), read_sentiment(data)):
            for shots in (0, 8):
                shown, asked = split_task(task, most=rows, shots=shots, seed=1)
                figures[f"accuracy/{task.name}, {shots} examples/{name}"] = accuracy(
                    model, tokenizer, task, shown, asked
                )
    return figures


def measure_skills(count: int = 200) -> dict[str, float]:
    """Return the share of exact answers to new single-exchange rows of the second stage's own skills, greedy."""
    rng = Random(10_000)  # far from the training seed
    rows = [rng.choice(SKILLS)(rng) for _ in range(count)]
    figures = {}
    for name in NAMES:
        model, tokenizer = load_model(name), load_tokenizer(name)
        right = 0
        for ask, answer in rows:
            chat = encode_chat(tokenizer, [{"role": "user", "content": ask}], add_generation_prompt=True)
            ids = torch.tensor([chat.input_ids])
            out = model.generate(
                ids, attention_mask=torch.ones_like(ids), max_new_tokens=48, do_sample=False
            )[0]
            right += tokenizer.decode(out[ids.shape[1] :], skip_special_tokens=True) == answer
        figures[f"accuracy/second-stage skills, new rows, exact/{name}"] = right / count
    return figures


def measure_speed() -> dict[str, float]:
    """Return tokens per second: training (bf16 where fast, batches of 8 x 256) and generation (one and 32 rows)."""
    figures = {}
    for name in NAMES:
        learner = Learner(build_model(SHAPES[name], seed=0), Schedule(steps=1))
        ids = torch.randint(20, 8192, (8, 257))
        seconds = timed(lambda ids=ids, learner=learner: learner.step(ids[:, :-1], ids[:, 1:], 0.0))
        figures[f"tokens_per_second/training/{name}"] = 8 * 256 / seconds
        model, tokenizer = load_model(name), load_tokenizer(name)
        for rows in (1, 32):
            batch = torch.full((rows, 8), tokenizer.eos_token_id)
            seconds = timed(lambda b=batch, m=model: m.generate(b, min_new_tokens=64, max_new_tokens=64))
            figures[f"tokens_per_second/generation of {rows}/{name}"] = 64 * rows / seconds
    return figures


def timed(work, repeats: int = 3) -> float:
    """Return the fastest of ``repeats`` runs after one to warm up, in seconds."""
    work()
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return min(times)


def continue_prompts(name: str, *, sampled: bool) -> list[str]:
    """Return twenty continuations of 48 tokens as they come, greedy or sampled (temperature 0.8, top-p 0.95)."""
    model, tokenizer = load_model(name), load_tokenizer(name)
    texts = []
    for number, prompt in enumerate(PROMPTS):
        torch.manual_seed(number)
        ids = torch.tensor([[tokenizer.eos_token_id, *tokenizer.encode(prompt, add_special_tokens=False)]])
        how = {"do_sample": True, "temperature": 0.8, "top_p": 0.95} if sampled else {"do_sample": False}
        out = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=48, **how)[0]
        texts.append(tokenizer.decode(out, skip_special_tokens=True))
    return texts


def print_table(figures: dict[str, float], group: str) -> None:
    """Print the figures ``group/row/column`` as a table."""
    keys = [tuple(key.split("/", 2)[1:]) for key in figures if key.startswith(f"{group}/")]
    rows, columns = list(dict.fromkeys(k[0] for k in keys)), list(dict.fromkeys(k[1] for k in keys))
    print(f"\n| {group} | " + " | ".join(columns) + " |\n|---|" + "---|" * len(columns))
    for row in rows:
        cells = [figures.get(f"{group}/{row}/{column}") for column in columns]
        print(f"| {row} | " + " | ".join("" if c is None else f"{c:.4g}" for c in cells) + " |")


def describe(source: ModelSource) -> str:
    return (
        f"{source.name}: {source.parameters:,} parameters, context {source.context}, licence {source.licence}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--work", type=Path, help="what tailor.pretraining.recipe wrote")
    parser.add_argument("--shared", type=Path, help="folder with data/ and models/stories260K")
    parser.add_argument("--kenlm", type=Path, help="folder with lmplz, build_binary and query")
    parser.add_argument("--json", type=Path, help="write all figures here, one flat object")
    parser.add_argument("--characters", type=int, default=120_000, help="held-out characters per source")
    parser.add_argument("--rows", type=int, default=400, help="rows per classification task")
    parser.add_argument("--texts", type=Path, help="write the continuations here, as Markdown")
    options = parser.parse_args()
    print("\n".join(describe(resolve(name)) for name in NAMES), f"from {BUNDLED_FOLDER.name}/")
    figures: dict[str, float] = {}
    if options.work is not None:
        figures |= measure_text(options.work, options.shared, options.kenlm, options.characters)
        print_table(figures, "bits_per_character")
    if options.shared is not None:
        figures |= measure_tasks(options.shared / "data", options.rows)
    figures |= measure_skills()
    print_table(figures, "accuracy")
    figures |= measure_speed()
    print_table(figures, "tokens_per_second")
    if options.texts is not None:
        write_texts(options.texts)
    if options.json is not None:
        options.json.write_text(json.dumps({k: round(v, 4) for k, v in figures.items()}, indent=1) + "\n")


def write_texts(path: Path) -> None:
    """Write every continuation, unedited."""
    lines = []
    for name in NAMES:
        for sampled in (False, True):
            lines.append(f"\n## {name}, {'sampled' if sampled else 'greedy'}\n")
            lines += [
                f"{i}. {' '.join(t.split())}"
                for i, t in enumerate(continue_prompts(name, sampled=sampled), 1)
            ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
