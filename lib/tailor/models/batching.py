"""Rows of token ids as one batch, for models that are asked and not trained."""

from collections.abc import Sequence
from typing import Any


def stack(rows: Sequence[Sequence[int]], pad_id: int, device: Any = None) -> dict[str, Any]:
    """input_ids and attention_mask, [b, t] each, padded on the right to the longest row."""
    import torch
    from torch.nn.utils.rnn import pad_sequence

    ids = pad_sequence([torch.tensor(list(row), dtype=torch.long) for row in rows], True, pad_id)
    sizes = torch.tensor([[len(row)] for row in rows])
    mask = (torch.arange(ids.shape[1]) < sizes).long()
    return {"input_ids": ids.to(device), "attention_mask": mask.to(device)}
