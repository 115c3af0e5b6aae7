"""Credit goes to the operation that mends what was planted, and to no other."""

import random

import polars as pl
import pytest

from tailor.blocks import Figure, Table
from tailor.data.cleaning.credit import credit, credit_blocks
from tailor.data.cleaning.label_errors import SuspectLabels
from tailor.data.cleaning.labels import MergeLabels
from tailor.data.cleaning.lengths import DropByLength
from tailor.data.cleaning.operation import Columns
from tailor.data.cleaning.sieves import DropExactDuplicates
from tailor.data.cleaning.text_repairs import NormalizeText, RepairEncoding
from tailor.errors import WorkbenchError
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


def judged(frame, *operations, task="classify", columns=COLUMNS):
    found = credit(frame, operations, columns, task=task, log=Log(), seed=1)
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
    shown = credit_blocks(first, {"merge_labels": "Merge spellings of a label"})
    table = next(block for block in shown if isinstance(block, Table))
    assert table.rows[1] == (
        "2. Merge spellings of a label",
        0,
        "+0.000 (+0.000 to +0.000)",
        "it changes nothing that is learned from",
    )
    assert not any(isinstance(block, Figure) for block in shown)


def test_too_few_rows_are_told():
    with pytest.raises(WorkbenchError) as caught:
        judged(rows(each=5), MergeLabels())
    assert str(caught.value) == (
        "Found: 15 rows are left after cleaning\n"
        "Needed: at least 40 that differ\n"
        "Do: set 03_clean_data.credit to false, or gather more rows"
    )
