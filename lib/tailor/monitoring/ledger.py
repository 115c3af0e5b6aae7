"""The ledger: every run that was made, with which settings, and what it brought."""

from typing import Any

from tailor.evaluation.predictions import load_evaluation
from tailor.project import Project
from tailor.records import Estimate, Evaluation, RunRecord
from tailor.techniques import TECHNIQUES


def list_entries(project: Project, best: str) -> list[dict[str, Any]]:
    """One entry for each finished run, in the order of techniques; `best` is marked."""
    from tailor.training.runs import list_runs

    order = list(TECHNIQUES)
    runs = sorted(list_runs(project), key=lambda run: (order.index(run.technique), run.id))
    return [_entry(project, run, best) for run in runs]


def _entry(project: Project, run: RunRecord, best: str) -> dict[str, Any]:
    found = {split: load_evaluation(project, run.id, split) for split in ("validation", "test")}
    return {
        "run": run.id,
        "technique": run.technique,
        "title": run.title,
        "base_model": run.base_model,
        "changed": changed_settings(run),
        "seed": run.seed,
        "trainable_parameters": run.trainable_parameters,
        "bytes": run.bytes,
        **{split: _headline(record) for split, record in found.items()},
        "best": run.id == best,
        "notes": run.notes,
    }


def changed_settings(run: RunRecord) -> dict[str, Any]:
    """The run's settings that differ from the technique's defaults."""
    defaults = TECHNIQUES[run.technique].Config().model_dump(mode="json")
    return {name: value for name, value in run.config.items() if value != defaults.get(name)}


def _headline(record: Evaluation | None) -> dict[str, Any] | None:
    if record is None:
        return None
    return {"metric": record.headline, **record.metrics[record.headline].model_dump()}


def estimate_of(result: dict[str, Any]) -> Estimate:
    return Estimate(**{name: result[name] for name in ("value", "low", "high")})
