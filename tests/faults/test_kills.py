"""Killed at any moment, the series goes on where it was and ends with the same artefacts; no kernel is left behind.

TAILOR_KILL_SEEDS=20 tries more moments than the few of a normal run.
"""

import os
import signal

import pytest
import small_series
from driver import SMALL, Workspace

SEEDS = range(int(os.environ.get("TAILOR_KILL_SEEDS", "1")))
HEAVY = [*SMALL, "heavy"]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> dict[str, str]:
    """The hashes of a series that nobody killed."""
    workspace = make(tmp_path_factory.mktemp("undisturbed"))
    workspace.run()
    assert sorted(workspace.hashes()) == ["count.json", "grow.json", "harvest.json", "plant.json"]
    return workspace.hashes()


def make(home, command=SMALL, **environment) -> Workspace:
    small_series.write_notebooks(home / "notebooks")
    return Workspace(home, command=command, **environment)


@pytest.mark.parametrize("seed", SEEDS)
def test_killed_in_every_step_it_ends_with_the_same_artefacts(tmp_path, undisturbed, seed):
    workspace = make(tmp_path, SMALL_SERIES_SLEEP="0.1")
    for step in small_series.STEPS:
        driver = workspace.kill_in(step.name, seed, within=0.3)
        assert driver.wait(10) == -signal.SIGKILL
        assert workspace.orphans_after(10) == []
    printed = workspace.run()
    assert "[3/4] 02_harvest: up to date" in printed
    assert "03_count: running" in printed or "03_count: up to date" in printed
    assert workspace.hashes() == undisturbed
    assert list(workspace.folder.rglob(".writing-*")) == []


def test_warm_kernels_die_with_their_driver_too(tmp_path, undisturbed):
    workspace = make(tmp_path, HEAVY, SMALL_SERIES_SLEEP="0.2")
    driver = workspace.kill_in("01_grow", 0, within=0.3)
    kernels = [p for p in workspace.processes() if any("forkserver" in word for word in p.cmdline())]
    driver.wait(10)
    assert len(kernels) >= 2, "the fork server and a kernel forked from it were expected"
    assert workspace.orphans_after(10) == []
    workspace.run()
    assert workspace.hashes() == undisturbed


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_stop_it_says_how_to_go_on(tmp_path, undisturbed, number):
    workspace = make(tmp_path, SMALL_SERIES_SLEEP="0.2")
    driver = workspace.kill_in("01_grow", 1, within=0.3, number=number)
    _, told = driver.communicate(timeout=20)
    assert driver.returncode == 130
    assert told.endswith("Stopped. Finished steps are kept; the same command goes on from here.\n")
    assert "Traceback" not in told
    assert workspace.orphans_after(10) == []
    assert "[1/4] 00_plant: up to date" in workspace.run()
    assert workspace.hashes() == undisturbed


def test_a_killed_warm_kernel_is_a_failure_at_its_cell(tmp_path):
    workspace = make(tmp_path, HEAVY, SMALL_SERIES_SLEEP="0.5")
    driver = workspace.start()
    workspace.wait_for("01_grow", driver)
    servers = [p for p in workspace.processes() if p.ppid() == driver.pid]
    kernel = next(p for p in workspace.processes() if p.ppid() in {server.pid for server in servers})
    kernel.send_signal(signal.SIGKILL)
    _, told = driver.communicate(timeout=30)
    assert driver.returncode == 1
    assert told[told.index("notebooks/") :] == (
        "notebooks/01_grow.ipynb stopped in cell 4 (run).\n"
        "Found: the kernel was killed in cell 4 (run); most often the machine ran out of memory\n"
        "Needed: a kernel that lives until the last cell\n"
        "Do: close other programs or choose smaller settings, then run the same command again: it goes on here\n"
        f"The executed copy: {workspace.folder / 'notebooks' / '01_grow.failed.ipynb'}\n"
    )
    assert workspace.orphans_after(10) == []
