"""Labels: spellings of one label brought together."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence

import polars as pl

from tailor.data.cleaning.operation import Columns, Repair


def fingerprint(label: str) -> str:
    """OpenRefine's key: lower case, plain letters, words sorted and made unique ("Card-lost " and "lost card").

    Source: OpenRefine's documentation, "Clustering methods in depth", key collision, fingerprint. Hyphens and
    underscores part words here, since labels are often written with them, and `C++` is not `C`.
    """
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode() or label
    return " ".join(sorted(set(re.sub(r"[^\w+#]+|_", " ", plain.lower()).split())))


class MergeLabels(Repair):
    """Write every spelling of a label as its most frequent one."""

    name = "merge_labels"
    title = "Merge spellings of a label"
    scope = "table"
    acts_on = "labels"

    def survey(self, frame: pl.DataFrame, columns: Columns) -> dict[str, Counter]:
        """Column -> how often each label stands in it."""
        return {name: Counter(frame[name].drop_nulls().to_list()) for name in self.chosen(columns)}

    def decide(self, surveys: Sequence[dict[str, Counter]]) -> dict[str, dict[str, str]]:
        """Column -> spelling -> the one to write instead."""
        return {name: merged_spellings(sum((s[name] for s in surveys), Counter())) for name in surveys[0]}

    def repair(self, cells: pl.Series, columns: Columns, decision: dict[str, dict[str, str]]) -> pl.Series:
        renamed = decision[cells.name]
        return cells.replace(renamed) if renamed else cells


def merged_spellings(counts: Counter) -> dict[str, str]:
    """Every spelling that has a more frequent one of the same fingerprint, and that one."""
    groups = defaultdict(list)
    for label in counts:
        groups[fingerprint(label)].append(label)
    renamed = {}
    for key, spellings in groups.items():
        # the most frequent; of equals the first in the alphabet, so that the order of rows does not matter
        best = min(spellings, key=lambda s: (-counts[s], s)).strip()
        renamed |= {spelling: best for spelling in spellings if key and spelling != best}
    return renamed
