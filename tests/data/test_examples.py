"""Rows become the same examples however many are worked on at a time, and wherever their text is kept meanwhile."""

import json

import polars as pl
import pytest

from tailor.data import examples
from tailor.data.annotations import Annotation, row_key
from tailor.data.drafts import Draft
from tailor.data.examples import format_rows
from tailor.data.roles import find_roles
from tailor.errors import WorkbenchError

COUNT = 23


def question(n):
    return f"Where can I see the limit of my account number {n}, and who may raise it for me?"


def answer(n):
    return (
        "" if n % 7 == 3 else f"You see limit {n} under Payments, and we are glad to raise it for you today."
    )


def chat(n):
    opening = [{"role": "assistant", "content": "Hello!"}] if n % 5 == 0 else []
    said = [
        ("user", question(n)),
        ("assistant", answer(1)),
        ("user", f"And card {n}?"),
        ("assistant", answer(2)),
    ]
    return json.dumps(opening + [{"role": role, "content": text} for role, text in said])


TABLES = {
    "plain": {
        "question": [question(n) for n in range(COUNT)],
        "answer": [answer(n) for n in range(COUNT)],
        # day and month are told apart by the last row alone
        "created_at": [f"0{n % 9 + 1}/04/2025 10:00" for n in range(COUNT - 1)] + ["30/04/2025 10:00"],
        "customer_id": [f"c{n // 2}" for n in range(COUNT)],
    },
    "conversations": {"messages": [chat(n) for n in range(COUNT)]},
    "turns": {
        "conversation_id": [f"t{n % 4}" for n in range(COUNT)],
        "speaker": [("client", "desk")[n // 4 % 2] for n in range(COUNT)],
        "text": [question(n) if n // 4 % 2 == 0 else answer(1) + str(n) for n in range(COUNT)],
    },
    "pairs": {
        "prompt": [question(n) for n in range(COUNT)],
        "chosen": [answer(n) for n in range(COUNT)],
        "rejected": [f"That is not our matter {n}." for n in range(COUNT)],
    },
}


def frame(name):
    ids = {"row_id": [f"a:{n}" for n in range(COUNT)], "source": ["a"] * COUNT}
    return pl.DataFrame(ids | TABLES[name], schema=dict.fromkeys((*ids, *TABLES[name]), pl.String))


def formatted(name, folder=None, **more):
    table = frame(name)
    made = format_rows(table, "respond", find_roles(table, "respond", {}), True, folder=folder, **more)
    names = sorted(made.rows.columns)
    return made.rows.select(names), made.set_aside, made.notes, made.annotated


@pytest.mark.parametrize("name", TABLES)
def test_few_at_a_time_and_on_disk_is_the_same(name, monkeypatch, tmp_path):
    rows, *told = formatted(name)
    assert rows.height > 5
    monkeypatch.setattr(examples, "AT_A_TIME", 4)
    few, *same = formatted(name, tmp_path)
    assert few.equals(rows)
    assert same == told


def test_what_is_told_of_all_rows_is_told_once(monkeypatch):
    monkeypatch.setattr(examples, "AT_A_TIME", 4)
    rows, set_aside, *_ = formatted("plain")
    assert rows["time"][0] == "2025-04-01T10:00"
    assert [reason for *_, reason in set_aside] == ["the output is empty"] * 3
    assert formatted("conversations")[2] == [
        "5 conversations: the assistant speaks first; what it says before the first question is not shown to the model"
    ]


def test_an_annotation_finds_its_row_anywhere(monkeypatch):
    monkeypatch.setattr(examples, "AT_A_TIME", 4)
    key = row_key(Draft(0, "", question(20)))
    said = [Annotation("another:1", key, "ann", "answer", "Ask the branch.")]
    rows, *_, annotated = formatted("plain", annotations=said)
    assert rows.filter(id="a:20")["output"].to_list() == ["Ask the branch."]
    assert annotated == {"changed by hand": 1}


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(WorkbenchError) as caught:
        formatted("plain", tmp_path / "gone")
    assert caught.value.found.startswith(f"{tmp_path / 'gone' / 'rows.arrow'} could not be read or written")
