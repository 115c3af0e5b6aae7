"""A history runs the same on one table and on any pieces of it, and nothing it drops is lost."""

import json

import polars as pl
import pytest

from tailor.data.cleaning.by_hand import KeepRows
from tailor.data.cleaning.history import History, for_new_rows
from tailor.data.cleaning.operation import Columns, drop
from tailor.data.cleaning.pipeline import clean
from tailor.data.cleaning.plan import OPERATIONS, STANDARD, change_setting, choose_columns, read_operations
from tailor.data.cleaning.sieves import DropEmpty, DropLong
from tailor.data.cleaning.text_repairs import NormalizeText, RemoveHtml
from tailor.data.columns import describe_columns
from tailor.errors import WorkbenchError
from tailor.progress import Log
from tailor.settings import describe

FOOTER = "\n\nHarbour Street 1, open from nine to five, we never ask for your PIN."
WORDS = ["cards", "loans", "fees", "limits", "rates", "savings", "phones", "codes", "branches", "letters"]


def rows(count=60):
    """Rows with something for every standard operation, spread over the table."""
    plain, texts, labels, who = [], [], [], []
    for n in range(count):
        word = WORDS[n % 10]
        text = f"Could you please tell me about matter number {n} and my {word}, I have been waiting for it"
        text = "Ich möchte wissen, wann meine neue Karte endlich ankommt" if n % 23 == 5 else text
        text = plain[-8].upper() if n % 11 == 9 else text
        text = plain[-4].replace("please", "kindly") if n % 13 == 12 else text
        plain.append(text)
        text = f"<p>{text}</p> cafÃ©  &amp; +44 20 7946 00{n:02d}" if n % 5 == 1 else text
        texts.append("" if n % 17 == 16 else text + (FOOTER if n % 3 else ""))
        labels.append(["Card lost", "card-lost", "fee", "Fee "][n % 4])
        who.append(f"person{n % 7}@mail.example")
    ids = [f"{'a' if n < 30 else 'b'}.csv:{n % 30 + 2}" for n in range(count)]
    data = {"row_id": ids, "source": [i[:5] for i in ids], "text": texts, "intent": labels, "who": who}
    return pl.DataFrame(data)


def columns(frame, **known):
    return choose_columns(describe_columns(frame), ["text"], ["intent"], **known)


def refusal(call, *args, **kwargs):
    with pytest.raises(WorkbenchError) as caught:
        call(*args, **kwargs)
    return str(caught.value)


@pytest.mark.parametrize("size", [1, 7, 31])
def test_any_pieces_give_the_same_tables_and_the_same_record(size):
    frame = rows()
    known = columns(frame, frozen_sources=["b.csv"])
    whole = clean(frame, STANDARD, known, Log())
    pieces = clean(frame, STANDARD, known, Log(), rows_per_chunk=size)
    assert whole[0].equals(pieces[0])
    assert whole[1].equals(pieces[1])
    assert whole[2] == pieces[2]
    by_name = {item.name: item for item in whole[2]}
    idle = {name for name, item in by_name.items() if not item.changed + item.dropped}
    assert idle == {"keep_rows", "drop_long"}


def test_every_row_is_kept_or_dropped_with_entry_and_reason():
    frame = rows()
    kept, dropped, done = clean(frame, STANDARD, columns(frame), Log())
    assert sorted([*kept["row_id"], *dropped["row_id"]]) == sorted(frame["row_id"])
    assert dropped.columns == [*frame.columns, "operation", "entry", "reason"]
    assert dropped["reason"].null_count() == 0
    for item in done:
        assert dropped.filter(entry=item.number, operation=item.name).height == item.dropped


def test_protected_rows_come_back_to_their_place():
    frame = rows()
    gone = clean(frame, STANDARD, columns(frame), Log())[1]["row_id"].to_list()
    back = [gone[-1], gone[0]]
    history = change_setting(STANDARD, "keep_rows.rows", back)
    kept, dropped, _ = clean(frame, history, columns(frame), Log())
    assert set(back) <= set(kept["row_id"])
    assert not set(back) & set(dropped["row_id"])
    order = {row_id: place for place, row_id in enumerate(frame["row_id"])}
    places = [order[row_id] for row_id in kept["row_id"]]
    assert places == sorted(places)
    assert kept.equals(clean(frame, history, columns(frame), Log(), rows_per_chunk=4)[0])


def test_an_entry_that_is_off_is_recorded_and_does_nothing():
    frame = rows()
    done = clean(frame, [NormalizeText(off=True), RemoveHtml()], columns(frame), Log())[2]
    assert [(item.name, item.number, item.off, item.changed > 0) for item in done] == [
        ("normalize_text", 1, True, False),
        ("remove_html", 2, False, True),
    ]


def test_data_columns_called_like_ours_make_way():
    frame = rows(3).with_columns(reason=pl.lit("theirs"), operation=pl.lit("too"))
    _, dropped, _ = clean(frame, [DropLong(columns=["text"], max_characters=120)], columns(frame), Log())
    assert dropped["reason_in_data"].unique().to_list() == ["theirs"]
    assert dropped["operation"].unique().to_list() == ["drop_long"]


def test_a_column_that_is_not_there_is_refused_or_passed_over():
    frame = rows()
    history = [NormalizeText(), RemoveHtml(columns=["txt"])]
    assert refusal(clean, frame, history, columns(frame), Log()) == (
        "Found: entry 2 (remove_html) names the column 'txt', and there is no such column then\n"
        "Needed: one of: text, intent, who\n"
        "Do: correct the column's name in that entry. Did you mean 'text'?"
    )
    kept = clean(frame, history, columns(frame), Log(), absent_columns="skip")[0]
    assert kept.equals(clean(frame, history[:1], columns(frame), Log())[0])


def test_a_table_without_rows_stays_one():
    kept, dropped, _ = clean(rows().clear(), STANDARD, columns(rows()), Log())
    assert (kept.height, dropped.height) == (0, 0)
    assert dropped.columns[-3:] == ["operation", "entry", "reason"]


def test_new_columns_join_the_groups_of_the_one_they_came_from():
    known = Columns(names=("a", "b"), texts=("a",), coded=("a", "b"))
    assert known.with_new(["c"], like="a") == Columns(
        names=("a", "c", "b"), texts=("a", "c"), coded=("a", "c", "b")
    )
    assert known.renamed({"a": "x"}).without(["b"]) == Columns(names=("x",), texts=("x",), coded=("x",))


def test_a_dropped_row_is_told_as_it_was():
    frame = rows(2)
    outcome = drop(frame, {"a.csv:3": "why"})
    assert outcome.dropped.drop("cleaning:reason").equals(frame.tail(1))


@pytest.mark.parametrize("kind", OPERATIONS.values(), ids=list(OPERATIONS))
def test_every_operation_is_described_and_comes_back_from_its_entry(kind):
    assert kind.title
    assert kind.__doc__
    assert OPERATIONS[kind.name] is kind
    assert all(setting.explain for setting in describe(kind))
    if not any(setting.required for setting in describe(kind)):
        entry = kind().model_dump(mode="json")
        assert read_operations([entry, kind().model_dump(exclude_defaults=True)]) == [kind(), kind()]
        json.dumps(entry)


# --- the history ---------------------------------------------------------------------------------------------------
def test_edits_are_undone_and_redone():
    history = History([DropEmpty(), NormalizeText()])
    history.add(RemoveHtml(), 1)
    history.move(1, 3)
    history.switch(1, True)
    history.change(3, columns=["text"])
    history.remove(2)
    after = [DropEmpty(off=True), RemoveHtml(columns=["text"])]
    assert list(history.operations) == after
    for _ in range(5):
        history.undo()
    assert list(history.operations) == [DropEmpty(), NormalizeText()]
    assert not history.can_undo
    history.undo()
    for _ in range(5):
        history.redo()
    assert list(history.operations) == after
    assert not history.can_redo


def test_a_new_edit_forgets_what_was_undone_and_an_equal_one_is_none():
    history = History([DropEmpty()])
    history.switch(1, False)
    assert not history.can_undo
    history.switch(1, True)
    history.undo()
    history.add(RemoveHtml())
    assert not history.can_redo


def test_equal_histories_have_equal_digests():
    one, other = History(), History()
    assert one == other
    assert hash(one) == hash(other)
    other.change(12, threshold=0.7)
    assert one != other
    assert one.digest() != other.digest()


def test_yaml_holds_what_differs_and_comes_back():
    history = History([DropEmpty(), DropLong(off=True, max_characters=50)])
    assert history.to_yaml() == (
        "- operation: drop_empty\n- operation: drop_long\n  'off': true\n  max_characters: 50\n"
    )
    assert History.from_yaml(history.to_yaml()) == history
    assert History.from_yaml("[drop_empty]").operations == (DropEmpty(),)


def test_a_file_comes_back_in_another_project(tmp_path):
    history = History()
    history.change(12, threshold=0.65)
    history.save(tmp_path / "history.json")
    assert History.load(tmp_path / "history.json") == history


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "Found: there is no file FILE\nNeeded: a history in JSON\nDo: check the path"),
        ("{", "Found: FILE cannot be read ("),
        ("[" * 100_000, "Found: FILE cannot be read ("),
        ("[]", 'Found: FILE is no history\nNeeded: a JSON object with "tailor_history": 1\n'),
        (
            '{"tailor_history": 1, "operations": [{"operation": "drop_empty"}, {"operation": "drop_log"}]}',
            "Found: h.json: entry 2 is the unknown operation 'drop_log'\n",
        ),
        (
            '{"tailor_history": 1, "operations": [{"operation": "drop_long", "max_characters": 0}]}',
            "Found: h.json: entry 1 (drop_long).max_characters is 0\n",
        ),
    ],
    ids=["missing", "broken", "deep", "list", "unknown", "bounds"],
)
def test_a_file_of_somebody_elses_is_checked(tmp_path, text, told):
    path = tmp_path / "h.json"
    if text is not None:
        path.write_text(text)
    assert refusal(History.load, path).replace(str(path), "FILE").startswith(told)


def test_entries_about_single_rows_mean_nothing_on_other_data():
    assert for_new_rows([KeepRows(rows=["a.csv:2"]), DropEmpty(), DropLong(off=True)]) == [DropEmpty()]


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (
            "drop_empti.off",
            True,
            "Found: 03_clean_data.operations.drop_empti: there is no such operation\n",
        ),
        (
            "drop_empty.of",
            True,
            "Found: 03_clean_data.operations.drop_empty has no setting 'of'\n"
            "Needed: one of: off, columns\nDo: correct the name. Did you mean 'off'?",
        ),
        (
            "drop_long.off",
            True,
            "Found: 03_clean_data.operations holds drop_long 2 times, as entries 2 and 3\nNeeded: one of them\n"
            "Do: write 03_clean_data.operations.2 instead of 03_clean_data.operations.drop_long",
        ),
        (
            "remove_html.off",
            True,
            "Found: 03_clean_data.operations.remove_html: the history has no such entry\n",
        ),
        (
            "9.off",
            True,
            "Found: 03_clean_data.operations.9: there is no such operation\n",
        ),
    ],
)
def test_a_path_that_leads_nowhere(path, value, told):
    history = [DropEmpty(), DropLong(), DropLong(max_characters=9)]
    assert refusal(change_setting, history, path, value).startswith(told)
    assert change_setting(history, "3.off", True)[2].off


def test_entries_are_refused_by_their_number():
    assert refusal(read_operations, ["drop_empty", {"operation": "drop_emtpy"}]).startswith(
        "Found: 03_clean_data.operations entry 2 is the unknown operation 'drop_emtpy'\n"
    )
    assert refusal(read_operations, ["drop_empty", 5]) == (
        "Found: 03_clean_data.operations entry 2 is 5\nNeeded: 'operation: NAME' and its settings\n"
        "Do: name the operation in that entry"
    )
    assert refusal(read_operations, {"a": 1}).startswith("Found: 03_clean_data.operations is {'a': 1}\n")
