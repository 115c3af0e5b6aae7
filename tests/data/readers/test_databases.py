"""SQL and hub sources: read only, no password written down, every refusal in a sentence."""

import sqlite3
from pathlib import Path

import pytest

from tailor.data.readers import Limits
from tailor.data.readers.database import (
    is_database,
    missing_variables,
    parse_address,
    password_in_clear,
    stream_database,
    stream_sqlite,
)
from tailor.data.readers.found import collect
from tailor.data.readers.hub import parse_name, stream_hub
from tailor.errors import WorkbenchError


@pytest.fixture
def shop(tmp_path):
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as database:
        database.execute("create table tickets (id integer primary key, text text, price real)")
        database.executemany(
            "insert into tickets values (?, ?, ?)",
            [(2, "=cmd|", 2.5), (1, "hi: 10:30", 1.0), (3, None, None)],
        )
    return path


def read(source, path=None):
    return collect(stream_database(parse_address(source), path, Limits()))


def refusal(call, *given):
    with pytest.raises(WorkbenchError) as caught:
        call(*given)
    return str(caught.value)


def test_a_table_and_a_query(shop):
    found = read("sqlite:///shop.db?table=tickets", shop)
    assert found.columns == ["id", "text", "price"]
    assert found.rows == [["1", "hi: 10:30", "1"], ["2", "=cmd|", "2.5"], ["3", None, None]]
    assert read("sqlite:///shop.db#select text from tickets where text = 'hi: 10:30'", shop).rows == [
        ["hi: 10:30"]
    ]
    assert read(f"sqlite+pysqlite:///{shop}?table=tickets").rows == found.rows  # as any other server's URL
    assert collect(stream_sqlite(shop, Limits())).rows == found.rows


def test_nothing_is_written(shop):
    before = shop.read_bytes()
    assert refusal(parse_address, "sqlite:///shop.db#delete from tickets") == (
        "Found: the query on sqlite:///shop.db begins with 'delete'\n"
        "Needed: a query that reads: select ...\n"
        "Do: mend it"
    )
    message = refusal(read, "sqlite:///shop.db#with a as (select 1) delete from tickets", shop)
    assert message.startswith(
        "Found: sqlite:///shop.db cannot be read (attempt to write a readonly database)\n"
    )
    assert shop.read_bytes() == before


def test_a_missing_table(shop):
    assert refusal(read, "sqlite:///shop.db?table=ticket", shop) == (
        "Found: sqlite:///shop.db has no table 'ticket'\n"
        "Needed: one of: tickets\n"
        "Do: correct ?table=. Did you mean 'tickets'?"
    )
    assert refusal(parse_address, "sqlite:///shop.db") == (
        "Found: sqlite:///shop.db says neither which table nor which query\n"
        "Needed: one of the two\n"
        "Do: write ?table=name behind the address, or #select ... for a query"
    )


def test_a_file_with_several_tables_or_none(shop, tmp_path):
    with sqlite3.connect(shop) as database:
        database.execute("create table users (id)")
    assert refusal(stream_sqlite, shop, Limits()) == (
        "Found: shop.db has 2 tables: tickets, users\n"
        "Needed: one table\n"
        "Do: name the source sqlite:///shop.db?table=..."
    )
    (tmp_path / "no.db").write_text("no database at all, whatever its name says", "utf-8")
    assert "no.db cannot be read (file is not a database)" in refusal(
        stream_sqlite, tmp_path / "no.db", Limits()
    )


@pytest.mark.parametrize(
    "source",
    [
        "postgresql://reader:hunter2@host/shop?table=t",
        "postgresql://reader:hunter2${X}@host/shop?table=t",
        "postgresql://host/shop?user=u&password=hunter2&table=t",
    ],
)
def test_a_password_in_clear_is_refused_and_not_repeated(source):
    message = refusal(parse_address, source)
    assert "hunter2" not in message
    assert message.startswith(
        "Found: a source of 02_gather_data (postgresql://...) has a password in it, which"
    )


def test_a_password_in_the_environment(monkeypatch):
    source = "postgresql://reader:${SHOP_WORD}@host/shop?table=t"
    assert password_in_clear(source) is None
    assert missing_variables(source) == ["SHOP_WORD"]
    assert refusal(read, source).splitlines()[0] == (
        "Found: postgresql://reader:${SHOP_WORD}@host/shop refers to SHOP_WORD, "
        "and there is no such environment variable"
    )
    monkeypatch.setenv("SHOP_WORD", "hunter2")
    assert missing_variables(source) == []
    assert "hunter2" not in refusal(read, source)


def test_a_driver_that_is_not_installed():
    assert refusal(read, "mysql+nosuchdriver://host/shop?table=t").startswith(
        "Found: mysql+nosuchdriver://host/shop "
    )


def test_what_is_a_database():
    assert is_database("sqlite:///a.db")
    assert not is_database("exports/a.csv")
    assert not is_database("C:/exports/a.csv")


def test_a_folder_as_a_hub_data_set(tmp_path):
    (tmp_path / "train.jsonl").write_text('{"a": "x", "n": 1}\n{"a": "y", "n": 2}\n', "utf-8")
    (tmp_path / "test.jsonl").write_text('{"a": "z", "n": 3}\n', "utf-8")
    found = collect(stream_hub(parse_name(f"hf:{tmp_path}"), Limits()))
    assert found.columns == ["a", "n", "split"]
    assert found.rows == [["x", "1", "train"], ["y", "2", "train"], ["z", "3", "test"]]
    message = refusal(lambda: collect(stream_hub(parse_name(f"hf:{tmp_path}:tset"), Limits())))
    assert message.endswith("Needed: one of: train, test\nDo: correct it. Did you mean 'test'?")


def test_a_hub_that_does_not_answer(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "https://hub.invalid")
    message = refusal(lambda: collect(stream_hub(parse_name("hf:owner/name"), Limits())))
    assert message.startswith("Found: the data set owner/name cannot be loaded (")
    assert message.endswith(
        "Do: check the id and the network, or download its files and name their folder in 02_gather_data.sources"
    )


def test_names_of_the_hub():
    name = parse_name("hf:owner/name:train?config=de&revision=v2")
    assert (name.id, name.split, name.config, name.revision) == ("owner/name", "train", "de", "v2")
    assert refusal(parse_name, "hf:owner/name?confg=de").endswith("Do: correct it. Did you mean 'config'?")
    assert Path(name.name).name == "name_de_train"


def test_text_that_is_not_utf_8(tmp_path):
    path = tmp_path / "a.db"
    with sqlite3.connect(path) as database:
        database.execute("create table t (text text)")
        database.execute("insert into t values ('sound'), (cast(x'63616ee9' as text))")
    found = collect(stream_sqlite(path, Limits()))
    assert found.rows == [["sound"], ["cané"]]
    assert found.notes == ["1 cells are not UTF-8 and were read as cp1252"]
