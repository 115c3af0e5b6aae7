"""Reading a model's answers one by one: in which order, which of them, and what other models said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from tailor.blocks import Table
from tailor.data.notes import FILE, read_notes
from tailor.evaluation.compare import confusions, name_of
from tailor.evaluation.results import shorten
from tailor.project import Project
from tailor.records import Comparison, ProjectRecord

if TYPE_CHECKING:
    import polars as pl

View = Literal["worst", "best", "random", "models disagree"]
VIEWS: tuple[View, ...] = get_args(View)
ANY = "all"


@dataclass(frozen=True)
class Filter:
    """Which rows are read; `ANY` lets all through.

    Attributes:
        label: the right label; `given`: the label that the model gave (both from a confusion pair).
        contains: text that the input, the reference or the answer holds, whatever its case.
        noted: only rows with a note.
    """

    label: str = ANY
    given: str = ANY
    source: str = ANY
    contains: str = ""
    noted: bool = False


class Answers:
    """The answers of every compared model to the same test rows.

    Args:
        project: after 10_evaluate.
    """

    def __init__(self, project: Project) -> None:
        from tailor.evaluation.predictions import read_predictions

        record = project.load(Comparison, "comparison.json")
        self.seed = project.load(ProjectRecord, "project.json").seed
        self.path = project.path(FILE)
        self.headline, self.best = record.headline, record.best
        self.titles = {line.run: f"{line.title} ({line.role})" for line in record.compared}
        self.tables = {run: read_predictions(project, run) for run in self.titles}
        self.labelled = "accuracy" in self.tables[self.best].columns

    def labels(self) -> list[str]:
        return sorted(set(self.tables[self.best]["reference"])) if self.labelled else []

    def sources(self) -> list[str]:
        return sorted(set(self.tables[self.best]["source"]))

    def confusions(self, run: str) -> list[tuple[str, str, int, int]]:
        """The commonest mistakes of a model; see `tailor.evaluation.compare.confusions`."""
        return confusions(self.tables[run], most=8) if self.labelled else []

    def order(self, run: str, view: View, chosen: Filter = Filter()) -> list[int]:
        """Places of the rows to read, in order."""
        table = self.tables[run]
        kept = self._kept(table, run, chosen)
        ids = table["id"].to_list()
        if view == "random":
            return [int(i) for i in np.random.default_rng(self.seed).permutation(len(ids)) if i in kept]
        if view == "models disagree":
            spread = self._disagreement()
            return sorted((i for i in kept if spread[i] > 0), key=lambda i: (-spread[i], ids[i]))
        values = table[self.headline].to_list()
        surest = table["confidence"].to_list() if "confidence" in table.columns else [0.0] * len(ids)
        sign = 1 if view == "worst" else -1
        return sorted(kept, key=lambda i: (sign * values[i], -surest[i], ids[i]))

    def _kept(self, table: "pl.DataFrame", run: str, chosen: Filter) -> set[int]:
        noted = (
            {note.row_id for note in read_notes(self.path)[0] if note.run == run} if chosen.noted else set()
        )
        wanted = chosen.contains.casefold()
        columns = [table[name].to_list() for name in ("id", "source", "input", "reference", "prediction")]
        return {
            place
            for place, (ident, source, asked, right, said) in enumerate(zip(*columns, strict=True))
            if chosen.label in (ANY, right)
            and chosen.given in (ANY, said)
            and chosen.source in (ANY, source)
            and (not wanted or any(wanted in text.casefold() for text in (asked, right, said)))
            and (not chosen.noted or ident in noted)
        }

    def _disagreement(self) -> list[float]:
        """How far the models' own values of a row lie apart; where equal, whether their labels differ."""
        values = np.array([table[self.headline].to_numpy() for table in self.tables.values()])
        spread = values.max(axis=0) - values.min(axis=0)
        said = [table["prediction"].to_list() for table in self.tables.values()]
        kinds = np.array([len(set(row)) for row in zip(*said, strict=True)])
        return list(spread + (kinds - 1) * 1e-3 * self.labelled)

    def row(self, run: str, place: int) -> dict[str, object]:
        """One row: what was asked, what was right, and what each model said, this one first."""
        table = self.tables[run]
        return {
            "id": table["id"][place],
            "source": table["source"][place],
            "input": table["input"][place],
            "reference": table["reference"][place],
            "answers": [
                (self.titles[each], self.tables[each]["prediction"][place], self._how(each, place))
                for each in self._order(run)
            ],
        }

    def _how(self, run: str, place: int) -> str:
        """How good an answer is, in a few words."""
        table = self.tables[run]
        if not self.labelled:
            return f"{name_of(self.headline)} {table[self.headline][place]:.0f}"
        right = "right" if table["accuracy"][place] else "wrong"
        return f"{right}, {table['confidence'][place]:.0%} sure" if "confidence" in table.columns else right

    def tables_shown(self, run: str = "", most: int = 5) -> list[Table]:
        """The views as tables, for a copy without widgets, and the notes so far."""
        run = run or self.best
        shown = []
        for view in ("models disagree", "random"):
            rows = [self._line(run, place) for place in self.order(run, view)[:most]]
            if rows:
                columns = ("row", "input", "reference", *(self.titles[each] for each in self._order(run)))
                caption = {"models disagree": "Where the models differ most", "random": "Drawn at random"}[
                    view
                ]
                shown.append(Table(columns, rows, caption))
        if notes := read_notes(self.path)[0]:
            lines = [
                (note.row_id, self.titles.get(note.run, note.run), note.fault, note.text) for note in notes
            ]
            shown.append(Table(("row", "answer of", "where the fault lies", "note"), lines, "Notes so far"))
        return shown

    def _order(self, run: str) -> list[str]:
        return [run, *(other for other in self.tables if other != run)]

    def _line(self, run: str, place: int) -> tuple[str, ...]:
        row = self.row(run, place)
        answers = [f"{shorten(text)} ({how})" for _, text, how in row["answers"]]
        return row["id"], shorten(row["input"]), shorten(row["reference"]), *answers


def choices(names: Sequence[str] | Mapping[str, str]) -> list[tuple[str, str]]:
    """Options of a drop-down, "all" first."""
    pairs = names.items() if isinstance(names, Mapping) else ((name, name) for name in names)
    return [(ANY, ANY), *((text if len(text) < 60 else text[:57] + "...", value) for text, value in pairs)]
