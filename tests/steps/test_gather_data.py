"""02 on files as people have them."""

import os

import polars as pl
import pytest
from data_project import Notes, run, start, table

from tailor.blocks import Callout, Table
from tailor.errors import WorkbenchError
from tailor.files import sha256_file
from tailor.series import find_step
from tailor.steps import gather_data


@pytest.fixture
def project(home):
    return start(home)


def refusal(project, **settings):
    with pytest.raises(WorkbenchError) as caught:
        run(project, "02", **settings)
    return str(caught.value)


def test_several_files_become_one_table(project, home):
    (home / "a.csv").write_bytes("Ticket_No;Customer_Message;Agent_Reply\n007;Zoë?;Yes\n".encode("cp1252"))
    (home / "b.jsonl").write_text(
        '{"id": "8", "customer": {"text": "Hi"}, "reply": "Ho", "tags": ["x"]}\n', "utf-8"
    )
    record = run(project, "02", sources=["a.csv", "b.jsonl"], owner="us", licence="CC0")
    assert table(project, "raw/rows.parquet").rows(named=True) == [
        {
            "row_id": "a.csv:2",
            "source": "a.csv",
            "id": "007",
            "Customer_Message": "Zoë?",
            "reply": "Yes",
            "tags": None,
        },
        {
            "row_id": "b.jsonl:1",
            "source": "b.jsonl",
            "id": "8",
            "Customer_Message": "Hi",
            "reply": "Ho",
            "tags": '["x"]',
        },
    ]
    first, second = record.sources
    assert (first.encoding, first.delimiter, first.owner, first.licence) == ("latin-1", ";", "us", "CC0")
    assert second.columns == ["id", "Customer_Message", "reply", "tags"]
    assert second.notes == ["column 'customer.text' is read as 'Customer_Message', as in the other sources"]
    assert record.rows == 2
    assert sha256_file(project.path("raw/a.csv")) == first.sha256 == sha256_file(home / "a.csv")


def test_the_original_is_not_touched(project, home):
    (home / "a.csv").write_text("a,b\n1,2\n", "utf-8")
    (home / "a.csv").chmod(0o444)
    before = (home / "a.csv").stat().st_mtime_ns
    run(project, "02", sources=["a.csv"])
    assert (home / "a.csv").stat().st_mtime_ns == before


def test_names_that_collide(project, home):
    for folder in ("x", "y"):
        (home / folder).mkdir()
        (home / folder / "rows.csv").write_text(f"a\n{folder}\n", "utf-8")
    record = run(project, "02", sources=["x/rows.csv", "y/rows.csv"])
    assert [source.name for source in record.sources] == ["rows.csv", "rows-2.csv"]
    assert table(project, "raw/rows.parquet")["a"].to_list() == ["x", "y"]


def test_a_users_rows_parquet_does_not_meet_ours(project, home):
    pl.DataFrame({"a": ["x"]}).write_parquet(home / "rows.parquet")
    assert [s.name for s in run(project, "02", sources=["rows.parquet"]).sources] == ["rows-2.parquet"]


def test_a_folder(project, home):
    folder = home / "exports"
    (folder / "deep").mkdir(parents=True)
    (folder / "b.csv").write_text("a\n1\n", "utf-8")
    (folder / "deep" / "a.csv").write_text("a\n2\n", "utf-8")
    (folder / "notes.xyz").write_text("x", "utf-8")
    (folder / ".hidden.csv").write_text("a\n3\n", "utf-8")
    notes = Notes()
    step = find_step("02")
    gather_data.run(project, project.settings(step, {"sources": ["exports"]}), notes)
    assert table(project, "raw/rows.parquet")["row_id"].to_list() == ["b.csv:2", "a.csv:2"]
    assert notes.said == ["notes.xyz was left out: '.xyz' is not a format that is read"]


def test_a_link_out_of_the_folder(project, home):
    folder = home / "exports"
    folder.mkdir()
    (home / "secret.csv").write_text("a\n1\n", "utf-8")
    os.symlink(home / "secret.csv", folder / "a.csv")
    (folder / "b.csv").write_text("a\n2\n", "utf-8")
    os.symlink(home, folder / "up")
    record = run(project, "02", sources=["exports"])
    assert [source.name for source in record.sources] == ["b.csv"]
    assert record.left_out == [
        "2 files were left out (a.csv and up): it is a link that leads out of the folder, and is not followed"
    ]


def test_a_missing_file(project, home):
    (home / "tickets.csv").write_text("a\n1\n", "utf-8")
    assert refusal(project, sources=["ticket.csv"]) == (
        "Found: there is no file or folder ticket.csv\n"
        "Needed: an existing path, absolute or relative to the workspace\n"
        "Do: check the path. Did you mean 'tickets.csv'?"
    )
    assert "there is no file or folder" in refusal(project, sources=["a\x00b.csv"])


def test_an_empty_folder(project, home):
    (home / "exports").mkdir()
    assert refusal(project, sources=["exports"]).startswith(
        "Found: exports holds no file that can be read\nNeeded: at least one file ending in .csv,"
    )


def test_no_source_is_told_before_running(project):
    settings = project.settings(find_step("02"), {})
    assert gather_data.blockers(project, settings) == [
        "no source is named yet: put the path of a file or folder into 'sources'"
    ]


def test_unreadable_lines_are_kept(project, home):
    (home / "a.jsonl").write_text('{"a": "x"}\n{"a": \n{"a": "y"}\n', "utf-8")
    record = run(project, "02", sources=["a.jsonl"])
    assert record.sources[0].unreadable == 1
    assert table(project, "raw/unreadable.parquet").rows() == [
        ("a.jsonl:2", "a.jsonl", 2, "is not valid JSON: Expecting value at character 7", '{"a": ')
    ]
    shown = gather_data.blocks(project)
    assert Callout("1 lines could not be read. They are kept, with the reason.", "warning") in shown


def test_nothing_readable(project, home):
    (home / "a.csv").write_text("a,b\n1\n2\n", "utf-8")
    assert refusal(project, sources=["a.csv"]) == (
        "Found: none of the 2 lines in a.csv could be read; the first, a.csv:2, has 1 cells where the header has 2\n"
        "Needed: at least one readable row\n"
        "Do: check delimiter and encoding in 02_gather_data, and the export that made the file"
    )
    assert not project.path("raw").exists()


def test_a_sample_is_drawn_over_the_whole_file(project, home):
    (home / "a.csv").write_text("a\n" + "".join(f"{n}\n" for n in range(1000)), "utf-8")
    record = run(project, "02", sources=["a.csv"], max_rows=100)
    numbers = [int(n) for n in table(project, "raw/rows.parquet")["a"]]
    assert (len(numbers), numbers) == (100, sorted(numbers))
    assert max(numbers) > 900
    assert record.sources[0].notes == ["100 of 1,000 rows were drawn at random (max_rows)"]


def test_renames(project, home):
    (home / "a.csv").write_text("Nachricht,b\nx,y\n", "utf-8")
    run(project, "02", sources=["a.csv"], rename_columns=["Nachricht = message"])
    assert table(project, "raw/rows.parquet").columns == ["row_id", "source", "message", "b"]
    assert refusal(project, sources=["a.csv"], rename_columns=["Nachrichten = message"]) == (
        "Found: 02_gather_data.rename_columns names 'Nachrichten', and no source has such a column\n"
        "Needed: one of: Nachricht, b\n"
        "Do: correct the column's name. Did you mean 'Nachricht'?"
    )
    assert refusal(project, sources=["a.csv"], rename_columns=["Nachricht"]) == (
        "Found: 02_gather_data.rename_columns holds 'Nachricht'\n"
        "Needed: 'old name = new name'\n"
        "Do: write it so, one rename an entry"
    )


def test_the_profile_shows_no_cell(project, home):
    (home / "a.csv").write_text("who,b\nann@mail.example,x\n", "utf-8")
    run(project, "02", sources=["a.csv"])
    shown = gather_data.blocks(project)
    assert "ann@mail" not in str([block.rows for block in shown if isinstance(block, Table)])


def test_same_files_same_hashes(project, home):
    (home / "a.csv").write_text("a\n" + "".join(f"{n}\n" for n in range(1000)), "utf-8")
    first = run(project, "02", sources=["a.csv"], max_rows=50)
    assert first.content_hash() == run(project, "02", sources=["a.csv"], max_rows=50).content_hash()
