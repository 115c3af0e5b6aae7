"""Exports: each format's rules hold, a broken one is named with its row, and importing gives the same rows again."""

import csv
import json

import polars as pl
import pytest
from data_project import run, start, write_rows, write_tokenizer

from tailor.blocks import Callout, Text
from tailor.data.conversations import write_history
from tailor.data.dataset import Dataset, Example
from tailor.data.drafts import Reading
from tailor.data.exchanges import draft_rows
from tailor.data.exports import FORMATS
from tailor.data.exports.export import cost, export_dataset
from tailor.data.exports.format import Row, whole_conversations
from tailor.data.exports.rules import validate
from tailor.data.formula_cells import disarm, is_formula, rearm
from tailor.data.prompts import PromptFormat
from tailor.data.readers import Limits, read_file
from tailor.data.roles import find_roles
from tailor.data.tables import write_table
from tailor.files import sha256_file
from tailor.progress import Log
from tailor.records import DatasetRecord, Split
from tailor.steps import format_data

ODD = (
    "Where is my card?\n\nI have waited\tfor a week.",
    "Ich möchte mehr 🚀👩🏽‍💻 wissen, bitte",
    "What does <|im_start|>system mean, and <|end|>?",
    '=HYPERLINK("http://x.example";"open me") please',
    "+44 is the code, is it not so",
    "-5 degrees and {braces} and 'quotes' and \"more\"",
    "@desk, who is there to help me",
    "'=already quoted, and with an apostrophe",
    "' an apostrophe alone is no formula",
    "a = b is a sum, and - this is a dash",
    "a;b,c|d \\n is a backslash and an n",
    "007 is a name, and NA is a word here",
)
SYSTEM = "Be kind to {everyone}."
FIRST = ("user", "Hello there, can you help"), ("assistant", "Yes, with what exactly?")


def examples(split, history=True):
    made = [
        Example(f"{split}:{n}", text, f"Answer {n} to: {text}", source="a.csv") for n, text in enumerate(ODD)
    ]
    if history:
        made.append(Example(f"{split}:h#1", FIRST[0][1], FIRST[1][1]))
        made.append(
            Example(
                f"{split}:h#2", "With my card of course", "It is on its way.", history=write_history(FIRST)
            )
        )
    return made


def make_dataset(folder, task="respond", history=True):
    """A dataset as 04 leaves it, with the columns that exports read."""
    base = str(write_tokenizer(folder / "bytes"))
    splits = {}
    for split in ("train", "validation", "test"):
        rows = [
            vars(example) | {"label": "a-label" * (task == "classify")}
            for example in examples(split, history)
        ]
        write_table(pl.DataFrame(rows), folder / f"dataset/{split}.parquet")
        splits[split] = Split(rows=len(rows), tokens=0, learned_tokens=0, truncated=0, longest=0, sha256="")
    record = DatasetRecord(
        task=task, base_model=base, roles={}, system_prompt=SYSTEM, max_length=512, splits=splits
    )
    pairs = [
        {
            "id": e.id,
            "system": "",
            "history": e.history,
            "prompt": e.input,
            "chosen": e.output,
            "rejected": "No.",
        }
        for e in examples("train", history)
    ]
    write_table(pl.DataFrame(pairs), folder / "dataset/preferences.parquet")
    return Dataset(record, folder / "dataset")


@pytest.fixture
def dataset(tmp_path):
    return make_dataset(tmp_path)


def export(dataset, *names):
    return export_dataset(dataset, names, dataset.folder / "exports", Log())


def again(path):
    """The rows of an exported file, read as any file that a person brings is read."""
    found = read_file(path, Limits())
    assert not found.unreadable
    cells = [list(column) for column in zip(*found.rows, strict=True)]
    ids = {"row_id": [f"x:{n}" for n in range(len(found.rows))], "source": ["x"] * len(found.rows)}
    values = ids | dict(zip(found.columns, cells, strict=True))
    frame = pl.DataFrame(values, schema=dict.fromkeys(values, pl.String))
    columns = {name: role.column for name, role in find_roles(frame, "respond", {}).items()}
    return draft_rows(frame, "respond", columns, Reading()).rows


def told(rows):
    """What rows say: the system prompt, what was said before, the question, the answer and the worse one."""
    return sorted((r.system, r.history, r.input, r.output, getattr(r, "rejected", "")) for r in rows)


def expected(system=SYSTEM, history=True, rejected=""):
    return sorted(
        (system, e.history, e.input, e.output, rejected)
        for e in examples("train")
        if history or not e.history
    )


@pytest.mark.parametrize("name", FORMATS)
def test_importing_an_export_gives_the_same_rows(dataset, name):
    found = export(dataset, name)[0]
    assert found.problems == []
    plain = name in ("TRL", "TRL preference")
    rejected = "No." if "preference" in name else ""
    assert told(again(dataset.folder.parent / found.file)) == expected(
        "" if plain else SYSTEM, history=not plain, rejected=rejected
    )


@pytest.mark.parametrize("name", FORMATS)
def test_what_an_export_counts(dataset, name):
    found = export(dataset, name)
    assert [item.split for item in found] == (["train"] if FORMATS[name].pairs else ["train", "validation"])
    first = found[0]
    plain = name in ("TRL", "TRL preference")
    assert first.answers == (13 if plain else 14)
    assert first.rows == (13 if plain or FORMATS[name].whole else 14)
    assert first.left_out == ({"a plain prompt cannot hold the turns before it": 1} if plain else {})
    assert first.tokens > 800


def test_earlier_answers_are_not_learned_by_openai(dataset):
    export(dataset, "OpenAI")
    lines = (dataset.folder / "exports/openai/train.jsonl").read_text(encoding="utf-8").splitlines()
    messages = json.loads(lines[-1])["messages"]
    assert [(m["role"], m.get("weight")) for m in messages] == [
        ("system", None), ("user", None), ("assistant", 0), ("user", None), ("assistant", None),
    ]  # fmt: skip


def test_a_label_travels_with_the_table(tmp_path):
    dataset = make_dataset(tmp_path, "classify", history=False)
    export(dataset, "CSV", "Parquet")
    for file in ("csv/train.csv", "parquet/train.parquet"):
        found = read_file(dataset.folder / "exports" / file, Limits())
        assert {row[found.columns.index("label")] for row in found.rows} == {"a-label"}


def test_no_cell_of_the_csv_is_a_formula(dataset):
    export(dataset, "CSV")
    path = dataset.folder / "exports/csv/train.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not any(is_formula(cell) for cell in cells)
    assert sum(cell.startswith("'") for cell in cells) == 6
    found = read_file(path, Limits())
    assert (
        "5 cells began with an apostrophe that keeps a spreadsheet from computing them; it was taken off"
        in found.notes
    )


@pytest.mark.parametrize(
    "cell", ["=1", "+1", "-1", "@a", "\ta", "\ra", "\na", "  =1", "'=1", "''-1", "＝1", "'\ta"]
)
def test_disarming_can_always_be_taken_back(cell):
    assert not is_formula(disarm(cell))
    assert disarm(cell) != cell
    assert rearm(disarm(cell)) == cell


@pytest.mark.parametrize("cell", ["", "a=1", "'tis so", "7", "don't", "'"])
def test_other_cells_stay_as_they_are(cell):
    assert disarm(cell) == rearm(cell) == cell


USER, ANSWER = {"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}
ASKED, SAID = {"role": "user", "parts": [{"text": "Why?"}]}, {"role": "model", "parts": [{"text": "So."}]}
HUMAN, GPT = {"from": "human", "value": "Why?"}, {"from": "gpt", "value": "So."}
BROKEN = [
    ("OpenAI", {"messages": [USER]}, "row 2: the last message is not the assistant's"),
    ("OpenAI", {"messages": [USER, ANSWER | {"weight": 0}]},
     "row 2: every answer has the weight 0: there is nothing to learn"),
    ("OpenAI", {"messages": [USER | {"weight": 1}, ANSWER]},
     "row 2: message 1 has a weight, which only the assistant's may have, 0 or 1"),
    ("OpenAI", {"messages": [USER, ANSWER | {"weight": 0.5}]},
     "row 2: message 2 has a weight, which only the assistant's may have, 0 or 1"),
    ("OpenAI", {"messages": [USER | {"role": "human"}, ANSWER]}, "row 2: message 1 has the role 'human'"),
    ("OpenAI", {"messages": [USER | {"content": ""}, ANSWER]}, "row 2: message 1 has no content"),
    ("OpenAI", {"messages": [USER | {"mood": "x"}, ANSWER]}, "row 2: message 1 has the unknown key 'mood'"),
    ("OpenAI", {"prompt": "Why?", "completion": "So."}, "row 2: has no 'messages'"),
    ("Gemini", {"contents": [ASKED]}, "row 2: the last of its contents is not the model's"),
    ("Gemini", {"contents": [SAID, ASKED]}, "row 2: content 1 is the model's, where the user's turn is"),
    ("Gemini", {"contents": [ASKED, SAID | {"role": "assistant"}]},
     "row 2: content 2 has the role 'assistant'; only 'user' and 'model' are taken"),
    ("Gemini", {"contents": [ASKED, SAID | {"parts": []}]}, "row 2: content 2 has no parts"),
    ("Gemini", {"contents": [ASKED, SAID], "systemInstruction": {"parts": [{"text": " "}]}},
     "row 2: systemInstruction has a part without text"),
    ("Gemini", {"contents": [ASKED, SAID], "messages": []}, "row 2: has the unknown key 'messages'"),
    ("Alpaca", {"instruction": " ", "input": "", "output": "So."}, "row 2: 'instruction' is empty"),
    ("Alpaca", {"instruction": "Why?", "output": "So."}, "row 2: has no 'input'"),
    ("Alpaca", {"instruction": "Why?", "input": "", "output": 7}, "row 2: 'output' is not text"),
    ("Alpaca", {"instruction": "Why?", "input": "", "output": "So.", "history": [["a"]]},
     "row 2: 'history' is not a list of pairs of question and answer"),
    ("ShareGPT", {"conversations": [GPT, HUMAN]}, "row 2: message 1 is the gpt's, where the human's turn is"),
    ("ShareGPT", {"conversations": [HUMAN]}, "row 2: the last of its messages is not the gpt's"),
    ("ShareGPT", {"conversations": []}, "row 2: has no message"),
    ("TRL", {"prompt": "Why?", "completion": ""}, "row 2: 'completion' is empty"),
    ("TRL conversational", {"prompt": [ANSWER], "completion": [ANSWER]},
     "row 2: 'prompt' does not end with the user's message"),
    ("TRL conversational", {"prompt": [USER], "completion": [USER]},
     "row 2: 'completion' does not start with the assistant's message"),
    ("TRL preference", {"prompt": "Why?", "chosen": "So."}, "row 2: has no 'rejected'"),
    ("TRL conversational preference", {"prompt": [USER], "chosen": [ANSWER], "rejected": "No."},
     "row 2: 'rejected' is not a list of messages"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "item", "problem"), BROKEN)
def test_a_broken_rule_is_named_with_its_row(tmp_path, name, item, problem):
    form = FORMATS[name]
    example = Example("1", "Why?", "So.")
    good = form.write(Row(example, PromptFormat().conversation(example, "So."), rejected="No."))
    path = tmp_path / f"train{form.ending}"
    items = [good, item, *[good] * 10]
    lines = [json.dumps(each) for each in items]
    path.write_text("\n".join(lines) if form.ending == ".jsonl" else json.dumps(items), encoding="utf-8")
    assert problem in [str(each) for each in validate(form, path, "train")]
    assert {each.row for each in validate(form, path, "train")} == {2}


def test_limits_of_a_file(tmp_path):
    path = tmp_path / "train.jsonl"
    path.write_text(json.dumps({"messages": [USER, ANSWER]}) + "\n{broken\n", encoding="utf-8")
    found = [str(problem) for problem in validate(FORMATS["OpenAI"], path, "train", [65_537, 3])]
    assert found[:2] == [
        "2 rows, and OpenAI asks for at least 10",
        "row 1: has 65,537 tokens, over the limit of 65,536",
    ]
    assert found[2].startswith("row 2: is not valid JSON")
    line = json.dumps({"contents": [ASKED, SAID]}) + "\n"
    path.write_text(line * 5_001, encoding="utf-8")
    assert [str(problem) for problem in validate(FORMATS["Gemini"], path, "validation")] == [
        "5,001 rows, and Gemini takes at most 5,000 for validation"
    ]
    assert validate(FORMATS["Gemini"], path, "train") == []


def test_a_conversation_told_by_another_line_is_not_told_twice():
    rows = [Row(e, PromptFormat().conversation(e, e.output)) for e in examples("train")[-2:]]
    assert [row.example.id for row in whole_conversations(rows)] == ["train:h#2"]
    assert [row.example.id for row in whole_conversations(rows[:1])] == ["train:h#1"]


def test_what_training_costs():
    assert cost(tokens=2_000_000, epochs=3, price=1.5) == 9.0


def test_the_test_split_is_never_written(dataset):
    export(dataset, *FORMATS)
    for path in (dataset.folder / "exports").rglob("*.*"):
        assert path.stem in ("train", "validation")
        assert b"test:" not in path.read_bytes()


def test_04_exports_checks_and_shows(home):
    project = start(home, system_prompt="Be kind.")
    rows = [
        {"prompt": f"Where is my card number {n * 7919}?", "completion": f"It is at branch {n * 31}."}
        for n in range(9)
    ]
    write_rows(home / "a.jsonl", rows)
    run(project, "02", sources=["a.jsonl"])
    run(project, "03", **{"operations.drop_near_duplicates.off": True})
    chosen = {"exports": ["OpenAI", "CSV"], "price_per_million_tokens": 2.0, "near_duplicates": 0.0}
    record = run(project, "04", **chosen)
    assert [item.file for item in record.exports] == [
        f"dataset/exports/{name}" for name in
        ("openai/train.jsonl", "openai/validation.jsonl", "csv/train.csv", "csv/validation.csv")
    ]  # fmt: skip
    assert all(sha256_file(project.path(item.file)) == item.sha256 for item in record.exports)
    count, tokens = record.exports[0].rows, record.exports[0].tokens
    assert tokens == record.splits["train"].tokens
    shown = format_data.blocks(project)
    told = [block.text for block in shown if isinstance(block, (Callout, Text))]
    assert f"dataset/exports/openai/train.jsonl: {count} rows, and OpenAI asks for at least 10." in told
    assert f"OpenAI: {tokens:,} tokens, 3 epochs, 2 a million: {tokens * 6 / 1e6:.2f} for training." in told
