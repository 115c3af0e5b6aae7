"""Watching training: curves, measurements on validation rows, the best weights, early stopping, broken numbers."""

import math
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from tailor.models.forward import autocast
from tailor.progress import Log
from tailor.techniques.base import Measure
from tailor.training.breaks import broken, exploded, has_exploded, room_for
from tailor.training.objectives import Objective
from tailor.training.settings import TrainingConfig
from tailor.training.weights import all_finite, save_trainable

BEST = "best-{step:06d}.safetensors"


@dataclass
class Course:
    """What happened so far; goes into every checkpoint, so that a resumed run knows it too.

    Attributes:
        curves: series -> [(step, value)].
        best_step: step with the lowest validation loss; its weights are kept.
        waited: evaluations since then.
        tokens, learned: tokens read and learned.
        seconds: of training, without loading and measuring.
    """

    curves: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    best_step: int = 0
    best_loss: float = math.inf
    waited: int = 0
    stopped_early: bool = False
    tokens: int = 0
    learned: int = 0
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        values = asdict(self)
        return values | {"best_loss": None if math.isinf(self.best_loss) else self.best_loss}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Course":
        course = cls(**values)
        course.best_loss = math.inf if course.best_loss is None else course.best_loss
        course.curves = {name: [(s, v) for s, v in points] for name, points in course.curves.items()}
        return course


class Watch(TrainerCallback):
    """Called by the Trainer after each step.

    Args:
        rows: encoded validation rows.
        steps: how many steps there will be.
        folder: where the best weights are kept.
    """

    def __init__(
        self,
        objective: Objective,
        rows: Sequence[dict[str, Any]],
        config: TrainingConfig,
        *,
        steps: int,
        folder: Path,
        measure: Measure | None,
        log: Log,
        course: Course,
    ) -> None:
        self.objective, self.rows, self.config, self.log = objective, rows, config, log
        self.steps, self.folder, self.measure, self.course = steps, folder, measure, course
        self.every = max(1, math.ceil(steps / config.evaluations))
        self.interrupted = False
        self._saved = self._ticked = time.monotonic()

    # --- called by the trainer ---------------------------------------------------------------------------------
    def on_train_begin(self, args, state, control, model=None, **rest):
        self._saved = time.monotonic()
        if state.global_step == 0 and self.rows:
            self.evaluate(model, 0)
        self.log.progress(state.global_step, self.steps, "training steps")
        self._ticked = time.monotonic()

    def on_step_end(self, args, state, control, model=None, **rest):
        step = state.global_step
        self.log.progress(step, self.steps, "training steps")
        last = step >= self.steps
        self._tick()
        if self.rows and (step % self.every == 0 or last):
            self.evaluate(model, step)
            control.should_training_stop |= self._had_enough()
            self._ticked = time.monotonic()
        due = time.monotonic() - self._saved >= self.config.checkpoint_seconds
        if self.interrupted or (due and not last and not control.should_training_stop):
            control.should_save = True
            self._saved = time.monotonic()
        control.should_training_stop |= self.interrupted
        return control

    # --- the work ----------------------------------------------------------------------------------------------
    def add(self, series: str, step: int, value: float) -> None:
        """Add a point to a curve, here and on the screen."""
        self.course.curves.setdefault(series, []).append((step, round(value, 6)))
        self.log.point(series, step, value)

    def learned(self, step: int, loss: float) -> None:
        """Note a step's training loss.

        Raises:
            TrainingBroke: it is out of all proportion to the first one.
        """
        self.add("training loss", step, loss)
        first = self.course.curves["training loss"][0][1]
        if has_exploded(loss, first):
            raise exploded(loss, first, step, self.config)

    def evaluate(self, model: Any, step: int) -> None:
        """Measure validation loss and the task's metric, and keep the weights if they are the best so far."""
        size, longest = self.config.rows_at_once * 2, max(len(row["input_ids"]) for row in self.rows)
        with room_for(size, longest, step):
            loss = validation_loss(model, self.objective, self.rows, size)
        if not math.isfinite(loss):
            raise broken("the validation loss", step, self.config, moved=step > 0)
        self.add("validation loss", step, loss)
        if self.measure is not None:
            for name, value in self.measure(self.objective.as_language_model(model)).items():
                self.add(f"validation {name}", step, float(value))
        if loss < self.course.best_loss:
            self._keep(model, step, loss)
        else:
            self.course.waited += 1

    def _keep(self, model: Any, step: int, loss: float) -> None:
        if not all_finite(model):
            raise broken("a weight", step, self.config)
        save_trainable(model, self.folder / BEST.format(step=step))
        self.course.best_step, self.course.best_loss, self.course.waited = step, loss, 0

    def _had_enough(self) -> bool:
        self.course.stopped_early = 0 < self.config.patience <= self.course.waited
        return self.course.stopped_early

    def _tick(self) -> None:
        now = time.monotonic()
        self.course.seconds += now - self._ticked
        self._ticked = now


def validation_loss(model: Any, objective: Objective, rows: Sequence[dict[str, Any]], size: int) -> float:
    """Mean loss (nats per learned token, or per row for labels) over rows, in batches of similar length."""
    import torch

    device = next(model.parameters()).device
    ordered = sorted(rows, key=lambda row: -len(row["input_ids"]))
    training, total, number = model.training, 0.0, 0
    model.eval()
    try:
        # what an objective draws (an encoder's hidden tokens) is the same at every measurement
        with torch.random.fork_rng(devices=[]), torch.inference_mode(), autocast(device):
            torch.manual_seed(0)
            for start in range(0, len(ordered), size):
                plain = [
                    row | {"weight": 1.0, "token_weights": None} for row in ordered[start : start + size]
                ]
                batch = objective.collate(plain)
                summed, learned = objective.loss(model, {k: v.to(device) for k, v in batch.items()})
                total, number = total + float(summed), number + learned
    finally:
        model.train(training)
    return total / max(number, 1)


class stopping_cleanly:
    """Inside the block, Ctrl-C, "interrupt kernel" and SIGTERM end training after the current step, with a
    checkpoint, instead of in the middle of one. Only the main thread receives signals."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.before: dict[int, Any] = {}

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self.before[number] = signal.signal(number, self._note)

    def _note(self, number: int, frame: object) -> None:
        self.watch.interrupted = True

    def __exit__(self, *problem: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)
