"""A full disk and a read-only folder: told in a sentence, nothing half-written. Needs a mount, so Linux only."""

import json
import shutil
import subprocess
import sys

import pytest
import small_series
from driver import SMALL, Workspace

# a mount namespace of its own: the mount is seen by this test alone and is gone with it, and no root is needed
ALONE = ["unshare", "--map-root-user", "--mount", "sh", "-c"]


def _can_mount() -> bool:
    if not (sys.platform.startswith("linux") and shutil.which("unshare")):
        return False
    return subprocess.run([*ALONE, "mount -t tmpfs tmpfs /mnt"], capture_output=True).returncode == 0


pytestmark = pytest.mark.skipif(not _can_mount(), reason="this system lets nobody mount a small file system")


def drive(workspace: Workspace, script: str) -> subprocess.CompletedProcess:
    """Run a shell script in a mount namespace; $outputs is the project's outputs folder, "$@" drives the series."""
    command = [*ALONE, f"set -e; {script}", "sh", *workspace.command]
    environment = {**workspace.environment, "outputs": str(workspace.folder.parent)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    small_series.write_notebooks(tmp_path / "notebooks")
    workspace = Workspace(tmp_path, command=SMALL)
    workspace.folder.mkdir(parents=True)
    return workspace


KEEP = 'cp -a "$outputs" "$TAILOR_HOME/kept"'  # what is on the small disk is gone with the namespace


@pytest.mark.parametrize("kilobytes", [8, 32, 72])
def test_a_full_disk_leaves_valid_files_and_says_so(workspace, kilobytes):
    done = drive(
        workspace,
        f'mount -t tmpfs -o size={kilobytes}k tmpfs "$outputs"; "$@" || code=$?; {KEEP}; exit ${{code:-0}}',
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Found: the disk is full: " in done.stderr
    assert " bytes are free where " in done.stderr
    assert "Needed: room for the file; what was there before is untouched\n" in done.stderr
    assert "Traceback" not in done.stderr
    kept = workspace.home / "kept" / "small"
    assert list(kept.rglob(".writing-*")) == []
    for path in [*kept.glob("*.json"), *kept.glob("notebooks/*.ipynb")]:
        json.loads(path.read_text(encoding="utf-8"))


def test_after_space_is_made_the_series_goes_on(workspace):
    grow = 'mount -o remount,size=4m "$outputs"'
    done = drive(workspace, f'mount -t tmpfs -o size=64k tmpfs "$outputs"; "$@" || {grow}; "$@"; {KEEP}')
    assert done.returncode == 0, done.stderr
    assert json.loads((workspace.home / "kept/small/count.json").read_text())["amount"] == 5


def test_a_read_only_folder_is_told_before_anything_runs(workspace):
    done = drive(workspace, 'mount -t tmpfs tmpfs "$outputs"; mount -o remount,ro "$outputs"; "$@"')
    folder = workspace.folder.parent
    assert done.returncode == 1
    assert done.stderr == (
        f"Found: {workspace.folder}/.cache/driver.lock cannot be written (Read-only file system)\n"
        "Needed: a folder you may write to\n"
        f"Do: change the permissions of {folder}, or set TAILOR_HOME to a folder of yours\n"
    )
