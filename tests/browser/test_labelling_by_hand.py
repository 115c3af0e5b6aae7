"""Labelling in a browser with the keyboard alone: every answer lands in the file at once, undo takes it out again."""

import json

import pytest
from lab_page import open_notebook, run_all, run_tagged, wait_until

from tailor.notebook import open_step

PROJECTS = {"label_by_hand": "classify", "answer_by_hand": "respond"}
WORDS = {
    "fees": "transfer cost abroad charge",
    "card lost": "card stolen lost wallet",
    "login": "password app code",
}


def rows(task):
    made = []
    for n in range(36):
        label = list(WORDS)[n % 3]
        words = WORDS[label].split()
        text = f"About my {words[n % 3]} and {words[(n + 1) % 3]}: what now, see number {n * 7919}?"
        if n == 0:
            text += " <img src=x onerror=document.title=666>"
        made.append((text, label if task == "classify" else f"We see to your {label}, number {n}."))
    return made


@pytest.fixture(scope="session")
def notebooks(workspace):
    """A project to label and one to answer, each ready for 04; task -> path of its notebook."""
    text = (workspace / "notebooks/04_format_data.ipynb").read_text(encoding="utf-8")
    paths = {}
    for project, task in PROJECTS.items():
        lines = ["text,answer", *(f'"{asked}","{answer}"' for asked, answer in rows(task))]
        (workspace / f"{project}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TAILOR_HOME", str(workspace))
            open_step("00_start_here", project, {}).run()
            open_step("01_define_use_case", project, {"task": task}).run()
            open_step("02_gather_data", project, {"sources": [f"{project}.csv"]}).run()
            off = {f"operations.{name}.off": True for name in ("drop_near_duplicates", "remove_html")}
            open_step("03_clean_data", project, off).run()
        paths[task] = f"notebooks/{project}.ipynb"
        role = "label" if task == "classify" else "output"
        own = text.replace('\\"bank_support\\"', f'\\"{project}\\"').replace(
            "settings: dict = {}", f"settings: dict = {{'near_duplicates': 0.0, '{role}_column': 'answer'}}"
        )
        (workspace / paths[task]).write_text(own, encoding="utf-8")
    return paths


def said(path):
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def open_card(page, lab, notebook, folder):
    open_notebook(page, lab, notebook)
    run_all(page)
    wait_until((folder / "dataset.json").exists, page, 120)
    card = page.locator(".tailor-labelling")
    card.get_by_text("Type your name on the right").wait_for()
    name = card.locator(".name")
    name.fill("Ann")
    name.press("Enter")
    card.get_by_text("1 of 36 · 0 saved").wait_for()
    card.focus()
    return card


def test_labels_by_keys(page, lab, notebooks, tmp_path):
    folder = lab.workspace / "outputs/label_by_hand"
    file = folder / "annotations.jsonl"
    card = open_card(page, lab, notebooks["classify"], folder)
    first = card.locator(".why").inner_text().split(" · ")[1]
    card.screenshot(path=tmp_path / "labels.png")

    page.keyboard.press("2")
    wait_until(lambda: [(each["row_id"], each["value"]) for each in said(file)] == [(first, "fees")], page)
    card.get_by_text("2 of 36 · 1 saved").wait_for()
    page.keyboard.press("x")
    wait_until(lambda: [each["action"] for each in said(file)] == ["answer", "drop"], page)
    card.get_by_text("3 of 36 · 2 saved").wait_for()
    page.keyboard.press("Enter")
    wait_until(lambda: len(said(file)) == 3, page)
    card.get_by_text("4 of 36 · 3 saved").wait_for()
    page.keyboard.press("/")
    page.keyboard.type("log")
    card.screenshot(path=tmp_path / "find.png")
    page.keyboard.press("Enter")
    wait_until(lambda: len(said(file)) == 4, page)
    assert said(file)[-1]["value"] == "login"
    card.get_by_text("5 of 36 · 4 saved").wait_for()

    page.keyboard.press("u")
    wait_until(lambda: len(said(file)) == 3, page)
    card.get_by_text("4 of 36 · 3 saved").wait_for()
    page.keyboard.press("u")
    wait_until(lambda: len(said(file)) == 2, page)
    card.get_by_text("3 of 36 · 2 saved").wait_for()
    page.keyboard.press("ArrowLeft")
    card.get_by_text("2 of 36 · 2 saved").wait_for()
    card.screenshot(path=tmp_path / "dropped.png")
    page.keyboard.press("ArrowLeft")
    for number in range(1, 36):
        card.get_by_text(f"{number} of 36", exact=False).first.wait_for()
        if "<img" in card.locator(".text").inner_text():
            break
        page.keyboard.press("ArrowRight")
    assert "<img src=x onerror=document.title=666>" in card.locator(".text").inner_text()
    assert page.title() != "666"
    assert page.locator(".jp-Notebook .jp-Cell").count() > 12, "no key reached the notebook's own shortcuts"

    record = folder / "dataset.json"
    before = record.stat().st_mtime_ns
    run_tagged(page, "run")
    wait_until(lambda: record.stat().st_mtime_ns != before, page, 120)
    annotated = json.loads(record.read_text(encoding="utf-8"))["annotated"]
    assert annotated.pop("set aside by hand") == 1
    assert sum(annotated.values()) == 1


def test_answers_by_keys(page, lab, notebooks, tmp_path):
    folder = lab.workspace / "outputs/answer_by_hand"
    file = folder / "annotations.jsonl"
    card = open_card(page, lab, notebooks["respond"], folder)
    given = card.locator("textarea").input_value()
    page.keyboard.press("e")
    page.keyboard.press("Control+End")
    page.keyboard.type(" Is x or u in it? 12")
    card.screenshot(path=tmp_path / "answer.png")
    assert said(file) == []
    page.keyboard.press("Control+Enter")
    wait_until(lambda: [each["value"] for each in said(file)] == [f"{given} Is x or u in it? 12"], page)
    card.get_by_text("2 of 36 · 1 saved").wait_for()
    page.keyboard.press("u")
    wait_until(lambda: said(file) == [], page)
    card.get_by_text("1 of 36 · 0 saved").wait_for()
    assert card.locator("textarea").input_value() == given
