"""The recommendation: the cheapest model that the test rows cannot tell from the best, with its reasons."""

from tailor.evaluation.recommend import candidates, pareto_front, recommendation, recommended
from tailor.evaluation.results import comparison_table
from tailor.records import Compared, Comparison, Estimate


def around(value: float, half: float = 0.04) -> Estimate:
    return Estimate(value=value, low=value - half, high=value + half)


def made(*models: tuple, criteria=(), probes=None) -> Comparison:
    """A comparison of (title, accuracy, difference to the best or None, answers a second, bytes)."""
    lines, paces = [], {}
    for number, (title, value, behind, pace, size) in enumerate(models):
        lines.append(
            Compared(
                run=title,
                role="base model" if number == 0 else "tuned",
                title=title,
                metrics={"accuracy": around(value)},
                difference=around(value - models[0][1]) if number else None,
                behind=behind,
                bytes=size,
            )
        )
        paces[title] = {"prompts_per_second": pace, "peak_gib": 1.0}
    return Comparison(
        headline="accuracy",
        rows=200,
        compared=lines,
        best=max(models, key=lambda model: model[1])[0],
        verdict="",
        criteria=list(criteria),
        probes=probes or {},
        measured={"models": paces},
    )


BASE = ("Base", 0.40, around(-0.45), 10.0, 0)


def test_the_best_is_recommended_where_it_is_clearly_better():
    record = made(BASE, ("LoRA", 0.85, None, 10.0, 2_000_000))
    assert recommendation(record) == (
        "Recommended: LoRA. Its accuracy 85.0% (81.0% to 89.0%) is the highest of 2, +45.0 percentage points "
        "(+41.0 to +49.0) above the base model, at 0.1 s an answer and 2.0 MB beside the base model."
    )


def test_a_cheaper_one_that_cannot_be_told_from_the_best_is_preferred():
    record = made(
        BASE, ("LoRA", 0.84, around(-0.01), 20.0, 2_000_000), ("Full", 0.85, None, 10.0, 28_000_000)
    )
    assert recommendation(record) == (
        "Recommended: LoRA. Its accuracy 84.0% (80.0% to 88.0%) is -1.0 percentage points (-5.0 to +3.0) from "
        "Full's, which 200 test rows cannot tell from none, and it answers 2.0 times as fast and needs 2.0 MB in "
        "place of 28.0 MB."
    )


def test_a_cheaper_one_that_is_clearly_worse_is_not():
    record = made(
        BASE, ("LoRA", 0.70, around(-0.15), 20.0, 2_000_000), ("Full", 0.85, None, 10.0, 28_000_000)
    )
    assert recommended(candidates(record)).line.title == "Full"


def test_a_model_that_another_beats_in_everything_is_off_the_front():
    record = made(BASE, ("LoRA", 0.85, None, 10.0, 1000), ("Slow", 0.80, around(-0.05), 5.0, 9000))
    assert [one.line.title for one in pareto_front(candidates(record))] == ["Base", "LoRA"]
    assert "No reason is left for Slow: another is as good or better in everything." in recommendation(record)


def test_a_model_that_forgot_more_for_nothing_is_off_the_front():
    record = made(BASE, ("LoRA", 0.85, None, 10.0, 1000), ("Full", 0.85, around(0.0), 10.0, 1000))
    assert len(pareto_front(candidates(record))) == 3
    record.compared[1].forgotten, record.compared[2].forgotten = around(0.02), around(0.31)
    assert [one.line.title for one in pareto_front(candidates(record))] == ["Base", "LoRA"]
    table = comparison_table(record.compared, "accuracy", {})
    assert [row[list(table.columns).index("forgotten")] for row in table.rows] == [
        "",
        "+0.02 bits",
        "+0.31 bits",
    ]


def test_missed_goals_and_bad_findings_are_named():
    missed = {"metric": "accuracy", "result": "not met"}
    record = made(BASE, ("LoRA", 0.85, None, 10.0, 9), criteria=[missed], probes={"bias": "act", "x": "ok"})
    said = recommendation(record)
    assert "It does not reach the goal that 01 sets for accuracy: go on with 13_refine first." in said
    assert said.endswith("Read what was found below on bias before shipping it.")
    record.leaked = "12 of 60 test rows stand in the training rows too."
    assert " Do not rely on these figures: test rows stand in the training rows too (see below)." in (
        recommendation(record)
    )


def test_the_base_model_is_recommended_where_nothing_beats_it():
    record = made(("Base", 0.85, None, 10.0, 0), ("LoRA", 0.60, around(-0.25), 10.0, 9))
    assert "it is the base model itself: nothing that was tried pays its price." in recommendation(record)
