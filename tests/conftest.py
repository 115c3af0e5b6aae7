"""What every test gets: cores used politely, before torch loads, and a workspace of its own where it asks for one."""

import signal
from pathlib import Path

import pytest

from tailor.machine import use_cores_politely

use_cores_politely()
if (
    signal.getsignal(signal.SIGINT) is signal.SIG_IGN
):  # a shell's background job; tests send Ctrl-C to what they start
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty workspace; projects made in the test stand under its outputs/."""
    monkeypatch.setenv("TAILOR_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def small(home, monkeypatch):
    """The small series (tests/faults/small_series.py) in place of the real one, in a workspace with an odd name."""
    import small_series

    import tailor.project
    import tailor.series

    monkeypatch.setattr(tailor.series, "STEPS", tailor.series.STEPS)  # puts them back after the test
    monkeypatch.setattr(tailor.series, "STEP_NAMES", tailor.series.STEP_NAMES)
    monkeypatch.setattr(tailor.project, "STEPS", tailor.project.STEPS)
    small_series.install()
    workspace = home / "ein {Ordner} für 日本 %s"
    monkeypatch.setenv("TAILOR_HOME", str(workspace))
    monkeypatch.setenv("PYTHONPATH", str(Path(small_series.__file__).parent))
    small_series.write_notebooks(workspace / "notebooks")
    return tailor.project.Project("small")
