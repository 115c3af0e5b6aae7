"""The whole recipe, from a folder of text files to a model folder: ``python -m tailor.pretraining.recipe --help``.

Four commands, each of which leaves its result in ``--work`` and can be run again:

    prepare   corpus folder -> tokenizer/, tokens/<source>.bin, held_out/<source>.txt, corpus.json
    pretrain  tokens -> <name>/checkpoint, <name>/log.jsonl
    turns     <name>/checkpoint + conversations -> <name>-chat/checkpoint
    export    checkpoint -> a model folder (safetensors, tokenizer, chat template, SHA256SUMS)
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np

from tailor.pretraining.corpus import SEPARATOR, Source, read_corpus
from tailor.pretraining.export import export_model
from tailor.pretraining.loop import BASE, MINI, Learner, Schedule, Shape, build_model, train
from tailor.pretraining.packing import MIXTURE_EXPONENT, Mixture, write_tokens
from tailor.pretraining.tokenizer import sample_pieces, train_tokenizer
from tailor.pretraining.turns import TEXT_SHARE, Turns, collect, leave_out

SHAPES: dict[str, Shape] = {"tailor-mini": MINI, "tailor-base": BASE}
TOKENIZER_CHARACTERS = 24_000_000  # merges change little beyond this


def tokenizer_sample(sources: list[Source], characters: int):
    """Yield training text for the tokenizer, sources weighted as in the mixture; held-out text never."""
    weights = {s.name: s.training_characters**MIXTURE_EXPONENT for s in sources}
    total = sum(weights.values())
    for source in sources:
        yield from sample_pieces(
            source.training, most_characters=int(characters * weights[source.name] / total)
        )


def prepare(corpus: Path, work: Path, *, vocabulary: int = 8192, context: int = 512) -> dict:
    """Hold out, train the tokenizer, write the token files; return what corpus.json says of every source."""
    from transformers import AutoTokenizer

    sources = read_corpus(corpus)
    folder = work / "tokenizer"
    if not (folder / "tokenizer.json").exists():
        sample = tokenizer_sample(sources, TOKENIZER_CHARACTERS)
        train_tokenizer(sample, vocabulary=vocabulary, context=context).save_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for name in ("tokens", "held_out"):
        (work / name).mkdir(parents=True, exist_ok=True)
    report = {}
    for source in sources:
        tokens = write_tokens(work / "tokens" / f"{source.name}.bin", source.training, tokenizer)
        text = f"\n{SEPARATOR}\n".join(source.held_out)
        (work / "held_out" / f"{source.name}.txt").write_text(text, encoding="utf-8", newline="\n")
        report[source.name] = {
            "training_documents": len(source.training), "training_characters": source.training_characters,
            "training_tokens": tokens, "held_out_documents": len(source.held_out),
            "held_out_characters": source.held_out_characters,
        }  # fmt: skip
        print(source.name, report[source.name], flush=True)
    (work / "corpus.json").write_text(json.dumps(report, indent=1))
    return report


def open_mixture(work: Path, *, seed: int, weights: dict[str, float] | None = None) -> Mixture:
    """Return the mixture over every token file under ``work/tokens``, memory-mapped."""
    paths = sorted((work / "tokens").glob("*.bin"))
    streams = {p.stem: np.memmap(p, dtype=np.uint16, mode="r") for p in paths}
    return Mixture(streams, seed=seed, weights=weights)


def pretrain(name: str, work: Path, schedule: Schedule, *, compiled: bool, save_every: float = 180.0):
    """Train (or go on training) the model ``name``; see `tailor.pretraining.loop.train`."""
    mixture = open_mixture(work, seed=schedule.seed)
    learner = Learner(build_model(SHAPES[name], seed=schedule.seed), schedule, compiled=compiled)
    print(name, sum(w.numel() for w in learner.master), "parameters", flush=True)
    log = lambda entry: print(entry, flush=True)  # noqa: E731
    return train(learner, mixture, work / name, parts=2, save_every=save_every, log=log)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tailor.pretraining.recipe", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--work", type=Path, required=True, help="folder for everything the recipe makes")
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("prepare")
    one.add_argument("corpus", type=Path, help="folder of .txt or .txt.gz files, one per source")
    two = commands.add_parser("pretrain")
    two.add_argument("name", choices=SHAPES)
    two.add_argument("--seconds", type=float, help="training seconds to spend")
    two.add_argument("--deadline", help="HH:MM in UTC; sets --seconds to what is left until then")
    two.add_argument("--steps", type=int)
    two.add_argument(
        "--compiled", action="store_true", help="torch.compile: needs a C++ compiler, about a minute"
    )
    two.add_argument("--muon-rate", type=float, default=Schedule.muon_rate)
    two.add_argument("--adam-rate", type=float, default=Schedule.adam_rate)
    two.add_argument(
        "--decay", type=float, default=Schedule.decay, help="share of the run in which the rate falls"
    )
    two.add_argument("--batch-tokens", type=int, default=Schedule.batch_tokens)
    chat = commands.add_parser("turns")
    chat.add_argument("name", choices=SHAPES)
    chat.add_argument(
        "--data", type=Path, help="folder with self_instruct/, rasbt_instruction/, taskmaster4/"
    )
    chat.add_argument("--seconds", type=float)
    chat.add_argument("--steps", type=int)
    chat.add_argument("--compiled", action="store_true")
    chat.add_argument(
        "--text-share",
        type=float,
        default=TEXT_SHARE,
        help="share of a batch's rows that is first-stage text",
    )
    three = commands.add_parser("export")
    three.add_argument("name", choices=SHAPES)
    three.add_argument("folder", type=Path, help="the model folder to write")
    three.add_argument("--stage", default="", help="'chat' for the weights after the second stage")
    options = parser.parse_args(arguments)
    if options.command == "prepare":
        prepare(options.corpus, options.work)
    elif options.command == "pretrain":
        seconds = options.seconds
        if options.deadline:
            seconds = seconds_until(options.deadline) + seconds_spent(options.work / options.name)
        schedule = Schedule(
            steps=options.steps, seconds=None if options.steps else seconds, batch_tokens=options.batch_tokens,
            muon_rate=options.muon_rate, decay=options.decay, adam_rate=options.adam_rate,
        )  # fmt: skip
        pretrain(options.name, options.work, schedule, compiled=options.compiled)
    elif options.command == "turns":
        schedule = second_stage(steps=options.steps, seconds=None if options.steps else options.seconds)
        teach_turns(
            options.name, options.work, schedule, options.data, compiled=options.compiled,
            text_share=options.text_share,
        )  # fmt: skip
    else:
        export(options.name, options.work, options.folder, options.stage)


def second_stage(*, steps: int | None = None, seconds: float | None = None) -> Schedule:
    """Return the second stage's schedule: a quarter of the first stage's rates, falling from the start."""
    return Schedule(
        steps=steps, seconds=seconds, batch_tokens=4096,
        muon_rate=Schedule.muon_rate / 4, adam_rate=Schedule.adam_rate / 4,
        warmup=0.03, decay=0.97, long_from=2.0,
    )  # fmt: skip


def teach_turns(
    name: str,
    work: Path,
    schedule: Schedule,
    data: Path | None,
    *,
    made: int = 9000,
    compiled: bool = False,
    text_share: float = TEXT_SHARE,
):
    """Second stage: go on from ``<name>/checkpoint`` with conversations; the result is ``<name>-chat/checkpoint``."""
    from safetensors.torch import load_file
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(work / "tokenizer")
    first = work / name / "checkpoint"
    model = build_model(SHAPES[name], seed=schedule.seed)
    model.load_state_dict(load_file(first / "weights.safetensors"), strict=False)
    text = open_mixture(work, seed=schedule.seed)
    text.tokens_taken.update(json.loads((first / "position.json").read_text())["tokens_taken"])
    conversations, counts = collect(data, made=made, seed=schedule.seed)
    held_out = [path.read_text(encoding="utf-8") for path in sorted((work / "held_out").glob("*.txt"))]
    conversations = leave_out(conversations, held_out)
    turns = Turns(conversations, tokenizer, text, context=schedule.rows_context, text_share=text_share)
    print(name, counts, turns.rows, "rows", flush=True)
    log = lambda entry: print(entry, flush=True)  # noqa: E731
    return train(Learner(model, schedule, compiled=compiled), turns, work / f"{name}-chat", log=log)


def export(name: str, work: Path, folder: Path, stage: str = "") -> None:
    """Write the model folder of ``name`` from its newest checkpoint; ``stage="chat"`` takes the second stage's."""
    from transformers import AutoTokenizer

    run = work / (f"{name}-{stage}" if stage else name)
    tokenizer = AutoTokenizer.from_pretrained(work / "tokenizer")
    export_model(run / "checkpoint" / "weights.safetensors", SHAPES[name], tokenizer, folder)


def seconds_spent(run: Path) -> float:
    """Return the training seconds of the run's newest checkpoint, 0 without one."""
    position = run / "checkpoint" / "position.json"
    return json.loads(position.read_text())["progress"]["seconds"] if position.exists() else 0.0


def seconds_until(deadline: str) -> float:
    """Return the seconds from now to the next HH:MM in UTC."""
    hours, minutes = map(int, deadline.split(":"))
    now = time.time()
    return (hours * 3600 + minutes * 60 - now) % 86400


if __name__ == "__main__":
    main()
