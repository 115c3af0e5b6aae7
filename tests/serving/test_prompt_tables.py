"""Soft prompts of several projects in one file: added without touching the others, listed, handed on."""

import pytest
import small_project
import torch
import tuned_project
from tiny_model import write_tiny_model

from tailor.cli import main
from tailor.errors import WorkbenchError
from tailor.models.prompt_table import PromptTable
from tailor.records import Tuned
from tailor.series import find_step
from tailor.serving.prompt_tables import add_run, table_of
from tailor.training.runs import run_folder

SOFT = {**tuned_project.QUICK, "max_steps": 1, "virtual_tokens": 3, "metric_rows": 0}


@pytest.fixture
def project(home):
    found = tuned_project.make_project(home, write_tiny_model(home / "tiny"))
    small_project.run_step(found, "06_choose_technique", technique="prompt_tuning")
    small_project.run_step(found, "07_tune", **SOFT)
    found.choose(find_step("07_tune"), found.settings(find_step("07_tune")))  # a project that was begun
    return found


def test_tasks_are_added_listed_and_handed_on(project, home, capsys):
    path, one = home / "shared.safetensors", home / "one.safetensors"
    PromptTable("tiny", {"older": torch.ones(2, 32)}).save(path)
    assert add_run(path, project) == ["small"]
    assert main(["prompts", str(path), "--add", "--project", "small", "--name", "cards"]) == 0
    assert table_of(path).caption in capsys.readouterr().out
    table = PromptTable.load(path)
    assert list(table.tasks) == ["cards", "older", "small"]
    assert torch.equal(table.task("older"), torch.ones(2, 32))
    assert torch.equal(table.task("cards"), table.task("small"))
    assert [row[:2] for row in table_of(path).rows] == [("cards", "3"), ("older", "2"), ("small", "3")]
    assert main(["prompts", str(path), "--export", "cards", "--to", str(one)]) == 0
    assert list(PromptTable.load(one).tasks) == ["cards"]
    assert main(["prompts", str(path), "--export", "card", "--to", str(one)]) == 1
    assert "Did you mean 'cards'?" in capsys.readouterr().err


def test_what_has_no_soft_prompt_is_told(project, home):
    tuned = project.load(Tuned, "tuned.json")
    for file in (run_folder(project, tuned.run) / "model").iterdir():
        file.unlink()
    with pytest.raises(WorkbenchError) as error:
        add_run(home / "shared.safetensors", project)
    assert str(error.value) == (
        f"Found: run {tuned.run} has no soft prompt: Prompt tuning keeps what it learned in another form\n"
        "Needed: a run of prompt_tuning, p_tuning or multitask_prompt\n"
        "Do: choose one of these in 06_choose_technique and run 07_tune, or name a run with --run"
    )
    with pytest.raises(WorkbenchError) as error:
        PromptTable("tiny", {"cards": torch.ones(2, 32)}).check_base("other", 32)
    assert error.value.found == "the prompt table was made for tiny, not for other"
