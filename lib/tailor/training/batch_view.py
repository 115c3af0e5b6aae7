"""A batch as the trainer collates it, shown token by token: what is learned, read, padded, or left out."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tailor.blocks import Block, Callout, Table, Text, Tokens
from tailor.data.dataset import Dataset, Example
from tailor.data.tokens import token_pieces

if TYPE_CHECKING:
    from tailor.models.catalog import ModelSource

LEGEND = {
    "learned": "learned",
    "masked": "read, not learned",
    "end": "end of the answer, learned",
    "padding": "padding",
    "beyond": "beyond max length: the row is left out",
}
WITHOUT_CHAT = {
    "encoder": "An encoder reads the text alone and learns its label as a class; no token is written.",
    "encoder-decoder": "An encoder-decoder reads the prompt on one side, and learns the whole answer on the other.",
}
LOOKED_AT = 2000  # rows encoded to find a batch: beyond that a look at the data must not take as long as training on it
EDGE = 60  # tokens shown at both ends of a long run that is read only


def batch_blocks(
    dataset: Dataset, source: "ModelSource", size: int, seed: int, shown: int = 4
) -> list[Block]:
    """The first batch of the first epoch, through the functions that training uses.

    Args:
        size: rows that go through the model together.
        shown: rows shown token by token.
    """
    from tailor.models import load_tokenizer
    from tailor.training.batches import LengthBuckets
    from tailor.training.objectives import LearnAnswers

    if source.architecture != "decoder":
        return [Text(WITHOUT_CHAT[source.architecture])]
    tokenizer = load_tokenizer(source)
    objective = LearnAnswers(tokenizer, dataset)
    examples = dataset.train[:LOOKED_AT]
    encoded = [(example, row) for example in examples if (row := objective.encode(example))]
    if not encoded:
        return [Callout("No training row has a token to learn within max length.", "bad")]
    lengths = [len(row["input_ids"]) for _, row in encoded]
    order = list(LengthBuckets(lengths, size, seed, epoch=lambda: 0))[:size]
    batch = objective.collate([encoded[place][1] for place in order])
    blocks: list[Block] = [_shape(batch)]
    for row, place in enumerate(order[:shown]):
        example = encoded[place][0]
        caption = f"Row {example.id}, {lengths[place]:,} tokens; row {row + 1} of {len(order)} in the batch"
        blocks.append(_strip(tokenizer, batch, row, caption))
    return [*blocks, *_too_long(tokenizer, objective, dataset, examples)]


def _shape(batch: dict[str, Any]) -> Table:
    """The batch in figures."""
    rows, width = batch["input_ids"].shape
    real = int(batch["attention_mask"].sum())
    learned = int((batch["labels"][:, 1:] >= 0).sum())
    padded = batch["attention_mask"].sum(1) < width
    left = bool(padded.any()) and not bool(batch["attention_mask"][padded][:, 0].any())
    lines = [
        ("rows in the batch", f"{rows:,}"),
        ("width: the longest row, rounded up", f"{width:,} tokens"),
        (
            "padding",
            f"{rows * width - real:,} tokens ({1 - real / (rows * width):.0%}), on the {'left' if left else 'right'}",
        ),
        ("read and not learned", f"{real - learned:,} tokens ({(real - learned) / real:.0%} of those read)"),
        ("learned", f"{learned:,} tokens ({learned / real:.0%} of those read)"),
    ]
    return Table(("", "this batch"), lines, "A batch as training sees it: rows of similar length go together")


def _strip(tokenizer: Any, batch: dict[str, Any], row: int, caption: str) -> Tokens:
    from tailor.models.chat import turn_end

    ids, ends = batch["input_ids"][row].tolist(), set(turn_end(tokenizer))
    real, labels = batch["attention_mask"][row].tolist(), batch["labels"][row].tolist()
    kinds = [
        "padding" if not read else "masked" if label < 0 else "end" if token in ends else "learned"
        for token, read, label in zip(ids, real, labels, strict=True)
    ]
    return Tokens(_folded(tokenizer, ids, kinds), _legend(kinds), caption)


def _legend(kinds: Sequence[str]) -> dict[str, str]:
    return {kind: meaning for kind, meaning in LEGEND.items() if kind in kinds}


def _folded(tokenizer: Any, ids: Sequence[int], kinds: Sequence[str]) -> list[tuple[str, str]]:
    """Tokens as pieces; padding as one piece, and of a long run that is read only its two ends."""
    pieces: list[tuple[str, str]] = []
    start = 0
    for end in range(1, len(ids) + 1):
        if end < len(ids) and kinds[end] == kinds[start]:
            continue
        run, kind = ids[start:end], kinds[start]
        if kind == "padding":
            name = tokenizer.decode(run[:1], skip_special_tokens=False)
            pieces.append((f"{len(run):,} x {name}", kind))
        elif kind in ("masked", "beyond") and len(run) > 3 * EDGE:
            ends = [token_pieces(tokenizer, part, [kind] * EDGE) for part in (run[:EDGE], run[-EDGE:])]
            gap = (f" ... {len(run) - 2 * EDGE:,} more tokens ... ", kind)
            # a letter of several tokens may have been cut in two
            pieces += [piece for piece in [*ends[0], gap, *ends[1]] if piece[0].strip("\ufffd")]
        else:
            pieces += token_pieces(tokenizer, run, [kind] * len(run))
        start = end
    return pieces


def _too_long(tokenizer: Any, objective: Any, dataset: Dataset, examples: Sequence[Example]) -> list[Block]:
    """The longest row, where it does not fit, with what is beyond the limit marked."""
    from tailor.models.chat import encode_chats

    long = [example for example in examples if objective.encode(example) is None and example.weight > 0]
    if not long:
        return []
    chats = encode_chats(tokenizer, [dataset.conversation(e) for e in long], last_answer_only=True)
    example, chat = max(zip(long, chats, strict=True), key=lambda pair: len(pair[1]))
    if len(chat) <= dataset.max_length:
        return []
    kinds = ["learned" if learned else "masked" for learned in chat.learned]
    kinds[dataset.max_length :] = ["beyond"] * (len(kinds) - dataset.max_length)
    caption = f"Row {example.id}, {len(chat):,} tokens, does not fit into {dataset.max_length:,}"
    return [Tokens(_folded(tokenizer, chat.input_ids, kinds), _legend(kinds), caption)]
