"""What 04_format_data shows of the training rows: balance, rows made and whether they help, the learning curve."""

from typing import Any

import polars as pl

from tailor.blocks import Block, Callout, Figure, Heading, Table, Text
from tailor.data.augmentation.effect import say_effect
from tailor.data.learning_curve import say_gain
from tailor.records import DatasetRecord, LearningCurve


def show_training_rows(record: DatasetRecord, train: pl.DataFrame, filtered: pl.DataFrame) -> list[Block]:
    """The blocks, from the record, the training split and dataset/filtered.parquet."""
    shown = [
        *_balance(record, train),
        *_made(record, train, filtered),
        *_terms(record),
        *_curve(record.learning_curve),
    ]
    return [Heading("The training rows"), *shown] if shown else []


def _balance(record: DatasetRecord, train: pl.DataFrame) -> list[Block]:
    """Rows of each label: given, made, and what they count together; nothing where all is as it was given."""
    if record.task != "classify" or train.is_empty():
        return []
    is_copy = pl.col("source") == "balance:copy"
    counts = (
        train.group_by("output")
        .agg(
            given=(pl.col("parent") == "").sum(),
            reworded=((pl.col("parent") != "") & ~is_copy).sum(),
            copies=is_copy.sum(),
            counts=pl.col("weight").sum().round(1),
        )
        .sort("given", "output", descending=[True, False])
    )
    most, least = counts["counts"].max(), counts["counts"].min()
    said = f"The commonest of {counts.height:,} labels counts {most / least:,.1f} times as much as the rarest"
    said += f" ({counts['given'].max():,} rows given against {counts['given'].min():,})."
    if most / least > UNEVEN:
        hint = "Rare labels will be learned worse: see balance in 'Choice and balance of rows', or gather more of them."
        return [Callout(f"{said} {hint}", "note")]
    if record.settings.get("balance", "as it is") == "as it is":
        return []
    columns = ("label", "rows given", "reworded", "copies", "count together as")
    return [Text(said), Table(columns, counts.rows(), "Balance of the labels in training", show=15)]


UNEVEN = 5.0
"""Times that a label may be commoner than another before that is pointed out."""


def _made(record: DatasetRecord, train: pl.DataFrame, filtered: pl.DataFrame) -> list[Block]:
    if not record.generated:
        return []
    lines = [
        (made.source, made.made, made.kept, "; ".join(f"{why}: {n:,}" for why, n in made.filtered.items()))
        for made in record.generated
    ]
    columns = ("made by", "made", "kept", "not kept because")
    shown: list[Block] = [
        Table(columns, lines, "Rows that were made; all of them stand in train, beside their parent")
    ]
    if record.augmentation is not None:
        shown.append(Callout(*say_effect(record.augmentation)))
    examples = _examples(train)
    if examples:
        shown.append(Table(("made by", "parent", "made row"), examples, "Examples of rows made"))
    if not filtered.is_empty():
        rows = (
            filtered.group_by("reason", maintain_order=True)
            .head(2)
            .select("reason", "source", "input")
            .rows()
        )
        shown.append(
            Table(
                ("reason", "made by", "row"),
                rows,
                "Rows not kept; all in dataset/filtered.parquet",
            )
        )
    return shown


def _examples(train: pl.DataFrame, each: int = 2) -> list[tuple[str, str, str]]:
    """The first rows of each source beside what they were made from."""
    made = train.filter((pl.col("parent") != "") & (pl.col("source") != "balance:copy"))
    parents = train.select(pl.col("id").alias("parent"), before="input")
    some = made.group_by("source", maintain_order=True).head(each).join(parents, on="parent", how="left")
    return some.select("source", pl.col("before").fill_null(pl.col("parent")), "input").sort("source").rows()


def _terms(record: DatasetRecord) -> list[Block]:
    if not record.terms or record.term_weight == 1:
        return []
    return [
        Text(
            f"{len(record.terms):,} words and phrases of the glossary count {record.term_weight:g} times as much as "
            "other words of an answer; the loss is the weighted mean."
        )
    ]


def _curve(curve: LearningCurve | None) -> list[Block]:
    if curve is None:
        return []
    said = say_gain(curve)
    if curve.gain is None:
        return [Text(said)]

    def draw() -> Any:
        from tailor.plots import learning_curve

        return learning_curve(curve)

    return [Callout(said, "note"), Figure(draw, f"Learning curve over {len(curve.sizes)} sizes. {said}")]
