"""Watching new rows: every measure of drift that the rows at hand allow, and one verdict."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tailor.data.dataset import Dataset, Example
from tailor.data.style import Style, mean_sentence_words
from tailor.evaluation.answering import (
    answer,
    calibrate,
    label_columns,
    likeliest,
    log_prior,
    prediction_table,
)
from tailor.evaluation.compare import metric_of, name_of, show_value
from tailor.evaluation.metrics import HEADLINE
from tailor.evaluation.predictions import load_evaluation, read_predictions
from tailor.evaluation.statistics import resampled_values
from tailor.models.language_model import GenerationConfig, LanguageModel
from tailor.monitoring.drift import Limits, Measure, judge, label_drift, meaning_drift, number_drift
from tailor.monitoring.words import new_words, vocabulary
from tailor.progress import Log
from tailor.project import Project
from tailor.records import UseCase

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Thresholds:
    """From where on each kind of measure is to be watched or acted on."""

    index: Limits
    words: Limits
    divergence: Limits
    quality: Limits
    meaning: Limits


def text_measures(
    train: Sequence[Example],
    reference: Sequence[Example],
    new: Sequence[Example],
    limits: Thresholds,
    *,
    labelled: bool,
    seed: int,
    embedding_model: str = "",
) -> list[Measure]:
    """What can be said from the rows alone: length, words, meaning, and labels where the new rows have them.

    Args:
        embedding_model: the encoder that meaning is measured with; "" leaves it out.
    """
    texts = [[example.input for example in rows] for rows in (train, reference, new)]
    then, now = ([len(text.split()) for text in rows] for rows in texts[1:])
    measures = [
        number_drift("length", "Length of the input", "words", then, now, limits.index, seed),
        new_words(*texts, limits.words, seed),
        vocabulary(*texts[1:], limits.divergence, seed),
    ]
    if embedding_model:
        from tailor.models.encoder import embed

        vectors = embed([*texts[1], *texts[2]], embedding_model)
        measures.append(meaning_drift(*np.split(vectors, [len(reference)]), limits.meaning, seed))
    labels = [example.output for example in new if example.output]
    if labelled and labels:
        known = [example.output for example in reference]
        measures.append(label_drift("labels", "Labels given by people", known, labels, limits.index, seed))
    return measures


def ask_new_rows(
    project: Project, dataset: Dataset, model: LanguageModel, run: str, examples: list[Example], log: Log
) -> "pl.DataFrame":
    """The exported model's answers to new rows, asked in the way it was tested, as a table of predictions."""
    tested = load_evaluation(project, run)
    config = GenerationConfig(max_new_tokens=tested.settings.get("max_new_tokens", 64))
    found = answer(model, dataset, examples, config, log=log, what="answers to new rows")
    if dataset.task == "respond":
        return prediction_table(examples, found)
    used = tested.settings.get("calibration_used") == "contextual"
    scores = calibrate(np.asarray(found), log_prior(model, dataset) if used else None)
    return prediction_table(examples, likeliest(scores, dataset.labels), label_columns(scores))


def model_measures(
    project: Project, dataset: Dataset, run: str, table: "pl.DataFrame", limits: Thresholds, seed: int
) -> list[Measure]:
    """What the model's answers say: their kind, how sure they are, and how good where right answers are known."""
    tested = read_predictions(project, run)
    then, now = tested["prediction"].to_list(), table["prediction"].to_list()
    if dataset.task == "classify":
        sure = [part["confidence"].to_list() for part in (tested, table)]
        measures = [
            label_drift("predictions", "Labels given by the model", then, now, limits.index, seed),
            number_drift("confidence", "How sure the model is", "probability", *sure, limits.index, seed),
        ]
    else:
        sizes = [[len(text.split()) for text in texts] for texts in (then, now)]
        measures = [
            number_drift("answer_length", "Length of the answer", "words", *sizes, limits.index, seed),
            *_style_measures(project, then, now, limits.index, seed),
        ]
    known = table.filter(table["reference"] != "")
    if known.height:
        measures.append(_quality(dataset, tested, known, limits.quality, seed))
    return measures


def _style_measures(
    project: Project, then: Sequence[str], now: Sequence[str], limits: Limits, seed: int
) -> list[Measure]:
    """Whether answers sound otherwise than on the test rows: sentence length, and nearness to the tone sheet."""
    tone = project.load(UseCase, "use_case.json").tone
    found = [
        number_drift(
            "sentence_words", "Length of sentences", "words a sentence",
            *([mean_sentence_words(text) for text in texts] for texts in (then, now)), limits, seed,
        )
    ]  # fmt: skip
    if tone.pairs:
        distances = [Style(tone).distances(texts) for texts in (then, now)]
        found.append(
            number_drift("tone", "Distance to the tone sheet", "0 near, 1 far", *distances, limits, seed)
        )
    return found


def _quality(
    dataset: Dataset, tested: "pl.DataFrame", known: "pl.DataFrame", limits: Limits, seed: int
) -> Measure:
    """How much worse the answers are than on the test rows, as a share of the value there.

    The p-value is one-sided: how often the new rows, drawn again, are not worse than the test rows, drawn again.
    """
    name = HEADLINE[dataset.task]
    then, now = (metric_of(part, name, dataset.task, dataset.labels) for part in (tested, known))
    draws = [resampled_values(metric, 2000, seed + place) for place, metric in enumerate((then, now))]
    p_value = float((1 + np.sum(draws[1] >= draws[0])) / (len(draws[0]) + 1))
    loss = max(then.value - now.value, 0.0) / then.value if then.value else 0.0
    says = f"Quality: {name_of(name)} {show_value(name, then.value)} on the test rows, "
    says += f"{show_value(name, now.value)} on the {known.height:,} new rows with a right answer"
    return Measure("quality", "Quality", loss, p_value, judge(loss, p_value, limits), says)


def sum_up(measures: Sequence[Measure], rows: int, origin: str) -> tuple[str, str]:
    """The worst status, and the verdict in a sentence or two."""
    by_status = {status: [m for m in measures if m.status == status] for status in ("act", "watch")}
    said = f"{rows:,} rows of {origin} were compared with the rows held out from training."
    for status, word in (("act", "Act"), ("watch", "Watch")):
        if by_status[status]:
            findings = ". ".join(measure.says for measure in by_status[status])
            said += f" {word}: {findings}."
    if by_status["act"]:
        return "act", said
    return (
        ("watch", said)
        if by_status["watch"]
        else ("ok", f"{said} Nothing differs more than chance explains.")
    )
