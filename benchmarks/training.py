"""What a training step costs, beside a bare PyTorch loop and TRL: python benchmarks/training.py [--json FILE].

All learn the demo's tickets from the same tokens, with the same rate, batch and number of steps, on `tailor-base`. The
bare loop does the same mathematics on the same batches in turn with ours, its LoRA written by hand; of every step the
fastest of the rounds counts, so that a busy machine tells nothing. TRL (the extra `dev`) runs in a process of its own,
as ours does then, with its defaults and with the settings that are fastest here; counted are real tokens, not padding,
and neither the first steps nor any evaluation.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from tailor.machine import find_machine, peak_memory_gib, reset_peak_memory, use_cores_politely

use_cores_politely()

import torch  # noqa: E402
from made_dataset import write_dataset  # noqa: E402

from tailor.data.dataset import Dataset, Example  # noqa: E402
from tailor.models.catalog import resolve  # noqa: E402
from tailor.models.forward import autocast, quick_attention, split_head  # noqa: E402
from tailor.models.loading import load_model, load_tokenizer  # noqa: E402
from tailor.progress import Log  # noqa: E402
from tailor.techniques import find_technique  # noqa: E402
from tailor.techniques.lora import with_adapter  # noqa: E402
from tailor.training.batches import LengthBuckets  # noqa: E402
from tailor.training.objectives import LearnAnswers  # noqa: E402
from tailor.training.run import train  # noqa: E402
from tailor.training.watch import validation_loss  # noqa: E402

DEMO = Path(__file__).parents[1] / "data/demos/bank_support"
BASE, SEED, HELD_OUT, BATCH, WARM = "tailor-base", 0, 100, 8, 4
DROPOUT = 0.0  # a bare loop draws other numbers; without them both compute the very same losses
NOW = time.perf_counter
TRL_CHOICES = {
    "no checkpointing, group_by_length": {"train_sampling_strategy": "group_by_length"},
    "the same, chunked_nll": {"train_sampling_strategy": "group_by_length", "loss_type": "chunked_nll"},
}


def tickets() -> list[Example]:
    """The demo's tickets with an answer, as they came: message and reply."""
    import pandas as pd

    frames = [
        pd.read_csv(DEMO / "tickets_2024.csv", sep=";", encoding="cp1252", encoding_errors="replace")[
            ["Customer_Message", "Agent_Reply"]
        ].set_axis(["message", "reply"], axis=1),
        pd.read_csv(DEMO / "tickets_2025.csv")[["message", "reply"]],
    ]
    rows = pd.concat(frames).dropna().drop_duplicates()
    return [Example(f"ticket:{n}", *map(str, row)) for n, row in enumerate(rows.itertuples(index=False))]


def make_dataset(folder: Path) -> Dataset:
    import numpy as np

    rows = tickets()
    rows = [rows[i] for i in np.random.default_rng(SEED).permutation(len(rows))]
    parts = {"train": rows[HELD_OUT:], "test": rows[:HELD_OUT]}
    return write_dataset(folder, parts, task="respond", base=BASE, max_length=512)


class Timed(LearnAnswers):
    """Notes when each batch's loss begins, and how many tokens it has."""

    def __init__(self, dataset: Dataset) -> None:
        super().__init__(load_tokenizer(BASE), dataset)
        self.clock = Clock()
        self.losses: list[float] = []

    def loss(self, model: Any, batch: dict[str, Any]) -> tuple[Any, float]:
        self.clock.tick(batch["attention_mask"], batch["labels"])
        summed, weight = super().loss(model, batch)
        self.losses.append(float(summed.detach()) / weight)
        return summed, weight


@dataclass
class Clock:
    """When each step began, and the real and learned tokens that it read."""

    began: list[float] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    learned: list[int] = field(default_factory=list)

    def tick(self, mask: torch.Tensor, labels: torch.Tensor) -> None:
        self.began.append(NOW())
        self.tokens.append(int(mask.sum()))
        self.learned.append(int((labels[:, 1:] != -100).sum()))

    @property
    def seconds(self) -> list[float]:
        """Of each step after the first ones; the last one's end is not seen."""
        return [after - before for before, after in pairwise(self.began)][WARM:]

    def rate(self, counts: list[int]) -> float:
        return sum(counts[WARM:-1]) / sum(self.seconds)


def config_of(technique: str, steps: int) -> Any:
    values = {"max_steps": steps, "epochs": 100, "evaluations": 1, "checkpoint_seconds": 86400}
    values |= {"effective_batch_size": BATCH, "rows_at_once": BATCH}
    return find_technique(technique).Config(**values, **({"dropout": DROPOUT} if technique == "lora" else {}))


def learner(technique: str, config: Any) -> Any:
    """The model with what the technique trains, always from the same start."""
    torch.manual_seed(SEED)
    model = load_model(BASE)
    return with_adapter(model, config, resolve(BASE)) if technique == "lora" else model


def run_tailor(technique: str, dataset: Dataset, steps: int, folder: Path) -> tuple[Timed, Any]:
    config, objective = config_of(technique, steps), Timed(dataset)
    model = learner(technique, config)
    with tempfile.TemporaryDirectory(dir=folder) as out:
        train(model, objective, dataset, config, Path(out), base=BASE, seed=SEED, log=Log())
    return objective, model


# --- a bare loop -------------------------------------------------------------------------------------------------
class HandWritten(torch.nn.Module):
    """A linear layer with LoRA beside it, as in its paper: W x + alpha / r * B A x."""

    def __init__(self, layer: torch.nn.Linear, a: torch.Tensor, b: torch.Tensor, scale: float) -> None:
        super().__init__()
        self.layer, self.scale = layer, scale
        self.a, self.b = (torch.nn.Parameter(w.detach().clone()) for w in (a, b))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        linear = torch.nn.functional.linear
        return self.layer(x) + linear(linear(x, self.a), self.b) * self.scale


def bare_learner(technique: str, config: Any) -> Any:
    """The same start as `learner`'s, without PEFT: what it drew is taken over."""
    adapted = learner(technique, config)
    if technique != "lora":
        return adapted
    model = load_model(BASE).requires_grad_(False)
    for name, module in adapted.get_base_model().named_modules():
        if hasattr(module, "lora_A"):
            parent, _, last = name.rpartition(".")
            a, b = module.lora_A["default"].weight, module.lora_B["default"].weight
            owner = model.get_submodule(parent)
            setattr(owner, last, HandWritten(getattr(owner, last), a, b, config.alpha / config.rank))
    return model


def run_bare(technique: str, dataset: Dataset, steps: int) -> tuple[Clock, list[float]]:
    """Layers, head on learned tokens, cross entropy, backward, clip, AdamW, cosine, with attention computed as ours
    is: and nothing else."""
    from transformers import get_cosine_schedule_with_warmup

    config, objective = config_of(technique, steps), LearnAnswers(load_tokenizer(BASE), dataset)
    model = bare_learner(technique, config)
    body, head = split_head(model)
    rows = [row for row in map(objective.encode, dataset.train) if row]
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(
        weights, lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
    )
    schedule = get_cosine_schedule_with_warmup(optimizer, -(-steps // 20), steps)
    clock, losses = Clock(), []
    model.train()
    with quick_attention(model, BATCH, max(len(row["input_ids"]) for row in rows)):
        for batch in bare_batches(objective, rows, steps):
            clock.tick(batch["attention_mask"], batch["labels"])
            with autocast(torch.device("cpu")):
                targets = batch["labels"][:, 1:]
                learned = targets != -100
                states = body(
                    input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], use_cache=False
                )
                logits = head(states.last_hidden_state[:, :-1][learned])
                loss = torch.nn.functional.cross_entropy(logits.float(), targets[learned])
            loss.backward()
            torch.nn.utils.clip_grad_norm_(weights, config.max_grad_norm)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            losses.append(float(loss.detach()))
    return clock, losses


def bare_batches(objective: LearnAnswers, rows: list[dict[str, Any]], steps: int) -> Any:
    done, epoch = 0, 0
    while True:
        order = list(LengthBuckets([len(row["input_ids"]) for row in rows], BATCH, SEED, lambda e=epoch: e))
        for start in range(0, len(order), BATCH):
            if done == steps:
                return
            yield objective.collate([rows[i] for i in order[start : start + BATCH]])
            done += 1
        epoch += 1


def step_ratio(technique: str, dataset: Dataset, steps: int, rounds: int, folder: Path) -> dict[str, float]:
    """Ours to bare, each step's fastest of the rounds; and by how much the losses differ."""
    ours, bare, apart = [], [], 0.0
    for number in range(rounds):
        turns = [
            lambda: run_tailor(technique, dataset, steps, folder)[0],
            lambda: run_bare(technique, dataset, steps),
        ]
        # whoever goes second finds the kernels compiled: they take turns in that too
        first, second = (turn() for turn in (turns if number % 2 else turns[::-1]))
        objective, (clock, losses) = (first, second) if number % 2 else (second, first)
        ours.append(objective.clock.seconds)
        bare.append(clock.seconds)
        apart = max(abs(a - b) / b for a, b in zip(objective.losses, losses, strict=True))
    fastest = [sum(map(min, zip(*times, strict=True))) for times in (ours, bare)]
    return {
        f"{technique}.step_seconds": fastest[0] / len(ours[0]),
        f"{technique}.bare_step_seconds": fastest[1] / len(ours[0]),
        f"{technique}.step_ratio_to_bare_loop": fastest[0] / fastest[1],
        f"{technique}.largest_difference_of_losses": apart,
    }


# --- a process of its own: ours, or TRL ----------------------------------------------------------------------------
def run_trl(dataset: Dataset, steps: int, folder: Path, **choices: Any) -> tuple[Clock, Any]:
    """SFTTrainer on the same tokens, adapter, rate and batch; everything not named is its default."""
    from datasets import Dataset as Rows
    from trl import SFTConfig, SFTTrainer

    config, objective, clock = config_of("lora", steps), LearnAnswers(load_tokenizer(BASE), dataset), Clock()
    rows = [row for row in map(objective.encode, dataset.train) if row]
    arguments = SFTConfig(
        output_dir=str(folder), max_steps=steps, learning_rate=config.learning_rate, seed=SEED,
        per_device_train_batch_size=BATCH, lr_scheduler_type="cosine", warmup_steps=-(-steps // 20),
        report_to="none", save_strategy="no", disable_tqdm=True, use_cpu=not torch.cuda.is_available(), **choices,
    )  # fmt: skip

    class Counted(SFTTrainer):
        def compute_loss(self, model: Any, inputs: dict[str, Any], *rest: Any, **named: Any) -> Any:
            mask = inputs.get("attention_mask", torch.ones_like(inputs["input_ids"]))
            clock.tick(mask, inputs["labels"])
            return super().compute_loss(model, inputs, *rest, **named)

    model = learner("lora", config)
    given = Rows.from_list([{"input_ids": row["input_ids"], "labels": row["labels"]} for row in rows])
    Counted(model, args=arguments, train_dataset=given, processing_class=load_tokenizer(BASE)).train()
    learned = {name: weight.float() for name, weight in model.state_dict().items() if "lora_" in name}
    fresh = learner("lora", config)  # the trainer changed the model's forward and number format
    fresh.load_state_dict(learned, strict=False)
    return clock, fresh


def run_part(part: str, dataset: Dataset, steps: int, folder: Path) -> dict[str, float]:
    """One run: its speed, its peak memory, and the loss on rows that nobody learned."""
    if part == "tailor":
        objective, model = run_tailor("lora", dataset, steps, folder)
        clock = objective.clock
    else:
        chosen = {} if part == "TRL's defaults" else {"activation_checkpointing": False, **TRL_CHOICES[part]}
        clock, model = run_trl(dataset, steps, folder, **chosen)
    objective = LearnAnswers(load_tokenizer(BASE), dataset)
    rows = [row for row in map(objective.encode, dataset.test) if row]
    peak = peak_memory_gib()
    return {
        "tokens_per_second": clock.rate(clock.tokens),
        "learned_tokens_per_second": clock.rate(clock.learned),
        "peak_gib": peak,
        "final_loss": validation_loss(model, objective, rows, 16),
    }


def in_own_process(part: str, steps: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--part", part, "--steps", str(steps)]
    command += ["--cpu-seconds"] if NOW is time.process_time else []
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{part} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


# --- operations ----------------------------------------------------------------------------------------------------
def matmul_ceiling() -> float:
    """Operations a second of a large matrix product in the number format that training uses."""
    dtype = torch.bfloat16 if find_machine().fast_bf16 else torch.float32
    a, b, best = torch.randn(2048, 2048).to(dtype), torch.randn(2048, 2048).to(dtype), float("inf")
    for _ in range(20):
        start = NOW()
        a @ b
        best = min(best, NOW() - start)
    return 2 * 2048**3 / best


def operations_per_second(figures: dict[str, float]) -> float:
    """Of LoRA: 4 for each weight of the layers and real token, and of the head and learned token. Attention's own
    products, a few percent at these lengths, are left out."""
    model = load_model(BASE)
    _, head = split_head(model)
    layers = sum(w.numel() for w in model.parameters()) - head.weight.numel()
    return 4 * (
        layers * figures["tokens_per_second"] + head.weight.numel() * figures["learned_tokens_per_second"]
    )


def compare_with_trl(steps: int) -> dict[str, float]:
    parts: dict[str, dict[str, float]] = {}
    for part in ("tailor", "TRL's defaults", *TRL_CHOICES):
        parts[part] = found = in_own_process(part, steps)
        print(
            f"{part:36s} {found['tokens_per_second']:9,.0f} tokens/s {found['peak_gib']:6.2f} GiB "
            f"loss on unseen rows {found['final_loss']:.4f}",
            flush=True,
        )
    ours, defaults = parts["tailor"], parts["TRL's defaults"]
    best = max((parts[name] for name in TRL_CHOICES), key=lambda found: found["tokens_per_second"])
    ceiling = matmul_ceiling()
    return {f"lora.{name}": value for name, value in ours.items()} | {
        "lora.speedup_over_trl_defaults": ours["tokens_per_second"] / defaults["tokens_per_second"],
        "lora.speedup_over_trl_best": ours["tokens_per_second"] / best["tokens_per_second"],
        "lora.loss_over_trl_defaults": ours["final_loss"] / defaults["final_loss"],
        "lora.loss_over_trl_best": ours["final_loss"] / best["final_loss"],
        "matmul.gigaflops": ceiling / 1e9,
        "lora.model_flop_use": operations_per_second(ours) / ceiling,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", type=Path, help="write the figures here, as one flat object")
    parser.add_argument("--steps", type=int, default=100, help="steps of each run beside TRL")
    parser.add_argument(
        "--ratio-steps", type=int, default=24, help="steps of each round beside the bare loop"
    )
    parser.add_argument("--rounds", type=int, default=4, help="rounds of ours and the bare loop in turn")
    parser.add_argument("--without-trl", action="store_true")
    parser.add_argument(
        "--cpu-seconds", action="store_true", help="count these: for a machine that others use too"
    )
    parser.add_argument("--part", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.cpu_seconds:
        global NOW
        NOW = time.process_time
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        dataset = make_dataset(folder)
        if options.part:
            reset_peak_memory()
            print(json.dumps(run_part(options.part, dataset, options.steps, folder)))
            return
        for technique in ("lora", "full"):
            figures |= step_ratio(technique, dataset, options.ratio_steps, options.rounds, folder)
            print(
                f"{technique}: {figures[f'{technique}.step_ratio_to_bare_loop']:.3f} of a bare loop's step",
                flush=True,
            )
    if not options.without_trl:
        figures |= compare_with_trl(options.steps)
    for key, value in figures.items():
        print(f"{key:40s} {value:12,.4f}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
