"""The exported folder: complete, checked, loadable by transformers alone, and answering as what was tested."""

import json
import subprocess

import pytest
import small_project
from tiny_model import write_adapter, write_tiny_model

from tailor.data.dataset import Dataset
from tailor.errors import WorkbenchError
from tailor.evaluation.asking import EvaluationSettings
from tailor.evaluation.evaluate import Evaluator
from tailor.progress import Log
from tailor.records import Comparison, RunRecord
from tailor.serving.export import FOLDER, check_export, export_run, load_export
from tailor.serving.parity import compare_with_tested
from tailor.techniques import find_technique
from tailor.training.runs import load_run, make_run, read_run


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return write_tiny_model(tmp_path_factory.mktemp("base") / "tiny")


@pytest.fixture
def made(home, base):
    """A project with a real run of the tiny model, tested and exported."""

    def make(technique="lora", task="classify"):
        project = small_project.make_project(home, task, rows=12)
        ident = small_project.add_run(project, technique, "A title with <b>markup</b>")
        folder = project.path(f"runs/{ident}")
        record = RunRecord.load(folder / "run.json")
        record.base_model = str(base)
        record.save(folder / "run.json")
        if technique == "lora":
            write_adapter(base, folder / "model")
        if technique == "few_shot":
            shown = [{"input": "My card?", "output": "card lost", "id": "x:1"}]
            (folder / "demonstrations.json").write_text(json.dumps({"demonstrations": shown}))
        Comparison(headline="accuracy", rows=12, compared=[], best=ident, verdict="").save(
            project.path("comparison.json")
        )
        dataset = Dataset.open(project)
        settings = EvaluationSettings(max_new_tokens=8, calibration="none")
        Evaluator(project, dataset, "test", settings, 3, Log()).run(ident)
        run = read_run(project, ident)
        return project, dataset, run, export_run(project, dataset, run, 16, Log())

    return make


@pytest.mark.parametrize("technique", ["zero_shot", "few_shot", "lora"])
def test_export_answers_as_what_was_tested(made, technique):
    project, dataset, run, _ = made(technique)
    parity = compare_with_tested(project, dataset, run, rows=12, seed=0, log=Log())
    assert (parity.identical, parity.compared, parity.different) == (12, 12, [])


def test_written_answers_are_the_same_too(made):
    project, dataset, run, _ = made(task="respond")
    parity = compare_with_tested(project, dataset, run, rows=5, seed=0, log=Log())
    assert (parity.identical, parity.compared) == (5, 5)


def test_a_wrong_export_is_noticed(made, base, tmp_path):
    """Weights of another model under the same checksums' names: parity has to see it."""
    from tailor.serving import parity as module

    project, dataset, run, _ = made(task="respond")
    other = load_run(project, run.id, dataset)
    other.model.base_model.model.lm_head.weight.data.neg_()
    module_load = module.load_export
    try:
        module.load_export = lambda *args: other
        parity = compare_with_tested(project, dataset, run, rows=5, seed=0, log=Log())
    finally:
        module.load_export = module_load
    assert parity.identical == 0
    assert [len(row) for row in parity.different] == [3] * 5


def test_folder_loads_with_transformers_alone(made):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    project, dataset, run, folder = made()
    model = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert not any("lora" in name for name, _ in model.named_parameters())
    prompt = dataset.prompt("Where is my card?")
    inputs = tokenizer.apply_chat_template(
        prompt, add_generation_prompt=True, return_dict=True, return_tensors="pt"
    )
    assert inputs["input_ids"][0].tolist() == load_run(project, run.id, dataset).encode(prompt)
    assert model.generation_config.max_new_tokens == 16
    assert model.generation_config.eos_token_id == [tokenizer.eos_token_id]


def test_checksums_hold_for_sha256sum_and_for_us(made):
    _, _, _, folder = made()
    done = subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=folder, capture_output=True)
    assert done.returncode == 0
    names = {line.split("  ")[1] for line in (folder / "SHA256SUMS").read_text().splitlines()}
    assert names >= {"README.md", "config.json", "generation_config.json", "model.safetensors", "prompt.json"}
    path = folder / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(WorkbenchError) as error:
        check_export(folder)
    assert str(error.value) == (
        f"Found: {path} differs from its checksum\n"
        "Needed: the file as it was exported\n"
        "Do: run 11_deploy again"
    )


def test_same_run_same_bytes(made):
    project, dataset, run, folder = made()
    before = project.hash_of(folder)
    export_run(project, dataset, run, 16, Log())
    assert project.hash_of(project.path(FOLDER)) == before


def test_prompting_exports_what_stands_before_the_question(made):
    project, dataset, _, folder = made("few_shot")
    prompt = json.loads((folder / "prompt.json").read_text())
    assert prompt["messages"] == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "My card?"},
        {"role": "assistant", "content": "card lost"},
        {"role": "user", "content": "{input}"},
    ]
    assert prompt["labels"] == dataset.labels
    assert load_export(project, dataset, "few_shot").demonstrations == prompt["messages"][1:3]


def test_card_escapes_markup(made):
    _, _, run, folder = made()
    card = (folder / "README.md").read_text()
    assert "\\<b\\>markup\\</b\\>" in card
    assert f"Run `{run.id}`, seed 3" in card
    assert "This run was not among those compared in 10_evaluate." in card


BESIDE = ("system_prompt", "prompt_tuning", "prefix_tuning", "bottleneck", "ia3", "domain_adaptive")


@pytest.mark.parametrize("name", BESIDE)
def test_every_way_of_shipping_answers_as_what_was_tested(name, home, base):
    """Merged into the weights, beside them, or with a vocabulary of its own."""
    project = small_project.make_project(home, "classify", rows=8)
    dataset = Dataset.open(project)
    few = {"epochs": 3, "effective_batch_size": 4, "rows_at_once": 4, "evaluations": 1, "learning_rate": 0.02}
    values = {"text": "Name the topic."} if name == "system_prompt" else few
    config = find_technique(name).Config(**values)
    run = make_run(project, name, config, dataset, base=str(base), seed=1, log=Log())
    settings = EvaluationSettings(max_new_tokens=8, calibration="none")
    Evaluator(project, dataset, "test", settings, 3, Log()).run(run.id)
    Comparison(headline="accuracy", rows=8, compared=[], best=run.id, verdict="").save(
        project.path("comparison.json")
    )
    folder = export_run(project, dataset, run, 16, Log())
    assert (folder / "technique").is_dir() == (not find_technique(name).merges)
    parity = compare_with_tested(project, dataset, run, rows=8, seed=0, log=Log())
    assert (parity.compared > 0, parity.different) == (True, [])
    prompt = json.loads((folder / "prompt.json").read_text())
    said = "Name the topic.\nAnswer with one of: " if name == "system_prompt" else "Be kind."
    assert prompt["messages"][0]["content"].startswith(said)
