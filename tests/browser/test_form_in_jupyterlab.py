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


def entry(page, title: str):
    """An entry of the list of operations."""
    return page.locator(".tailor-entry").filter(has_text=title)


def test_form_is_moved_and_the_choice_lands_in_the_blueprint(page, lab, tmp_path):
    open_notebook(page, lab, NOTEBOOK)
    run_all(page)
    page.wait_for_selector(".tailor-form .tailor-entry >> nth=0")
    page.wait_for_selector("text=done in")
    assert "operations" not in chosen(lab.workspace)

    form = page.locator(".tailor-form")
    entry(page, "Drop rows in another language").locator("input").uncheck()
    entry(page, "Drop near duplicates").locator("button").nth(2).click()  # the pencil: its settings
    handle = form.locator(".tailor-history .noUi-handle").last
    handle.focus()
    for _ in range(3):
        handle.press("ArrowLeft")
    page.wait_for_selector("text=Changed: operations")
    form.screenshot(path=tmp_path / "form.png")

    record = lab.workspace / "outputs/bank_support/cleaning.json"
    before = record.stat().st_mtime_ns
    run_tagged(page, "run")
    wait_until(lambda: record.stat().st_mtime_ns != before, page)
    values = {item["operation"]: item for item in chosen(lab.workspace)["operations"]}
    assert values["drop_other_languages"] == {"operation": "drop_other_languages", "off": True}
    assert 0.5 <= values["drop_near_duplicates"]["threshold"] < 0.8
    assert values["drop_empty"] == {"operation": "drop_empty"}
    page.screenshot(path=tmp_path / "notebook.png")
