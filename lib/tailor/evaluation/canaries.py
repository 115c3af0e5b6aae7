"""How exposed planted secrets are: where the true one stands among all that might have been drawn.

Carlini et al. 2019, The Secret Sharer: exposure = log2 of the number of possible secrets, minus log2 of the
true one's rank by likelihood. A model that never learned the secret ranks it anywhere, by chance; one that learned it
by heart ranks it first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log2

import numpy as np

from tailor.data.canaries import Canary, possible_answers
from tailor.data.dataset import Dataset
from tailor.models.language_model import LanguageModel
from tailor.progress import Log


@dataclass(frozen=True)
class Exposure:
    """A secret's rank (1: likeliest; halves where others tie with it) among `possible` ones."""

    name: str
    rank: float
    possible: int

    @property
    def bits(self) -> float:
        """0 for the least likely, log2 of the number of possible secrets for the likeliest."""
        return log2(self.possible) - log2(self.rank)


def measure_exposure(
    model: LanguageModel, dataset: Dataset, canaries: Sequence[Canary], log: Log
) -> list[Exposure]:
    """Rank every canary among all answers that its question might have had."""
    possible = possible_answers()
    found = []
    for canary in log.track(canaries, "planted secrets ranked"):
        (scores,) = model.score_choices([dataset.prompt(canary.question)], possible)
        found.append(Exposure(canary.name, _rank(scores, possible.index(canary.answer)), len(possible)))
    return found


def _rank(scores: np.ndarray, place: int) -> float:
    """The middle of the ranks that equals share: a model that finds all alike knows nothing."""
    return 1 + float((scores > scores[place]).sum()) + (float((scores == scores[place]).sum()) - 1) / 2


def chance(exposures: Sequence[Exposure]) -> float:
    """The probability of such ranks, or better ones, if the model knew nothing of any secret.

    Then every rank is equally likely, since the secrets were drawn by lot, whatever the model prefers; Fisher's method
    combines them.
    """
    from scipy.stats import combine_pvalues

    return float(combine_pvalues([each.rank / each.possible for each in exposures], method="fisher").pvalue)
