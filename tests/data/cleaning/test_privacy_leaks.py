"""What is planted in the demo data stands, after cleaning, in no record, example, note or clean row."""

import csv
import json
import re
from pathlib import Path

import pytest
from data_project import Notes, run, start, table, write_rows

from tailor.data.cleaning.privacy import CHECKSUMMED, mask
from tailor.data.cleaning.privacy.report import personal_data_found
from tailor.data.cleaning.replay import clean_file
from tailor.notebook import run_step
from tailor.progress import Log
from tailor.records import Cleaning
from tailor.series import find_step
from tailor.steps import clean_data

DEMO = Path(__file__).resolve().parents[3] / "data/demos/bank_support"
FILES = ["tickets_2024.csv", "tickets_2025.csv", "helpdesk_export.jsonl", "mailbox.jsonl"]


@pytest.fixture(scope="module")
def cleaned(tmp_path_factory):
    """The demo after 03, what the steps said, and the values planted in it."""
    home = tmp_path_factory.mktemp("leaks")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TAILOR_HOME", str(home))
        project = start(home)
        notes = Notes()
        for step, settings in (("02", {"sources": [str(DEMO / name) for name in FILES]}), ("03", {})):
            spec = find_step(step)
            chosen = project.settings(spec, settings)
            run_step(project, spec, chosen, project.inputs(spec, chosen), notes)
        with (DEMO / "planted.csv").open(encoding="utf-8") as file:
            planted = [
                row for row in csv.DictReader(file) if row["kind"].startswith("pii_") and row["file"] in FILES
            ]
        yield project, notes, planted


def standing(values, text):
    """Those of the values that stand in a text as words of their own."""
    here = (value for value in values if value in text)
    return {value for value in here if re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text)}


def test_no_planted_value_stands_in_a_record_a_block_or_a_note(cleaned):
    project, notes, planted = cleaned
    record = project.path("cleaning.json").read_text(encoding="utf-8")
    shown = str(clean_data.blocks(project))
    # first names alone are words of the language too ("Grace"); whole names and everything else may not appear
    values = {row["detail"] for row in planted if " " in row["detail"] or row["kind"] != "pii_name"}
    assert len(values) > 500
    for text in (record, shown, "\n".join(notes.said)):
        assert standing(values, text) == set()
    first = {row["detail"] for row in planted if row["kind"] == "pii_name" and " " not in row["detail"]}
    pairs = [entry["examples"] for entry in json.loads(record)["operations"]]
    greeted = re.findall(r"(?:Hello|Hi|Dear|Good day) (\w+),", str(pairs))
    assert not first & set(greeted)


def test_of_what_is_planted_next_to_nothing_is_left_in_the_clean_rows(cleaned):
    project, _, planted = cleaned
    rows = table(project, "clean.parquet")
    text = "\n".join(cell for column in rows.columns[2:] for cell in rows[column].drop_nulls())
    for kind in ("pii_email", "pii_iban", "pii_card_number", "pii_phone", "pii_address"):
        assert standing({row["detail"] for row in planted if row["kind"] == kind}, text) == set()
    names = {row["detail"] for row in planted if row["kind"] == "pii_name" and " " in row["detail"]}
    assert len(standing(names, text)) <= 0.01 * len(names)
    assert mask(text, kinds=CHECKSUMMED) == text


def test_masking_drops_no_row_and_is_told_by_column_and_kind(cleaned):
    project, _, planted = cleaned
    record = project.load(Cleaning, "cleaning.json")
    entry = next(item for item in record.operations if item.name == "mask_personal_data")
    assert entry.dropped == 0
    found = {kind: sum(kinds.get(kind, 0) for kinds in entry.found.values()) for kind in ("card", "iban")}
    kinds = {"card": "pii_card_number", "iban": "pii_iban"}  # most addresses went with the signatures before
    for kind, name in kinds.items():
        there = sum(row["kind"] == name for row in planted)
        assert 0.8 * there <= found[kind] <= 1.2 * there
    heading, shown, *_ = personal_data_found(record.operations)
    assert heading.text == "Personal data"
    assert "payment cards" in shown.columns
    assert shown.rows[-1][0] == "all"


def test_stand_ins_go_to_the_vault_and_nowhere_else(tmp_path, monkeypatch):
    monkeypatch.setenv("TAILOR_HOME", str(tmp_path))
    project = start(tmp_path)
    rows = [
        {"message": f"Hello, case {n}. My address is a{n}@mail.example, call back", "reply": "ok"}
        for n in range(9)
    ]
    write_rows(tmp_path / "a.jsonl", rows)
    run(project, "02", sources=[str(tmp_path / "a.jsonl")])
    run(
        project,
        "03",
        **{"operations.mask_personal_data.write": "stand-ins", "operations.drop_near_duplicates.off": True},
    )
    clean = table(project, "clean.parquet")["message"].to_list()
    assert clean[8] == "Hello, case 8. My address is person9@example.com, call back"
    vault = json.loads((tmp_path / "private/mine/stand_ins.json").read_text())
    assert vault["email"]["stand_ins"]["a8@mail.example"] == "person9@example.com"
    for file in project.path("").rglob("*"):
        if file.is_file() and file.parent.name != "raw":
            assert b"a8@mail.example" not in file.read_bytes()


def test_with_more_rows_everybody_keeps_the_stand_in(tmp_path, monkeypatch):
    monkeypatch.setenv("TAILOR_HOME", str(tmp_path))
    project = start(tmp_path)
    settings = {
        "operations.mask_personal_data.write": "stand-ins",
        "operations.drop_near_duplicates.off": True,
    }
    seen = []
    for people in (("Ann Roe", "Bob Hill"), ("Eve Fox", "Bob Hill", "Ann Roe")):
        rows = [
            {
                "message": f"Hello, this is case {n}.\nKind regards\n{name}\n{name[:3]}@mail.example",
                "reply": "ok",
            }
            for n, name in enumerate(people)
        ]
        write_rows(tmp_path / "a.jsonl", rows)
        run(project, "02", sources=[str(tmp_path / "a.jsonl")])
        run(project, "03", **settings)
        texts = table(project, "clean.parquet")["message"]
        seen.append({name: text.split("\n")[2:] for name, text in zip(people, texts, strict=True)})
    first, later = seen
    assert first["Ann Roe"] == later["Ann Roe"]
    assert first["Bob Hill"] == later["Bob Hill"]
    assert [later[name][1] for name in later] == [f"person{n}@example.com" for n in (3, 2, 1)]
    assert len({tuple(found) for found in later.values()}) == 3
    project.choose(find_step("03_clean_data"), project.settings(find_step("03_clean_data"), settings))
    new = project.path("").parent / "new.csv"
    new.write_text("message,reply\nThis is my new address: bob@mail.example,ok\n")
    assert clean_file(project, new, new.with_suffix(".jsonl"), Log()) == (1, 1)
    assert "person2@example.com" in new.with_suffix(".jsonl").read_text()
