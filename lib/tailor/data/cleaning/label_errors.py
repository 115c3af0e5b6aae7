"""Suspected label errors: confident learning (Northcutt, Jiang, Chuang 2021, "Confident Learning", JAIR 70, section 3).

A row is suspected where a model that has not seen it is sure of another label: surer than of the one given, and surer
than it is on average of the rows that carry that other label. With `confidence` 1 these are the rows that `cleanlab`
finds with filter_by="confident_learning" (a test compares them on the demo); written here in a few lines because it
has to judge rows piece by piece.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl

from tailor.blocks import Block, Table
from tailor.data.cleaning.doubt import FOLDS, LearnedSuspicion, folds, lowest, pooled
from tailor.data.cleaning.operation import Columns, Outcome, rewrite
from tailor.settings import setting

MIN_ROWS = 10
"""Rarer labels are neither suspected nor suggested: nothing can be learned of them."""


@dataclass(frozen=True)
class Judge:
    """What was learned of one column of labels.

    Attributes:
        labels: those that occur often enough, in alphabetical order.
        models: for each fold the model that has not seen it; each takes texts.
        usual: [labels] how sure the models are on average of the rows that carry the label.
    """

    labels: list[str]
    models: list[Any]
    usual: np.ndarray


class SuspectLabels(LearnedSuspicion):
    """Find rows whose text speaks for another label than the one they carry."""

    name = "suspect_labels"
    title = "Find suspected label errors"
    relax = "raise the confidence of suspect_labels, or set its action to 'mark'"
    warning = (
        "On an imbalanced or very small data set a rare but right label can look wrong: look at the rows before you "
        "drop or relabel them."
    )
    acts_on = "labels"

    action: Literal["mark", "drop", "relabel"] = setting(
        "mark",
        "'mark' writes the suggested label into a column 'doubt'; 'drop' takes the row out; 'relabel' writes the "
        "suggested label.",
    )
    confidence: float = setting(
        0.7,
        "How sure the model must be of the other label, against how sure it is on average of rows that carry that "
        "label. Higher finds fewer and is wrong less often.",
        unit="times the average",
        source="1 is the paper's rule; 0.7 found 87% of the demo's planted errors, 96% of its finds being right",
        ge=0.3,
        le=2,
    )
    text_columns: list[str] = setting(
        [], "The columns from which the label is to be told. Empty: the running text.", advanced=True
    )

    def named_columns(self) -> tuple[str, ...]:
        return (*self.columns, *self.text_columns)

    def _texts(self, columns: Columns) -> tuple[str, ...]:
        return tuple(self.text_columns) or tuple(n for n in columns.texts if n not in self.chosen(columns))

    def survey(self, frame: pl.DataFrame, columns: Columns) -> pl.DataFrame:
        """row_id, the labels, and the texts joined as `cleaning:text`."""
        return lowest(frame.select("row_id", *self.chosen(columns), _joined(frame, self._texts(columns))))

    def decide(self, surveys: Sequence[pl.DataFrame]) -> dict[str, Judge]:
        rows = pooled(surveys)
        found = {name: learn(rows["row_id"], rows[_TEXT], rows[name]) for name in rows.columns[1:-1]}
        return {name: judge for name, judge in found.items() if judge}

    def apply(self, frame: pl.DataFrame, columns: Columns, decision: dict[str, Judge]) -> Outcome:
        texts = _joined(frame, self._texts(columns))
        reasons: dict[str, str] = {}
        mended = []
        for name, judge in decision.items():
            suggested = self._suggest(frame["row_id"], texts, frame[name], judge)
            if self.action == "relabel":
                new = [
                    better[0] if better else old for better, old in zip(suggested, frame[name], strict=True)
                ]
                mended.append(pl.Series(name, new, dtype=pl.String))
            for row_id, old, better in zip(frame["row_id"], frame[name], suggested, strict=True):
                if better:
                    reasons.setdefault(
                        row_id, f"'{name}' is '{old}', perhaps '{better[0]}' ({better[1]:.0%})"
                    )
        return rewrite(frame, mended) if self.action == "relabel" else self.settle(frame, reasons)

    def _suggest(
        self, ids: pl.Series, texts: pl.Series, given: pl.Series, judge: Judge
    ) -> list[tuple[str, float] | None]:
        """For each row the label it should perhaps carry, with its probability."""
        sure = probabilities(judge, ids, texts)
        place = {label: number for number, label in enumerate(judge.labels)}
        found = suspects(
            sure, np.array([place.get(label, -1) for label in given]), self.confidence * judge.usual
        )
        return [
            (judge.labels[best], sure[row, best]) if best >= 0 else None for row, best in enumerate(found)
        ]

    def columns_after(self, columns: Columns, decision: Any = None) -> Columns:
        return columns if self.action == "relabel" else super().columns_after(columns, decision)

    def preview(self, frame: pl.DataFrame, columns: Columns) -> list[Block]:
        found: list[Block] = []
        for name, judge in self.decide([self.survey(frame, columns)]).items():
            sure = probabilities(judge, frame["row_id"], _joined(frame, self._texts(columns)))
            place = {label: number for number, label in enumerate(judge.labels)}
            given = np.array([place.get(label, -1) for label in frame[name]])
            rows = [
                (f"{at:.1f}", int((suspects(sure, given, at * judge.usual) >= 0).sum()))
                for at in (1, 0.9, 0.8, 0.7, 0.6, 0.5)
            ]
            found.append(Table(("confidence", "rows suspected"), rows, f"Suspected errors in '{name}'"))
        return found


_TEXT = "cleaning:text"


def _joined(frame: pl.DataFrame, names: Sequence[str]) -> pl.Series:
    parts = [pl.col(name).fill_null("") for name in names] or [pl.lit("")]
    return frame.select(pl.concat_str(parts, separator="\n").alias(_TEXT))[_TEXT]


def learn(ids: pl.Series, texts: pl.Series, labels: pl.Series) -> Judge | None:
    """Learn to tell a label from a text, without each fold in turn; None where there is nothing to tell apart."""
    counts = labels.drop_nulls().value_counts()
    known = sorted(counts.filter(pl.col("count") >= MIN_ROWS)[labels.name])
    fit = labels.is_in(known).fill_null(False)
    given, words, fold = labels.filter(fit).to_list(), texts.filter(fit).to_list(), folds(ids.filter(fit))
    if len(known) < 2 or len(set(fold)) < FOLDS:
        return None
    models = []
    for part in range(FOLDS):
        keep = np.flatnonzero(fold != part)
        models.append(linear_model().fit([words[i] for i in keep], [given[i] for i in keep]))
    judge = Judge(known, models, np.ones(len(known)))
    sure = probabilities(judge, ids.filter(fit), texts.filter(fit))
    place = np.array([known.index(label) for label in given])
    usual = np.array([sure[place == number, number].mean() for number in range(len(known))])
    return Judge(known, models, usual)


def linear_model() -> Any:
    """TF-IDF of words and word pairs, and logistic regression by stochastic gradient: a tenth of a second for 1,600
    texts, where exact solvers take seconds and find no more (measured on the demo's planted errors)."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import SGDClassifier
    from sklearn.pipeline import make_pipeline

    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2, token_pattern=r"(?u)\b\w+\b")
    return make_pipeline(
        words, SGDClassifier(loss="log_loss", alpha=1e-4, max_iter=20, tol=None, random_state=0)
    )


def probabilities(judge: Judge, ids: pl.Series, texts: pl.Series) -> np.ndarray:
    """[rows, labels] how likely each label is, by the model that has not seen the row."""
    sure = np.zeros((len(ids), len(judge.labels)))
    fold = folds(ids)
    for part, model in enumerate(judge.models):
        rows = np.flatnonzero(fold == part)
        if len(rows):
            places = [judge.labels.index(label) for label in model.classes_]
            sure[np.ix_(rows, places)] = model.predict_proba(texts.gather(rows).to_list())
    return sure


def suspects(sure: np.ndarray, given: np.ndarray, needed: np.ndarray) -> np.ndarray:
    """[rows] the label that each row should perhaps carry, -1 for none.

    Args:
        sure: [rows, labels] probabilities.
        given: [rows] the label a row carries; -1 for one that is not judged.
        needed: [labels] how likely a label must be to count.
    """
    enough = np.where(sure >= needed, sure, -1.0)
    best = enough.argmax(axis=1)
    # also surer than of the given label: of a rare label a model may be usually, and never more than, 2% sure
    better = enough.max(axis=1) > np.take_along_axis(sure, np.maximum(given, 0)[:, None], axis=1)[:, 0]
    return np.where(better & (best != given) & (given >= 0), best, -1)
