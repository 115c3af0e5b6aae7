import pytest

from tailor.blueprint import HEADER, Blueprint
from tailor.errors import WorkbenchError


def error(path, text: str | bytes | None) -> str:
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(WorkbenchError) as caught:
        Blueprint.load(path)
    return str(caught.value).replace(str(path), "FILE")


def test_it_comes_back_as_it_was_in_the_order_of_the_series(tmp_path):
    path = tmp_path / "blueprint.yaml"
    steps = {
        "03_clean_data": {"operations": [{"operation": "drop_empty"}]},
        "01_define_use_case": {"title": "Antworten – höflich"},
    }
    Blueprint(project="p", steps={**steps, "02_gather_data": {}}).save(path)
    assert Blueprint.load(path).steps == steps
    assert path.read_text(encoding="utf-8") == HEADER + (
        "version: 1\nproject: p\nsteps:\n  01_define_use_case:\n    title: Antworten – höflich\n"
        "  03_clean_data:\n    operations:\n    - operation: drop_empty\n"
    )


def test_an_unchanged_file_is_left_alone(tmp_path):
    path = tmp_path / "blueprint.yaml"
    Blueprint(project="p").save(path)
    before = path.stat().st_ino
    Blueprint(project="p").save(path)
    assert path.stat().st_ino == before


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "Found: there is no file FILE\nNeeded: a blueprint\nDo: check the path"),
        (
            "project: p\nsteps: [",
            "Found: FILE is not valid YAML in line 2\nNeeded: a blueprint as Tailor writes it\nDo: mend that line",
        ),
        (
            "project: p\nsteps: &a {}\nunfolds: [*a, *a]",
            "Found: FILE is not valid YAML in line 3\nNeeded: a blueprint as Tailor writes it\nDo: mend that line",
        ),
        (
            b"\xff\xfe",
            "Found: FILE is not valid YAML\nNeeded: a blueprint as Tailor writes it\nDo: mend that line",
        ),
        (
            "steps: {}",
            "Found: FILE names no project\nNeeded: a line such as 'project: bank_support'\nDo: add that line",
        ),
        (
            "project: p\nstep: {}",
            "Found: FILE has the unknown key 'step'\nNeeded: one of: version, project, steps\n"
            "Do: correct the key. Did you mean 'steps'?",
        ),
        (
            "project: p\nsteps: {03_clean_data: 5}",
            "Found: FILE: 03_clean_data holds 5\nNeeded: settings, one 'name: value' a line\n"
            "Do: write 03_clean_data's settings indented under it",
        ),
        ("project: p\nversion: 2", "Found: FILE has version 2\nNeeded: version 1\nDo: update Tailor"),
    ],
)
def test_what_is_wrong_is_told(tmp_path, text, told):
    assert error(tmp_path / "b.yaml", text) == told


def test_an_unknown_step_is_refused_with_a_near_name(tmp_path):
    told = error(tmp_path / "b.yaml", "project: p\nsteps: {03_clean: {}}")
    assert told.startswith(
        "Found: FILE has the unknown step '03_clean'\nNeeded: one of: 00_start_here, 01_define_"
    )
    assert told.endswith("Do: correct the step. Did you mean '03_clean_data'?")


def test_yaml_makes_no_objects(tmp_path):
    told = error(tmp_path / "b.yaml", "project: !!python/object/apply:os.getcwd []")
    assert told.startswith("Found: FILE is not valid YAML in line 1")
