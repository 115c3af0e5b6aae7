"""06: the proposal follows from stated rules, and what cannot run is told with its reason."""

import pytest
import small_project
import tuned_project
from tiny_model import write_tiny_model

from tailor.data.dataset import Dataset
from tailor.errors import WorkbenchError
from tailor.machine import Machine
from tailor.models.catalog import ModelSource
from tailor.series import find_step
from tailor.steps.choose_technique import Settings, blockers
from tailor.techniques import TECHNIQUES
from tailor.training.estimate import lora_parameters, memory_gib, training_seconds
from tailor.training.proposal import propose, weigh

MACHINE = Machine("Linux", 2, 16.0, "", True)
BASE = ModelSource("base", "folder", "/nowhere", "decoder", parameters=10_000_000, context=512)


@pytest.fixture
def project(home):
    return tuned_project.make_project(home, write_tiny_model(home / "tiny"))


@pytest.fixture
def dataset(project):
    return Dataset.open(project)


def test_the_plan_names_its_reasons_and_what_was_ruled_out(project):
    plan = small_project.run_step(project, "06_choose_technique")
    assert plan["technique"] == "lora"
    assert plan["base_model"] == str(project.path("../../tiny").resolve())
    assert plan["reasons"][:2] == [
        "Prompting alone reaches accuracy 30%.",
        "There are 16 training rows with 128 tokens to learn from.",
    ]
    assert plan["reasons"][2].startswith("That is little: below about 50 rows,")
    assert plan["reasons"][3].startswith("LoRA's small matrices have room for about ")
    assert plan["ruled_out"] == {
        "zero_shot": "trains nothing; 05 has measured it",
        "few_shot": "trains nothing; 05 has measured it",
        "full": "possible; leaves a copy of the whole model, and forgets more of what the base model knew",
    }
    text = tuned_project.shown(project, "06_choose_technique")
    assert "LoRA on " in text
    assert "chosen" in text


def test_a_choice_of_ones_own_is_taken(project):
    plan = small_project.run_step(project, "06_choose_technique", technique="full")
    assert plan["technique"] == "full"
    assert plan["reasons"][-1] == "You chose Full fine-tuning; the proposal differs."
    assert plan["ruled_out"]["lora"] == "possible; Full fine-tuning was preferred for the reasons above"


def test_what_cannot_be_chosen_is_told(project):
    assert blockers(project, Settings(technique="lara")) == [
        "There is no technique 'lara'. There are: lora, full. Did you mean 'lora'?"
    ]
    assert blockers(project, Settings(technique="few_shot")) == [
        "Few-shot prompting trains nothing, and 05 has measured it. Choose lora or full."
    ]
    assert blockers(project, Settings()) == blockers(project, Settings(technique="full")) == []


def test_rows_that_hold_more_than_lora_can_ask_for_every_weight(dataset):
    dataset.record.splits["train"].learned_tokens = 10 * lora_parameters(BASE.parameters, 16)
    options = weigh(TECHNIQUES, dataset, BASE, MACHINE)
    name, reasons = propose(options, dataset, BASE)
    assert name == "full"
    assert reasons[-1].endswith("every weight is needed.")


def test_a_model_too_large_for_the_machine_is_refused_with_its_figure(dataset, project, monkeypatch):
    large = ModelSource("large", "folder", "/nowhere", "decoder", parameters=7_000_000_000, context=4096)
    options = weigh(TECHNIQUES, dataset, large, MACHINE)
    assert propose(options, dataset, large)[0] == ""
    monkeypatch.setattr("tailor.models.catalog.resolve", lambda name: large)
    monkeypatch.setattr("tailor.machine.find_machine", lambda: MACHINE)
    step = find_step("06_choose_technique")
    with pytest.raises(WorkbenchError) as error:
        step.module.run(project, Settings(), None)
    assert error.value.found.startswith("no tuning is possible as chosen: LoRA of large needs about ")


def test_a_model_that_fits_only_with_lora_gets_lora(dataset):
    middle = ModelSource("middle", "folder", "/nowhere", "decoder", parameters=700_000_000, context=4096)
    dataset.record.splits["train"].learned_tokens = 10**9
    options = weigh(TECHNIQUES, dataset, middle, MACHINE)
    assert options["full"].blocked
    assert not options["lora"].blocked
    assert propose(options, dataset, middle)[0] == "lora"


def test_estimates_are_of_the_right_size():
    assert lora_parameters(10_000_000, 16) == pytest.approx(0.7e6, rel=0.3)  # counted on a 10 M Llama: 0.66 M
    assert 1.0 < memory_gib(10_000_000, 1.0, 8, 256) < 3.0
    assert 15 < training_seconds(10_000_000, 1.0, 100_000, MACHINE) < 60
    assert training_seconds(10_000_000, 0.05, 1000, MACHINE) < training_seconds(
        10_000_000, 1.0, 1000, MACHINE
    )
