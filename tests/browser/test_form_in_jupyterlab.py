"""What a person does: open a notebook, run it, move the form, run again."""

import time
from collections.abc import Callable
from pathlib import Path

import yaml

NOTEBOOK = "notebooks/03_clean_data.ipynb"


def open_notebook(page, lab, path: str) -> None:
    """Open a notebook alone in JupyterLab and wait for its kernel."""
    page.goto(f"{lab.url}/doc/tree/{path}?token={lab.token}&reset")
    page.wait_for_selector(".jp-Notebook")
    page.wait_for_function(
        """async () => {
            const panel = window.jupyterapp?.shell.currentWidget;
            if (!panel?.sessionContext) return false;
            await panel.sessionContext.ready;
            return Boolean(panel.sessionContext.session?.kernel);
        }"""
    )


def run_all(page) -> None:
    page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")


def run_tagged(page, tag: str) -> None:
    """Run the cell with a tag, as a person would with Shift-Enter."""
    page.evaluate(
        """async (tag) => {
            const notebook = window.jupyterapp.shell.currentWidget.content;
            const place = notebook.widgets.findIndex(c => (c.model.getMetadata('tags') ?? []).includes(tag));
            notebook.activeCellIndex = place;
            await window.jupyterapp.commands.execute('notebook:run-cell');
        }""",
        tag,
    )


def wait_until(condition: Callable[[], bool], page, seconds: float = 30) -> None:
    """Wait for something on disk while the page lives on."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened in time"
        page.wait_for_timeout(100)


def chosen(workspace: Path) -> dict:
    blueprint = yaml.safe_load(
        (workspace / "outputs/bank_support/blueprint.yaml").read_text(encoding="utf-8")
    )
    return blueprint["steps"].get("03_clean_data", {})


def test_form_is_moved_and_the_choice_lands_in_the_blueprint(page, lab, tmp_path):
    open_notebook(page, lab, NOTEBOOK)
    run_all(page)
    page.wait_for_selector(".tailor-form select >> nth=0")
    page.wait_for_selector("text=done in")
    assert "language" not in chosen(lab.workspace)

    form = page.locator(".tailor-form")
    form.locator("select").first.select_option(label="any")
    handle = form.locator(".noUi-handle").last
    handle.focus()
    for _ in range(3):
        handle.press("ArrowLeft")
    page.wait_for_selector("text=Changed: language, near duplicates")
    form.screenshot(path=tmp_path / "form.png")

    record = lab.workspace / "outputs/bank_support/cleaning.json"
    before = record.stat().st_mtime_ns
    run_tagged(page, "run")
    wait_until(lambda: record.stat().st_mtime_ns != before, page)
    values = chosen(lab.workspace)
    assert values["language"] == "any"
    assert 0.5 <= values["near_duplicates"] < 0.8
    page.screenshot(path=tmp_path / "notebook.png")
