"""A project on its way from raw files to a dataset, for tests of the steps about data."""

import json
from pathlib import Path
from typing import Any

import polars as pl

from tailor.notebook import run_step
from tailor.progress import Log
from tailor.project import Project
from tailor.records import ProjectRecord, Record, UseCase
from tailor.series import find_step

WORDS = [
    "card",
    "loan",
    "fee",
    "limit",
    "rate",
    "saving",
    "phone",
    "code",
    "branch",
    "letter",
    "rule",
    "form",
]
"""Of which tests make rows that differ."""


class Notes(Log):
    """Keeps what a step said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def note(self, text: str) -> None:
        self.said.append(text)


def start(home: Path, task: str = "respond", system_prompt: str = "") -> Project:
    """A project as it stands after 01_define_use_case, with a byte-level tokenizer in place of a base model."""
    project = Project("mine")
    model = write_tokenizer(home / "bytes")
    ProjectRecord(name="mine", base_model=str(model), seed=5).save(project.path("project.json"))
    UseCase(title="Mine", task=task, description="Answers.", system_prompt=system_prompt).save(
        project.path("use_case.json")
    )
    return project


def run(project: Project, step: str, **settings: Any) -> Record:
    """Run one step as a notebook would, and return the record it saved."""
    spec = find_step(step)
    chosen = project.settings(spec, settings)
    inputs = project.inputs(spec, chosen)
    run_step(project, spec, chosen, inputs, Notes())
    kind = {"02": "Sources", "03": "Cleaning", "04": "DatasetRecord"}[spec.name[:2]]
    import tailor.records

    return project.load(getattr(tailor.records, kind), spec.record)


def table(project: Project, name: str) -> pl.DataFrame:
    return pl.read_parquet(project.path(name))


def write_rows(path: Path, rows: list[dict]) -> Path:
    """Rows as JSON Lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_tokenizer(folder: Path) -> Path:
    """A folder as save_pretrained leaves it, with one token a byte and no weights; nothing here imports torch."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    if folder.exists():
        return folder
    folder.mkdir(parents=True)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate(["<|end|>", *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<|end|>"])
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|end|>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    model = {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "max_position_embeddings": 600}
    (folder / "config.json").write_text(json.dumps(model), encoding="utf-8")
    return folder
