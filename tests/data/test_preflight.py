"""Every silent failure is provoked, and caught before tuning with its exact sentence."""

import json

import polars as pl
import pytest
from data_project import run, start, write_rows

from tailor.data.dataset import Dataset
from tailor.data.preflight import CHECKS, CheckName, preflight, refuse
from tailor.data.tables import read_table, write_table
from tailor.errors import WorkbenchError
from tailor.models.catalog import resolve
from tailor.progress import Log
from tailor.records import DatasetRecord, Plan

WORDS = ["card", "loan", "fee", "limit", "rate", "phone", "code", "branch", "letter", "address"]


def row(n, **more):
    text = " ".join(f"{WORDS[(n * k + k) % 10]}{n * k}" for k in range(1, 9))
    asked, answer = f"Please tell me about my {text}", f"The matter of {text} is settled"
    time = f"2024-{n % 12 + 1:02d}-{n % 28 + 1:02d}"
    return {"message": asked, "reply": answer, "customer_id": f"C{n // 2}", "written": time} | more


def labelled(n):
    return {"text": row(n)["message"], "intent": ("card_lost", "fees", "log_in")[n % 3]}


def project_of(home, rows, task="respond", **settings):
    project = start(home, task)
    write_rows(home / "a.jsonl", rows)
    run(project, "02", sources=["a.jsonl"])
    run(project, "03")
    run(project, "04", **settings)
    return project


@pytest.fixture
def project(home):
    return project_of(home, [row(n) for n in range(60)])


def found(project):
    dataset = Dataset.open(project)
    return preflight(dataset, resolve(dataset.record.base_model), Log())


def only(findings):
    (finding,) = findings
    return finding.check, finding.sentence, finding.fix


def change(project, file, **columns):
    """Write columns of a file of the dataset anew."""
    path = project.path(f"dataset/{file}.parquet")
    write_table(read_table(path, "04").with_columns(**columns), path)


def first(project, split="train"):
    return read_table(project.path(f"dataset/{split}.parquet"), "04").row(0, named=True)


def on_first(column, value):
    """The column with another value in the first row."""
    return pl.when(pl.int_range(pl.len()) == 0).then(value).otherwise(pl.col(column)).alias(column)


def settings_of(project, **changes):
    record = project.load(DatasetRecord, "dataset.json")
    record.settings |= changes
    record.save(project.path("dataset.json"))


def test_sound_data_pass_every_check(project):
    assert found(project) == []
    assert project.load(DatasetRecord, "dataset.json").preflight == []
    refuse([])


def test_the_names_of_the_checks():
    assert set(CHECKS) == set(CheckName.__args__)


def test_all_labels_masked(project):
    ident = first(project)["id"]
    ends = read_table(project.path("dataset/tokens/train.parquet"), "04")["ids"].list.len().cast(pl.Int32)
    change(
        project,
        "tokens/train",
        learned_from=on_first("learned_from", ends),
        learned_to=on_first("learned_to", ends),
    )
    assert only(found(project)) == (
        "nothing to learn",
        f"1 row of training without a token to learn: the loss would count nothing of them ({ident}).",
        "look at their output in 04_format_data, and check its templates",
    )


def listed(ids):
    """The first five ids, and a sign that there are more."""
    return ", ".join(ids[:5]) + (", ..." if len(ids) > 5 else "")


def every_id(project):
    dataset = Dataset.open(project)
    return [example.id for split in ("train", "validation", "test") for example in dataset.read(split)]


def test_too_many_rows_cut(home):
    rows = [row(n, reply="It is settled. " * (40 if n % 3 == 0 else 1) + str(n)) for n in range(60)]
    project = project_of(home, rows, max_length=400)
    check, sentence, fix = only(found(project))
    assert check == "truncated"
    train = Dataset.open(project).train
    cut = [example.id for example in train if example.output.count("It is") > 1]
    longest = Dataset.open(project).record.splits["train"].longest
    assert sentence == (
        f"{len(cut)} rows of training ({len(cut) / len(train):.0%}, more than 5%) longer than 400 tokens, which would "
        f"be left out; the longest has {longest:,} ({listed(cut)})."
    )
    assert fix == (
        f"raise 04_format_data.max_length, up to {longest:,}, or shorten what stands around the input"
    )
    settings_of(project, truncated_at_most=0.5)
    assert found(project) == []


def test_the_end_of_the_answer_is_masked(project):
    ident = first(project)["id"]
    change(project, "tokens/train", learned_to=on_first("learned_to", pl.col("learned_to") - 1))
    assert only(found(project)) == (
        "end of answer",
        f"1 row of training whose last token is masked: the model would not learn to stop ({ident}).",
        "run 04_format_data again",
    )


def test_the_template_writes_no_end(home):
    project = start(home)
    turns = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
    _retemplate(home, turns + "{% if add_generation_prompt %}assistant:{% endif %}")
    write_rows(home / "a.jsonl", [row(n) for n in range(40)])
    run(project, "02", sources=["a.jsonl"])
    run(project, "03")
    record = run(project, "04")
    (finding,) = record.preflight
    assert finding.check == "end of answer"
    assert finding.count == record.splits["train"].rows
    assert finding.what == (
        "of training without an end: no token that ends an answer follows it, and the model would never stop"
    )
    assert finding.fix == "let the chat template of bytes write its end-of-text token after an answer"


def _retemplate(home, template):
    path = home / "bytes" / "tokenizer_config.json"
    values = json.loads(path.read_text(encoding="utf-8")) | {"chat_template": template}
    path.write_text(json.dumps(values), encoding="utf-8")


CHATML = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}{{ eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


def test_another_template_than_the_rows_were_formatted_with(home, project):
    _retemplate(home, CHATML)
    rows = sum(split.rows for split in Dataset.open(project).record.splits.values())
    check, sentence, fix = only(found(project))
    assert (check, fix) == ("other template", "run 04_format_data again")
    assert sentence == (
        f"{rows} rows formatted with another tokenizer or chat template than bytes has now "
        f"({listed(every_id(project))})."
    )


def test_another_base_model_than_the_rows_were_formatted_for(project):
    findings = preflight(Dataset.open(project), resolve("tailor-mini"), Log())
    rows = sum(split.rows for split in Dataset.open(project).record.splits.values())
    assert findings[0].check == "other template"
    assert findings[0].sentence == (
        f"{rows} rows formatted and counted for bytes, while tailor-mini reads other tokens "
        f"({listed(every_id(project))})."
    )
    assert findings[0].fix == "set 00_start_here.base_model to tailor-mini, and run 04_format_data again"


def test_another_prompt_in_training_than_in_use(project):
    ident = first(project)["id"]
    ids = read_table(project.path("dataset/tokens/train.parquet"), "04")["ids"].to_list()
    ids[0][3] += 1
    change(project, "tokens/train", ids=pl.Series(ids, dtype=pl.List(pl.Int32)))
    assert only(found(project)) == (
        "other prompt",
        f"1 row of training with another prompt than the one the model would be asked with ({ident}).",
        "run 04_format_data again",
    )


def test_an_empty_answer(project):
    ident = first(project)["id"]
    change(project, "train", output=on_first("output", pl.lit(" ")))
    assert ("empty answers", f"1 row with an empty answer ({ident}).") in [
        (f.check, f.sentence) for f in found(project)
    ]


def test_a_label_that_occurs_once(home):
    project = project_of(home, [labelled(n) for n in range(60)], "classify")
    ident = first(project)["id"]
    change(project, "train", output=on_first("output", pl.lit("alone")))
    assert only(found(project)) == (
        "labels once",
        f"1 row of training with a label that no other training row has ('alone') ({ident}).",
        "gather more rows of these labels, or raise 04_format_data.min_label_rows to 3",
    )


@pytest.mark.parametrize("label", ["{intent}", "{intent | upper}"])
def test_the_label_in_the_prompt(home, label):
    rows = [labelled(n) for n in range(60)]
    template = "{text} [" + label + "]"
    project = project_of(home, rows, "classify", input_template=template, label_text="readable")
    check, sentence, fix = only(found(project))
    assert check == "answer in prompt"
    assert (
        "(100%) with their own label in the input: it would be copied, and not told from the text ("
        in sentence
    )
    assert (
        fix == "take the label's column out of 04_format_data.input_template, or choose another input_column"
    )


def test_labels_spelled_in_some_inputs(home):
    rows = [labelled(n) for n in range(90)]
    for each in rows[::5]:
        each["text"] += f" (filed under {each['intent']})"
    project = project_of(home, rows, "classify")
    train = Dataset.open(project).train
    spelled = sum("filed under" in example.input and "_" in example.input for example in train)
    ids = [example.id for example in train if "filed under" in example.input and "_" in example.input]
    check, sentence, fix = only(found(project))
    assert check == "answer in prompt"
    assert sentence == (
        f"{spelled} rows of training ({spelled / len(train):.0%}) with their own label in the input, spelled as in the "
        f"data ({listed(ids)})."
    )
    assert fix == (
        "take the label's column out of 04_format_data.input_template, or clean it out of the texts"
    )


@pytest.mark.parametrize(
    ("alike", "kind"), [(str.upper, "an equal"), (lambda text: text.replace("my", "the"), "a nearly equal")]
)
def test_twins_across_splits(project, alike, kind):
    ident = first(project, "test")["id"]
    change(project, "test", input=on_first("input", pl.lit(alike(first(project)["input"]))))
    assert only(found(project)) == (
        "copies across splits",
        f"1 row of validation and test with {kind} text in training ({ident}).",
        "run 04_format_data again, which keeps such rows on one side",
    )


def test_every_planted_twin_and_customer_is_found(project):
    trained = read_table(project.path("dataset/train.parquet"), "04")
    tested = read_table(project.path("dataset/test.parquet"), "04")
    planted = trained.head(tested.height)
    change(project, "test", input=planted["input"].str.to_uppercase() + " !", group=planted["group"])
    by_check = {finding.check: finding.count for finding in found(project)}
    assert by_check == {"copies across splits": tested.height, "groups across splits": tested.height}


def test_a_customer_on_both_sides(project):
    ident = first(project, "validation")["id"]
    change(project, "validation", group=on_first("group", pl.lit(first(project)["group"])))
    assert only(found(project)) == (
        "groups across splits",
        f"1 row of validation and test whose group ('customer_id') has training rows too ({ident}).",
        "run 04_format_data again, which keeps them on one side; take such rows out of a test file of your own",
    )


def test_training_rows_from_the_future(home):
    project = project_of(home, [row(n) for n in range(60)], split_by="time", group_column="none")
    assert found(project) == []
    ident = first(project)["id"]
    change(project, "train", time=on_first("time", pl.lit("2031-01-01")))
    border = read_table(project.path("dataset/test.parquet"), "04")["time"].min()
    assert only(found(project)) == (
        "from the future",
        f"1 row of training and validation newer than the oldest of the test ({border}) ({ident}).",
        "run 04_format_data again with keep_test_set off, or set split_by to another way",
    )


def test_tuning_is_refused_until_it_is_accepted(home, project):
    from tailor.steps import tune

    change(project, "train", output=on_first("output", pl.lit("")))
    Plan(base_model=str(home / "bytes"), technique="lora", reasons=[]).save(project.path("plan.json"))
    with pytest.raises(WorkbenchError) as caught:
        tune.run(project, tune.settings_model(project)(), Log())
    ident = first(project)["id"]
    # the row that was changed is encoded anew, with its empty answer; the mark that ends it can still be learned
    assert str(caught.value) == (
        f"Found: tuning would go wrong (empty answers): 1 row with an empty answer ({ident}).\n"
        "Needed: data that pass every check before tuning, which 04_format_data shows\n"
        "Do: fill the output in the data, or drop these rows in 03_clean_data; if it is meant so, add 'empty answers' "
        "to 04_format_data.accepted_checks"
    )
    settings_of(project, accepted_checks=["empty answers"])
    (finding,) = found(project)
    assert finding.accepted
    refuse([finding])
