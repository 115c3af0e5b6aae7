"""What stays in a notebook that was run headless: tables to read, no widgets, no clutter."""

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter

CELLS = [
    "from tailor.steps.define_use_case import Settings\n"
    "from tailor.ui.form import Form\n"
    "form = Form(Settings(title='<img src=x> $5 and $6'), title='What for?')\n"
    "form",
    "from tailor.ui.live import notebook_log\n"
    "with notebook_log('07_tune') as log:\n"
    "    for step in log.track(range(40), 'steps'):\n"
    "        log.point('training loss', step, 1 / (step + 1))",
    "from tailor.blocks import Callout, Figure, Table\n"
    "from tailor.plots import dropped_by_reason\n"
    "from tailor.ui.show import show_blocks\n"
    "show_blocks([Callout('Better.', 'good'), Table(['n'], [[1]]),\n"
    "    Figure(lambda: dropped_by_reason({'empty': 3}), 'rows dropped')])",
]


@pytest.fixture(scope="module")
def executed():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    NotebookClient(notebook, kernel_name="python3", timeout=120, store_widget_state=False).execute()
    return notebook


def test_form_reads_as_a_table_in_html(executed):
    html, _ = HTMLExporter().from_notebook_node(executed)
    assert "what it does</th>" in html
    assert "&lt;img src=x&gt; $5 and $6</td>" in html
    assert "<img src=x" not in html
    assert "application/vnd.jupyter.widget-view+json" not in html


def test_live_progress_leaves_one_line_and_one_figure(executed):
    line, figure = executed.cells[1].outputs
    assert line["data"]["text/plain"].startswith("07_tune: done in ")
    assert figure["data"]["text/plain"] == "[Figure: Curves of training loss]"
    assert figure["metadata"]["image/png"] == {"alt": "Curves of training loss", "width": 720}


def test_blocks_are_shown_one_by_one_with_text_and_pictures(executed):
    callout, table, figure = executed.cells[2].outputs
    assert callout["data"]["text/plain"] == "Good: Better."
    assert table["data"]["text/plain"] == "n\n-\n1"
    assert figure["metadata"]["image/png"]["alt"] == "rows dropped"
