"""02 on files as people have them."""

import io
import os
from pathlib import Path

import polars as pl
import pytest
from data_project import Notes, run, start, table

from tailor.blocks import Callout, Figure, Table
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


def test_sources_of_every_kind_become_one_table(project, home):
    import sqlite3
    import zipfile

    with sqlite3.connect(home / "shop.db") as database:
        database.execute("create table tickets (id integer primary key, message text)")
        database.execute("insert into tickets values (7, 'Where is my card?')")
    with zipfile.ZipFile(home / "old.zip", "w") as packed:
        packed.writestr("deep/old.csv", "text\nAn old question\n")
    manuals = home / "manuals"
    manuals.mkdir()
    (manuals / "fees.md").write_text("# Fees\nThey are low.\n", "utf-8")
    (manuals / "scan.pdf").write_bytes(b"%PDF-1.4 cut")
    (home / "box.eml").write_text(
        "From: a@x.example\nSubject: Hi\nMessage-ID: <1@x>\n\nIs it open?\n", "utf-8"
    )
    (home / "one.py").write_text("print('never run')\n", "utf-8")
    given = ["sqlite:///shop.db?table=tickets", "old.zip", "manuals", "box.eml", "code:one.py"]
    record = run(project, "02", sources=given)
    assert [(s.name, s.format, s.rows, s.unreadable) for s in record.sources] == [
        ("shop_tickets.parquet", "sqlite", 1, 0),
        ("old.csv", "csv", 1, 0),
        ("manuals", "pdf, text", 1, 1),
        ("box.eml", "mail", 1, 0),
        ("one.py", "code", 1, 0),
    ]
    rows = table(project, "raw/rows.parquet")
    assert rows["row_id"].to_list() == [
        "shop_tickets.parquet:1",
        "old.csv:2",
        "manuals/fees.md:1",
        "box.eml:1",
        "one.py:1",
    ]
    assert rows["message"].to_list() == ["Where is my card?", "An old question", None, "Is it open?", None]
    assert rows["text"].to_list() == [None, None, "They are low.", None, None]
    kept = sorted(
        p.relative_to(project.path("raw")).as_posix() for p in project.path("raw").rglob("*") if p.is_file()
    )
    assert kept == [
        *("box.eml", "manuals/fees.md", "manuals/scan.pdf", "old.csv", "one.py", "rows.parquet"),
        *("shop_tickets.parquet", "unreadable.parquet"),
    ]
    bad = table(project, "raw/unreadable.parquet").row(0, named=True)
    assert (bad["row_id"], bad["line"]) == ("manuals/scan.pdf:0", 0)
    assert bad["reason"].startswith("scan.pdf cannot be read as PDF (")
    assert project.state(find_step("02")).state in (
        "done",
        "stale",
    )  # stale: the test chose its settings by hand


def test_a_broken_file_in_a_folder_is_set_aside_and_a_named_one_refused(project, home):
    folder = home / "exports"
    folder.mkdir()
    (folder / "a.csv").write_text("a\n1\n", "utf-8")
    (folder / "b.parquet").write_bytes(b"PAR1 no")
    record = run(project, "02", sources=["exports"])
    assert [(source.name, source.rows, source.unreadable) for source in record.sources] == [
        ("a.csv", 1, 0),
        ("b.parquet", 0, 1),
    ]
    assert refusal(project, sources=["exports/b.parquet"]).startswith(
        "Found: b.parquet cannot be read as Parquet ("
    )


def test_cards_say_what_differs_for_one_source(project, home):
    (home / "a.csv").write_text("text\nx\n", "utf-8")
    (home / "b.csv").write_bytes("text;n\nGrüße;1\n".encode("cp850"))
    cards = [
        {
            "source": "b.csv",
            "owner": "them",
            "consent": "asked in 2025",
            "encoding": "cp850",
            "delimiter": ";",
        }
    ]
    record = run(
        project, "02", sources=["a.csv", "b.csv"], owner="us", licence="CC0", origin="help desk", cards=cards
    )
    first, second = record.sources
    assert (first.origin, first.owner, first.licence, first.consent) == ("help desk", "us", "CC0", "")
    assert (second.origin, second.owner, second.licence, second.consent) == (
        *("help desk", "them", "CC0", "asked in 2025"),
    )
    assert table(project, "raw/rows.parquet")["text"].to_list() == ["x", "Grüße"]
    assert refusal(project, sources=["a.csv"], cards=[{"source": "a.cvs"}]) == (
        "Found: 02_gather_data.cards describes 'a.cvs', and no source is called so\n"
        "Needed: one of: a.csv\n"
        "Do: correct the card's 'source'. Did you mean 'a.csv'?"
    )


def test_a_card_with_an_unknown_key(project):
    with pytest.raises(WorkbenchError) as caught:
        project.settings(find_step("02"), {"cards": [{"source": "a.csv", "licenc": "CC0"}]})
    assert str(caught.value) == (
        "Found: 02_gather_data.cards.0 is {'source': 'a.csv', 'licenc': 'CC0'}\n"
        "Needed: a card with the keys source, origin, owner, licence, consent, encoding, delimiter, header, "
        "and not 'licenc'. Did you mean 'licence'?\n"
        "Do: change 02_gather_data.cards.0"
    )


def test_a_password_never_reaches_the_blueprint(project, monkeypatch):
    def told(source):
        return gather_data.blockers(project, project.settings(find_step("02"), {"sources": [source]}))

    (problem,) = told("postgresql://me:hunter2@host/shop?table=t")
    assert "hunter2" not in problem
    assert problem.endswith("set DB_PASSWORD before JupyterLab starts, and write ${DB_PASSWORD} in its place")
    assert told("postgresql://me:${SHOP_WORD}@host/shop?table=t") == [
        "a source refers to the environment variable SHOP_WORD, and there is none: set it before JupyterLab starts"
    ]
    monkeypatch.setenv("SHOP_WORD", "hunter2")
    assert told("postgresql://me:${SHOP_WORD}@host/shop?table=t") == []


def test_the_landscape_is_shown_with_nobody_looking(project, home):
    (home / "a.csv").write_text(
        "sent_at,text\n" + "2026-01-02,please tell me where my new card is\n" * 9, "utf-8"
    )
    (home / "b.csv").write_text("text\n=cmd|' /C calc'!A0 <script>alert(1)</script>\n", "utf-8")
    run(project, "02", sources=["a.csv", "b.csv"])
    shown = gather_data.blocks(project)
    questions = next(block for block in shown if isinstance(block, Table) and "is it ..." in block.columns)
    assert [row[:2] for row in questions.rows] == [
        (name, question)
        for name in ("a.csv", "b.csv")
        for question in ("enough", "relevant", "good", "compatible")
    ]
    assert Callout("Nobody has said under which terms a.csv, b.csv may be used.", "warning") in shown
    figures = [block for block in shown if isinstance(block, Figure)]
    assert [figure.alt for figure in figures] == [
        "Rows and tokens of each source",
        "Share of broken, duplicate and incomplete rows",
        "Length of rows in tokens, and what the model reads",
        "Period of each source",
        "Nearness to the use case",
    ]
    for figure in figures:
        figure.draw().savefig(io.BytesIO())


def test_a_flipped_bit_in_the_table_is_told(project, home):
    (home / "a.csv").write_text("a\n" + "".join(f"row {n}\n" for n in range(5_000)), "utf-8")
    run(project, "02", sources=["a.csv"])
    path = project.path("raw/rows.parquet")
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(WorkbenchError) as caught:
        gather_data.blocks(project)
    assert caught.value.found.startswith(f"{path} cannot be read (")
    assert (caught.value.needed, caught.value.fix) == (
        "the table as 02_gather_data wrote it",
        "run 02_gather_data again",
    )


def test_what_lies_in_shared_data_is_read(project):
    data = Path(__file__).resolve().parents[3] / "shared" / "data"
    if not data.is_dir():
        pytest.skip("no shared data beside the checkout")
    wanted = {"sms_spam": 5_574, "udhr_langid": 186, "febrl": 21_000, "hospital_dirty_clean": 22_000}
    for name, rows in wanted.items():
        record = run(project, "02", sources=[str(data / name)])
        assert (name, record.rows, sum(source.unreadable for source in record.sources)) == (name, rows, 0)
