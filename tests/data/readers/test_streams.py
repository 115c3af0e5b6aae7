"""Readers as streams: the fast way says what the careful way says, and size does not matter."""

import random
import subprocess
import sys

import pytest

from tailor.data.readers import Limits, Options, delimited, read_file, stream_file
from tailor.data.readers.delimited import stream_delimited
from tailor.data.readers.found import collect
from tailor.errors import WorkbenchError

SOUND = ["a", "", '"x"', '"a, b"', '"q""q"', '"l\nm"', '"r\r\nn"', "é", '""', '"""t"""', "007", "NA", " s "]
ODD = [*SOUND, '"open', '5" disk', '"x"y', ' "s"', "z\r", "\x00", "\u2028", "\x0c"]


def nasty(rng: random.Random) -> bytes:
    """A CSV file with cells over several lines, stray quotation marks, odd line ends and ragged rows."""
    width, end = rng.choice([1, 2, 3]), rng.choice(["\n", "\n", "\r\n"])
    cells = ODD if rng.random() < 0.5 else SOUND
    rows = [",".join(f"h{place}" for place in range(width))]
    for _ in range(rng.randint(1, 12)):
        cut = width if rng.random() < 0.97 else rng.randint(0, 4)
        rows.append(",".join(rng.choice(cells) for _ in range(cut)))
    text = end.join(rows) + (end if rng.random() < 0.7 else "")
    return text.encode(rng.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16"]))


def test_the_fast_way_reads_what_the_careful_way_reads(tmp_path, monkeypatch):
    monkeypatch.setattr(delimited, "BLOCK", 48)  # many borders between blocks in small files
    taken = []
    parse = delimited.parse_block
    monkeypatch.setattr(delimited, "parse_block", lambda *given: taken.append(parse(*given)) or taken[-1])
    rng = random.Random(1)
    for number in range(250):
        path = tmp_path / f"{number % 2}.csv"
        path.write_bytes(nasty(rng))
        options = Options(delimiter=",", header="yes")
        fast, careful = (collect(stream_delimited(path, Limits(), options, way)) for way in (True, False))
        assert fast == careful, path.read_bytes()
    share = sum(block is not None for block in taken) / len(taken)
    assert 0.3 < share < 0.95  # both ways were gone


def test_json_lines_and_csv_of_any_size_are_read_in_little_memory(tmp_path):
    """60 MB under a limit of 10 MB for what is read whole: streams need neither the limit nor the memory."""
    cell = "word " * 100
    (tmp_path / "a.csv").write_text("n,t\n" + "".join(f'{n},"{cell}"\n' for n in range(60_000)), "utf-8")
    (tmp_path / "a.jsonl").write_text(
        "".join(f'{{"n": {n}, "t": "{cell}"}}\n' for n in range(60_000)), "utf-8"
    )
    code = (
        "import resource, sys\nfrom pathlib import Path\n"
        "from tailor.data.readers import Limits, stream_file\n"
        "def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024\n"
        "before = peak()\n"
        "for name in sys.argv[1:]:\n"
        "    rows = sum(p.frame.height for p in stream_file(Path(name), Limits(bytes=10_000_000)).pieces)\n"
        "    assert rows == 60_000, rows\n"
        "print(peak() - before)"
    )
    files = [str(tmp_path / name) for name in ("a.csv", "a.jsonl")]
    done = subprocess.run([sys.executable, "-c", code, *files], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 120  # MB
    with pytest.raises(WorkbenchError, match=r"holds 30,.* bytes"):
        read_file(tmp_path / "a.csv", Limits(bytes=10_000_000))


def test_a_header_is_missed_where_it_is_missing(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("ham\tGo on\nspam\tFree!\nham\tOk\n", "utf-8")
    found = read_file(path, Limits())
    assert found.rows == [["ham", "Go on"], ["spam", "Free!"], ["ham", "Ok"]]
    assert (found.columns, found.lines) == (["column_1", "column_2"], [1, 2, 3])
    assert found.notes == [
        "the file has no column names: its first row is data, since 'ham' occurs again below; the columns are called "
        "column_1 to column_2 (02_gather_data.header says otherwise)"
    ]
    assert collect(stream_file(path, Limits(), Options(header="yes"))).columns == ["ham", "Go on"]


def test_a_header_repeated_in_the_middle_is_still_a_header(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("kind,text\nx,one\nkind,text\ny,two\n", "utf-8")
    assert read_file(path, Limits()).columns == ["kind", "text"]


def test_lines_of_two_encodings_are_told_one_by_one(tmp_path):
    lines = ["text,n", *(f"Grüße,{n}" for n in range(40))]
    data = b"".join((line + "\n").encode("cp1252" if n % 3 == 1 else "utf-8") for n, line in enumerate(lines))
    (tmp_path / "a.csv").write_bytes(data)
    found = read_file(tmp_path / "a.csv", Limits())
    assert {row[0] for row in found.rows} == {"Grüße"}
    assert found.notes == [
        "14 lines are not UTF-8 and were read as cp1252 "
        "(lines 2, 5, 8, 11, 14, 17, 20, 23, 26, 29, 32, 35 and 2 more)"
    ]


def test_a_hundred_thousand_columns(tmp_path):
    names = [f"c{n}" for n in range(100_000)]
    (tmp_path / "a.csv").write_text(",".join(names) + "\n" + ",".join("1" * 100_000) + "\n", "utf-8")
    keys = ", ".join(f'"{name}": 1' for name in names)
    (tmp_path / "a.jsonl").write_text(f"{{{keys}}}\n", "utf-8")
    for name, count in (("a.csv", 100_000), ("a.jsonl", 100_000)):
        with pytest.raises(WorkbenchError) as caught:
            read_file(tmp_path / name, Limits())
        assert str(caught.value) == (
            f"Found: {name} has {count:,} columns\n"
            "Needed: at most 2,000 columns\n"
            "Do: export only the columns that say something, or raise 02_gather_data.max_columns"
        )


def test_formulas_stay_text(tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n=cmd|' /C calc'!A0,@SUM(1)\n", "utf-8")
    assert read_file(tmp_path / "a.csv", Limits()).rows == [["=cmd|' /C calc'!A0", "@SUM(1)"]]


def test_an_unclosed_quotation_mark_does_not_swallow_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(delimited, "WINDOW", 200)
    rows = "".join(f"row {n},{n}\n" for n in range(100))
    (tmp_path / "a.csv").write_text(f'a,b\n"open,1\n{rows}', "utf-8")
    found = read_file(tmp_path / "a.csv", Limits())
    assert len(found.rows) == 100
    assert [(bad.line, bad.text) for bad in found.unreadable] == [(2, '"open,1')]
    assert found.unreadable[0].reason == "a quotation mark opens here and does not close within 0 MB"


def test_prose_and_tables_without_a_telling_name(tmp_path):
    (tmp_path / "table.txt").write_text("a\tb\n1\t2\n3\t4\n", "utf-8")
    (tmp_path / "prose.txt").write_text("Dear all,\nthis is a letter, with commas.\nYours, me\n", "utf-8")
    (tmp_path / "README").write_text("Hello.\n", "utf-8")
    assert read_file(tmp_path / "table.txt", Limits()).format == "csv"
    assert read_file(tmp_path / "prose.txt", Limits()).format == "text"
    assert read_file(tmp_path / "README", Limits()).format == "text"
    (tmp_path / "blob").write_bytes(bytes(range(256)) * 10)
    with pytest.raises(WorkbenchError, match=r"blob has no ending and holds no text"):
        read_file(tmp_path / "blob", Limits())
