"""03 on planted defects: what the demos' lists say is there must be found."""

from collections import defaultdict

import polars as pl
import pytest
from data_project import WORDS, run, start, table, write_rows

from tailor.blocks import Callout, Differences, Heading, Table
from tailor.data.cleaning.keying import fingerprint
from tailor.errors import WorkbenchError
from tailor.project import source_home
from tailor.series import find_step
from tailor.steps import clean_data

DEMOS = {
    "bank_support": ("tickets_2024.csv", "tickets_2025.csv", "helpdesk_export.jsonl", "mailbox.jsonl"),
    "bank_intents": ("intents_2024.csv", "intents_2025.jsonl"),
}
ROWS = [
    {
        "message": f"Could you please tell me about matter number {n} {word}",
        "reply": f"It is about {word}, dear {n}",
    }
    for n, word in enumerate(["cards", "loans", "fees", "limits", "rates", "savings", "phones", "codes"])
]


@pytest.fixture
def project(home):
    return start(home)


def gathered(project, home, rows):
    write_rows(home / "a.jsonl", rows)
    run(project, "02", sources=["a.jsonl"])
    return project


def refusal(project, **settings):
    with pytest.raises(WorkbenchError) as caught:
        run(project, "03", **settings)
    return str(caught.value)


def test_every_row_is_either_kept_or_dropped_with_a_reason(project, home):
    gathered(project, home, [*ROWS, ROWS[0], {"message": " ", "reply": "x"}])
    record = run(project, "03")
    kept, dropped = table(project, "clean.parquet"), table(project, "dropped.parquet")
    assert (record.rows_in, record.rows_out, kept.height, dropped.height) == (10, 8, 8, 2)
    assert dropped.select("row_id", "operation", "reason").rows() == [
        ("a.jsonl:10", "drop_empty", "'message' is empty"),
        ("a.jsonl:9", "drop_exact_duplicates", "says the same as a.jsonl:1"),
    ]
    assert set(table(project, "raw/rows.parquet")["row_id"]) == {*kept["row_id"], *dropped["row_id"]}


def test_settings_turn_operations_off(project, home):
    gathered(project, home, [*ROWS, ROWS[0]])
    off = {f"operations.{name}.off": True for name in ("drop_exact_duplicates", "drop_near_duplicates")}
    record = run(project, "03", **off)
    assert record.rows_out == 9
    assert [item.name for item in record.operations if item.off] == [
        "drop_exact_duplicates",
        "drop_near_duplicates",
    ]


def test_all_rows_dropped_says_why(project, home):
    gathered(project, home, ROWS)
    assert refusal(project, **{"operations.drop_long.max_characters": 5}) == (
        "Found: all 8 rows were dropped: drop_long took 8\n"
        "Needed: at least one row that stays\n"
        "Do: raise 03_clean_data.operations.drop_long.max_characters"
    )
    assert not project.path("clean.parquet").exists()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"message": "", "reply": None}] * 3, "all 3 rows were dropped: drop_empty took 3"),
        (
            [
                {
                    "message": "Guten Tag, ich warte noch immer auf die neue Karte",
                    "reply": "Wir schicken sie heute ab",
                }
            ]
            * 4,
            "all 4 rows were dropped: drop_other_languages took 4",
        ),
    ],
)
def test_data_without_a_usable_row(project, home, rows, message):
    gathered(project, home, rows)
    assert refusal(project, **{"operations.drop_other_languages.language": "en"}).startswith(
        f"Found: {message}\n"
    )


def test_one_row_and_all_the_same(project, home):
    gathered(project, home, ROWS[:1])
    assert run(project, "03").rows_out == 1
    gathered(project, home, ROWS[:1] * 50)
    assert run(project, "03").rows_out == 1


def test_a_column_that_is_not_there(project, home):
    gathered(project, home, ROWS)
    assert refusal(project, text_columns=["mesage"]) == (
        "Found: 03_clean_data.text_columns names 'mesage', and the data has no such column\n"
        "Needed: one of: message, reply\n"
        "Do: correct the column's name. Did you mean 'message'?"
    )


def test_personal_data_is_nowhere_after_masking(project, home):
    secret = "ann.example@mail.example, +44 20 7946 0018, DE89 3704 0044 0532 0130 00, 4111 1111 1111 1111"
    rows = [{**row, "message": f"<p>{row['message']}</p> {secret}  &amp; so on"} for row in ROWS]
    gathered(project, home, [*rows, {**rows[0], "reply": ""}])
    run(project, "03")
    written = project.path("cleaning.json").read_text("utf-8") + str(clean_data.blocks(project))
    clean = str(table(project, "clean.parquet").rows())
    for part in ("ann.example", "7946", "0532", "4111"):
        assert part not in written
        assert part not in clean
    assert "[EMAIL], [PHONE], [IBAN], [CARD]" in clean


def test_what_is_shown(project, home):
    gathered(project, home, [*ROWS, ROWS[0]])
    run(project, "03")
    shown = clean_data.blocks(project)
    assert shown[0] == Callout(
        "8 of 9 rows are clean; 1 (11%) were dropped and are kept in dropped.parquet with their reasons.",
        "good",
    )
    assert isinstance(shown[1], Table)
    assert ("11", "Drop exact duplicates", 0, 1) in shown[1].rows
    assert shown[2].draw().axes
    assert shown[3:] == [
        Heading("11. Drop exact duplicates"),
        Table(("row", "why it was dropped"), [("a.jsonl:9", "says the same as a.jsonl:1")]),
    ]


def test_twenty_pairs_of_each_entry_are_shown_with_what_differs(project, home):
    rows = [{**ROWS[n % 8], "message": f"<p>Matter {n}:</p> {ROWS[n % 8]['message']}"} for n in range(30)]
    gathered(project, home, rows)
    run(project, "03", **{"operations.normalize_text.off": True})
    pairs = next(block for block in clean_data.blocks(project) if isinstance(block, Differences))
    assert len(pairs.rows) == 20
    assert pairs.caption == "20 of 30 rows, from all over the table."
    assert [int(row[0].split(":")[1]) for row in pairs.rows] == sorted(
        int(row[0].split(":")[1]) for row in pairs.rows
    )
    table = clean_data.blocks(project)[1]
    assert ("4", "Normalize characters and blanks (off)", 0, 0) in table.rows


def test_a_blueprint_holds_the_list_with_what_differs(project, home):
    gathered(project, home, ROWS)
    spec = find_step("03")
    chosen = project.settings(spec, {"operations.drop_long.max_characters": 500})
    project.choose(spec, chosen)
    text = project.blueprint_path.read_text(encoding="utf-8")
    assert "    - operation: drop_long\n      max_characters: 500\n" in text
    assert project.settings(spec) == chosen
    # paths given for one run are laid over the list that stands in the blueprint
    changed = project.settings(spec, {"operations.drop_empty.off": True})
    assert [entry.name for entry in changed.operations if entry.off] == ["drop_empty"]
    assert changed.operations[6].max_characters == 500


def test_same_rows_same_hashes(project, home):
    gathered(project, home, [*ROWS, *ROWS[:3]])
    first = run(project, "03")
    assert first.content_hash() == run(project, "03").content_hash()


def test_where_the_work_is_done_makes_nothing_stale(project, home):
    gathered(project, home, [*ROWS, *ROWS[:3]])
    record, spec = run(project, "03"), find_step("03")
    assert project.state(spec, {"engine": "dask", "workers": 2}).state == "done"
    assert project.state(spec, {"credit_rows": 500}).reason == "setting credit_rows changed from 4000 to 500"
    assert run(project, "03", workers=1).content_hash() == record.content_hash()


def test_credit_is_measured_on_rows_drawn_and_told(project, home):
    texts = [" ".join(WORDS[(n * k + k) % 12] + str(n % (k + 3)) for k in range(1, 9)) for n in range(240)]
    rows = [{"message": f"Tell me about {text}", "reply": f"The {text[:20]} is settled"} for text in texts]
    gathered(project, home, rows)
    record = run(project, "03", credit=True, credit_rows=100)
    drawn = {item.drawn for item in record.credit}
    assert len(record.credit) == len(record.operations)
    assert 90 <= min(drawn) <= max(drawn) <= 110
    captions = [block.caption for block in clean_data.blocks(project) if isinstance(block, Table)]
    assert f"Measured on {min(drawn)} of 240 rows, drawn by the project's seed" in captions


# --- the demos' planted defects ------------------------------------------------------------------------------------
@pytest.fixture(params=sorted(DEMOS), scope="module")
def demo(request, tmp_path_factory):
    """A demo after 02 and 03: what was planted, by kind, and each row's fate."""
    folder = source_home() / "data" / "demos" / request.param
    home = tmp_path_factory.mktemp(request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TAILOR_HOME", str(home))
        project = start(home)
        run(project, "02", sources=[str(folder / name) for name in DEMOS[request.param]])
        run(project, "03")
        return request.param, *_fates(project, folder)


def _fates(project, folder):
    rows = table(project, "raw/rows.parquet")
    number = next(name for name in rows.columns if name in ("ticket_id", "message_id"))
    ids = {
        (source, given): row_id for source, given, row_id in rows.select("source", number, "row_id").rows()
    }
    planted = defaultdict(list)
    for item in pl.read_csv(folder / "planted.csv", infer_schema=False).rows(named=True):
        if item["kind"] == "broken_line":
            planted["broken_line"].append((f"{item['file']}:{item['row']}", item))
        elif (item["file"], item["id"]) in ids:
            planted[item["kind"]].append((ids[item["file"], item["id"]], item))
    clean = {row["row_id"]: row for row in table(project, "clean.parquet").rows(named=True)}
    dropped = dict(table(project, "dropped.parquet").select("row_id", "operation").rows())
    return planted, clean, dropped, ids, set(table(project, "raw/unreadable.parquet")["row_id"])


def share(found):
    found = list(found)
    return sum(found) / len(found)


def test_broken_lines_are_set_aside(demo):
    _, planted, *_, unreadable = demo
    assert {row_id for row_id, _ in planted["broken_line"]} == unreadable


def test_empty_rows_are_dropped(demo):
    name, planted, _, dropped, _, _ = demo
    kinds = ("empty_row", "empty_message", "empty_reply" if name == "bank_support" else "empty_intent")
    rows = [row_id for kind in kinds for row_id, _ in planted[kind]]
    assert rows
    assert all(dropped.get(row_id) == "drop_empty" for row_id in rows)
    assert sum(operation == "drop_empty" for operation in dropped.values()) <= len(set(rows)) + 2


def test_other_languages_are_dropped_and_nothing_else(demo):
    _, planted, _, dropped, _, _ = demo
    foreign = {row_id for row_id, _ in planted["wrong_language"]}
    taken = {row_id for row_id, operation in dropped.items() if operation == "drop_other_languages"}
    assert share(row_id in dropped for row_id in foreign) >= 0.95
    assert len(taken - foreign) <= 1


@pytest.mark.parametrize(("kind", "least"), [("exact_duplicate", 1.0), ("near_duplicate", 0.9)])
def test_of_a_copy_and_its_twin_one_stays(demo, kind, least):
    _, planted, clean, _, ids, _ = demo
    both = [
        row_id in clean and ids.get((item["twin_file"], item["twin_id"])) in clean
        for row_id, item in planted[kind]
    ]
    assert 1 - share(both) >= least


def test_hardly_a_row_without_a_twin_is_dropped_as_a_copy(demo):
    _, planted, _, dropped, ids, _ = demo
    pairs = [*planted["exact_duplicate"], *planted["near_duplicate"]]
    twinned = {row_id for row_id, _ in pairs} | {ids.get((i["twin_file"], i["twin_id"])) for _, i in pairs}
    taken = {row_id for row_id, operation in dropped.items() if "duplicates" in operation}
    assert len(taken - twinned) <= 0.02 * len(taken) + 1


def test_damage_is_repaired(demo):
    _, planted, clean, _, _, _ = demo
    for kind, marks in (("mojibake", ("â‚", "â€", "Ã")), ("html", ("</", "<br", "<div", "&#39;", "&nbsp;"))):
        rows = [str(clean[row_id]) for row_id, _ in planted[kind] if row_id in clean]
        assert rows
        assert not [text for text in rows for mark in marks if mark in text]


@pytest.mark.parametrize("kind", ["pii_email", "pii_iban", "pii_card_number", "pii_phone"])
def test_personal_data_is_masked(demo, kind):
    _, planted, clean, _, _, _ = demo
    texts = {row_id: " ".join(filter(None, row.values())) for row_id, row in clean.items()}
    found = [item["detail"] not in texts[row_id] for row_id, item in planted[kind] if row_id in clean]
    assert share(found) == 1.0


def test_spellings_of_a_label_are_merged(demo):
    name, planted, clean, _, _, _ = demo
    if name != "bank_intents":
        assert not planted["label_variant"]
        return
    for row_id, item in planted["label_variant"]:
        right = item["detail"].split("right=")[1].split(" written=")[0]
        assert row_id not in clean or clean[row_id]["intent"] == right, item["detail"]
    assert len({row["intent"] for row in clean.values()}) == 16
    assert len({fingerprint(row["intent"]) for row in clean.values()}) == 16


def test_mail_furniture_is_gone(demo):
    name, planted, clean, _, _, _ = demo
    texts = {row_id: " ".join(filter(None, row.values())) for row_id, row in clean.items()}
    for kind in ("quoted_text", "disclaimer"):
        assert bool(planted[kind]) == (name == "bank_support")
        assert not [i for row_id, i in planted[kind] if row_id in texts and i["detail"][:24] in texts[row_id]]
