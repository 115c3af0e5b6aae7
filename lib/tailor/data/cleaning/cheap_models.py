"""Cheap models that stand in for the real one where it is asked what rows teach: by their words or their meaning."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np
import polars as pl

from tailor.records import Task

By = Literal["words", "meaning"]
TITLES: dict[tuple[By, Task], str] = {
    ("words", "classify"): "logistic regression on TF-IDF",
    ("words", "respond"): "the reply of the message with the most similar words (TF-IDF)",
    ("meaning", "classify"): "a linear classifier on sentence embeddings",
    ("meaning", "respond"): "the reply of the message with the most similar sentence embedding",
}


def cheap_model(by: By, task: Task) -> "CheapModel":
    """The model for a task.

    Raises:
        WorkbenchError: by meaning, and the sentence encoder is not installed.
    """
    return _ByMeaning(task) if by == "meaning" else _ByWords(task)


class CheapModel(ABC):
    """Trained and asked at once. Each text becomes a row of a matrix once, however many trainings it takes part in."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._row_of: dict[str, int] = {}
        self._matrix: Any = None

    def answer(self, train: pl.DataFrame, questions: Sequence[str]) -> list[str]:
        """Answers to questions, learned from rows with `question` and `answer`."""
        answers = train["answer"]
        if train.is_empty() or (self._task == "classify" and answers.n_unique() == 1):
            return [answers.first() or ""] * len(questions)
        known, asked = self.weigh(self._rows(train["question"]), self._rows(questions))
        if self._task == "respond":
            likeness = asked @ known.T
            nearest = (likeness if isinstance(likeness, np.ndarray) else likeness.toarray()).argmax(axis=1)
            return answers.gather(nearest).to_list()
        return [str(label) for label in self.classifier().fit(known, answers.to_list()).predict(asked)]

    def _rows(self, texts: Iterable[str]) -> Any:
        texts = list(texts)
        if new := sorted(set(texts) - self._row_of.keys()):
            fresh = self.make_rows(new)
            self._row_of |= {text: place for place, text in enumerate(new, start=len(self._row_of))}
            self._matrix = fresh if self._matrix is None else self.below(self._matrix, fresh)
        return self._matrix[[self._row_of[text] for text in texts]]

    @abstractmethod
    def make_rows(self, texts: list[str]) -> Any:
        """[texts, width]"""

    @abstractmethod
    def below(self, first: Any, second: Any) -> Any:
        """Two such matrices below one another."""

    @abstractmethod
    def classifier(self) -> Any:
        """A new one, as scikit-learn has them."""

    def weigh(self, known: Any, asked: Any) -> tuple[Any, Any]:
        """The rows as they are compared; the weights follow from those that are learned from."""
        return known, asked


class _ByWords(CheapModel):
    """TF-IDF of words and word pairs."""

    def make_rows(self, texts: list[str]) -> Any:
        from sklearn.feature_extraction.text import HashingVectorizer

        pairs = {"ngram_range": (1, 2), "token_pattern": r"(?u)\b\w+\b"}
        return HashingVectorizer(**pairs, n_features=2**18, norm=None, alternate_sign=False).transform(texts)

    def below(self, first: Any, second: Any) -> Any:
        from scipy.sparse import vstack

        return vstack([first, second], format="csr")

    def weigh(self, known: Any, asked: Any) -> tuple[Any, Any]:
        from sklearn.feature_extraction.text import TfidfTransformer

        # what one text alone says tells no label; in a search for the nearest it does
        least = 2 if self._task == "classify" else 1
        columns = np.flatnonzero(known.getnnz(axis=0) >= least)
        weights = TfidfTransformer(sublinear_tf=True).fit(known[:, columns])
        return weights.transform(known[:, columns]), weights.transform(asked[:, columns])

    def classifier(self) -> Any:
        from sklearn.linear_model import SGDClassifier

        return SGDClassifier(loss="log_loss", alpha=1e-4, max_iter=20, tol=None, random_state=0)


class _ByMeaning(CheapModel):
    """Sentence embeddings."""

    def __init__(self, task: Task) -> None:
        from tailor.models.encoder import encoder_folder

        encoder_folder()
        super().__init__(task)

    def make_rows(self, texts: list[str]) -> Any:
        from tailor.models.encoder import embed

        return embed(texts)

    def below(self, first: Any, second: Any) -> Any:
        return np.concatenate([first, second])

    def classifier(self) -> Any:
        from sklearn.linear_model import RidgeClassifier

        return RidgeClassifier()  # in closed form: quick however many labels there are
