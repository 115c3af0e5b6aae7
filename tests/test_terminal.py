import io
import json
import re
import time

import pytest

from tailor.project import State
from tailor.settings import Settings, setting
from tailor.terminal import SeriesDisplay, settings_text, states_text


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


NOW = json.dumps({"done": 1200, "total": 5000, "what": "rows compared"})


@pytest.fixture
def progress(tmp_path):
    path = tmp_path / "now.json"
    path.write_text('{"done": 1, "total": 1, "what": "of the step before"}')
    return path


def test_a_log_file_gets_plain_lines(progress):
    stream = io.StringIO()
    with SeriesDisplay(2, progress, stream) as shown:
        shown.skipped("00_start_here")
        shown.started("01_define_use_case", "not run yet")
        shown.finished("01_define_use_case", 1.25)
    assert stream.getvalue() == (
        "[1/2] 00_start_here: up to date\n"
        "[2/2] 01_define_use_case: running (not run yet)\n"
        "[2/2] 01_define_use_case: done in 1.2 s\n"
    )


def test_a_log_file_hears_of_long_work_now_and_then(progress, monkeypatch):
    monkeypatch.setattr("tailor.terminal._QUIET_SECONDS", 0.1)
    stream = io.StringIO()
    with SeriesDisplay(14, progress, stream) as shown:
        shown.started("03_clean_data", "not run yet")
        progress.write_text(NOW)
        time.sleep(0.8)
    assert "[1/14] 03_clean_data: rows compared: 1,200 of 5,000 (" in stream.getvalue()
    assert "of the step before" not in stream.getvalue()


def test_a_terminal_gets_a_bar_with_the_notebook_and_its_work(progress):
    stream = Screen()
    with SeriesDisplay(14, progress, stream) as shown:
        shown.started("03_clean_data", "not run yet")
        progress.write_text(NOW)
        time.sleep(0.8)
        shown.finished("03_clean_data", 0.8)
    assert re.search(r"03_clean_data +\|.*\| 0/14 \[.*rows compared: 1,200 of 5,000", stream.getvalue())
    assert "[1/14] 03_clean_data: done in 0.8 s\n" in stream.getvalue()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}"])
def test_broken_progress_stops_nothing(progress, text):
    stream = Screen()
    with SeriesDisplay(1, progress, stream) as shown:
        shown.started("07_tune", "not run yet")
        progress.write_text(text)
        time.sleep(0.6)
    assert "working" in stream.getvalue()


def test_states_are_lines():
    assert states_text([State("07_tune", "stale", "setting rank changed from 8 to 16")]) == (
        "07_tune                    stale    setting rank changed from 8 to 16"
    )


class Sample(Settings):
    rate: float = setting(0.1, "How fast.", unit="per step", source="a paper", gt=0, le=1)
    least: int = setting(3, "At least.", ge=2)
    must: str = setting(..., "A text.")


class Nothing(Settings):
    pass


def test_settings_are_text():
    assert settings_text("07_tune", Sample) == (
        "rate: 0.1\n    How fast.\n    0 to 1\n    unit: per step\n    source: a paper\n\n"
        "least: 3\n    At least.\n    at least 2\n\n"
        "must: must be given\n    A text."
    )
    assert settings_text("13_refine", Nothing) == "13_refine has no settings."


def test_the_cleaning_list_is_told_entry_by_entry_with_the_path_of_each_setting():
    from tailor.steps.clean_data import Settings

    text = settings_text("03_clean_data", Settings)
    assert "\n  12. drop_near_duplicates: Drop near duplicates\n" in text
    assert "\n    operations.drop_near_duplicates.threshold: 0.8\n" in text
    assert "Can be added: " in text
    assert text.index("operations:") < text.index("text_columns: []")
