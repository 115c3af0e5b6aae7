"""Exporting: a plain folder that transformers loads without this workbench, with a card and checksums.

What was tuned is merged into the weights where it can be; soft prompts and the like stay beside the base model's, in
technique/. So does what was prompted: the system prompt and demonstrations stand in prompt.json, in the words and
order in which they were tested.
"""

import json
import shutil
from dataclasses import replace
from pathlib import Path

from tailor.data.dataset import Dataset, Example
from tailor.errors import WorkbenchError
from tailor.files import sha256_file, write_json, write_text, writing
from tailor.models.language_model import LanguageModel
from tailor.progress import Log
from tailor.project import Project
from tailor.records import RunRecord
from tailor.serving.card import model_card
from tailor.techniques import find_technique

FOLDER = "export/model"
SUMS, PROMPT, TECHNIQUE = "SHA256SUMS", "prompt.json", "technique"


def export_run(project: Project, dataset: Dataset, run: RunRecord, max_new_tokens: int, log: Log) -> Path:
    """Write a run's model to export/model, replacing what was there.

    Raises:
        WorkbenchError: the run's files are damaged, or its model has no weights on this machine.
    """
    from tailor.training.runs import load_run, run_folder

    log.progress(0, 3, "parts of the export")
    technique = find_technique(run.technique)
    local = local_model(load_run(project, run.id, dataset), run)
    if technique.changes_weights and not technique.merges:
        local.model = _base_model(run, dataset)
    folder = project.path(FOLDER)
    with writing(folder) as temporary:
        temporary.mkdir()
        _save_weights(local, temporary, max_new_tokens)
        log.progress(1, 3, "parts of the export")
        if not technique.merges:
            shutil.copytree(
                run_folder(project, run.id),
                temporary / TECHNIQUE,
                ignore=shutil.ignore_patterns(".*", "run.json"),
            )
        write_json(temporary / PROMPT, _prompt(dataset, run, temporary / TECHNIQUE))
        write_text(temporary / "README.md", model_card(project, dataset, run, not hasattr(local, "stop_ids")))
        log.progress(2, 3, "parts of the export")
        write_text(temporary / SUMS, _sums(temporary))
    log.progress(3, 3, "parts of the export")
    return folder


def local_model(model: LanguageModel, run: RunRecord):
    """The model on this machine inside a run's language model.

    Raises:
        WorkbenchError: it has no weights here.
    """
    inner = getattr(model, "inner", model)
    if not hasattr(inner, "model") or not hasattr(inner, "tokenizer"):
        raise WorkbenchError(
            f"the model of run {run.id} has no weights on this machine",
            "a model loaded from a folder or the hub",
            "choose another run in 11_deploy.run",
        )
    return inner


def _base_model(run: RunRecord, dataset: Dataset):
    """The base model as it was before anything was put into it."""
    from tailor.models.catalog import resolve
    from tailor.techniques.full import load_base

    return load_base(resolve(run.base_model), dataset)


def _save_weights(local, folder: Path, max_new_tokens: int) -> None:
    """Weights (adapters merged), tokenizer with its chat template, and how to generate."""
    import torch
    from transformers import GenerationConfig
    from transformers.utils import logging

    logging.disable_progress_bar()  # it would draw over the notebook's own
    model = local.model
    if hasattr(model, "merge_and_unload"):
        with torch.no_grad():
            model = model.merge_and_unload()
    if hasattr(local, "stop_ids"):  # an encoder writes no text
        model.generation_config = GenerationConfig(
            do_sample=False,
            max_new_tokens=max_new_tokens,
            eos_token_id=local.stop_ids(),
            pad_token_id=local.tokenizer.pad_token_id,
        )
    model.save_pretrained(folder)
    local.tokenizer.save_pretrained(folder)


def _prompt(dataset: Dataset, run: RunRecord, technique: Path) -> dict:
    """What has to stand before a question, for whoever serves the model without this workbench."""
    from tailor.models.catalog import resolve
    from tailor.techniques.few_shot import insert
    from tailor.techniques.system_prompt import FILE, instead

    path = technique / "demonstrations.json"
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    shown = [Example(row["id"], row["input"], row["output"]) for row in kept.get("demonstrations", [])]
    # the format's own words and not a template: an instruction's braces were read when the dataset was made
    messages = insert(dataset.prompt("{input}"), dataset.turns(shown))
    if (technique / FILE).exists():
        messages = instead(messages, json.loads((technique / FILE).read_text(encoding="utf-8"))["text"])
    values = {"task": dataset.task, "base_model": resolve(run.base_model).name, "messages": messages}
    return values | ({"labels": dataset.labels} if dataset.task == "classify" else {})


def _sums(folder: Path) -> str:
    """Lines that `sha256sum --check SHA256SUMS` reads."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != SUMS)
    return "".join(f"{sha256_file(path)}  {path.relative_to(folder).as_posix()}\n" for path in files)


def check_export(folder: Path) -> None:
    """Compare an exported folder with its checksums.

    Raises:
        WorkbenchError: a file is missing or differs, or there is no export.
    """
    again = "run 11_deploy again"
    if not (folder / SUMS).exists():
        raise WorkbenchError(f"{folder} has no {SUMS}", "an exported model", again)
    for line in (folder / SUMS).read_text(encoding="utf-8").splitlines():
        digest, _, name = line.partition("  ")
        path = folder / name
        if not path.is_file() or sha256_file(path) != digest:
            state = "differs from its checksum" if path.is_file() else "is missing"
            raise WorkbenchError(f"{path} {state}", "the file as it was exported", again)


def load_export(project: Project, dataset: Dataset, technique: str) -> LanguageModel:
    """Load the exported folder, and nothing else, as a language model.

    Args:
        technique: the exported run's; prompting puts its demonstrations before each question again.

    Raises:
        WorkbenchError: the folder is not as it was exported.
    """
    from tailor.models.catalog import resolve
    from tailor.techniques.full import as_language_model, load_base

    folder = project.path(FOLDER)
    check_export(folder)
    source = resolve(str(folder))
    if (folder / TECHNIQUE).is_dir():
        # what stands beside the weights names the base model it was made for, wherever its folder is now
        name = json.loads((folder / PROMPT).read_text(encoding="utf-8"))["base_model"]
        return find_technique(technique).load(replace(source, name=name), dataset, folder / TECHNIQUE)
    return as_language_model(load_base(source, dataset), source, dataset)
