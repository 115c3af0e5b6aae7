"""Labels: spellings of one label brought together."""

from collections import Counter
from collections.abc import Sequence

import polars as pl

from tailor.blocks import Block, Table
from tailor.data.cleaning.keying import METHODS, Method, cluster
from tailor.data.cleaning.operation import Columns, Repair
from tailor.settings import setting


class MergeLabels(Repair):
    """Write every spelling of a label as its most frequent one."""

    name = "merge_labels"
    title = "Merge spellings of a label"
    relax = "set the method of merge_labels to 'fingerprint'"
    scope = "table"
    acts_on = "labels"

    method: Method = setting(
        "fingerprint",
        "Which labels count as one: " + "; ".join(f"{name}: {what}" for name, what in METHODS.items()) + ".",
        source="OpenRefine's documentation, Clustering methods in-depth",
    )
    edits: int = setting(
        1, "For 'edit distance': the most letters that may differ.", unit="letters", ge=1, le=3, advanced=True
    )

    def survey(self, frame: pl.DataFrame, columns: Columns) -> dict[str, Counter]:
        """Column -> how often each label stands in it."""
        return {name: Counter(frame[name].drop_nulls().to_list()) for name in self.chosen(columns)}

    def decide(self, surveys: Sequence[dict[str, Counter]]) -> dict[str, dict[str, str]]:
        """Column -> spelling -> the one to write instead."""
        return {name: self._merged(sum((s[name] for s in surveys), Counter())) for name in surveys[0]}

    def _merged(self, counts: Counter) -> dict[str, str]:
        renamed = {label: label.strip() for label in counts if label != label.strip()}
        for found in cluster(counts, self.method, edits=self.edits):
            renamed |= {spelling: found.best for spelling, _ in found.values if spelling != found.best}
        return renamed

    def repair(self, cells: pl.Series, columns: Columns, decision: dict[str, dict[str, str]]) -> pl.Series:
        renamed = decision[cells.name]
        return cells.replace(renamed) if renamed else cells

    def preview(self, frame: pl.DataFrame, columns: Columns) -> list[Block]:
        """What each method would merge."""
        shown: list[Block] = []
        for name, counts in self.survey(frame, columns).items():
            rows = [
                (method, found.best, ", ".join(f"'{label}' ({count:,})" for label, count in found.values))
                for method in METHODS
                for found in cluster(counts, method, edits=self.edits)
            ]
            shown.append(
                Table(("method", "becomes", "labels (rows)"), rows, f"What each method merges in '{name}'")
            )
        return shown
