"""A tokenizer that reads everything as text: what a person wrote becomes no control token, however it is spelled.

`tokenizer.encode(text, split_special_tokens=True)` does not go far enough: a Unigram vocabulary (T5, XLM-R) holds
`</s>` as a piece like any other and finds it in the text, added tokens that are not called special (`<think>`) are
always found, and a text that is encoded alone gets the blank that belongs to the beginning of a whole text.
"""

import json
import secrets
from collections.abc import Sequence
from functools import cached_property
from typing import Any

BATCH = 2048  # texts encoded together: enough for all cores, little enough to be forgotten soon


class PlainText:
    """Encodes texts as they would be encoded inside a chat, with no control token among them.

    Args:
        tokenizer: from transformers. One without a fast backend encodes text by text, as well as it can.
        control: the spellings of its control tokens.

    Attributes:
        around: ids that the tokenizer puts before and after a text that stands alone ([CLS], [SEP]).
        adds_blank: whether it puts a blank before every text by itself, wherever the text stands.
    """

    def __init__(self, tokenizer: Any, control: set[str]) -> None:
        self._tokenizer = tokenizer
        backend = getattr(tokenizer, "backend_tokenizer", None)
        self._backend = None if backend is None else _without_control(backend, control)
        if self._backend is not None:
            # stands before a text to say that it is not the beginning; nobody can know it, so nobody can write it
            self._before = f"\ue000{secrets.token_hex(8)}\ue000"
            self._backend.add_special_tokens([self._before])
        self.adds_blank = self._backend is not None and self._backend.encode(f"{self._before}a").tokens[1:2][
            0
        ].startswith("▁")

    @cached_property
    def around(self) -> tuple[list[int], list[int]]:
        whole = list(self._tokenizer("a")["input_ids"])
        (inner,) = self.encode(["a"], inside=[False])
        place = next(at for at in range(len(whole) + 1) if whole[at : at + len(inner)] == inner)
        return whole[:place], whole[place + len(inner) :]

    def encode(self, texts: Sequence[str], *, inside: Sequence[bool]) -> list[list[int]]:
        """The ids of each text.

        Args:
            inside: for each text whether something stands before it.
        """
        if self._backend is None:
            options = {"add_special_tokens": False, "split_special_tokens": True}
            return [self._tokenizer.encode(text, **options) for text in texts]
        found: list[list[int]] = []
        for start in range(0, len(texts), BATCH):
            part = [
                self._before + text if within else text
                for text, within in zip(
                    texts[start : start + BATCH], inside[start : start + BATCH], strict=True
                )
            ]
            encoded = self._backend.encode_batch_fast(part, add_special_tokens=False)
            found += [
                row.ids[1:] if within else row.ids
                for row, within in zip(encoded, inside[start : start + BATCH], strict=True)
            ]
        return found

    def letters(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """The ids of a text inside a chat, and for each the place of its first letter and of the one after its last."""
        encoded = self._backend.encode(self._before + text, add_special_tokens=False)
        shift = len(self._before)
        return encoded.ids[1:], [(first - shift, last - shift) for first, last in encoded.offsets[1:]]


def _without_control(backend: Any, control: set[str]) -> Any:
    """A copy of a tokenizer in which every control token has another spelling, that nobody knows; ids stay."""
    from tokenizers import Tokenizer

    parts = json.loads(backend.to_str())
    parts |= {"post_processor": None, "truncation": None, "padding": None}
    renamed: dict[str, str] = {}
    for token in parts["added_tokens"]:
        if token["content"] in control:
            renamed[token["content"]] = f"\ue001{secrets.token_hex(8)}{len(renamed)}\ue001"
            token["content"] = renamed[token["content"]]
    model = parts["model"]
    if isinstance(model.get("vocab"), dict):
        model["vocab"] = {renamed.get(piece, piece): number for piece, number in model["vocab"].items()}
    elif model.get("vocab"):
        model["vocab"] = [[renamed.get(piece, piece), score] for piece, score in model["vocab"]]
    if model.get("unk_token") in renamed:
        model["unk_token"] = renamed[model["unk_token"]]
    if model.get("merges"):
        model["merges"] = [pair for pair in model["merges"] if _merged(pair) not in renamed]
    return Tokenizer.from_str(json.dumps(parts))


def _merged(pair: Any) -> str:
    return "".join(pair) if isinstance(pair, list) else pair.replace(" ", "", 1)
