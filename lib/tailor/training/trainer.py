"""transformers' Trainer, told what a batch is, what the loss is, and to write whole checkpoints or none."""

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from transformers import Trainer, TrainingArguments
from transformers.trainer_callback import PrinterCallback, ProgressCallback

from tailor.errors import WorkbenchError
from tailor.files import disk_error, write_json
from tailor.models.forward import autocast
from tailor.training.batches import LengthBuckets, prediction_weights
from tailor.training.breaks import broken, room_for
from tailor.training.checkpoints import all_checkpoints, seal
from tailor.training.layer_rates import record_update_ratios
from tailor.training.objectives import Objective
from tailor.training.settings import TrainingConfig
from tailor.training.watch import BEST, Course, Watch
from tailor.training.weights import all_finite, load_trainable, save_trainable

COURSE, TRAINED = "course.json", "trained.safetensors"
RATIO_POINTS = 20  # how often update-to-weight ratios are measured in a run


def arguments(config: TrainingConfig, folder: Path, steps: int, seed: int) -> TrainingArguments:
    """The Trainer's own settings, with everything that prints, reports or saves by itself turned off."""
    return TrainingArguments(
        output_dir=str(folder),
        max_steps=steps,
        per_device_train_batch_size=min(config.rows_at_once, config.effective_batch_size),
        gradient_accumulation_steps=max(1, config.effective_batch_size // config.rows_at_once),
        learning_rate=config.learning_rate,
        lr_scheduler_type="constant_with_warmup" if config.schedule == "constant" else config.schedule,
        warmup_steps=math.ceil(steps * config.warmup_share),
        weight_decay=config.weight_decay,
        max_grad_norm=config.max_grad_norm,
        optim="adamw_torch_fused",  # one pass over the weights instead of seven
        seed=seed,
        data_seed=seed,
        use_cpu=not torch.cuda.is_available(),
        bf16=False,  # the loss runs under our own autocast
        eval_strategy="no",
        save_strategy="no",
        logging_strategy="no",
        logging_nan_inf_filter=False,
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_pin_memory=torch.cuda.is_available(),
        dataloader_num_workers=0,
    )


class QuietTrainer(Trainer):
    """A Trainer whose loss comes from an `Objective` and whose checkpoints are atomic.

    Args:
        rows: encoded training rows.
        watch: receives losses and decides when to save and to stop.
        folder: where checkpoints go.
        make_optimizer: (model, learning rate) -> optimizer, where a technique moves its weights in its own way.
        attend: (model, optimizer, steps) is told of the optimizer before the first step, to follow its steps.
    """

    def __init__(
        self,
        model: Any,
        objective: Objective,
        rows: list[dict[str, Any]],
        watch: Watch,
        folder: Path,
        args: TrainingArguments,
        make_optimizer: Callable[[Any, float], Any] | None = None,
        attend: Callable[[Any, Any, int], None] | None = None,
    ) -> None:
        self.objective, self.watch, self.folder = objective, watch, folder
        self.make_optimizer, self.attend = make_optimizer, attend
        self._losses: list[float] = []
        super().__init__(
            model=model, args=args, train_dataset=rows, data_collator=objective.collate, callbacks=[watch]
        )
        self.model_accepts_loss_kwargs = True  # the loss is divided by the whole effective batch's count
        for callback in (PrinterCallback, ProgressCallback):
            self.remove_callback(callback)

    # --- data --------------------------------------------------------------------------------------------------
    def _get_train_sampler(self, train_dataset: Any = None) -> LengthBuckets:
        return LengthBuckets(
            [len(row["input_ids"]) for row in self.train_dataset],
            self.args.per_device_train_batch_size,
            self.args.data_seed,
            epoch=lambda: math.floor((self.state.epoch or 0.0) + 1e-6),
        )

    def _get_num_items_in_batch(self, batch_samples: list, device: Any) -> Any:
        """The weight of the effective batch: of its learned tokens, or of its rows for labels; 1 each as a rule."""
        if not batch_samples:
            return None
        total = sum(float(prediction_weights(batch).sum()) for batch in batch_samples)
        return torch.as_tensor(total, device=device)

    # --- loss --------------------------------------------------------------------------------------------------
    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        with autocast(inputs["input_ids"].device):
            summed, weight = self.objective.loss(model, inputs)
        self.watch.course.tokens += int(inputs["attention_mask"].sum())
        self.watch.course.learned += prediction_weights(inputs).numel()
        return summed / (weight if num_items_in_batch is None else num_items_in_batch)

    def training_step(self, model, inputs, num_items_in_batch=None):
        done = self.state.global_step
        with room_for(*inputs["input_ids"].shape, done + 1):
            loss = super().training_step(model, inputs, num_items_in_batch)
        if not math.isfinite(float(loss)):
            raise broken("the training loss", done + 1, self.watch.config, moved=done > 0)
        self._losses.append(float(loss))
        if self.accelerator.sync_gradients:
            self.watch.learned(done + 1, sum(self._losses))
            self._losses.clear()
        return loss

    def _clip_grad_norm(self, model):
        """Scale the gradients down to the length that is allowed, all read once; stop where one is no number."""
        weights = {name: w for name, w in model.named_parameters() if w.grad is not None}
        length = torch.nn.utils.get_total_norm([weight.grad for weight in weights.values()])
        if not length.isfinite():
            bad = (name for name, weight in weights.items() if not weight.grad.isfinite().all())
            what = "the gradient of " + next(bad, "all weights together")
            done = self.state.global_step
            raise broken(what, done + 1, self.watch.config, moved=done > 0)
        torch.nn.utils.clip_grads_with_norm_(weights.values(), self.args.max_grad_norm, length)
        return length

    def floating_point_ops(self, inputs):
        return 0  # not read by anybody

    def create_optimizer(self, model=None):
        if self.make_optimizer and self.optimizer is None:
            self.optimizer = self.make_optimizer(self.model, self.args.learning_rate)
            every = max(1, self.args.max_steps // RATIO_POINTS)
            record_update_ratios(self.optimizer, self.watch.add, lambda: self.state.global_step + 1, every)
        if self.optimizer is None:
            super().create_optimizer()
        if self.attend:
            self.attend(self.model, self.optimizer, self.args.max_steps)
            self.attend = None
        return self.optimizer

    # --- checkpoints -------------------------------------------------------------------------------------------
    def _save_checkpoint(self, model, trial):
        step = self.state.global_step
        if not all_finite(self.model):
            raise broken("a weight", step, self.watch.config)
        try:
            super()._save_checkpoint(model, trial)  # writes to _get_output_dir()/checkpoint-<step>
            written = self.folder / ".writing" / f"checkpoint-{step}"
            (written / "training_args.bin").unlink(missing_ok=True)  # a pickle that resuming does not need
            write_json(written / COURSE, self.watch.course.as_dict())
            seal(written, self.folder, step)
        except OSError as error:
            raise disk_error(error, self.folder) from error
        except RuntimeError as error:  # torch's zip writer hides the operating system's reason
            raise _write_error(error, self.folder) from error
        finally:
            shutil.rmtree(self.folder / ".writing", ignore_errors=True)
        self._drop_old_best()

    def _save(self, output_dir=None, state_dict=None):
        """What is trained and nothing else: frozen weights are the base model's, which is there."""
        Path(output_dir).mkdir(parents=True, exist_ok=True)
        save_trainable(self.model, Path(output_dir) / TRAINED)

    def _load_from_checkpoint(self, resume_from_checkpoint, model=None):
        load_trainable(self.model, Path(resume_from_checkpoint) / TRAINED)

    def _get_output_dir(self, trial):
        return str(self.folder / ".writing")

    def _drop_old_best(self) -> None:
        """Remove best weights that no checkpoint refers to."""
        wanted = {BEST.format(step=self.watch.course.best_step)}
        for checkpoint in all_checkpoints(self.folder):
            wanted.add(BEST.format(step=read_course(checkpoint).best_step))
        for path in self.folder.glob("best-*.safetensors"):
            if path.name not in wanted:
                path.unlink()


def read_course(checkpoint: Path) -> Course:
    return Course.from_dict(json.loads((checkpoint / COURSE).read_text(encoding="utf-8")))


def _write_error(error: RuntimeError, folder: Path) -> Exception:
    free = shutil.disk_usage(folder).free
    if "inline_container" not in str(error) and "PytorchStreamWriter" not in str(error):
        return error
    return WorkbenchError(
        f"a checkpoint could not be written to {folder}: {free:,} bytes are free there",
        "room for the checkpoint; the one before it is untouched",
        "free some space, or set TAILOR_HOME to a folder on a larger disk, and run the step again",
    )
