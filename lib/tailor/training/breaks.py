"""What breaks training: numbers that are none, a loss that explodes, memory that runs out. Each stops it at once."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

from tailor.errors import WorkbenchError
from tailor.training.settings import TrainingConfig

EXPLODED = 20.0  # times the first loss; all weights of tailor-mini at a rate of 0.1 come to 6 and learn again
NOT_THE_RATE = "nothing was changed yet, so it is not the learning rate"


class TrainingBroke(WorkbenchError):
    """Training was stopped for its settings or its base model; what was saved before is whole."""


def broken(what: str, step: int, config: TrainingConfig, *, moved: bool = True) -> TrainingBroke:
    """The error for a loss, gradient or weight that is no longer a number.

    Args:
        moved: a step was taken before; else the numbers are the base model's own.
    """
    found = f"{what} is not a finite number at step {step}: training broke and was stopped; nothing broken was saved"
    if not moved:
        return TrainingBroke(
            found,
            f"a base model whose weights are finite numbers ({NOT_THE_RATE})",
            "look in 05_measure_baselines whether the base model answers at all, or choose another one in 06",
        )
    return TrainingBroke(found, *_lower_rate(config))


def exploded(loss: float, first: float, step: int, config: TrainingConfig) -> TrainingBroke:
    """The error for a loss that is a number, and far above where it began."""
    return TrainingBroke(
        f"the training loss exploded, from {first:.3g} at the first step to {loss:.3g} at step {step}: training was "
        "stopped",
        *_lower_rate(config),
    )


def has_exploded(loss: float, first: float) -> bool:
    """Whether a step's loss is out of all proportion to the first one's (to one nat, where that was less)."""
    return loss > EXPLODED * max(first, 1.0)


def _lower_rate(config: TrainingConfig) -> tuple[str, str]:
    rate = config.learning_rate
    return (
        f"a learning rate that this model bears (it is {rate:g})",
        f"set learning_rate to {rate / 10:g} or less and run the step again",
    )


@contextmanager
def room_for(rows: int, tokens: int, step: int) -> Iterator[None]:
    """Turn what torch says when memory runs out into the batch it ran out with, and what to do.

    Args:
        rows, tokens: of the batch computed inside the block.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not ran_out(error):
            raise
        fix = "lower max_length in 04_format_data, or choose a smaller base model"
        if rows > 1:
            fix = f"set rows_at_once to {math.ceil(rows / 2)} or less, which changes no result, and run the step again"
        raise TrainingBroke(
            f"memory ran out at step {step}, with {rows} rows of {tokens:,} tokens in the model at once",
            "room for what the model keeps of a batch while it learns from it",
            fix,
        ) from error


def ran_out(error: BaseException) -> bool:
    """Whether an error says that memory could not be had; torch has no kind of its own for it on a CPU."""
    said = str(error).lower()
    return isinstance(error, MemoryError) or any(
        sign in said for sign in ("can't allocate memory", "out of memory", "bad_alloc")
    )
