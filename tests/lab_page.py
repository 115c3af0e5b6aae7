"""What a person does in JupyterLab, for the browser tests: open a notebook, run it, run one cell."""

import time
from collections.abc import Callable


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
