"""Lines of reference that need no language model: what a tuned model has to beat to be worth its price."""

from collections import Counter
from collections.abc import Sequence

from tailor.data.dataset import Example
from tailor.records import Task

MAJORITY, TFIDF, NEAREST = "majority_label", "tfidf_logistic_regression", "nearest_answer"
TYPICAL = "typical_answer"
TYPICAL_ROWS = 5000
"""Training answers among which the most typical one is looked for."""

TITLES = {
    MAJORITY: "Always the commonest label",
    TFIDF: "TF-IDF and logistic regression",
    NEAREST: "Answer of the most similar training row",
    TYPICAL: "Always the most typical answer",
}


def references_for(task: Task) -> dict:
    """Name -> function of (train rows, rows to answer) -> predictions; the one that looks at no input first."""
    if task == "classify":
        return {MAJORITY: majority_label, NEAREST: nearest_answer, TFIDF: tfidf_logistic_regression}
    return {TYPICAL: typical_answer, NEAREST: nearest_answer}


def majority_label(train: Sequence[Example], rows: Sequence[Example]) -> list[str]:
    """The commonest label of the training rows for every row (the first in the alphabet among equals)."""
    counts = Counter(example.output for example in train)
    best = min(counts, key=lambda label: (-counts[label], label))
    return [best] * len(rows)


def tfidf_logistic_regression(train: Sequence[Example], rows: Sequence[Example]) -> list[str]:
    """scikit-learn's logistic regression on TF-IDF weights of words and word pairs."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    labels = [example.output for example in train]
    if len(set(labels)) < 2:
        return majority_label(train, rows)
    pipeline = make_pipeline(_tfidf(), LogisticRegression(C=10, max_iter=1000))
    pipeline.fit([example.input for example in train], labels)
    return [str(label) for label in pipeline.predict([example.input for example in rows])]


def nearest_answer(train: Sequence[Example], rows: Sequence[Example]) -> list[str]:
    """The answer of the training row with the most similar input (cosine of TF-IDF): plain retrieval."""
    vectors = _tfidf()
    known = vectors.fit_transform([example.input for example in train])
    asked = vectors.transform([example.input for example in rows])
    nearest = (asked @ known.T).toarray().argmax(axis=1)
    return [train[i].output for i in nearest]


def typical_answer(train: Sequence[Example], rows: Sequence[Example]) -> list[str]:
    """A template: for every row the training answer that is nearest to the middle of all (cosine of TF-IDF)."""
    import numpy as np

    answers = [example.output for example in train[:: -(-len(train) // TYPICAL_ROWS)]]
    vectors = _tfidf().fit_transform(answers)
    middle = np.asarray(vectors.mean(axis=0)).ravel()
    return [answers[int((vectors @ middle).argmax())]] * len(rows)


def _tfidf():
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"(?u)\b\w+\b")
