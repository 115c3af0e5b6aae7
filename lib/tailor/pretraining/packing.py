"""Token files on disk, and the sampler that mixes them into batches.

Every source becomes one flat file of uint16 token ids in which each document is followed by ``<|endoftext|>``. A
training row is any window of that file, so no token is padding. Sources are mixed with weights proportional to
``tokens ** 0.6``: in proportion to size, novels would be nearly half of what the model sees and the small sources
nothing; with equal weights a small source would be repeated until it is learned by heart.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

BLOCK = 512  # tokens that stay together when a source is shuffled; rows of up to this length are cut from one block
MIXTURE_EXPONENT = 0.6  # between 1 (by size) and 0 (all alike)


def write_tokens(path: Path, documents: list[str], tokenizer, *, at_once: int = 64) -> int:
    """Write documents as uint16 ids, each closed by the end-of-text id; return the number of tokens.

    Text is encoded with ``split_special_tokens``: a document that mentions ``<|user|>`` gets no control token.
    """
    if len(tokenizer) > 2**16:
        raise ValueError(f"token ids are stored in 16 bits, but the tokenizer has {len(tokenizer)} tokens")
    temporary = path.with_suffix(".part")
    total = 0
    with open(temporary, "wb") as file:
        for first in range(0, len(documents), at_once):
            batch = tokenizer(
                documents[first : first + at_once],
                add_special_tokens=False,
                split_special_tokens=True,
                return_attention_mask=False,
                verbose=False,
            )["input_ids"]
            for ids in batch:
                file.write(np.asarray([*ids, tokenizer.eos_token_id], dtype=np.uint16).tobytes())
                total += len(ids) + 1
    temporary.replace(path)
    return total


@dataclass
class Mixture:
    """Draws rows of ``context + 1`` tokens from several token files; the same seed gives the same rows.

    Each source is gone through in random order, block by block, and starts again with a new offset and order when
    it is used up; ``rows_taken`` is all the state there is, so a resumed run sees exactly the rows that come next.
    """

    streams: dict[str, np.ndarray]  # source -> token ids, [tokens], uint16
    seed: int
    exponent: float = MIXTURE_EXPONENT
    weights: dict[str, float] | None = None  # multiplies the size-based weight of the named sources

    def __post_init__(self) -> None:
        self.names = sorted(self.streams)
        sizes = np.array([len(self.streams[name]) for name in self.names], dtype=np.float64)
        factors = np.array([(self.weights or {}).get(name, 1.0) for name in self.names])
        self.shares = sizes**self.exponent * factors
        self.shares /= self.shares.sum()
        self.tokens_taken = dict.fromkeys(self.names, 0)
        self._orders: dict[tuple[str, int], np.ndarray] = {}

    def batch(self, step: int, rows: int, context: int) -> tuple[np.ndarray, np.ndarray]:
        """Return inputs and targets for ``step``, [rows, context] int64 each; advances ``tokens_taken``."""
        rng = np.random.default_rng([self.seed, step])
        drawn = rng.choice(len(self.names), size=rows, p=self.shares)
        ids = np.stack([self._next_row(self.names[i], context) for i in drawn]).astype(np.int64)
        return ids[:, :-1], ids[:, 1:]

    def _next_row(self, name: str, context: int) -> np.ndarray:
        stream = self.streams[name]
        taken = self.tokens_taken[name]
        taken += -taken % min(context, BLOCK)  # after a change of row length, go on at a row's edge
        blocks = max(1, (len(stream) - 1) // BLOCK - 1)
        epoch, position = divmod(taken // BLOCK, blocks)
        start = int(self._order(name, epoch, blocks)[position]) + taken % BLOCK
        self.tokens_taken[name] = taken + context
        return np.resize(
            stream[start : start + context + 1], context + 1
        )  # a stream shorter than a row repeats

    def _order(self, name: str, epoch: int, blocks: int) -> np.ndarray:
        """Return where each block of this epoch starts, shuffled: [blocks]."""
        if (name, epoch) not in self._orders:
            self._orders = {key: order for key, order in self._orders.items() if key[0] != name}
            rng = np.random.default_rng([self.seed, epoch, self.names.index(name)])
            offset = int(rng.integers(0, BLOCK)) if len(self.streams[name]) > 2 * BLOCK else 0
            self._orders[name, epoch] = offset + BLOCK * rng.permutation(blocks)
        return self._orders[name, epoch]

    def seen(self, name: str) -> list[np.ndarray]:
        """Return the token runs of a source that were drawn so far: all of it after a whole epoch, else its blocks."""
        stream = self.streams[name]
        blocks = max(1, (len(stream) - 1) // BLOCK - 1)
        epoch, position = divmod(self.tokens_taken[name] // BLOCK, blocks)
        if epoch:
            return [np.asarray(stream)]
        starts = np.sort(self._order(name, 0, blocks)[:position])
        return [np.asarray(stream[start : start + BLOCK + 1]) for start in starts]
