"""The ladder of 05: what each rung brings over the best so far, and whether it is worth climbing on to tuning."""

from collections.abc import Sequence
from dataclasses import dataclass

from tailor.blocks import Table
from tailor.evaluation.compare import paired, show_difference, show_estimate, show_p
from tailor.evaluation.criteria import all_met, judge_criteria, rows_to_decide, show_goal
from tailor.evaluation.known_metrics import name_of
from tailor.evaluation.label_needs import say_needs
from tailor.evaluation.metric import Metric
from tailor.evaluation.statistics import holm
from tailor.records import Criterion, Evaluation, LabelNeed, Rung

SURE = 0.05
PRICES = ("tokens_per_question", "seconds_per_question")


@dataclass(frozen=True)
class Step:
    """One rung before it is compared: what stands on it and how it did."""

    title: str
    role: str
    found: Evaluation
    metric: Metric


def climb(steps: Sequence[Step], criteria: Sequence[Criterion], *, samples: int, seed: int) -> list[Rung]:
    """Each rung with its gain over the best below it, paired row by row; p-values corrected for their number."""
    rungs, best = [], None
    for step in steps:
        headline = step.found.headline
        rung = Rung(run=step.found.run, title=step.title, role=step.role, value=step.found.metrics[headline])
        if best is not None:
            rung.over = best.title
            rung.difference, rung.p_value = paired(step.metric, best.metric, samples=samples, seed=seed)
        rungs.append(rung)
        if best is None or step.metric.value > best.metric.value:
            best = step
    for rung, p_value in zip(rungs[1:], holm([rung.p_value for rung in rungs[1:]]), strict=True):
        rung.p_corrected = p_value
    for rung, step in zip(rungs, steps, strict=True):
        rung.says = _say(rung, step.found, criteria)
    return rungs


def _say(rung: Rung, found: Evaluation, criteria: Sequence[Criterion]) -> str:
    """What stands beside a rung."""
    said = []
    if rung.difference is not None:
        said.append(_say_difference(rung, found.rows))
    if all_met(criteria, found.metrics, found.rows):
        said.append("meets your success criteria")
    return "; ".join(said)


def _say_difference(rung: Rung, rows: int) -> str:
    gain = rung.difference
    if rung.p_corrected < SURE and gain.low > 0:
        return f"better than {rung.over}"
    if rung.p_corrected < SURE and gain.high < 0:
        return f"worse than {rung.over}"
    needed = rows_to_decide(gain, 0.0, rows)
    more = f"; about {needed:,} rows would show one" if needed and needed > rows else ""
    return f"no difference to {rung.over} shown{more}"


def decide(
    rungs: Sequence[Rung],
    results: Sequence[Evaluation],
    criteria: Sequence[Criterion],
    needs: Sequence[LabelNeed],
) -> tuple[str, str]:
    """What to do, and why in a few sentences: stop, look at the data, gather rows, or tune.

    Args:
        results: the evaluations that the rungs stand for, in their order.
    """
    prompted = [rung for rung in rungs if rung.role != "reference"]
    plain = [rung for rung in rungs if rung.role == "reference"]
    best, simple = (max(part, key=lambda rung: rung.value.value) for part in (prompted, plain))
    headline, rows = results[0].headline, results[0].rows
    said = (
        f"Prompting alone reaches {name_of(headline)} {show_estimate(headline, best.value)} on {rows:,} validation "
        f"rows ({best.title}); '{simple.title}' reaches "
        f"{show_estimate(headline, simple.value)} without a language model."
    )
    enough = [rung for rung, one in zip(rungs, results, strict=True) if all_met(criteria, one.metrics, rows)]
    if enough:
        return "stop", f"{said} {_say_stop(enough[0])}"
    if not _any_better(rungs):
        return "look at the data", (
            f"{said} Do not tune yet: nothing does better than '{rungs[0].title}', which looks at no input. Make sure "
            "that a person could answer from the input alone, and that the answers are right, before you train on them."
        )
    said += _say_open(criteria, results[rungs.index(best)])
    if lacking := say_needs(needs):
        return "gather rows", f"{said} {lacking} Gather these first; tuned now, they will stay weak."
    if simple.value.value > best.value.value:
        return "tune", f"{said} Tune: the data teaches more than prompting brings out."
    return "tune", f"{said} Tune, if it must do better than prompting does."


def _say_stop(rung: Rung) -> str:
    price = "Tuning has to earn its price."
    if rung.role == "reference":
        return f"Stop here: '{rung.title}' already meets your success criteria, without a language model. {price}"
    return f"Stop here: prompting is enough. {rung.title} already meets your success criteria. {price}"


def _any_better(rungs: Sequence[Rung]) -> bool:
    """Whether any rung does better beyond chance than the first, which looks at no input."""
    by_steps = any(rung.p_corrected < SURE and rung.difference.low > 0 for rung in rungs[1:])
    return by_steps or any(rung.value.low > rungs[0].value.high for rung in rungs[1:])


def _say_open(criteria: Sequence[Criterion], found: Evaluation) -> str:
    """Which goals the best prompting misses or leaves open."""
    judged = judge_criteria(criteria, found.metrics, found.rows)
    by_result: dict[str, list[str]] = {}
    for one in judged:
        goal = Criterion(**{name: one[name] for name in ("metric", "at_least", "at_most") if name in one})
        by_result.setdefault(one["result"], []).append(show_goal(goal))
    missed, undecided = by_result.get("not met", []), by_result.get("not decidable", [])
    said = f" It misses the goal {' and '.join(missed)}." if missed else ""
    return said + (f" Too few rows to decide {' and '.join(undecided)}." if undecided else "")


def prices_table(found: Sequence[Evaluation], titles: dict[str, str]) -> Table | None:
    """What each way of prompting costs with every question, and how much of it asking directly does not.

    Args:
        found: asking directly first; lines of reference, which ask no model, are passed over.
        titles: run -> title.
    """
    asked = [one for one in found if "tokens_per_question" in one.measured]
    if not asked:
        return None
    rows = []
    for one in asked:
        tokens, seconds = (one.measured[name] for name in PRICES)
        more = [
            value - asked[0].measured[name] for name, value in zip(PRICES, (tokens, seconds), strict=True)
        ]
        added = (f"{more[0]:+,.0f}", f"{1000 * more[1]:+,.0f} ms") if one is not asked[0] else ("", "")
        rows.append([titles[one.run], f"{tokens:,.0f}", added[0], f"{1000 * seconds:,.0f} ms", added[1]])
    columns = [
        "asked by",
        "tokens a question",
        f"more than {titles[asked[0].run]}",
        "time a question",
        "more",
    ]
    return Table(
        columns, rows, "The price of prompting: tokens read and written, and time, for every question"
    )


def ladder_table(rungs: Sequence[Rung], headline: str, rows: int) -> Table:
    """One line for each rung."""
    lines = [
        [
            rung.title,
            rung.role,
            show_estimate(headline, rung.value),
            show_difference(headline, rung.difference) if rung.difference else "",
            show_p(rung.p_corrected),
            rung.says,
        ]
        for rung in rungs
    ]
    caption = (
        f"Each rung against the best below it, on the same {rows:,} validation rows; in brackets the 95% interval; "
        "p-values corrected for the number of rungs (Holm 1979)"
    )
    return Table(
        ["rung", "", name_of(headline), "gain over the best below", "p-value", "says"], lines, caption
    )


def needs_table(needs: Sequence[LabelNeed]) -> Table:
    """The weak labels, and about how many rows more would bring them to where the others are."""
    lines = [
        [
            need.label,
            need.rows,
            show_estimate("accuracy", need.found),
            f"about {need.more:,}"
            if need.more
            else "rows alone will not do: look at what they are taken for",
        ]
        for need in needs
    ]
    caption = (
        "Labels that a quick proxy (TF-IDF and logistic regression) gets wrong more often than rows as a whole, on "
        "training rows held out. How many rows more follows from how many the other labels take to be told as often as "
        "rows are as a whole; a label that is harder than they are needs more"
    )
    return Table(["label", "training rows", "told rightly", "rows needed beside them"], lines, caption)
