"""Rows of token ids in batches of similar length: padding is the most expensive thing to compute on a CPU."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

MASKED = -100  # the label of a token that is read but not learned, as torch's cross entropy understands it
MULTIPLE, SHORT, SHORT_MULTIPLE = (
    32,
    64,
    8,
)  # lengths of batches are rounded up: long ones to 32, short ones to 8
POOL = 32  # batches' worth of rows sorted together: wide enough to match lengths, narrow enough to stay mixed


class LengthBuckets:
    """An order of rows in which each batch has rows of similar length, mixed anew in every epoch.

    Args:
        lengths: [n] tokens of each row.
        batch: rows that go through the model together.
        epoch: tells the current epoch; the order depends on it and on the seed alone, so a resumed run finds its row.
    """

    def __init__(self, lengths: Sequence[int], batch: int, seed: int, epoch: Callable[[], int]) -> None:
        self.lengths = np.asarray(lengths)
        self.batch, self.seed, self.epoch = batch, seed, epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        random = np.random.default_rng([self.seed, self.epoch()])
        order = random.permutation(len(self.lengths))
        batches: list[np.ndarray] = []
        for start in range(0, len(order), POOL * self.batch):
            pool = order[start : start + POOL * self.batch]
            pool = pool[np.argsort(-self.lengths[pool], kind="stable")]
            batches += [pool[at : at + self.batch] for at in range(0, len(pool), self.batch)]
        # only the last batch of an epoch may be short, or the loader would mix the lengths again
        full = [batch for batch in batches if len(batch) == self.batch]
        short = [row for batch in batches if len(batch) < self.batch for row in batch]
        shuffled = [full[i] for i in random.permutation(len(full))]
        return iter([int(row) for batch in shuffled for row in batch] + [int(row) for row in short])


def pad(rows: Sequence[dict[str, Any]], pad_id: int) -> dict[str, Any]:
    """Stack rows into tensors [b, t], padded on the right to the longest, rounded up to `MULTIPLE`.

    Args:
        rows: {"input_ids": [t], "labels": [t] or one number, "weight": number}, and perhaps "token_weights": [t].
    """
    import torch

    # every new shape makes the CPU's kernel library build and keep kernels for it: 20 MB a step with free lengths
    longest = max(len(row["input_ids"]) for row in rows)
    multiple = SHORT_MULTIPLE if longest <= SHORT else MULTIPLE
    longest = -(-longest // multiple) * multiple
    ids = torch.full((len(rows), longest), pad_id)
    mask = torch.zeros_like(ids)
    per_token = isinstance(rows[0]["labels"], list)
    labels = (
        torch.full((len(rows), longest), MASKED) if per_token else torch.tensor([r["labels"] for r in rows])
    )
    for at, row in enumerate(rows):
        size = len(row["input_ids"])
        ids[at, :size] = torch.tensor(row["input_ids"])
        mask[at, :size] = 1
        if per_token:
            labels[at, :size] = torch.tensor(row["labels"])
    weights = torch.tensor([row["weight"] for row in rows], dtype=torch.float32)
    batch = {"input_ids": ids, "attention_mask": mask, "labels": labels, "weights": weights}
    if any(row.get("token_weights") for row in rows):
        batch["token_weights"] = torch.ones(len(rows), longest)
        for at, row in enumerate(rows):
            if given := row.get("token_weights"):
                batch["token_weights"][at, : len(given)] = torch.tensor(given)
    return batch


def prediction_weights(batch: dict[str, Any]) -> Any:
    """[n] how much each prediction of a batch counts: every learned token (its row's weight times its own), or row."""
    if batch["labels"].dim() == 1:
        return batch["weights"]
    # a token is predicted from those before it: the first never is
    learned = batch["labels"][:, 1:] != MASKED
    weights = batch["weights"][:, None].expand_as(learned)
    if "token_weights" in batch:
        weights = weights * batch["token_weights"][:, 1:]
    return weights[learned]
