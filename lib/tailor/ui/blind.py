"""Comparing two models' answers by hand, without knowing which is whose: keys for everything, each choice saved."""

from typing import Any

from tailor.evaluation.blind import open_blind
from tailor.ui.labelling import Labelling


class BlindComparison(Labelling):
    """Pairs of answers of 10_evaluate, in the labelling card.

    Args:
        step: 10_evaluate, opened and run.
        annotator: whose choices these are; can be typed into the card.
        rows: the most pairs to walk through.
    """

    def __init__(self, step: Any, *, annotator: str = "", rows: int = 60) -> None:
        self._start(open_blind(step.project, count=rows), annotator)
