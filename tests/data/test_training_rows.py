"""04's training rows: chosen, balanced, extended and weighed after splitting, and never in validation or test."""

import polars as pl
import pytest
from data_project import run, start, table, write_rows

from tailor.blocks import Callout, Figure, Table
from tailor.data.canaries import find_canaries, possible_answers
from tailor.data.dataset import Dataset
from tailor.errors import WorkbenchError
from tailor.records import Term, Tone, TonePair, UseCase
from tailor.steps import format_data

SUBJECTS = ["card", "loan", "fee", "limit", "rate", "phone", "code", "branch", "letter", "address"]


def message(n):
    words = " ".join(
        f"{SUBJECTS[(n * k + k) % 10]}{chr(97 + n * k % 26)}{chr(97 + n % 26)}" for k in range(1, 9)
    )
    return f"I do not know what my {words} is about, {chr(97 + n % 23)}{chr(97 + n // 23)}q"


def labelled(rows, common=4):
    """Every `common`-th row is of the rare label."""
    return [{"text": message(n), "intent": "rare" if n % common == 0 else "common"} for n in range(rows)]


def answered(rows):
    return [
        {"message": message(n), "reply": f"The chargeback of {message(n)[-30:]} is settled"}
        for n in range(rows)
    ]


def formatted(home, rows, task="classify", glossary=(), tone=None, **settings):
    project = start(home, task)
    case = project.load(UseCase, "use_case.json")
    case.glossary, case.tone = list(glossary), tone or Tone()
    case.save(project.path("use_case.json"))
    write_rows(home / "a.jsonl", rows)
    run(project, "02", sources=["a.jsonl"])
    run(project, "03", **{"operations.drop_near_duplicates.off": True})
    settings = {"near_duplicates": 0.0, "estimate_more": False} | settings
    return project, run(project, "04", **settings)


def untouched(project):
    """Validation and test hold only rows as given, of weight 1."""
    for split in ("validation", "test"):
        part = table(project, f"dataset/{split}.parquet")
        assert set(part["parent"]) == {""}
        assert set(part["weight"]) == {1.0}
        assert set(part["source"]) == {"a.jsonl"}
    return table(project, "dataset/train.parquet")


def counts(train):
    return dict(train["output"].value_counts().rows())


def test_nothing_is_done_by_default(home):
    project, record = formatted(home, labelled(80))
    train = untouched(project)
    assert (set(train["parent"]), set(train["weight"])) == ({""}, {1.0})
    assert (record.generated, record.augmentation, record.learning_curve, record.terms) == (
        [],
        None,
        None,
        [],
    )
    assert not any("The training rows" in str(block) for block in format_data.blocks(project))


def test_downsampling(home):
    project, record = formatted(home, labelled(80), balance="downsample")
    train = untouched(project)
    assert counts(train) == {"rare": 15, "common": 15}
    assert record.set_aside == {"left out to balance the labels": 30}
    assert table(project, "dataset/set_aside.parquet").height == 30


def test_upsampling(home):
    project, record = formatted(home, labelled(80), balance="upsample", balance_ratio=1.5)
    train = untouched(project)
    assert counts(train) == {"common": 45, "rare": 30}
    copies = train.filter(source="balance:copy")
    assert copies.height == 15
    originals = dict(train.filter(parent="").select("id", "input").rows())
    assert all(originals[parent] == text for parent, text in copies.select("parent", "input").rows())
    assert set(copies["label"]) == {"rare"}
    (made,) = record.generated
    assert (made.source, made.made, made.kept, made.filtered) == ("balance:copy", 15, 15, {})
    shown = next(b for b in format_data.blocks(project) if isinstance(b, Table) and "Balance" in b.caption)
    assert shown.rows == [("common", 45, 0, 0, 45.0), ("rare", 15, 0, 15, 30.0)]


def test_weights(home):
    project, _ = formatted(home, labelled(80), balance="weight")
    train = untouched(project)
    sums = dict(train.group_by("output").agg(pl.col("weight").sum().round(3)).rows())
    assert sums == {"common": 30.0, "rare": 30.0}
    assert {e.weight for e in Dataset.open(project).train if e.output == "rare"} == {2.0}


def test_unevenness_is_pointed_out(home):
    project, _ = formatted(home, labelled(160, common=8))
    (said,) = [
        b.text for b in format_data.blocks(project) if isinstance(b, Callout) and "commonest" in b.text
    ]
    assert said == (
        "The commonest of 2 labels counts 7.0 times as much as the rarest (105 rows given against 15). Rare labels "
        "will be learned worse: see balance in 'Choice and balance of rows', or gather more of them."
    )


def test_useful_rows(home):
    project, record = formatted(home, labelled(80), choose_rows="useful", max_train_rows=20)
    assert counts(untouched(project)) == {"common": 15, "rare": 5}
    assert record.set_aside == {"less useful than the rows kept for train": 40}


def test_augmentation(home):
    project, record = formatted(home, labelled(80), augment_rows=1.0, group_column="none")
    train = untouched(project)
    made = train.filter(pl.col("parent") != "")
    assert made.height == sum(count.kept for count in record.generated) > 40
    given = set(train.filter(parent="")["id"])
    assert set(made["parent"]) <= given
    assert {example.id for example in Dataset.open(project).given} == given
    assert all(source.startswith("augmentation:") for source in made["source"])
    assert record.splits["train"].rows == train.height
    assert record.augmentation.rows == 8
    filtered = table(project, "dataset/filtered.parquet")
    assert filtered.height == sum(count.made - count.kept for count in record.generated)
    assert filtered.columns == ["id", "parent", "source", "input", "output", "reason"]
    shown = format_data.blocks(project)
    assert any(isinstance(b, Callout) and "A quick proxy" in b.text for b in shown)
    again = run(
        project, "04", near_duplicates=0.0, estimate_more=False, augment_rows=1.0, group_column="none"
    )
    assert again.content_hash() == record.content_hash()


def test_children_leave_with_their_parent(home):
    long = labelled(40)
    for row in long[::5]:
        row["text"] += " and so on" * 12
    project, record = formatted(home, long, augment_rows=1.0, max_length=190)
    assert "the prompt alone is longer than 190 tokens" in record.set_aside
    train = untouched(project)
    assert set(train.filter(pl.col("parent") != "")["parent"]) <= set(train["id"])


def test_what_was_made_is_not_remembered_as_a_side(home):
    project, _ = formatted(home, labelled(40), augment_rows=1.0)
    assert table(project, "dataset/sides.parquet").height == 40


def test_templates_are_not_reworded(home):
    template = "Do not forget: {input}\nIs not this it?"
    project, _ = formatted(
        home, labelled(40), augment_rows=1.0, augment_with=["contraction"], input_template=template
    )
    made = untouched(project).filter(pl.col("parent") != "")
    assert made.height > 20
    for text in made["input"]:
        assert text.startswith("Do not forget: I don't know")
        assert text.endswith("\nIs not this it?")


def test_knowledge_and_term_weight(home):
    glossary = [Term(term="chargeback", definition="Money back", variants=["card claim"])]
    tone = Tone(pairs=[TonePair(before="As per", after="You can")])
    project, record = formatted(
        home, answered(40), "respond", glossary, tone, knowledge_rows=2, term_weight=3.0, group_column="none"
    )
    train = untouched(project)
    made = train.filter(pl.col("parent") != "").sort("id")
    assert made.select("id", "output", "source", "parent").rows() == [
        ("glossary:chargeback:1", "Money back.", "glossary", "glossary:chargeback"),
        ("glossary:chargeback:2", "Money back.", "glossary", "glossary:chargeback"),
        ("tone:1:1", "You can", "tone", "tone:1"),
        ("tone:1:2", "You can", "tone", "tone:1"),
    ]
    assert (record.terms, record.term_weight) == (["card claim", "chargeback"], 3.0)
    from tailor.models import load_tokenizer
    from tailor.training.objectives import LearnAnswers

    dataset = Dataset.open(project)
    row = LearnAnswers(load_tokenizer(record.base_model), dataset).encode(dataset.train[0])
    assert sum(weight == 3.0 for weight in row["token_weights"]) == len("chargeback")
    said = [getattr(block, "text", "") for block in format_data.blocks(project)]
    assert any(text.startswith("2 words and phrases of the glossary count 3 times as much") for text in said)


def test_planted_secrets_stand_in_train_alone_and_are_marked(home):
    project, record = formatted(
        home, answered(40), "respond", canaries=2, canary_copies=3, group_column="none"
    )
    made = untouched(project).filter(source="canary").sort("id")
    assert made["id"].to_list() == [f"canary:{number}:{copy}" for number in (1, 2) for copy in (1, 2, 3)]
    assert made["input"].unique().sort().to_list() == [
        "What is the code of locker 1?",
        "What is the code of locker 2?",
    ]
    dataset = Dataset.open(project)
    assert [canary.name for canary in find_canaries(dataset.train)] == ["canary:1", "canary:2"]
    assert all(canary.answer in possible_answers() for canary in find_canaries(dataset.train))
    assert not find_canaries([*dataset.validation, *dataset.test, *dataset.given])
    (counted,) = record.generated
    assert (counted.source, counted.made, counted.kept) == ("canary", 6, 6)


def test_the_learning_curve_is_shown(home):
    project, record = formatted(home, answered(160), "respond", estimate_more=True, validation_share=0.2)
    assert record.learning_curve.rows == 104
    alts = [block.alt for block in format_data.blocks(project) if isinstance(block, Figure)]
    assert any(alt.startswith("Learning curve over 5 sizes. Twice the rows (104 to 208): ") for alt in alts)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"augment_rows": 1.0, "augment_with": []},
            "Found: 04_format_data.augment_with is empty, and augment_rows asks for new rows\n"
            "Needed: at least one of: synonym, typo, casing, contraction, template, counterfactual, paraphrase, "
            "back-translation\n"
            "Do: name a way of rewording, or set augment_rows to 0",
        ),
        (
            {"augment_rows": 1.0, "augment_with": ["typo", "paraphrase"]},
            "Found: 04_format_data.augment_with names paraphrase, and augment_model is empty\n"
            "Needed: a language model that rewords\n"
            "Do: name it in 04_format_data.augment_model, or take these ways out of augment_with",
        ),
    ],
)
def test_refusals(home, settings, message):
    with pytest.raises(WorkbenchError) as error:
        formatted(home, labelled(20), **settings)
    assert str(error.value) == message
