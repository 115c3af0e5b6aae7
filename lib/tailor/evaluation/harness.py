"""Tasks of EleutherAI's lm-evaluation-harness on a project's models: what was gained or lost on public yardsticks.

The harness brings the tasks and does the counting; its own class for transformers models gets the base model or a run,
loaded as everywhere in Tailor. Tasks that it does not know yet are read from a folder of its YAML files.
"""

from pathlib import Path
from typing import Any

from tailor.blocks import Table
from tailor.errors import WorkbenchError, did_you_mean
from tailor.files import write_json
from tailor.models.language_model import LanguageModel
from tailor.project import Project
from tailor.records import Comparison, Estimate


def run_harness(
    project: Project,
    tasks: list[str],
    *,
    run: str = "",
    rows: int = 0,
    folder: Path | None = None,
    batch_size: int = 8,
) -> Table:
    """Measure the base model and one run, and keep the figures in evaluations/harness/<run>.json.

    Args:
        tasks: names of the harness's tasks ("arc_easy"), or of those in `folder`.
        run: a run's id; empty: the best of 10_evaluate.
        rows: at most this many of each task; 0 means all.
        folder: more tasks, as the harness's YAML files. A `!function` in one of them is code that is run, so it must
            be your own.

    Returns:
        One line for each task and metric: base model and run, each with its 95% interval (1.96 standard errors)
        where the harness gives a standard error.

    Raises:
        WorkbenchError: the harness is not installed, knows no such task, or the model is not one on this machine.
    """
    from tailor.training.runs import load_run, read_run

    comparison = project.load(Comparison, "comparison.json")
    base, chosen = comparison.compared[0].run, read_run(project, run or comparison.best).id
    measured = {}
    for ident in dict.fromkeys([base, chosen]):
        measured[ident] = _evaluate(load_run(project, ident), tasks, rows, folder, batch_size)
        kept = {
            task: {name: _plain(value) for name, value in found.items()}
            for task, found in measured[ident].items()
        }
        write_json(project.path(f"evaluations/harness/{ident}.json"), {"rows": rows or "all", "tasks": kept})
    lines = [
        [task, metric, value, measured[chosen][task][metric]]
        for task, found in measured[base].items()
        for metric, value in found.items()
    ]
    return Table(
        ["task", "metric", "base model", chosen], lines, "In brackets the 95% interval, where there is one"
    )


def _evaluate(
    model: LanguageModel, tasks: list[str], rows: int, folder: Path | None, batch_size: int
) -> dict[str, dict[str, Estimate | float]]:
    """Task -> metric -> value, see `_metrics`."""
    try:
        from lm_eval import simple_evaluate
        from lm_eval.models.huggingface import HFLM
        from lm_eval.tasks import TaskManager
    except ImportError:
        raise WorkbenchError(
            "the evaluation harness is not installed",
            "the package lm-eval",
            "pip install 'tailor-workbench[harness]'",
        ) from None
    manager = TaskManager(include_path=str(folder) if folder else None)
    for task in tasks:
        if task not in manager.all_tasks:
            near = did_you_mean(task, manager.all_tasks)
            raise WorkbenchError(
                f"the evaluation harness knows no task '{task}'",
                "one of its tasks",
                f"correct the name.{near}",
            )
    wrapped = HFLM(pretrained=_network(model), tokenizer=model.tokenizer, batch_size=batch_size)
    results = simple_evaluate(
        wrapped, tasks=tasks, limit=rows or None, task_manager=manager, bootstrap_iters=0, log_samples=False
    )
    return {task: _metrics(found) for task, found in results["results"].items()}


def _network(model: LanguageModel) -> Any:
    """The transformers model inside, whose prompts are its own: the harness writes the questions."""
    from tailor.models.local_model import LocalModel

    if not isinstance(model, LocalModel):
        raise WorkbenchError(
            f"a {type(model).__name__} is not a decoder on this machine",
            "a run whose model is one: tuned weights or an adapter",
            "name such a run with --run",
        )
    return model.model


def _metrics(found: dict[str, Any]) -> dict[str, Estimate | float]:
    """The harness names a metric "acc,none" and its standard error "acc_stderr,none"; the bare value where it has none.

    Without a standard error nothing is known of the spread: an interval of no width would claim certainty.
    """
    metrics: dict[str, Estimate | float] = {}
    for key, value in found.items():
        name, _, kind = key.partition(",")
        if isinstance(value, float) and kind and not name.endswith("_stderr"):
            error = found.get(f"{name}_stderr,{kind}")
            title = name if kind == "none" else f"{name} ({kind})"
            metrics[title] = value
            if isinstance(error, float):
                metrics[title] = Estimate(value=value, low=value - 1.96 * error, high=value + 1.96 * error)
    return metrics


def _plain(value: Estimate | float) -> dict[str, float]:
    return value.model_dump() if isinstance(value, Estimate) else {"value": value}
