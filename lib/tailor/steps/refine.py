"""13: what was tried, what it brought, and what to do next, as a blueprint that can be run."""

from dataclasses import asdict

from tailor.blocks import Block, Callout, Heading, Table, Text
from tailor.blueprint import Blueprint
from tailor.data.dataset import Dataset
from tailor.data.notes import FILE as NOTES
from tailor.data.notes import read_notes
from tailor.errors import WorkbenchError
from tailor.evaluation.compare import name_of, show_estimate
from tailor.monitoring.ledger import estimate_of, list_entries
from tailor.monitoring.proposals import Evidence, Proposal, propose
from tailor.progress import Log
from tailor.project import Project
from tailor.records import Comparison, Ledger, Monitoring, ProjectRecord, RunRecord, Tuned
from tailor.series import find_step
from tailor.settings import Settings as Base
from tailor.settings import make_settings, setting

NEXT = "next_blueprint.yaml"


class Settings(Base):
    next_project: str = setting(
        "", "The name of the project that the next blueprint makes. Empty: this project's name and '_next'."
    )
    most_proposals: int = setting(
        8, "At most this many proposals, the most pressing first.", unit="proposals", ge=1, le=50
    )


def blockers(project: Project, settings: Settings) -> list[str]:
    from tailor.project import check_name

    try:
        name = check_name(_next_name(project, settings))
    except WorkbenchError as error:
        return [f"{error.found} does not do: {error.needed}"]
    return [f"next_project is this project's own name, '{name}'"] if name == project.name else []


def reads_files(project: Project, settings: Settings) -> list[str]:
    """What people noted about answers in 10, where they did."""
    return [f"outputs/{project.name}/{NOTES}"] if project.path(NOTES).exists() else []


def run(project: Project, settings: Settings, log: Log) -> Ledger:
    comparison = project.load(Comparison, "comparison.json")
    evidence = Evidence(
        project,
        Dataset.open(project),
        comparison,
        project.load(Monitoring, "monitoring/monitoring.json"),
        _tuned(project),
        project.load(ProjectRecord, "project.json").seed,
    )
    proposals = propose(evidence)[: settings.most_proposals]
    blueprint, used = _next_blueprint(project, settings, proposals)
    blueprint.save(project.path(NEXT))
    values = [asdict(p) | {"in_next_blueprint": done} for p, done in zip(proposals, used, strict=True)]
    return Ledger(
        entries=list_entries(project, comparison.best),
        proposals=values,
        outputs={NEXT: project.hash_of(project.path(NEXT))},
    )


def _tuned(project: Project) -> RunRecord | None:
    from tailor.training.runs import read_run

    path = project.path("tuned.json")
    return read_run(project, Tuned.load(path).run) if path.exists() else None


def _next_name(project: Project, settings: Settings) -> str:
    return settings.next_project or f"{project.name[:55]}_next"


def _next_blueprint(
    project: Project, settings: Settings, proposals: list[Proposal]
) -> tuple[Blueprint, list[bool]]:
    """This project's choices with the proposed changes; says of each proposal whether it is among them."""
    steps = {name: dict(values) for name, values in project.blueprint().steps.items()}
    used = []
    for proposal in proposals:
        changed = {**steps.get(proposal.step, {}), **proposal.settings}
        used.append(bool(proposal.settings) and _fits(project, proposal.step, changed))
        if used[-1]:
            steps[proposal.step] = changed
    return Blueprint(project=_next_name(project, settings), steps=steps), used


def _fits(project: Project, step: str, values: dict) -> bool:
    """Whether the step takes these settings: a blueprint that fails at once would be no help."""
    try:
        make_settings(project.settings_model(find_step(step)), values, step)
    except WorkbenchError:
        return False
    return True


def blocks(project: Project) -> list[Block]:
    record = project.load(Ledger, "ledger.json")
    shown: list[Block] = [Heading("What was tried"), _ledger_table(record), Heading("What next")]
    if not record.proposals:
        shown.append(Callout("Nothing in the figures asks for a change. Ship it, and monitor it.", "good"))
    rows = [
        [number, p["what"], p["why"], p["step"], "yes" if p["in_next_blueprint"] else "by hand"]
        for number, p in enumerate(record.proposals, start=1)
    ]
    if rows:
        shown.append(
            Table(["", "do", "because", "step", "in the next blueprint"], rows, "The most pressing first")
        )
    shown += _noted(project)
    command = f"tailor run outputs/{project.name}/{NEXT}"
    return [*shown, Text(f"The next blueprint is {NEXT}. Read it, change it, and run it with: {command}")]


def _noted(project: Project) -> list[Block]:
    """What people noted about answers, and lines that could not be read."""
    notes, broken = read_notes(project.path(NOTES))
    rows = [(note.row_id, note.run, note.fault, note.text) for note in notes]
    columns = ("test row", "answer of", "where the fault lies", "note")
    shown: list[Block] = (
        [Table(columns, rows, "What people noted about single answers in 10")] if rows else []
    )
    if broken:
        shown.append(
            Callout(
                f"{len(broken)} lines of {NOTES} cannot be read; the next note moves them aside.", "warning"
            )
        )
    return shown


def _ledger_table(record: Ledger) -> Table:
    rows = [
        [
            ("best: " if entry["best"] else "") + entry["title"],
            ", ".join(f"{name} {value}" for name, value in entry["changed"].items()) or "defaults",
            *[_shown(entry[split]) for split in ("validation", "test")],
            entry["run"],
        ]
        for entry in record.entries
    ]
    metric = next((e[s]["metric"] for e in record.entries for s in ("test", "validation") if e[s]), "")
    caption = f"Every run of this project; {name_of(metric)} with its 95% interval"
    return Table(["technique", "settings", "validation", "test", "run"], rows, caption)


def _shown(result: dict | None) -> str:
    return show_estimate(result["metric"], estimate_of(result)) if result else ""
