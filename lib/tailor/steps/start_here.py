"""00 Start here: what machine is this, which project?"""

import shutil
from collections.abc import Iterator

from tailor.blocks import Block, Callout, Heading, Table, Text
from tailor.machine import Machine, find_machine
from tailor.models.catalog import DEFAULT_MODEL, ModelSource, bundled_names, resolve
from tailor.progress import Log
from tailor.project import Project, home
from tailor.records import ProjectRecord
from tailor.series import STEPS
from tailor.settings import Settings as Base
from tailor.settings import setting

_ROOM_GIB = (
    5.0  # a series with the bundled model leaves well under one; a hub model of 0.5 B parameters takes two
)


class Settings(Base):
    """What every later step starts from."""

    base_model: str = setting(
        DEFAULT_MODEL,
        "The model to customize: a bundled one (see the list below), a folder with a transformers model, or a hub id "
        "such as HuggingFaceTB/SmolLM2-135M-Instruct. A larger one knows more and takes longer.",
    )
    seed: int = setting(
        0,
        "Where all chance starts from: which rows are drawn, how weights begin. The same seed gives the same result; "
        "another one shows how much of a result is luck.",
        ge=0,
        le=2**31 - 1,
    )


def run(project: Project, settings: Settings, log: Log) -> ProjectRecord:
    """Check that the base model can be found, and look at the machine."""
    source = resolve(settings.base_model)
    return ProjectRecord(
        name=project.name,
        base_model=settings.base_model,
        seed=settings.seed,
        measured={"machine": find_machine().as_dict(), "base_model": _facts(source)},
    )


def _facts(source: ModelSource) -> dict:
    return {
        "kind": source.kind,
        "architecture": source.architecture,
        "parameters": source.parameters,
        "context": source.context,
        "licence": source.licence,
    }


def blocks(project: Project) -> list[Block]:
    record = project.load(ProjectRecord, "project.json")
    machine = Machine(**record.measured["machine"])
    free = shutil.disk_usage(project.folder).free / 2**30
    shown = [
        Heading("This machine"),
        Table(("what", "here"), _machine_rows(machine, free)),
        *_advice(machine, free),
        Heading("The base model"),
        Table(("base model", "parameters", "reads at most", "licence"), [_model_row(record)]),
        Text(f"Bundled models: {', '.join(bundled_names()) or 'none'}."),
        Heading("Where things are written"),
        Text(f"Everything this project makes goes to {_short(project)}. Nothing outside it is changed."),
        Heading("The series"),
        Table(
            ("step", "asks", "writes", "state", "why"),
            list(_series_rows(project)),
            caption="Work through the notebooks in this order. A finished step is not run again unless "
            "something it was made from changes.",
        ),
    ]
    return shown


def _machine_rows(machine: Machine, free: float) -> list[tuple[str, str]]:
    return [
        ("system", machine.system),
        ("processor cores", str(machine.cores)),
        ("memory", f"{machine.memory_gib:.1f} GiB"),
        ("accelerator", machine.accelerator or "none: models run on the processor"),
        ("free disk", f"{free:.0f} GiB"),
    ]


def _advice(machine: Machine, free: float) -> Iterator[Callout]:
    yield Callout(abilities(machine), "note")
    if free < _ROOM_GIB:
        yield Callout(
            f"Only {free:.1f} GiB of disk are free; {_ROOM_GIB:.0f} GiB leave room for models and runs.",
            "warning",
        )


def abilities(machine: Machine) -> str:
    """What a person can expect of this machine, in two sentences.

    Training takes about 16 bytes a parameter (weights, gradients and Adam's two moments in fp32) and adapters about
    4 to 5, both before activations; half of the memory is left to those and to everything else.
    """
    bytes_free = machine.memory_gib * 2**30 / 2
    whole, adapters = _size(bytes_free / 16), _size(bytes_free / 5)
    speed = (
        f"Training runs on {machine.accelerator}"
        if machine.accelerator
        else "Training runs on the processor, which suits models of up to some hundred million parameters"
        + ("; it computes in bf16, two to four times as fast as fp32" if machine.fast_bf16 else "")
    )
    return (
        f"{speed}. By memory alone, models of up to about {whole} parameters can be tuned as a whole, and of up "
        f"to about {adapters} with adapters such as LoRA."
    )


def _size(parameters: float) -> str:
    """ "800 million", "1.6 billion"."""
    if parameters >= 1e9:
        return f"{parameters / 1e9:.1f} billion"
    return f"{max(parameters / 1e6, 1):.0f} million"


def _model_row(record: ProjectRecord) -> tuple[str, str, str, str]:
    facts = record.measured["base_model"]
    parameters = f"{_size(facts['parameters'])}" if facts["parameters"] else "known after the first download"
    context = f"{facts['context']:,} tokens" if facts["context"] else "unknown"
    return (
        f"{record.base_model} ({facts['kind']}, {facts['architecture']})",
        parameters,
        context,
        facts["licence"],
    )


def _short(project: Project) -> str:
    """The project's folder as seen from the workspace: whole paths differ from machine to machine."""
    return f"{project.folder.relative_to(home()).as_posix()}/ in the workspace"


def _series_rows(project: Project) -> Iterator[tuple[str, str, str, str, str]]:
    states = {state.step: state for state in project.states()}
    for step in STEPS:
        writes = ", ".join((step.record, *step.writes))
        yield step.name, step.question, writes, states[step.name].state, states[step.name].reason
