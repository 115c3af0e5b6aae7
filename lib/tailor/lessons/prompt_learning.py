"""Lesson: a prompt of numbers instead of words, learned while the model stays frozen."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tailor.blocks import Block, Figure, Table
from tailor.data.dataset import Dataset
from tailor.lessons.prediction import share
from tailor.lessons.trials import Plan, Trial, scratch_folder
from tailor.settings import Settings

if TYPE_CHECKING:
    import torch

EPOCHS = {"epochs": 15.0, "patience": 0}
PLANS: dict[str, Plan] = {
    "one_token": ("1 virtual token", "prompt_tuning", {"virtual_tokens": 1, **EPOCHS}),
    "twenty_tokens": ("20, from words", "prompt_tuning", {"virtual_tokens": 20, **EPOCHS}),
    "random_start": (
        "20, from anywhere", "prompt_tuning", {"virtual_tokens": 20, "start_from": "random", **EPOCHS},
    ),
    "every_layer": ("prefix in every layer", "prefix_tuning", {"virtual_tokens": 20, **EPOCHS}),
}  # fmt: skip


class Prediction(Settings):
    """What share of the held-out questions will be sorted rightly? Guessing blindly gives one in six."""

    one_token: float = share(
        "A single virtual token is trained: as many numbers as one word has for the model."
    )
    twenty_tokens: float = share("Twenty virtual tokens, which begin as words of the questions.")
    random_start: float = share(
        "Twenty virtual tokens, which begin as words drawn from the whole vocabulary."
    )
    every_layer: float = share("A prefix of twenty positions in every layer, not only before the first.")


def look(dataset: Dataset, trial: Trial, seed: int = 1) -> list[Block]:
    """What became of the virtual tokens: their nearest words before and after, and their way over the vocabulary's map.

    Args:
        trial: of prompt tuning.
        seed: the one the trial was run with.
    """
    from tailor.models.loading import load_model, load_tokenizer
    from tailor.models.virtual_tokens import nearest_words
    from tailor.plots import token_map

    base = dataset.record.base_model
    model, tokenizer = load_model(base), load_tokenizer(base)
    starts, ends = starting_rows(dataset, trial, model, tokenizer, seed), learned_rows(trial)
    before, after = (nearest_words(rows, model, tokenizer) for rows in (starts, ends))
    moved = (ends - starts).norm(dim=1) / starts.norm(dim=1)
    rows = [
        (number, " ".join(old), " ".join(new), f"{way:.2f}")
        for number, (old, new, way) in enumerate(zip(before, after, moved.tolist(), strict=True), 1)
    ]
    columns = ("virtual token", "nearest words before", "nearest words after", "moved, in lengths of itself")
    names = [(old[0], new[0]) for old, new in zip(before, after, strict=True)]
    words = model.get_input_embeddings().weight.detach().float().numpy()
    places = [flatten(words, part) for part in (words, starts.numpy(), ends.numpy())]
    changed = sum(old[0] != new[0] for old, new in zip(before, after, strict=True))
    alt = f"{changed} of {len(names)} virtual tokens lie nearest to another word than the one they began at"
    return [Figure(lambda: token_map(*places, names), alt), Table(columns, rows, alt)]


def starting_rows(dataset: Dataset, trial: Trial, model: Any, tokenizer: Any, seed: int) -> "torch.Tensor":
    """[n, d] where the virtual tokens began."""
    from tailor.techniques.prompt_tuning import PromptTuningConfig, first_tokens

    settings = next(plan[2] for plan in PLANS.values() if plan[0] == trial.name)
    config = PromptTuningConfig(**settings)
    return (
        model.get_input_embeddings().weight.detach()[first_tokens(tokenizer, dataset, config, seed)].float()
    )


def learned_rows(trial: Trial) -> "torch.Tensor":
    """[n, d] where they ended."""
    from tailor.models.prompt_table import FILE, PromptTable
    from tailor.techniques.prompt_tuning import TASK

    return PromptTable.load(trial.folder / "model" / FILE).task(TASK).float()


def flatten(words: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """[n, 2] rows along the two directions in which the vocabulary is most spread out (principal components)."""
    middle = words.mean(axis=0)
    _, _, directions = np.linalg.svd(words - middle, full_matrices=False)
    return (rows - middle) @ directions[:2].T


def one_table(trials: Iterable[Trial], base: str) -> list[Block]:
    """Several soft prompts in one file beside one copy of the model: what each further task costs."""
    from tailor.evaluation.results import show_bytes
    from tailor.models.catalog import resolve
    from tailor.models.prompt_table import FILE, PromptTable, add_task

    path = scratch_folder() / FILE
    rows = [("the model itself", show_bytes(_weights(Path(resolve(base).location))), "")]
    for trial in trials:
        before = path.stat().st_size if path.exists() else 0
        add_task(path, PromptTable(base, {trial.name: learned_rows(trial)}))
        rows.append(
            (
                f"and a task: {trial.name}",
                show_bytes(path.stat().st_size - before),
                show_bytes(path.stat().st_size),
            )
        )
    return [
        Table(
            ("", "adds", "the table's size then"),
            rows,
            "One model, one table, a row of numbers for each task",
        )
    ]


def _weights(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.glob("*.safetensors"))
