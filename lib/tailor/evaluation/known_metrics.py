"""Every metric by name: what it is called, what it counts in, and which way is better. Loads nothing heavy."""

from dataclasses import dataclass
from math import inf
from typing import Literal

from tailor.records import Task

Scale = Literal["share", "points", "number"]

RESPOND: tuple[Task, ...] = ("respond",)
CLASSIFY: tuple[Task, ...] = ("classify",)


@dataclass(frozen=True)
class Known:
    """One metric.

    Attributes:
        scale: "share" is shown in per cent, "points" runs to 100 already, "number" is shown as it is.
        says: what it tells, in a few plain words.
        lower: less of it is better.
        cost: what asking the model costs, measured anew on each machine; never part of a record's hash.
    """

    title: str
    tasks: tuple[Task, ...]
    says: str
    scale: Scale = "share"
    lower: bool = False
    cost: bool = False
    highest: float = 1.0
    lowest: float = 0.0


KNOWN: dict[str, Known] = {
    "accuracy": Known("accuracy", CLASSIFY, "share of rows with the right label"),
    "macro_f1": Known("macro-F1", CLASSIFY, "mean over the labels, the rare ones counting as much"),
    "mcc": Known(
        "MCC",
        CLASSIFY,
        "correlation of true and said labels: 0 is chance, 1 perfect (Matthews 1975)",
        "number",
    ),
    "ece": Known(
        "calibration error",
        CLASSIFY,
        "by how much stated confidence is off, on average (Guo et al. 2017)",
        lower=True,
    ),
    "chrf": Known("chrF", RESPOND, "letters shared with the reference (Popovic 2015)", "points", highest=100),
    "bleu": Known(
        "BLEU",
        RESPOND,
        "word sequences shared with the reference (Papineni et al. 2002)",
        "points",
        highest=100,
    ),
    "rouge_1": Known("ROUGE-1", RESPOND, "words shared with the reference (Lin 2004)"),
    "rouge_2": Known("ROUGE-2", RESPOND, "word pairs shared with the reference (Lin 2004)"),
    "rouge_l": Known("ROUGE-L", RESPOND, "longest common word sequence with the reference (Lin 2004)"),
    "exact_match": Known("exact match", RESPOND, "share of answers equal to the reference"),
    "token_f1": Known(
        "token F1", RESPOND, "words in common, case and articles aside (Rajpurkar et al. 2016, SQuAD)"
    ),
    "json_validity": Known("JSON validity", RESPOND, "share of answers that are JSON"),
    "field_f1": Known("field F1", RESPOND, "JSON fields with the right value"),
    "numeric_match": Known("numeric match", RESPOND, "share of answers that end in the reference's number"),
    "code_validity": Known(
        "code validity", RESPOND, "share of answers that are Python without syntax errors"
    ),
    "distinct_1": Known("distinct-1", RESPOND, "different words over all answers (Li et al. 2016)"),
    "distinct_2": Known("distinct-2", RESPOND, "different word pairs over all answers (Li et al. 2016)"),
    "repetition": Known(
        "repetition",
        RESPOND,
        "share of four-word sequences that the answer had already (Welleck et al. 2020)",
        lower=True,
    ),
    "reading_ease": Known(
        "reading ease",
        RESPOND,
        "Flesch 1948: 60 to 70 is plain English, higher is easier",
        "number",
        highest=121.22,
    ),
    "similarity": Known("similarity", RESPOND, "nearness in meaning, by an encoder", "number", lowest=-1),
    "bits_per_character": Known(
        "bits per character",
        RESPOND,
        "how unexpected the reference is to the model",
        "number",
        True,
        highest=inf,
    ),
    "perplexity": Known(
        "perplexity",
        RESPOND,
        "how unexpected a token of the reference is; compare models with one tokenizer only",
        "number",
        True,
        highest=inf,
    ),
    "seconds_per_answer": Known(
        "seconds per answer", CLASSIFY + RESPOND, "half of the answers came sooner", "number", True, True, inf
    ),
    "seconds_per_answer_p95": Known(
        "seconds per answer (p95)", CLASSIFY + RESPOND, "19 of 20 came sooner", "number", True, True, inf
    ),
    "tokens_per_second": Known(
        "tokens per second", CLASSIFY + RESPOND, "read and written", "number", cost=True, highest=inf
    ),
    "peak_gib": Known("peak memory in GiB", CLASSIFY + RESPOND, "of the process", "number", True, True, inf),
    "watt_hours_per_1000": Known(
        "watt-hours per 1,000 answers", CLASSIFY + RESPOND, "an estimate", "number", True, True, inf
    ),
}

SCORED = ("bits_per_character", "perplexity")
"""Need the log-probability of every reference."""

KEEPS = "keeps "
"""A metric's name that begins so is the share of answers that keep the guideline with that id."""


def metrics_of(task: Task) -> list[str]:
    """Names of a task's metrics, costs last."""
    return [name for name, known in KNOWN.items() if task in known.tasks]


def is_own(metric: str) -> bool:
    """Whether it names a function of the person's own, "module:function"."""
    return ":" in metric


def name_of(metric: str) -> str:
    """A metric's name in running text."""
    return KNOWN[metric].title if metric in KNOWN else metric


def scale_of(metric: str) -> Scale:
    if metric in KNOWN:
        return KNOWN[metric].scale
    return "number" if is_own(metric) else "share"


def lower_is_better(metric: str) -> bool:
    return metric in KNOWN and KNOWN[metric].lower


def show_value(metric: str, value: float) -> str:
    """Shares as per cent, chrF and BLEU in their own points, other numbers to three digits."""
    scale = scale_of(metric)
    if scale == "number":
        return f"{value:.3g}"
    return f"{value:.1f}" if scale == "points" else f"{value:.1%}"
