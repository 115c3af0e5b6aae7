"""Every kind of bad input: refused with a sentence, or read with what was odd about it told."""

import gzip
import json
import zipfile

import polars as pl
import pytest

from tailor.data.readers import FORMATS, Limits, read_file
from tailor.errors import WorkbenchError


def write(path, data):
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def refusal(path, **options):
    with pytest.raises(WorkbenchError) as caught:
        read_file(path, Limits(**options))
    return str(caught.value)


def test_cells_stay_the_text_they_are(tmp_path):
    path = write(tmp_path / "a.csv", "code,name,n\n007,NA,1e5\n010,null,NaN\n")
    assert read_file(path, Limits()).rows == [["007", "NA", "1e5"], ["010", "null", "NaN"]]


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32", "utf-32"),
        ("latin-1", "latin-1"),
        ("cp1252", "cp1252"),
        ("cp1251", "cp1251"),
    ],
)
def test_encoding_is_found_out(tmp_path, encoding, found):
    text = {
        "cp1252": "Grüße für 5 €",
        "cp1251": "Где моя новая карта, она не пришла",
    }.get(encoding, "Grüße für Zoë")
    path = write(tmp_path / "a.csv", ("text;n\n" + f"{text};1\n" * 20).encode(encoding))
    read = read_file(path, Limits())
    assert (read.encoding, read.delimiter) == (found, ";")
    assert read.rows[7] == [text, "1"]


def test_euro_signs_in_a_western_file_are_no_umlauts(tmp_path):
    path = write(
        tmp_path / "a.csv", "text,n\nI paid €81.50 and €76,1\n".replace(" and ", " - ").encode("cp1252")
    )
    assert read_file(path, Limits()).rows == [["I paid €81.50 - €76", "1"]]


def test_lines_of_two_encodings(tmp_path):
    data = "text,n\nGrüße,1\nköstlich,2\n".encode() + "Zoë,3\n".encode("cp1252")
    read = read_file(write(tmp_path / "a.csv", data), Limits())
    assert [row[0] for row in read.rows] == ["Grüße", "köstlich", "Zoë"]
    assert read.notes == ["1 lines are not UTF-8 and were read as cp1252 (line 4)"]


def test_a_chosen_encoding_that_does_not_fit(tmp_path):
    path = write(tmp_path / "a.csv", "text\nZoë\n".encode("latin-1"))
    with pytest.raises(WorkbenchError) as caught:
        read_file(path, Limits(), encoding="utf-8")
    assert str(caught.value) == (
        "Found: a.csv is not in utf-8 (byte 7 does not fit)\n"
        "Needed: the encoding the file was saved in\n"
        "Do: leave 02_gather_data.encoding empty to have it found out"
    )
    with pytest.raises(WorkbenchError, match=r"02_gather_data\.encoding is 'utf-9'"):
        read_file(path, Limits(), encoding="utf-9")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_is_found_out(tmp_path, delimiter):
    line = delimiter.join(['"a, b; c"', "1", "x"]) + "\n"
    path = write(tmp_path / "a.csv", delimiter.join(["text", "n", "m"]) + "\n" + line * 3)
    read = read_file(path, Limits())
    assert (read.delimiter, read.rows[0]) == (delimiter, ["a, b; c", "1", "x"])


def test_one_column_needs_no_delimiter(tmp_path):
    assert read_file(write(tmp_path / "a.csv", "text\nhello; you\nbye\n"), Limits()).rows[1:] == [["bye"]]


def test_cells_over_several_lines_keep_their_line_numbers(tmp_path):
    read = read_file(write(tmp_path / "a.csv", 'a,b\n"one\ntwo",1\nthree,2\n'), Limits())
    assert read.rows == [["one\ntwo", "1"], ["three", "2"]]
    assert read.lines == [2, 4]


def test_broken_csv_lines_are_set_aside(tmp_path):
    text = 'a,b\n1,2\n1,2,3\n"x"y,2\n4\n"never closed,5\n6,7\n'
    read = read_file(write(tmp_path / "a.csv", text), Limits())
    assert read.rows == [["1", "2"], ["6", "7"]]
    assert [(bad.line, bad.reason, bad.text) for bad in read.unreadable] == [
        (3, "has 3 cells where the header has 2", "1,2,3"),
        (4, "a quotation mark stands inside a cell without being doubled", '"x"y,2'),
        (5, "has 1 cells where the header has 2", "4"),
        (6, "a quotation mark opens here and never closes", '"never closed,5'),
    ]


def test_broken_json_lines_are_set_aside(tmp_path):
    lines = ['{"a": "x"}', '{"a": "y"', "[1]", '{"a": 1, "a": 2}', "null", '{"a": 007}', '{"a": "z"}']
    read = read_file(write(tmp_path / "a.jsonl", "\n".join(lines)), Limits())
    assert read.rows == [["x"], ["z"]]
    assert read.lines == [1, 7]
    assert [(bad.line, bad.reason) for bad in read.unreadable] == [
        (2, "is not valid JSON: Expecting ',' delimiter at character 10"),
        (3, "is a list, not an object"),
        (4, "has the key 'a' twice"),
        (5, "is null, not an object"),
        (6, "is not valid JSON: Expecting ',' delimiter at character 8"),
    ]


def test_json_values_become_text(tmp_path):
    line = '{"n": 1.10, "big": 12345678901234567890, "t": true, "no": null, '
    line += '"who": {"id": 7, "x": {"y": 1.50}}, "l": [1, "a"]}'
    read = read_file(write(tmp_path / "a.jsonl", line), Limits())
    assert dict(zip(read.columns, read.rows[0], strict=True)) == {
        "n": "1.10",
        "big": "12345678901234567890",
        "t": "true",
        "no": None,
        "who.id": "7",
        "who.x.y": "1.50",
        "l": '[1, "a"]',
    }


@pytest.mark.parametrize("text", ['[{"a": "x"}, {"b": "y"}, 5]', '{"rows": [{"a": "x"}, {"b": "y"}, 5]}'])
def test_json_arrays(tmp_path, text):
    read = read_file(write(tmp_path / "a.json", text), Limits())
    assert (read.columns, read.rows, read.lines) == (["a", "b"], [["x", None], [None, "y"]], [1, 2])
    assert [(bad.line, bad.reason) for bad in read.unreadable] == [(3, "is a number, not an object")]


def test_in_an_array_numbers_in_lists_stay_numbers(tmp_path):
    path = write(tmp_path / "a.json", '[{"n": 1.10, "l": [1, "2", {"x": 3.5}]}]')
    assert read_file(path, Limits()).rows == [["1.10", '[1, "2", {"x": 3.5}]']]


def test_json_keys_that_would_meet_are_set_aside(tmp_path):
    twice = '{"a.b": "one", "a": {"b": "two"}}'
    reason = "has the key 'a.b' twice, once as an object in an object"
    for name, text in (("a.jsonl", f'{{"c": 1}}\n{twice}\n'), ("a.json", f'[{{"c": 1}}, {twice}]')):
        read = read_file(write(tmp_path / name, text), Limits())
        assert [(bad.line, bad.reason) for bad in read.unreadable] == [(2, reason)]
        assert read.rows == [["1"]]


def test_what_stands_beside_the_rows_is_told(tmp_path):
    path = write(tmp_path / "a.json", '{"made": "2024", "rows": [{"a": "x"}], "next": null}')
    read = read_file(path, Limits())
    assert (read.rows, read.notes) == (
        [["x"]],
        ["the rows stand in 'rows'; what stands beside it was not read: 'made' and 'next'"],
    )


def test_deep_json_is_refused_and_the_process_lives(tmp_path):
    deep = "[" * 100_000 + "]" * 100_000
    assert refusal(write(tmp_path / "a.json", deep)) == (
        "Found: a.json is nested more than 100 levels deep\n"
        "Needed: at most 100 levels\n"
        "Do: export the data as one flat object a row"
    )
    read = read_file(write(tmp_path / "b.jsonl", '{"a": 1}\n{"a": ' + deep + "}\n"), Limits())
    assert [(bad.line, bad.reason) for bad in read.unreadable] == [(2, "is nested more than 100 levels deep")]


def test_nul_bytes_and_lone_surrogates(tmp_path):
    read = read_file(write(tmp_path / "a.csv", "a,b\nx\x00y,1\n"), Limits())
    assert (read.rows, read.notes) == ([["xy", "1"]], ["1 NUL characters were removed"])
    text = '{"a": "half \\ud83d", "b": "\\ud83d\\ude00", "c": "x\\u0000y"}'
    read = read_file(write(tmp_path / "a.jsonl", text), Limits())
    assert read.rows == [["half \ufffd", "😀", "xy"]]
    assert read.notes == [
        "1 cells hold half of a character pair (a lone surrogate); it shows as \ufffd",
        "NUL characters were removed from 1 cells",
    ]


def test_a_cell_of_five_million_characters_is_set_aside(tmp_path):
    for path in (
        write(tmp_path / "a.csv", "a,b\n" + "x" * 5_000_000 + ",1\nshort,2\n"),
        write(
            tmp_path / "a.jsonl",
            json.dumps({"a": "x" * 5_000_000, "b": "1"}) + '\n{"a": "short", "b": "2"}\n',
        ),
    ):
        read = read_file(path, Limits())
        assert read.rows == [["short", "2"]]
        (bad,) = read.unreadable
        assert bad.reason == "the cell in column 'a' has 5,000,000 characters, over the limit of 1,000,000"
        assert bad.text == "x" * 2_000
        assert read_file(path, Limits(cell_characters=5_000_000)).rows[0][1] == "1"


def test_column_names_that_cannot_stay(tmp_path):
    read = read_file(write(tmp_path / "a.csv", "a,a,row_id,source,,a_2\n1,2,3,4,5,6\n"), Limits())
    assert read.columns == ["a", "a_2", "row_id_given", "source_given", "column_5", "a_2_2"]
    assert read.notes == [
        "column 2 'a' is called 'a_2': the name occurs more than once",
        "column 3 'row_id' is called 'row_id_given': the name is Tailor's own",
        "column 4 'source' is called 'source_given': the name is Tailor's own",
        "column 5 has no name; it is called 'column_5'",
        "column 6 'a_2' is called 'a_2_2': the name occurs more than once",
    ]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet", "a.xlsx"])
def test_an_empty_file(tmp_path, name):
    assert refusal(write(tmp_path / name, b"")) == (
        f"Found: {name} is empty (0 bytes)\nNeeded: a file with rows\nDo: check the export that made the file"
    )


def test_a_header_without_rows(tmp_path):
    message = "Found: {} has a header (a, b) and no rows\nNeeded: at least one row\n"
    message += "Do: check the export that made the file"
    assert refusal(write(tmp_path / "a.csv", "a,b\n")) == message.format("a.csv")
    pl.DataFrame({"a": [], "b": []}).write_parquet(tmp_path / "a.parquet")
    assert refusal(tmp_path / "a.parquet") == message.format("a.parquet")


def test_blank_files(tmp_path):
    assert refusal(write(tmp_path / "a.csv", "\n\n")).startswith(
        "Found: a.csv is empty\nNeeded: a header line"
    )
    assert refusal(write(tmp_path / "a.jsonl", " \n")).startswith("Found: a.jsonl is empty\n")


def test_one_row(tmp_path):
    assert read_file(write(tmp_path / "a.csv", "a,b\n1,2"), Limits()).rows == [["1", "2"]]


def test_a_file_that_is_not_json_at_all(tmp_path):
    assert refusal(write(tmp_path / "a.jsonl", "hello\nworld\n")) == (
        "Found: a.jsonl has no row that can be read; line 1: is not valid JSON: Expecting value at character 1\n"
        "Needed: one JSON object on each line, or an array of objects\n"
        "Do: check the export that made the file"
    )


def test_an_unknown_format(tmp_path):
    assert refusal(write(tmp_path / "a.exe", "x")) == (
        "Found: a.exe ends in '.exe'\n"
        f"Needed: one of: {', '.join(FORMATS)}, or source code (CSV, JSON and text also with .gz)\n"
        "Do: export the data in one of these formats"
    )


def test_gzip_is_read_and_a_bomb_is_not(tmp_path):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n1,2\n"))
    assert read_file(path, Limits()).rows == [["1", "2"]]
    path.write_bytes(gzip.compress(b"a,b\n" + b"0" * 3_000_000))
    size = path.stat().st_size
    assert refusal(path, bytes=1_000_000) == (
        f"Found: a.csv.gz holds more than 1,000,000 bytes unpacked (from {size:,} packed)\n"
        "Needed: at most 1,000,000 bytes in one file\n"
        "Do: split the file, or raise 02_gather_data.max_megabytes"
    )
    path.write_bytes(gzip.compress(b"a,b\n1,2\n" * 1000)[:-20])
    assert refusal(path).startswith("Found: a.csv.gz cannot be unpacked (")


def test_parquet_with_types_and_nested_columns(tmp_path):
    frame = pl.DataFrame({"n": [7, None], "f": [1.5, 2.0], "d": ["2024-01-02", None], "l": [["a"], []]})
    frame.with_columns(pl.col("d").str.to_date()).write_parquet(tmp_path / "a.parquet")
    assert read_file(tmp_path / "a.parquet", Limits()).rows == [
        ["7", "1.5", "2024-01-02", '["a"]'],
        [None, "2", None, "[]"],
    ]


def test_a_cut_parquet_file(tmp_path):
    pl.DataFrame({"a": ["x"] * 1000}).write_parquet(tmp_path / "a.parquet")
    write(tmp_path / "a.parquet", (tmp_path / "a.parquet").read_bytes()[:-10])
    assert refusal(tmp_path / "a.parquet").startswith("Found: a.parquet cannot be read as Parquet (")
    assert refusal(tmp_path / "a.parquet").endswith("Do: fetch or export the file again")


def test_excel(tmp_path):
    import datetime

    from openpyxl import Workbook

    book = Workbook()
    book.active.append([])
    for row in (
        ["name", "n", "when"],
        ["007", 7, datetime.datetime(2024, 1, 2, 3, 4)],
        [None, 2.5, None, "spilled"],
    ):
        book.active.append(row)
    book.create_sheet("Notes")
    book.save(tmp_path / "a.xlsx")
    read = read_file(tmp_path / "a.xlsx", Limits())
    assert read.columns == ["name", "n", "when"]
    assert read.rows == [["007", "7", "2024-01-02T03:04:00"], [None, "2.5", None]]
    assert read.notes == [
        "only the first sheet was read; the others are Notes",
        "1 rows have cells to the right of the header; those cells were left out",
    ]


def test_what_only_looks_like_excel(tmp_path):
    assert refusal(write(tmp_path / "a.xlsx", "not a zip")).startswith(
        "Found: a.xlsx cannot be read as Excel (File is not a zip file)"
    )
    with zipfile.ZipFile(tmp_path / "b.xlsx", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", b"0" * 2_000_000)
    assert refusal(tmp_path / "b.xlsx", bytes=1_000_000).startswith(
        "Found: b.xlsx holds 2,000,000 bytes unpacked"
    )


def rewritten_sheet(path, target, old, new):
    """A copy of an Excel file in which the first sheet's XML says something else."""
    with zipfile.ZipFile(path) as packed, zipfile.ZipFile(target, "w") as copy:
        for name in packed.namelist():
            data = packed.read(name)
            if name == "xl/worksheets/sheet1.xml":
                assert old in data
                data = data.replace(old, new)
            copy.writestr(name, data)
    return target


def test_excel_that_is_wrong_about_its_size_or_was_never_computed(tmp_path):
    from openpyxl import Workbook

    book = Workbook()
    for row in (["text", "n"], ["one", 1], ["two", "=B2+1"]):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    small = rewritten_sheet(tmp_path / "a.xlsx", tmp_path / "b.xlsx", b'ref="A1:B3"', b'ref="A1:A2"')
    read = read_file(small, Limits())
    assert (read.columns, read.rows) == (["text", "n"], [["one", "1"], ["two", None]])
    assert read.notes == [
        "1 cells hold a formula without its result, and are empty here; open the file in Excel or LibreOffice and "
        "save it to have them computed"
    ]
    done = rewritten_sheet(small, tmp_path / "c.xlsx", b"<v></v>", b"<v>2</v>")
    assert (read_file(done, Limits()).rows[1], read_file(done, Limits()).notes) == (["two", "2"], [])


def test_moments_beyond_pythons_years(tmp_path):
    far = pl.Series("when", [10**17, 0], pl.Int64).cast(pl.Datetime("ms"))
    pl.DataFrame([far]).write_parquet(tmp_path / "a.parquet")
    assert read_file(tmp_path / "a.parquet", Limits()).rows == [
        ["100000000000000000"],
        ["1970-01-01T00:00:00"],
    ]
    pl.DataFrame({"l": [[10**17]]}).cast(pl.List(pl.Datetime("ms"))).write_parquet(tmp_path / "b.parquet")
    assert refusal(tmp_path / "b.parquet").startswith("Found: b.parquet cannot be read as Parquet (")


def test_the_line_that_tells_excel_the_delimiter(tmp_path):
    read = read_file(write(tmp_path / "a.csv", "sep=;\nid;a, b;c\n1;x, y;z\n"), Limits())
    assert (read.delimiter, read.columns, read.rows, read.lines) == (
        ";",
        ["id", "a, b", "c"],
        [["1", "x, y", "z"]],
        [3],
    )
    assert read_file(write(tmp_path / "b.csv", "sep=,x\n1,2\n"), Limits()).columns == ["sep=", "x"]


def test_an_encoding_that_the_bytes_do_not_tell_is_not_guessed_in_silence(tmp_path):
    path = write(tmp_path / "a.csv", "id;text\n1;zażółć gęślą jaźń\n".encode("cp1250"))
    read = read_file(path, Limits())
    assert (read.encoding, read.notes) == (
        "cp1252",
        [
            "the bytes do not tell the encoding for certain; they were read as cp1252. Where letters look wrong, name "
            "it in 02_gather_data.encoding: cp1250 for Polish or Czech, cp1254 for Turkish, koi8_r for old "
            "Russian files"
        ],
    )
    assert read_file(path, Limits(), encoding="cp1250").rows == [["1", "zażółć gęślą jaźń"]]


def test_a_text_file_of_other_bytes(tmp_path):
    assert refusal(write(tmp_path / "a.txt", b"a\x01\x02" * 50)).startswith(
        "Found: a.txt holds control characters such as NUL: it is no text\n"
    )
