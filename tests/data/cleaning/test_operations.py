"""The operations that are not in every history: each on what it is for, and on what it must leave alone."""

import json

import numpy as np
import polars as pl
import pytest

from tailor.data.cleaning.bad_dates import BadDates
from tailor.data.cleaning.corrupt import DropCorrupt, DropCutOff, DropShifted
from tailor.data.cleaning.doubt import DOUBT
from tailor.data.cleaning.incomplete import CompleteByRule, FillEmpty, FillFromSiblings
from tailor.data.cleaning.label_errors import suspects
from tailor.data.cleaning.labels import MergeLabels
from tailor.data.cleaning.lengths import (
    DropByLength,
    DropRepetitive,
    repeated_lines,
    repeated_ngrams,
    top_ngram,
)
from tailor.data.cleaning.operation import REASON, Columns
from tailor.data.cleaning.outliers import Outliers
from tailor.data.cleaning.own_function import OwnFunction
from tailor.data.cleaning.pipeline import clean
from tailor.data.cleaning.plan import OPERATIONS, read_operations, write_operations
from tailor.data.cleaning.replies import AutomaticReplies, MismatchedReplies
from tailor.data.cleaning.words import RemoveStopWords, StemWords, UnifyTerms, with_glossary
from tailor.errors import WorkbenchError
from tailor.progress import Log
from tailor.records import Term


def table(**columns):
    count = len(next(iter(columns.values())))
    rows = [f"a.csv:{n + 2}" for n in range(count)]
    types = dict.fromkeys(columns, pl.String)
    return pl.DataFrame({"row_id": rows, "source": ["a.csv"] * count, **columns}, schema_overrides=types)


def known(frame, **groups):
    names = tuple(name for name in frame.columns if name not in ("row_id", "source"))
    return Columns(names=names, **({"texts": names, "required": names, "coded": names} | groups))


def outcome(operation, frame, **groups):
    return operation.run_alone(frame, known(frame, **groups))


def reasons(operation, frame, **groups):
    return outcome(operation, frame, **groups).dropped[REASON].to_list()


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_can_be_added_as_it_is_and_told_in_yaml(name):
    operation = OPERATIONS[name]()
    import yaml

    assert read_operations(yaml.safe_load(write_operations([operation]))) == [operation]
    assert operation.title
    assert operation.title[0].isupper()


# --- rows with gaps ------------------------------------------------------------------------------------------------
def test_empty_cells_get_a_value():
    found = outcome(FillEmpty(value="none given"), table(t=["a", None, " ", "n/a", "0"]))
    assert found.frame["t"].to_list() == ["a", "none given", "none given", "none given", "0"]
    assert found.changes.height == 3


def test_gaps_are_filled_from_rows_with_the_same_key():
    frame = table(
        who=["A1", "a1 ", "A1", "B2", "B2", None, None],
        town=["Ulm", None, "Ulm", "Bonn", None, "Kiel", None],
        plan=["x", "y", "", "z", "z", "q", ""],
    )
    found = outcome(FillFromSiblings(key=["who"]), frame)
    assert found.frame["town"].to_list() == ["Ulm", "Ulm", "Ulm", "Bonn", "Bonn", "Kiel", None]
    # siblings that disagree fill nothing
    assert found.frame["plan"].to_list() == ["x", "y", "", "z", "z", "q", ""]


def test_a_slip_is_written_as_its_siblings_say():
    frame = table(id=["7"] * 6 + ["8"] * 3, name=["mercy hospital"] * 5 + ["mxrcy hospital", "a", "b", "c"])
    assert outcome(FillFromSiblings(key=["id"]), frame).changes.height == 0
    found = outcome(FillFromSiblings(key=["id"], correct=True), frame)
    assert found.frame["name"].to_list() == ["mercy hospital"] * 6 + ["a", "b", "c"]
    assert found.changes.rows() == [("a.csv:7", "name", "mxrcy hospital", "mercy hospital")]


def test_gaps_are_completed_by_a_rule():
    rule = CompleteByRule(when_column="p", pattern="(?i)card", then_column="d", value="Cards")
    found = outcome(rule, table(p=["Debit Card", "loan", "card", None], d=[None, None, "Fraud", ""]))
    assert found.frame["d"].to_list() == ["Cards", None, "Fraud", ""]


def test_a_rule_that_is_no_expression_is_refused():
    with pytest.raises(WorkbenchError) as caught:
        read_operations([{"operation": "complete_by_rule", "pattern": "(card"}])
    assert str(caught.value).startswith(
        "Found: 03_clean_data.operations entry 1 (complete_by_rule).pattern is '(card'\n"
        "Needed: not a regular expression ("
    )


# --- corrupt rows --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("caf\ufffd de la \ufffdcole", "has 2 unreadable characters (12%)"),
        ("a\x00b\x01c\x02", "has 3 control bytes (50%)"),
        ("%PDF-1.7 and so on", "holds the bytes of a PDF file"),
        ("iVBORw0KGgo" * 40, "has over 300 characters without a blank"),
        ('{"message": "Where is my ca', "holds JSON cut short"),
        ('[{"role": "user"}, {"role":', "holds JSON cut short"),
        ("Hello <div class='msg", "ends within a tag: markup cut short"),
    ],
)
def test_corrupt_text_is_found(text, why):
    assert reasons(DropCorrupt(action="drop"), table(t=["Where is my card?", text])) == [f"'t' {why}"]


@pytest.mark.parametrize(
    "text",
    [
        "x < 5 and y <b",
        "use List<String",
        "One \ufffd in a long sentence can be read by anybody, so it stays where it is, as it is.",
        '{"a": 1}',
        '{"a": broken in the middle}',
        "[EMAIL] wrote",
        '["a" and "b" are quoted]',
        "我想知道我的新卡什么时候到" * 40,
        "https://example.org/" + "a/b" * 50,
        "tab\tand\r\nline",
    ],
)
def test_sound_text_is_not_corrupt(text):
    assert reasons(DropCorrupt(action="drop"), table(t=[text])) == []


def test_shifted_rows_are_found_on_either_side():
    day, mail, sum_ = "2024-01-0{}", "m{}@mail.example", "{}.50"
    rows = [[f"T-{n}", day.format(n % 9 + 1), mail.format(n), sum_.format(n), "fine"] for n in range(40)]
    rows[7] = ["", *rows[7][:4]]
    rows[21] = [*rows[21][1:], ""]
    rows[30] = ["T-30", "", "", "", "fine"]
    rows[31] = ["T-31", "soon", "m31@mail.example", "31.50", "fine"]
    frame = table(**dict(zip(("id", "day", "mail", "sum", "note"), zip(*rows, strict=True), strict=True)))
    found = outcome(DropShifted(action="drop"), frame)
    assert found.dropped.select("row_id", REASON).rows() == [
        ("a.csv:9", "its cells stand one column to the right of where they belong"),
        ("a.csv:23", "its cells stand one column to the left of where they belong"),
    ]


def test_texts_that_stop_in_the_middle_are_found():
    whole = [
        f"Please send the card number {n} to the office with my name, and call. Thanks" for n in range(60)
    ]
    cut = ["Please send the card to the", "Please send the card to the offi…", "Please send my card with..."]
    sound = [
        "Thanks",
        "Please send the card to Umbrellaville",
        "I waited... and waited...",
        "Please call",
        "thanks x",
    ]
    found = outcome(DropCutOff(action="drop"), table(t=whole + cut + sound))
    assert found.dropped["t"].to_list() == cut
    assert found.dropped[REASON][0] == "'t' stops in the middle, at 'the'"


# --- dates ---------------------------------------------------------------------------------------------------------
def dates(*odd):
    return table(
        created=[f"2024-{n % 12 + 1:02}-{n % 28 + 1:02} 10:00" for n in range(60)] + list(odd),
        t=["x"] * (60 + len(odd)),
    )


def test_impossible_dates_are_found():
    frame = dates("31.02.2024", "yesterday", "2042-07-04", "1970-01-01", "2023-06-01", None, "")
    found = outcome(BadDates(action="drop"), frame, texts=("t",))
    assert found.dropped[REASON].to_list() == [
        "'created' is no date: '31.02.2024'",
        "'created' is no date: 'yesterday'",
        "'created' lies after 2026-04-06, far from all others: '2042-07-04'",
        "'created' is what programs write for 'no date': '1970-01-01'",
    ]
    emptied = outcome(BadDates(), frame, texts=("t",))
    assert emptied.frame["created"].to_list()[60:] == [None] * 4 + ["2023-06-01", None, ""]
    assert emptied.changes["before"].to_list() == ["31.02.2024", "yesterday", "2042-07-04", "1970-01-01"]


def test_a_spreadsheets_number_becomes_the_date():
    found = outcome(BadDates(action="mark"), dates("45292", "99999"), texts=("t",))
    assert found.frame["created"].to_list()[60:] == ["2024-01-01", "99999"]
    assert found.frame[DOUBT].to_list()[60:] == [None, "'created' is no date: '99999'"]


def test_columns_that_hold_no_dates_are_left_alone():
    frame = table(time_zone=["CET", "UTC"] * 20, t=["x"] * 40)
    assert outcome(BadDates(action="drop"), frame, texts=("t",)).dropped.height == 0


# --- lengths and repetition ----------------------------------------------------------------------------------------
def test_lengths():
    frame = table(t=["Hi", "one two three", "one two three four", None])
    assert reasons(DropByLength(min_characters=3, max_words=3), frame) == [
        "'t' has 2 characters, fewer than 3",
        "'t' has 4 words, more than 3",
    ]
    assert reasons(DropByLength(min_words=2), frame) == ["'t' has 1 words, fewer than 2"]


def test_repetition_worked_by_hand():
    assert repeated_lines("a\nb\na\n\na") == 0.5
    # "ab cd" twice: 8 of 11 letters
    assert top_ngram(["ab", "cd", "ab", "cd", "xyz"], 2) == pytest.approx(8 / 11)
    # overlapping runs count once: "a a a" is three letters
    assert top_ngram(["a", "a", "a"], 2) == 1.0
    assert top_ngram(["a", "b", "c"], 2) == 0.0
    words = ["a", "b", "c", "x", "a", "b", "c"]
    assert repeated_ngrams(words, 3) == pytest.approx(6 / 7)
    assert repeated_ngrams(words, 4) == 0.0


def test_what_was_masked_is_no_repetition():
    text = " ".join(f"word{n} something{n * 7} XXXX [NAME] XXXX" for n in range(30))
    assert reasons(DropRepetitive(), table(t=[text])) == []


def test_a_label_is_suspected_only_where_another_is_likelier():
    sure = np.array([[0.6, 0.4], [0.2, 0.8], [0.2, 0.8], [0.45, 0.55]])
    given, needed = np.array([0, 0, -1, 0]), np.array([0.7, 0.3])
    # the first: label 1 is likely enough, and still less likely than the one given
    assert suspects(sure, given, needed).tolist() == [-1, 1, -1, 1]


def test_texts_that_repeat_themselves_go_and_others_stay():
    plain = " ".join(f"word{n} something{n * 7} else{n + 3}" for n in range(20))
    line = "Buy now and save money today\n"
    stuck = " ".join(f"unlike{n}" for n in range(40)) + " help me" * 30
    frame = table(t=[plain, line * 12, stuck, "no no no no no"])
    assert reasons(DropRepetitive(), frame) == [
        "'t' repeats 92% of its lines",
        "'t' has 37% of its letters in one run of 2 words",
    ]


# --- replies -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "reply",
    [
        "Out of office until Monday.",
        "This is an automated message. Your request has been received.",
        "Your ticket number is 12345. Answers take longer than usual.",
        "Abwesenheitsnotiz: Ich bin ab Montag wieder da.",
    ],
)
def test_automatic_replies_are_found(reply):
    frame = table(message=["Where is it?"], reply=[reply])
    assert reasons(AutomaticReplies(action="drop"), frame) == ["'reply' was sent by a program"]


@pytest.mark.parametrize(
    "reply",
    [
        "Thank you for your message. Your card was sent on Monday; please allow two days.",
        "The automatic payment was stopped as you asked.",
        "I have passed your case to the card team, and they will call you.",
        "Please take the form to the office on Main Street.",
        None,
    ],
)
def test_answers_of_people_are_not_automatic(reply):
    assert reasons(AutomaticReplies(action="drop"), table(message=["Where?"], reply=[reply])) == []


def test_too_few_pairs_are_not_judged():
    found = outcome(MismatchedReplies(action="drop"), table(message=["a"] * 9, reply=["b"] * 9))
    assert found.dropped.height == 0
    assert found.note == "fewer than 200 rows have message and reply in words that differ; nothing was judged"


# --- outliers ------------------------------------------------------------------------------------------------------
def test_outliers_by_length_characters_and_words():
    usual = [f"Please tell me when my new card number {n} will come to my house" for n in range(60)]
    odd = ["Please tell me " * 400, "╬╬╬ ╠╠ ░▒▓ card", "solder pewter lanterns beneath dim harbours"]
    found = outcome(Outliers(action="drop"), table(t=usual + odd))
    assert found.dropped["row_id"].to_list() == ["a.csv:62", "a.csv:63", "a.csv:64"]
    assert [reason.split(" ")[1] for reason in found.dropped[REASON]] == ["has", "consists", "is"]


# --- words ---------------------------------------------------------------------------------------------------------
def test_variants_of_a_term_are_written_as_the_term():
    unify = UnifyTerms(terms=["IBAN = I.B.A.N., account number", "standing order = S/O, standing-order"])
    frame = table(t=["My Account Number and a STANDING-ORDER, S/O!", "accounts numbered", "ibanez", None])
    assert outcome(unify, frame).frame["t"].to_list() == [
        "My IBAN and a standing order, standing order!",
        "accounts numbered",
        "ibanez",
        None,
    ]


def test_letters_that_only_match_without_case_are_left():
    """A dotless i and a long s match i and s where case is ignored."""
    terms = ["account number = iban", "shop = store"]
    found = outcome(UnifyTerms(terms=terms), table(t=["the ıban", "the ſtore", "my IBAN"]))
    assert found.frame["t"].to_list() == ["the ıban", "the ſtore", "my account number"]


def test_terms_come_from_the_glossary_where_none_are_named():
    glossary = [Term(term="IBAN", definition="", variants=["bank id"]), Term(term="fee", definition="")]
    (filled,) = with_glossary([UnifyTerms()], glossary)
    assert filled.terms == ["IBAN = bank id"]
    assert with_glossary([UnifyTerms(terms=["a = b"])], glossary)[0].terms == ["a = b"]


def test_a_term_without_variants_is_refused():
    with pytest.raises(WorkbenchError) as caught:
        read_operations([{"operation": "unify_terms", "terms": ["IBAN"]}])
    assert "'IBAN' is not of the form 'term = variant, variant'" in str(caught.value)


def test_stems_and_stop_words():
    frame = table(t=["The payments are not paid to my account!", "日本 5"])
    assert outcome(StemWords(), frame).frame["t"].to_list() == [
        "the payment are not paid to my account!",
        "日本 5",
    ]
    assert outcome(RemoveStopWords(), frame).frame["t"][0] == "payments not paid my account!"
    assert (
        outcome(RemoveStopWords(words=["my"]), frame).frame["t"][0] == "The payments are not paid to account!"
    )
    assert "Harms a language model" in StemWords.warning
    assert "Harms a language model" in RemoveStopWords.warning


# --- a function of one's own ---------------------------------------------------------------------------------------
@pytest.fixture
def own(home):
    (home / "mine.py").write_text(
        "def loud(text):\n    return None if text == 'no' else text.upper()\n\n"
        "def broken(text):\n    return text[99]\n\ndef number(text):\n    return 5\n"
    )
    return home


def test_an_own_function_changes_and_drops(own):
    found = outcome(OwnFunction(function="mine:loud"), table(t=["a", "no", None]))
    assert found.frame["t"].to_list() == ["A", None]
    assert found.dropped.select("t", REASON).rows() == [("no", "mine:loud returned None for 't'")]
    assert found.changes["after"].to_list() == ["A"]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (
            "mine:broken",
            "Found: mine:broken failed on row a.csv:2, column 't': IndexError: string index out of range "
            "(mine.py, line 5)",
        ),
        ("mine:number", "Found: mine:number returned int for row a.csv:2, column 't'"),
        ("mine:lod", "Found: mine.py has no function 'lod'"),
        ("os:system", "Found: own_function names 'os:system', and there is no os.py in the workspace"),
        (
            "raw.mine:loud",
            "Found: own_function names 'raw.mine:loud', and there is no raw/mine.py in the workspace",
        ),
    ],
)
def test_an_own_function_that_fails_is_told_with_the_row(own, function, message):
    with pytest.raises(WorkbenchError) as caught:
        outcome(OwnFunction(function=function), table(t=["a"]))
    assert str(caught.value).startswith(message)


def test_an_own_function_is_named_in_one_form():
    with pytest.raises(WorkbenchError) as caught:
        read_operations([{"operation": "own_function", "function": "../mine.py"}])
    assert "not of the form module:function, such as mine:shorten" in str(caught.value)


# --- all of them -----------------------------------------------------------------------------------------------------
def test_labels_merge_by_the_chosen_method():
    frame = table(label=["transfer"] * 5 + ["trasnfer", "fee"])
    assert outcome(MergeLabels(), frame, labels=("label",)).changes.height == 0
    merged = outcome(MergeLabels(method="edit distance"), frame, labels=("label",))
    assert merged.frame["label"].to_list() == ["transfer"] * 6 + ["fee"]


@pytest.mark.parametrize("name", OPERATIONS)
def test_statistics_are_shown_without_touching_the_rows(name):
    rows = {"message": [f"where is my card number {n}" for n in range(60)], "reply": ["Out of office."] * 60}
    frame = table(**rows, label=["a", "b"] * 30)
    before = frame.clone()
    shown = OPERATIONS[name]().preview(frame, known(frame, texts=("message", "reply"), labels=("label",)))
    assert frame.equals(before)
    if name == "automatic_replies":
        assert shown[0].rows == [("Out of office.", 60)]
    if name == "drop_corrupt":
        assert (shown[0].caption, shown[0].rows) == ("0 of 60 rows are found with these settings", [])


def test_a_topic_that_was_taken_for_a_name_stays_the_label():
    frame = table(
        t=["Kind regards, Mary Mortgage", "Dear Mary Mortgage, hello"] * 5, label=["Mary Mortgage", "fee"] * 5
    )
    kept = outcome(OPERATIONS["mask_personal_data"](), frame, texts=("t",), labels=("label",)).frame
    assert "[NAME]" in kept["t"][0]
    assert kept["label"].to_list() == ["Mary Mortgage", "fee"] * 5
    addressed = frame.with_columns(label=pl.Series(["jo@ex.org", "fee"] * 5))
    kept = outcome(OPERATIONS["mask_personal_data"](), addressed, texts=("t",), labels=("label",)).frame
    assert kept["label"].to_list() == ["[EMAIL 1]", "fee"] * 5, "an address is one wherever it stands"


def test_doubts_about_one_row_stand_side_by_side():
    frame = table(message=["Where?"] * 2, reply=["Out of office.", "%PDF-1.4 it is an automatic reply"])
    history = [DropCorrupt(), AutomaticReplies()]
    kept, dropped, done = clean(frame, history, known(frame), Log())
    assert kept.columns == ["row_id", "source", DOUBT, "message", "reply"]
    assert kept[DOUBT].to_list() == [
        "'reply' was sent by a program",
        "'reply' holds the bytes of a PDF file; 'reply' was sent by a program",
    ]
    assert (dropped.height, [item.changed for item in done]) == (0, [1, 2])
    assert DOUBT not in frame.columns


@pytest.mark.parametrize(
    "operation",
    [
        DropShifted(),
        DropCutOff(),
        BadDates(),
        FillFromSiblings(key=["who"]),
        Outliers(),
        MergeLabels(method="phonetic"),
        OPERATIONS["suspect_labels"](),
        MismatchedReplies(),
    ],
    ids=lambda operation: operation.name,
)
def test_the_table_may_be_cut_anywhere(operation):
    topics = ("card lost", "loan rate", "app login")
    rows = [
        {
            "who": f"c{n % 7}",
            "created": f"2024-01-{n % 28 + 1:02}" if n % 50 else "never",
            "message": f"please help me with the {topics[n % 3]} number {n}"
            if n % 41
            else "please help me with the",
            "reply": f"about your {topics[(n + n // 97) % 3]} we write soon {n}",
            "label": topics[(n + n // 89) % 3],
        }
        for n in range(300)
    ]
    frame = table(**{key: [row[key] for row in rows] for key in rows[0]})
    groups = known(frame, texts=("message", "reply"), labels=("label",))
    results = [clean(frame, [operation], groups, Log(), rows_per_chunk=size) for size in (1_000, 61)]
    assert results[0][0].equals(results[1][0])
    assert results[0][1].equals(results[1][1])
    assert json.dumps([item.model_dump() for item in results[0][2]]) == json.dumps(
        [item.model_dump() for item in results[1][2]]
    )
