"""Checks before tuning on answers, labels and splits: what is empty, what gives itself away, what leaks."""

from collections.abc import Iterator, Sequence

import polars as pl

from tailor.data.preflight_rows import SHOWN_ROWS, Rows, finding
from tailor.data.splits import tie_rows
from tailor.records import Finding

LEAKED = 0.9
"""Share of rows whose text holds their own label from which the text must have been written with the label in view."""


def empty_answers(rows: Rows) -> Iterator[Finding]:
    bad = rows.table.filter(pl.col("output").fill_null("").str.strip_chars() == "")["id"].to_list()
    if bad:
        yield finding(
            bad, "with an empty answer", "fill the output in the data, or drop these rows in 03_clean_data"
        )


def labels_once(rows: Rows) -> Iterator[Finding]:
    """A label with one training row is learned by heart and cannot be checked."""
    if rows.record.task != "classify":
        return
    train = rows.table.filter(split="train")
    counts = train.group_by("output").len().filter(pl.col("len") == 1)["output"].sort().to_list()
    if counts:
        names = ", ".join(f"'{name}'" for name in counts[:SHOWN_ROWS])
        yield finding(
            train.filter(pl.col("output").is_in(counts))["id"].to_list(),
            f"of training with a label that no other training row has ({names})",
            "gather more rows of these labels, or raise 04_format_data.min_label_rows to 3",
        )


def answer_in_prompt(rows: Rows) -> Iterator[Finding]:
    """The label stands in the text that it is to be told from."""
    train = rows.table.filter(split="train")
    if rows.record.task != "classify" or not train.height:
        return
    inside, spelled = [], []
    for row_id, text, output, label in train.select("id", "input", "output", "label").rows():
        lower = f" {text.lower()} "
        if output and _as_words(output) in _as_words(text):
            inside.append(row_id)
        if label and "_" in label and label.lower() in lower:
            spelled.append(row_id)
    if len(inside) >= LEAKED * train.height:
        yield finding(
            inside,
            f"of training ({len(inside) / train.height:.0%}) with their own label in the input: it would be copied, "
            "and not told from the text",
            "take the label's column out of 04_format_data.input_template, or choose another input_column",
        )
    elif len(spelled) > max(2, 0.05 * train.height):
        yield finding(
            spelled,
            f"of training ({len(spelled) / train.height:.0%}) with their own label in the input, spelled as in "
            "the data",
            "take the label's column out of 04_format_data.input_template, or clean it out of the texts",
        )


def _as_words(text: str) -> str:
    return f" {' '.join(''.join(c if c.isalnum() else ' ' for c in text.lower()).split())} "


def copies_across(rows: Rows) -> Iterator[Finding]:
    """Rows of validation and test that say the same as a training row."""
    told: set[str] = set()
    for kind, keys in rows.same_text.items():
        bad = [row_id for row_id in _shared_with_training(rows, keys) if row_id not in told]
        told.update(bad)
        if bad:
            yield finding(
                bad,
                f"of validation and test with {'an' if kind[0] == 'e' else 'a'} {kind} text in training",
                "run 04_format_data again, which keeps such rows on one side",
            )


def groups_across(rows: Rows) -> Iterator[Finding]:
    """The same customer or thread on both sides."""
    for column in ("group", "thread"):
        bad = _shared_with_training(rows, rows.ties(column))
        if bad:
            named = rows.record.roles.get(column, column)
            yield finding(
                bad,
                f"of validation and test whose {column} ('{named}') has training rows too",
                "run 04_format_data again, which keeps them on one side; take such rows out of a test file of your own",
            )


def _shared_with_training(rows: Rows, keys: Sequence[object]) -> list[str]:
    sides, ids = rows.table["split"].to_list(), rows.table["id"].to_list()
    trained = {key for side, key in zip(sides, keys, strict=True) if side == "train" and key is not None}
    return [ids[place] for place, key in enumerate(keys) if sides[place] != "train" and key in trained]


def from_the_future(rows: Rows) -> Iterator[Finding]:
    """Split by time, and training rows are newer than the test."""
    times = [time or "" for time in rows.table["time"].to_list()]
    if rows.record.settings.get("split_by") != "time" or not any(times):
        return
    keys = [*rows.same_text.values(), rows.ties("group"), rows.ties("thread")]
    bundles = tie_rows(len(times), keys)
    sides, ids = rows.table["split"].to_list(), rows.table["id"].to_list()
    latest: dict[int, str] = {}
    for bundle, side, time in zip(bundles, sides, times, strict=True):
        if side == "test":
            latest[bundle] = max(latest.get(bundle, ""), time)
    border = min((time for time in latest.values() if time), default=None)
    if border is None:
        return
    bad = [ids[place] for place, time in enumerate(times) if sides[place] != "test" and time > border]
    if bad:
        yield finding(
            bad,
            f"of training and validation newer than the oldest of the test ({border})",
            "run 04_format_data again with keep_test_set off, or set split_by to another way",
        )
