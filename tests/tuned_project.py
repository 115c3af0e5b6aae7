"""A small project on the tiny base model, from the baselines' record to a tuned run, made by the real steps."""

from pathlib import Path

import small_project
from tiny_model import write_tiny_model

from tailor.plain import to_text
from tailor.project import Project
from tailor.records import Baselines, DatasetRecord, ProjectRecord, UseCase
from tailor.series import find_step

QUICK = {
    "epochs": 2.0,
    "effective_batch_size": 8,
    "rows_at_once": 4,
    "evaluations": 2,
    "learning_rate": 0.01,
    "metric_rows": 4,
}


def make_project(home: Path, base: Path, task: str = "classify", rows: int = 8, **use_case) -> Project:
    """A project as it stands after 05_measure_baselines, without evaluations. Set TAILOR_HOME to `home` first."""
    project = small_project.make_project(home, task, rows=rows)
    _change(project, ProjectRecord, "project.json", base_model=str(base))
    splits = DatasetRecord.load(project.path("dataset.json")).splits
    for split in splits.values():
        split.tokens, split.learned_tokens, split.longest = split.rows * 100, split.rows * 8, 120
    _change(project, DatasetRecord, "dataset.json", base_model=str(base), splits=splits)
    if use_case:
        _change(project, UseCase, "use_case.json", **use_case)
    Baselines(runs=[], verdict="Prompting alone reaches accuracy 30%.").save(project.path("baselines.json"))
    return project


def _change(project: Project, kind: type, name: str, **values) -> None:
    kind.load(project.path(name)).model_copy(update=values).save(project.path(name))


def tuned(folder: Path, task: str = "classify", **use_case) -> Project:
    """A project after 06 and 07. Writes the base model beside it."""
    base = write_tiny_model(folder / "tiny")
    project = make_project(folder, base, task, **use_case)
    small_project.run_step(project, "06_choose_technique")
    small_project.run_step(project, "07_tune", **QUICK)
    return project


def shown(project: Project, name: str) -> str:
    """A step's blocks as text; figures are drawn too, and must have something to say."""
    blocks = find_step(name).module.blocks(project)
    for block in blocks:
        if hasattr(block, "draw"):
            assert block.draw().axes
            assert len(block.alt) > 20
    return "\n".join(to_text(block) for block in blocks)
