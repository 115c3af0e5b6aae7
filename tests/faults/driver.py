"""Driving a series in a process of its own, to be killed: the small one here, or the real one by `tailor run`."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import small_series

Command = list[str]
SMALL: Command = [sys.executable, small_series.__file__, "small"]


class Workspace:
    """A workspace in which a series is driven, killed and driven again.

    Args:
        home: TAILOR_HOME of the drivers.
        project: the project's name.
        command: what drives it.
    """

    def __init__(
        self, home: Path, project: str = "small", command: Command = SMALL, **environment: str
    ) -> None:
        self.home = home
        self.folder = home / "outputs" / project
        self.command = command
        path = str(Path(small_series.__file__).parent)
        self.environment = {**os.environ, "TAILOR_HOME": str(home), "PYTHONPATH": path, **environment}

    def start(self) -> subprocess.Popen:
        return subprocess.Popen(
            self.command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def run(self) -> str:
        """Drive to the end. Returns what was printed on both streams; fails the test if it went wrong."""
        done = subprocess.run(self.command, env=self.environment, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def wait_for(
        self, step: str, driver: subprocess.Popen, what: Callable[[str], bool] | None = None
    ) -> None:
        """Wait until the driver is in `step`'s run cell."""
        what = what or (lambda state: state.startswith("running cell 4"))
        while driver.poll() is None:
            try:
                steps = json.loads((self.folder / "last_run.json").read_text(encoding="utf-8"))["steps"]
            except (OSError, ValueError):
                steps = {}
            if what(steps.get(step, "")):
                return
            time.sleep(0.01)
        raise AssertionError(f"the driver ended before {step} ran: {driver.communicate()}")

    def kill_in(self, step: str, seed: int, within: float, number: int = signal.SIGKILL) -> subprocess.Popen:
        """Start a driver and send it a signal at a random moment of a step's run cell."""
        (self.folder / "last_run.json").unlink(missing_ok=True)
        driver = self.start()
        self.wait_for(step, driver)
        time.sleep(random.Random(seed).uniform(0, within))
        driver.send_signal(number)
        return driver

    def processes(self) -> list[psutil.Process]:
        """Every living process that belongs to this workspace: drivers, kernels, fork servers."""
        found = []
        for process in psutil.process_iter():
            try:
                ours = process.environ().get("TAILOR_HOME") == str(self.home) and process.pid != os.getpid()
                if ours and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def orphans_after(self, seconds: float) -> list[str]:
        """Command lines of processes still there after so many seconds; returns sooner when there are none."""
        end = time.monotonic() + seconds
        while (left := self.processes()) and time.monotonic() < end:
            time.sleep(0.1)
        return [" ".join(process.cmdline()) for process in left]

    def hashes(self) -> dict[str, str]:
        """The content hash of every record and the hash of every file it vouches for."""
        from tailor.project import _record_hash

        return {
            str(path.relative_to(self.folder)): _record_hash(path)
            for path in sorted(self.folder.rglob("*.json"))
            if path.name != "last_run.json" and not any(p.startswith(".") for p in path.parts)
        }
