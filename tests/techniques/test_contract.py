"""Every technique through the same properties. A new technique needs a line in SMALL, and nothing else here."""

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
import small_project
from tiny_model import write_tiny_encoder, write_tiny_model

from tailor.data.dataset import Dataset
from tailor.errors import WorkbenchError
from tailor.machine import Machine, find_machine
from tailor.models.catalog import ModelSource, resolve
from tailor.models.language_model import GenerationConfig
from tailor.progress import Log
from tailor.settings import describe, make_settings
from tailor.techniques import TECHNIQUES, find_technique
from tailor.techniques.anatomy import all_numbers, anatomy, trained_numbers

TRAINING = {
    "epochs": 2,
    "effective_batch_size": 4,
    "rows_at_once": 2,
    "evaluations": 2,
    "learning_rate": 0.01,
}
SMALL = {
    "zero_shot": {},
    "system_prompt": {"text": "Name the topic."},
    "instruction_search": {"candidates": 3, "rows": 4},
    "chain_of_thought": {"reasoning_tokens": 6, "samples": 2},
    "few_shot": {"demonstrations": 1, "answer_room": 16},
    "prompt_tuning": TRAINING | {"learning_rate": 0.3},
    "p_tuning": TRAINING,
    "multitask_prompt": TRAINING | {"learning_rate": 0.3},
    "prefix_tuning": TRAINING | {"learning_rate": 0.5},
    "lora": TRAINING,
    "qlora": TRAINING,
    "adalora": TRAINING | {"learning_rate": 0.2, "first_share": 0.0},
    "ia3": TRAINING | {"learning_rate": 0.1},
    "layer_norm": TRAINING | {"learning_rate": 0.1},
    "bottleneck": TRAINING,
    "last_layers": TRAINING,
    "head_only": TRAINING | {"learning_rate": 0.03, "epochs": 4, "effective_batch_size": 8},
    "layerwise": TRAINING,
    "larc": TRAINING | {"learning_rate": 5.0, "trust": 0.02},
    "transfer": TRAINING,
    "domain_adaptive": TRAINING | {"new_words": 3},
    "setfit": TRAINING | {"pairs_per_row": 1, "epochs": 4, "effective_batch_size": 8, "rows_at_once": 8},
    "encoder_classifier": TRAINING
    | {"warmup_share": 0.0, "learning_rate": 0.001, "epochs": 4, "effective_batch_size": 8},
    "full": TRAINING,
}
# what a few numbers can do for a frozen base of random weights in four steps
FALLS = dict.fromkeys(("prompt_tuning", "p_tuning", "prefix_tuning", "ia3", "layer_norm", "bottleneck"), 0.92)
FALLS |= {
    "setfit": 0.92,
    "encoder_classifier": 0.95,
    "head_only": 0.99,
    "multitask_prompt": 0.92,
    "adalora": 0.92,
}
ENCODER = ModelSource("some-encoder", "folder", "/nowhere", "encoder", parameters=1000, context=512)
GENERATION = GenerationConfig(max_new_tokens=6)


NEEDS_ENCODER = ("setfit", "head_only", "encoder_classifier")


@pytest.fixture(scope="module")
def bases(tmp_path_factory):
    """Name of a technique -> the tiny base model it is tried on."""
    folder = tmp_path_factory.mktemp("base")
    decoder = resolve(str(write_tiny_model(folder / "tiny")))
    encoder = resolve(str(write_tiny_encoder(folder / "tiny-encoder")))
    return {name: encoder if name in NEEDS_ENCODER else decoder for name in TECHNIQUES}


@pytest.fixture
def base(bases, request):
    return bases[request.node.callspec.params["name"]]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Eight training rows, four validation rows, half of them with a system prompt of their own."""
    patch = pytest.MonkeyPatch()
    patch.setenv("TAILOR_HOME", str(tmp_path_factory.mktemp("home")))
    found = Dataset.open(small_project.make_project(Path(), "classify", rows=4))
    assert len(found.train) == 8
    for rows in (found.train, found.validation):
        rows[1::2] = [replace(row, system="Sort what customers write.") for row in rows[1::2]]
    yield found
    patch.undo()


@pytest.fixture(scope="module")
def fitted(bases, dataset, tmp_path_factory):
    """technique, number of the fit -> (folder, figures); each fit is made once."""
    known = {}

    def fit(name, number=1):
        if (name, number) not in known:
            folder = tmp_path_factory.mktemp(name) / "run"
            config = TECHNIQUES[name].Config(**SMALL[name])
            folder.mkdir()
            figures = TECHNIQUES[name].fit(bases[name], dataset, config, folder, seed=3, log=Log())
            known[name, number] = folder, figures
        return known[name, number]

    return fit


def contents(folder):
    """Relative path -> hash of every file."""
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


LEFT_OUT = () if find_spec("bitsandbytes") else ("qlora",)
HERE = [name for name in TECHNIQUES if name not in LEFT_OUT]
every = pytest.mark.parametrize("name", HERE)
training = pytest.mark.parametrize("name", [name for name in HERE if TECHNIQUES[name].changes_weights])


@every
def test_it_says_what_it_is(name):
    technique = TECHNIQUES[name]
    assert technique.name == name
    assert technique.title
    assert len(technique.summary) > 40
    for field in ("costs", "wins", "loses"):
        assert len(getattr(technique, field, "")) > 15, f"{name} has no '{field}': see techniques/base.py"
    assert any(letter.isdigit() for letter in technique.source)  # a year
    assert technique.learns_from in ("nothing", "prompt-completion", "preference", "prompt-only")


@every
def test_settings_survive_json_and_are_described(name):
    model = TECHNIQUES[name].Config
    config = model(**SMALL[name])
    assert make_settings(model, json.loads(config.model_dump_json()), name) == config
    for field in describe(model):
        assert len(field.explain) > 20, field.name
        assert not isinstance(field.default, float) or field.low is not None, (
            f"{field.name} has no lower bound"
        )


@every
def test_it_writes_only_into_its_folder(name, fitted, tmp_path, base, dataset, monkeypatch):
    before = contents(Path(base.location))
    monkeypatch.chdir(tmp_path)
    folder, _ = fitted(name, 2)
    assert list(tmp_path.iterdir()) == []
    assert [p.name for p in folder.parent.iterdir()] == ["run"]
    assert not list(folder.rglob(".*")), "checkpoints and temporary files are gone"
    assert contents(Path(base.location)) == before, "the base model is untouched"


@every
def test_the_same_seed_gives_the_same_files(name, fitted):
    (first, figures), (second, again) = fitted(name, 1), fitted(name, 2)
    assert contents(first) == contents(second)
    assert {k: v for k, v in figures.items() if k != "measured"} == {
        k: v for k, v in again.items() if k != "measured"
    }


@training
def test_the_loss_falls_on_eight_examples(name, fitted):
    _, figures = fitted(name)
    losses = [point["value"] for point in figures["curves"]["training loss"]]
    assert len(losses) == 4
    assert losses[-1] < FALLS.get(name, 0.8) * losses[0]


@training
def test_figures_count_what_is_trained(name, fitted):
    _, figures = fitted(name)
    assert 0 < figures["trainable_parameters"] <= figures["total_parameters"]
    assert (figures["trainable_parameters"] == figures["total_parameters"]) == (
        name in ("full", "layerwise", "larc", "transfer", "setfit", "domain_adaptive")
    )
    assert figures["measured"]["tokens_per_second"] > 0


@training
def test_what_is_drawn_is_what_was_trained(name, fitted, base, dataset):
    technique, (_, figures) = TECHNIQUES[name], fitted(name)
    parts = anatomy(technique, technique.Config(**SMALL[name]), base, dataset.labels)
    trained, total = figures["trainable_parameters"], figures["total_parameters"]
    if name == "domain_adaptive":  # its new words, read and written, are found in the rows
        assert 0 < trained - trained_numbers(parts) <= 2 * SMALL[name]["new_words"] * 32
    else:
        assert (trained_numbers(parts), all_numbers(parts)) == (trained, total)


RELOAD = """
import json, sys
from tailor.data.dataset import Dataset
from tailor.models.catalog import resolve
from tailor.models.language_model import GenerationConfig
from tailor.project import Project
from tailor.techniques import TECHNIQUES
from pathlib import Path
dataset = Dataset.open(Project("small"))
prompts = [dataset.prompt(example.input) for example in dataset.validation]
answers = {}
for name, (base, folder) in json.loads(sys.argv[1]).items():
    model = TECHNIQUES[name].load(resolve(base), dataset, Path(folder))
    answers[name] = model.generate(prompts, GenerationConfig(max_new_tokens=6))
print(json.dumps(answers))
"""


def test_a_fresh_process_gives_the_same_answers(fitted, bases, dataset):
    folders = {name: (bases[name].location, str(fitted(name)[0])) for name in HERE}
    prompts = [dataset.prompt(example.input) for example in dataset.validation]
    here = {
        name: TECHNIQUES[name].load(bases[name], dataset, Path(folder)).generate(prompts, GENERATION)
        for name, (_, folder) in folders.items()
    }
    done = subprocess.run(
        [sys.executable, "-c", RELOAD, json.dumps(folders)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout.splitlines()[-1]) == here
    assert here["lora"] != here["zero_shot"] != here["full"], "tuning changed something"


@every
def test_a_sound_case_has_no_blockers(name, base, dataset):
    technique = TECHNIQUES[name]
    assert technique.find_blockers(technique.Config(), dataset, base, find_machine()) == []


def test_what_an_encoder_cannot_do_is_told(dataset):
    def problems(name):
        technique = TECHNIQUES[name]
        return technique.find_blockers(technique.Config(), dataset, ENCODER, find_machine())

    assert problems("zero_shot") == [
        "some-encoder is an encoder: it writes no text, and knows no label before it is tuned."
    ]
    assert problems("few_shot") == [
        "some-encoder is an encoder: it reads no demonstrations and writes no text."
    ]
    assert problems("lora") == []
    dataset.task = "respond"
    try:
        assert problems("lora") == ["some-encoder is an encoder: it can classify, but writes no answers."]
    finally:
        dataset.task = "classify"


@training
def test_too_little_memory_is_told(name, dataset):
    kind = "encoder" if name in NEEDS_ENCODER else "decoder"
    large = ModelSource("large", "folder", "/nowhere", kind, parameters=7_000_000_000, context=4096)
    machine = Machine("Linux", 2, 16.0, "", False)
    (problem,) = TECHNIQUES[name].find_blockers(TECHNIQUES[name].Config(), dataset, large, machine)
    assert problem.startswith(f"{TECHNIQUES[name].title} of large needs about ")
    assert problem.endswith("this machine has 16.0. Choose a smaller model or fewer rows_at_once.")


@pytest.mark.parametrize(
    "name", [n for n in HERE if TECHNIQUES[n].changes_weights and n not in NEEDS_ENCODER]
)
def test_rows_of_which_nothing_can_be_learned_are_refused(name, base, dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "max_length", 20)
    with pytest.raises(WorkbenchError) as error:
        TECHNIQUES[name].fit(base, dataset, TECHNIQUES[name].Config(), tmp_path, seed=0, log=Log())
    assert str(error.value) == (
        "Found: none of the 8 training rows has a token to learn within 20 tokens\n"
        "Needed: rows whose prompt and answer fit together, with an answer that is not empty\n"
        "Do: raise max_length in 04_format_data, or look there at what the model would see"
    )
    assert not (tmp_path / "model").exists()


def test_an_unknown_technique_is_told():
    with pytest.raises(WorkbenchError) as error:
        find_technique("lara")
    assert str(error.value) == (
        "Found: there is no technique 'lara'\n"
        f"Needed: one of: {', '.join(TECHNIQUES)}\n"
        "Do: correct the name. Did you mean 'lora'?"
    )
