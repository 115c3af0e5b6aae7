"""The task that a source looks made for, and how sources given on the command line are written down."""

import sqlite3

import pytest

from tailor.data.task import guess_task
from tailor.errors import WorkbenchError
from tailor.project import Project
from tailor.run_choices import as_source


@pytest.fixture
def project(home, monkeypatch):
    monkeypatch.chdir(home)
    return Project("mine")


def test_any_source_will_do(project, home):
    with sqlite3.connect(home / "shop.db") as database:
        database.execute("create table tickets (message text, reply text)")
        row = ("Where is my new card, please?", "It is on its way and will be with you tomorrow.")
        database.executemany("insert into tickets values (?, ?)", [row] * 20)
    (home / "a.csv").write_text("message,intent\n" + "where is it and when will it come,lost\n" * 20, "utf-8")
    assert guess_task(["sqlite:///shop.db?table=tickets"], project.resolve) == (
        *("respond", "since column 'reply' holds answers"),
    )
    assert guess_task(["a.csv"], project.resolve)[0] == "classify"
    assert guess_task(["sqlite:///shop.db?table=none"], project.resolve) is None
    with pytest.raises(WorkbenchError, match=r"there is no file or folder b\.csv"):
        guess_task(["b.csv"], project.resolve)


def test_sources_are_found_from_any_folder(project, home, tmp_path_factory, monkeypatch):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "src").mkdir()
    (elsewhere / "shop.db").touch()
    monkeypatch.chdir(elsewhere)
    assert as_source("code:src", project) == f"code:{elsewhere}/src"
    assert as_source("sqlite:///shop.db?table=t", project) == f"sqlite:///{elsewhere}/shop.db?table=t"
    for name in ("hf:owner/name:train", "postgresql://me:${WORD}@host/shop#select 1"):
        assert as_source(name, project) == name
    with pytest.raises(WorkbenchError, match="has a password in it"):
        as_source("postgresql://me:hunter2@host/shop#select 1", project)
