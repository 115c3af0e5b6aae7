"""Which new rows are good enough to learn from: different from what is there, yet saying the same, and no leak."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from tailor.data.augmentation.rules import kept_facts
from tailor.data.dataset import Example
from tailor.data.duplicates import equality_keys, near_duplicate_clusters
from tailor.data.proxy import fit_labels
from tailor.records import Task

EQUAL = "it equals a row that is there already"
FACTS = "a number, address or placeholder of its parent is lost or new"
LENGTH = "it is less than half or more than three times as long as its parent"
FAR = "it is too far from its parent"
LEAK = "it says nearly the same as a row of validation or test"
CONTRADICTS = "a classifier fitted on the given rows finds another label likelier"
CLOSER = "it is closer to a row with another answer than to its parent"


@dataclass(frozen=True)
class Strictness:
    """How far a new row may go.

    Attributes:
        least_likeness: cosine of a row and its parent, by TF-IDF weights of letter groups; of the sentence encoder
            where `encoder` is set, whose likeness is about meaning rather than letters.
        near: similarity from which a row counts as a copy of a held-out one (`tailor.data.duplicates`).
    """

    least_likeness: float = 0.3
    near: float = 0.7
    encoder: bool = False


def find_faults(
    made: Sequence[Example],
    given: Sequence[Example],
    held_out: Sequence[Example],
    task: Task,
    strictness: Strictness,
) -> list[str]:
    """Say for each made row why it is not to be kept; "" where nothing is wrong with it.

    Args:
        given: the training rows, among them every made row's parent.
        held_out: validation and test rows; nothing is learned from them, they are only kept clear of.
    """
    parents = {row.id: row for row in given}
    faults = [_own_fault(row, parents[row.parent]) for row in made]
    seen = {row.input.strip() for row in given}
    for place, row in enumerate(made):
        if not faults[place] and row.input.strip() in seen:
            faults[place] = EQUAL
        seen.add(row.input.strip())
    checks = (
        lambda some: _far(some, parents, strictness),
        lambda some: find_leaks(some, held_out, strictness.near),
        lambda some: _contradicted(some, given, task),
    )
    for check in checks:
        left = [place for place, fault in enumerate(faults) if not fault]
        if left:
            found = check([made[i] for i in left])
            for place, fault in zip(left, found, strict=True):
                faults[place] = fault
    return faults


def _own_fault(row: Example, parent: Example) -> str:
    if kept_facts(row.input) != kept_facts(parent.input):
        return FACTS
    # a short message may grow by a greeting
    shortest, longest = 0.5 * len(parent.input), 3 * len(parent.input) + 60
    return "" if shortest <= len(row.input) <= longest else LENGTH


def _far(made: Sequence[Example], parents: dict[str, Example], strictness: Strictness) -> list[str]:
    """Too little like the parent."""
    pairs = [[row.input for row in made], [parents[row.parent].input for row in made]]
    if strictness.encoder:
        from tailor.models.encoder import embed

        mine, theirs = (embed(texts) for texts in pairs)
        likeness = (mine * theirs).sum(axis=1)
    else:
        from sklearn.feature_extraction.text import TfidfVectorizer

        vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True).fit(pairs[1])
        mine, theirs = (vectorizer.transform([text.lower() for text in texts]) for texts in pairs)
        likeness = np.asarray(mine.multiply(theirs).sum(axis=1)).ravel()
    return [FAR if value < strictness.least_likeness else "" for value in likeness]


def find_leaks(made: Sequence[Example], held_out: Sequence[Example], near: float) -> list[str]:
    """`LEAK` for each made row equal or nearly equal to a held-out row, directly or by way of other made rows."""
    if not held_out:
        return [""] * len(made)
    texts = [row.input for row in [*held_out, *made]]
    equal = equality_keys(pl.DataFrame({"input": texts}), ["input"]).to_list()
    near = near_duplicate_clusters([texts], near or 0.7)
    faults = [""] * len(made)
    for keys in (equal, near):
        held = set(keys[: len(held_out)])
        for place, key in enumerate(keys[len(held_out) :]):
            if key in held:
                faults[place] = LEAK
    return faults


def _contradicted(made: Sequence[Example], given: Sequence[Example], task: Task) -> list[str]:
    """Rows that the given rows speak against; counterfactual ones are meant to, where those hold a prejudice."""
    faults = _other_label(made, given) if task == "classify" else _other_answer(made, given)
    meant = [row.source == "augmentation:counterfactual" for row in made]
    return ["" if spared else fault for spared, fault in zip(meant, faults, strict=True)]


def _other_label(made: Sequence[Example], given: Sequence[Example]) -> list[str]:
    """Contradicted where another label is likelier than not, and likelier than for the parent itself."""
    if len({row.output for row in given}) < 2:
        return [""] * len(made)
    model = fit_labels(given, letters=True)
    column = {label: number for number, label in enumerate(model.classes_)}
    likely = model.predict_proba([row.input for row in made])
    right = np.array([likely[i, column[row.output]] for i, row in enumerate(made)])
    return [
        CONTRADICTS if top > 0.5 and top > own else ""
        for top, own in zip(likely.max(axis=1), right, strict=True)
    ]


def _other_answer(made: Sequence[Example], given: Sequence[Example]) -> list[str]:
    """Contradicted where the most similar given row is not the parent, and says something else."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True)
    known = vectorizer.fit_transform([row.input for row in given])
    places = {row.id: place for place, row in enumerate(given)}
    faults = []
    for start in range(0, len(made), 500):
        rows = made[start : start + 500]
        likeness = (vectorizer.transform([row.input for row in rows]) @ known.T).toarray()
        for row, line in zip(rows, likeness, strict=True):
            nearest, own = given[int(line.argmax())], line[places[row.parent]]
            faults.append(CLOSER if line.max() > own + 1e-6 and nearest.output != row.output else "")
    return faults
