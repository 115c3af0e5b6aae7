"""06: which base model and technique fit this data and machine, with the reasons. Trains nothing."""

from tailor.blocks import Block, Callout, Heading, Table, Text
from tailor.data.dataset import Dataset
from tailor.errors import WorkbenchError, did_you_mean
from tailor.progress import Log
from tailor.project import Project
from tailor.records import Baselines, Plan, ProjectRecord
from tailor.settings import Settings as BaseSettings
from tailor.settings import setting


class Settings(BaseSettings):
    technique: str = setting(
        "",
        "How to customize the model: lora, full, prompt_tuning or any other technique of the table below that trains. "
        "Empty takes the proposal.",
    )
    base_model: str = setting(
        "",
        "The model to start from: a bundled name, a folder, or a hub id. Empty takes the project's.",
        advanced=True,
    )


def blockers(project: Project, settings: Settings) -> list[str]:
    from tailor.techniques import TECHNIQUES

    name = settings.technique
    tuning = [key for key, technique in TECHNIQUES.items() if technique.changes_weights]
    if not name or name in tuning:
        return []
    if name in TECHNIQUES:
        return [
            f"{TECHNIQUES[name].title} trains nothing: it is measured in 05. Choose one of: {', '.join(tuning)}."
        ]
    return [f"There is no technique '{name}'. There are: {', '.join(tuning)}.{did_you_mean(name, tuning)}"]


def run(project: Project, settings: Settings, log: Log) -> Plan:
    from tailor.machine import find_machine
    from tailor.models.catalog import resolve
    from tailor.techniques import TECHNIQUES
    from tailor.training.proposal import propose, weigh

    dataset = Dataset.open(project)
    named = settings.base_model or project.load(ProjectRecord, "project.json").base_model
    base = resolve(named)
    options = weigh(TECHNIQUES, dataset, base, find_machine())
    proposed, reasons = propose(options, dataset, base)
    chosen = settings.technique or proposed
    if not chosen or options[chosen].blocked:
        problem = next(option.blocked for name, option in options.items() if chosen in ("", name))
        raise WorkbenchError(
            f"no tuning is possible as chosen: {problem}",
            "a technique that can run with this base model, these rows and this machine",
            "choose another technique or base model in 06_choose_technique",
        )
    if settings.technique:
        same = chosen == proposed
        reasons.append(
            f"You chose {options[chosen].title}" + (", as proposed." if same else "; the proposal differs.")
        )
    ruled_out = {name: _why_not(name, chosen, options) for name in TECHNIQUES if name != chosen}
    plan = Plan(
        base_model=named,
        technique=chosen,
        reasons=[project.load(Baselines, "baselines.json").verdict, *reasons],
        ruled_out={name: why for name, why in ruled_out.items() if why},
        examples_per_step=TECHNIQUES[chosen].Config().effective_batch_size,
    )
    plan.measured["estimates"] = {
        name: {"seconds": round(o.seconds), "gib": round(o.gib, 1), "bytes": o.bytes}
        for name, o in options.items()
    }
    return plan


def _why_not(name: str, chosen: str, options: dict) -> str:
    if name not in options:
        return "trains nothing; 05 measures prompting"
    if options[name].blocked:
        return options[name].blocked
    if name == "full":
        return "possible; leaves a copy of the whole model, and forgets more of what the base model knew"
    return f"possible; {options[chosen].title} was preferred for the reasons above"


def blocks(project: Project) -> list[Block]:
    from tailor.techniques import TECHNIQUES, find_technique

    plan = project.load(Plan, "plan.json")
    technique = find_technique(plan.technique)
    estimates = plan.measured.get("estimates", {})
    rows = []
    for name, other in TECHNIQUES.items():
        figures = estimates.get(name, {})
        rows.append(
            (
                other.title,
                "chosen" if name == plan.technique else plan.ruled_out.get(name, ""),
                _seconds(figures.get("seconds")),
                f"{figures['gib']} GiB" if figures else "",
                f"{figures['bytes'] / 2**20:.1f} MiB" if figures else "nothing",
            )
        )
    return [
        Heading("The plan"),
        Callout(f"{technique.title} on {plan.base_model}.", "good"),
        Text(technique.summary),
        *[Text(reason) for reason in plan.reasons],
        Table(
            ("technique", "verdict", "time, estimated", "memory, estimated", "leaves on disk"),
            rows,
            "Estimates from the number of tokens and parameters; 07 prints what it really took",
        ),
        Text(f"Source: {technique.source}."),
    ]


def _seconds(value: float | None) -> str:
    if value is None:
        return "none"
    return f"{value:.0f} s" if value < 90 else f"{value / 60:.0f} min"
