"""Semantic near duplicates: texts that say the same in other words, told by a sentence encoder."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from tailor.blocks import Block, Text
from tailor.data.cleaning.operation import Columns, Operation, Outcome, drop
from tailor.settings import setting

_BLOCK = 2_000


class DropSameMeaning(Operation):
    """Of rows whose texts mean nearly the same, keep the first. Rows with different labels are never duplicates.

    Every text is compared with every other, so the time grows with the square of the rows.
    """

    name = "drop_same_meaning"
    title = "Drop texts of the same meaning"
    relax = "raise the threshold of drop_same_meaning"
    warning = "An encoder takes 'I can log in' and 'I cannot log in' for nearly the same: look at the pairs it drops."
    scope = "table"

    threshold: float = setting(
        0.95,
        "The least cosine of two texts' embeddings; every text column must reach it.",
        unit="similarity",
        gt=0.5,
        le=1,
    )
    encoder: str = setting(
        "", "The sentence encoder. Empty: the one that ships as an extra, all-minilm-l6-v2.", advanced=True
    )

    def survey(self, frame: pl.DataFrame, columns: Columns) -> pl.DataFrame:
        """row_id, whether the row must stay, its labels, and an embedding for each text column.

        Raises:
            WorkbenchError: the encoder is not installed; says how to install it.
        """
        from tailor.models.encoder import ENCODER_NAME, embed

        vectors = [
            pl.Series(
                f"vector {place}", embed(frame[name].fill_null("").to_list(), self.encoder or ENCODER_NAME)
            )
            for place, name in enumerate(self.chosen(columns))
        ]
        labels = pl.concat_str(
            [pl.lit(""), *(pl.col(name).fill_null("") for name in columns.labels)], separator="\x1f"
        )
        frozen = pl.col("source").is_in(columns.frozen_sources)
        return frame.select("row_id", frozen=frozen, label=labels).hstack(vectors)

    def decide(self, surveys: Sequence[pl.DataFrame]) -> dict[str, str]:
        """Why which rows go."""
        rows = pl.concat(list(surveys))
        # rows of a given test file come first and so are the ones that stay
        rows = rows.sort(~pl.col("frozen"), maintain_order=True)
        found: dict[str, str] = {}
        for group in rows.partition_by("label", maintain_order=True):
            vectors = [group[name].to_numpy() for name in group.columns if name.startswith("vector ")]
            ids, frozen = group["row_id"], group["frozen"]
            for place, first in enumerate(_firsts(vectors, self.threshold) if vectors else []):
                if first >= 0 and not frozen[place]:
                    found[ids[place]] = f"means nearly the same as {ids[int(first)]}"
        return found

    def apply(self, frame: pl.DataFrame, columns: Columns, decision: dict[str, str]) -> Outcome:
        here = set(frame["row_id"])
        return drop(frame, {row_id: why for row_id, why in decision.items() if row_id in here})

    def preview(self, frame: pl.DataFrame, columns: Columns) -> list[Block]:
        from tailor.models.encoder import find_encoder

        ready = self.encoder or find_encoder() is not None
        return (
            [] if ready else [Text("The encoder is not installed: pip install 'tailor-workbench[encoder]'.")]
        )


def _firsts(vectors: Sequence[np.ndarray], threshold: float) -> np.ndarray:
    """[rows] the first row that stays and that a row is alike in every column; -1 for rows that stay.

    Args:
        vectors: for each column [rows, width], of length 1.
    """
    total = len(vectors[0])
    first = np.full(total, -1)
    for start in range(0, total, _BLOCK):
        end = min(start + _BLOCK, total)
        alike = np.ones((end - start, end), dtype=bool)
        for column in vectors:
            alike &= column[start:end] @ column[:end].T >= threshold
        for row in range(start, end):
            near = np.flatnonzero(alike[row - start, :row])
            near = near[first[near] < 0]
            if len(near):
                first[row] = near[0]
    return first
