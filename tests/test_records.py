import json

import pytest

from tailor.errors import WorkbenchError
from tailor.records import ProjectRecord


@pytest.fixture
def path(tmp_path):
    target = tmp_path / "project.json"
    ProjectRecord(name="p", base_model="tiny", seed=1, measured={"seconds": 2.5}).save(target)
    return target


def error(path, **changes) -> str:
    if changes:
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    with pytest.raises(WorkbenchError) as caught:
        ProjectRecord.load(path)
    return str(caught.value)


def test_a_record_comes_back_as_it_was(path):
    again = ProjectRecord.load(path)
    assert again == ProjectRecord(name="p", base_model="tiny", seed=1, measured={"seconds": 2.5})


def test_what_was_measured_takes_no_part_in_the_hash(path):
    record = ProjectRecord.load(path)
    before = record.content_hash()
    record.measured["seconds"] = 99
    assert record.content_hash() == before
    record.seed = 2
    assert record.content_hash() != before


def test_an_unknown_key_is_refused_with_a_near_name(path):
    assert error(path, base_modle="x") == (
        f"Found: {path} has the unknown key 'base_modle'\n"
        "Needed: keys of ProjectRecord\n"
        "Do: correct the key or run its step again. Did you mean 'base_model'?"
    )


def test_another_version_is_refused(path):
    assert error(path, version=99) == (
        f"Found: {path} has version 99\nNeeded: version 1\nDo: delete the file and run its step again"
    )


def test_a_wrong_value_is_refused(path):
    assert error(path, seed="many") == (
        f"Found: {path}: seed is 'many'\n"
        "Needed: Input should be a valid integer, unable to parse string as an integer\n"
        "Do: delete the file and run its step again"
    )


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000], ids=["empty", "cut off", "nested"])
def test_broken_json_is_refused(path, text):
    path.write_text(text)
    told = error(path)
    assert told.startswith(f"Found: {path} is not valid JSON (")
    assert told.endswith("Needed: a record as Tailor writes it\nDo: delete the file and run its step again")


def test_a_list_is_refused(path):
    path.write_text("[]")
    assert error(path).startswith(f"Found: {path} holds list\nNeeded: a JSON object\n")


def test_a_missing_record_is_told(tmp_path):
    assert error(tmp_path / "no.json") == (
        f"Found: there is no {tmp_path / 'no.json'}\nNeeded: the record of an earlier step\nDo: run that step first"
    )
