import errno
import os
import re
import subprocess
import sys

import pytest

from tailor.errors import WorkbenchError
from tailor.files import canonical_json, disk_error, sha256_tree, sweep, write_json, write_text, writing


def test_a_failed_write_leaves_what_was_there(tmp_path):
    target = tmp_path / "record.json"
    write_text(target, "before")
    with pytest.raises(ZeroDivisionError), writing(target) as path:
        path.write_text("half")
        1 / 0  # noqa: B018
    assert target.read_text() == "before"
    assert [p.name for p in tmp_path.iterdir()] == ["record.json"]


def test_a_folder_is_replaced_as_a_whole(tmp_path):
    target = tmp_path / "dataset"
    for names in (["a", "b"], ["c"]):
        with writing(target) as folder:
            folder.mkdir()
            for name in names:
                (folder / name).write_text(name)
    assert [p.name for p in target.iterdir()] == ["c"]
    assert [p.name for p in tmp_path.iterdir()] == ["dataset"]


def test_a_failed_folder_leaves_the_old_one(tmp_path):
    target = tmp_path / "dataset"
    with writing(target) as folder:
        folder.mkdir()
        (folder / "old").write_text("old")
    with pytest.raises(RuntimeError), writing(target) as folder:
        folder.mkdir()
        raise RuntimeError
    assert [p.name for p in target.iterdir()] == ["old"]


@pytest.mark.parametrize("name", ["mit Leerzeichen.json", "日本語 ✓.json", "x" * 240 + ".json"])
def test_unusual_names_are_written(tmp_path, name):
    write_json(tmp_path / name, {"ü": 1})
    assert (tmp_path / name).read_text(encoding="utf-8") == '{\n  "ü": 1\n}\n'


def test_a_name_the_system_refuses_is_told(tmp_path):
    with pytest.raises(WorkbenchError) as caught:
        write_text(tmp_path / ("x" * 300), "text")
    assert caught.value.found == f"{tmp_path / ('x' * 300)} could not be read or written (File name too long)"
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told_with_its_free_bytes(tmp_path):
    error = disk_error(OSError(errno.ENOSPC, "No space left on device"), tmp_path / "runs" / "model.bin")
    target = re.escape(str(tmp_path / "runs" / "model.bin"))
    assert re.fullmatch(
        rf"the disk is full: [\d,]+ bytes are free where {target} should be written", error.found
    )
    assert error.needed == "room for the file; what was there before is untouched"
    assert (
        error.fix
        == "free some space, or set TAILOR_HOME to a folder on a larger disk, and run the step again"
    )


def test_a_folder_without_permission_is_told(tmp_path):
    error = disk_error(OSError(errno.EACCES, "Permission denied"), tmp_path / "a.json")
    assert str(error) == (
        f"Found: {tmp_path / 'a.json'} cannot be written (Permission denied)\n"
        "Needed: a folder you may write to\n"
        f"Do: change the permissions of {tmp_path}, or set TAILOR_HOME to a folder of yours"
    )


def test_the_sweep_takes_what_dead_processes_left_and_nothing_else(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True
    )
    dead = tmp_path / "runs" / f".writing-{done.stdout.strip()}-abc"
    dead.mkdir(parents=True)
    (dead / "half").write_text("half")
    living = tmp_path / f".writing-{os.getpid()}-abc"
    living.write_text("being written")
    (tmp_path / "kept.txt").write_text("kept")
    sweep(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [living.name, "kept.txt", "runs"]
    assert not dead.exists()


def test_a_folder_hash_follows_names_and_contents(tmp_path):
    (tmp_path / "a.txt").write_text("1")
    before = sha256_tree(tmp_path)
    (tmp_path / ".hidden").write_text("no part of it")
    assert sha256_tree(tmp_path) == before
    (tmp_path / "a.txt").rename(tmp_path / "b.txt")
    assert sha256_tree(tmp_path) != before


def test_equal_values_give_equal_text():
    assert canonical_json({"b": 1, "a": [1.5]}) == canonical_json({"a": [1.5], "b": 1}) == '{"a":[1.5],"b":1}'


def test_not_a_number_is_refused():
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"loss": float("nan")})
