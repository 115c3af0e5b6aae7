"""Two encodings in one file, NUL bytes, encoding damage of many kinds: read, told, and cleaned to the end."""

import polars as pl
import pytest
from data_project import run, start, table

from tailor.data.cleaning.operation import Columns
from tailor.data.cleaning.text_repairs import RepairEncoding

GOOD = "The café bill was wrong and I would like my money back, please"


def test_two_encodings_and_nul_bytes_are_counted_told_and_cleaned(tmp_path, monkeypatch):
    monkeypatch.setenv("TAILOR_HOME", str(tmp_path))
    project = start(tmp_path)
    lines = [f'"{GOOD} case {n}",we will look at it\n'.encode() for n in range(6)]
    lines += [
        "The café of line eight broke,ok sure\n".encode("cp1252"),
        b"This has a NUL\x00 inside,fine thanks\n",
    ]
    lines += [b"x\x00\x00,\x00\n", b"one,two,three\n"]
    (tmp_path / "mixed.csv").write_bytes(b"message,reply\n" + b"".join(lines))
    (source,) = run(project, "02", sources=[str(tmp_path / "mixed.csv")]).sources
    assert (source.encoding, source.rows, source.unreadable) == ("utf-8 with cp1252", 9, 1)
    assert source.notes[:2] == [
        "1 lines are not UTF-8 and were read as cp1252 (line 8)",
        "4 NUL characters were removed",
    ]
    (bad,) = table(project, "raw/unreadable.parquet").rows(named=True)
    assert (bad["row_id"], bad["reason"]) == ("mixed.csv:11", "has 3 cells where the header has 2")
    done = run(project, "03")
    dropped = table(project, "dropped.parquet")
    assert done.rows_in == done.rows_out + dropped.height == 9
    assert dropped.filter(pl.col("row_id") == "mixed.csv:10")["reason"].to_list() == ["'reply' is empty"]
    kept = table(project, "clean.parquet")["message"].to_list()
    assert "The café of line eight broke" in kept
    assert "This has a NUL inside" in kept


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        ("С„СѓС‚Р±РѕР»", "футбол"),
        ("◊ë◊î◊ï◊ì◊¢◊î", "בהודעה"),
        ("Ř±ŘłŘ§Ů„Ř©", "رسالة"),
        ("\x84Handwerk bringt dich überall hin\x93", "„Handwerk bringt dich überall hin“"),
        ("voilÃ le travail", "voilà le travail"),
        ("a dash ΓÇô here", "a dash – here"),
        ("├┤a┼┐a┼┐a┼┐a", "├┤a┼┐a┼┐a┼┐a"),  # drawn
        ("AMANHÃ DE MANHÃ, IRMÃ", "AMANHÃ DE MANHÃ, IRMÃ"),
        ("Сёстры, «Рёв» – №5 Сі", "Сёстры, «Рёв» – №5 Сі"),
    ],
)
def test_damage_in_many_scripts_is_undone_and_sound_text_stays(text, mended):
    around = (
        f"Some long and wholly plain words before it: {text}, and as many plain words that follow behind it."
    )
    cells = pl.Series("t", [text, around])
    after = RepairEncoding().repair(cells, Columns())
    assert after.to_list() == [mended, around.replace(text, mended)]
