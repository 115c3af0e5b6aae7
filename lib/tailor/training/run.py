"""Training a model on a dataset's rows: what every technique that learns by gradient shares."""

import math
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tailor.data.dataset import Dataset, Example
from tailor.errors import WorkbenchError
from tailor.files import disk_error, writing
from tailor.progress import Log
from tailor.techniques.base import Measure
from tailor.training.objectives import Objective
from tailor.training.replay import replayed
from tailor.training.settings import TrainingConfig
from tailor.training.weights import save_model


def train(
    model: Any,
    objective: Objective,
    dataset: Dataset,
    config: TrainingConfig,
    out_dir: Path,
    *,
    base: str,
    seed: int,
    log: Log,
    measure: Measure | None = None,
    save: Callable[[Any, Path, str], None] = save_model,
    make_optimizer: Callable[[Any, float], Any] | None = None,
    attend: Callable[[Any, Any, int], None] | None = None,
) -> dict[str, Any]:
    """Train whatever of `model` requires a gradient, and save it as `out_dir`/model, whole or not at all.

    Checkpoints stand in `out_dir`/.checkpoints; a killed run goes on from the last whole one and ends with the same
    weights. They are removed when training is done.

    Args:
        base: the base model's name, kept with the weights.
        save: (model, folder, base) writes what was learned; an adapter or the whole model where nothing is said.
        make_optimizer: (model, learning rate) -> optimizer; AdamW where nothing is said.
        attend: (model, optimizer, steps) is told of the optimizer before the first step, to follow its steps.

    Returns:
        Figures for the run's record.

    Raises:
        WorkbenchError: nothing can be learned from the rows, or a number broke (cause and remedy are named).
        KeyboardInterrupt: a person stopped training; a checkpoint was written.
    """
    from transformers import set_seed

    from tailor.models.forward import quick_attention
    from tailor.training.rate_range import tell, tested_rate
    from tailor.training.trainer import QuietTrainer, arguments
    from tailor.training.watch import Watch, stopping_cleanly

    again = _replayed(model, objective, dataset, config, seed, log)
    rows, notes = encode_rows(objective, dataset, log, again)
    steps = count_steps(config, len(rows))
    folder = _make_folder(out_dir / ".checkpoints")
    rates = None
    if config.learning_rate_test:
        rates = tested_rate(model, objective, rows, config, folder, make_optimizer, seed=seed, log=log)
        config = config.model_copy(update={"learning_rate": rates.chosen})
        notes.append(tell(rates))
        log.note(notes[-1])
    found, course = _resume_point(folder, steps, log)
    known = validation_rows(objective, dataset, config, seed)
    watch = Watch(
        objective, known, config, steps=steps, folder=folder, measure=measure, log=log, course=course
    )
    set_seed(seed)
    options = arguments(config, folder, steps, seed)
    trainer = QuietTrainer(model, objective, rows, watch, folder, options, make_optimizer, attend)
    longest = max(len(row["input_ids"]) for row in rows)
    with stopping_cleanly(watch), quick_attention(model, config.rows_at_once, longest):
        trainer.train(resume_from_checkpoint=str(found) if found else None)
    if watch.interrupted:
        raise KeyboardInterrupt
    figures = finish(model, watch, out_dir, base, save)
    return {**figures, "rate_test": rates, "notes": [*notes, *figures["notes"]]}


def _make_folder(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(error, folder) from error
    return folder


def _resume_point(folder: Path, steps: int, log: Log) -> tuple[Path | None, Any]:
    """The checkpoint to go on from, if there is one, and the Course until there, whose live curves are redrawn."""
    from tailor.training.checkpoints import last_complete
    from tailor.training.trainer import read_course
    from tailor.training.watch import Course

    found = last_complete(folder, log)
    if found is None:
        return None, Course()
    log.note(f"Training goes on from step {int(found.name[5:]):,} of {steps:,}.")
    course = read_course(found)
    for name, points in course.curves.items():
        for step, value in points:
            log.point(name, step, value)
    return found, course


def _replayed(
    model: Any, objective: Objective, dataset: Dataset, config: TrainingConfig, seed: int, log: Log
) -> list[Example]:
    if not config.replay_share:
        return []
    tokenizer = objective.as_language_model(model).tokenizer
    return replayed(model, tokenizer, len(dataset.train), config.replay_share, seed=seed, log=log)


def encode_rows(
    objective: Objective, dataset: Dataset, log: Log, again: Sequence[Example] = ()
) -> tuple[list[dict[str, Any]], list[str]]:
    """The training rows as tokens, then those of replayed text, and notes on these and on rows left out.

    Raises:
        WorkbenchError: no row is left.
    """
    encoded = [objective.encode(example) for example in log.track(dataset.train, "rows tokenized")]
    rows = [row for row in encoded if row is not None]
    left_out = len(encoded) - len(rows)
    if not rows:
        raise WorkbenchError(
            f"none of the {len(encoded):,} training rows has a token to learn within {dataset.max_length:,} tokens",
            "rows whose prompt and answer fit together, with an answer that is not empty",
            "raise max_length in 04_format_data, or look there at what the model would see",
        )
    notes = []
    if left_out:
        notes.append(
            f"{left_out:,} of {len(encoded):,} training rows were left out: longer than {dataset.max_length:,} "
            "tokens, or without an answer to learn."
        )
        log.note(notes[0])
    if again:
        rows += [row for row in map(objective.encode, again) if row is not None]
        notes.append(
            f"{len(again):,} texts that the base model wrote were learned along with the rows, against forgetting."
        )
    return rows, notes


def validation_rows(
    objective: Objective, dataset: Dataset, config: TrainingConfig, seed: int
) -> list[dict[str, Any]]:
    """The validation rows used during training: a fixed draw, in their order."""
    import numpy as np

    examples = dataset.validation
    if 0 < config.validation_rows < len(examples):
        drawn = np.random.default_rng(seed).choice(len(examples), config.validation_rows, replace=False)
        examples = [examples[i] for i in sorted(drawn)]
    return [row for row in map(objective.encode, examples) if row is not None]


def count_steps(config: TrainingConfig, rows: int) -> int:
    """How many steps a run takes at most."""
    micro = min(config.rows_at_once, config.effective_batch_size)
    batches = math.ceil(rows / micro)
    per_epoch = math.ceil(batches / max(1, config.effective_batch_size // config.rows_at_once))
    steps = max(1, math.ceil(per_epoch * config.passes(rows)))
    return min(steps, config.max_steps) if config.max_steps else steps


def finish(
    model: Any, watch: Any, out_dir: Path, base: str, save: Callable[[Any, Path, str], None]
) -> dict[str, Any]:
    """Put the best weights back, save them, and tell what happened."""
    from tailor.training.breaks import broken
    from tailor.training.watch import BEST
    from tailor.training.weights import all_finite, count, load_trainable

    course, folder = watch.course, out_dir / ".checkpoints"
    done = max((points[-1][0] for points in course.curves.values()), default=0)
    if watch.rows and course.best_step != done:
        load_trainable(model, folder / BEST.format(step=course.best_step))
    if not all_finite(model):
        raise broken("a weight", done, watch.config)
    with writing(out_dir / "model") as temporary:
        temporary.mkdir()
        save(model, temporary, base)
    shutil.rmtree(folder, ignore_errors=True)
    return {
        **count(model),
        "curves": {
            name: [{"step": step, "value": value} for step, value in points]
            for name, points in course.curves.items()
        },
        "notes": _notes(course, done),
        "measured": {
            "training_seconds": round(course.seconds, 2),
            "tokens_per_second": round(course.tokens / max(course.seconds, 1e-9)),
            "learned_tokens_per_second": round(course.learned / max(course.seconds, 1e-9)),
        },
    }


def _notes(course: Any, done: int) -> list[str]:
    losses = dict(course.curves.get("validation loss", []))
    if not losses:
        return ["There were no validation rows: the last weights were kept, unmeasured."]
    notes = [
        f"Kept the weights of step {course.best_step:,} of {done:,}, where the validation loss was lowest "
        f"({losses[course.best_step]:.3f}; {losses[min(losses)]:.3f} before training)."
    ]
    if course.stopped_early:
        notes.append(f"Stopped early after step {done:,}: the validation loss fell no further.")
    if course.best_step == 0:
        notes.append("Training did not lower the validation loss: the model answers as the base model does.")
    return notes
