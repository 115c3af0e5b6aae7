"""A history gives the same files, byte for byte, in memory, from pieces on disk, and by an engine's workers."""

import random
import subprocess
import sys

import polars as pl
import pytest
from data_project import WORDS

from tailor.data.cleaning.engines import open_engine
from tailor.data.cleaning.own_function import OwnFunction
from tailor.data.cleaning.pipeline import clean_file
from tailor.data.cleaning.plan import STANDARD, choose_columns
from tailor.data.columns import describe_columns
from tailor.data.tables import TableWriter, read_pieces, read_table, write_pieces
from tailor.errors import WorkbenchError
from tailor.progress import Log
from tailor.project import Project


def messy_rows(count=400):
    rng = random.Random(3)
    texts, labels = [], []
    for n in range(count):
        asked = " ".join(rng.choice(WORDS) + rng.choice("abcdefgh") for _ in range(12))
        text = f"Could you please tell me about {asked} and what of it I have waited for?"
        text = f"<p>{texts[-9]}</p>" if n % 11 == 10 else text
        text = texts[-4].replace("please", "kindly") if n % 13 == 12 else text
        text = f"cafÃ© {n}: {text} or {n}@mail.example" if n % 7 == 3 else text
        texts.append("" if n % 17 == 16 else text)
        labels.append(["Card lost", "card-lost", "fee", "Fee "][n % 4])
    ids = [f"a.csv:{n + 2}" for n in range(count)]
    return pl.DataFrame({"row_id": ids, "source": ["a.csv"] * count, "text": texts, "intent": labels})


@pytest.fixture
def raw(tmp_path):
    """A raw table in four row groups."""
    rows = messy_rows()
    path = tmp_path / "rows.parquet"
    with TableWriter(path, dict(rows.schema)) as writer:
        for piece in rows.iter_slices(100):
            writer.write(piece)
            writer.flush()
    return path


def cleaned(raw, name, history=STANDARD, **how):
    """The bytes of both files, and the record."""
    columns = choose_columns(describe_columns(read_table(raw, "a test")), ["text"], ["intent"])
    kept, dropped = raw.with_name(f"{name}-kept.parquet"), raw.with_name(f"{name}-dropped.parquet")
    done = clean_file(raw, history, columns, Log(), kept=kept, dropped=dropped, **how)
    assert [path.name for path in raw.parent.glob(".writing-*")] == []
    return kept.read_bytes(), dropped.read_bytes(), done


def test_pieces_on_disk_give_the_files_that_memory_gives(raw):
    whole = cleaned(raw, "memory")
    assert cleaned(raw, "disk", most_in_memory=0) == whole
    record = {item.name: item for item in whole[2].operations}
    assert whole[2].rows_in == 400 > whole[2].rows_out > 300
    assert record["repair_encoding"].changed > 30
    assert record["drop_near_duplicates"].dropped > 10


def test_two_dask_workers_give_the_identical_table(raw):
    pytest.importorskip("distributed", reason="the extra 'dask' is not installed")
    assert cleaned(raw, "dask", engine="dask", workers=2) == cleaned(raw, "here")


def test_the_command_cleans_by_dask_and_the_engine_makes_nothing_stale(home):
    pytest.importorskip("distributed", reason="the extra 'dask' is not installed")
    messy_rows().select("text", "intent").write_csv(home / "a.csv")
    made = home / "outputs" / "mine"

    def tailor(*words):
        command = [sys.executable, "-m", "tailor.cli", "run", "--project", "mine", "--to", "03", *words]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=400)
        assert ran.returncode == 0, ran.stderr
        files = {name: (made / name).read_bytes() for name in ("clean.parquet", "dropped.parquet")}
        return files, Project("mine").hash_of(made / "cleaning.json"), ran.stdout

    by_dask = tailor("--data", "a.csv", "--task", "classify", "--engine", "dask", "--set", "03.workers=2")
    assert "4 steps ran, 0 were up to date" in by_dask[2]
    assert "0 steps ran, 4 were up to date" in tailor("--engine", "here")[2]
    here = tailor("--engine", "here", "--from", "03", "--force")
    assert "1 steps ran" in here[2]
    assert here[:2] == by_dask[:2]


DEADLY = """
import os
from pathlib import Path

def once(text):
    if "rule" in text:
        try:
            Path(__file__).with_name("dead").touch(exist_ok=False)
            os.kill(os.getpid(), 9)
        except FileExistsError:
            pass
    return text

def always(text):
    os.kill(os.getpid(), 9)
"""


def with_own(raw, function, name, **how):
    """Cleaned by a function from the workspace first."""
    raw.with_name("mine.py").write_text(DEADLY)
    return cleaned(raw, name, history=(OwnFunction(function=f"mine:{function}"), *STANDARD), **how)


def left_over(raw):
    return sorted(path.name for path in raw.parent.iterdir() if path.name != "__pycache__")


def test_a_dask_worker_that_is_lost_takes_nothing_along(home, raw):
    pytest.importorskip("distributed", reason="the extra 'dask' is not installed")
    lost = with_own(raw, "once", "lost", engine="dask", workers=2)
    assert (home / "dead").exists()
    assert lost == with_own(raw, "once", "here")


def test_a_piece_that_takes_every_worker_along_is_told(home, raw):
    dask = pytest.importorskip("dask", reason="the extra 'dask' is not installed")
    few = dask.config.set({"distributed.scheduler.allowed-failures": 1})
    with few, pytest.raises(WorkbenchError) as caught:
        with_own(raw, "always", "lost", engine="dask", workers=2)
    assert str(caught.value) == (
        "Found: 2 of Dask's workers were lost one after the other over the same piece\n"
        "Needed: workers with memory for a piece each, and a scheduler that stays\n"
        "Do: give the workers more memory, set 03_clean_data.workers lower, or 03_clean_data.engine to here"
    )
    assert left_over(raw) == ["mine.py", "rows.parquet"]


def test_a_process_that_is_lost_is_told_and_nothing_is_half_written(home, raw):
    with pytest.raises(WorkbenchError) as caught:
        with_own(raw, "once", "lost", most_in_memory=0, workers=2)
    assert str(caught.value) == (
        "Found: a process that cleaned a piece of the table was ended from outside, most likely for lack of memory\n"
        "Needed: memory for every process\n"
        "Do: set 03_clean_data.workers to 1"
    )
    assert left_over(raw) == ["dead", "mine.py", "rows.parquet"]


def test_a_scheduler_that_does_not_answer_is_told(monkeypatch):
    dask = pytest.importorskip("dask", reason="the extra 'dask' is not installed")
    with (
        dask.config.set(
            {"scheduler-address": "tcp://127.0.0.1:9", "distributed.comm.timeouts.connect": "1s"}
        ),
        pytest.raises(WorkbenchError, match=r"the Dask scheduler at tcp://127\.0\.0\.1:9 does not answer"),
        open_engine("dask"),
    ):
        pass


def test_an_engine_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(WorkbenchError) as caught, open_engine("dask"):
        pass
    assert str(caught.value) == (
        "Found: the engine 'dask' is not installed\n"
        "Needed: Dask and its scheduler\n"
        "Do: pip install 'tailor-workbench[dask]', or set 03_clean_data.engine to here"
    )


def test_pieces_go_when_a_history_fails(raw):
    none = [operation for operation in STANDARD if operation.name == "drop_long"]
    none[0] = none[0].model_copy(update={"max_characters": 1, "columns": ["intent"]})
    with pytest.raises(WorkbenchError, match="all 400 rows were dropped: drop_long took 400"):
        clean_file(
            raw,
            none,
            choose_columns(describe_columns(messy_rows())),
            Log(),
            kept=raw.with_name("k"),
            dropped=raw.with_name("d"),
            most_in_memory=0,
        )
    assert sorted(path.name for path in raw.parent.iterdir()) == ["rows.parquet"]


def test_a_file_does_not_depend_on_how_its_rows_were_cut(tmp_path):
    rows = pl.DataFrame({"a": [f"cell {n % 97}" for n in range(45_000)], "b": [None] * 45_000})
    rows = rows.cast(pl.String)
    for size in (45_000, 20_000, 7_001):
        write_pieces(list(rows.iter_slices(size)), tmp_path / f"{size}.parquet")
    first = (tmp_path / "45000.parquet").read_bytes()
    assert (tmp_path / "20000.parquet").read_bytes() == first
    assert (tmp_path / "7001.parquet").read_bytes() == first
    pieces = list(read_pieces(tmp_path / "7001.parquet", "a test"))
    assert [piece.height for piece in pieces] == [20_000, 20_000, 5_000]
    assert pl.concat(pieces).equals(rows)


def test_rows_of_much_text_make_smaller_groups(tmp_path, monkeypatch):
    monkeypatch.setattr("tailor.data.tables.GROUP_BYTES", 1_000)
    rows = pl.DataFrame({"a": ["x" * (n % 7) * 90 for n in range(40)], "n": range(40)})
    for size in (40, 3):
        write_pieces(list(rows.iter_slices(size)), tmp_path / f"{size}.parquet")
    assert (tmp_path / "3.parquet").read_bytes() == (tmp_path / "40.parquet").read_bytes()
    pieces = list(read_pieces(tmp_path / "3.parquet", "a test"))
    assert [piece.height for piece in pieces[:2]] == [6, 5]
    assert pl.concat(pieces).equals(rows)


def test_a_column_that_some_pieces_lack_is_null_there(tmp_path):
    pieces = [pl.DataFrame({"a": ["1"]}), pl.DataFrame({"a": ["2"], "b": ["x"]})]
    write_pieces(pieces, tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet", "a test").rows() == [("1", None), ("2", "x")]
    write_pieces([], tmp_path / "none.parquet", pl.DataFrame(schema={"a": pl.String}))
    assert read_table(tmp_path / "none.parquet", "a test").schema == {"a": pl.String}
