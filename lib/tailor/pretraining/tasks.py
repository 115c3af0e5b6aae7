"""Zero-shot and few-shot classification by log-probability: which label's words does the model find likeliest?

The prompt is plain text, as for any base model. Because a small model prefers some labels whatever the text is, each
label's score is taken relative to its score after an empty text (contextual calibration, Zhao et al. 2021).
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path
from random import Random

EMPTY = "N/A"


@dataclass(frozen=True)
class TextTask:
    """A labelled set: ``rows`` are (text, label)."""

    name: str
    labels: tuple[str, ...]
    rows: list[tuple[str, str]]

    @property
    def majority(self) -> float:
        counts = [sum(label == each for _, label in self.rows) for each in self.labels]
        return max(counts) / len(self.rows)


def read_sms_spam(data: Path) -> TextTask:
    """The UCI SMS Spam Collection (CC BY 4.0): is a message advertising or private?"""
    lines = gzip.decompress((data / "sms_spam" / "SMSSpamCollection.gz").read_bytes()).decode(
        "utf-8", "replace"
    )
    rows = []
    for line in lines.splitlines():
        label, _, text = line.partition("\t")
        if label in ("ham", "spam"):
            rows.append((text.strip().strip('"'), "advertising" if label == "spam" else "private"))
    return TextTask("sms_spam", ("advertising", "private"), rows)


def read_sentiment(data: Path) -> TextTask:
    """Sentiment Labelled Sentences (UCI, CC BY 4.0): is a review sentence positive or negative?"""
    rows = []
    for path in sorted((data / "sentiment_sentences").glob("*_labelled.txt.gz")):
        for line in gzip.decompress(path.read_bytes()).decode("utf-8", "replace").splitlines():
            text, _, label = line.rpartition("\t")
            if label in ("0", "1"):
                rows.append((text.strip(), "positive" if label == "1" else "negative"))
    return TextTask("sentiment_sentences", ("positive", "negative"), rows)


def split_task(task: TextTask, *, most: int, shots: int, seed: int) -> tuple[list, list]:
    """Return (examples shown, rows asked): as many examples per label, and ``most`` other rows, balanced likewise."""
    rng = Random(seed)
    shown, asked = [], []
    for label in task.labels:
        rows = [row for row in task.rows if row[1] == label]
        rng.shuffle(rows)
        short = [row for row in rows if len(row[0]) < 120]
        shown += short[: shots // len(task.labels)]
        asked += [row for row in rows if row not in shown][: most // len(task.labels)]
    rng.shuffle(shown)
    return shown, asked


def prompt_for(text: str, shown: list[tuple[str, str]]) -> str:
    lines = [f"Text: {t}\nLabel: {label}\n" for t, label in shown]
    return "\n".join([*lines, f"Text: {text[:400]}\nLabel:"])


def accuracy(model, tokenizer, task: TextTask, shown: list, asked: list, *, calibrated: bool = True) -> float:
    """Return the share of ``asked`` rows whose likeliest label is the right one."""
    empty = label_scores(model, tokenizer, prompt_for(EMPTY, shown), task.labels) if calibrated else None
    right = 0
    for text, label in asked:
        scores = label_scores(model, tokenizer, prompt_for(text, shown), task.labels)
        if empty is not None:
            scores = [score - base for score, base in zip(scores, empty, strict=True)]
        right += task.labels[scores.index(max(scores))] == label
    return right / len(asked)


def label_scores(model, tokenizer, prompt: str, labels: tuple[str, ...]) -> list[float]:
    """Return the log-probability of each label's words after the prompt, in nats."""
    import torch

    start = tokenizer.encode(prompt, add_special_tokens=False, split_special_tokens=True, verbose=False)
    ends = [tokenizer.encode(f" {label}", add_special_tokens=False) for label in labels]
    longest = max(map(len, ends))
    limit = model.config.max_position_embeddings - longest
    start = start[-limit:]
    rows = torch.full((len(labels), len(start) + longest), tokenizer.pad_token_id)
    for row, end in zip(rows, ends, strict=True):
        row[: len(start) + len(end)] = torch.tensor(start + end)
    with torch.inference_mode():
        logits = model(input_ids=rows, logits_to_keep=longest + 1).logits.float().log_softmax(-1)
    return [sum(logits[i, j, token].item() for j, token in enumerate(end)) for i, end in enumerate(ends)]
