"""Runs: found again, made again where damaged, refused where two processes make the same."""

import pytest
import small_project
from filelock import FileLock

from tailor.data.dataset import Dataset
from tailor.errors import WorkbenchError
from tailor.progress import Log
from tailor.techniques import TECHNIQUES
from tailor.training.runs import (
    list_runs,
    load_run,
    make_run,
    read_run,
    role_of,
    run_folder,
    run_id,
    run_size_bytes,
)

FEW = TECHNIQUES["few_shot"].Config(demonstrations=2, answer_room=16)


@pytest.fixture
def project(home):
    return small_project.make_project(home, "classify", rows=4)


@pytest.fixture
def make(project, base):
    def run(technique="few_shot", config=FEW, log=None, **changes):
        options = {"base": base.location, "seed": 0, "log": log or Log(), **changes}
        return make_run(project, technique, config, Dataset.open(project), **options)

    return run


def test_a_run_is_made_once_and_found_again(make, project, recorder):
    first = make()
    assert first.outputs.keys() == {"demonstrations.json"}
    assert first.bytes == run_size_bytes(project, first.id) > 0
    heard = recorder()
    assert make(log=heard) == first
    assert heard.notes == [
        f"Run {first.id} was already made from the same data and settings: it is used as it is."
    ]
    assert list_runs(project) == [read_run(project, first.id)] == [first]


def test_the_id_changes_with_everything_a_run_is_made_of(make, project):
    dataset = Dataset.open(project)
    plain = run_id("few_shot", FEW, dataset, base="a", seed=0)
    assert plain == run_id("few_shot", FEW, dataset, base="a", seed=0)
    assert plain.startswith("few_shot-")
    others = {
        run_id("zero_shot", FEW, dataset, base="a", seed=0),
        run_id("few_shot", FEW.model_copy(update={"demonstrations": 3}), dataset, base="a", seed=0),
        run_id("few_shot", FEW, dataset, base="b", seed=0),
        run_id("few_shot", FEW, dataset, base="a", seed=1),
    }
    dataset.record = dataset.record.model_copy(update={"system_prompt": "Be brief."})
    others.add(run_id("few_shot", FEW, dataset, base="a", seed=0))
    assert len(others | {plain}) == 6


def test_a_damaged_run_is_refused_and_made_again(make, project):
    record = make()
    path = run_folder(project, record.id) / "demonstrations.json"
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    with pytest.raises(WorkbenchError) as error:
        load_run(project, record.id)
    assert str(error.value) == (
        f"Found: {path} is missing or was changed since run {record.id} was made\n"
        "Needed: the file as the run wrote it\n"
        f"Do: delete the folder {path.parent} and run the step that made it again"
    )
    assert make().outputs == record.outputs
    assert path.read_bytes() == whole


def test_two_processes_do_not_make_the_same_run(make, project, base):
    ident = run_id("few_shot", FEW, Dataset.open(project), base=base.location, seed=0)
    folder = run_folder(project, ident)
    folder.mkdir(parents=True)
    with FileLock(folder / ".lock"), pytest.raises(WorkbenchError) as error:
        make()
    assert str(error.value) == (
        f"Found: another process is making run {ident}\n"
        "Needed: one process for each run\n"
        "Do: wait until it has finished, or stop it"
    )


def test_a_run_that_is_not_there_is_told(make, project):
    known = make().id
    with pytest.raises(WorkbenchError) as error:
        load_run(project, known[:-1] + "x")
    assert error.value.found == f"there is no finished run '{known[:-1]}x' in project 'small'"
    assert error.value.fix == f"run 05_measure_baselines or 07_tune. Did you mean '{known}'?"


def test_roles(make):
    assert role_of(make()) == "prompting"
    assert role_of(make("zero_shot", TECHNIQUES["zero_shot"].Config())) == "base model"


def test_a_blocked_technique_is_not_run(make, project, monkeypatch):
    monkeypatch.setattr(Dataset, "train", [])
    with pytest.raises(WorkbenchError) as error:
        make()
    assert str(error.value) == (
        "Found: Few-shot prompting cannot run: The dataset has no training rows to show.\n"
        "Needed: what the sentence above asks for\n"
        "Do: change that, or choose another technique"
    )
    assert list_runs(project) == []
