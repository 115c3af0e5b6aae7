"""Source code is parsed and never run."""

from tailor.data.readers import Limits, Options, read_file, stream_file
from tailor.data.readers.found import collect

PYTHON = '''import os
os.remove("{}")


@cached
def one(a):
    return a


class Two:
    def three(self):
        """Say."""
        return 3
'''


def test_a_file_or_each_function(tmp_path):
    kept = tmp_path / "kept"
    kept.touch()
    path = tmp_path / "a.py"
    path.write_text(PYTHON.format(kept), "utf-8")
    assert read_file(path, Limits()).rows == [["a.py", "Python", "", PYTHON.format(kept)]]
    found = collect(stream_file(path, Limits(), Options(code="function")))
    assert [(line, row[2]) for line, row in zip(found.lines, found.rows, strict=True)] == [
        (5, "one"),
        (11, "Two.three"),
    ]
    assert found.rows[0][3] == "@cached\ndef one(a):\n    return a\n"
    assert kept.exists()


def test_code_that_no_parser_takes_is_one_row(tmp_path):
    (tmp_path / "a.py").write_text("def (:\n", "utf-8")
    (tmp_path / "b.py").write_text("x = " + "(" * 10_000, "utf-8")
    for name in ("a.py", "b.py"):
        found = collect(stream_file(tmp_path / name, Limits(), Options(code="function")))
        assert len(found.rows) == 1
        assert found.notes == [
            "files: 1 Python",
            "1 files are one row each: only sound Python is cut into functions",
        ]


def test_what_is_no_text_is_set_aside(tmp_path):
    (tmp_path / "a.c").write_bytes(b"\x7fELF\x00\x00\x00" * 100)
    assert [bad.reason for bad in read_file(tmp_path / "a.c", Limits()).unreadable] == [
        "holds control characters: it is no text"
    ]
