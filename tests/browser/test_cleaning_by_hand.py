"""A history made by hand in a browser: facet, merge, edit, order, undo; replayed headless it gives the same table."""

import json
import os
import subprocess
import sys

import polars as pl
import pytest
import yaml
from lab_page import open_notebook, run_all, run_tagged, wait_until

from tailor.notebook import open_step

PROJECT = "by_hand"
ROWS = [
    *[(f"Please tell me how much transfer number {n} will cost me abroad", "Fees") for n in range(9)],
    *[(f"I have lost card number {n}, please send me a new one soon", "Card lost") for n in range(8)],
    ("My card has been stolen, what now, can you block it please", "card-lost"),
    ("The cash machine kept the card, I would like to have it back", "Cardlost"),
    ("Test <img src=x onerror=document.title=666> of the contact form", "test"),
    ("Another test of the contact form by our web shop", "test"),
    ("Please tell me the fee", "Fees"),
    ("please tell me the fee!", "Fees"),
]


@pytest.fixture(scope="session")
def by_hand(workspace):
    """A second project in the workspace, with labels in several spellings; the path of its notebook."""
    lines = ["message,intent", *(f'"{message}","{intent}"' for message, intent in ROWS)]
    (workspace / "intents.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TAILOR_HOME", str(workspace))
        open_step("00_start_here", PROJECT, {}).run()
        open_step("01_define_use_case", PROJECT, {"task": "classify"}).run()
        open_step("02_gather_data", PROJECT, {"sources": ["intents.csv"]}).run()
    text = (workspace / "notebooks/03_clean_data.ipynb").read_text(encoding="utf-8")
    path = workspace / "notebooks/by_hand.ipynb"
    path.write_text(text.replace('\\"bank_support\\"', f'\\"{PROJECT}\\"'), encoding="utf-8")
    return "notebooks/by_hand.ipynb"


def row_of(page, title: str):
    """The line of an entry."""
    return page.locator(".tailor-entry").filter(has_text=title)


def make_by_hand(page) -> None:
    """What a person does between two runs."""
    hands = page.locator(".tailor-hands")
    facet = hands.locator(".tailor-facet").first
    labels = facet.locator("option").all_inner_texts()
    facet.locator("select").select_option(index=next(i for i, text in enumerate(labels) if "test" in text))
    page.wait_for_selector("text=2 of 22 rows")
    hands.get_by_role("button", name="Drop all matching").click()
    page.wait_for_selector("text=20 of 20 rows")

    hands.get_by_role("button", name="Merge similar values").click()
    clusters = page.locator(".tailor-clusters")
    clusters.locator("select").first.select_option(label="intent")
    clusters.locator("select").last.select_option(label="n-gram fingerprint")
    clusters.get_by_role("button", name="Find similar values").click()
    page.wait_for_selector("text=1 groups among 3 values")
    clusters.get_by_role("button", name="Merge those ticked").click()
    page.wait_for_selector(".tailor-facet >> text=2 different values")

    cell = page.locator(".tailor-table tbody tr").first.locator("td").nth(2)
    cell.dblclick()
    page.keyboard.press("Control+A")
    page.keyboard.type("What does a transfer cost?")
    page.keyboard.press("Enter")
    page.wait_for_selector(".tailor-table >> text=What does a transfer cost?")

    page.locator(".tailor-table tbody input").nth(4).check()
    hands.get_by_role("button", name="Drop selected").click()
    page.wait_for_selector("text=19 of 19 rows")

    row_of(page, "Mask personal data").locator("input").uncheck()
    row_of(page, "Remove HTML").locator("button").nth(1).click()  # down, below "Normalize"
    page.wait_for_selector(".tailor-entry >> text=4. Remove HTML")
    page.get_by_role("button", name="Undo").click()
    page.wait_for_selector(".tailor-entry >> text=3. Remove HTML")
    page.get_by_role("button", name="Redo").click()
    page.wait_for_selector(".tailor-entry >> text=4. Remove HTML")


def test_a_history_made_by_hand_replays_headless(page, lab, by_hand, tmp_path):
    home = lab.workspace
    record = home / "outputs" / PROJECT / "cleaning.json"
    open_notebook(page, lab, by_hand)
    run_all(page)
    page.wait_for_selector(".tailor-table tbody tr")
    wait_until(record.exists, page, 120)
    page.wait_for_selector("text=The rows of the last run.")
    make_by_hand(page)
    page.locator(".tailor-history").screenshot(path=tmp_path / "history.png")
    page.locator(".tailor-hands").screenshot(path=tmp_path / "hands.png")

    before = record.stat().st_mtime_ns
    run_tagged(page, "run")
    wait_until(lambda: record.stat().st_mtime_ns != before, page, 120)
    page.wait_for_selector("text=19 of 19 rows. The rows of the last run.")
    run_tagged(page, "result")
    page.wait_for_selector("text=What each entry of the history did")
    page.screenshot(path=tmp_path / "result.png")
    assert page.title() != "666"

    made = json.loads(record.read_text(encoding="utf-8"))
    did = [(item["name"], item["off"]) for item in made["operations"]]
    assert did[2:4] == [("normalize_text", False), ("remove_html", False)]
    assert ("mask_personal_data", True) in did
    assert [name for name, _ in did[12:]] == ["remove_rows", "mass_edit", "edit_cells", "drop_rows"]
    kept = pl.read_parquet(record.parent / "clean.parquet")
    assert kept["message"][0] == "What does a transfer cost?"
    assert sorted(kept["intent"].unique()) == ["Card lost", "Fees"]

    replayed = replay(home, tmp_path)
    assert replayed["outputs"] == made["outputs"]
    assert replayed["operations"] == made["operations"]
    assert replayed["settings"] == made["settings"]


def replay(home, tmp_path) -> dict:
    """The project's blueprint, run headless as another project; its record of 03."""
    blueprint = yaml.safe_load((home / "outputs" / PROJECT / "blueprint.yaml").read_text(encoding="utf-8"))
    path = tmp_path / "blueprint.yaml"
    path.write_text(yaml.safe_dump(blueprint), encoding="utf-8")
    command = [sys.executable, "-m", "tailor.cli", "run", str(path), "--project", "replayed", "--to", "03"]
    environment = os.environ | {"TAILOR_HOME": str(home)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads((home / "outputs/replayed/cleaning.json").read_text(encoding="utf-8"))
