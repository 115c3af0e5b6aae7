"""Which rows to look at first: those without an answer, those annotators differ on, those a quick proxy doubts."""

from collections import defaultdict
from collections.abc import Sequence

from tailor.data.annotations import Annotation, row_key
from tailor.data.dataset import Example
from tailor.data.drafts import Draft
from tailor.records import Task

REASONS = (
    "annotators differ",
    "one annotator so far",
    "no answer yet",
    "hard for a quick model, or unlike the others",
)
FOLDS = 3
MOST_COMPARED = 2_000
"""Rows among which the choice is made; of more, as many are drawn at random first."""


def reasons(drafts: Sequence[Draft], annotations: Sequence[Annotation]) -> dict[str, list[int]]:
    """Why rows are looked at -> their places, the most pressing reason first. Rows that are no examples have none."""
    said: dict[str, set[tuple[str, str]]] = defaultdict(set)
    names: dict[str, set[str]] = defaultdict(set)
    for each in annotations:
        said[each.key].add((each.action, each.value))
        names[each.key].add(each.annotator)
    groups: dict[str, list[int]] = {why: [] for why in REASONS}
    for place, draft in enumerate(drafts):
        if draft.problem or not draft.input:
            continue
        key = row_key(draft)
        rank = 0 if len(said[key]) > 1 else 1 if len(names[key]) == 1 else 2 if not draft.output else 3
        groups[REASONS[rank]].append(place)
    return {why: places for why, places in groups.items() if places}


def choose_for_labelling(
    drafts: Sequence[Draft], task: Task, annotations: Sequence[Annotation], count: int, seed: int
) -> list[tuple[int, str]]:
    """The rows where looking pays most, best first, by `reasons`.

    Within each reason the rows are chosen that are typical of many, unlike each other and hard for the proxy
    (`tailor.data.selection`).

    Returns:
        Places of drafts, and why each one is shown.
    """
    import numpy as np

    order: list[tuple[int, str]] = []
    for why, places in reasons(drafts, annotations).items():
        wanted = count - len(order)
        if wanted <= 0:
            break
        if len(places) > MOST_COMPARED:
            drawn = np.random.default_rng(seed).choice(len(places), MOST_COMPARED, replace=False)
            places = [places[i] for i in sorted(drawn)]
        order += [(p, why) for p in _useful_first([drafts[p] for p in places], places, task, wanted, seed)]
    return order[:count]


def _useful_first(drafts: list[Draft], places: list[int], task: Task, count: int, seed: int) -> list[int]:
    from tailor.data.proxy import vectors
    from tailor.data.selection import HARDNESS, difficulty, facility_location

    if len(drafts) < 3:
        return places
    rows = [Example(draft.id, draft.input, draft.output) for draft in drafts]
    counts_as = 1 + HARDNESS * difficulty(rows, task, seed)
    chosen = facility_location(vectors([row.input for row in rows]), counts_as, min(count, len(rows)))
    return [places[i] for i in chosen]


def suggest_labels(drafts: Sequence[Draft], shown: Sequence[int], labels: Sequence[str]) -> dict[int, str]:
    """For each row shown the label that a quick proxy holds likeliest, fitted on rows without that one."""
    from tailor.data.proxy import fit_labels

    suggested: dict[int, str] = {}
    for part in (shown[start::FOLDS] for start in range(FOLDS)):
        hidden = set(part)
        known = [
            Example(draft.id, draft.input, draft.output)
            for place, draft in enumerate(drafts)
            if place not in hidden and draft.output in labels and not draft.problem
        ][:MOST_COMPARED]
        if part and len({row.output for row in known}) > 1:
            guesses = fit_labels(known).predict([drafts[place].input for place in part])
            suggested |= dict(zip(part, map(str, guesses), strict=True))
    return suggested
