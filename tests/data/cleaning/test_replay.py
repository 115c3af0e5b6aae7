"""A history in another project and on another file."""

import json

import polars as pl
import pytest

from tailor import cli
from tailor.data.cleaning.plan import STANDARD
from tailor.data.cleaning.replay import _write, clean_file, load_history, read_history
from tailor.data.cleaning.sieves import DropEmpty
from tailor.data.cleaning.wrangling import DropRows, TransformText
from tailor.errors import WorkbenchError
from tailor.progress import Log
from tailor.project import Project
from tailor.series import find_step

UPPERCASE = {
    "op": "core/text-transform",
    "engineConfig": {"facets": [], "mode": "row-based"},
    "columnName": "intent",
    "expression": "value.toUppercase()",
    "onError": "keep-original",
    "repeat": False,
    "repeatCount": 10,
}
RECONCILE = {"op": "core/recon", "description": "Reconcile cells"}
CSV = (
    "message,intent\n<p>Where is my card? I have been waiting for it</p>,late\n,fee\n=1+1,fee\n"
    "WHERE is my card? I have been waiting for it!,late\n"
)


def operations(project):
    return project.settings(find_step("03")).operations


def test_a_history_goes_from_project_to_project(home, capsys):
    one = Project("one")
    one.choose(find_step("03"), one.settings(find_step("03"), {"operations.drop_long.max_characters": 99}))
    assert cli.main(["history", "--project", "one", "--save", str(home / "h.json")]) == 0
    assert cli.main(["history", "--project", "two", "--load", str(home / "h.json")]) == 0
    assert operations(Project("two")) == operations(one) != list(STANDARD)
    capsys.readouterr()
    assert cli.main(["history", "--project", "two"]) == 0
    (home / "h.yaml").write_text(capsys.readouterr().out)
    assert load_history(home / "h.yaml").operations == operations(one)


def test_openrefines_history_is_done_after_the_projects_own(home, capsys):
    (home / "or.json").write_text(json.dumps([UPPERCASE, RECONCILE]))
    assert cli.main(["history", "--project", "one", "--load", str(home / "or.json")]) == 0
    told = capsys.readouterr().out
    assert told.startswith("1 entry was taken over into ")
    assert "\nLeft out: 2. Reconcile cells: " in told
    assert operations(Project("one"))[:-1] == list(STANDARD)
    assert isinstance(operations(Project("one"))[-1], TransformText)


@pytest.mark.parametrize("ending", ["parquet", "csv", "jsonl"])
def test_another_file_is_cleaned_without_what_names_single_rows(home, ending):
    project = Project("one")
    history = [*STANDARD, DropRows(rows=["new.csv:2"]), TransformText(columns=["gone"])]
    project.choose(find_step("03"), project.settings(find_step("03"), {"operations": history}))
    (home / "new.csv").write_text(CSV)
    target = home / f"out.{ending}"
    assert clean_file(project, home / "new.csv", target, Log()) == (4, 2)
    read = {"parquet": pl.read_parquet, "csv": pl.read_csv, "jsonl": pl.read_ndjson}[ending](target)
    formula = "'=1+1" if ending == "csv" else "=1+1"
    assert read["message"].to_list() == ["Where is my card? I have been waiting for it", formula]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--clean", "a.csv"), "Found: one of --clean and --to without the other\n"),
        (("--clean", "a.csv", "--to", "b.exe"), "Found: the target b.exe\n"),
        (("--load", "missing.json"), "Found: there is no file missing.json\n"),
    ],
)
def test_what_is_wrong_is_told(home, capsys, words, told):
    assert cli.main(["history", "--project", "one", *words]) == 1
    assert capsys.readouterr().err.startswith(told)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- &a [x, x]\n- [*a, *a]\n", "Found: the history is not valid YAML in line 2\n"),
        ("[" * 5_000, "Found: the history is not valid YAML\n"),
    ],
)
def test_a_history_that_would_unfold_or_nest_without_end(text, told):
    with pytest.raises(WorkbenchError) as caught:
        read_history(text)
    assert str(caught.value).startswith(told)


def test_a_columns_name_that_a_spreadsheet_would_compute(tmp_path):
    _write(pl.DataFrame({"=cmd|": ["=1+1"], "text": ["x"]}), tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text() == "'=cmd|,text\n'=1+1,x\n"


def test_a_yaml_that_is_no_history(home):
    (home / "h.yaml").write_text("- operation: drop_emty\n")
    with pytest.raises(WorkbenchError) as caught:
        load_history(home / "h.yaml")
    assert str(caught.value).startswith("Found: the history's entry 1 is the unknown operation 'drop_emty'\n")
    assert load_history_of(home, "[drop_empty]") == [DropEmpty()]


def load_history_of(home, text):
    (home / "h.yml").write_text(text)
    return load_history(home / "h.yml").operations
