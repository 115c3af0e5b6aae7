"""What is learned from a row: the answer's tokens (decoders), or the label as a class (encoders)."""

from collections.abc import Sequence
from typing import Any, Protocol

from tailor.data.dataset import Dataset, Example
from tailor.models.catalog import ModelSource
from tailor.models.language_model import LanguageModel
from tailor.training.batches import MASKED, pad, prediction_weights
from tailor.training.replay import REPLAYED
from tailor.training.term_weights import TermWeights


class Objective(Protocol):
    """Turns examples into rows, rows into batches, and a batch into a loss."""

    def encode(self, example: Example) -> dict[str, Any] | None:
        """The row of an example, or None where nothing of it can be learned."""
        ...

    def collate(self, rows: Sequence[dict[str, Any]]) -> dict[str, Any]: ...

    def loss(self, model: Any, batch: dict[str, Any]) -> tuple[Any, float]:
        """The sum of a batch's losses (nats), each times its weight, and the sum of the weights: their ratio is the
        weighted mean, as torch's cross_entropy(weight=...) takes it."""
        ...

    def as_language_model(self, model: Any) -> LanguageModel: ...


class LearnAnswers:
    """Loss on the answer's tokens and its end of turn; what the person wrote is read but not learned."""

    def __init__(self, tokenizer: Any, dataset: Dataset) -> None:
        self.tokenizer = tokenizer
        self.dataset = dataset
        self.term_weights = TermWeights(dataset.record.terms, dataset.record.term_weight)
        self.kept = dataset.kept_tokens(tokenizer)

    def encode(self, example: Example) -> dict[str, Any] | None:
        from tailor.models.chat import encode_chats

        if example.source == REPLAYED:
            return self._text_row(example.output)
        chat = self.kept.get(example) if self.kept else None
        if chat is None:
            conversation = self.dataset.conversation(example)
            (chat,) = encode_chats(self.tokenizer, [conversation], last_answer_only=True)
        # without a learned token there is nothing to gain, and a row cut short would teach not to end
        if len(chat.input_ids) > self.dataset.max_length or not any(chat.learned[1:]) or example.weight <= 0:
            return None
        labels = [i if learned else MASKED for i, learned in zip(chat.input_ids, chat.learned, strict=True)]
        row = {"input_ids": list(chat.input_ids), "labels": labels, "weight": example.weight}
        weights = self.term_weights.of_tokens(self.tokenizer, chat, example.output)
        return row | {"token_weights": weights} if weights else row

    def _text_row(self, text: str) -> dict[str, Any] | None:
        """Plain text that is learned from its first token on."""
        from tailor.models.chat import text_start

        ids = self.tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
        start = text_start(self.tokenizer)
        ids = [*([] if start is None else [start]), *ids][: self.dataset.max_length]
        return {"input_ids": ids, "labels": list(ids), "weight": 1.0} if len(ids) > 1 else None

    def collate(self, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
        return pad(rows, self.tokenizer.pad_token_id or 0)

    def loss(self, model: Any, batch: dict[str, Any]) -> tuple[Any, float]:
        """Cross entropy over learned tokens. The head, with its large vocabulary, runs on these alone."""
        from torch.nn.functional import cross_entropy

        from tailor.models.forward import split_head

        targets = batch["labels"][:, 1:]
        learned = targets != MASKED
        inputs = {
            "input_ids": batch["input_ids"],
            "attention_mask": batch["attention_mask"],
            "use_cache": False,
        }
        if split := split_head(model):
            body, head = split
            logits = head(body(**inputs).last_hidden_state[:, :-1][learned])
        else:
            logits = model(**inputs).logits[:, : learned.shape[1]][learned]
        weights = prediction_weights(batch)
        losses = cross_entropy(logits.float(), targets[learned], reduction="none")
        return (losses * weights).sum(), float(weights.sum())

    def as_language_model(self, model: Any) -> LanguageModel:
        from tailor.models.local_model import LocalModel

        return LocalModel(model, self.tokenizer)


class LearnLabels:
    """Loss on the label as one of k classes, for a model with a classification head.

    Args:
        smoothing: share of the answer's probability that is spread over all labels while training.
    """

    def __init__(self, tokenizer: Any, dataset: Dataset, *, smoothing: float = 0.0) -> None:
        self.tokenizer = tokenizer
        self.dataset = dataset
        self.smoothing = smoothing
        self.numbers = {label: number for number, label in enumerate(dataset.labels)}

    def encode(self, example: Example) -> dict[str, Any] | None:
        from tailor.models.classifier import encode_text

        if example.output not in self.numbers or example.weight <= 0:
            return None
        ids = encode_text(self.tokenizer, self.dataset.prompt(example), self.dataset.max_length)
        return {"input_ids": ids, "labels": self.numbers[example.output], "weight": example.weight}

    def collate(self, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
        return pad(rows, self.tokenizer.pad_token_id or 0)

    def loss(self, model: Any, batch: dict[str, Any]) -> tuple[Any, float]:
        from torch.nn.functional import cross_entropy

        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        smoothing = self.smoothing if model.training else 0.0
        losses = cross_entropy(logits.float(), batch["labels"], reduction="none", label_smoothing=smoothing)
        return (losses * batch["weights"]).sum(), float(batch["weights"].sum())

    def as_language_model(self, model: Any) -> LanguageModel:
        from tailor.models.classifier import ClassifierModel

        return ClassifierModel(model, self.tokenizer, self.dataset.labels)


def objective_for(base: ModelSource, tokenizer: Any, dataset: Dataset) -> Objective:
    """The objective that fits the base model's kind."""
    from tailor.training.sequence_objective import LearnToWrite

    kinds = {"decoder": LearnAnswers, "encoder": LearnLabels, "encoder-decoder": LearnToWrite}
    return kinds[base.architecture](tokenizer, dataset)
