"""Techniques on every architecture: the page says what the techniques say, and a sample of its pairs is tried."""

from importlib.util import find_spec
from pathlib import Path

import architectures
import pytest
from architectures import ARCHITECTURES, TECHNIQUES, TRAINING, blocked, page, sample, try_technique

from tailor.models.catalog import resolve
from tailor.techniques import qlora

PAGE = Path(__file__).parents[2] / "docs" / "architectures.md"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setenv("TAILOR_HOME", str(tmp_path_factory.mktemp("home")))
    yield architectures.tasks_of_rows()
    patch.undo()


@pytest.fixture(scope="module")
def bases(tmp_path_factory):
    """Architecture -> its tiny model, written when it is first asked for."""
    folder, known = tmp_path_factory.mktemp("architectures"), {}

    def write(name):
        if name not in known:
            known[name] = resolve(str(architectures.write_architecture(name, folder / name)))
        return known[name]

    return write


@pytest.fixture(scope="module")
def why(bases, dataset):
    patch = pytest.MonkeyPatch()
    patch.setattr(qlora, "find_spec", lambda name: name)  # the page does not depend on what is installed here
    yield {
        (name, technique): blocked(TECHNIQUES[technique], bases(name), dataset)
        for name in ARCHITECTURES
        for technique in TRAINING
    }
    patch.undo()


def test_the_page_says_what_the_techniques_say(why):
    assert PAGE.read_text(encoding="utf-8") == page(why), "make it anew: python benchmarks/architectures.py"


def test_the_sample_has_every_architecture_and_every_technique(why):
    pairs = sample(why)
    assert {name for name, _ in pairs} == set(ARCHITECTURES)
    assert {technique for _, technique in pairs} == set(TRAINING)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_it_learns_and_comes_back_as_it_was(name, why, bases, dataset, tmp_path):
    technique = dict(sample(why))[name]
    if technique == "qlora" and not find_spec("bitsandbytes"):
        technique = "lora"
    try_technique(TECHNIQUES[technique], bases(name), dataset, tmp_path / "run")


def test_a_mixture_of_experts_learns_by_lora_without_dropout(bases, dataset, tmp_path):
    assert blocked(TECHNIQUES["lora"], bases("mixtral"), dataset) == (
        "mixtral is a mixture of experts, whose weights stand in one block: PEFT's LoRA knows no dropout there. "
        "Set dropout to 0."
    )
    try_technique(TECHNIQUES["lora"], bases("mixtral"), dataset, tmp_path / "run", dropout=0.0)
