"""Folders and archives: what is read of them, what is left out and why, and nothing outside them ever."""

import os
import zipfile
from pathlib import Path

import pytest

from tailor.data.readers import Limits, Options
from tailor.data.sources import find_sources
from tailor.errors import WorkbenchError


@pytest.fixture
def find(tmp_path):
    """Lists sources of the folder `in`; a missing one is an error of the resolver, not tested here."""

    def call(*given, **limits):
        return find_sources(
            given, lambda path: tmp_path / path, Limits(**limits), Options(), tmp_path / "scratch"
        )

    return call


def make(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


def listed(listing):
    return [(item.name, item.reader, [inside for _, inside in item.files]) for item in listing.items]


def test_beside_tables_a_text_is_a_note(tmp_path, find):
    make(
        tmp_path / "in",
        a_dot_csv="a,b\n1,2\n",
        README_dot_md="# Data\n",
        LICENSE="Use it.\n",
        p_dot_html="<p>x",
    )
    listing = find("in")
    assert listed(listing) == [("a.csv", "csv", [""]), ("in", "documents", ["p.html"])]
    assert listing.left_out == [
        "2 files were left out (LICENSE and README.md): beside tables, a text file is taken for a note about them; "
        "name it in sources to read it"
    ]
    assert listed(find("text:in"))[0][2] == ["LICENSE", "README.md", "p.html"]


def test_documents_of_a_folder_are_one_source(tmp_path, find):
    make(
        tmp_path / "manuals",
        a_dot_md="x",
        sub__b_dot_txt="Some prose, which is long.",
        mail__c_dot_eml="From: a\n\nb",
    )
    assert listed(find("manuals")) == [
        ("manuals", "documents", ["a.md", "sub/b.txt"]),
        ("manuals_mail", "mail", ["mail/c.eml"]),
    ]


def test_a_program(tmp_path, find):
    folder = make(
        tmp_path / "app",
        a_dot_py="a = 1\n",
        lib__b_dot_js="b\n",
        lib__gen__c_dot_js="c\n",
        data_dot_csv="a\n1\n",
        node_modules__d_dot_js="d\n",
    )
    (folder / ".gitignore").write_text("gen/\n", "utf-8")
    listing = find("app")
    assert listed(listing) == [("app", "code", ["a.py", "lib/b.js"])]
    assert listing.left_out == [
        "node_modules/ was left out: made by a program",
        "data.csv was left out: most files of the folder are source code; name this one in sources to read it",
        "lib/gen/c.js was left out: a .gitignore names it",
    ]
    assert listed(find("table:app")) == [("data.csv", "csv", [""])]


def test_links_are_not_followed_out(tmp_path, find):
    folder = make(tmp_path / "in", a_dot_csv="a\n1\n")
    make(tmp_path, secret_dot_csv="a\n2\n")
    os.symlink(tmp_path / "secret.csv", folder / "out.csv")
    os.symlink(folder / "a.csv", folder / "same.csv")
    os.symlink(tmp_path, folder / "up")
    listing = find("in")
    assert listed(listing) == [("a.csv", "csv", [""])]  # one file, by whatever name
    assert listing.left_out == [
        "2 files were left out (out.csv and up): it is a link that leads out of the folder, and is not followed"
    ]


def archive(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in members.items():
            packed.writestr(name, data)
    return path


def test_an_archive_is_a_folder(tmp_path, find):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr("x/a.csv", b"a\n1\n")
        packed.writestr("x/b.xyz", b"?")
        packed.writestr("../up.csv", b"a\n2\n")
        packed.writestr("/abs.csv", b"a\n3\n")
        packed.writestr("C:\\win.csv", b"a\n4\n")
        link = zipfile.ZipInfo("link.csv")
        link.external_attr = 0o120777 << 16
        packed.writestr(link, "/etc/passwd")
        packed.writestr("x/inner.zip", b"PK")
    listing = find("a.zip")
    assert listed(listing) == [("a.csv", "csv", [""])]
    assert listing.left_out == [
        "a.zip/../up.csv was left out: its path leads out of the archive",
        "a.zip//abs.csv was left out: its path leads out of the archive",
        "a.zip/C:\\win.csv was left out: its path leads out of the archive",
        "a.zip/link.csv was left out: it is a link",
        "x/b.xyz was left out: '.xyz' is not a format that is read",
        "x/inner.zip was left out: an archive inside a folder is not opened; name it in sources itself",
    ]
    assert {path.name for path in tmp_path.rglob("*.csv")} == {"a.csv"}


def test_an_archive_that_is_a_bomb(tmp_path, find):
    path = archive(tmp_path / "a.zip", **{"a.csv": b"0" * 3_000_000, "b.csv": b"0" * 3_000_000})
    with pytest.raises(WorkbenchError) as caught:
        find("a.zip", bytes=4_000_000)
    assert str(caught.value) == (
        f"Found: a.zip holds more than 4,000,000 bytes unpacked (from {path.stat().st_size:,} packed)\n"
        "Needed: at most 4,000,000 bytes in one file\n"
        "Do: split the file, or raise 02_gather_data.max_megabytes"
    )
    with pytest.raises(WorkbenchError, match=r"a\.zip holds 2 files\nNeeded: at most 1\n"):
        find("a.zip", files=1)


def test_an_archive_that_is_none(tmp_path, find):
    (tmp_path / "a.zip").write_bytes(b"PK no")
    with pytest.raises(WorkbenchError, match=r"a\.zip cannot be unpacked \(File is not a zip file\)"):
        find("a.zip")


def test_nothing_to_read_says_what_was_there(tmp_path, find):
    make(tmp_path / "in", a_dot_xyz="?")
    with pytest.raises(WorkbenchError) as caught:
        find("in")
    assert str(caught.value).startswith(
        "Found: in holds no file that can be read; a.xyz was left out: '.xyz' is not a format that is read\n"
    )


def test_names_that_are_no_utf_8_or_too_long(tmp_path, find):
    (tmp_path / "in").mkdir()
    for name in (b"caf\xe9.txt", b"caf\xe8.txt"):
        Path(os.fsdecode(os.fsencode(tmp_path / "in") + b"/" + name)).write_text("some words")
    assert listed(find("in")) == [("in", "documents", ["caf\\xe8.txt", "caf\\xe9.txt"])]
    archive(tmp_path / "b.zip", **{"a.csv": b"a\n1\n", f"{'n' * 256}.csv": b"a\n2\n"})
    assert find("b.zip").left_out == [
        f"b.zip/{'n' * 256}.csv was left out: its name is longer than a file's may be"
    ]


def test_a_manner_takes_files_of_unknown_endings(tmp_path, find):
    make(tmp_path / "in", a_dot_log="one line of a log\nanother line", b_dot_txt="some words of prose")
    (tmp_path / "in" / "c.bin").write_bytes(bytes(range(256)))
    listing = find("text:in")
    assert listed(listing) == [("in", "documents", ["a.log", "b.txt"])]
    assert listing.left_out == ["c.bin was left out: '.bin' is not a format that is read"]
