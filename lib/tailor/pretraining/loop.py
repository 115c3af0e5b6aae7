"""The training loop: bf16 arithmetic over fp32 weights, Muon for matrices and AdamW for the rest, resumable.

Written out rather than taken from Trainer because it is meant to be read, and because the schedule can follow the
clock: a run is given either a number of steps or a number of seconds, and warm-up and decay are shares of it.
Warm-up, stable, decay (WSD): the learning rate stays high and is lowered only at the end, which lets a run be
extended from a checkpoint taken before the decay (Hu et al. 2024, MiniCPM, section 4).
Muon orthogonalizes each matrix's update (Jordan et al. 2024); ``match_rms_adamw`` scales it as in Liu et al. 2025
(Muon is scalable for LLM training, section 2.2), so that one scale of learning rates serves both optimizers.
"""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tailor.pretraining.checkpoint import Progress, load_checkpoint, save_checkpoint

if TYPE_CHECKING:
    import torch

    from tailor.pretraining.packing import Mixture

HEAD_CHUNK = 1024  # tokens whose logits exist at once; all of a batch's would be 8,192 x 8,192 floats


@dataclass(frozen=True)
class Shape:
    """A Llama decoder's sizes. Heads have 64 numbers each; embeddings are tied."""

    width: int
    layers: int
    feed_forward: int
    vocabulary: int = 8192
    context: int = 512

    @property
    def heads(self) -> int:
        return max(1, self.width // 64)


MINI = Shape(width=192, layers=4, feed_forward=512)
BASE = Shape(width=320, layers=5, feed_forward=896)


@dataclass(frozen=True)
class Schedule:
    """How long to train and how fast. Exactly one of ``steps`` and ``seconds`` is set."""

    steps: int | None = None
    seconds: float | None = None  # seconds inside training steps, summed over resumed runs
    batch_tokens: int = 8192
    rows_context: int = 256  # tokens per row in the first part
    long_context: int = 512  # tokens per row in the last part, so that the whole context is learned
    long_from: float = 0.85  # share of the run after which rows are long
    warmup: float = 0.02  # share of the run
    decay: float = 0.35  # share of the run
    muon_rate: float = 6e-3
    adam_rate: float = 6e-3
    weight_decay: float = 0.05
    clip: float = 1.0
    seed: int = 1

    def rate(self, progress: float) -> float:
        """Return the learning rate's factor in [0, 1] at ``progress`` in [0, 1]."""
        if progress < self.warmup:
            return max(progress / self.warmup, 0.01)
        if progress > 1 - self.decay:
            return max(0.0, (1 - progress) / self.decay)
        return 1.0


def build_model(shape: Shape, *, seed: int, end_of_text: int = 0, pad: int = 1):
    """Return a fresh ``LlamaForCausalLM``, fp32. The last matrix of each residual branch starts at zero."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=shape.vocabulary,
            hidden_size=shape.width,
            intermediate_size=shape.feed_forward,
            num_hidden_layers=shape.layers,
            num_attention_heads=shape.heads,
            num_key_value_heads=shape.heads,
            max_position_embeddings=shape.context,
            tie_word_embeddings=True,
            bos_token_id=end_of_text,
            eos_token_id=end_of_text,
            pad_token_id=pad,
        )
    )
    with torch.no_grad():
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
    return model


class Learner:
    """The fp32 weights with their optimizers, and the bf16 copy that does the arithmetic.

    Small updates vanish when they are added to a bf16 number, so the sums are kept in fp32; products are three times
    as fast in bf16 on processors with avx512_bf16 or AMX. Elsewhere pass ``half=False``.
    """

    def __init__(self, model, schedule: Schedule, *, half: bool = True, compiled: bool = False) -> None:
        import torch

        self.schedule = schedule
        self.model = model.to(torch.bfloat16) if half else model
        self.names = [name for name, _ in model.named_parameters()]
        self.master = [p.detach().float().clone().requires_grad_() for p in model.parameters()]
        matrices, rest = [], []
        for name, weight in zip(self.names, self.master, strict=True):
            (matrices if weight.ndim == 2 and "embed" not in name else rest).append(weight)
        self.optimizers = [
            torch.optim.Muon(
                matrices,
                lr=schedule.muon_rate,
                weight_decay=schedule.weight_decay,
                momentum=0.95,
                adjust_lr_fn="match_rms_adamw",
            ),
            torch.optim.AdamW(rest, lr=schedule.adam_rate, betas=(0.9, 0.95), weight_decay=0.0, fused=True),
        ]
        self.base_rates = [schedule.muon_rate, schedule.adam_rate]
        if compiled:  # plain attention, which the compiler fuses, is faster than the flash kernel on CPU
            self.model.set_attn_implementation("eager")
        self._loss = torch.compile(self.loss, dynamic=False) if compiled else self.loss

    def loss(self, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Mean negative log-likelihood in nats. inputs, targets: [B, T]; targets of -100 are not learned."""
        import torch.nn.functional as F

        states = self.model.model(input_ids=inputs, use_cache=False).last_hidden_state
        states = states.reshape(-1, states.shape[-1])
        flat = targets.reshape(-1)
        total = 0.0
        for first in range(0, len(flat), HEAD_CHUNK):
            part = slice(first, first + HEAD_CHUNK)
            logits = F.linear(states[part], self.model.lm_head.weight).float()
            total = total + F.cross_entropy(logits, flat[part], reduction="sum", ignore_index=-100)
        return total / (flat != -100).sum()

    def step(self, inputs: torch.Tensor, targets: torch.Tensor, factor: float, *, parts: int = 1) -> float:
        """One optimizer step on a batch handled in ``parts``; returns the loss before it, in nats.

        Raises:
            FloatingPointError: the loss is not finite. Weights are as they were before the step.
        """
        import torch

        loss = 0.0
        for some, wanted in zip(inputs.chunk(parts), targets.chunk(parts), strict=True):
            value = self._loss(some, wanted) / parts
            value.backward()
            loss += value.item()
        if not math.isfinite(loss):
            self.model.zero_grad(set_to_none=True)
            raise FloatingPointError(f"the loss became {loss}")
        for weight, copy in zip(self.master, self.model.parameters(), strict=True):
            weight.grad = copy.grad.float()
            copy.grad = None
        torch.nn.utils.clip_grad_norm_(self.master, self.schedule.clip)
        for optimizer, rate in zip(self.optimizers, self.base_rates, strict=True):
            optimizer.param_groups[0]["lr"] = rate * factor
            optimizer.step()
        self.sync()
        return loss

    def warm_up(self, schedule: Schedule, parts: int) -> None:
        """Run the arithmetic once without learning, so that compiling isn't counted as training time."""
        import torch

        rows = max(1, schedule.batch_tokens // schedule.rows_context // parts)
        ids = torch.zeros((rows, schedule.rows_context), dtype=torch.long)
        self._loss(ids, ids).backward()
        self.model.zero_grad(set_to_none=True)

    def sync(self) -> None:
        """Copy the fp32 weights into the model that computes."""
        import torch

        with torch.no_grad():
            for weight, copy in zip(self.master, self.model.parameters(), strict=True):
                copy.copy_(weight)

    def state(self) -> dict[str, torch.Tensor]:
        return {name: weight.detach() for name, weight in zip(self.names, self.master, strict=True)}


def train(
    learner: Learner,
    mixture: Mixture,
    folder: Path,
    *,
    parts: int = 1,
    save_every: float = 180.0,
    log_every: int = 20,
    log=print,
) -> Progress:
    """Train until the schedule is used up; resume from ``folder/checkpoint`` when there is one.

    Args:
        folder: gets ``checkpoint/`` and ``log.jsonl`` (step, tokens, seconds, loss in nats, rate, tok/s).
        parts: pieces a batch is handled in (gradient accumulation), for memory.
        save_every: seconds between checkpoints.
    """
    schedule = learner.schedule
    checkpoint = folder / "checkpoint"
    resuming = checkpoint.exists() or checkpoint.with_name("checkpoint.old").exists()
    progress = load_checkpoint(checkpoint, learner, mixture) if resuming else Progress()
    folder.mkdir(parents=True, exist_ok=True)
    learner.warm_up(schedule, parts)
    saved = logged = time.monotonic()
    tokens_logged, recent = progress.tokens, []
    while (share := progress.share(schedule)) < 1.0:
        begun = time.monotonic()
        recent.append(_train_step(learner, mixture, progress, share, parts))
        progress.seconds += time.monotonic() - begun
        if progress.step % log_every == 0 or progress.share(schedule) >= 1.0:
            now = time.monotonic()
            entry = {
                "step": progress.step, "tokens": progress.tokens, "seconds": round(progress.seconds, 1),
                "loss": round(sum(recent) / len(recent), 4), "rate": round(schedule.rate(share), 4),
                "tokens_per_second": round((progress.tokens - tokens_logged) / (now - logged)),
            }  # fmt: skip
            progress.losses.append(entry["loss"])
            logged, tokens_logged, recent = now, progress.tokens, []
            with open(folder / "log.jsonl", "a") as file:
                file.write(json.dumps(entry) + "\n")
            log(entry)
        if time.monotonic() - saved > save_every:
            save_checkpoint(checkpoint, learner, progress, mixture)
            saved = time.monotonic()
    save_checkpoint(checkpoint, learner, progress, mixture)
    return progress


def _train_step(learner: Learner, mixture: Mixture, progress: Progress, share: float, parts: int) -> float:
    import torch

    schedule = learner.schedule
    context = schedule.long_context if share >= schedule.long_from else schedule.rows_context
    batch = mixture.batch(progress.step, max(1, schedule.batch_tokens // context), context)
    inputs, targets = (torch.from_numpy(part).contiguous() for part in batch)
    loss = learner.step(inputs, targets, schedule.rate(share), parts=parts)
    progress.step += 1
    progress.tokens += inputs.numel()
    return loss
