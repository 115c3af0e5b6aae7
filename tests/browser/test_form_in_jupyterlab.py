"""What a person does: open a notebook, run it, move the form, run again."""

from pathlib import Path

import yaml
from lab_page import open_notebook, run_all, run_tagged, wait_until

NOTEBOOK = "notebooks/03_clean_data.ipynb"


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
