"""The demo data: the same bytes every time, the plants where the record says, and text that varies."""

import csv
import io
import json
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from tailor import demos
from tailor.demos import bank_support, people
from tailor.demos.bank import Bank

COMMITTED = Path(__file__).parents[2] / "data" / "demos"
CSV_FORM = {"tickets_2024.csv": ("cp1252", ";"), "intents_2024.csv": ("cp1252", ";")}


@cache
def bank() -> Bank:
    """The world of the committed seed."""
    return Bank(demos.SEED)


def read(name: str, file: str) -> dict[int, dict]:
    """The rows of one raw file by the number that the record uses; broken lines are left out."""
    raw = (COMMITTED / name / file).read_bytes()
    if file.endswith(".jsonl"):
        rows = {}
        for number, line in enumerate(raw.decode("utf-8").splitlines(), 1):
            try:
                rows[number] = json.loads(line)
            except json.JSONDecodeError:
                continue
        return rows
    encoding, delimiter = CSV_FORM.get(file, ("utf-8-sig", ","))
    reader = csv.DictReader(io.StringIO(raw.decode(encoding), newline=""), delimiter=delimiter)
    return dict(enumerate(reader, 1))


def value(row: dict, column: str):
    """A cell, also a nested one."""
    for part in column.split("."):
        row = row[part]
    return row


def planted(name: str) -> list[dict]:
    """The record of plants."""
    with (COMMITTED / name / "planted.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def squeezed(text: str) -> str:
    """A text without differences of case and blanks."""
    return " ".join(text.split()).casefold()


@pytest.mark.parametrize("name", demos.NAMES)
def test_same_bytes_as_committed(name, tmp_path):
    demos.build(name, tmp_path)
    fresh = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    kept = {path.name: path.read_bytes() for path in (COMMITTED / name).iterdir() if path.name in fresh}
    assert fresh.keys() == kept.keys()
    assert [file for file in fresh if fresh[file] != kept[file]] == []


def test_another_seed_gives_other_text(tmp_path):
    demos.build("bank_intents", tmp_path, seed=8)
    assert (tmp_path / "new_month.csv").read_bytes() != (
        COMMITTED / "bank_intents/new_month.csv"
    ).read_bytes()


def test_unknown_demo_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no demo 'bank'"):
        demos.build("bank", tmp_path)


@pytest.mark.parametrize("name", demos.NAMES)
def test_small_enough(name):
    assert sum(path.stat().st_size for path in (COMMITTED / name).iterdir()) < 1.65e6


@pytest.mark.parametrize("name", demos.NAMES)
def test_record_points_at_what_it_names(name):
    """Each plant's row exists, carries the id, and (personal data, labels, blanks) holds the value named."""
    tables, wrong = {}, []
    for plant in planted(name):
        table = tables.setdefault(plant["file"], read(name, plant["file"]))
        number = int(plant["row"])
        if plant["kind"] == "broken_line":
            assert number not in table
            continue
        row = table[number]
        assert plant["id"] in row.values()
        if plant["kind"].startswith("pii_"):
            cell = value(row, plant["column"]).replace("\n", " ")
            if plant["detail"] not in cell:
                wrong.append(plant)
        elif plant["kind"].startswith("empty_") and plant["column"] != "*":
            assert len(value(row, plant["column"]).strip()) <= 3
    assert wrong == []


@pytest.mark.parametrize("name", demos.NAMES)
def test_twins_are_twins(name):
    """Exact copies and repeats agree with their twin up to case and blanks; near copies do not."""
    by_id, kinds = {}, Counter()
    for file in {plant["file"] for plant in planted(name)}:
        by_id |= {next(iter(row.values())): row for row in read(name, file).values()}
    for plant in planted(name):
        if (
            plant["kind"] not in ("exact_duplicate", "leak", "near_duplicate")
            or plant["file"] == "mailbox.jsonl"
        ):
            continue
        one = squeezed(value(by_id[plant["id"]], plant["column"]))
        twin = by_id[plant["twin_id"]]
        column = next(c for c in ("Customer_Message", "message", "text", "customer", "body") if c in twin)
        two = twin[column]
        two = squeezed(two["text"] if isinstance(two, dict) else two)
        assert (one == two) == (plant["kind"] != "near_duplicate"), plant
        kinds[plant["kind"]] += 1
    assert kinds["exact_duplicate"] > 40
    assert kinds["leak"] > 20


@pytest.mark.parametrize("name", demos.NAMES)
def test_no_duplicates_but_the_planted(name):
    """Two rows with the same message are a recorded pair, so recall and precision can both be measured."""
    noted = {
        plant["id"]
        for plant in planted(name)
        if plant["kind"] in ("exact_duplicate", "leak", "near_duplicate")
    }
    seen: dict[str, str] = {}
    for file in sorted({plant["file"] for plant in planted(name)}):
        for row in read(name, file).values():
            column = next(c for c in ("Customer_Message", "message", "text", "customer", "body") if c in row)
            text = row[column]["text"] if isinstance(row[column], dict) else row[column]
            name_of = next(iter(row.values()))
            if len(text.strip()) > 3 and name_of not in noted:
                assert squeezed(text) not in seen, (name_of, seen[squeezed(text)])
                seen[squeezed(text)] = name_of


@pytest.mark.parametrize("name", demos.NAMES)
def test_datasheet_counts(name):
    """The table of the datasheet is the count of the record."""
    sheet = (COMMITTED / name / "DATASHEET.md").read_text(encoding="utf-8")
    for kind, count in Counter(plant["kind"] for plant in planted(name)).items():
        assert f"| {kind} | {count} |" in sheet
    assert "{" not in sheet.replace("`{", "")


def test_personal_data_is_valid_and_free():
    """IBANs check out over the unassigned bank code, cards are test numbers, domains are reserved."""
    cards = {re.sub(r"\D", "", card) for card in bank().world["test_cards"]}
    kinds = Counter()
    for plant in planted("bank_support"):
        kinds[plant["kind"]] += 1
        plain = re.sub(r"\s", "", plant["detail"])
        if plant["kind"] == "pii_iban":
            assert people.iban_valid(plain)
            assert plain[4:12] == "00000000"
        elif plant["kind"] == "pii_card_number":
            assert people.luhn_valid(plain)
            assert plain in cards
        elif plant["kind"] == "pii_email":
            assert re.search(r"@(example\.(com|org|net)|mail\.example)$", plain, re.IGNORECASE)
    assert min(kinds[f"pii_{kind}"] for kind in ("iban", "card_number", "email", "phone", "name")) > 30


def test_checks_refuse_wrong_numbers():
    assert people.iban_valid("DE89 3704 0044 0532 0130 00")  # the example of the standard
    assert not people.iban_valid("DE88 3704 0044 0532 0130 00")
    assert not people.luhn_valid("4111 1111 1111 1112")


def test_text_varies():
    """Many situations, and no skeleton of a message or reply that a model could learn by heart."""
    rows = bank().history()
    assert len({row.situation for row in rows}) >= 50
    assert len({row.intent for row in rows}) == 16
    assert len({row.skeleton for row in rows}) >= 600
    assert len({row.reply for row in rows}) >= 0.95 * len(rows)
    assert max(Counter(row.reply_skeleton for row in rows).values()) <= 0.02 * len(rows)
    assert sum(len(row.message + row.reply) <= 900 for row in rows) > 0.97 * len(rows)


def test_no_open_slots_or_choices():
    """The grammar left nothing unfilled."""
    for row in bank().history() + bank().later():
        for text in (row.subject, row.message, row.reply):
            assert not re.search(r"[{}|<]|\b(the|your|my) (a|your|my) ", text), text


def test_replies_repeat_only_what_was_said():
    """A sum in a reply stands in its message too, apart from the bank's own prices and limits."""
    own = {"3.90", "7.90", "3", "4", "5", "12", "300", "1,000", "2,000", "25,000"}
    for row in bank().history():
        said = row.message.replace(",", "")
        for amount in re.findall(r"€(\d(?:[\d,]*\d)?(?:\.\d\d)?)", row.reply):
            assert amount in own or amount.replace(",", "") in said, (row.message, row.reply)


def test_lost_cards_are_blocked_first():
    """The guideline "block first" holds in the undamaged replies."""
    for row in bank().history():
        if row.situation in ("lost_somewhere", "stolen_used", "lost_abroad") and "b" not in row.uid:
            reply = row.reply.lower()
            later = [reply.find(word) for word in ("replacement", "new card", "refund") if word in reply]
            assert 0 <= reply.find("block") < min([*later, len(reply)]), row.reply


def test_later_month_drifts():
    """The later rows are later, longer, and bring a topic of their own."""
    old, new = bank().history(), bank().later()
    assert max(row.created for row in old) < min(row.created for row in new)
    assert sum(len(row.message) for row in new) / len(new) > 1.25 * sum(
        len(row.message) for row in old
    ) / len(old)
    assert "payee_name_check" in {row.intent for row in new} - {row.intent for row in old}


def test_enough_usable_rows():
    """After the rows that cleaning should drop, about 1,500 remain in each demo."""
    drop = {
        "exact_duplicate",
        "near_duplicate",
        "empty_row",
        "empty_message",
        "empty_reply",
        "empty_intent",
        "truncated",
    }
    drop |= {"wrong_language", "off_guideline", "auto_reply", "mismatched_reply", "leak"}
    for name, later in (("bank_support", "later.csv"), ("bank_intents", "new_month.csv")):
        files = {plant["file"] for plant in planted(name)} - {later}
        bad = {plant["id"] for plant in planted(name) if plant["kind"] in drop and plant["file"] != later}
        assert sum(len(read(name, file)) for file in files) - len(bad) > 1400


def test_arrangement_is_in_time_order():
    for layout in bank_support.arrange(Bank(demos.SEED)):
        assert [row.created for row in layout.rows] == sorted(row.created for row in layout.rows)
