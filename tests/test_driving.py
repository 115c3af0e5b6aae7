"""One driver a project: the lock, and what is told of the latest run."""

import os
import signal
import subprocess
import sys

import pytest

from tailor.driving import driving, last_run
from tailor.errors import WorkbenchError

HOLD = """
import sys, time
from tailor.project import Project
from tailor.driving import Journal, driving
project = Project("small")
with driving(project):
    Journal(project).tell("00_plant", "running cell 4 (run)")
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_driver_refuses_and_a_dead_ones_lock_is_taken_over(small):
    with subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout.readline() == "held\n"
        with pytest.raises(WorkbenchError) as caught, driving(small):
            pass
        assert str(caught.value) == (
            f"Found: project 'small' is being run by another process ({first.pid})\n"
            "Needed: one run of a project at a time\n"
            "Do: wait until it ends, or stop it and run the command again"
        )
        assert last_run(small) == "The latest run is running: 00_plant running cell 4 (run)."
        os.kill(first.pid, signal.SIGKILL)
    assert last_run(small) == "The latest run was cut off: 00_plant running cell 4 (run)."
    with driving(small):
        pass
