"""Which reply goes with which message, learned from the rows themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from tailor.data.cleaning.doubt import FOLDS, folds

_TOKEN = r"(?u)\b\w[\w.,]*\b"
_WIDTH = 60
"""Dimensions of the spaces that stand for messages and replies."""
_DEALT = 5
"""Random pairs for each real one."""


@dataclass(frozen=True)
class Seen:
    """Messages and replies as a pairing sees them, [rows, ...] each: places in a space, shared words, rare words."""

    asked: np.ndarray
    given: np.ndarray
    asked_words: Any
    given_words: Any
    asked_rare: Any
    given_rare: Any


@dataclass(frozen=True)
class Pairing:
    """What was learned about which replies go with which messages. Lists have one model a fold, learned without it."""

    messages: Any
    replies: Any
    shared: Any
    rare: Any
    to_reply: list[Any]
    to_message: list[Any]
    judges: list[Any]

    def see(self, messages: Sequence[str], replies: Sequence[str]) -> Seen:
        return Seen(
            self.messages.transform(messages),
            self.replies.transform(replies),
            self.shared.transform(messages),
            self.shared.transform(replies),
            self.rare.transform(messages) > 0,
            self.rare.transform(replies),
        )

    def features(self, seen: Seen, rows: np.ndarray, replies: np.ndarray, fold: int) -> np.ndarray:
        """[rows, 5] how well replies fit messages: predicted both ways, words and rare words shared, rare words."""
        own = _unit(self.to_reply[fold].predict(seen.asked[rows]))
        back = _unit(self.to_message[fold].predict(seen.given[replies]))
        rare = seen.given_rare[replies]
        columns = (
            (own * seen.given[replies]).sum(axis=1),
            (back * seen.asked[rows]).sum(axis=1),
            seen.asked_words[rows].multiply(seen.given_words[replies]).sum(axis=1),
            rare.multiply(seen.asked_rare[rows]).sum(axis=1),
            rare.sum(axis=1),
        )
        return np.stack([np.asarray(column).ravel() for column in columns], axis=1)


def learn_pairs(rows: pl.DataFrame) -> Pairing:
    """Learn which replies go with which messages: row_id, message, reply -> what judges a pair.

    Raises:
        ValueError: the texts hold too few different words to tell them apart.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import Ridge

    messages, replies = rows["message"].to_list(), rows["reply"].to_list()
    shared = TfidfVectorizer(sublinear_tf=True, token_pattern=_TOKEN).fit(messages + replies)
    rare = TfidfVectorizer(sublinear_tf=True, max_df=0.2, token_pattern=_TOKEN, binary=True).fit(replies)
    fold = folds(rows["row_id"])
    with _one_thread():
        pairing = Pairing(_space(messages), _space(replies), shared, rare, [], [], [])
        seen = pairing.see(messages, replies)
        for part in range(FOLDS):
            keep = fold != part
            pairing.to_reply.append(Ridge(1.0).fit(seen.asked[keep], seen.given[keep]))
            pairing.to_message.append(Ridge(1.0).fit(seen.given[keep], seen.asked[keep]))
        cases, truth = _cases(pairing, seen, fold)
        for part in range(FOLDS):
            other = np.tile(fold != part, 1 + _DEALT)
            pairing.judges.append(_judge().fit(cases[other], truth[other]))
    return pairing


def _cases(pairing: Pairing, seen: Seen, fold: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Features of the real pairs, then of pairs dealt at random within each fold, and which are real.

    Every pair is seen by the models that were learned without its fold.
    """
    draw = np.random.default_rng(0)
    cases = np.zeros((1 + _DEALT, len(fold), 5))
    for part in range(FOLDS):
        rows = np.flatnonzero(fold == part)
        if not len(rows):
            continue
        cases[0, rows] = pairing.features(seen, rows, rows, part)
        for deal in cases[1:]:
            order = draw.permutation(rows)
            # each gets its neighbour's reply: none keeps its own
            deal[order] = pairing.features(seen, order, np.roll(order, 1), part)
    return cases.reshape(-1, 5), np.repeat([1, 0], [len(fold), _DEALT * len(fold)])


def pair_odds(pairing: Pairing, rows: pl.DataFrame) -> np.ndarray:
    """[rows] how likely each pair is a real one, by the models that have not seen it."""
    odds = np.ones(rows.height)
    if not rows.height:
        return odds
    seen = pairing.see(rows["message"].to_list(), rows["reply"].to_list())
    fold = folds(rows["row_id"])
    with _one_thread():
        for part in range(FOLDS):
            here = np.flatnonzero(fold == part)
            if len(here):
                odds[here] = pairing.judges[part].predict_proba(pairing.features(seen, here, here, part))[
                    :, 1
                ]
    return odds


def _one_thread() -> Any:
    """These matrices are small: several threads only wait for each other (60 s in the place of 3 on a busy machine)."""
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1)


def _space(texts: list[str]) -> Any:
    """What turns texts into vectors of length 1: latent semantic analysis (Deerwester and others 1990)."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import Normalizer

    pattern = r"(?u)\b\w+\b"
    words = TfidfVectorizer(
        ngram_range=(1, 2), sublinear_tf=True, min_df=2, max_df=0.5, token_pattern=pattern
    )
    weights = words.fit_transform(texts)
    width = min(_WIDTH, weights.shape[1] - 1)
    fewer = TruncatedSVD(width, random_state=0).fit(weights)
    return make_pipeline(words, fewer, Normalizer())


def _judge() -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures, StandardScaler

    return make_pipeline(
        StandardScaler(), PolynomialFeatures(2, include_bias=False), LogisticRegression(max_iter=1000)
    )


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
