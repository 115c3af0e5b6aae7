"""Run operations in order, keeping every dropped row with its operation and reason."""

from collections.abc import Sequence

import polars as pl

from tailor.data.cleaning.operation import Operation as CleaningOperation
from tailor.data.cleaning.operation import Outcome
from tailor.data.cleaning.privacy import mask
from tailor.errors import WorkbenchError
from tailor.progress import Log
from tailor.records import Operation

EXAMPLES = 20
_SHOWN = 300
"""Characters of a cell that an example in the record shows."""


def clean(
    frame: pl.DataFrame, operations: Sequence[CleaningOperation], log: Log
) -> tuple[pl.DataFrame, pl.DataFrame, list[Operation]]:
    """Apply the operations.

    Args:
        frame: row_id, source and the data's columns, all text.

    Returns:
        The rows that stay; the rows that went, with `operation` and `reason`; what each operation did.

    Raises:
        WorkbenchError: nothing is left.
    """
    total = frame.height
    dropped: list[pl.DataFrame] = []
    done: list[Operation] = []
    for operation in log.track(operations, "cleaning operations"):
        outcome = operation.apply(frame)
        frame = outcome.frame
        name = pl.lit(operation.name).alias("operation")
        dropped.append(outcome.dropped.select(pl.exclude("reason"), name, "reason"))
        done.append(_summary(operation, outcome))
        if outcome.note:
            log.note(f"{operation.title}: {outcome.note}.")
    if not frame.height:
        raise _nothing_left(total, operations, done)
    return frame, pl.concat(dropped) if dropped else _none_dropped(frame), done


def _none_dropped(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.clear().with_columns(operation=pl.lit(None, pl.String), reason=pl.lit(None, pl.String))


def _summary(operation: CleaningOperation, outcome: Outcome) -> Operation:
    """Counts and a few examples; personal data is masked also in what stood there before."""
    rows = _spread(outcome.changes, EXAMPLES)
    examples = [
        (row_id, *_around_change(mask(before), mask(after))) for row_id, _, before, after in rows.rows()
    ]
    if not outcome.changes.height:
        rows = _spread(outcome.dropped.select("row_id", "reason"), EXAMPLES)
        examples = [(row_id, "", mask(reason)) for row_id, reason in rows.rows()]
    return Operation(
        name=operation.name,
        changed=outcome.changes["row_id"].n_unique(),
        dropped=outcome.dropped.height,
        examples=examples,
    )


def _spread(rows: pl.DataFrame, most: int) -> pl.DataFrame:
    """At most `most` rows, evenly over the table rather than all from its top."""
    return rows if rows.height <= most else rows.gather_every(-(-rows.height // most))


def _around_change(before: str, after: str) -> tuple[str, str]:
    """Both texts cut to the stretch around their first difference."""
    start = next((i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), 0)
    start = max(0, min(start, max(len(before), len(after)) - 1) - 60)

    def cut(text: str) -> str:
        piece = text[start : start + _SHOWN]
        return ("..." if start else "") + piece + ("..." if start + _SHOWN < len(text) else "")

    return cut(before), cut(after)


def _nothing_left(
    total: int, operations: Sequence[CleaningOperation], done: Sequence[Operation]
) -> WorkbenchError:
    takers = sorted((item for item in done if item.dropped), key=lambda item: -item.dropped)
    counts = ", ".join(f"{item.name} took {item.dropped:,}" for item in takers)
    worst = next(operation for operation in operations if operation.name == takers[0].name)
    return WorkbenchError(
        f"all {total:,} rows were dropped: {counts}", "at least one row that stays", worst.relax
    )
