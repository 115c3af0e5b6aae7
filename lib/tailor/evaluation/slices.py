"""Slices: a model's metric on parts of the rows, worst first, with those marked that are worse than the rest.

An average hides the group for which it got worse. With many parts some look bad by chance, so the p-values are
corrected for their number (Holm 1979): a part that is marked would be marked by chance in at most 5% of such tables.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tailor.errors import WorkbenchError, did_you_mean
from tailor.evaluation.metrics import mean_metric
from tailor.evaluation.statistics import estimate, holm
from tailor.records import Estimate

if TYPE_CHECKING:
    import polars as pl

    from tailor.project import Project

SMALL_SLICE = 5
"""Slices with fewer rows say nothing and are left out."""
SURE = 0.05
"""Corrected p-values below this mark a slice as worse than the rest."""
LANGUAGE = "language"
"""`slice_by` takes this name beside the columns' own: the language is then told from the text."""
MANY_NUMBERS = 10
"""Columns of numbers with more different values than this are cut into thirds."""


@dataclass(frozen=True)
class Slice:
    """A part of the rows.

    Attributes:
        kind: what the rows are parted by: "label", "source", "length", "language" or a column's name.
        value: the label, file, range or cell.
        found: the metric on these rows; `rest`: its value on all others.
        p_value: of "no worse than the rest", corrected for the number of slices.
    """

    kind: str
    value: str
    rows: int
    found: Estimate
    rest: float
    p_value: float

    @property
    def is_worse(self) -> bool:
        return self.p_value < SURE


def slices(
    table: "pl.DataFrame",
    metric: str,
    *,
    samples: int,
    seed: int,
    more: Mapping[str, Sequence[str]] | None = None,
) -> list[Slice]:
    """A metric by label (where labels repeat), by source file, by thirds of input length and by whatever `more` names;
    those that are surely worse than the rest first, then by value.

    Args:
        table: predictions with each row's own values of `metric` in a column of that name.
        more: kind of slice -> each row's part, as `parts_by` gives them; rows whose part is "" are in none.
    """
    values = table[metric].to_numpy()
    share = metric == "accuracy"
    places = [
        (kind, name, np.array([other == name for other in names]))
        for kind, names in {**_groups(table), **(more or {})}.items()
        for name in sorted(set(names) - {""})
    ]
    places = [part for part in places if SMALL_SLICE <= part[2].sum() < len(values)]
    chances = holm([_chance(values[inside], values[~inside], share) for *_, inside in places])
    found = [
        Slice(
            kind,
            name,
            int(inside.sum()),
            estimate(mean_metric("mean", values[inside], share), samples=samples, seed=seed),
            float(values[~inside].mean()),
            chance,
        )
        for (kind, name, inside), chance in zip(places, chances, strict=True)
    ]
    return sorted(found, key=lambda part: (not part.is_worse, part.found.value, part.kind, part.value))


def _chance(inside: np.ndarray, outside: np.ndarray, share: bool) -> float:
    """One-sided p-value of "these rows do no worse than the others": Fisher's exact test for right and wrong,
    Mann and Whitney's for other values."""
    from scipy.stats import fisher_exact, mannwhitneyu

    if share:
        counts = [[int(part.sum()), int(len(part) - part.sum())] for part in (inside, outside)]
        return float(fisher_exact(counts, alternative="less").pvalue)
    return float(mannwhitneyu(inside, outside, alternative="less").pvalue)


def _groups(table: "pl.DataFrame") -> dict[str, list[str]]:
    """Kind of slice -> each row's part. Answers are labels where the predictions have an accuracy."""
    groups = {"source": table["source"].to_list(), "length": _lengths(table["input"].to_list())}
    labelled = "accuracy" in table.columns
    return {"label": table["reference"].to_list()} | groups if labelled else groups


def _lengths(texts: Sequence[str]) -> list[str]:
    return _thirds(
        [len(text) for text in texts], ("short (up to {} characters)", "long (over {} characters)")
    )


def _thirds(values: Sequence[float], names: tuple[str, str]) -> list[str]:
    """Each value's third, named by its range."""
    ordered = sorted(values)
    first, second = ordered[len(ordered) // 3], ordered[2 * len(ordered) // 3]
    low, high = names[0].format(f"{first:,}"), names[1].format(f"{second:,}")
    return [low if v <= first else f"middle (up to {second:,})" if v <= second else high for v in values]


def parts_by(project: "Project", table: "pl.DataFrame", columns: Sequence[str]) -> dict[str, list[str]]:
    """What each row of a table of predictions holds in columns of the cleaned table, found by the row's id.

    Numbers are cut into thirds and days are named by their month where there are many; "language" is told from the
    input where no column is called so. A row whose cell is empty has the part "".

    Raises:
        WorkbenchError: no such column, or the cleaned table is missing or damaged.
    """
    import polars as pl

    from tailor.data.tables import read_table

    if not columns:
        return {}
    rows = read_table(project.path("clean.parquet"), "03_clean_data")
    known = [name for name in rows.columns if name != "row_id"]
    found = {}
    for name in columns:
        if name in known:
            cells = dict(
                zip(rows["row_id"], rows[name].cast(pl.String).fill_null("").str.strip_chars(), strict=True)
            )
            found[name] = _parts([cells.get(ident, cells.get(_row_of(ident), "")) for ident in table["id"]])
        elif name == LANGUAGE:
            found[name] = _languages(table["input"])
        else:
            raise WorkbenchError(
                f"10_evaluate.slice_by names the column '{name}', which the cleaned table does not have",
                f"any of: {', '.join(dict.fromkeys([*known, LANGUAGE]))}",
                f"correct the name.{did_you_mean(name, [*known, LANGUAGE])}",
            )
    return found


def _row_of(ident: str) -> str:
    """The row of the cleaned table that an example comes from: an answer within a conversation has its turn behind."""
    return ident.rpartition("#")[0]


def _parts(cells: list[str]) -> list[str]:
    """Cells as parts: as they are, or by thirds or months where they are numbers or days of many kinds."""
    import polars as pl

    from tailor.data.dates import sortable

    if len(set(cells) - {""}) <= MANY_NUMBERS:
        return cells
    filled = [cell for cell in cells if cell]
    numbers = pl.Series(filled).cast(pl.Float64, strict=False)
    if numbers.is_finite().all() and not numbers.has_nulls():
        thirds = iter(_thirds(numbers.to_list(), ("low (up to {})", "high (over {})")))
        return [next(thirds) if cell else "" for cell in cells]
    days = sortable(pl.Series(cells))
    return [day[:7] for day in days] if sum(map(bool, days)) == len(filled) else cells


def _languages(texts: "pl.Series") -> list[str]:
    from tailor.data.cleaning.language import detect

    return [code or "undetermined" for code in detect(texts)]


def slice_problems(project: "Project", columns: Sequence[str]) -> list[str]:
    """What is wrong with the columns asked for, as sentences; reads no rows."""
    import pyarrow.parquet as pq

    path = project.path("clean.parquet")
    if not columns or not path.exists():
        return []
    known = [*pq.read_schema(path).names, LANGUAGE]
    return [
        f"slice_by names the column '{name}', which the cleaned table does not have.{did_you_mean(name, known)}"
        for name in columns
        if name not in known
    ]
