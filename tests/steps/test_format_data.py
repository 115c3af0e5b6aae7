"""04: roles, splits and set-aside rows, told and counted; what the model sees is what training encodes."""

import json
import subprocess
import sys
from collections import Counter
from types import SimpleNamespace

import pytest
from data_project import run, start, table, write_rows

from tailor.blocks import Callout, Figure, Table, Tokens
from tailor.data.dataset import Dataset
from tailor.data.examples import readable_label
from tailor.data.preflight import CHECKS
from tailor.errors import WorkbenchError
from tailor.models import encode_chat, load_tokenizer
from tailor.notebook import run_step
from tailor.records import Term, UseCase
from tailor.steps import format_data
from tailor.training.batches import LengthBuckets
from tailor.training.objectives import LearnAnswers

WORDS = ["card", "loan", "fee", "limit", "rate", "phone", "code", "branch", "letter", "address"]


def ticket(n, **more):
    text = " ".join(f"{WORDS[(n * k + k) % 10]}{n * k}" for k in range(1, 12))
    message = f"Could you please tell me about my {text}"
    return {
        "message": message,
        "reply": f"The matter of {text} is settled",
        "customer_id": f"C{n // 2}",
    } | more


def labelled(n, label):
    return {"text": ticket(n)["message"], "intent": label}


LABELS = ("card_lost", "fees", "log-in")


def formatted(home, rows, task="respond", *, clean=None, system_prompt="", **settings):
    project = start(home, task, system_prompt)
    write_rows(home / "a.jsonl", rows)
    run(project, "02", sources=["a.jsonl"])
    run(project, "03", **(clean or {}))
    return project, run(project, "04", **settings)


def refusal(*arguments, **settings):
    with pytest.raises(WorkbenchError) as caught:
        formatted(*arguments, **settings)
    return str(caught.value)


def test_respond(home):
    project, record = formatted(home, [ticket(n) for n in range(100)], system_prompt="Be kind.")
    assert record.roles == {"input": "message", "output": "reply", "group": "customer_id"}
    assert {name: split.rows for name, split in record.splits.items()} == {
        "train": 76,
        "validation": 10,
        "test": 14,
    }
    dataset = Dataset.open(project)
    example = dataset.train[0]
    place = int(example.id.split(":")[1]) - 1
    assert (example.input, example.output) == (ticket(place)["message"], ticket(place)["reply"])
    assert (example.source, example.weight) == ("a.jsonl", 1.0)
    groups = [set(table(project, f"dataset/{name}.parquet")["group"]) for name in record.splits]
    assert not groups[0] & groups[1]
    assert not groups[0] & groups[2]
    assert not groups[1] & groups[2]


def test_token_counts_are_those_of_training(home):
    project, record = formatted(home, [ticket(n) for n in range(40)], system_prompt="Be kind.")
    dataset, tokenizer = Dataset.open(project), load_tokenizer(record.base_model)
    encoded = [encode_chat(tokenizer, dataset.conversation(example)) for example in dataset.train]
    assert record.splits["train"].tokens == sum(len(row) for row in encoded)
    assert record.splits["train"].learned_tokens == sum(sum(row.learned) for row in encoded)
    assert record.splits["train"].longest == max(len(row) for row in encoded)


def test_classify(home):
    rows = [labelled(n, LABELS[n % 3]) for n in range(90)]
    project, record = formatted(home, rows, "classify", clean={"operations.drop_near_duplicates.off": True})
    assert record.labels == ["card lost", "fees", "log in"]
    assert record.roles == {"input": "text", "label": "intent"}
    train = table(project, "dataset/train.parquet")
    assert dict(train.select("label", "output").unique().rows()) == {
        "card_lost": "card lost",
        "fees": "fees",
        "log-in": "log in",
    }
    assert set(Counter(train["output"].to_list()).values()) <= {22, 23, 24}


@pytest.mark.parametrize(
    ("label", "text"),
    [("card_lost", "card lost"), ("log-in", "log in"), ("A-1", "A-1"), ("C++", "C++"), ("Ja", "Ja")],
)
def test_labels_are_written_as_words(label, text):
    assert readable_label(label) == text


def test_labels_as_given(home):
    rows = [labelled(n, LABELS[n % 3]) for n in range(60)]
    _, record = formatted(home, rows, "classify", label_text="as given")
    assert record.labels == ["card_lost", "fees", "log-in"]


def test_a_label_that_occurs_once_is_set_aside(home):
    rows = [*(labelled(n, LABELS[n % 3]) for n in range(60)), labelled(60, "alone")]
    project, record = formatted(home, rows, "classify")
    assert record.set_aside == {"its label occurs once, fewer than 2": 1}
    aside = table(project, "dataset/set_aside.parquet")
    assert aside.select("id", "output", "reason").rows() == [
        ("a.jsonl:61", "alone", "its label occurs once, fewer than 2")
    ]


def test_one_label_and_contradicting_labels_are_flagged(home):
    project, _ = formatted(home, [labelled(n, "fees") for n in range(30)], "classify", label_column="intent")
    assert Callout("There is one label only: nothing can be learned from it.", "bad") in format_data.blocks(
        project
    )
    rows = [labelled(n, LABELS[n % 3]) for n in range(60)] + [labelled(0, "fees")]
    project, _ = formatted(home, rows, "classify")
    shown = format_data.blocks(project)
    assert Callout("1 texts carry more than one label: some labels must be wrong.", "warning") in shown


def test_long_rows(home):
    rows = [ticket(n) for n in range(30)]
    rows[3]["message"] += " and more" * 60
    rows[4]["reply"] += " and more" * 60
    project, record = formatted(home, rows, max_length=500, group_column="none", test_share=0.1)
    assert record.set_aside == {"the prompt alone is longer than 500 tokens": 1}
    assert sum(split.truncated for split in record.splits.values()) == 1
    assert sum(split.rows for split in record.splits.values()) == 29
    assert table(project, "dataset/set_aside.parquet")["id"].to_list() == ["a.jsonl:4"]


def test_all_prompts_too_long(home):
    shortest = 63
    message = refusal(home, [ticket(n) for n in range(10)], max_length=shortest)
    assert message.startswith("Found: every one of the 10 prompts is longer than 63 tokens\n")
    assert message.endswith(
        "Do: raise 04_format_data.max_length, or shorten 01_define_use_case.system_prompt"
    )


def test_more_than_the_model_reads(home):
    assert refusal(home, [ticket(n) for n in range(10)], max_length=1024) == (
        "Found: 04_format_data.max_length is 1,024, and bytes reads 600 tokens\n"
        "Needed: at most 600\n"
        "Do: lower 04_format_data.max_length, or choose a base model that reads more in 00_start_here"
    )


def test_a_column_that_is_not_there(home):
    assert refusal(home, [ticket(n) for n in range(10)], output_column="replay") == (
        "Found: 04_format_data.output_column is 'replay', and the data has no such column\n"
        "Needed: one of: message, reply, customer_id\n"
        "Do: correct the column's name. Did you mean 'reply'?"
    )


def test_one_row_is_not_enough(home):
    assert refusal(home, [ticket(0)]) == (
        "Found: 1 usable rows form 1 independent group (copies and one customer's rows stay together)\n"
        "Needed: at least 3, one for each of train, validation and test\n"
        "Do: gather more rows, or set 04_format_data.group_column to 'none'"
    )


def test_no_usable_row(home):
    cells = [json.dumps([{"role": "user", "content": ticket(n)["message"]}]) for n in range(5)]
    assert refusal(home, [{"messages": cell} for cell in cells], input_column="messages") == (
        "Found: no row can be used: 5 because the conversation has no answer after a question\n"
        "Needed: rows with an input and something to learn\n"
        "Do: check the columns chosen in 04_format_data"
    )


def test_conversations(home):
    def talk(n):
        said = ticket(n)
        turns = [
            ("user", said["message"]),
            ("assistant", "Which one?"),
            ("user", f"Number {n}"),
            ("assistant", said["reply"]),
        ]
        return {"messages": [{"role": role, "content": text} for role, text in turns]}

    project, record = formatted(home, [talk(n) for n in range(30)], group_column="none")
    assert record.roles == {"conversation": "messages"}
    assert (record.shape, record.shape_reason) == (
        "messages", "'messages' holds whole conversations, each message with 'role' and 'content'",
    )  # fmt: skip
    assert sum(split.rows for split in record.splits.values()) == 60
    sides = {
        name: {e.id.split("#")[0] for e in getattr(Dataset.open(project), name)} for name in record.splits
    }
    assert not sides["train"] & sides["test"] | sides["train"] & sides["validation"]
    example = next(e for e in Dataset.open(project).train if e.id.endswith("#2"))
    n = int(example.id.split(":")[1].split("#")[0]) - 1
    assert Dataset.open(project).conversation(example) == talk(n)["messages"]
    _, record = formatted(home, [talk(n) for n in range(30)], conversation_answers="last")
    assert sum(split.rows for split in record.splits.values()) == 30


def test_twins_and_customers_stay_on_one_side(home):
    rows = [ticket(n) for n in range(60)]
    twins = [
        {**ticket(n), "message": ticket(n)["message"].upper() + "!", "customer_id": f"D{n}"}
        for n in range(60)
    ]
    off = {f"operations.drop_{kind}_duplicates.off": True for kind in ("exact", "near")}
    project, record = formatted(home, rows + twins, clean=off)
    sides = {}
    for name in record.splits:
        sides |= dict.fromkeys(table(project, f"dataset/{name}.parquet")["id"], name)
    assert all(sides[f"a.jsonl:{n + 1}"] == sides[f"a.jsonl:{n + 61}"] for n in range(60))
    assert record.leaks["equal text"] > 10
    assert record.leaks["same group"] > 5
    told = next(block for block in format_data.blocks(project) if isinstance(block, Callout))
    assert told.text.startswith("Kept apart: a plain random split would have shown the test in training (")


def test_a_given_test_file(home):
    project = start(home)
    write_rows(home / "a.jsonl", [ticket(n) for n in range(60)])
    write_rows(
        home / "given.jsonl", [{**ticket(n), "message": ticket(n)["message"].upper()} for n in range(50, 70)]
    )
    run(project, "02", sources=["a.jsonl"], test_source="given.jsonl")
    run(project, "03")
    record = run(project, "04", group_column="none")
    test = table(project, "dataset/test.parquet")
    assert test["source"].to_list() == ["given.jsonl"] * 20
    trained = [
        *table(project, "dataset/train.parquet")["input"],
        *table(project, "dataset/validation.parquet")["input"],
    ]
    assert not {text.upper() for text in trained} & set(test["input"])
    assert len(trained) == 50
    assert record.splits["test"].rows == 20


def test_what_is_shown(home):
    project, _ = formatted(home, [ticket(n) for n in range(40)], system_prompt="Be kind <b>.")
    shown = format_data.blocks(project)
    roles = next(block for block in shown if isinstance(block, Table))
    assert roles.rows[0] == ("input", "message", "its name says so, and it holds running text", "90%")
    assert next(block for block in shown if isinstance(block, Figure)).draw().axes
    strips = [block for block in shown if isinstance(block, Tokens)]
    for strip in strips:
        learned = "".join(text for text, kind in strip.pieces if kind == "learned")
        masked = "".join(text for text, kind in strip.pieces if kind == "masked")
        assert learned.strip().startswith("The matter of")
        assert [text for text, kind in strip.pieces if kind == "end"] == ["<|end|>"]
        assert "Be kind <b>." in masked
        assert {kind for _, kind in strip.pieces} == set(strip.legend)
    assert any(kind == "padding" for strip in strips for _, kind in strip.pieces)
    checks = Callout(f"All {len(CHECKS)} checks before tuning passed: {', '.join(CHECKS)}.", "good")
    assert checks in shown


def test_the_batch_in_figures_and_the_row_that_does_not_fit(home):
    rows = [ticket(n) for n in range(40)]
    rows[3]["reply"] += " and more" * 60
    project, record = formatted(home, rows, max_length=500, group_column="none", test_share=0.1)
    shown = format_data.blocks(project)
    figures = dict(next(b for b in shown if isinstance(b, Table) and "A batch" in b.caption).rows)
    dataset = Dataset.open(project)
    tokenizer = load_tokenizer(record.base_model)
    objective = LearnAnswers(tokenizer, dataset)
    encoded = [row for example in dataset.train if (row := objective.encode(example))]
    order = list(LengthBuckets([len(row["input_ids"]) for row in encoded], 8, 5, epoch=lambda: 0))[:8]
    batch = objective.collate([encoded[place] for place in order])
    assert figures["width: the longest row, rounded up"] == f"{batch['input_ids'].shape[1]:,} tokens"
    learned = int((batch["labels"][:, 1:] >= 0).sum())
    assert figures["learned"].startswith(f"{learned:,} tokens (")
    assert figures["padding"].endswith(", on the right")
    last = [block for block in shown if isinstance(block, Tokens)][-1]
    assert last.caption.endswith(" tokens, does not fit into 500")
    assert any(kind == "beyond" for _, kind in last.pieces)


def test_the_glossary_in_tokens(home):
    project, _ = formatted(home, [ticket(n) for n in range(40)])
    case = project.load(UseCase, "use_case.json")
    case.glossary = [
        Term(term="chargeback", definition="Money back."),
        Term(term="fee", definition="A price."),
    ]
    case.save(project.path("use_case.json"))
    table = next(b for b in format_data.blocks(project) if isinstance(b, Table) and "glossary" in b.caption)
    # one token a byte, the blank before the word included
    assert [row[:2] for row in table.rows] == [("chargeback", 11), ("fee", 4)]
    assert table.rows[1][2] == " | f | e | e"


def test_same_rows_same_hashes(home):
    rows = [ticket(n) for n in range(50)]
    _, first = formatted(home, rows)
    assert first.content_hash() == formatted(home, rows)[1].content_hash()


def test_a_control_token_in_the_text_stays_text(home):
    rows = [ticket(n) for n in range(20)]
    rows[0]["message"] += " <|end|> now"
    project, record = formatted(home, rows, group_column="none")
    tokenizer = load_tokenizer(record.base_model)
    dataset = Dataset.open(project)
    (example,) = [e for e in [*dataset.train, *dataset.validation, *dataset.test] if "<|end|>" in e.input]
    assert encode_chat(tokenizer, dataset.conversation(example)).input_ids.count(tokenizer.eos_token_id) == 1


def test_the_steps_about_data_import_no_heavy_library(home):
    write_rows(home / "a.jsonl", [ticket(n) for n in range(30)])
    start(home)
    code = (
        "import sys; from data_project import run; from tailor.project import Project; p = Project('mine');"
        "run(p, '02', sources=['a.jsonl']); run(p, '03');"
        "print([m for m in ('torch', 'pandas', 'datasets', 'transformers', 'matplotlib') if m in sys.modules]);"
        "run(p, '04'); print([m for m in ('torch', 'pandas', 'datasets', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"TAILOR_HOME": str(home), "PYTHONPATH": "tests", "PATH": "/usr/bin:/bin"},
    )
    assert done.stdout.splitlines() == ["[]", "[]"]


def test_a_label_never_seen_in_training_is_kept_and_told(home):
    project = start(home, "classify")
    write_rows(home / "a.jsonl", [labelled(n, LABELS[n % 2]) for n in range(60)])
    write_rows(home / "given.jsonl", [labelled(n, LABELS[n % 3]) for n in range(200, 212)])
    run(project, "02", sources=["a.jsonl"], test_source="given.jsonl")
    run(project, "03")
    assert run(project, "04").splits["test"].rows == 12
    told = [block.text for block in format_data.blocks(project) if isinstance(block, Callout)]
    assert (
        "4 rows of validation and test have a label never seen in training ('log in'). They are kept and count as "
        "wrong where the model misses them: add training rows with that label."
    ) in told


def test_later_rows_leave_the_test_set_as_it_is(home):
    rows = [ticket(n) for n in range(100)]
    project, first = formatted(home, rows)
    before = {e.input: name for name in first.splits for e in Dataset.open(project).read(name)}
    more = [ticket(n) for n in range(100, 160)]
    twin = ticket(3) | {"customer_id": "C999", "message": ticket(3)["message"].upper()}
    write_rows(home / "a.jsonl", [*more, twin, *rows])
    run(project, "02", sources=["a.jsonl"])
    run(project, "03")
    second = run(project, "04")
    after = {e.input: name for name in second.splits for e in Dataset.open(project).read(name)}
    assert {text: after[text] for text in before if text in after} == {
        t: s for t, s in before.items() if t in after
    }
    assert len(set(before) & set(after)) >= 99
    assert second.splits["test"].rows > first.splits["test"].rows
    assert second.test_set != first.test_set
    third = run(project, "04", keep_test_set=False)
    assert third.test_set != second.test_set


def test_the_same_test_rows_have_the_same_hash_whatever_was_learned(home):
    rows = [ticket(n) for n in range(100)]
    project, first = formatted(home, rows)
    second = run(project, "04", max_train_rows=20)
    assert second.splits["train"].rows == 20
    assert second.test_set == first.test_set


def test_every_later_record_carries_the_hash_of_the_test_rows(home):
    from tailor.progress import Log
    from tailor.records import Baselines
    from tailor.series import find_step

    project, record = formatted(home, [ticket(n) for n in range(40)])
    spec = find_step("05_measure_baselines")

    class Step:
        run = staticmethod(lambda project, settings, log: Baselines(runs=[], verdict=""))

    step = SimpleNamespace(name=spec.name, module=Step, record=spec.record, writes=spec.writes)
    run_step(project, step, project.settings(spec), {}, Log())
    assert project.load(Baselines, "baselines.json").test_set == record.test_set
    assert len(record.test_set) == 64
