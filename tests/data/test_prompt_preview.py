"""The preview below the form: the very messages that 04 will write, redrawn with every change."""

from data_project import run, start, write_rows

from tailor.blocks import Callout, Tokens
from tailor.data.dataset import Dataset
from tailor.notebook import open_step
from tailor.steps import format_data

WORDS = ["card", "loan", "fee", "limit", "rate", "phone", "code", "branch", "letter", "address"]


def project_of(home):
    project = start(home, system_prompt="Be kind.")
    rows = []
    for n in range(40):
        text = " ".join(f"{WORDS[(n * k + k) % 10]}{n * k}" for k in range(1, 5))
        subject = "Question" if n % 2 else ""
        rows.append(
            {"subject": subject, "message": f"Tell me of {text}", "reply": f"The matter of {text} is settled"}
        )
    write_rows(home / "a.jsonl", rows)
    run(project, "02", sources=["a.jsonl"])
    run(project, "03")
    return project


CHOICES = {
    "instruction": "Answer this: {input}",
    "input_template": "About: {subject}\n{message}",
    "output_template": "{reply}.",
    "shots": 2,
}


def test_the_preview_shows_what_training_sees(home):
    project = project_of(home)
    settings = format_data.Settings(**(CHOICES | {"shots": 0}))
    shown = format_data.preview(project, settings)
    run(project, "04", **(CHOICES | {"shots": 0}))
    dataset = Dataset.open(project)
    rows = {e.id: e for e in [*dataset.train, *dataset.validation, *dataset.test]}
    assert len(shown) == 2
    for block in shown:
        assert isinstance(block, Tokens)
        example = rows[block.caption.split()[1]]
        messages = dataset.conversation(example)
        assert [text for text, _ in block.pieces if text != "\n"] == [
            message["content"] for message in messages
        ]
        assert {kind for _, kind in block.pieces} == set(block.legend) == {"system", "user", "answer"}
        assert messages[1]["content"].startswith("Answer this: ")


def test_examples_before_every_question_are_in_no_split(home):
    project = project_of(home)
    record = run(project, "04", **CHOICES)
    assert record.set_aside == {"stands before every question as an example": 2}
    dataset = Dataset.open(project)
    shown = {shot.id for shot in record.shots}
    assert not shown & {e.id for e in [*dataset.train, *dataset.validation, *dataset.test]}
    prompt = dataset.prompt(dataset.test[0])
    assert [message["role"] for message in prompt] == [
        "system",
        "user",
        "assistant",
        "user",
        "assistant",
        "user",
    ]
    assert prompt[1]["content"] == f"Answer this: {record.shots[0].input}"
    assert record.preflight == []


def test_the_form_redraws_it(home):
    project = project_of(home)
    form = open_step("04_format_data", project.name).form()
    assert "Tell·me·of" in form.box.children[-1].value
    form.widgets["instruction"].value = "Say <b>: {input}"
    assert (
        "Say·&lt;b&gt;:·About" in form.box.children[-1].value
        or "Say·&lt;b&gt;:·Tell" in form.box.children[-1].value
    )
    form.widgets["input_template"].value = "{mesage}"
    assert "Did you mean &#x27;message&#x27;?" in form.box.children[-1].value


def test_a_mistake_is_told_in_place_of_the_preview(home):
    project = project_of(home)
    (told,) = format_data.preview(project, format_data.Settings(input_template="{mesage}"))
    assert told == Callout(
        "04_format_data.input_template has the placeholder '{mesage}', and the data has no column 'mesage'. To do: "
        "correct the name. Did you mean 'message'?.",
        "bad",
    )


def test_new_rows_are_written_by_the_same_templates(home):
    from tailor.monitoring.new_rows import read_new_rows
    from tailor.progress import Log

    project = project_of(home)
    run(project, "04", **(CHOICES | {"shots": 0}))
    dataset = Dataset.open(project)
    answers = {e.input: e.output for e in [*dataset.train, *dataset.validation, *dataset.test]}
    found = read_new_rows(project, home / "a.jsonl", Log())
    assert {e.input: e.output for e in found.examples} == answers
