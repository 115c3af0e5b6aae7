"""Balance of labels in the training rows: fewer rows of common labels, more of rare ones, or more weight on these.

Only training rows are touched, after splitting: a copy made before it could stand on both sides, and a balanced test
would measure another world than the one the model is for.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from tailor.data.dataset import Example

Balance = Literal["as it is", "downsample", "upsample", "weight"]
COPY = "balance:copy"


def downsample(rows: Sequence[Example], ratio: float, seed: int) -> set[str]:
    """Ids of rows to leave out, drawn at random, so that no label has over `ratio` times the rarest one's rows.

    Args:
        ratio: 1 or more; 1 makes all labels equally frequent.
    """
    groups = _by_label(rows)
    most = int(ratio * min(map(len, groups.values())))
    out: set[str] = set()
    for place, label in enumerate(sorted(groups)):
        order = np.random.default_rng([seed, place]).permutation(len(groups[label]))
        out |= {groups[label][i].id for i in order[most:]}
    return out


def upsample(rows: Sequence[Example], ratio: float, seed: int) -> list[Example]:
    """Copies of rows of rare labels, so that no label has over `ratio` times the rarest one's rows.

    Every row of a label is copied once before one is copied twice. A copy's `parent` is the row it repeats (or that
    row's own parent), so it can be told from a row that somebody wrote.
    """
    groups = _by_label(rows)
    least = int(np.ceil(max(map(len, groups.values())) / ratio))
    copies = []
    for place, label in enumerate(sorted(groups)):
        members = groups[label]
        order = np.random.default_rng([seed, place]).permutation(len(members))
        for number in range(max(0, least - len(members))):
            row = members[order[number % len(members)]]
            name = f"{row.id}~copy{number // len(members) + 1}"
            copies.append(replace(row, id=name, source=COPY, parent=row.parent or row.id))
    return copies


def label_weights(rows: Sequence[Example], ratio: float) -> dict[str, float]:
    """The weight of each label's rows: as upsampling would count them, with a mean of 1 over all rows.

    At ratio 1 that is n / (k * rows of the label), scikit-learn's class_weight="balanced".
    """
    counts = {label: len(members) for label, members in _by_label(rows).items()}
    least = max(counts.values()) / ratio
    raw = {label: max(1.0, least / count) for label, count in counts.items()}
    mean = sum(raw[label] * count for label, count in counts.items()) / len(rows)
    return {label: round(weight / mean, 6) for label, weight in raw.items()}


def _by_label(rows: Sequence[Example]) -> dict[str, list[Example]]:
    groups: dict[str, list[Example]] = defaultdict(list)
    for row in rows:
        groups[row.output].append(row)
    return groups
