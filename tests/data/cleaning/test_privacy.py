import json
import stat
import time

import polars as pl
import pytest
from stdnum import iban, luhn

from tailor.data.cleaning.operation import Columns
from tailor.data.cleaning.plan import read_operations
from tailor.data.cleaning.privacy import KINDS, MaskPersonalData, mask
from tailor.data.cleaning.privacy.names import named_like_people
from tailor.data.cleaning.privacy.stand_ins import StandIns, same
from tailor.data.cleaning.privacy.vault import lock_away, vault_path, with_earlier_stand_ins
from tailor.errors import WorkbenchError

FOUND = [
    # e-mail
    ("to a.b+c'd@mail.example.org, please", "to [EMAIL], please"),
    ("<müller@büro.example>;x_y@z.co", "<[EMAIL]>;[EMAIL]"),
    # cards, by checksum, length and issuer
    ("4111-1111-1111-1111 and 5555 5555 5555 4444", "[CARD] and [CARD]"),
    ("4111 1111 1111 1111 123", "[CARD] 123"),
    ("12 4111 1111 1111 1111 12/25 123", "12 [CARD] 12/25 123"),
    ("Card No.4111111111111111", "Card No.[CARD]"),
    ("17,4111111111111111,12/25", "17,[CARD],12/25"),
    ("4111.1111.1111.1111, 4111–1111–1111–1111", "[CARD], [CARD]"),
    ("4111  1111  1111  1111", "[CARD]"),
    ("4111\u202f1111\u202f1111\u202f1111", "[CARD]"),
    ("3782 822463 10005 1234", "[CARD] 1234"),
    ("IBANDE89370400440532013000", "IBAN[IBAN]"),
    ("DE89.3704.0044.0532.0130.00. Please", "[IBAN]. Please"),
    ("DE 89 3704 0044 0532 0130 00", "[IBAN]"),
    ("DE89  3704  0044  0532  0130  00\n12 items", "[IBAN]\n12 items"),
    ("078–05–1120", "[ID_NUMBER]"),
    ("live at 12 Baker Street, London NW1 6XE.", "live at [ADDRESS]."),
    ("2223003122003222; 6011 1111 1111 1117", "[CARD]; [CARD]"),
    ("3782 822463 10005, 30569309025904", "[CARD], [CARD]"),
    # IBANs, wherever they end
    ("DE89 3704 0044 0532 0130 00 and GB29NWBK60161331926819.", "[IBAN] and [IBAN]."),
    ("iban:nl91 abna 0417 1643 00 thanks", "iban:[IBAN] thanks"),
    # identity numbers
    ("SSN 078-05-1120", "SSN [ID_NUMBER]"),
    ("social security number is 078051120", "social security number is [ID_NUMBER]"),
    ("NI number AB 12 34 56 C", "NI number [ID_NUMBER]"),
    ("DNI 54362315K", "DNI [ID_NUMBER]"),
    ("RCCMNL83S18D969H", "[ID_NUMBER]"),
    ("NIR 2 95 10 99 126 111 93", "NIR [ID_NUMBER]"),
    # addresses of machines
    ("from 203.0.113.7 and 2001:db8:0:1::17", "from [IP] and [IP]"),
    # secrets in links
    (
        "https://ann:s3cret@shop.example/a?token=abcd1234&page=2",
        "https://[URL_SECRET]@shop.example/a?token=[URL_SECRET]&page=2",
    ),
    ("see https://x.example/reset/Zk3vQ9aB7cD1eF5gH2iJ8kL4", "see https://x.example/reset/[URL_SECRET]"),
    # phones
    ("call (555) 123-4567 or 555.123.4567", "call [PHONE] or [PHONE]"),
    ("0033 1 42 68 53 00, 01.84.17.61.18", "[PHONE], [PHONE]"),
    ("Tel. 467 3395, 655 437 108 office", "Tel. [PHONE], [PHONE] office"),
    # postal addresses
    ("I moved to 20 Larch Street, Vellingham, please change it", "I moved to [ADDRESS], please change it"),
    ("at 8 Mill Lane", "at [ADDRESS]"),
    ("Lindenstraße 12, 10115 Berlin", "[ADDRESS]"),
    ("12 rue de la Paix, 75002 Paris", "[ADDRESS]"),
    ("My address is Pagari 18, Tartu.", "My address is [ADDRESS]."),
    ("send it to P.O. Box 123", "send it to [ADDRESS]"),
    (
        "the sum I was to call for, 10000.00, and 555 1234",
        "the sum I was to call for, 10000.00, and 555 1234",
    ),
    # names
    (
        "Dear XXXX XXXX,\nI spoke with Mr XXXX. Thanks, Ann XXXX",
        "Dear XXXX XXXX,\nI spoke with Mr XXXX. Thanks, [NAME] XXXX",
    ),
    ("Hello Ann Roe,\nthank you", "Hello [NAME],\nthank you"),
    ("Dear Mr. Berg,", "Dear Mr. [NAME],"),
    ("Hi Ann and Bob!", "Hi [NAME] and [NAME]!"),
    ("It does not work. Kind regards, Ann Roe", "It does not work. Kind regards, [NAME]"),
    ("Thanks a lot\nJean-Luc O'Hara", "Thanks a lot\n[NAME]"),
    ("With friendly greeting<br>Ann</p>", "With friendly greeting<br>[NAME]</p>"),
    ("my name is Zoë Ångström and", "my name is [NAME] and"),
    ("I'm Ann Roe from Rome", "I'm [NAME] from Rome"),
    ("spoke to Dr. Roe yesterday", "spoke to Dr. [NAME] yesterday"),
]

LEFT = [
    "version 10.0.0.1234 and 1.2.3",
    "localhost is 127.0.0.1, std::vector, 12:34:56",
    "order 4111 1111 1111 1112, ref 1234567890123",
    "DE89 3704 0044 0532 0130 01",
    "000-12-3456 and 123-45-67890",
    "Hello, Nobody picks up the phone",
    "Hi Quick question about fees",
    "Dear Customer Service,",
    "Dear Sir or Madam,",
    "Greetings from Rome",
    "Best regards",
    "Thanks. Kind Regards",
    "It was 5 Star service at 10 Downing",
    "https://x.example/help/cards?page=2",
    "The Credit Card of New York Bank",
    "paid 12.50 on 2024-01-02 03:04:05",
    "@home and me@ and @",
]


@pytest.mark.parametrize(("text", "expected"), FOUND)
def test_personal_data_is_found(text, expected):
    assert mask(text) == expected


@pytest.mark.parametrize("text", LEFT)
def test_other_text_is_left(text):
    assert mask(text) == text


@pytest.mark.parametrize("text", [text for text, _ in FOUND])
def test_masking_twice_changes_nothing_more(text):
    assert mask(mask(text)) == mask(text)


def frame_of(**columns):
    height = len(next(iter(columns.values())))
    ids = {"row_id": [f"f:{n}" for n in range(height)], "source": ["f"] * height}
    return pl.DataFrame({**ids, **columns}, schema=dict.fromkeys([*ids, *columns], pl.String))


def run(operation, frame, texts=(), cut=None):
    """The table afterwards, worked on in pieces of `cut` rows."""
    names = tuple(frame.columns[2:])
    columns = Columns(names=names, texts=tuple(texts), coded=names)
    pieces = [frame] if cut is None else list(frame.iter_slices(cut))
    decision = operation.decide([operation.survey(piece, columns) for piece in pieces])
    return pl.concat([operation.apply(piece, columns, decision).frame for piece in pieces])


PEOPLE = frame_of(
    t=[
        "Hello Ann,\nyour card is on its way.",
        "Please block it. I spoke with Ann Roe about it. Bob",
        "Thanks\nBob Hill",
        "mail ann@x.example or BOB@y.example",
        None,
        "card 4111 1111 1111 1111, again 4111111111111111, DE89 3704 0044 0532 0130 00, +44 20 7946 0018",
    ],
    customer_name=["Ann Roe", "Bob Hill", "Bob Hill", "Ann Roe", "", None],
    who=["ann@x.example", "bob@y.example", "Bob@y.example", "plain", "", None],
)


def test_what_one_row_shows_is_known_in_all_rows_however_the_table_is_cut():
    whole = run(MaskPersonalData(), PEOPLE, ["t"])
    assert whole["t"].to_list() == [
        "Hello [NAME],\nyour card is on its way.",
        "Please block it. I spoke with [NAME] about it. [NAME]",
        "Thanks\n[NAME]",
        "mail [EMAIL] or [EMAIL]",
        None,
        "card [CARD], again [CARD], [IBAN], [PHONE]",
    ]
    assert whole["customer_name"].to_list() == ["[NAME 1]", "[NAME 2]", "[NAME 2]", "[NAME 1]", "", None]
    assert whole["who"].to_list() == ["[EMAIL 1]", "[EMAIL 2]", "[EMAIL 2]", "plain", "", None]
    for cut in (1, 2, 4):
        assert run(MaskPersonalData(), PEOPLE, ["t"], cut).equals(whole)


def test_stand_ins_are_the_same_throughout_and_can_belong_to_nobody():
    operation = MaskPersonalData(write="stand-ins")
    whole = run(operation, PEOPLE, ["t"])
    names = dict(zip(PEOPLE["customer_name"], whole["customer_name"], strict=True))
    ann, bob = names["Ann Roe"], names["Bob Hill"]
    assert ann != bob
    assert not {"Ann", "Roe", "Bob", "Hill"} & {*ann.split(), *bob.split()}
    assert whole["t"][0] == f"Hello {ann.split()[0]},\nyour card is on its way."
    assert whole["t"][1] == f"Please block it. I spoke with {ann} about it. {bob.split()[0]}"
    assert whole["t"][2] == f"Thanks\n{bob}"
    assert whole["t"][3] == "mail person1@example.com or person2@example.com"
    first, second = "person1@example.com", "person2@example.com"
    assert whole["who"].to_list() == [first, second, second, "plain", "", None]
    card, again, account, phone = whole["t"][5].removeprefix("card ").replace("again ", "").split(", ")
    assert again == card.replace(" ", "")
    assert (len(again), luhn.is_valid(again), again[0]) == (16, False, "9")
    assert account == "DE00 0000 0000 0000 0000 01"
    assert not iban.is_valid(account)
    assert phone == "+999 000 0001"
    for cut in (1, 2, 4):
        assert run(operation, PEOPLE, ["t"], cut).equals(whole)
    assert not run(MaskPersonalData(write="stand-ins", seed=1), PEOPLE, ["t"]).equals(whole)


def test_a_search_for_checksummed_kinds_finds_nothing_after_stand_ins():
    text = "4111 1111 1111 1111 DE89 3704 0044 0532 0130 00 078-05-1120 203.0.113.7 2001:db8:0:1::17"
    values: dict[str, list[str]] = {}
    mask(text, write=lambda kind, value: values.setdefault(kind, []).append(same(kind, value)) or "x")
    stand_ins = StandIns(values)
    written = mask(text, write=stand_ins.of)
    assert written == "9000 0000 0000 0014 DE00 0000 0000 0000 0000 01 000-00-0001 240.0.0.1 2001:db8::2"
    assert mask(written, kinds=("card", "iban", "id_number")) == written


def test_stand_ins_never_run_out():
    names = [f"Given{a} Family{b}" for a in "abcdefghij" for b in range(300)]
    stand_ins = StandIns({"name": [same("name", name) for name in names]})
    assert len({stand_ins.of("name", name) for name in names}) == len(names)


def test_who_comes_later_takes_no_earlier_stand_in_away():
    first = StandIns({"email": ["b@x.example"], "name": ["ann roe", "bob hill"]})
    later = StandIns(
        {"email": ["a@x.example", "b@x.example"], "name": ["eve fox", "bob roe", "cy hill", "ann roe"]},
        earlier=first.table(),
    )
    assert later.of("email", "b@x.example") == "person1@example.com"
    assert later.of("email", "a@x.example") == "person2@example.com"
    assert later.of("name", "Ann Roe") == first.of("name", "Ann Roe")
    assert later.of("name", "Bob Roe").split() == [first.of("name", "Bob"), first.of("name", "Roe")]
    table = later.table()["name"]
    assert len(set(table.values())) == len(table) == 5
    assert not set(table["eve fox"].split()) & set(" ".join(first.table()["name"].values()).split())
    again = StandIns({"name": ["cy hill"]}, earlier=later.table())
    assert again.table() == later.table()


def test_a_damaged_vault_is_not_written_over(tmp_path, monkeypatch):
    monkeypatch.setenv("TAILOR_HOME", str(tmp_path))
    path = vault_path("mine")
    path.parent.mkdir(parents=True)
    path.write_text("{")
    with pytest.raises(WorkbenchError) as error:
        with_earlier_stand_ins([MaskPersonalData()], "mine")
    assert error.value.found == (
        f"the vault {path} cannot be read (Expecting property name enclosed in double quotes: line 1 column 2 (char 1))"
    )
    assert (
        error.value.fix == "put the file back from a copy, or remove it: then everybody gets a new stand-in"
    )


def test_the_vault_is_its_owners_alone_and_outside_the_project(tmp_path, monkeypatch):
    monkeypatch.setenv("TAILOR_HOME", str(tmp_path))
    path = lock_away("mine", [StandIns({"email": ["a@b.example"], "name": ["ann roe"]})])
    assert path == vault_path("mine") == tmp_path / "private" / "mine" / "stand_ins.json"
    vault = json.loads(path.read_text())
    assert vault["email"] == {"seed": 0, "stand_ins": {"a@b.example": "person1@example.com"}}
    assert list(vault["name"]["stand_ins"]) == ["ann roe"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    with pytest.raises(WorkbenchError, match="the project name"):
        vault_path("../elsewhere")


def test_entries_for_kinds_apart_share_the_vault(tmp_path, monkeypatch):
    monkeypatch.setenv("TAILOR_HOME", str(tmp_path))
    mail = MaskPersonalData(write="stand-ins", kinds=["email"])
    phone = MaskPersonalData(write="stand-ins", kinds=["phone"], seed=3)
    assert lock_away("mine", []) is None
    lock_away("mine", [StandIns({"email": ["b@x.example"]}), StandIns({"phone": ["0301234567"]}, 3)])
    lock_away(
        "mine",
        [StandIns({"email": ["a@x.example"]}, earlier={"email": {"b@x.example": "person1@example.com"}})],
    )
    known = with_earlier_stand_ins([mail, phone, phone.model_copy(update={"seed": 4, "off": True})], "mine")
    assert known[0]._earlier == {
        "email": {"b@x.example": "person1@example.com", "a@x.example": "person2@example.com"}
    }
    assert known[1]._earlier == {"phone": {"0301234567": "+999 000 0001"}}
    assert not known[2]._earlier
    with pytest.raises(WorkbenchError) as error:
        with_earlier_stand_ins([mail, phone, MaskPersonalData(write="stand-ins")], "mine")
    assert error.value.found == "entries 1 and 3 of the history both write stand-ins for the kind 'email'"
    assert (
        error.value.fix == "name all columns in one of them, and take 'email' out of the kinds of the other"
    )


def test_own_patterns_and_values_that_stay():
    operation = MaskPersonalData(patterns={"contract": r"K-\d{6}"}, keep=["Help@bank.example", "Quill"])
    frame = frame_of(
        t=["K-123456 to help@bank.example", "Hi Quill,\nask x@y.example"], key=["K-000001", "K-000001"]
    )
    found = run(operation, frame, ["t"])
    assert found["t"].to_list() == ["[CONTRACT] to help@bank.example", "Hi Quill,\nask [EMAIL]"]
    assert found["key"].to_list() == ["[CONTRACT 1]", "[CONTRACT 1]"]


@pytest.mark.parametrize(
    ("patterns", "found"),
    [
        ({"x": "("}, "the pattern '(' of patterns.x is no regular expression"),
        ({"x": "a*"}, "the pattern of 'x' matches the empty text"),
        ({"two words": "a"}, "'two words' must be one word of letters"),
        ({"email": "a"}, "'email' must be one word of letters that is not one of"),
    ],
)
def test_own_patterns_are_checked_when_they_are_given(patterns, found):
    with pytest.raises(WorkbenchError) as error:
        read_operations([{"operation": "mask_personal_data", "patterns": patterns}])
    assert found in str(error.value)


def test_an_own_pattern_cannot_hang_the_run():
    begun = time.process_time()
    operation = MaskPersonalData(patterns={"x": "(a+)+b"})
    with pytest.raises(WorkbenchError, match=r"the pattern '\(a\+\)\+b' of patterns\.x takes too long"):
        run(operation, frame_of(t=["a" * 5_000]), ["t"])
    assert time.process_time() - begun < 5


@pytest.mark.parametrize(
    ("column", "people"),
    [
        ("name", True),
        ("Customer_Name", True),
        ("firstName", True),
        ("from", True),
        ("requester.name", True),
        ("product_name", False),
        ("file name", False),
        ("message", False),
        ("bank_name", False),
        ("renamed", False),
    ],
)
def test_columns_named_like_people(column, people):
    assert named_like_people(column) is people


def test_a_column_named_like_people_is_not_one_unless_its_cells_read_as_names():
    frame = frame_of(agent=["a-17", "b-22", "Ann Roe"], contact=["Ann Roe", "Roe, Bob", "Mr. Berg"])
    found = run(MaskPersonalData(), frame)
    assert found["agent"].to_list() == ["a-17", "b-22", "[NAME]"]
    assert found["contact"].to_list() == ["[NAME 1]", "[NAME 2]", "[NAME 3]"]


def test_hostile_texts_take_no_longer_than_their_length():
    begun = time.process_time()
    for text in (
        "@" * 20_000,
        "a@" * 10_000,
        "DE89 " * 4_000,
        "4" * 20_000,
        "1-" * 10_000,
        "a-" * 10_000 + "tie 1",
        "Hello " * 4_000,
        "Ann Roe " * 3_000,
        "12 Ab " * 4_000 + "Street",
        "https://" + "a/" * 10_000,
        ":" * 20_000,
        "1." * 10_000,
    ):
        run(MaskPersonalData(), frame_of(t=[text]), ["t"])
        mask(text)
    assert time.process_time() - begun < 12


def test_only_the_kinds_asked_for():
    text = "Hello Ann,\na@b.example 203.0.113.7"
    assert mask(text, kinds=("ip",)) == "Hello Ann,\na@b.example [IP]"
    assert set(KINDS) == {
        "email",
        "iban",
        "card",
        "phone",
        "id_number",
        "ip",
        "url_secret",
        "address",
        "name",
    }
