"""What stands before the steps in the report: the answer for whoever decides, the data's and the model's card, limits.

The cards' questions follow Gebru et al. 2021, Datasheets for Datasets, and Mitchell et al. 2019, Model Cards for Model
Reporting; only what a record says is said.
"""

from contextlib import suppress

from tailor.blocks import Block, Callout, Table, Text
from tailor.evaluation.compare import name_of, show_difference, show_estimate
from tailor.evaluation.criteria import criteria_callouts
from tailor.evaluation.recommend import recommendation
from tailor.evaluation.results import show_bytes, show_cost
from tailor.project import Project
from tailor.records import (
    Cleaning,
    Comparison,
    DatasetRecord,
    ProjectRecord,
    RunRecord,
    Source,
    Sources,
    UseCase,
)


def summary(project: Project) -> list[Block]:
    """What was reached, in one table, a recommendation and the success criteria; nothing before 10_evaluate."""
    if not project.path("comparison.json").exists():
        return []
    record = project.load(Comparison, "comparison.json")
    return [summary_table(project), Callout(recommendation(record), "note"), *criteria_callouts(record)]


def summary_table(project: Project) -> Table:
    """Base model, prompting and tuned models: metric with interval, difference, seconds, memory, file size.

    Raises:
        WorkbenchError: 10_evaluate has not run.
    """
    record = project.load(Comparison, "comparison.json")
    costs = record.measured.get("models", {})
    rows = [
        [
            line.role,
            line.title + (" (best)" if line.run == record.best else ""),
            show_estimate(record.headline, line.metrics[record.headline]),
            show_difference(record.headline, line.difference) if line.difference else "",
            _seconds_made(project, line.run),
            *show_cost(costs.get(line.run, {})),
            show_bytes(line.bytes),
        ]
        for line in record.compared
    ]
    columns = ["", "model", name_of(record.headline), "against the base model", "made in", "answered in"]
    caption = (
        f"On {record.rows:,} test rows; in brackets the 95% interval; file size is beside the base model's"
    )
    return Table([*columns, "memory", "file size"], rows, caption)


def _seconds_made(project: Project, ident: str) -> str:
    path = project.path(f"runs/{ident}/run.json")
    seconds = RunRecord.load(path).measured.get("seconds") if path.exists() else None
    return f"{seconds:.1f} s" if seconds is not None else ""


def data_card(project: Project) -> list[Block]:
    """Where the rows come from, what became of them, and how they were split."""
    blocks: list[Block] = []
    if project.path("sources.json").exists():
        columns = [
            "source",
            "rows",
            "unreadable",
            "origin",
            "owner",
            "licence",
            "consent",
            "period",
            "SHA-256",
        ]
        rows = [
            [s.name, s.rows, s.unreadable, s.origin, s.owner, s.licence, s.consent, _period(s), s.sha256[:16]]
            for s in project.load(Sources, "sources.json").sources
        ]
        blocks.append(Table(columns, rows, "Blank: nobody said so in 02_gather_data"))
    if project.path("cleaning.json").exists():
        cleaning = project.load(Cleaning, "cleaning.json")
        blocks.append(
            Text(
                f"Cleaning kept {cleaning.rows_out:,} of {cleaning.rows_in:,} rows; the others are kept with their "
                "reasons in dropped.parquet."
            )
        )
    if project.path("dataset.json").exists():
        record = project.load(DatasetRecord, "dataset.json")
        splits = [[name, part.rows, part.tokens, part.sha256[:16]] for name, part in record.splits.items()]
        caption = f"The frozen test set: {record.test_set[:16]}" if record.test_set else ""
        blocks.append(Table(["split", "rows", "tokens", "SHA-256"], splits, caption))
    return blocks


def _period(source: Source) -> str:
    return " to ".join(day for day in source.period if day)


def model_card(project: Project) -> list[Block]:
    """The best model: what it is, what it was made from, how large it is; nothing before 10_evaluate."""
    if not project.path("comparison.json").exists():
        return []
    from tailor.errors import WorkbenchError
    from tailor.models.catalog import resolve

    ident = project.load(Comparison, "comparison.json").best
    run = RunRecord.load(project.path(f"runs/{ident}/run.json"))
    lines = [
        ["run", run.id],
        ["technique", run.title],
        ["base model", run.base_model],
        ["trained parameters", run.trainable_parameters],
        ["of", run.total_parameters],
        ["size beside the base model", show_bytes(run.bytes)],
        ["seed", run.seed],
        ["dataset", run.dataset[:16]],
        ["test set", run.test_set[:16]],
        ["settings", ", ".join(f"{name} {value}" for name, value in run.config.items())],
    ]
    with suppress(WorkbenchError):  # a folder that is not here any more: the record stands by itself
        lines.insert(3, ["licence of the base model", resolve(run.base_model).licence])
    return [Table(["", "the best model"], lines)]


def limits(project: Project) -> list[Block]:
    """What the model must not be used for, what it was found to do badly, and what was not measured."""
    said = list(UseCase.load(project.path("use_case.json")).limits) if _has(project, "use_case.json") else []
    blocks: list[Block] = [Callout(limit, "note") for limit in said]
    if _has(project, "comparison.json"):
        from tailor.evaluation.probes import PROBES
        from tailor.evaluation.probes.run import load_probed

        record = project.load(Comparison, "comparison.json")
        kinds = {"act": "bad", "watch": "warning", "not measured": "note"}
        for name, status in record.probes.items():
            if status in kinds:
                verdict = load_probed(project, name).verdict
                blocks.append(Callout(f"{PROBES[name].title}: {verdict}", kinds[status]))
        unasked = [probe.title for name, probe in PROBES.items() if name not in record.probes]
        if unasked:
            blocks.append(Text(f"Not asked in 10_evaluate: {', '.join(unasked)}."))
    seed = project.load(ProjectRecord, "project.json").seed if _has(project, "project.json") else None
    blocks.append(
        Text(
            "Tested on rows like those it learned from; on others it may do worse: monitor it. "
            + (
                f"Everything was made with seed {seed}; another seed gives other figures."
                if seed is not None
                else ""
            )
        )
    )
    return blocks


def _has(project: Project, path: str) -> bool:
    return project.path(path).exists()
