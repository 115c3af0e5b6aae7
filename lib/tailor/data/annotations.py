"""What people say about rows by hand: kept beside the project, applied to rows, compared with each other."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Literal

from tailor.data.drafts import Draft
from tailor.data.entries import change_entries, read_entries
from tailor.files import sha256_bytes

FILE = "annotations.jsonl"
Action = Literal["answer", "drop"]


@dataclass(frozen=True)
class Annotation:
    """What one person said about one row.

    Attributes:
        row_id: the row's id since 02.
        key: hash of what the row asks (see `row_key`), so that the row is found again under another id.
        action: "answer": `value` is the label or the answer; "drop": the row is to be set aside.
    """

    row_id: str
    key: str
    annotator: str
    action: Action
    value: str = ""


def row_key(draft: Draft) -> str:
    """Hash of what a row asks: its text and the turns before it."""
    return sha256_bytes(f"{draft.history}\x1f{draft.input}".encode())[:16]


# --- the file ------------------------------------------------------------------------------------------------------
def read_annotations(path: Path) -> tuple[list[Annotation], list[str]]:
    """The annotations of a file in their order, and the lines that cannot be read (a line cut short by a crash)."""
    return read_entries(path, Annotation, lambda each: each.action in ("answer", "drop"))


def save_annotations(path: Path, annotator: str, own: Iterable[Annotation]) -> None:
    """Put `own` in the place of what the file holds of this annotator; what others wrote meanwhile stays.

    Raises:
        WorkbenchError: the disk is full, or the folder cannot be written.
    """
    change_entries(
        path, read_annotations, lambda found: [*(each for each in found if each.annotator != annotator), *own]
    )


# --- applied to rows -----------------------------------------------------------------------------------------------
def apply_annotations(
    drafts: Sequence[Draft], annotations: Sequence[Annotation]
) -> tuple[list[Draft], dict[str, int]]:
    """Put what people said in the place of what the rows say.

    A row is found by its id, if it still asks the same; else by what it asks. Where annotators differ the majority
    decides, and without one the row stays as it is.

    Returns:
        The drafts, and counts of rows by what became of their annotations.
    """
    ids = {draft.id: place for place, draft in enumerate(drafts)}
    keys = (
        {row_key(draft): place for place, draft in reversed(list(enumerate(drafts)))} if annotations else {}
    )
    said: dict[int, list[Annotation]] = defaultdict(list)
    gone: dict[tuple[str, str], str] = {}
    for each in annotations:
        place = ids.get(each.row_id)
        if place is None or row_key(drafts[place]) != each.key:
            asks_else = place is not None
            place = keys.get(each.key)
            if place is None:
                gone[each.row_id, each.key] = (
                    "the row asks something else now" if asks_else else "no such row any more"
                )
                continue
        said[place].append(each)
    changed, counts = list(drafts), Counter(gone.values())
    for place, given in said.items():
        changed[place], what = _decide(drafts[place], given)
        counts[what] += 1
    return changed, dict(sorted(counts.items()))


def _decide(draft: Draft, given: list[Annotation]) -> tuple[Draft, str]:
    votes = Counter((each.action, each.value) for each in given).most_common()
    if len(votes) > 1 and votes[0][1] == votes[1][1]:
        return draft, "annotators disagree: left as it was"
    (action, value), _ = votes[0]
    if action == "drop":
        names = ", ".join(sorted({each.annotator for each in given if each.action == "drop"}))
        return replace(draft, problem=f"set aside by hand ({names})"), "set aside by hand"
    what = "confirmed" if value == draft.output else "changed" if draft.output else "answered"
    return replace(draft, output=value), f"{what} by hand"


# --- agreement -----------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Agreement:
    """How far two annotators agree on the rows both annotated. `kappa` is None where chance agreement is certain."""

    annotators: tuple[str, str]
    rows: int
    share: float
    kappa: float | None


def agreements(annotations: Sequence[Annotation]) -> list[Agreement]:
    """Cohen's kappa (Cohen 1960) and the plain share for every two annotators with rows in common."""
    from sklearn.metrics import cohen_kappa_score

    by_name: dict[str, dict[str, str]] = defaultdict(dict)
    for each in annotations:
        by_name[each.annotator][each.key] = _vote(each)
    found = []
    for first, second in combinations(sorted(by_name), 2):
        shared = sorted(by_name[first].keys() & by_name[second].keys())
        votes = [[by_name[name][key] for key in shared] for name in (first, second)]
        if not shared:
            continue
        share = sum(a == b for a, b in zip(*votes, strict=True)) / len(shared)
        kappa = float(cohen_kappa_score(*votes)) if len({*votes[0], *votes[1]}) > 1 else None
        found.append(Agreement((first, second), len(shared), share, kappa))
    return found


def _vote(annotation: Annotation) -> str:
    return f"={annotation.value}" if annotation.action == "answer" else "drop"


def disagreements(annotations: Sequence[Annotation]) -> list[tuple[str, dict[str, str]]]:
    """Rows on which annotators differ: their id, and what each one said."""
    by_key: dict[str, dict[str, Annotation]] = defaultdict(dict)
    for each in annotations:
        by_key[each.key][each.annotator] = each
    return [
        (
            next(iter(said.values())).row_id,
            {name: each.value or "(set aside)" for name, each in sorted(said.items())},
        )
        for said in by_key.values()
        if len({_vote(each) for each in said.values()}) > 1
    ]
