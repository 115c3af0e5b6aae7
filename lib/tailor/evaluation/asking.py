"""How models are asked and measured: the settings that 05 and 10 share, and what may be wrong with them."""

from typing import Literal

from tailor.evaluation.known_metrics import KNOWN, metrics_of
from tailor.evaluation.own_metric import own_metric_problems
from tailor.evaluation.statistics import SAMPLES
from tailor.models.encoder import embedding_problems
from tailor.records import Task
from tailor.settings import Settings, setting

_CHOICES = tuple(name for name, known in KNOWN.items() if not known.cost)


class EvaluationSettings(Settings):
    """How models are asked and how sure the figures must be; the same for every model compared."""

    max_rows: int = setting(
        200,
        "At most this many rows are answered, drawn once with the project's seed; 0 means all. More rows "
        "take longer and make intervals narrower: four times the rows, half the width.",
        unit="rows",
        ge=0,
    )
    max_new_tokens: int = setting(
        64, "The longest answer that is written (free text only).", unit="tokens", ge=1, le=4096
    )
    calibration: Literal["auto", "none", "contextual"] = setting(
        "auto",
        "Labels only. 'contextual' divides out the opinion that a model has of the labels before it reads "
        "the input; 'auto' takes whichever does better on validation rows, for each model by itself.",
        source="Zhao et al. 2021, Calibrate Before Use, section 5",
    )
    metrics: list[Literal[_CHOICES]] = setting(
        [],
        "Metrics to measure beside those that suit the data, which are chosen from what the references are (JSON, "
        "numbers, short answers, code, summaries) and from your success criteria. bits_per_character and perplexity "
        "let each model read every reference once more.",
    )
    own_metrics: list[str] = setting(
        [],
        "Metrics of your own as module:function. The module is a Python file in the workspace ('mine:polite' is polite "
        "in mine.py); the function takes an answer and its reference, and returns a number.",
        advanced=True,
    )
    watts_per_core: float = setting(
        12.0,
        "What a busy processor core draws, for the estimate of energy: CPU seconds times this. Look up your "
        "processor's power and divide it by its cores.",
        unit="watts",
        gt=0,
        advanced=True,
        source="Lannelongue et al. 2021, Green Algorithms (its table TDP_cpu.csv: 12 W where the model is not known)",
    )
    similarity_model: str = setting(
        "",
        "Free text only: the encoder whose embeddings tell how near an answer's meaning is to the reference's, such "
        "as all-minilm-l6-v2 (the extra 'encoder') or a model folder. Empty: this metric is left out.",
        advanced=True,
        source="Reimers and Gurevych 2019, Sentence-BERT, section 3",
    )
    bootstrap_samples: int = setting(
        SAMPLES,
        "How often the rows are drawn again for the 95% intervals and the tests.",
        unit="samples",
        ge=200,
        le=20000,
        advanced=True,
        source="Efron and Tibshirani 1993, chapter 13 (percentile intervals)",
    )


def evaluation_problems(dataset_task: Task, settings: EvaluationSettings, step: str) -> list[str]:
    """What is wrong with how models are to be measured, as sentences.

    Args:
        step: whose settings they are; stands in the sentences.
    """
    fitting = metrics_of(dataset_task)
    return [
        *embedding_problems(settings.similarity_model, f"{step}.similarity_model"),
        *[
            f"{step}.metrics names '{name}', which is no metric of the task {dataset_task}."
            for name in settings.metrics
            if name not in fitting
        ],
        *own_metric_problems(settings.own_metrics),
    ]
