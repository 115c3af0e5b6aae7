"""Against prejudice that the training rows teach: the same rows rewritten, weighed or drawn so that they teach less.

Each way changes training rows only. Whether it helps is measured by training the same technique again (see the bias
probe of 10_evaluate), never taken for granted.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from tailor.data.augmentation.counterfactual import counterfactual, gender_of
from tailor.data.dataset import Dataset, Example
from tailor.files import canonical_json, sha256_bytes
from tailor.records import Task

if TYPE_CHECKING:
    from tailor.evaluation.probes.base import Bench, Subject

Way = Literal["counterfactual augmentation", "reweighting", "balanced sampling"]


def mitigated(rows: Sequence[Example], way: Way, task: Task, seed: int) -> list[Example]:
    """The training rows after one way of mitigation.

    - counterfactual augmentation: beside each row that shows a woman or man its swapped copy (Lu et al. 2020)
    - reweighting: such rows weigh what they would if group and label were independent (Kamiran and Calders 2012)
    - balanced sampling: each group's rows of each label as many as then, copied or left out (the same)

    For free text, which has no labels, the groups are made equally heavy or many.
    """
    if way == "counterfactual augmentation":
        return [*rows, *_swapped(rows, seed)]
    groups = [gender_of(row.input) for row in rows]
    cells = [
        (group, row.output if task == "classify" else "") for group, row in zip(groups, rows, strict=True)
    ]
    wanted = _independent(Counter(cell for cell in cells if cell[0]), task)
    if way == "reweighting":
        counts = Counter(cells)
        return [
            replace(row, weight=row.weight * wanted[cell] / counts[cell]) if cell in wanted else row
            for row, cell in zip(rows, cells, strict=True)
        ]
    return _sampled(rows, cells, wanted, seed)


def _swapped(rows: Sequence[Example], seed: int) -> list[Example]:
    made = []
    for row in rows:
        text = counterfactual(row.input, random.Random(f"{seed}/{row.id}"))
        if text is not None and text != row.input:
            source = "augmentation:counterfactual"
            made.append(replace(row, id=f"{row.id}~counterfactual", input=text, source=source, parent=row.id))
    return made


def _independent(counts: Counter, task: Task) -> dict[tuple[str, str], float]:
    """How many rows each group would have of each label it occurs with, if one did not depend on the other."""
    total = sum(counts.values())
    groups, labels = Counter(), Counter()
    for (group, label), count in counts.items():
        groups[group] += count
        labels[label] += count
    if task == "respond":
        return {cell: total / len(groups) for cell in counts}
    return {(group, label): groups[group] * labels[label] / total for group, label in counts}


def _sampled(rows: Sequence[Example], cells: list, wanted: dict, seed: int) -> list[Example]:
    members: dict = defaultdict(list)
    for row, cell in zip(rows, cells, strict=True):
        members[cell].append(row)
    kept: list[Example] = []
    for cell in sorted(members):
        own = members[cell]
        order = random.Random(f"{seed}/{cell}").sample(own, len(own))
        number = round(wanted[cell]) if cell in wanted else len(own)
        for place in range(number):
            row, turn = order[place % len(own)], place // len(own)
            kept.append(replace(row, id=f"{row.id}~copy{turn}", parent=row.parent or row.id) if turn else row)
    place = {row.id: number for number, row in enumerate(rows)}
    return sorted(kept, key=lambda row: (place[row.id.partition("~copy")[0]], row.id))


def with_rows(dataset: Dataset, rows: list[Example]) -> Dataset:
    """The dataset with other training rows."""
    changed = copy(dataset)
    changed.__dict__["train"] = rows
    changed.__dict__["given"] = [row for row in rows if not row.parent]
    return changed


def trained_again(bench: "Bench", way: Way) -> "Subject":
    """The best model as the same technique makes it, with the same settings and seed, from mitigated rows."""
    from tailor.evaluation.kept_answers import KeptAnswers
    from tailor.models.catalog import resolve
    from tailor.techniques import find_technique

    run, technique = bench.best.run, find_technique(bench.best.run.technique)
    base, config = resolve(run.base_model), technique.Config(**run.config)
    dataset = with_rows(bench.dataset, mitigated(bench.dataset.train, way, bench.dataset.task, run.seed))
    key = sha256_bytes(canonical_json([run.content_hash(), way]).encode())[:10]
    folder = bench.project.path(f"evaluations/.mitigated/{key}")
    bench.log.note(f"{technique.title} is trained again, {way}: {len(dataset.train):,} rows.")
    technique.fit(base, dataset, config, folder, seed=run.seed, log=bench.log)
    model = technique.load(base, dataset, folder)
    kept = KeptAnswers(bench.project.path(f"evaluations/.answers/mitigated-{key}.sqlite"))
    return replace(bench.best, model=model, kept=kept)
