"""The same run with other seeds: how much of a result is chance of the training (Reimers and Gurevych 2017)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from statistics import mean, stdev
from typing import Any

from tailor.evaluation.evaluate import Evaluator
from tailor.evaluation.known_metrics import name_of, scale_of, show_value
from tailor.records import Evaluation


def evaluate_seeds(
    evaluator: Evaluator, ident: str, further: int, measure_of: Callable[..., Any]
) -> list[Evaluation]:
    """Make a run again with the seeds that follow its own, and evaluate each; finished ones are used as they are.

    Args:
        further: how many seeds beside the run's own.
        measure_of: gives the metric watched in training, as when the run was made: (dataset, config, seed).

    Returns:
        The run's own evaluation first.
    """
    from tailor.techniques import find_technique
    from tailor.training.runs import make_run, read_run

    run, dataset, log = read_run(evaluator.project, ident), evaluator.dataset, evaluator.log
    config = find_technique(run.technique).Config(**run.config)
    untimed = replace(evaluator, settings=evaluator.settings.model_copy(update={"latency_rows": 0}))
    found = [evaluator.run(ident)]
    for seed in range(run.seed + 1, run.seed + 1 + further):
        log.note(f"{run.title} once more, with seed {seed}")
        made = make_run(
            evaluator.project,
            run.technique,
            config,
            dataset,
            base=run.base_model,
            seed=seed,
            log=log,
            measure=measure_of(dataset, config, seed),
        )
        found.append(untimed.run(made.id))
    return found


def say_seeds(headline: str, title: str, values: Mapping[str, float], base: float) -> str:
    """Mean and spread over the seeds, and whether each of them is better than the base model.

    Args:
        values: seed -> headline metric.
        base: the base model's value.
    """
    every = list(values.values())
    low, high = show_value(headline, min(every)), show_value(headline, max(every))
    said = (
        f"{title} with {len(every)} seeds: {name_of(headline)} {show_value(headline, mean(every))} on average, "
        f"standard deviation {_points(headline, stdev(every))} points ({low} to {high})."
    )
    worse = sum(value <= base for value in every)
    if worse:
        return (
            f"{said} {worse} of {len(every)} are no better than the base model: the gain hangs on the seed."
        )
    return f"{said} Each of them is better than the base model."


def _points(headline: str, value: float) -> str:
    return f"{value * (100 if scale_of(headline) == 'share' else 1):.1f}"


def seeds_of(found: Sequence[Evaluation], first: int) -> dict[str, float]:
    """Seed -> headline metric, of evaluations in the order of their seeds."""
    return {str(first + n): one.metrics[one.headline].value for n, one in enumerate(found)}
