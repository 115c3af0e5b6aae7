"""Labels: spellings of one label brought together."""

import re
import unicodedata
from collections import Counter, defaultdict
from dataclasses import dataclass

import polars as pl

from tailor.data.cleaning.operation import Repair


def fingerprint(label: str) -> str:
    """OpenRefine's key: lower case, plain letters, words sorted and made unique ("Card-lost " and "lost card").

    Source: OpenRefine's documentation, "Clustering methods in depth", key collision, fingerprint. Hyphens and
    underscores part words here, since labels are often written with them, and `C++` is not `C`.
    """
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode() or label
    return " ".join(sorted(set(re.sub(r"[^\w+#]+|_", " ", plain.lower()).split())))


@dataclass(frozen=True)
class MergeLabels(Repair):
    """Write every spelling of a label as its most frequent one."""

    name = "merge_labels"
    title = "Merge spellings of a label"

    def repair(self, cells: pl.Series) -> pl.Series:
        counts = Counter(cells.drop_nulls().to_list())
        groups = defaultdict(list)
        for label in counts:
            groups[fingerprint(label)].append(label)
        renamed = {}
        for key, spellings in groups.items():
            # the most frequent; of equals the first in the alphabet, so that the order of rows does not matter
            best = min(spellings, key=lambda s: (-counts[s], s)).strip()
            renamed |= {spelling: best for spelling in spellings if key and spelling != best}
        return cells.replace(renamed) if renamed else cells
