"""Tables of our own: a damaged one is refused, every time."""

import random

import polars as pl
import pytest

from tailor.data.tables import map_table, read_pieces, read_table, write_groups, write_table
from tailor.errors import WorkbenchError


@pytest.fixture
def path(tmp_path):
    rng = random.Random(0)
    texts = [" ".join(rng.choice(["card", "fee", "app", "loan"]) for _ in range(30)) for _ in range(300)]
    write_table(pl.DataFrame({"a": texts, "n": list(range(300))}), tmp_path / "t.parquet")
    return tmp_path / "t.parquet"


def test_what_was_written_is_read(path):
    assert read_table(path, "03_clean_data").shape == (300, 2)


def test_tables_below_one_another_are_read_whole_and_piece_by_piece(tmp_path):
    parts = [pl.DataFrame({"a": [f"{n} {place}" for n in range(3)]}) for place in range(4)]
    write_groups(iter(parts), tmp_path / "g.parquet")
    assert [piece["a"].to_list() for piece in read_pieces(tmp_path / "g.parquet", "04")] == [
        part["a"].to_list() for part in parts
    ]
    mapped = map_table(iter(parts), tmp_path / "g.arrow")
    assert mapped.equals(read_table(tmp_path / "g.parquet", "04"))
    assert mapped.equals(pl.concat(parts))


def test_of_a_large_table_no_row_group_is_larger_than_a_piece(tmp_path):
    write_table(pl.DataFrame({"n": range(45_000)}), tmp_path / "t.parquet")
    assert [piece.height for piece in read_pieces(tmp_path / "t.parquet", "04")] == [20_000, 20_000, 5_000]
    write_table(pl.DataFrame(schema={"a": pl.String}), tmp_path / "none.parquet")
    assert read_table(tmp_path / "none.parquet", "04").schema == {"a": pl.String}


def test_no_flipped_bit_in_the_data_goes_unnoticed(path):
    whole = path.read_bytes()
    sound = read_table(path, "03_clean_data")
    rng = random.Random(1)
    refusals = []
    for _ in range(60):
        place = rng.randrange(len(whole))
        path.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << rng.randrange(8))]) + whole[place + 1 :])
        try:
            # a flip in the footer's descriptive metadata (library version, key-value notes) changes no value
            assert read_table(path, "03_clean_data").equals(sound)
        except WorkbenchError as error:
            refusals.append((error.found.startswith(f"{path} cannot be read ("), error.fix))
    assert len(refusals) >= 30
    assert set(refusals) == {(True, "run 03_clean_data again")}


@pytest.mark.parametrize("size", [0, 3, 500])
def test_a_cut_file(path, size):
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(WorkbenchError) as caught:
        read_table(path, "03_clean_data")
    assert caught.value.found.startswith(f"{path} cannot be read (")
    assert caught.value.needed == "the table as 03_clean_data wrote it"


def test_a_missing_file(tmp_path):
    with pytest.raises(WorkbenchError) as caught:
        read_table(tmp_path / "t.parquet", "03_clean_data")
    assert str(caught.value) == (
        f"Found: there is no {tmp_path / 't.parquet'}\n"
        "Needed: the table as 03_clean_data wrote it\n"
        "Do: run 03_clean_data again"
    )
