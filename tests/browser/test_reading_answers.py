"""10 in a browser: answers read one by one with a note that is kept at once, and a blind choice between two models."""

import json
from dataclasses import replace

import pytest
import small_project
from lab_page import open_notebook, run_all, wait_until

MARKUP = "<img src=x onerror=document.title=666>"


@pytest.fixture(scope="session")
def notebook(workspace):
    """The notebook of a project whose three models have answered; questions and answers hold markup."""
    plain = small_project.examples

    def odd(*args):
        return [
            replace(row, input=f"{row.input} {MARKUP}") if n == 4 else row
            for n, row in enumerate(plain(*args))
        ]

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TAILOR_HOME", str(workspace))
        patch.setattr(small_project, "examples", odd)
        patch.setitem(
            small_project._ANSWERS, "fees", f"The charge of {{n}} pounds {MARKUP} is the monthly price."
        )
        small_project.evaluated_project(workspace, patch, task="respond", shares=(0.2, 0.4, 0.7))
    text = (workspace / "notebooks/10_evaluate.ipynb").read_text(encoding="utf-8")
    path = workspace / "notebooks/reading.ipynb"
    path.write_text(text.replace('\\"bank_support\\"', '\\"small\\"'), encoding="utf-8")
    return "notebooks/reading.ipynb"


def lines(path):
    return (
        [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
    )


def test_answers_are_read_filtered_and_noted_on(page, lab, notebook, tmp_path):
    notes = lab.workspace / "outputs/small/notes.jsonl"
    open_notebook(page, lab, notebook)
    run_all(page)
    browser = page.locator(".tailor-errors")
    browser.get_by_text("60 rows").wait_for()
    page.get_by_text("10_evaluate was up to date, nothing was run").wait_for()
    listed, note = browser.locator("select[size]"), browser.locator("textarea")
    browser.scroll_into_view_if_needed()
    browser.screenshot(path=tmp_path / "worst.png")

    contains = browser.get_by_placeholder("text in question or answer")
    contains.fill("<IMG SRC=X onerror=document.title=666> is")
    contains.press("Enter")
    browser.get_by_text("60 rows").wait_for(state="hidden")
    assert MARKUP in browser.inner_text()
    contains.fill("case 4 ")
    contains.press("Enter")
    browser.get_by_text("1 row", exact=True).wait_for()
    assert f"case 4 {MARKUP}" in browser.inner_text()
    contains.fill("")
    contains.press("Enter")
    browser.get_by_text("60 rows").wait_for()

    browser.get_by_role("button", name="models disagree").click()
    browser.get_by_text("60 rows").wait_for(state="hidden")
    first = browser.get_by_text("test.csv:").inner_text()
    listed.select_option(index=1)
    wait_until(lambda: browser.get_by_text("test.csv:").inner_text() != first, page)
    ident = browser.get_by_text("test.csv:").inner_text().split(" · ")[0]
    note.fill("It speaks of <b>fees</b>.")
    note.press("Tab")
    browser.get_by_text("Saved. 13_refine reads it.").wait_for()
    browser.get_by_label("the fault").select_option(label="the model is wrong")
    wait_until(lambda: [each["fault"] for each in lines(notes)] == ["the model is wrong"], page)
    (kept,) = lines(notes)
    assert kept | {"run": ""} == {
        "row_id": ident,
        "run": "",
        "fault": "the model is wrong",
        "text": "It speaks of <b>fees</b>.",
    }
    browser.get_by_text("with a note only").click()
    browser.get_by_text("1 row", exact=True).wait_for()
    assert note.input_value() == "It speaks of <b>fees</b>."
    browser.screenshot(path=tmp_path / "noted.png")
    assert page.title() != "666"


def test_two_answers_are_compared_blindly_by_keys(page, lab, notebook, tmp_path):
    file = lab.workspace / "outputs/small/evaluations/comparisons.jsonl"
    open_notebook(page, lab, notebook)
    run_all(page)
    card = page.locator(".tailor-labelling")
    card.get_by_text("Type your name on the right").wait_for()
    name = card.locator(".name")
    name.fill("Ann")
    name.press("Enter")
    card.get_by_text("1 of ", exact=False).wait_for()
    card.screenshot(path=tmp_path / "blind.png")
    assert not [title for title in ("LoRA", "shot", "base", "tuned") if title in card.inner_text()]
    total = int(card.locator(".count").inner_text().split(" of ")[1].split(" ")[0])
    card.focus()
    for number, key in enumerate("1234", start=1):
        page.keyboard.press(key)
        wait_until(lambda count=number: len(lines(file)) == count, page)
        card.get_by_text(f"{number + 1} of {total} · {number} saved").wait_for()
    assert [each["value"] for each in lines(file)] == [
        "the first is better",
        "the second is better",
        "both are equally good",
        "both are equally bad",
    ]
    assert {each["annotator"] for each in lines(file)} == {"Ann"}
    page.keyboard.press("u")
    wait_until(lambda: len(lines(file)) == 3, page)
    card.get_by_text(f"4 of {total} · 3 saved").wait_for()
    assert MARKUP in "".join(card.locator(".said").all_inner_texts())
    assert page.title() != "666"
