"""Which words of the input an answer rests on: integrated gradients over the input's embeddings, summed by word.

Sundararajan et al. 2017, Axiomatic Attribution for Deep Networks, section 3: the gradient of the answer's
log-probability is integrated from an input without meaning to the real one; the parts add up to the difference between
both. Captum does the integration. What stands around the input (system prompt, template) stays.

The input without meaning is made of mask tokens, or of full stops where the tokenizer has none. Zero vectors, the usual
choice for images, miss the sum by more (root-mean-square norms undo every scale, so the path turns at its first step).
On a small tuned decoder full stops named words whose loss cost 2.28 nats more than that of words drawn by lot; zero
vectors 2.21, padding tokens 1.76, the vocabulary's mean 1.65.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tailor.data.dataset import Dataset, Example
from tailor.models.language_model import LanguageModel

STEPS = 32
"""Of the integral, by Gauss-Legendre quadrature."""
AT_ONCE = 8  # steps that go through the model together


@dataclass(frozen=True)
class Attribution:
    """What each word adds to the answer's log-probability.

    Attributes:
        words: pieces of the input, blanks included; together they are the text as the tokenizer gives it back.
        scores: nats; above 0 the word speaks for the answer, below 0 against it.
        error: nats by which the scores miss the difference that they must add up to.
    """

    words: list[str]
    scores: list[float]
    error: float


@dataclass(frozen=True)
class _Reading:
    """How one model reads one example: `ids` of what it reads, and the answer's log-probability from embeddings."""

    ids: list[int]
    empty: list[int]  # the same prompt without the input
    score: Callable[[Any], Any]  # [b, t, d] embeddings of ids -> [b]


def can_attribute(model: LanguageModel) -> bool:
    """Whether the model's gradients are at hand: a decoder, encoder-decoder or classifier on this machine."""
    from tailor.models.classifier import ClassifierModel
    from tailor.models.embedding_classifier import EmbeddingClassifier
    from tailor.models.local_model import LocalModel
    from tailor.models.sequence_to_sequence import SequenceToSequenceModel

    if not isinstance(model, (LocalModel, SequenceToSequenceModel, ClassifierModel)):
        return False
    return not isinstance(model.model, EmbeddingClassifier)


def attribute_words(
    model: LanguageModel, dataset: Dataset, example: Example, answer: str
) -> Attribution | None:
    """Integrated gradients of one answer.

    Args:
        model: one that `can_attribute`.
        answer: what is explained, as a rule the model's own prediction.

    Returns:
        None where nothing of the input reaches the model (it is empty, or was cut away).
    """
    import torch
    from captum.attr import IntegratedGradients

    from tailor.models.local_model import evaluating

    reading = _read(model, dataset, example, answer)
    first, last = _differs(reading.ids, reading.empty)
    if first >= last:
        return None
    network = model.model
    embedding, device = network.get_input_embeddings(), next(network.parameters()).device
    with torch.no_grad():
        whole = embedding(torch.tensor([reading.ids], device=device)).float()
        blank = embedding(torch.tensor([[_blank(model.tokenizer)]], device=device)).float()

    def forward(part: Any) -> Any:
        count = len(part)
        around = whole[:, :first].expand(count, -1, -1), whole[:, last:].expand(count, -1, -1)
        return reading.score(torch.cat([around[0], part, around[1]], dim=1))

    part = whole[:, first:last]
    with evaluating(network):
        found, error = IntegratedGradients(forward).attribute(
            part,
            blank.expand_as(part),
            n_steps=STEPS,
            internal_batch_size=AT_ONCE,
            return_convergence_delta=True,
        )
    scores = found[0].sum(dim=-1).double().cpu().numpy()
    words, places = _words(model.tokenizer, reading.ids[first:last])
    if not words:
        return None
    summed = np.bincount(places, weights=scores, minlength=len(words))
    return Attribution(words, [float(value) for value in summed], float(error[0]))


def without_words(words: Sequence[str], dropped: Sequence[int]) -> str:
    """The text without some of its words."""
    gone = set(dropped)
    return "".join(word for place, word in enumerate(words) if place not in gone).strip()


def _blank(tokenizer: Any) -> int:
    known = tokenizer.mask_token_id
    return tokenizer.encode(".", add_special_tokens=False)[-1] if known is None else known


def _differs(ids: Sequence[int], empty: Sequence[int]) -> tuple[int, int]:
    """Where the input stands in a prompt: what differs from the prompt without it."""
    first = 0
    while first < min(len(ids), len(empty)) and ids[first] == empty[first]:
        first += 1
    tail = 0
    while tail < min(len(ids), len(empty)) - first and ids[-1 - tail] == empty[-1 - tail]:
        tail += 1
    return first, len(ids) - tail


def _words(tokenizer: Any, ids: Sequence[int]) -> tuple[list[str], list[int]]:
    """The words that tokens stand for, and for each token the number of its word."""
    ends = [
        len(tokenizer.decode(ids[:count], clean_up_tokenization_spaces=False))
        for count in range(len(ids) + 1)
    ]
    text = tokenizer.decode(ids, clean_up_tokenization_spaces=False)
    words = re.findall(r"\s*\S+|\s+\Z", text)
    if not words:
        return [], []
    borders = np.cumsum([len(word) for word in words])
    last_letters = np.maximum(ends[1:], 1) - 1  # a token belongs where its last letter stands
    return words, np.searchsorted(borders, np.minimum(last_letters, borders[-1] - 1), side="right").tolist()


# --- how each kind of model reads ----------------------------------------------------------------------------------
def _read(model: Any, dataset: Dataset, example: Example, answer: str) -> _Reading:
    from tailor.models.classifier import ClassifierModel
    from tailor.models.sequence_to_sequence import SequenceToSequenceModel

    prompt = dataset.prompt(example)
    empty = [*prompt[:-1], {**prompt[-1], "content": dataset.prompt("")[-1]["content"]}]
    if isinstance(model, ClassifierModel):
        return _read_classifier(model, prompt, empty, answer)
    if isinstance(model, SequenceToSequenceModel):
        return _read_writer(model, prompt, empty, answer)
    return _read_decoder(model, prompt, empty, answer)


def _read_decoder(model: Any, prompt: Any, empty: Any, answer: str) -> _Reading:
    import torch

    wanted = model.answer_ids(prompt, answer)[: model.context // 2]
    ids, size = model.encode(prompt, len(wanted)), len(wanted)
    targets = torch.tensor(wanted, device=model.device)

    def score(embeddings: Any) -> Any:
        mask = torch.ones(embeddings.shape[:2], dtype=torch.long, device=embeddings.device)
        logits = model.model(inputs_embeds=embeddings, attention_mask=mask, use_cache=False).logits
        likely = logits[:, -size - 1 : -1].float().log_softmax(-1)  # a prefix's own states stand before
        return likely.gather(-1, targets.expand(len(embeddings), -1)[..., None]).sum((1, 2))

    return _Reading([*ids, *wanted], [*model.encode(empty, size), *wanted], score)


def _read_writer(model: Any, prompt: Any, empty: Any, answer: str) -> _Reading:
    import torch

    from tailor.models.sequence_to_sequence import encode_answer

    targets = torch.tensor([encode_answer(model.tokenizer, answer)], device=model.device)
    inner = model.model.get_base_model() if hasattr(model.model, "get_base_model") else model.model
    begun = inner.prepare_decoder_input_ids_from_labels(targets)

    def score(embeddings: Any) -> Any:
        count = len(embeddings)
        mask = torch.ones(embeddings.shape[:2], dtype=torch.long, device=embeddings.device)
        logits = model.model(
            inputs_embeds=embeddings,
            attention_mask=mask,
            decoder_input_ids=begun.expand(count, -1),
            use_cache=False,
        ).logits
        likely = logits.float().log_softmax(-1)
        return likely.gather(-1, targets.expand(count, -1)[..., None]).sum((1, 2))

    return _Reading(model.encode(prompt), model.encode(empty), score)


def _read_classifier(model: Any, prompt: Any, empty: Any, answer: str) -> _Reading:
    import torch

    most = getattr(model.model.config, "max_position_embeddings", 512)
    label = model.labels.index(answer)

    def score(embeddings: Any) -> Any:
        mask = torch.ones(embeddings.shape[:2], dtype=torch.long, device=embeddings.device)
        return (
            model.model(inputs_embeds=embeddings, attention_mask=mask)
            .logits.float()
            .log_softmax(-1)[:, label]
        )

    return _Reading(model.encode(prompt, most), model.encode(empty, most), score)
