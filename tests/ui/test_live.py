"""What a running step shows: driven with a display that records, and in a real kernel."""

import io
import sys

import pytest

from tailor.progress import Log
from tailor.ui import live


class Handle:
    """Stands for IPython's display handle."""

    def __init__(self, shown):
        self.shown = shown

    def update(self, data, **_):
        self.shown.append(data)


@pytest.fixture
def shown(monkeypatch):
    """Everything displayed, in order; the clock stands still until a test moves it."""
    found = []

    def display(data, **_):
        found.append(data)
        return Handle(found)

    monkeypatch.setattr("IPython.display.display", display)
    return found


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(live.time, "monotonic", lambda: now[0])
    return now


def test_line_says_rate_and_time_left(shown, clock):
    log = live.NotebookLog("07_tune")
    log.progress(0, 400, "scoring answers")
    clock[0] += 4
    log.progress(120, 400, "scoring answers")
    assert shown[-1]["text/plain"] == "scoring answers: 120 of 400, 30/s, 9.3 s left"
    assert "width:30.0%" in shown[-1]["text/html"]


def test_line_is_redrawn_at_most_five_times_a_second(shown, clock):
    log = live.NotebookLog("07_tune")
    for done in range(1001):
        log.progress(done, 1000, "rows")
        clock[0] += 0.01
    assert 40 <= len(shown) <= 60


def test_rate_starts_anew_with_other_work(shown, clock):
    log = live.NotebookLog("07_tune")
    log.progress(0, 10, "loading")
    clock[0] += 100
    log.progress(10, 10, "loading")
    log.progress(0, 10, "training")
    clock[0] += 2
    log.progress(4, 10, "training")
    assert shown[-1]["text/plain"] == "training: 4 of 10, 2.0/s, 3.0 s left"


def test_finished_step_leaves_one_line_its_notes_and_one_figure(shown, clock):
    log = live.NotebookLog("07_tune")
    log.progress(0, 3, "training")
    log.note("Stopped early: <b>no gain</b>.")
    for step in range(3):
        log.point("training loss", step, 1.0 / (step + 1))
        clock[0] += 1
    clock[0] += 9
    log.finish(failed=False)
    assert shown[-2]["text/plain"] == "07_tune: done in 12 s\nStopped early: <b>no gain</b>."
    assert "&lt;b&gt;no gain" in shown[-2]["text/html"]
    assert "width:220px" not in shown[-2]["text/html"]
    assert shown[-1]["text/plain"] == "[Figure: Curves of training loss]"
    assert shown[-1]["image/png"].startswith(b"\x89PNG")


def test_curves_are_redrawn_at_most_every_two_seconds(shown, clock):
    log = live.NotebookLog("07_tune")
    for step in range(100):
        log.point("training loss", step, 1.0)
        clock[0] += 0.1
    assert len([data for data in shown if "image/png" in data]) == 5


def test_stopped_step_says_where(shown, clock, monkeypatch):
    monkeypatch.setattr(live, "_in_notebook", lambda: True)

    def work():
        with live.notebook_log("07_tune") as log:
            log.progress(120, 400, "training")
            clock[0] += 65
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert shown[-1]["text/plain"] == "07_tune stopped after 1 min 5 s, at training: 120 of 400"


def test_outside_a_notebook_nothing_is_shown(capsys):
    with live.notebook_log("07_tune") as log:
        assert type(log) is Log
        log.progress(1, 2, "rows")
        log.point("training loss", 1, 1.0)
    assert capsys.readouterr() == ("", "")


def test_on_a_terminal_a_bar_is_drawn_and_notes_stay(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with live.notebook_log("07_tune") as log:
        list(log.track(range(3), "rows"))
        log.note("Three rows.")
        log.progress(1, 2, "more")
    assert "rows: " in terminal.getvalue()
    assert "Three rows.\n" in terminal.getvalue()
    assert "more: " in terminal.getvalue()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.42, "0.4 s"), (9.96, "10 s"), (59.7, "1 min 0 s"), (200, "3 min 20 s"), (3900, "1 h 5 min")],
)
def test_seconds_in_words(seconds, text):
    assert live.say_seconds(seconds) == text
