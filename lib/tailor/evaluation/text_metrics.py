"""Metrics of answers in words, from the libraries that define them: sacrebleu (chrF, BLEU) and rouge-score."""

import re
import string
from collections import Counter

import numpy as np

from tailor.evaluation.metric import Metric, Rows, mean_metric, ratio_metric

REPEATED_WORDS = 4
"""Length of the sequences that count as repeated (Welleck et al. 2020, Neural Text Generation with Unlikelihood
Training: seq-rep-4)."""


def chrf(rows: Rows) -> Metric:
    """Corpus chrF2 (Popovic 2015) from sacrebleu's n-gram counts: characters 1 to 6, recall counts twice."""
    from sacrebleu.metrics import CHRF

    scorer = CHRF()
    counts = scorer._extract_corpus_statistics(list(rows.predictions), [list(rows.references)])
    table = np.array(counts, dtype=np.float64)
    return Metric("chrf", table, lambda sums: _chrf_score(sums, scorer.beta), _chrf_score(table, scorer.beta))


def _chrf_score(sums: np.ndarray, beta: float) -> np.ndarray:
    """sacrebleu's chrF formula on [..., 3 * orders] counts of prediction, reference and both."""
    counts = sums.reshape(*sums.shape[:-1], -1, 3)
    guessed, wanted, both = counts[..., 0], counts[..., 1], counts[..., 2]
    used = (guessed > 0) & (wanted > 0)
    orders = np.maximum(used.sum(axis=-1), 1)
    zeros = np.zeros_like(both)
    precision = np.divide(both, guessed, out=zeros.copy(), where=used).sum(axis=-1) / orders
    recall = np.divide(both, wanted, out=zeros.copy(), where=used).sum(axis=-1) / orders
    below = beta**2 * precision + recall
    above = (1 + beta**2) * precision * recall
    return 100 * np.divide(above, below, out=np.zeros_like(below), where=below > 0)


def bleu(rows: Rows) -> Metric:
    """Corpus BLEU (Papineni et al. 2002) as sacrebleu computes it: 13a tokens, exponential smoothing."""
    from sacrebleu.metrics import BLEU

    scorer = BLEU()
    counts = scorer._extract_corpus_statistics(list(rows.predictions), [list(rows.references)])

    def combine(sums: np.ndarray) -> np.ndarray:
        return np.apply_along_axis(lambda line: scorer._compute_score_from_stats(line).score, -1, sums)

    return Metric("bleu", np.array(counts, dtype=np.float64), combine)


def rouge(rows: Rows, name: str) -> Metric:
    """Mean ROUGE F1 by rouge-score, without stemming; it reads only the letters a-z and digits."""
    from rouge_score.rouge_scorer import RougeScorer

    kind = {"rouge_1": "rouge1", "rouge_2": "rouge2", "rouge_l": "rougeL"}[name]
    scorer = RougeScorer([kind], use_stemmer=False)
    return mean_metric(name, np.array([scorer.score(*pair)[kind].fmeasure for pair in rows.pairs]))


def exact_match(rows: Rows) -> Metric:
    """Share of answers equal to the reference, blanks at the ends and runs of blanks aside."""
    right = [float(a.split() == b.split()) for a, b in rows.pairs]
    return mean_metric("exact_match", np.array(right), share=True)


def token_f1(rows: Rows) -> Metric:
    """Mean F1 of the words that answer and reference share, in small letters, without punctuation and articles.

    The formula of SQuAD's evaluation script (Rajpurkar et al. 2016), which no library we use holds.
    """
    return mean_metric("token_f1", np.array([_shared_words(a, b) for a, b in rows.pairs]))


def _shared_words(reference: str, prediction: str) -> float:
    wanted, said = _squad_words(reference), _squad_words(prediction)
    if not wanted or not said:
        return float(wanted == said)
    same = sum((Counter(wanted) & Counter(said)).values())
    return 2 * same / (len(wanted) + len(said))


def _squad_words(text: str) -> list[str]:
    bare = "".join(letter for letter in text.lower() if letter not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", bare).split()


def distinct(rows: Rows, name: str) -> Metric:
    """Different word sequences over all word sequences of all answers (Li et al. 2016).

    Every sequence counts as one over the times it occurs, so that a row's share of it can be summed; for the interval
    these shares stay as they are, since rows drawn twice are no repetition by the model.
    """
    length = int(name.removeprefix("distinct_"))
    sequences = [_sequences(text, length) for text in rows.predictions]
    times = Counter(sequence for row in sequences for sequence in row)
    different = [sum(1 / times[sequence] for sequence in row) for row in sequences]
    return ratio_metric(name, np.array(different), np.array([len(row) for row in sequences]))


def repetition(rows: Rows) -> Metric:
    """Mean share of an answer's four-word sequences that stood in it before: a model that turns in circles."""
    values = []
    for text in rows.predictions:
        found = _sequences(text, REPEATED_WORDS)
        values.append(1 - len(set(found)) / len(found) if found else 0.0)
    return mean_metric("repetition", np.array(values))


def _sequences(text: str, length: int) -> list[tuple[str, ...]]:
    words = text.split()
    return list(zip(*(words[start:] for start in range(length)), strict=False))


def readability(rows: Rows) -> Metric:
    """Mean Flesch reading ease of the answers."""
    from tailor.data.style import reading_ease

    return mean_metric("reading_ease", np.array([reading_ease(text) for text in rows.predictions]))


def similarity(rows: Rows) -> Metric:
    """Mean cosine of the sentence embeddings of answer and reference (Reimers and Gurevych 2019, section 3)."""
    from tailor.models.encoder import embed

    vectors = embed([*rows.references, *rows.predictions], rows.similarity_model).astype(np.float64)
    half = len(rows.references)
    return mean_metric("similarity", (vectors[:half] * vectors[half:]).sum(axis=1))


def bits_per_character(rows: Rows) -> Metric:
    """Bits that the references (and that they end there) cost the model, by their characters."""
    bits = -np.asarray(rows.nats, dtype=np.float64) / np.log(2)
    return ratio_metric("bits_per_character", bits, np.array([len(text) for text in rows.references]))


def perplexity(rows: Rows) -> Metric:
    """e to the nats that a token of the references (and of their ends) costs (Jelinek et al. 1977)."""
    nats = ratio_metric("perplexity", -np.asarray(rows.nats, dtype=np.float64), np.asarray(rows.tokens))
    return Metric(
        "perplexity", nats.statistics, lambda sums: np.exp(nats.combine(sums)), np.exp(nats.per_row)
    )
