"""Forms, driven without a kernel."""

import subprocess
import sys
from typing import Literal

import pytest
from pydantic import BaseModel

from tailor.errors import WorkbenchError
from tailor.settings import Settings, setting
from tailor.ui.form import Form


class Part(BaseModel):
    metric: str
    at_least: float = 0.5


class Example(Settings):
    rate: float = setting(
        2e-4, "How big each step is.", log=True, gt=0, le=0.1, unit="per step", source="a paper"
    )
    near: float = setting(0.7, "How alike.", ge=0, le=1)
    rows: int = setting(8, "How many.", ge=1, le=512)
    characters: int = setting(20_000, "Longest.", ge=1, log=True)
    limit: int | None = setting(None, "A limit.")
    free: float = setting(1.5, "Without bounds.")
    kind: Literal["plain", "two_words"] = setting("plain", "Which.")
    keep: Literal["first", "last"] | None = setting(None, "Which to keep.")
    title: str = setting("", "A title.")
    note: str | None = setting(None, "A note.")
    text: str = setting("", "Longer.", multiline=True)
    files: list[str] = setting([], "Files.")
    kinds: list[Literal["mail", "card"]] = setting(["mail", "card"], "Kinds.", advanced=True)
    fast: bool = setting(True, "Fast.", advanced=True)
    parts: list[Part] = setting([], "Parts.")
    one: Part | None = setting(None, "One part.")
    extra: dict = setting({}, "Anything.")


UNUSUAL = {
    "rate": 3.1234567890123e-17,
    "near": 0.123456789,
    "characters": 987_654_321,
    "free": 1e300,
    "keep": "last",
    "note": "x",
    "text": "  two\nlines \n",
    "files": [" padded ", "b"],
    "kinds": ["card", "mail"],
    "parts": [{"metric": "chrf", "at_least": 0.1 + 0.2}],
    "one": {"metric": "m"},
    "extra": {"a": [1, {"b": None}]},
}


@pytest.mark.parametrize("values", [{}, UNUSUAL])
def test_untouched_form_gives_the_very_values_it_was_given(values):
    given = Example(**values)
    form = Form(given)
    assert form.value is given
    assert form.changed == []


@pytest.mark.parametrize(
    ("name", "shown", "expected"),
    [
        ("near", 0.8, 0.8),
        ("rate", 1e-5, 1e-5),
        ("rows", 12, 12),
        ("limit", 3, 3),
        ("free", -2.5, -2.5),
        ("kind", "two_words", "two_words"),
        ("keep", "first", "first"),
        ("title", "Cards", "Cards"),
        ("note", "n", "n"),
        ("text", "a\nb", "a\nb"),
        ("files", "a.csv\n\n b.csv ", ["a.csv", "b.csv"]),
        ("kinds", ("mail",), ["mail"]),
        ("fast", False, False),
        ("parts", "- metric: chrf\n  at_least: 40", [Part(metric="chrf", at_least=40)]),
        ("one", "{metric: chrf}", Part(metric="chrf")),
        ("extra", "a: 1", {"a": 1}),
    ],
)
def test_one_widget_moved_changes_one_value_and_no_other(name, shown, expected):
    given = Example(rate=3.1234567890123e-4)
    form = Form(given)
    form.widgets[name].value = shown
    assert form.changed == [name]
    assert getattr(form.value, name) == expected
    others = set(Example.model_fields) - {name}
    assert form.value.model_dump(include=others) == given.model_dump(include=others)


@pytest.mark.parametrize("name", ["files", "parts", "extra", "one", "note", "limit", "keep"])
def test_emptied_field_gives_the_empty_value(name):
    form = Form(Example(**(UNUSUAL | {"limit": 5})))
    form.widgets[name].value = None if name in ("limit", "keep") else ""
    assert getattr(form.value, name) == {"files": [], "parts": [], "extra": {}}.get(name)


def test_slider_and_box_follow_each_other():
    form = Form(Example())
    slider, box = form.widgets["near"].children
    slider.value = 0.30000000000000004
    assert (box.value, form.value.near) == ("0.3", 0.3)
    box.value = "0.25"
    assert (slider.value, form.value.near) == (0.25, 0.25)


def test_log_slider_of_whole_numbers_gives_whole_numbers():
    form = Form(Example())
    form.widgets["characters"].children[0].value = 18197.008586
    assert form.value.characters == 18200


def test_box_takes_a_rate_as_people_write_it():
    form = Form(Example())
    form.widgets["rate"].box.value = "5e-5"
    assert form.value.rate == 5e-5


@pytest.mark.parametrize(
    ("name", "shown", "problem"),
    [
        (
            "near",
            1.8,
            "03_clean_data.near is 1.8. Needed: input should be less than or equal to 1. Do: change "
            "03_clean_data.near.",
        ),
        (
            "rows",
            "many",
            "03_clean_data.rows is 'many'. Needed: input should be a valid integer, unable to parse string as an "
            "integer. Do: change 03_clean_data.rows.",
        ),
        (
            "rows",
            None,
            "03_clean_data.rows is None. Needed: input should be a valid integer. Do: change 03_clean_data.rows.",
        ),
        (
            "parts",
            "- [",
            "03_clean_data.parts is not valid YAML in line 1. Needed: Parts. Do: mend that line.",
        ),
        (
            "parts",
            "- metrics: chrf",
            "03_clean_data.parts.0.metric is not set. Needed: Parts. Do: give 03_clean_data.parts.0.metric a value.",
        ),
    ],
)
def test_a_value_that_is_not_accepted_is_told_below_the_form_and_raised(name, shown, problem):
    form = Form(Example(), where="03_clean_data")
    form.widgets[name].value = shown
    assert form.problems == [problem]
    assert "✖" in form._status.value
    with pytest.raises(WorkbenchError):
        _ = form.value


def test_blockers_are_asked_again_with_each_change():
    def blockers(settings):
        return ["Too many rows."] if settings.rows > 10 else []

    form = Form(Example(), blockers=blockers)
    assert "The next cell uses these settings." in form._status.value
    form.widgets["rows"].value = 11
    assert "Too many rows." in form._status.value
    form.widgets["rows"].value = 9
    assert "Changed: rows. The next cell uses what is shown here." in form._status.value


def test_text_from_data_is_escaped_everywhere():
    class Hostile(Settings):
        field: str = setting("<img src=x onerror=alert(1)>", "</script><b>x</b>", unit="<u>")

    form = Form(Hostile(), title="<img src=y>", blockers=lambda settings: ["<img src=z>"])
    shown = form._repr_mimebundle_()["text/html"] + "".join(
        widget.value for widget in form.box.children if hasattr(widget, "value")
    )
    for cell in form.box.children[1].children:
        shown += cell.value if type(cell).__name__ == "HTML" else ""
    assert "<img" not in shown
    assert "<b>x" not in shown
    assert "<u>" not in shown
    assert "&lt;img src=z&gt;" in shown


def test_executed_copy_shows_a_table_of_the_values():
    form = Form(Example(near=0.85))
    bundle = form._repr_mimebundle_()
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == form.box.model_id
    lines = bundle["text/plain"].splitlines()
    assert lines[0].split() == ["setting", "value", "unit", "what", "it", "does"]
    assert "near        0.85" in bundle["text/plain"]
    assert "rate        0.0002        per step  How big each step is." in bundle["text/plain"]


def test_advanced_settings_are_folded_away():
    accordion = next(w for w in Form(Example()).box.children if type(w).__name__ == "Accordion")
    assert accordion.titles == ("More settings (2)",)
    assert accordion.selected_index is None


def test_settings_of_a_section_fold_away_together():
    class Grouped(Settings):
        a: int = setting(1, "A.")
        b: int = setting(1, "B.", section="Splitting")
        c: int = setting(1, "C.", advanced=True)
        d: int = setting(1, "D.", section="Splitting", advanced=True)
        e: int = setting(1, "E.", section="Augmentation")

    form = Form(Grouped())
    accordion = next(w for w in form.box.children if type(w).__name__ == "Accordion")
    assert accordion.titles == ("Splitting (2)", "Augmentation (1)", "More settings (1)")
    form.widgets["d"].value = 3
    assert form.value == Grouped(d=3)


def test_tooltip_names_range_unit_default_and_source():
    assert Form(Example()).widgets["rate"].box.tooltip == (
        "How big each step is.\nAt least 0, at most 0.1.\nUnit: per step.\nDefault: 0.0002.\nSource: a paper"
    )


def test_a_step_without_settings_says_so():
    class Nothing(Settings):
        pass

    form = Form(Nothing())
    assert "nothing to choose" in form.box.children[0].value
    assert form.value == Nothing()


def test_importing_the_form_loads_nothing_heavy():
    code = "import sys, tailor.ui.form, tailor.ui.show, tailor.ui.live; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "ipywidgets" in loaded
    loaded = {name.split(".")[0] for name in loaded}
    assert not {"torch", "matplotlib", "pandas", "numpy", "polars", "transformers"} & loaded
