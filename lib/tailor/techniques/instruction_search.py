"""Instruction search: several wordings of the task are tried on validation rows, and the best one is kept."""

from pathlib import Path
from typing import ClassVar

import numpy as np

from tailor.data.dataset import Dataset
from tailor.files import write_json
from tailor.machine import Machine
from tailor.models.catalog import ModelSource
from tailor.models.language_model import GenerationConfig, LanguageModel
from tailor.progress import Log
from tailor.settings import setting
from tailor.techniques.base import LearnsFrom, Measure, TechniqueConfig
from tailor.techniques.demonstrations import context_of
from tailor.techniques.system_prompt import (
    FILE,
    SystemPromptConfig,
    WithSystemPrompt,
    compose,
    price,
    tokens_of,
    with_saved_prompt,
)

ZHOU = "Zhou et al. 2023, Large Language Models Are Human-Level Prompt Engineers"

FRAMES = {
    "classify": (
        "{task}",
        "{task} {labels}",
        "{labels}",
        "Read the message and name its topic. {labels}",
        "You sort messages. {task} {labels}",
        "What is this about? {labels}",
        "{task} Write the label and nothing else. {labels}",
        "Which label fits best? {labels}",
    ),
    "respond": (
        "{task}",
        "You are a careful assistant. {task}",
        "{task} Answer in two or three short sentences.",
        "{task} Say what happens next, and when.",
        "{task} Be polite and exact; if something is unknown, say so.",
        "Read the message and write the reply. {task}",
        "{task} Begin with the answer.",
        "You answer messages. {task} Keep to what was asked.",
    ),
}
"""Wordings that are tried without a model to propose others; {task} is 01's system prompt."""


class InstructionSearchConfig(TechniqueConfig):
    """How many wordings are tried, and on how many rows."""

    candidates: int = setting(
        8, "How many wordings are tried at most.", unit="wordings", ge=2, le=64, source=f"{ZHOU}, section 4"
    )
    rows: int = setting(
        48,
        "Validation rows that every wording is first tried on; the better half goes on to twice as many, until one "
        "is left.",
        unit="rows",
        ge=4,
        le=2000,
        source="Jamieson and Talwalkar 2016, Non-stochastic Best Arm Identification, section 3 (successive halving)",
    )
    proposer: str = setting(
        "",
        "A model that writes further wordings from training examples: a model's name or folder. Empty: the frames that "
        "ship with Tailor are tried alone.",
        advanced=True,
        source=f"{ZHOU}, section 3.1",
    )


class InstructionSearch:
    name: ClassVar[str] = "instruction_search"
    title: ClassVar[str] = "Instruction search"
    source: ClassVar[str] = f"{ZHOU}, section 3"
    summary: ClassVar[str] = (
        "Tries several wordings of the system prompt on validation rows and keeps the best. Worth it where a model "
        "follows instructions at all; on a small model the wordings differ by little more than chance."
    )
    costs: ClassVar[str] = "Minutes of answering validation rows, once; then as much as any system prompt."
    wins: ClassVar[str] = (
        "The model follows instructions, and answers differ from wording to wording by more than chance."
    )
    loses: ClassVar[str] = "There are few validation rows: the best of many wordings is then best by luck."
    changes_weights: ClassVar[bool] = False
    merges: ClassVar[bool] = False
    learns_from: ClassVar[LearnsFrom] = "prompt-completion"
    Config: ClassVar[type[TechniqueConfig]] = InstructionSearchConfig

    def find_blockers(
        self, config: InstructionSearchConfig, dataset: Dataset, base: ModelSource, machine: Machine
    ) -> list[str]:
        if base.architecture == "encoder":
            return [f"{base.name} is an encoder: it reads no instructions and writes no text."]
        if not dataset.validation:
            return ["The dataset has no validation rows to try instructions on."]
        return []

    def trained(self, config: InstructionSearchConfig, base: ModelSource) -> int:
        return 0

    def fit(
        self,
        base: ModelSource,
        dataset: Dataset,
        config: InstructionSearchConfig,
        out_dir: Path,
        *,
        seed: int,
        log: Log,
        measure: Measure | None = None,
    ) -> dict:
        from tailor.models.writers import open_base

        inner = open_base(base)
        texts = wordings(dataset, base, config, seed, log)
        best, tried = halve(texts, inner, dataset, config.rows, seed, log)
        write_json(out_dir / FILE, {"text": best, "tried": tried})
        headline = next(iter(tried[-1]["metrics"]))
        spread = [row["metrics"][headline] for row in tried if row["rows"] == tried[0]["rows"]]
        said = f"{len(texts)} wordings were tried; on the first {tried[0]['rows']} rows {headline} ran from "
        said += f"{min(spread):.3g} to {max(spread):.3g}. Kept: {best}"
        return {"notes": [said, price(best, base)]}

    def load(self, base: ModelSource, dataset: Dataset, out_dir: Path) -> LanguageModel:
        return with_saved_prompt(base, out_dir)


def wordings(
    dataset: Dataset, base: ModelSource, config: InstructionSearchConfig, seed: int, log: Log
) -> list[str]:
    """Different system prompts that leave the question room, the plain one first."""
    labels = f"Answer with one of: {'; '.join(dataset.labels)}." if dataset.labels else ""
    plain = compose(SystemPromptConfig(list_labels=False), dataset)
    texts = [f.format(task=plain, labels=labels).strip() for f in FRAMES[dataset.task]]
    if config.proposer:  # half of the places are for what it writes, or the frames would fill them all
        texts = [*texts[: config.candidates // 2], *proposals(dataset, config, seed)]
    fitting = [t for t in dict.fromkeys(texts) if t and tokens_of(t, base) <= context_of(base) // 2]
    if len(fitting) < len(set(texts)):
        log.note(
            f"{len(set(texts)) - len(fitting)} wordings were left out: empty, or too long for {base.name}."
        )
    return fitting[: config.candidates] or [plain or "Answer the message."]


def proposals(dataset: Dataset, config: InstructionSearchConfig, seed: int) -> list[str]:
    """Instructions that another model writes after seeing training examples."""
    from tailor.models.writers import open_writer

    model, random = open_writer(config.proposer), np.random.default_rng(seed)
    prompts = []
    for _ in range(config.candidates):
        shown = [
            dataset.train[i] for i in random.choice(len(dataset.train), min(4, len(dataset.train)), False)
        ]
        pairs = "\n".join(
            f"Input: {example.input[:300]}\nOutput: {example.output[:300]}" for example in shown
        )
        ask = f"These are inputs and the right outputs.\n{pairs}\nWrite the instruction that was followed."
        prompts.append([{"role": "user", "content": ask}])
    config_ = GenerationConfig(max_new_tokens=64, temperature=0.8, seed=seed)
    return [" ".join(text.split()) for text in model.generate(prompts, config_)]


def halve(
    texts: list[str], inner: LanguageModel, dataset: Dataset, rows: int, seed: int, log: Log
) -> tuple[str, list[dict]]:
    """Successive halving: all wordings on few rows, the better half on twice as many, until one is left.

    Returns:
        The best wording, and every trial: text, rows, metrics.
    """
    from tailor.evaluation.measure import make_measure

    tried, left = [], list(texts)
    while True:
        rows = min(rows, len(dataset.validation))
        measure = make_measure(dataset, rows, seed)
        scores = []
        for text in log.track(left, f"wordings on {rows} rows"):
            metrics = {name: round(v, 6) for name, v in measure(WithSystemPrompt(inner, text)).items()}
            tried.append({"text": text, "rows": rows, "metrics": metrics})
            scores.append(next(iter(metrics.values())))
        order = np.argsort(-np.array(scores), kind="stable")
        left = [left[i] for i in order[: max(1, len(left) // 2)]]
        if len(left) == 1:
            return left[0], tried
        rows *= 2
