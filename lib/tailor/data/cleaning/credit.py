"""Credit: what each cleaning operation did to a model, by leaving it out and training again.

A cheap model stands in for the real one, by words or by meaning (`cheap_models`). It is trained on the rows that the
whole history makes, and once more for each entry on those that the history makes without it. The difference on the same
validation rows is the entry's credit.

What makes the comparison fair:

- **Every arm answers the same questions**: rows of the whole history's table, as the whole history leaves them, labels
  and replies included. An operation that drops hard rows so cannot look good by making the examination easier, and
  none of the rows it drops is asked about; it earns credit only if training without them is better.
- **No arm has seen the answers**: rows that say nearly the same lie in one part of the cross-validation, also those
  that the history drops. Without that, leaving out the removal of duplicates would put copies of the questions into
  training and seem to help.
- The interval comes from drawing the questions again, the same for both arms (`estimate_difference`).

What it does not tell: how the model does on messages that were not cleaned, for the questions are clean ones; and
credits do not add up, for of two operations that mend the same thing each alone is dispensable.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import polars as pl

from tailor.blocks import Block, Figure, Heading, Table, Text
from tailor.data.cleaning.cheap_models import TITLES, By, CheapModel, cheap_model
from tailor.data.cleaning.doubt import lowest
from tailor.data.cleaning.operation import Columns, Operation
from tailor.data.cleaning.passes import apply_to
from tailor.data.duplicates import equality_keys, near_duplicate_clusters
from tailor.data.roles import find_roles
from tailor.data.tables import read_pieces
from tailor.errors import WorkbenchError
from tailor.progress import Log
from tailor.records import Credit, Estimate, Task

PARTS = 4
"""Parts of the cross-validation."""
ASKED = {"classify": 2_000, "respond": 300}
"""The most questions: comparing replies (chrF) takes some milliseconds each, comparing labels nothing."""
METRICS: dict[Task, str] = {"classify": "accuracy", "respond": "chrf"}
SAMPLES = 1_000
_ALIKE = 0.8
"""From this similarity on rows lie in one part."""
_ZERO = Estimate(value=0.0, low=0.0, high=0.0)


@dataclass(frozen=True)
class _State:
    """A table on its way through the history."""

    frame: pl.DataFrame
    columns: Columns
    protected: frozenset[str] = frozenset()

    def after(self, operation: Operation) -> "_State":
        """The next state; an entry that is off, or whose columns are not there, changes nothing."""
        if operation.off or not set(operation.named_columns()) <= set(self.frame.columns):
            return self
        decision = None
        if operation.scope == "table":
            decision = operation.decide([operation.survey(self.frame, self.columns)])
        outcome = apply_to(operation, self.frame, self.columns, decision, self.protected)
        return _State(
            outcome.frame,
            operation.columns_after(self.columns, decision),
            self.protected | frozenset(operation.protects()),
        )


def credit(
    frame: pl.DataFrame,
    operations: Sequence[Operation],
    columns: Columns,
    *,
    task: Task,
    log: Log,
    seed: int = 0,
    by: By = "words",
) -> list[Credit]:
    """Judge every entry of a history that is not off.

    Args:
        frame: raw rows (row_id, source, the data's columns), some thousands (see `draw_rows`).
        by: what the cheap model goes by.

    Returns:
        One for each active entry, in order: how much better the stand-in is with it (accuracy 0 to 1 for `classify`,
        chrF 0 to 100 for `respond`), with a 95% interval.

    Raises:
        WorkbenchError: no column for question or answer is found, too few rows are left, or the encoder is missing.
    """
    model = cheap_model(by, task)
    states = [_State(frame, columns)]
    for operation in log.track(operations, "entries applied"):
        states.append(states[-1].after(operation))
    full = states[-1].frame
    asked, answered = _pair(full, task)
    part_of = _parts([state.frame for state in states], asked)
    examination = _Examination(task, model, _pairs(full, asked, answered), part_of, seed)
    active = [place for place, operation in enumerate(operations) if not operation.off]
    found = []
    for place in log.track(active, "entries left out in turn"):
        state, name = states[place], operations[place].name
        if not state.frame.equals(states[place + 1].frame):
            for operation in operations[place + 1 :]:
                state = state.after(operation)
        else:
            state = states[-1]
        effect, changed, note = _effect(examination, state.frame, asked, answered)
        told = {"effect": effect, "rows": changed, "note": note, "drawn": frame.height}
        found.append(
            Credit(number=place + 1, name=name, metric=METRICS[task], model=TITLES[by, task], **told)
        )
    return found


def credit_blocks(credits: Sequence[Credit], titles: Mapping[str, str], total: int = 0) -> list[Block]:
    """A table of what each entry did to the model, and a figure of those that did anything.

    Args:
        titles: operation's name -> for people.
        total: rows of the table that those judged were drawn from.
    """
    if not credits:
        return []
    rows, names, effects = [], [], []
    for item in credits:
        title = f"{item.number}. {titles.get(item.name, item.name)}"
        told = (
            f"{item.effect.value:+.3f} ({item.effect.low:+.3f} to {item.effect.high:+.3f})"
            if item.effect
            else ""
        )
        rows.append((title, item.rows, told, item.note or _verdict(item.effect)))
        if item.effect and item.rows:
            names.append(title)
            effects.append(item.effect)
    metric, model, drawn = credits[0].metric, credits[0].model, credits[0].drawn
    of = f"{drawn:,} of {total:,} rows, drawn by the project's seed" if total > drawn else f"{drawn:,} rows"
    shown: list[Block] = [
        Heading("What each entry did to a model"),
        Text(
            f"A cheap stand-in for the model ({model}) was trained on the cleaned rows, and again for each entry on "
            "the rows cleaned without it. Both answer the same cleaned questions, of which neither has seen a copy. "
            "Credits do not add up: where two entries mend the same thing, each alone can be spared."
        ),
        Table(
            ("entry", "rows that differ", f"{metric} gained (95% interval)", "verdict"),
            rows,
            f"Measured on {of}",
        ),
    ]
    if effects:
        shown.append(_figure(names, effects, metric))
    return shown


def _verdict(effect: Estimate) -> str:
    if effect.low > 0:
        return "helps"
    return "harms" if effect.high < 0 else "no effect that these rows could show"


def _figure(names: list[str], effects: list[Estimate], metric: str) -> Figure:
    def draw() -> Any:
        from tailor.plots import cleaning_credit

        return cleaning_credit(names, effects, metric)

    gains = (f"{name} {effect.value:+.3f}" for name, effect in zip(names, effects, strict=True))
    return Figure(draw, f"{metric} gained by each operation: " + ", ".join(gains))


def draw_rows(path: Path, columns: Columns, most: int, seed: int) -> pl.DataFrame:
    """About `most` rows of a table of any size, drawn by the seed; copies of one row are drawn together.

    Memory holds 24 bytes a row beside them.

    Raises:
        WorkbenchError: the table is damaged.
    """
    names = columns.texts or columns.names
    keys = pl.concat([equality_keys(piece, names) for piece in read_pieces(path, "02_gather_data")])
    chosen = pl.Series([True]).new_from_index(0, len(keys))
    if len(keys) > most:
        distinct = keys.unique(maintain_order=True)
        count = max(int(most * len(distinct) / len(keys)), 1)
        places = np.random.default_rng(seed).choice(len(distinct), count, replace=False)
        chosen = keys.is_in(distinct.gather(np.sort(places)).implode())
    drawn, start = [], 0
    for piece in read_pieces(path, "02_gather_data"):
        drawn.append(piece.filter(chosen.slice(start, piece.height)))
        start += piece.height
    return pl.concat(drawn, rechunk=True)


def _pair(frame: pl.DataFrame, task: Task) -> tuple[str, str]:
    roles = find_roles(frame, task, {})
    answer = "label" if task == "classify" else "output"
    if "input" not in roles or answer not in roles:
        raise WorkbenchError(
            f"the rows are {', '.join(roles)}, not one message and one {answer} a row",
            "a column of each",
            "set 03_clean_data.credit to false",
        )
    return roles["input"].column, roles[answer].column


def _pairs(frame: pl.DataFrame, asked: str, answered: str) -> pl.DataFrame:
    """row_id, question, answer of the rows that can be learned from."""
    pairs = frame.select(
        "row_id", question=pl.col(asked).fill_null(""), answer=pl.col(answered).fill_null("")
    )
    return pairs.filter(pairs["answer"].str.strip_chars() != "")


def _parts(tables: Sequence[pl.DataFrame], asked: str) -> dict[str, int]:
    """row_id -> its part, 0 to PARTS - 1, for every row that ever was: each as it looked when it was last there."""
    last = pl.concat([_question(table, asked) for table in reversed(tables)]).unique(
        "row_id", maintain_order=True
    )
    last = last.sort("row_id")
    firsts = near_duplicate_clusters([last["question"].to_list()], _ALIKE)
    ids = last["row_id"].to_list()
    return {row_id: crc32(ids[first].encode()) % PARTS for row_id, first in zip(ids, firsts, strict=True)}


def _question(table: pl.DataFrame, asked: str) -> pl.DataFrame:
    """row_id and question; before an entry renames it, the column may not be there."""
    return table.select(
        "row_id", question=pl.col(asked).fill_null("") if asked in table.columns else pl.lit("")
    )


class _Examination:
    """The questions, and how well the whole history's rows prepare for them."""

    def __init__(
        self, task: Task, model: CheapModel, full: pl.DataFrame, part_of: dict[str, int], seed: int
    ) -> None:
        self.task, self.full, self.part_of, self.seed = task, full, part_of, seed
        self._model = model
        questions = lowest(full, ASKED[task])
        self.parts = [
            questions.filter(
                pl.Series([part_of[row_id] == part for row_id in questions["row_id"]], dtype=pl.Boolean)
            )
            for part in range(PARTS)
        ]
        if any(part.is_empty() for part in self.parts) or full.height < 10 * PARTS:
            raise WorkbenchError(
                f"{full.height:,} rows are left after cleaning",
                f"at least {10 * PARTS} that differ",
                "set 03_clean_data.credit to false, or gather more rows",
            )
        self.metric = self.sit(full)

    def sit(self, train: pl.DataFrame) -> Any:
        """The metric on the questions, after training on these rows, each part without its own."""
        # rows that an entry made of others have new ids
        part = np.array(
            [self.part_of.get(row_id, crc32(row_id.encode()) % PARTS) for row_id in train["row_id"]]
        )
        given: list[str] = []
        for number, questions in enumerate(self.parts):
            given += self._model.answer(
                train.filter(pl.Series(part != number)), questions["question"].to_list()
            )
        right = [text for questions in self.parts for text in questions["answer"]]
        from tailor.evaluation.metrics import measure_rows

        return measure_rows(self.task, right, given, names=[METRICS[self.task]])[METRICS[self.task]]


def _effect(
    examination: _Examination, frame: pl.DataFrame, asked: str, answered: str
) -> tuple[Estimate | None, int, str]:
    """The whole history's metric minus this arm's, how many training rows differ, and a word on it."""
    if not {asked, answered} <= set(frame.columns):
        return None, frame.height, f"without it there is no column '{asked}' or '{answered}' to learn from"
    train = _pairs(frame, asked, answered)
    same = examination.full.join(train, on=["row_id", "question", "answer"], how="semi").height
    changed = max(train.height, examination.full.height) - same
    if not changed:
        return _ZERO, 0, "it changes nothing that is learned from"
    from tailor.evaluation.statistics import estimate_difference

    metric = examination.sit(train)
    return (
        estimate_difference(examination.metric, metric, samples=SAMPLES, seed=examination.seed),
        changed,
        "",
    )
