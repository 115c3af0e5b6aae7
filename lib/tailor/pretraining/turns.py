"""The second stage's data: conversations as rows of ids, learned only where the assistant speaks.

Rows made by rule (`skills`) are joined by permissively licensed ones where their files are given: the human-written
seed tasks of Self-Instruct (Apache-2.0), the instruction rows of LLMs-from-scratch (Apache-2.0) and Taskmaster-4
dialogues (CC BY 4.0). Predictions by other language models in those repositories are left out. A share of every
batch is still first-stage text, so that what was learned there stays.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np

from tailor.models.chat import encode_chat
from tailor.pretraining.packing import Mixture
from tailor.pretraining.skills import make_conversations

TEXT_SHARE = 0.5  # of a batch's rows; with 0.3 held-out text cost 3 to 6% more bits than before the stage
IGNORED = -100
# Nothing a person could take for advice, and nothing from what the workbench's demonstrations are about.
LEFT_OUT = ("bank", "loan", "credit", "doctor", "patient", "medical", "medicine", "disease", "symptom", "lawyer",
            "legal", "contract", "refund", "invoice", "customer", "spam", "sentiment", "sms")  # fmt: skip


def read_licensed(data: Path) -> dict[str, list[list[dict[str, str]]]]:
    """Return source -> conversations from the files that are there; a missing file gives no rows.

    Args:
        data: a folder with ``self_instruct/``, ``rasbt_instruction/`` and ``taskmaster4/``.
    """
    found = {
        "self_instruct": _seed_tasks(data / "self_instruct" / "seed_tasks.jsonl.gz"),
        "rasbt_instruction": _instructions(data / "rasbt_instruction" / "instruction-data.json.gz"),
        "taskmaster4": _dialogues(data / "taskmaster4" / "tm4_dialogs.jsonl.gz"),
    }
    return {name: [c for c in rows if _is_general(c)] for name, rows in found.items()}


def _seed_tasks(path: Path) -> list[list[dict[str, str]]]:
    rows = []
    for task in _json_lines(path):
        for instance in task["instances"][:3]:
            rows.append(_exchange(task["instruction"], instance["input"], instance["output"]))
    return rows


def _instructions(path: Path) -> list[list[dict[str, str]]]:
    if not path.is_file():
        return []
    entries = json.loads(gzip.decompress(path.read_bytes()))
    return [_exchange(e["instruction"], e["input"], e["output"]) for e in entries]


def _dialogues(path: Path) -> list[list[dict[str, str]]]:
    rows = []
    for dialogue in _json_lines(path):
        turns = [{"role": t["speaker"], "content": t["text"].strip()} for t in dialogue["turns"]]
        turns = [t for t in turns if t["role"] in ("user", "assistant") and t["content"]]
        while turns and turns[-1]["role"] != "assistant":
            turns.pop()
        if len(turns) > 1 and turns[0]["role"] == "user":
            system = {"role": "system", "content": "You take orders in a coffee shop."}
            rows.append([system, *turns])
    return rows


def _exchange(instruction: str, given: str, answer: str) -> list[dict[str, str]]:
    ask = f"{instruction}\n{given}" if given and given != "<noinput>" else instruction
    return [{"role": "user", "content": ask.strip()}, {"role": "assistant", "content": answer.strip()}]


def _is_general(conversation: list[dict[str, str]]) -> bool:
    text = " ".join(m["content"] for m in conversation).lower()
    return not any(word in text for word in LEFT_OUT)


def _json_lines(path: Path) -> list[dict]:
    if not path.is_file():
        return []
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def leave_out(conversations: list[list[dict[str, str]]], held_out: list[str]) -> list[list[dict[str, str]]]:
    """Return the conversations that don't stand in a held-out document, whatever its case, blanks and line ends."""
    known = "\n".join(_plain(text) for text in held_out)
    return [
        c
        for c in conversations
        if _plain("\n".join(_spoken(m) for m in c if m["role"] != "system")) not in known
    ]


def _spoken(message: dict[str, str]) -> str:
    return f"{message['role']}: {message['content']}"


def _plain(text: str) -> str:
    return " ".join(text.lower().split())


def collect(data: Path | None, *, made: int, seed: int) -> tuple[list[list[dict[str, str]]], dict[str, int]]:
    """Return all conversations of the second stage, shuffled, and how many came from where."""
    parts = {"made by rule": make_conversations(made, seed=seed)}
    if data is not None:
        parts |= read_licensed(data)
        parts["taskmaster4"] = parts["taskmaster4"][:1500]  # one shop's orders must not fill the stage
        parts["self_instruct"] = parts["self_instruct"] * 2
        parts["rasbt_instruction"] = parts["rasbt_instruction"] * 2
    rows = [row for name in parts for row in parts[name]]
    order = np.random.default_rng(seed).permutation(len(rows))
    return [rows[i] for i in order], {name: len(part) for name, part in parts.items()}


class Turns:
    """Batches of packed conversations among rows of first-stage text; the same interface as `Mixture`."""

    def __init__(
        self,
        conversations: list[list[dict[str, str]]],
        tokenizer,
        text: Mixture,
        *,
        context: int,
        text_share: float = TEXT_SHARE,
    ) -> None:
        self.text = text
        self.text_share = text_share
        self.tokens_taken = text.tokens_taken
        self.ids, self.learned = pack(conversations, tokenizer, context)

    @property
    def rows(self) -> int:
        return len(self.ids)

    def batch(self, step: int, rows: int, context: int) -> tuple[np.ndarray, np.ndarray]:
        """Return inputs and targets, [rows, context] each; targets outside the assistant's words are -100."""
        from_text = max(1, round(rows * self.text_share))
        spoken = rows - from_text
        order = np.random.default_rng([self.text.seed, (step * spoken) // self.rows]).permutation(self.rows)
        picked = order[(step * spoken + np.arange(spoken)) % self.rows]
        ids, learned = self.ids[picked], self.learned[picked]
        targets = np.where(learned[:, 1:], ids[:, 1:], IGNORED)
        inputs_text, targets_text = self.text.batch(step, from_text, context)
        return np.concatenate([ids[:, :-1], inputs_text]), np.concatenate([targets, targets_text])


def pack(conversations: list, tokenizer, context: int) -> tuple[np.ndarray, np.ndarray]:
    """Put whole conversations one after the other into rows of ``context + 1`` ids; the rest of a row is padding.

    Returns:
        ids [rows, context + 1] int64, learned [rows, context + 1] bool. A conversation longer than a row is left out.
    """
    ids_rows, learned_rows = [], []
    ids: list[int] = []
    learned: list[bool] = []
    for conversation in conversations:
        chat = encode_chat(tokenizer, conversation)
        if len(chat) > context + 1:
            continue
        if len(ids) + len(chat) > context + 1:
            ids_rows.append(ids + [tokenizer.pad_token_id] * (context + 1 - len(ids)))
            learned_rows.append(learned + [False] * (context + 1 - len(learned)))
            ids, learned = [], []
        ids, learned = ids + chat.input_ids, learned + chat.learned
    if ids:
        ids_rows.append(ids + [tokenizer.pad_token_id] * (context + 1 - len(ids)))
        learned_rows.append(learned + [False] * (context + 1 - len(learned)))
    return np.array(ids_rows, dtype=np.int64), np.array(learned_rows, dtype=bool)
