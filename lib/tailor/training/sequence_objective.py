"""What an encoder-decoder learns from a row: the whole answer, which the decoder writes after the encoder's reading."""

from collections.abc import Sequence
from typing import Any

from tailor.data.dataset import Dataset, Example
from tailor.models.language_model import LanguageModel
from tailor.training.batches import MASKED, pad, prediction_weights


class LearnToWrite:
    """Loss on the answer's tokens and its end; the prompt stands on the encoder's side."""

    def __init__(self, tokenizer: Any, dataset: Dataset) -> None:
        self.tokenizer, self.dataset = tokenizer, dataset

    def encode(self, example: Example) -> dict[str, Any] | None:
        from tailor.models.sequence_to_sequence import encode_answer, encode_source

        ids = encode_source(self.tokenizer, self.dataset.prompt(example), self.dataset.max_length)
        answer = encode_answer(self.tokenizer, example.output)
        if not example.output.strip() or len(answer) > self.dataset.max_length or example.weight <= 0:
            return None
        return {"input_ids": ids, "labels": answer, "weight": example.weight}

    def collate(self, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """As `pad`, but labels are [b, 1 + a]: a column that is never learned stands before the answers.

        A decoder-only model's first token is predicted by nothing; with that column both count alike.
        """
        import torch
        from torch.nn.utils.rnn import pad_sequence

        batch = pad([row | {"labels": 0} for row in rows], self.tokenizer.pad_token_id or 0)
        answers = [torch.tensor([MASKED, *row["labels"]]) for row in rows]
        return batch | {"labels": pad_sequence(answers, True, MASKED)}

    def loss(self, model: Any, batch: dict[str, Any]) -> tuple[Any, float]:
        from torch.nn.functional import cross_entropy

        targets = batch["labels"][:, 1:]
        learned = targets != MASKED
        inner = model.get_base_model() if hasattr(model, "get_base_model") else model
        logits = model(
            input_ids=batch["input_ids"],
            attention_mask=batch["attention_mask"],
            decoder_input_ids=inner.prepare_decoder_input_ids_from_labels(targets),
            use_cache=False,
        ).logits
        weights = prediction_weights(batch)
        losses = cross_entropy(logits[learned].float(), targets[learned], reduction="none")
        return (losses * weights).sum(), float(weights.sum())

    def as_language_model(self, model: Any) -> LanguageModel:
        from tailor.models.sequence_to_sequence import SequenceToSequenceModel

        return SequenceToSequenceModel(model, self.tokenizer)
