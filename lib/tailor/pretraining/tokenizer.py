"""Train the byte-level BPE tokenizer that the bundled models share.

Byte-level: every text can be written, nothing is ever unknown. Digits stand alone, so that a number is spelled the same
way wherever it occurs. Control tokens are *special* tokens: they mark turns and ends, and text that merely looks
like one of them is kept as text by `tailor.models.loading.encode_chat`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

END_OF_TEXT, PAD, SYSTEM, USER, ASSISTANT, END_OF_TURN = (
    "<|endoftext|>", "<|pad|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>",
)  # fmt: skip
RESERVED = tuple(f"<|reserved_{number}|>" for number in range(10))  # room for a project's own control tokens
CONTROL_TOKENS = (END_OF_TEXT, PAD, SYSTEM, USER, ASSISTANT, END_OF_TURN, *RESERVED)

# {% generation %} marks what the assistant says, so that libraries which ask for an assistant mask get the right one.
CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{%- if message['role'] == 'assistant' -%}"
    "{{- '<|assistant|>' -}}{%- generation -%}{{- message['content'] + '<|end|>' -}}{%- endgeneration -%}"
    "{%- else -%}"
    "{{- '<|' + message['role'] + '|>' + message['content'] + '<|end|>' -}}"
    "{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}"
)


def train_tokenizer(
    texts: Iterable[str], *, vocabulary: int = 8192, context: int = 512
) -> PreTrainedTokenizerFast:
    """Train a byte-level BPE tokenizer of ``vocabulary`` tokens on ``texts``; deterministic for the same texts."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"\p{N}"), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(CONTROL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=END_OF_TEXT,
        bos_token=END_OF_TEXT,
        pad_token=PAD,
        additional_special_tokens=[SYSTEM, USER, ASSISTANT, END_OF_TURN, *RESERVED],
        chat_template=CHAT_TEMPLATE,
        padding_side="left",
        model_max_length=context,
        clean_up_tokenization_spaces=False,
    )


def sample_pieces(documents: Iterable[str], *, most_characters: int, piece: int = 20_000) -> Iterator[str]:
    """Yield pieces of documents spread evenly over them, at most ``most_characters`` in all.

    BPE merges settle on a few tens of megabytes; a long novel must not fill the sample alone, so each document gives
    at most its even share.
    """
    documents = list(documents)
    share = max(piece, most_characters // max(1, len(documents)))
    left = most_characters
    for text in documents:
        taken = text[: min(share, left)]
        left -= len(taken)
        yield from (taken[i : i + piece] for i in range(0, len(taken), piece))
        if left <= 0:
            return
