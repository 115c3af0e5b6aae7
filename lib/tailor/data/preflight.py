"""Checks before tuning: what goes wrong without a sound is found here, with row numbers, cause and one thing to do.

All labels masked and a loss of 0.0 called success; another template in use than in training; an end of answer that is
never learned; test rows in the training set: each trains to the end and looks like a result. So 07_tune refuses to
start while one of these is found.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import polars as pl

from tailor.data.dataset import SPLITS, Dataset
from tailor.data.duplicates import equality_keys, near_duplicate_clusters
from tailor.data.partition import LARGEST_BUNDLE
from tailor.data.splits import tie_rows
from tailor.data.tables import read_table
from tailor.errors import WorkbenchError
from tailor.models.catalog import ModelSource
from tailor.progress import Log
from tailor.records import Finding

CheckName = Literal[
    "nothing to learn",
    "truncated",
    "end of answer",
    "other template",
    "other prompt",
    "empty answers",
    "labels once",
    "answer in prompt",
    "copies across splits",
    "groups across splits",
    "from the future",
]
SHOWN_ROWS = 5
BATCH = 2000
LEAKED = 0.9
"""Share of rows whose text holds their own label from which the text must have been written with the label in view."""


def preflight(dataset: Dataset, source: ModelSource, log: Log) -> list[Finding]:
    """Run every check.

    Args:
        dataset: as 04 wrote it.
        source: the base model to be tuned.

    Returns:
        What was found; empty where tuning may start. Findings of accepted checks are marked and block nothing.
    """
    rows = Rows(dataset, source)
    accepted = dataset.record.settings.get("accepted_checks", [])
    found = []
    for name, check in log.track(CHECKS.items(), "checks before tuning", total=len(CHECKS)):
        for finding in check(rows):
            found.append(finding.model_copy(update={"check": name, "accepted": name in accepted}))
    return found


def refuse(findings: Sequence[Finding]) -> None:
    """Stop where a finding was not accepted.

    Raises:
        WorkbenchError: tells the first finding, and the names of the others.
    """
    blocking = [finding for finding in findings if not finding.accepted]
    if not blocking:
        return
    first, others = blocking[0], list(dict.fromkeys(finding.check for finding in blocking[1:]))
    more = f" Also found: {', '.join(others)}." if others else ""
    raise WorkbenchError(
        f"tuning would go wrong ({first.check}): {first.sentence}{more}",
        "data that pass every check before tuning, which 04_format_data shows",
        f"{first.fix}; if it is meant so, add '{first.check}' to 04_format_data.accepted_checks",
    )


def finding(rows: Sequence[str], what: str, fix: str) -> Finding:
    """A finding on rows; `what` begins after "n rows"."""
    return Finding(rows=list(rows[:SHOWN_ROWS]), count=len(rows), what=what, fix=fix)


@dataclass(frozen=True)
class Encoded:
    """A training row as the trainer sees it."""

    id: str
    ids: list[int]
    learned: list[bool]


class Rows:
    """The dataset as the checks read it."""

    def __init__(self, dataset: Dataset, source: ModelSource) -> None:
        self.dataset, self.source = dataset, source
        self.record = dataset.record

    @cached_property
    def tokenizer(self) -> Any:
        from tailor.models import load_tokenizer

        return load_tokenizer(self.source)

    @cached_property
    def table(self) -> pl.DataFrame:
        """All rows with their `split`; `compared` is what tells whether two say the same."""
        parts = [
            read_table(self.dataset.folder / f"{name}.parquet", "04_format_data").with_columns(
                split=pl.lit(name)
            )
            for name in SPLITS
        ]
        whole = pl.concat(parts, how="diagonal_relaxed")
        for name in ("history", "label", "group", "thread", "time", "parent"):
            if name not in whole.columns:
                whole = whole.with_columns(pl.lit(None, pl.String).alias(name))
        compared = pl.coalesce("compared", "input") if "compared" in whole.columns else pl.col("input")
        return whole.with_columns(compared=compared)

    @cached_property
    def encoded(self) -> list[Encoded]:
        """The training rows as the trainer would feed them: kept tokens where they can be used."""
        from tailor.models.chat import encode_chats

        kept = self.dataset.kept_tokens(self.tokenizer)
        examples = self.dataset.train
        chats = [kept.get(example) if kept else None for example in examples]
        missing = [place for place, chat in enumerate(chats) if chat is None]
        for start in range(0, len(missing), BATCH):
            part = missing[start : start + BATCH]
            conversations = [self.dataset.conversation(examples[place]) for place in part]
            fresh = encode_chats(self.tokenizer, conversations, last_answer_only=True)
            for place, chat in zip(part, fresh, strict=True):
                chats[place] = chat
        return [
            Encoded(example.id, chat.input_ids, chat.learned)
            for example, chat in zip(examples, chats, strict=True)
        ]

    @cached_property
    def same_text(self) -> dict[str, list]:
        """Keys that rows share which say the same, by how much they are alike."""
        table = self.table
        texts = [
            history + text
            for history, text in table.select(pl.col("history").fill_null(""), "compared").rows()
        ]
        keys = {
            "equal": equality_keys(
                table.with_columns(pl.col("history").fill_null("")), ["history", "compared"]
            )
        }
        keys = {kind: [bytes(key) for key in found] for kind, found in keys.items()}
        near = self.record.settings.get("near_duplicates", 0)
        return keys | ({"nearly equal": near_duplicate_clusters([texts], near)} if near else {})

    def ties(self, column: str) -> list[str | None]:
        """A column's values where they tie rows; a value that most rows have ties none (see `partition`)."""
        values = [value or None for value in self.table[column].to_list()]
        largest = max(Counter(value for value in values if value).values(), default=0)
        all_alike = (
            largest > LARGEST_BUNDLE * len(values) and self.record.settings.get("split_by") != "grouped"
        )
        return [None] * len(values) if all_alike else values


# --- tokens --------------------------------------------------------------------------------------------------------
def nothing_to_learn(rows: Rows) -> Iterator[Finding]:
    """Every label masked: the loss is 0.0 and nothing is learned."""
    if rows.source.architecture != "encoder":
        bad = [row.id for row in rows.encoded if not any(row.learned[1:])]
        if bad:
            yield finding(
                bad,
                "of training without a token to learn: the loss would count nothing of them",
                "look at their output in 04_format_data, and check its templates",
            )


def truncated(rows: Rows) -> Iterator[Finding]:
    """Rows that do not fit: training leaves them out."""
    limit, share = rows.dataset.max_length, rows.record.settings.get("truncated_at_most", 0.05)
    long = [(row.id, len(row.ids)) for row in rows.encoded if len(row.ids) > limit]
    if len(long) > share * len(rows.encoded):
        longest = max(length for _, length in long)
        yield finding(
            [row_id for row_id, _ in long],
            f"of training ({len(long) / len(rows.encoded):.0%}, more than {share:.0%}) longer than {limit:,} tokens, "
            f"which would be left out; the longest has {longest:,}",
            f"raise 04_format_data.max_length, up to {longest:,}, or shorten what stands around the input",
        )


def end_of_answer(rows: Rows) -> Iterator[Finding]:
    """Without an end that is learned, a model never stops writing."""
    from tailor.models.chat import turn_end

    if rows.source.architecture == "encoder":
        return
    ends = set(turn_end(rows.tokenizer))
    missing, masked = [], []
    for row in rows.encoded:
        last = max((place for place, learned in enumerate(row.learned) if learned), default=None)
        if last is None or row.ids[last] in ends:
            continue
        after = row.ids[last + 1 : last + 3]
        (masked if ends & set(after) else missing).append(row.id)
    if missing:
        yield finding(
            missing,
            "of training without an end: no token that ends an answer follows it, and the model would never stop",
            f"let the chat template of {rows.source.name} write its end-of-text token after an answer",
        )
    if masked:
        yield finding(
            masked,
            "of training whose last token is masked: the model would not learn to stop",
            "run 04_format_data again",
        )


def other_template(rows: Rows) -> Iterator[Finding]:
    """What was formatted for one model or template is trained or asked with another one."""
    from tailor.models.chat import tokenizer_hash

    if not rows.record.tokenizer or tokenizer_hash(rows.tokenizer) == rows.record.tokenizer:
        return
    everything = rows.table["id"].to_list()
    made_for = Path(rows.record.base_model).name
    if made_for == Path(rows.source.name).name:
        what = f"formatted with another tokenizer or chat template than {made_for} has now"
        yield finding(everything, what, "run 04_format_data again")
    else:
        what = f"formatted and counted for {made_for}, while {rows.source.name} reads other tokens"
        fix = f"set 00_start_here.base_model to {rows.source.name}, and run 04_format_data again"
        yield finding(everything, what, fix)


def other_prompt(rows: Rows) -> Iterator[Finding]:
    """The prompt in training is not the prompt in use, for the same row."""
    from tailor.models.chat import encode_chats

    if rows.source.architecture == "encoder":
        return
    prompts = [rows.dataset.prompt(example) for example in rows.dataset.train]
    bad = []
    for start in range(0, len(prompts), BATCH):
        asked = encode_chats(rows.tokenizer, prompts[start : start + BATCH], add_generation_prompt=True)
        for row, prompt in zip(rows.encoded[start : start + BATCH], asked, strict=True):
            first = row.learned.index(True) if any(row.learned) else len(row.ids)
            if row.ids[:first] != prompt.input_ids and any(row.learned):
                bad.append(row.id)
    if bad:
        yield finding(
            bad,
            "of training with another prompt than the one the model would be asked with",
            "run 04_format_data again",
        )


# --- answers and labels --------------------------------------------------------------------------------------------
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


# --- splits --------------------------------------------------------------------------------------------------------
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


CHECKS: dict[CheckName, Callable[[Rows], Iterator[Finding]]] = {
    "nothing to learn": nothing_to_learn,
    "truncated": truncated,
    "end of answer": end_of_answer,
    "other template": other_template,
    "other prompt": other_prompt,
    "empty answers": empty_answers,
    "labels once": labels_once,
    "answer in prompt": answer_in_prompt,
    "copies across splits": copies_across,
    "groups across splits": groups_across,
    "from the future": from_the_future,
}
