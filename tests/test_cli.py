import subprocess
import sys

import pytest

from tailor.blueprint import Blueprint
from tailor.cli import main
from tailor.run_choices import choose_steps, parse_change
from tailor.series import STEPS


@pytest.fixture
def run(home, monkeypatch, capsys):
    """`tailor ...` without running any notebook. Returns the exit code, what was printed, and what was told."""
    monkeypatch.setattr("tailor.runner.run_series", lambda project, steps, force: [])
    monkeypatch.chdir(home)

    def words(*given: str) -> tuple[int, str, str]:
        code = main(list(given))
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return words


@pytest.fixture
def tickets(home):
    path = home / "tickets.csv"
    rows = [
        f"Where is order number {n} and when will it come?,{'delivery' if n % 2 else 'refund'}"
        for n in range(40)
    ]
    path.write_text("message,intent\n" + "\n".join(rows) + "\n")
    return path


def test_data_model_task_and_settings_become_the_projects_choices(run, tickets, home):
    code, _, _ = run(
        *(
            "run",
            "--project",
            "mine",
            "--data",
            "tickets.csv",
            "--model",
            "tailor-mini",
            "--task",
            "classify",
        ),
        *("--set", "03.operations.drop_near_duplicates.threshold=0.7", "--set", "gather_data.owner=the bank"),
    )
    assert code == 0
    assert Blueprint.load(home / "outputs/mine/blueprint.yaml").steps == {
        "00_start_here": {"base_model": "tailor-mini"},
        "01_define_use_case": {"task": "classify"},
        "02_gather_data": {"sources": ["tickets.csv"], "owner": "the bank"},
        "03_clean_data": {"operations.drop_near_duplicates.threshold": 0.7},
    }


def test_the_task_is_guessed_from_the_data_and_said(run, tickets, home):
    _, _, told = run("run", "--project", "mine", "--data", "tickets.csv")
    assert told.startswith(
        "Task: classify, since column 'intent' holds 2 different short values. Change it with --task.\n"
    )
    assert Blueprint.load(home / "outputs/mine/blueprint.yaml").steps["01_define_use_case"] == {
        "task": "classify"
    }
    _, _, told = run("run", "--project", "mine", "--data", "tickets.csv", "--task", "respond")
    assert "Task:" not in told


def test_answers_make_a_respond_task(run, home):
    rows = [f"Where is order {n}?,It left our house on day {n} and will reach you soon." for n in range(30)]
    (home / "mail.csv").write_text("question,answer\n" + "\n".join(rows) + "\n")
    _, _, told = run("run", "--project", "mine", "--data", "mail.csv")
    assert told.startswith("Task: respond, since column 'answer' holds answers. Change it with --task.\n")


def test_a_file_outside_the_workspace_is_written_as_an_absolute_path(run, tmp_path_factory, home):
    outside = tmp_path_factory.mktemp("elsewhere") / "a.csv"
    outside.write_text("text,label\nhello there,a\n")
    run("run", "--project", "mine", "--data", str(outside))
    blueprint = Blueprint.load(home / "outputs/mine/blueprint.yaml")
    assert blueprint.steps["02_gather_data"]["sources"] == [str(outside)]


def test_a_blueprint_is_repeated(run, home):
    steps = {
        "00_start_here": {"seed": 7},
        "03_clean_data": {"operations.drop_near_duplicates.threshold": 0.9},
    }
    Blueprint(project="again", steps=steps).save(home / "given.yaml")
    assert run("run", "given.yaml")[0] == 0
    assert Blueprint.load(home / "outputs/again/blueprint.yaml").steps == steps
    assert run("run", "given.yaml", "--project", "copy", "--set", "00.seed=8")[0] == 0
    assert Blueprint.load(home / "outputs/copy/blueprint.yaml").steps["00_start_here"] == {"seed": 8}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ("--set", "04_format_data.near_duplicate=1"),
            "Do: correct the name. Did you mean 'near_duplicates'?\n",
        ),
        (("--set", "04_format_data.near_duplicates=7"), "Do: change 04_format_data.near_duplicates\n"),
        (
            ("--set", "03.operations.drop_near_duplicates.threshold=7"),
            "Do: change 03_clean_data.operations.drop_near_duplicates.threshold\n",
        ),
        (("--set", "03_clean.x=1"), "Do: correct the step's name. Did you mean '03_clean_data'?\n"),
        (
            ("--set", "nonsense"),
            "Found: --set nonsense\nNeeded: STEP.SETTING=VALUE, such as 04_format_data.near_duplicates=0.8\n"
            "Do: write step, setting and value\n",
        ),
        (
            ("--set", "04.near_duplicates=[1"),
            "Found: --set 04.near_duplicates=[1: the value is not valid YAML\n"
            "Needed: a number, a text, true, false or [a, list]\nDo: put the value between quotation marks\n",
        ),
        (
            ("--data", "ticket.csv"),
            "Found: there is no file or folder ticket.csv\n"
            "Needed: an existing path, absolute or relative to the workspace\n"
            "Do: check the path. Did you mean 'tickets.csv'?\n",
        ),
        (
            ("--from", "05", "--to", "03"),
            "Found: --from 05_measure_baselines comes after --to 03_clean_data\n"
            "Needed: a range in the order of the series\nDo: swap them\n",
        ),
        (
            ("--only", "05", "--to", "03"),
            "Found: --only stands beside --from or --to\nNeeded: one step, or a range\nDo: leave one of them out\n",
        ),
        (("no.yaml",), "Found: there is no file no.yaml\nNeeded: a blueprint\nDo: check the path\n"),
    ],
)
def test_what_is_wrong_is_told_at_once_and_nothing_is_written(run, tickets, home, words, told):
    data = () if "--data" in words else ("--data", "tickets.csv")
    code, printed, error = run("run", *words, "--project", "mine", *data)
    assert (code, printed) == (1, "")
    assert error.endswith(told)
    assert not (home / "outputs").exists()


def test_a_project_that_does_not_exist_is_told_with_a_near_name(run, home):
    assert run("status", "--project", "bank_suport") == (
        1,
        "",
        "Found: there is no project 'bank_suport' and no data was given\n"
        "Needed: one of: bank_intents, bank_support; or data for a new project\n"
        "Do: add --data FILE. Did you mean 'bank_support'?\n",
    )


def test_a_name_that_leads_out_is_refused(run, home):
    code, _, told = run("run", "--project", "../../etc", "--data", "x")
    assert code == 1
    assert told.startswith("Found: the project name '../../etc'\n")


def test_steps_are_chosen_by_number_or_name():
    assert choose_steps(None, None, None) == STEPS
    assert [step.name for step in choose_steps("02", "clean_data", None)] == [
        "02_gather_data",
        "03_clean_data",
    ]
    assert [step.name for step in choose_steps(None, None, "07_tune")] == ["07_tune"]


def test_a_value_is_yaml():
    assert parse_change("07_tune.rate=2e-4") == ("07_tune", "rate", "2e-4")  # pydantic makes it a number
    assert parse_change("02.sources=[a.csv, b.csv]") == ("02_gather_data", "sources", ["a.csv", "b.csv"])
    assert parse_change("01.title=a = b") == ("01_define_use_case", "title", "a = b")


def test_status_says_why(run, home):
    code, printed, _ = run("status")
    lines = printed.splitlines()
    assert code == 0
    assert len(lines) == len(STEPS)
    assert lines[0] == "00_start_here              ready    not run yet"
    assert (
        lines[2]
        == "02_gather_data             blocked  use_case.json is missing: run 01_define_use_case first"
    )


def test_settings_are_described(run, home):
    _, printed, _ = run("settings", "04")
    assert "\nnear_duplicates: " in "\n" + printed
    assert "    0 to 1\n" in printed
    assert "    unit: " in printed


def test_demos_are_listed(run, home):
    assert run("demos")[1] == "bank_intents\nbank_support\n"


def test_ctrl_c_is_told_in_a_sentence(run, home, monkeypatch):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("tailor.runner.run_series", stopped)
    assert run("run")[0] == 130


def test_the_command_and_the_module_are_the_same():
    by_module = subprocess.run(
        [sys.executable, "-m", "tailor.cli", "--version"], capture_output=True, text=True
    )
    assert by_module.stdout == "tailor 0.1.0\n"
