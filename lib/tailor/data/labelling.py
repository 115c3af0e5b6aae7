"""A person's walk through the rows that matter most: what is shown, what was said, undone and saved."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tailor.blocks import Table
from tailor.data.annotations import (
    FILE,
    Action,
    Annotation,
    agreements,
    disagreements,
    read_annotations,
    row_key,
    save_annotations,
)
from tailor.data.conversations import read_history
from tailor.data.drafts import Draft, Reading
from tailor.data.examples import given_roles
from tailor.data.exchanges import draft_rows
from tailor.data.labelling_order import choose_for_labelling, reasons, suggest_labels
from tailor.data.roles import find_roles
from tailor.data.tables import read_table
from tailor.project import Project
from tailor.records import ProjectRecord, Task, UseCase

KEYS = "123456789qwertzopasdfghjklyvbnm"
"""Keys for labels, in order; c, i, m, u and x have other meanings or are easily mistaken."""


def open_session(project: Project, settings: Any, *, count: int, labels: Sequence[str] = ()) -> "Session":
    """The rows of a project as 04_format_data reads them with these settings.

    Raises:
        WorkbenchError: 03_clean_data has not run, or a column cannot play its role.
    """
    task = project.load(UseCase, "use_case.json").task
    rows = read_table(project.path("clean.parquet"), "03_clean_data")
    roles = find_roles(rows, task, given_roles(settings.model_dump()))
    reading = Reading(settings.conversation_answers == "every", settings.assistant_speaker)
    drafts = draft_rows(rows, task, {name: role.column for name, role in roles.items()}, reading).rows
    seed = project.load(ProjectRecord, "project.json").seed
    return Session(drafts, task, labels, project.path(FILE), count=count, seed=seed)


class Session:
    """Rows in the order in which they are looked at, and what one annotator says about them.

    Every answer is saved at once; undo takes back the last one and goes to its row.

    Args:
        drafts: the project's rows.
        labels: that can be given (`classify`); those of the rows come first.
        path: annotations.jsonl of the project.
        count: the most rows to walk through.
    """

    def __init__(
        self, drafts: Sequence[Draft], task: Task, labels: Sequence[str], path: Path, *, count: int, seed: int
    ) -> None:
        self._drafts, self._path, self._seed = list(drafts), path, seed
        self.task = task
        used = Counter(d.output for d in drafts if d.output and not d.problem) if task == "classify" else {}
        self.labels = list(dict.fromkeys([*sorted(used), *labels]))
        self._count = count
        self.order: list[tuple[int, str]] = []
        self._suggested: dict[int, str] = {}
        self.annotator = ""
        self.number = 0
        self._own: dict[str, Annotation] = {}
        self._undo: list[tuple[int, str, Annotation | None]] = []

    def sign_in(self, name: str) -> None:
        """Go on as this annotator, at the first row without an answer of theirs."""
        self.annotator = " ".join(name.split())[:60]
        found, _ = read_annotations(self._path)
        if self.annotator and not self.order:
            self._choose(found)
        self._own = {each.key: each for each in found if each.annotator == self.annotator}
        self._undo = []
        open_rows = (
            n for n, (place, _) in enumerate(self.order) if row_key(self._drafts[place]) not in self._own
        )
        self.number = next(open_rows, 0)

    def _choose(self, found: list[Annotation]) -> None:
        """Only when somebody is there: a run without a person need not wait for it."""
        self.order = choose_for_labelling(self._drafts, self.task, found, self._count, self._seed)
        if self.task == "classify":
            shown = [place for place, _ in self.order]
            self._suggested = suggest_labels(self._drafts, shown, self.labels)

    # --- what a person does ----------------------------------------------------------------------------------------
    def say(self, action: Action, value: str = "") -> str:
        """Save an answer for the row shown and go to the next one. Returns a sentence on why nothing was saved."""
        if not self.annotator:
            return "Type your name first: it tells whose answers these are."
        if not self.order:
            return "There is no row to look at."
        value = value.strip()
        if action == "answer" and (
            not value or (self.labels and self.task == "classify" and value not in self.labels)
        ):
            return "Choose one of the labels." if self.task == "classify" else "The answer is empty."
        draft = self._drafts[self.order[self.number][0]]
        key = row_key(draft)
        said = Annotation(draft.id, key, self.annotator, action, value if action == "answer" else "")
        before = self._own.get(key)
        self._save(self._own | {key: said})
        self._undo.append((self.number, key, before))
        self.move(1)
        return ""

    def undo(self) -> str:
        """Take back the last answer and go to its row."""
        if not self._undo:
            return "There is nothing to undo."
        number, key, before = self._undo[-1]
        left = {other: said for other, said in self._own.items() if other != key}
        self._save(left | ({key: before} if before else {}))
        self._undo.pop()
        self.number = number
        return ""

    def move(self, by: int) -> None:
        self.number = min(max(self.number + by, 0), max(len(self.order) - 1, 0))

    def _save(self, own: dict[str, Annotation]) -> None:
        """Write first, believe afterwards: what could not be saved is not shown as said."""
        save_annotations(self._path, self.annotator, own.values())
        self._own = own

    # --- what is shown ---------------------------------------------------------------------------------------------
    def state(self) -> dict[str, Any]:
        """The row shown, as plain values."""
        keys = [row_key(self._drafts[place]) for place, _ in self.order]
        progress = {"number": self.number, "total": len(keys), "done": sum(key in self._own for key in keys)}
        if not keys:
            return progress | {"waiting": not self.annotator}
        place, why = self.order[self.number]
        draft, mine = self._drafts[place], self._own.get(keys[self.number])
        return progress | {
            "row": draft.id,
            "why": why,
            "before": read_history(draft.history),
            "text": draft.input,
            "given": draft.output,
            "suggested": self._suggested.get(place, ""),
            "mine": mine.value if mine else "",
            "dropped": bool(mine and mine.action == "drop"),
        }

    def tables(self) -> list[Table]:
        """What was said so far, by whom, and how far people agree."""
        found, broken = read_annotations(self._path)
        lines = [(why, len(places)) for why, places in reasons(self._drafts, found).items()]
        tables = [Table(("why it would be shown", "rows"), lines, "Rows to look at, the most pressing first")]
        if found:
            names = Counter((each.annotator, each.action) for each in found)
            people = sorted({name for name, _ in names})
            lines = [(name, names[name, "answer"], names[name, "drop"]) for name in people]
            aside = f"; {len(broken)} lines cannot be read and are kept aside" if broken else ""
            tables.append(Table(("annotator", "answers", "set aside"), lines, f"Said so far{aside}"))
        if shared := agreements(found):
            lines = [
                (
                    " and ".join(a.annotators),
                    a.rows,
                    f"{a.share:.0%}",
                    "" if a.kappa is None else f"{a.kappa:.2f}",
                )
                for a in shared
            ]
            columns = ("annotators", "rows of both", "agree on", "Cohen's kappa")
            tables.append(Table(columns, lines, "Agreement; kappa leaves out what chance would bring"))
        if differ := disagreements(found):
            lines = [
                (row, "; ".join(f"{name}: {value}" for name, value in said.items())) for row, said in differ
            ]
            tables.append(Table(("row", "what was said"), lines, "Annotators differ on these rows", show=10))
        return tables
