"""What a model still knows beside its task: how well it reads general text, and whether it keeps to an asked form.

Tuning moves weights that other abilities stood on (McCloskey and Cohen 1989, catastrophic interference). Text is
measured in bits per character, which no tokenizer changes: lower is better, one bit more is a factor of two in the
probability of every character.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from tailor.errors import WorkbenchError
from tailor.evaluation.metrics import Metric
from tailor.models.language_model import LanguageModel

GENERAL_TEXT = Path(__file__).parent / "general_text.txt"
"""Fourteen paragraphs of different kinds, written for this workbench: no bundled model was trained on them."""
LONGEST_TEXT = 2_000_000
"""Bytes of a person's own text: reading more than a million characters takes minutes."""


def read_passages(path: str = "") -> list[str]:
    """The passages of a text file, which blank lines part; of the bundled text where no path is given.

    Raises:
        WorkbenchError: no such file, not text, too large, or fewer than two passages.
    """
    from tailor.data.readers.found import Limits
    from tailor.data.readers.text import read_text
    from tailor.project import resolve_path

    file = resolve_path(path) if path else GENERAL_TEXT
    text, _, _ = read_text(file, Limits(bytes=LONGEST_TEXT))
    passages = [passage.strip() for passage in re.split(r"\n\s*\n", text) if passage.strip()]
    if len(passages) < 2:
        raise WorkbenchError(
            f"{file} holds {len(passages)} passages",
            "at least two, parted by blank lines, or no interval can be told",
            "put blank lines between its paragraphs, or leave forgetting_text empty for the bundled text",
        )
    return passages


def bits_per_character(model: LanguageModel, passages: Sequence[str]) -> Metric | None:
    """Bits per character over all passages; None for a model that gives no probability of a text.

    A decoder reads each passage from its beginning; an encoder-decoder reads its first half and is asked for the rest.
    """
    from tailor.models.local_model import LocalModel
    from tailor.models.sequence_to_sequence import SequenceToSequenceModel

    if isinstance(model, SequenceToSequenceModel):
        halves = [(text[: len(text) // 2], text[len(text) // 2 :]) for text in passages]
        nats = model.score(
            [[{"role": "user", "content": first}] for first, _ in halves], [b for _, b in halves]
        )
        sizes = [len(second) for _, second in halves]
    elif isinstance(model, LocalModel):
        nats, sizes = _text_nats(model, passages), [len(text) for text in passages]
    else:
        return None
    bits = -np.array(nats) / log(2)
    rows = np.stack([bits, np.array(sizes, dtype=float)], axis=1)
    return Metric(
        "bits_per_character", rows, lambda sums: sums[..., 0] / sums[..., 1], rows[:, 0] / rows[:, 1]
    )


def _text_nats(model: Any, passages: Sequence[str]) -> list[float]:
    """[n] log-probability of each passage, read in windows of the model's context that overlap by half."""
    import torch

    from tailor.models.chat import text_start
    from tailor.models.local_model import evaluating
    from tailor.models.virtual_tokens import SoftPromptModel
    from tailor.pretraining.measure import windows

    # a soft prompt stands before everything that the model reads
    prefix = model.prefix([]) if isinstance(model, SoftPromptModel) else []
    begin = text_start(model.tokenizer)
    room = max(model.context - len(prefix) - 1, 2)
    starts, answers, owners = [], [], []
    for owner, text in enumerate(passages):
        ids = model.tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
        ids = ids if begin is None else [begin, *ids]
        for start, counted in windows(len(ids) - 1, room):
            piece, split = ids[start : start + room + 1], counted - start + 1
            starts.append([*prefix, *piece[:split]])
            answers.append(piece[split:])
            owners.append(owner)
    with torch.inference_mode(), evaluating(model.model):
        scores = model.score_ids(starts, answers)
    return np.bincount(owners, weights=scores, minlength=len(passages)).tolist()


# --- answers in the form that was asked for ------------------------------------------------------------------------
@dataclass(frozen=True)
class FormQuestion:
    """A question that says what form its answer must have, whatever the answer is."""

    form: str
    asked: str
    kept: Callable[[str], bool]


def form_questions(each: int, seed: int) -> list[FormQuestion]:
    """`each` questions for every form, made by rule; the same seed gives the same ones."""
    return [
        FormQuestion(form, *make(Random(f"{seed}/{form}/{number}")))
        for form, make in _FORMS.items()
        for number in range(each)
    ]


def _json(rng: Random) -> tuple[str, Callable[[str], bool]]:
    from tailor.pretraining.lexicon import event, tell

    fields = ["name", "place"]
    return f"Extract name and place as JSON.\n{tell(event(rng), rng)}", lambda answer: _has_keys(
        answer, fields
    )


def _has_keys(answer: str, fields: list[str]) -> bool:
    try:
        found = json.loads(answer)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and sorted(found) == sorted(fields)


def _bullets(rng: Random) -> tuple[str, Callable[[str], bool]]:
    from tailor.pretraining.lexicon import THINGS, listing

    chosen = rng.sample(THINGS, rng.randint(2, 4))

    def kept(answer: str) -> bool:
        lines = answer.strip().splitlines()
        return len(lines) == len(chosen) and all(re.match(r"[-*•] \S", line) for line in lines)

    return f"Write {listing(chosen)} as a bulleted list.", kept


def _number(rng: Random) -> tuple[str, Callable[[str], bool]]:
    from tailor.pretraining.lexicon import THINGS

    words = ", ".join(rng.sample(THINGS, rng.randint(2, 7)))
    return f"How many items are in this list? {words}", lambda answer: bool(
        re.fullmatch(r"\d+\.?", answer.strip())
    )


def _yes_or_no(rng: Random) -> tuple[str, Callable[[str], bool]]:
    from tailor.pretraining.lexicon import event, tell

    e = event(rng)
    asked = (
        f"{tell(e, rng)}\nDid {e['name']} {e['base']} the {e['thing']} in the {e['place']}? Answer yes or no."
    )
    return asked, lambda answer: answer.strip().rstrip(".").lower() in ("yes", "no")


def _capitals(rng: Random) -> tuple[str, Callable[[str], bool]]:
    from tailor.pretraining.lexicon import any_sentence

    return f"Write in capital letters: {any_sentence(rng)}", str.isupper


def _one_of(rng: Random) -> tuple[str, Callable[[str], bool]]:
    from tailor.pretraining.lexicon import TOPICS

    labels = rng.sample(list(TOPICS), 3)
    text = rng.choice(TOPICS[rng.choice(labels)])
    return (
        f"Text: {text}\nLabels: {', '.join(labels)}\nAnswer with one label.",
        lambda a: a.strip(" .\n") in labels,
    )


_FORMS: dict[str, Callable[[Random], tuple[str, Callable[[str], bool]]]] = {
    "JSON with two fields": _json,
    "a bulleted list": _bullets,
    "a number alone": _number,
    "yes or no": _yes_or_no,
    "capital letters": _capitals,
    "one of three labels": _one_of,
}
