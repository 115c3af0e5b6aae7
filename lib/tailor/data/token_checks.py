"""Checks before tuning on what the model reads and learns: masks, lengths, ends of answers, templates, prompts."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from tailor.data.preflight_rows import Rows, finding
from tailor.records import Finding


def nothing_to_learn(rows: Rows) -> Iterator[Finding]:
    """Every label masked: the loss is 0.0 and nothing is learned."""
    if rows.source.architecture == "decoder":
        bad = rows.tokens.filter(learned=0)["id"]
        if len(bad):
            yield finding(
                bad.to_list(),
                "of training without a token to learn: the loss would count nothing of them",
                "look at their output in 04_format_data, and check its templates",
            )


def truncated(rows: Rows) -> Iterator[Finding]:
    """Rows that do not fit: training leaves them out."""
    if rows.source.architecture != "decoder":
        return  # an encoder reads the beginning of a long text
    limit, share = rows.dataset.max_length, rows.record.settings.get("truncated_at_most", 0.05)
    long = rows.tokens.filter(pl.col("length") > limit)
    if long.height > share * rows.tokens.height:
        longest = long["length"].max()
        yield finding(
            long["id"].to_list(),
            f"of training ({long.height / rows.tokens.height:.0%}, more than {share:.0%}) longer than {limit:,} "
            f"tokens, which would be left out; the longest has {longest:,}",
            f"raise 04_format_data.max_length, up to {longest:,}, or shorten what stands around the input",
        )


def end_of_answer(rows: Rows) -> Iterator[Finding]:
    """Without an end that is learned, a model never stops writing."""
    if rows.source.architecture != "decoder":
        return
    missing, masked = (
        rows.tokens.filter(ended=False, end_masked=found)["id"].to_list() for found in (False, True)
    )
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

    if rows.source.architecture != "decoder":
        return
    bad = []
    for examples, encoded in rows.encoded():
        prompts = [rows.dataset.prompt(example) for example in examples]
        asked = encode_chats(rows.tokenizer, prompts, add_generation_prompt=True)
        for example, row, prompt in zip(examples, encoded, asked, strict=True):
            if row.learned_from < row.learned_to and row.ids[: row.learned_from] != prompt.input_ids:
                bad.append(example.id)
    if bad:
        yield finding(
            bad,
            "of training with another prompt than the one the model would be asked with",
            "run 04_format_data again",
        )
