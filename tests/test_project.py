import json

import pytest

from tailor.blueprint import Blueprint
from tailor.errors import WorkbenchError
from tailor.notebook import run_step
from tailor.progress import Log
from tailor.project import Project, check_name


@pytest.mark.parametrize(
    "name", ["../x", "/etc", "a/b", "", ".", "..", "a b", "con", "x" * 61, "a\x00b", "ü", "-a"]
)
def test_a_name_that_is_not_plain_is_refused(name):
    with pytest.raises(WorkbenchError) as caught:
        check_name(name)
    assert str(caught.value) == (
        f"Found: the project name {name!r}\n"
        "Needed: 1 to 60 letters, digits, '_' or '-', starting with a letter or digit\n"
        "Do: choose a plain name such as 'my_project'"
    )


def do(project, *steps) -> None:
    for step in steps:
        settings = project.settings(step)
        run_step(project, step, settings, project.inputs(step, settings), Log())


def states(project) -> list[tuple[str, str]]:
    return [(s.state, s.reason) for s in project.states()]


@pytest.fixture
def steps(small):
    import tailor.series

    return tailor.series.STEPS


def test_steps_are_blocked_until_their_inputs_are_there(small, steps):
    assert states(small) == [
        ("ready", "not run yet"),
        ("blocked", "plant.json is missing: run 00_plant first"),
        ("blocked", "plant.json is missing: run 00_plant first"),
        ("blocked", "harvest.json is missing: run 02_harvest first"),
    ]
    with pytest.raises(WorkbenchError) as caught:
        small.inputs(steps[1], small.settings(steps[1]))
    assert str(caught.value) == (
        "Found: plant.json of project 'small' is missing\n"
        "Needed: the result of 00_plant\n"
        "Do: run notebooks/00_plant.ipynb, or: tailor run --project small --to 00_plant"
    )


def test_done_steps_stay_done_until_something_changes(small, steps):
    do(small, *steps)
    assert {state for state, _ in states(small)} == {"done"}
    small.choose(steps[1], small.settings(steps[1], {"amount": 7}))
    assert states(small) == [
        ("done", "up to date"),
        ("stale", "setting amount changed from 5 to 7"),
        ("done", "up to date"),
        ("done", "up to date"),
    ]
    do(small, steps[1])
    assert states(small)[2] == ("stale", "grow.json changed since")


def test_a_changed_output_is_noticed(small, steps):
    do(small, *steps)
    small.path("garden/0.txt").write_text("weeds")
    assert states(small)[1] == ("stale", "garden was changed by hand or left incomplete")
    small.path("basket.txt").unlink()
    assert states(small)[2] == ("stale", "basket.txt is missing")


def test_a_broken_record_is_stale_not_fatal(small, steps):
    do(small, *steps)
    small.path("count.json").write_text("{")
    state, reason = states(small)[3]
    assert state == "stale"
    assert reason.startswith("count.json cannot be read (")


def test_seconds_and_memory_make_nothing_stale(small, steps):
    do(small, *steps)
    record = small.path("plant.json")
    values = json.loads(record.read_text())
    record.write_text(json.dumps({**values, "measured": {"seconds": 1e9}}))
    assert {state for state, _ in states(small)} == {"done"}


def test_the_blueprint_holds_what_differs_from_the_defaults(small, steps):
    small.choose(steps[0], small.settings(steps[0], {"amount": 9}))
    small.choose(steps[3], small.settings(steps[3]))
    assert Blueprint.load(small.blueprint_path).steps == {"00_plant": {"amount": 9}}
    small.choose(steps[0], small.settings(steps[0], {"amount": 5}))
    assert Blueprint.load(small.blueprint_path).steps == {}


def test_a_missing_file_is_told_with_a_near_name(home):
    (home / "tickets.csv").write_text("a\n1\n")
    with pytest.raises(WorkbenchError) as caught:
        Project("mine").resolve("ticket.csv")
    assert str(caught.value) == (
        "Found: there is no file or folder ticket.csv\n"
        "Needed: an existing path, absolute or relative to the workspace\n"
        "Do: check the path. Did you mean 'tickets.csv'?"
    )
