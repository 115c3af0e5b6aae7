"""Published probes for prejudice, asked of a model when their files are given: CrowS-Pairs, Winogender, BOLD.

Files stay where they are; only figures leave them. Sentences are scored as answers by log-probability, so these need a
model on this machine.
"""

import csv
import gzip
import io
import json
import random
import warnings
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tailor.errors import WorkbenchError
from tailor.evaluation.metrics import mean_metric
from tailor.evaluation.statistics import estimate, holm
from tailor.models.language_model import GenerationConfig, LanguageModel

MOST_BYTES = 50_000_000
ASKED = "Write one sentence."
"""The prompt after which a sentence is scored: it says nothing about the sentence."""
SAMPLES = 2000


def crows_pairs(model: LanguageModel, path: Path, rows: int, seed: int) -> list[dict[str, Any]]:
    """Share of sentence pairs whose stereotyping sentence the model holds likelier, in all and by kind of bias; 50% is
    no preference (Nangia et al. 2020; the whole sentence's log-probability, as is usual for models that
    read from left to right).

    Raises:
        WorkbenchError: the file is not CrowS-Pairs, or the model gives no log-probabilities.
    """
    lines = _table(path, ",", ("sent_more", "sent_less", "bias_type"))
    lines = _some(lines, rows, seed)
    more, less = (
        score_sentences(model, [line[name] for line in lines]) for name in ("sent_more", "sent_less")
    )
    prefers = (more > less).astype(float)  # "sent_more" is the more stereotyping one in every pair
    kinds = {"all pairs": np.ones(len(lines), bool)}
    for kind in sorted({line["bias_type"] for line in lines}):
        kinds[kind] = np.array([line["bias_type"] == kind for line in lines])
    found = [
        {
            "group": kind,
            "rows": int(inside.sum()),
            "value": estimate(mean_metric("share", prefers[inside], share=True), samples=SAMPLES, seed=seed),
            "p_value": _coin(prefers[inside]),
        }
        for kind, inside in kinds.items()
    ]
    return _corrected(found)


def _coin(values: np.ndarray) -> float:
    from scipy.stats import binomtest

    return float(binomtest(int(values.sum()), len(values), 0.5).pvalue)


def winogender(model: LanguageModel, path: Path, seed: int) -> list[dict[str, Any]]:
    """Where a pronoun stands for an occupation: how often the model holds "he" likelier than "she", and how closely
    its preference follows the share of women in the occupation (Spearman's correlation; Rudinger et al. 2018). The
    shares are read from occupations-stats.tsv beside the file, where it is.

    Args:
        path: all_sentences.tsv, plain or .gz.
    """
    sentences: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for line in _table(path, "\t", ("sentid", "sentence")):
        occupation, other, answer, gender = line["sentid"].split(".")[:4]
        if answer == "0":  # the pronoun stands for the occupation, not for the other person
            sentences[occupation, other][gender] = line["sentence"]
    pairs = {key: both for key, both in sentences.items() if {"male", "female"} <= both.keys()}
    if not pairs:
        raise _not_the_set(
            path, "sentences of women and men by occupation, as Winogender's all_sentences.tsv has them"
        )
    male, female = (score_sentences(model, [both[g] for both in pairs.values()]) for g in ("male", "female"))
    leans: dict[str, list[float]] = defaultdict(list)
    for (occupation, _), value in zip(pairs, female - male, strict=True):
        leans[occupation].append(float(value))
    lean = {occupation: float(np.mean(values)) for occupation, values in leans.items()}
    he = np.array([float(value < 0) for value in lean.values()])
    found = [
        {
            "group": "occupations where 'he' is likelier than 'she'",
            "rows": len(lean),
            "value": estimate(mean_metric("share", he, share=True), samples=SAMPLES, seed=seed),
            "p_value": _coin(he),
        }
    ]
    shares = _women_by_occupation(path)
    both = sorted(shares.keys() & lean.keys())
    if len(both) >= 10 and len(set(lean.values())) > 1:
        found.append(_correlation([lean[name] for name in both], [shares[name] for name in both], seed))
    return _corrected(found)


def _women_by_occupation(path: Path) -> dict[str, float]:
    beside = next((p for p in sorted(path.parent.glob("occupations-stats.tsv*")) if p.is_file()), None)
    if beside is None:
        return {}
    lines = _table(beside, "\t", ("occupation", "bls_pct_female"))
    return {line["occupation"]: float(line["bls_pct_female"]) for line in lines}


def _correlation(lean: list[float], shares: list[float], seed: int) -> dict[str, Any]:
    from scipy.stats import spearmanr

    from tailor.records import Estimate

    pairs, draw = np.array([lean, shares]), np.random.default_rng(seed)
    whole = spearmanr(*pairs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a draw that repeats one occupation has no correlation
        drawn = [spearmanr(*pairs[:, draw.integers(0, len(lean), len(lean))]).statistic for _ in range(500)]
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    value = Estimate(value=float(whole.statistic), low=float(low), high=float(high))
    name = "how closely 'she' follows the share of women at work (correlation)"
    return {"group": name, "rows": len(lean), "value": value, "p_value": float(whole.pvalue)}


def bold(model: LanguageModel, path: Path, rows: int, seed: int) -> list[dict[str, Any]]:
    """How kindly the model goes on about people of different groups: mean sentiment of its continuations by VADER, from
    -1 to 1 (Dhamala et al. 2021), each group against all others.

    Args:
        path: one of BOLD's prompt files; rows: prompts drawn of each group.
    """
    from scipy.stats import mannwhitneyu
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    prompts = _bold_prompts(path)
    draw = random.Random(seed)
    asked = [
        (group, text)
        for group, texts in sorted(prompts.items())
        for text in draw.sample(texts, min(rows or len(texts), len(texts)))
    ]
    chats = [[{"role": "user", "content": f"Continue this text: {text.strip()}"}] for _, text in asked]
    answers = model.generate(chats, GenerationConfig(max_new_tokens=32))
    judge = SentimentIntensityAnalyzer()
    kind = np.array([judge.polarity_scores(text)["compound"] for text in answers])
    names = np.array([group for group, _ in asked])
    found = [
        {
            "group": group.replace("_", " "),
            "rows": int((names == group).sum()),
            "value": estimate(mean_metric("sentiment", kind[names == group]), samples=SAMPLES, seed=seed),
            "p_value": float(mannwhitneyu(kind[names == group], kind[names != group]).pvalue),
        }
        for group in sorted(prompts)
    ]
    return _corrected(found)


def _bold_prompts(path: Path) -> dict[str, list[str]]:
    try:
        values = json.loads(read_text(path))
        return {
            str(group): [text for texts in people.values() for text in texts]
            for group, people in values.items()
        }
    except (ValueError, AttributeError, TypeError, RecursionError):
        raise _not_the_set(
            path, "group -> name -> prompts as JSON, as BOLD's prompt files have them"
        ) from None


# --- what they share -----------------------------------------------------------------------------------------------
def score_sentences(model: LanguageModel, sentences: Sequence[str]) -> np.ndarray:
    """[n] log-probability (nats) of each sentence as an answer.

    Raises:
        WorkbenchError: the model gives none.
    """
    score = getattr(model, "score", None)
    if score is None:
        raise WorkbenchError(
            "this model gives no log-probability of a sentence",
            "a language model on this machine",
            "leave the files out for this model",
        )
    return np.array(score([[{"role": "user", "content": ASKED}]] * len(sentences), list(sentences)))


def _corrected(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for row, corrected in zip(found, holm([row["p_value"] for row in found]), strict=True):
        row["p_value"] = corrected
    return found


def _some(lines: list, rows: int, seed: int) -> list:
    if not rows or rows >= len(lines):
        return lines
    return [lines[i] for i in sorted(random.Random(seed).sample(range(len(lines)), rows))]


def read_text(path: Path) -> str:
    """A file's text, unpacked where it ends in .gz; at most 50 MB of it.

    Raises:
        WorkbenchError: it cannot be read, or is too large.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise _not_the_set(path, f"at most {MOST_BYTES:,} bytes")
        return content.decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise _not_the_set(path, f"a UTF-8 text file, plain or .gz ({error})") from None


def _table(path: Path, separator: str, columns: Sequence[str]) -> list[dict[str, str]]:
    lines = list(csv.DictReader(io.StringIO(read_text(path)), delimiter=separator))
    if not lines or not set(columns) <= lines[0].keys():
        raise _not_the_set(path, f"the columns {', '.join(columns)}")
    return lines


def _not_the_set(path: Path, needed: str) -> WorkbenchError:
    return WorkbenchError(
        f"{path.name} is not what its setting asks for", needed, "check the path in 10_evaluate"
    )
