"""Which of the compared models to ship, and why: quality against what it costs, in one paragraph.

A model is on the Pareto front where no other is at least as good in everything and better in something. Among the
models whose quality the test rows cannot tell from the best one's, the cheapest to ask is recommended.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tailor.evaluation.compare import name_of, show_difference, show_estimate
from tailor.evaluation.results import show_bytes
from tailor.records import Compared, Comparison, Estimate

CLEARLY_FASTER = 1.25
"""Seconds that differ by less than this factor differ by chance on a machine that does other things too."""


@dataclass(frozen=True)
class Candidate:
    """One model with its price.

    Attributes:
        line: its line of the comparison.
        quality: the headline metric.
        seconds: for one answer; None where it was not measured.
        peak_gib: memory while answering; None where it was not measured.
    """

    line: Compared
    quality: Estimate
    seconds: float | None
    peak_gib: float | None

    def prices(self) -> list[float]:
        """Seconds, memory, file size and what was forgotten, the less the better; what was not measured counts as
        nothing."""
        forgotten = round(max(self.line.forgotten.value, 0.0), 2) if self.line.forgotten else 0.0
        return [self.seconds or 0.0, round(self.peak_gib or 0.0, 1), float(self.line.bytes), forgotten]


def candidates(record: Comparison) -> list[Candidate]:
    """The compared models with what asking them cost, in the comparison's order."""
    found = []
    for line in record.compared:
        measured: dict[str, Any] = record.measured.get("models", {}).get(line.run, {})
        pace = measured.get("prompts_per_second")
        quality = line.metrics[record.headline]
        found.append(Candidate(line, quality, 1 / pace if pace else None, measured.get("peak_gib")))
    return found


def pareto_front(models: Sequence[Candidate]) -> list[Candidate]:
    """The models that no other beats: at least as good in quality and every price, and better in one."""
    return [one for one in models if not any(_beats(other, one) for other in models)]


def _beats(a: Candidate, b: Candidate) -> bool:
    better = [a.quality.value, *(-price for price in a.prices())]
    worse = [b.quality.value, *(-price for price in b.prices())]
    return all(x >= y for x, y in zip(better, worse, strict=True)) and better != worse


def recommended(models: Sequence[Candidate]) -> Candidate:
    """The cheapest of those that the test rows cannot tell from the best; the best where none is clearly cheaper."""
    best = max(models, key=lambda one: one.quality.value)
    equal = [one for one in models if one is best or _level(one)]
    cheaper = [one for one in equal if _cheaper(one, best)]
    return min(cheaper, key=lambda one: (one.line.bytes, one.seconds or 0.0), default=best)


def _level(one: Candidate) -> bool:
    behind = one.line.behind
    return behind is not None and behind.high >= 0


def _cheaper(one: Candidate, best: Candidate) -> bool:
    """Whether it is clearly faster, or as fast and smaller on disk."""
    if one is best:
        return False
    ratio = (best.seconds or 0.0) / one.seconds if one.seconds else 1.0
    return ratio >= CLEARLY_FASTER or (one.line.bytes < best.line.bytes and ratio * CLEARLY_FASTER > 1)


def recommendation(record: Comparison) -> str:
    """The paragraph: which model, on what grounds, what speaks against the others, what is still missing."""
    models = candidates(record)
    best, chosen = max(models, key=lambda one: one.quality.value), recommended(models)
    quality = f"{name_of(record.headline)} {show_estimate(record.headline, chosen.quality)}"
    if chosen is best:
        said = f"Recommended: {chosen.line.title}. Its {quality} is the highest of {len(models)}"
        said += _against_base(record, chosen)
    else:
        behind = show_difference(record.headline, chosen.line.behind)
        said = f"Recommended: {chosen.line.title}. Its {quality} is {behind} from {best.line.title}'s, which "
        said += f"{record.rows:,} test rows cannot tell from none, and it {_saves(chosen, best)}."
    beaten = [one.line.title for one in models if one not in pareto_front(models)]
    if beaten:
        said += f" No reason is left for {' or '.join(beaten)}: another is as good or better in everything."
    if record.leaked:
        said += " Do not rely on these figures: test rows stand in the training rows too (see below)."
    missed = [c["metric"] for c in record.judged if c["result"] == "not met"]
    if missed:
        said += (
            f" It does not reach the goal that 01 sets for {', '.join(missed)}: go on with 13_refine first."
        )
    worrying = [name.replace("_", " ") for name, status in record.probes.items() if status == "act"]
    if worrying:
        said += f" Read what was found below on {', '.join(worrying)} before shipping it."
    return said


def _against_base(record: Comparison, chosen: Candidate) -> str:
    difference = chosen.line.difference
    if difference is None:
        return ", and it is the base model itself: nothing that was tried pays its price."
    sure = "" if difference.low > 0 else ", though zero is not excluded"
    price = f", at {chosen.seconds:.2g} s an answer" if chosen.seconds else ""
    size = f" and {show_bytes(chosen.line.bytes)} beside the base model" if chosen.line.bytes else ""
    return f", {show_difference(record.headline, difference)} above the base model{sure}{price}{size}."


def _saves(chosen: Candidate, best: Candidate) -> str:
    parts = []
    if chosen.seconds and best.seconds and best.seconds / chosen.seconds >= CLEARLY_FASTER:
        parts.append(f"answers {best.seconds / chosen.seconds:.1f} times as fast")
    if chosen.line.bytes < best.line.bytes:
        parts.append(f"needs {show_bytes(chosen.line.bytes)} in place of {show_bytes(best.line.bytes)}")
    return " and ".join(parts)
