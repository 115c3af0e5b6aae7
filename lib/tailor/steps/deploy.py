"""11: export the model as a plain folder, and check that it answers as what was tested."""

from tailor.blocks import Block, Callout, Heading, Table, Text
from tailor.data.dataset import Dataset
from tailor.errors import did_you_mean
from tailor.evaluation.results import shorten, show_bytes
from tailor.progress import Log
from tailor.project import Project
from tailor.records import Comparison, Export, ProjectRecord
from tailor.series import find_step
from tailor.serving.card import loading_code
from tailor.serving.export import FOLDER, export_run
from tailor.serving.parity import compare_with_tested
from tailor.settings import Settings as Base
from tailor.settings import setting


class Settings(Base):
    run: str = setting(
        "", "Which run to export, one of those compared in 10_evaluate. Empty: the best of them."
    )
    compare_rows: int = setting(
        40,
        "Test rows on which the exported folder, loaded fresh, is compared with the model that was tested.",
        unit="rows",
        ge=1,
        le=10_000,
    )
    max_new_tokens: int = setting(
        128,
        "The longest answer that the exported model writes unless told otherwise.",
        unit="tokens",
        ge=1,
        le=4096,
    )


def blockers(project: Project, settings: Settings) -> list[str]:
    known = [line.run for line in project.load(Comparison, "comparison.json").compared]
    if settings.run and settings.run not in known:
        near = did_you_mean(settings.run, known)
        return [f"run '{settings.run}' was not compared in 10_evaluate; those were {', '.join(known)}.{near}"]
    return []


def run(project: Project, settings: Settings, log: Log) -> Export:
    from tailor.training.runs import read_run

    dataset = Dataset.open(project)
    chosen = read_run(project, settings.run or project.load(Comparison, "comparison.json").best)
    folder = export_run(project, dataset, chosen, settings.max_new_tokens, log)
    seed = project.load(ProjectRecord, "project.json").seed
    parity = compare_with_tested(project, dataset, chosen, rows=settings.compare_rows, seed=seed, log=log)
    return Export(
        run=chosen.id,
        format="safetensors",
        identical=parity.identical,
        compared=parity.compared,
        different=parity.different[:20],
        outputs={FOLDER: project.hash_of(folder)},
    )


def blocks(project: Project) -> list[Block]:
    record = project.load(Export, "export/export.json")
    folder = project.path(FOLDER)
    same = record.identical == record.compared
    said = f"The exported folder answers {record.identical} of {record.compared} test rows exactly as tested."
    if not same:
        said += (
            " Merging rounds weights in the last digits, which can tip a row with two nearly equal answers."
        )
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    rows = [[path.relative_to(folder).as_posix(), show_bytes(path.stat().st_size)] for path in files]
    shown = [
        Heading(find_step("11").question),
        Callout(said, "good" if same else _kind(record)),
        Table(["file", "size"], rows, f"export/model, run {record.run}"),
        Heading("How to load it anywhere, with transformers alone"),
        Text(loading_code(Dataset.open(project), "export/model", _is_encoder(project))),
        Text("Check the files after copying: sha256sum --check SHA256SUMS"),
    ]
    if record.different:
        differing = [[ident, shorten(then), shorten(now)] for ident, then, now in record.different]
        shown.insert(2, Table(["row", "tested answer", "exported answer"], differing, "Rows that differ"))
    return shown


def _is_encoder(project: Project) -> bool:
    from tailor.models.catalog import resolve

    return resolve(str(project.path(FOLDER))).architecture == "encoder"


def _kind(record: Export) -> str:
    """More than one row in twenty that differs is more than rounding explains."""
    return "warning" if record.identical >= 0.95 * record.compared else "bad"
