"""The most useful n rows: typical of many others, unlike each other, and not what is known already.

The rows chosen maximize facility location: the sum over all rows of how like each is to the nearest chosen one (Wei,
Iyer, Bilmes 2015, Submodularity in Data Subset Selection and Active Learning). A row then counts by how hard it is for
a quick proxy (score times diversity, as in Liu et al. 2024, DEITA, section 4). Copies add nothing to the sum, so the
choice deduplicates itself. The greedy choice is within 1 - 1/e of the best (Nemhauser, Wolsey, Fisher 1978).
"""

import heapq
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from tailor.data.dataset import Example
from tailor.data.proxy import fit_labels, vectors
from tailor.progress import Log
from tailor.records import Task

PART = 3000
"""Rows compared with each other at once; more are dealt into parts that choose their share (GreeDi, Mirzasoleiman et
al. 2013), so that memory grows with the rows and not with their square."""
HARDNESS = 0.5
"""How much more than the easiest row the hardest one counts. Few rows want typical ones: of banking77, 385 rows chosen
with 0, 0.5, 2 and 5 taught the quick proxy 61.0, 60.7, 58.3 and 57.6% accuracy (385 at random: 47.2%)."""


def choose_useful(
    rows: Sequence[Example],
    count: int,
    task: Task,
    *,
    seed: int,
    encoder: bool = False,
    log: Log | None = None,
) -> list[Example]:
    """Choose `count` rows, in the order of `rows`. The same rows, count and seed give the same choice.

    For labels each label gets its share of the choice, at least one row where count allows.

    Args:
        encoder: compare by the sentence encoder's vectors; by TF-IDF otherwise.
    """
    if count >= len(rows):
        return list(rows)
    places = vectors([row.input for row in rows], encoder)
    counts_as = 1 + HARDNESS * difficulty(rows, task, seed)
    parts = _parts(rows, task, seed)
    chosen: list[int] = []
    shares = _shares([len(part) for part in parts], count)
    for part, share in (log or Log()).track(
        list(zip(parts, shares, strict=True)), "groups of rows chosen from"
    ):
        chosen += [part[i] for i in facility_location(places[part], counts_as[part], share)]
    return [rows[i] for i in sorted(chosen)]


def facility_location(places: np.ndarray, counts_as: np.ndarray, count: int) -> list[int]:
    """The greedy choice of `count` rows, best first; ties go to the earlier row.

    Lazy evaluation (Minoux 1978): a row's gain can only fall as others are chosen, so most need no second look.

    Args:
        places: [n, d] of length 1.
        counts_as: [n] weight of each row in the sum.
    """
    likeness = np.clip(places @ places.T, 0, None)
    covered = np.zeros(len(places), dtype=np.float32)
    weights = counts_as.astype(np.float32)
    queue = [(-gain, row) for row, gain in enumerate((likeness @ weights).tolist())]
    heapq.heapify(queue)
    chosen: list[int] = []
    while queue and len(chosen) < count:
        _, row = heapq.heappop(queue)
        gain = float(weights @ np.maximum(likeness[row] - covered, 0))
        if queue and -gain > queue[0][0] + 1e-6:
            heapq.heappush(queue, (-gain, row))
            continue
        chosen.append(row)
        covered = np.maximum(covered, likeness[row])
    return chosen


def difficulty(rows: Sequence[Example], task: Task, seed: int) -> np.ndarray:
    """[n] from 0 (the proxy answers the row rightly without having seen it) to 1."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.model_selection import KFold

    labels = np.array([row.output for row in rows])
    hard = np.ones(len(rows))
    if len(rows) < 6 or (task == "classify" and len(set(labels)) < 2):
        return hard
    if task == "respond":
        texts, answers = (
            TfidfVectorizer(sublinear_tf=True).fit_transform(column)
            for column in ([row.input for row in rows], labels)
        )
    for learned, left_out in KFold(3, shuffle=True, random_state=seed).split(labels):
        if task == "respond":
            nearest = learned[_nearest(texts[left_out], texts[learned])]
            alike = answers[left_out].multiply(answers[nearest]).sum(axis=1)
            hard[left_out] = 1 - np.asarray(alike).ravel()
        elif len(set(labels[learned])) > 1:
            model = fit_labels([rows[i] for i in learned])
            known = {label: column for column, label in enumerate(model.classes_)}
            likely = model.predict_proba([rows[i].input for i in left_out])
            hard[left_out] = [
                1 - likely[i, known[labels[row]]] if labels[row] in known else 1.0
                for i, row in enumerate(left_out)
            ]
    return np.clip(hard, 0, 1)


def _nearest(asked, known) -> np.ndarray:
    """For each row the place of the most similar known one, in pieces."""
    found = [
        np.asarray((asked[i : i + 500] @ known.T).toarray().argmax(axis=1))
        for i in range(0, asked.shape[0], 500)
    ]
    return np.concatenate(found)


def _parts(rows: Sequence[Example], task: Task, seed: int) -> list[list[int]]:
    """Rows of each label (all together for answers), those over `PART` dealt at random into equal parts."""
    groups: dict[str, list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        groups[row.output if task == "classify" else ""].append(place)
    parts = []
    for number, label in enumerate(sorted(groups)):
        members = np.array(groups[label])
        pieces = -(-len(members) // PART)
        dealt = np.random.default_rng([seed, number]).permutation(len(members))
        parts += [sorted(members[dealt[i::pieces]].tolist()) for i in range(pieces)]
    return parts


def _shares(sizes: list[int], count: int) -> list[int]:
    """Split `count` in proportion to sizes: one each first where that is possible, then by largest remainder."""
    least = 1 if count >= len(sizes) else 0
    room = np.array(sizes) - least
    exact = room * (count - least * len(sizes)) / max(room.sum(), 1)
    shares = np.floor(exact).astype(int)
    order = np.argsort(-(exact - shares), kind="stable")
    shares[order[: count - least * len(sizes) - shares.sum()]] += 1
    return (shares + least).tolist()
