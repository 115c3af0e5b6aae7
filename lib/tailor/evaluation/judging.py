"""A language model as judge of two answers: asked twice with the order swapped, and judged itself.

Judges prefer what stands first, what is longer and what they wrote themselves (Zheng et al. 2023, section 3.3). So
each pair is asked in both orders and counts only where both verdicts agree; what cannot be read is unmeasured, never
a loss; and where people compared at least thirty of the pairs, their agreement with the judge is reported and
corrects its estimate (prediction-powered inference, Angelopoulos et al. 2023).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tailor.evaluation.blind import Pair
from tailor.evaluation.kept_answers import KeptAnswers
from tailor.evaluation.metrics import mean_metric
from tailor.evaluation.statistics import estimate
from tailor.files import canonical_json, sha256_bytes
from tailor.models.language_model import GenerationConfig, LanguageModel, Prompt
from tailor.progress import Log
from tailor.records import Estimate

ENOUGH_HUMANS = 30
"""Pairs compared by people from which agreement is reported."""
PIECE = 16

_INSTRUCTION = (
    "You compare two answers to the same message. {criterion} Neither the order nor the length of the answers may "
    "count. Say in one or two sentences what speaks for each, then end with [[A]] if answer A is better, [[B]] if "
    "answer B is better, or [[C]] if neither is."
)
_VERDICT = re.compile(r"\[\[([ABC])\]\]")
_BARE = re.compile(r"\W*([ABC])\W*")


@dataclass(frozen=True)
class Judgement:
    """What the judge said of one pair, in both orders: "A" the answer shown first, "B" the second, "C" neither;
    None where no verdict could be read."""

    pair: Pair
    plain: str | None
    swapped: str | None

    @property
    def value(self) -> float | None:
        """1 for the best model, 0 for the base model, 0.5 for neither; None where the two orders contradict each
        other or cannot be read."""
        if self.plain is None or self.swapped is None:
            return None
        first = {"A": 1.0, "B": 0.0, "C": 0.5}[self.plain]
        second = {"A": 0.0, "B": 1.0, "C": 0.5}[self.swapped]
        if abs(first - second) == 1.0:
            return None
        value = (first + second) / 2
        value = 1.0 if value > 0.5 else 0.0 if value < 0.5 else 0.5
        return value if self.pair.best_first else 1.0 - value


def read_verdict(answer: str) -> str | None:
    """The last [[A]], [[B]] or [[C]] of an answer, or the letter alone; None where there is neither."""
    if found := _VERDICT.findall(answer):
        return found[-1]
    bare = _BARE.fullmatch(answer.strip())
    return bare[1] if bare else None


def judge_pairs(
    model: LanguageModel,
    pairs: Sequence[Pair],
    criterion: str,
    kept: KeptAnswers,
    log: Log,
    max_new_tokens: int = 256,
) -> list[Judgement]:
    """Ask the judge each pair in both orders.

    Args:
        criterion: a sentence on what makes an answer good.
        kept: this judge's earlier answers.
    """
    config, found = GenerationConfig(max_new_tokens=max_new_tokens), []
    for start in range(0, len(pairs), PIECE):
        some = pairs[start : start + PIECE]
        prompts = [_prompt(pair, criterion, swapped) for pair in some for swapped in (False, True)]
        verdicts = [read_verdict(text) for text in _answers(model, prompts, config, kept)]
        found += [Judgement(p, *verdicts[2 * i : 2 * i + 2]) for i, p in enumerate(some)]
        log.progress(len(found), len(pairs), "pairs judged in both orders")
    return found


def _answers(
    model: LanguageModel, prompts: list[Prompt], config: GenerationConfig, kept: KeptAnswers
) -> list[str]:
    keys = [sha256_bytes(canonical_json([prompt, config.model_dump()]).encode())[:32] for prompt in prompts]
    found = kept.find(keys)
    open_ones = [i for i, key in enumerate(keys) if key not in found]
    if open_ones:
        written = model.generate([prompts[i] for i in open_ones], config)
        new = {keys[i]: text for i, text in zip(open_ones, written, strict=True)}
        kept.keep(new)
        found |= new
    return [found[key] for key in keys]


def _prompt(pair: Pair, criterion: str, swapped: bool) -> Prompt:
    a, b = reversed(pair.shown) if swapped else pair.shown
    asked = f"Message:\n{pair.question}\n\nAnswer A:\n{a}\n\nAnswer B:\n{b}\n\nWhich answer is better?"
    system = _INSTRUCTION.format(criterion=criterion.strip())
    return [{"role": "system", "content": system}, {"role": "user", "content": asked}]


@dataclass(frozen=True)
class JudgeReport:
    """How far a judge can be believed, and what it says. Shares run from 0 to 1.

    Attributes:
        unread: verdicts that could not be read, of all that were asked for.
        contradicted: pairs whose verdict turned with the order, of those read.
        first: how often the answer shown first won, of the decided verdicts of both orders; 0.5 without bias.
        longer: how often the longer answer won, of the pairs decided; None where none was.
        preferred: how often the best model's answer wins (a tie counts half), over the pairs with one verdict.
        agreed: pairs with one verdict, the same in both orders.
        humans: pairs that people compared and the judge decided.
        kappa: Cohen's kappa between people and judge; None with fewer than ENOUGH_HUMANS of them.
        corrected: `preferred` corrected by what people said; None likewise.
    """

    unread: float
    contradicted: float
    first: Estimate | None
    longer: Estimate | None
    preferred: Estimate | None
    agreed: int
    humans: int
    kappa: float | None
    corrected: Estimate | None


def report(
    judgements: Sequence[Judgement], humans: dict[str, float], *, samples: int, seed: int
) -> JudgeReport:
    """Measure a judge.

    Args:
        humans: row id -> what people said, as `tailor.evaluation.blind.human_choices`.
    """

    def share(values: list[float]) -> Estimate | None:
        all_or_none = bool(values) and set(values) <= {0.0, 1.0}
        metric = mean_metric("share", np.array(values), share=all_or_none) if values else None
        return estimate(metric, samples=samples, seed=seed) if metric else None

    verdicts = [verdict for each in judgements for verdict in (each.plain, each.swapped)]
    read = [each for each in judgements if each.plain is not None and each.swapped is not None]
    known = {each.pair.id: each for each in read if each.value is not None}
    decided = [each for each in known.values() if each.value != 0.5]
    lengths = [
        float((len(each.pair.best) > len(each.pair.base)) == (each.value == 1.0))
        for each in decided
        if len(each.pair.best) != len(each.pair.base)
    ]
    both = [ident for ident in known if ident in humans]
    enough = len(both) >= ENOUGH_HUMANS
    return JudgeReport(
        unread=sum(verdict is None for verdict in verdicts) / max(len(verdicts), 1),
        contradicted=sum(each.value is None for each in read) / max(len(read), 1),
        first=share([float(verdict == "A") for verdict in verdicts if verdict in ("A", "B")]),
        longer=share(lengths),
        preferred=share([each.value for each in known.values()]),
        agreed=len(known),
        humans=len(both),
        kappa=_kappa([known[i].value for i in both], [humans[i] for i in both]) if enough else None,
        corrected=prediction_powered({i: e.value for i, e in known.items()}, humans) if enough else None,
    )


def _kappa(judge: list[float], humans: list[float]) -> float:
    from sklearn.metrics import cohen_kappa_score

    words = [[str(value) for value in side] for side in (judge, humans)]
    return 1.0 if words[0] == words[1] else float(cohen_kappa_score(*words))


def prediction_powered(judge: dict[str, float], humans: dict[str, float]) -> Estimate:
    """The mean that people would give to all rows, from few rows of theirs and the judge's of all.

    The judge's mean over rows without a human verdict, plus how far people differ from it on the others, with a 95%
    normal interval (Angelopoulos et al. 2023, Prediction-powered inference, for the mean). Where every row has
    a human verdict it is their mean.
    """
    asked = [ident for ident in judge if ident in humans]
    rest = np.array([value for ident, value in judge.items() if ident not in humans])
    off = np.array([humans[ident] - judge[ident] for ident in asked])
    if not len(rest):
        rest, off = np.zeros(1), np.array([humans[ident] for ident in asked])
    value = rest.mean() + off.mean()
    spread = np.sqrt(_variance(rest) / len(rest) + _variance(off) / len(off))
    low, high = max(value - 1.96 * spread, 0.0), min(value + 1.96 * spread, 1.0)
    return Estimate(value=float(min(max(value, 0.0), 1.0)), low=float(low), high=float(high))


def _variance(values: np.ndarray) -> float:
    return float(values.var(ddof=1)) if len(values) > 1 else 0.0
