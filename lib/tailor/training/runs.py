"""Runs: one technique, fitted once with fixed settings, kept under runs/<id>/ of a project.

    record = make_run(project, "lora", config, dataset, base="tailor-mini", seed=0, log=log, measure=measure)
    model = load_run(project, record.id)            # a LanguageModel

A run's id follows from what it is made of, so the same choices find the finished run and a killed one goes on where
it stood. `run.json` is written last: its presence means that the run is complete.
"""

import time
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from tailor.data.dataset import Dataset
from tailor.errors import WorkbenchError, did_you_mean
from tailor.files import canonical_json, disk_error, sha256_bytes, sha256_file
from tailor.models.catalog import ModelSource
from tailor.models.language_model import LanguageModel
from tailor.progress import Log
from tailor.project import Project
from tailor.records import RunRecord
from tailor.techniques.base import Measure, Technique, TechniqueConfig


def make_run(
    project: Project,
    technique_name: str,
    config: TechniqueConfig,
    dataset: Dataset,
    *,
    base: str,
    seed: int,
    log: Log,
    measure: Measure | None = None,
) -> RunRecord:
    """Fit a technique, or return the finished run made of exactly the same things.

    Args:
        base: the base model, as `tailor.models.catalog.resolve` takes it (a bundled name, a folder, a hub id).
        measure: computes the task's metric on validation rows while training goes on; techniques that do not train
            never call it.

    Raises:
        WorkbenchError: no such technique, the technique is blocked, or another process is making the same run.
    """
    from tailor.machine import peak_memory_gib
    from tailor.models.catalog import resolve
    from tailor.techniques import find_technique

    technique, source = find_technique(technique_name), resolve(base)
    ident = run_id(technique_name, config, dataset, base=base, seed=seed)
    folder = run_folder(project, ident)
    if (done := _finished(folder)) is not None:
        log.note(f"Run {ident} was already made from the same data and settings: it is used as it is.")
        return done
    _check_blockers(technique, config, dataset, source)
    with _only_one(folder, ident):
        (folder / "run.json").unlink(missing_ok=True)  # damaged: no longer a finished run
        start = time.perf_counter()
        figures = technique.fit(source, dataset, config, folder, seed=seed, log=log, measure=measure)
        record = RunRecord(
            id=ident,
            technique=technique_name,
            title=technique.title,
            base_model=base,
            config=config.model_dump(mode="json"),
            seed=seed,
            dataset=dataset.record.content_hash(),
            test_set=dataset.record.test_set,
            bytes=run_size_bytes(project, ident),
            outputs={file.relative_to(folder).as_posix(): sha256_file(file) for file in _artefacts(folder)},
            **{"measured": {}, **figures},
        )
        seconds = round(time.perf_counter() - start, 2)
        record.measured |= {"seconds": seconds, "peak_gib": round(peak_memory_gib(), 3)}
        record.save(folder / "run.json")
    return record


def _check_blockers(
    technique: Technique, config: TechniqueConfig, dataset: Dataset, source: ModelSource
) -> None:
    from tailor.machine import find_machine

    if problems := technique.find_blockers(config, dataset, source, find_machine()):
        raise WorkbenchError(
            f"{technique.title} cannot run: {problems[0]}",
            "what the sentence above asks for",
            "change that, or choose another technique",
        )


def load_run(project: Project, ident: str, dataset: Dataset | None = None) -> LanguageModel:
    """The model that a finished run made.

    Raises:
        WorkbenchError: there is no such run, or its files are damaged.
    """
    from tailor.models.catalog import resolve
    from tailor.techniques import find_technique

    record = read_run(project, ident)
    folder = run_folder(project, ident)
    _check_files(folder, record)
    technique = find_technique(record.technique)
    return technique.load(resolve(record.base_model), dataset or Dataset.open(project), folder)


def read_run(project: Project, ident: str) -> RunRecord:
    """A finished run's record.

    Raises:
        WorkbenchError: there is no such run; near names are offered.
    """
    path = run_folder(project, ident) / "run.json"
    if not path.exists():
        known = [record.id for record in list_runs(project)]
        raise WorkbenchError(
            f"there is no finished run '{ident}' in project '{project.name}'",
            f"one of: {', '.join(known) or 'none yet'}",
            f"run 05_measure_baselines or 07_tune.{did_you_mean(ident, known)}",
        )
    return RunRecord.load(path)


def list_runs(project: Project) -> list[RunRecord]:
    """All finished runs of a project, by id."""
    return [RunRecord.load(path) for path in sorted(project.path("runs").glob("*/run.json"))]


def run_id(technique: str, config: TechniqueConfig, dataset: Dataset, *, base: str, seed: int) -> str:
    """A run's name: the technique, and ten characters that change with anything the run is made of."""
    made_of = [technique, config.model_dump(mode="json"), base, dataset.record.content_hash(), seed]
    return f"{technique}-{sha256_bytes(canonical_json(made_of).encode())[:10]}"


def run_folder(project: Project, ident: str) -> Path:
    return project.path("runs") / ident


def run_size_bytes(project: Project, ident: str) -> int:
    """Bytes that a run needs on disk beside the base model (record, logs and checkpoints left out)."""
    return sum(file.stat().st_size for file in _artefacts(run_folder(project, ident)))


def role_of(record: RunRecord) -> Literal["base model", "prompting", "tuned"]:
    """What a run is in the final table."""
    from tailor.techniques import find_technique
    from tailor.techniques.zero_shot import ZeroShot

    if record.technique == ZeroShot.name:
        return "base model"
    return "tuned" if find_technique(record.technique).changes_weights else "prompting"


def _artefacts(folder: Path) -> list[Path]:
    """What the technique wrote: everything but the record and hidden files (checkpoints, lock)."""
    return [
        file
        for file in sorted(folder.rglob("*"))
        if file.is_file()
        and file != folder / "run.json"
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
    ]


def _finished(folder: Path) -> RunRecord | None:
    """The run's record, if it is there and its files are as they were written."""
    if not (folder / "run.json").exists():
        return None
    try:
        record = RunRecord.load(folder / "run.json")
        _check_files(folder, record)
    except WorkbenchError:
        return None  # damaged: made anew
    return record


def _check_files(folder: Path, record: RunRecord) -> None:
    for name, digest in record.outputs.items():
        path = folder / name
        if not path.exists() or sha256_file(path) != digest:
            raise WorkbenchError(
                f"{path} is missing or was changed since run {record.id} was made",
                "the file as the run wrote it",
                f"delete the folder {folder} and run the step that made it again",
            )


@contextmanager
def _only_one(folder: Path, ident: str):
    """Hold the run's lock, which the operating system frees when this process ends in whatever way."""
    from filelock import FileLock, Timeout

    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock", timeout=0)
        lock.acquire()
    except Timeout:
        raise WorkbenchError(
            f"another process is making run {ident}",
            "one process for each run",
            "wait until it has finished, or stop it",
        ) from None
    except OSError as error:
        raise disk_error(error, folder) from error
    try:
        yield
    finally:
        lock.release()
