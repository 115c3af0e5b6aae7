"""What an encoder-decoder learns from a row: the whole answer, which the decoder writes after the encoder's reading."""

from collections.abc import Sequence
from typing import Any

from tailor.data.dataset import Dataset, Example
from tailor.models.language_model import LanguageModel
from tailor.training.batches import MASKED, pad, prediction_weights
from tailor.training.term_weights import TermWeights


class LearnToWrite:
    """Loss on the answer's tokens and its end; the prompt stands on the encoder's side."""

    def __init__(self, tokenizer: Any, dataset: Dataset) -> None:
        self.tokenizer, self.dataset = tokenizer, dataset
        self.term_weights = TermWeights(dataset.record.terms, dataset.record.term_weight)

    def encode(self, example: Example) -> dict[str, Any] | None:
        from tailor.models.sequence_to_sequence import encode_answer, encode_source

        ids = encode_source(self.tokenizer, self.dataset.prompt(example), self.dataset.max_length)
        answer = encode_answer(self.tokenizer, example.output)
        if not example.output.strip() or len(answer) > self.dataset.max_length or example.weight <= 0:
            return None
        row = {"input_ids": ids, "labels": answer, "weight": example.weight}
        places = self._places(example.output) if self.term_weights.pattern else []
        # the end of the answer, and whatever else has no letters, counts once
        weights = self.term_weights.of_places(example.output, places)
        return row | ({"answer_weights": weights + [1.0] * (len(answer) - len(weights))} if weights else {})

    def _places(self, answer: str) -> list[tuple[int, int]]:
        """Where the letters of each token of an answer stand."""
        from tailor.models.chat import letters_of_tokens

        return letters_of_tokens(self.tokenizer, answer)[1]

    def collate(self, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """As `pad`, but labels are [b, 1 + a]: a column that is never learned stands before the answers.

        A decoder-only model's first token is predicted by nothing; with that column both count alike.
        """
        import torch
        from torch.nn.utils.rnn import pad_sequence

        batch = pad([row | {"labels": 0} for row in rows], self.tokenizer.pad_token_id or 0)
        answers = [torch.tensor([MASKED, *row["labels"]]) for row in rows]
        batch |= {"labels": pad_sequence(answers, True, MASKED)}
        if any("answer_weights" in row for row in rows):
            each = [[1.0, *row.get("answer_weights", [1.0] * len(row["labels"]))] for row in rows]
            batch["token_weights"] = pad_sequence([torch.tensor(w) for w in each], True, 1.0)
        return batch

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
