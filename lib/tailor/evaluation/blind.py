"""Two models' answers side by side without their names: what people and judges are asked to compare.

Which model's answer stands first follows from the row alone, so that a person may stop and go on, and neither a
person nor a judge can learn which model is which. Rows that both answered alike say nothing and are left out.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tailor.data.annotations import Annotation, read_annotations, row_key
from tailor.data.drafts import Draft
from tailor.data.labelling import Session
from tailor.evaluation.predictions import read_predictions
from tailor.files import sha256_bytes
from tailor.project import Project
from tailor.records import Comparison, ProjectRecord

if TYPE_CHECKING:
    import polars as pl

FILE = "evaluations/comparisons.jsonl"
CHOICES = ("the first is better", "the second is better", "both are equally good", "both are equally bad")


@dataclass(frozen=True)
class Pair:
    """One row with two answers.

    Attributes:
        id: the row's id.
        question: what was asked.
        reference: the right answer, where there is one.
        best, base: the two models' answers.
        best_first: whether the best model's answer is shown first.
    """

    id: str
    question: str
    reference: str
    best: str
    base: str
    best_first: bool

    @property
    def shown(self) -> tuple[str, str]:
        """The answers in the order shown."""
        return (self.best, self.base) if self.best_first else (self.base, self.best)

    def draft(self) -> Draft:
        """The pair as a row to be labelled."""
        parts = zip(("First answer", "Second answer"), self.shown, strict=True)
        turns = [{"role": "user", "content": self.question}]
        turns += [{"role": "assistant", "content": f"{name}: {text}"} for name, text in parts]
        return Draft(0, self.id, "Which answer would you rather have got?", history=json.dumps(turns))


def make_pairs(best: "pl.DataFrame", base: "pl.DataFrame") -> list[Pair]:
    """The rows of two tables of predictions on the same rows, where the predictions differ."""
    columns = ["id", "input", "reference", "prediction"]
    rows = zip(best.select(columns).iter_rows(), base["prediction"], strict=True)
    return [
        Pair(ident, asked, reference, one, other, int(sha256_bytes(ident.encode())[:8], 16) % 2 == 0)
        for (ident, asked, reference, one), other in rows
        if one.strip() != other.strip()
    ]


class BlindSession(Session):
    """A person's walk through pairs in an order drawn by lot.

    Pairs that people chose, or that were chosen for them, would not stand for the others, and what people say of them
    could not correct a judge (Angelopoulos et al. 2023: the labelled rows are a random sample).
    """

    def _choose(self, found: list[Annotation]) -> None:
        drawn = np.random.default_rng(self._seed).permutation(len(self._drafts))
        self.order = [(int(place), "drawn by lot") for place in drawn[: self._count]]


def open_blind(project: Project, *, count: int) -> BlindSession:
    """The pairs of the best model and the base model, for a person to compare; none where nothing beat the base.

    Raises:
        WorkbenchError: 10_evaluate has not run.
    """
    record = project.load(Comparison, "comparison.json")
    best, base = (read_predictions(project, run) for run in (record.best, record.compared[0].run))
    pairs = make_pairs(best, base)
    seed = project.load(ProjectRecord, "project.json").seed
    drafts = [pair.draft() for pair in pairs]
    return BlindSession(drafts, "classify", CHOICES, project.path(FILE), count=count, seed=seed)


def human_choices(project: Project, pairs: Sequence[Pair]) -> dict[str, float]:
    """Row id -> 1 where people prefer the best model's answer, 0 the base model's, 0.5 neither.

    Each row's majority counts; a row whose annotators are split counts as 0.5. What was said of other answers than
    these is left out.
    """
    said: dict[str, list[Annotation]] = defaultdict(list)
    for each in read_annotations(project.path(FILE))[0]:
        said[each.key].append(each)
    found = {}
    for pair in pairs:
        votes = Counter(_value(pair, each) for each in said.get(row_key(pair.draft()), []))
        votes.pop(None, None)
        if votes:
            (value, most), *others = votes.most_common()
            found[pair.id] = 0.5 if others and others[0][1] == most else value
    return found


def _value(pair: Pair, said: Annotation) -> float | None:
    if said.action != "answer" or said.value not in CHOICES:
        return None
    if said.value in CHOICES[2:]:
        return 0.5
    return float((said.value == CHOICES[0]) == pair.best_first)
