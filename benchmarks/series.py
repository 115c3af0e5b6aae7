"""Seconds and peak memory of the whole series, headless: from nothing, and again with nothing changed.

    .venv/bin/python benchmarks/series.py [--project bank_support] [--json FILE]

A step's seconds are its work alone; the notebook's also start the kernel and show form and result. Peak memory is the
proportional set size of the driver and all its kernels together, sampled twice a second (a forked kernel shares most of
its pages with the fork server; adding up resident sizes would count them twice).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

from tailor.blocks import Table
from tailor.files import write_json
from tailor.plain import to_text
from tailor.series import STEPS


class Peak:
    """Watches the memory of a process and its descendants."""

    def __init__(self, pid: int) -> None:
        self.gib = 0.0
        self._process = psutil.Process(pid)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._stop.wait(0.5):
            self.gib = max(self.gib, self._now())

    def _now(self) -> float:
        total = 0
        try:
            family = [self._process, *self._process.children(recursive=True)]
        except psutil.Error:
            return 0.0
        for process in family:
            try:
                memory = process.memory_full_info()
                total += getattr(memory, "pss", memory.uss)
            except psutil.Error:
                continue
        return total / 2**30

    def end(self) -> float:
        self._stop.set()
        self._thread.join()
        return self.gib


def run_series(home: Path, project: str) -> tuple[float, float]:
    """Run the series once. Returns seconds and peak GiB."""
    start = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", "tailor.cli", "run", "--project", project],
        env={**os.environ, "TAILOR_HOME": str(home)},
        stdout=subprocess.DEVNULL,
    ) as driver:
        peak = Peak(driver.pid)
        driver.wait()
        seconds = time.perf_counter() - start
    if driver.returncode != 0:
        raise SystemExit(f"the series ended with {driver.returncode}")
    return seconds, peak.end()


def import_seconds() -> float:
    """The quickest of five imports, without what starting Python itself costs."""

    def quickest(code: str) -> float:
        times = []
        for _ in range(5):
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True)
            times.append(time.perf_counter() - start)
        return min(times)

    return max(quickest("import tailor") - quickest("pass"), 0.0)


def step_figures(folder: Path) -> dict[str, dict[str, float]]:
    """For each step: seconds of its notebook and of its work, and its kernel's peak memory."""
    figures = {}
    for step in STEPS:
        record = json.loads((folder / step.record).read_text(encoding="utf-8"))
        copy = json.loads((folder / "notebooks" / f"{step.name}.ipynb").read_text(encoding="utf-8"))
        figures[step.name] = {
            "notebook_seconds": round(copy["metadata"]["papermill"]["duration"], 2),
            "seconds": record["measured"]["seconds"],
            "peak_gib": record["measured"]["peak_gib"],
        }
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description="Seconds and peak memory of the whole series.")
    parser.add_argument("--project", default="bank_support")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as one flat object")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        cold, peak = run_series(Path(home), arguments.project)
        steps = step_figures(Path(home) / "outputs" / arguments.project)
        warm, _ = run_series(Path(home), arguments.project)
    work = sum(step["seconds"] for step in steps.values())
    figures = {
        "cold.seconds": round(cold, 2),
        "cold.work_seconds": round(work, 2),
        "cold.overhead_seconds": round(cold - work, 2),
        "cold.peak_gib": round(peak, 3),
        "warm.seconds": round(warm, 2),
        "import_tailor.seconds": round(import_seconds(), 3),
    }
    names = ("notebook_seconds", "seconds", "peak_gib")
    rows = [(step, *(values[name] for name in names)) for step, values in steps.items()]
    print(to_text(Table(("step", "notebook s", "work s", "peak GiB"), rows)), end="\n\n")
    print(to_text(Table(("figure", "value"), list(figures.items()))))
    if arguments.json:
        flat = {
            f"steps.{step}.{name}": value for step, values in steps.items() for name, value in values.items()
        }
        write_json(arguments.json, {**figures, **flat})


if __name__ == "__main__":
    main()
