"""Replay against forgetting: text that the model wrote before training is learned along with the rows.

What a model writes freely is what it knows; learning it again keeps it in place, and no corpus is needed (Robins 1995,
Catastrophic Forgetting, Rehearsal and Pseudorehearsal; for language models Sun et al. 2020, LAMOL, section 3).
"""

import math
from typing import Any

from tailor.data.dataset import Example
from tailor.progress import Log

REPLAYED = "replay"
"""`source` of a row whose output is learned as plain text, from its first token on."""
TEXT_TOKENS = 64
AT_ONCE = 64  # texts written together


def replayed(model: Any, tokenizer: Any, rows: int, share: float, *, seed: int, log: Log) -> list[Example]:
    """Text that a decoder writes when nothing is asked, as rows to learn.

    Args:
        model: as it is before its first step.
        rows: training rows; `share` texts are written for each of them.
    """
    import torch

    from tailor.models.chat import ending_ids, text_start
    from tailor.models.language_model import GenerationConfig
    from tailor.models.local_model import evaluating, seeded, writing_options

    count = math.ceil(rows * share)
    first = text_start(tokenizer) or 0
    pad = tokenizer.pad_token_id
    options = writing_options(
        GenerationConfig(temperature=1.0),
        TEXT_TOKENS,
        sorted(ending_ids(tokenizer)),
        first if pad is None else pad,
    )
    device, texts = next(model.parameters()).device, []
    with torch.inference_mode(), evaluating(model), seeded(seed):
        for start in range(0, count, AT_ONCE):
            log.progress(start, count, "texts written for replay")
            ids = torch.full((min(AT_ONCE, count - start), 1), first, device=device)
            written = model.generate(
                input_ids=ids, attention_mask=torch.ones_like(ids), generation_config=options
            )
            texts += tokenizer.batch_decode(written[:, 1:], skip_special_tokens=True)
    log.progress(count, count, "texts written for replay")
    return [
        Example(f"{REPLAYED}:{number}", "", text, source=REPLAYED, parent=REPLAYED)
        for number, text in enumerate(texts, start=1)
        if text.strip()
    ]
