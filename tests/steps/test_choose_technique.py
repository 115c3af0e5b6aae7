"""06: the proposal follows from stated rules, and what cannot run is told with its reason."""

import pytest
import small_project
import tuned_project
from tiny_model import write_tiny_model

from tailor.data.dataset import Dataset
from tailor.errors import WorkbenchError
from tailor.machine import Machine
from tailor.models.catalog import ModelSource, resolve
from tailor.series import find_step
from tailor.steps.choose_technique import Settings, blockers
from tailor.techniques import TECHNIQUES
from tailor.techniques.lora import LoRAConfig
from tailor.training.estimate import lora_parameters, memory_gib, shape_of, training_seconds
from tailor.training.proposal import propose, weigh

TUNING = [name for name, technique in TECHNIQUES.items() if technique.changes_weights]
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
    assert plan["reasons"][3].startswith(
        "Each label has about 5 rows. From so few a sentence encoder usually learns"
    )
    assert plan["reasons"][4].startswith("LoRA's small matrices have room for about ")
    assert plan["reasons"][5] == (
        "07 reads each row 40 times, because there are few: fewer steps would teach little."
    )
    assert set(plan["ruled_out"]) == set(TECHNIQUES) - {"lora"}
    assert plan["ruled_out"]["few_shot"] == "trains nothing; 05 measures prompting"
    assert plan["ruled_out"]["ia3"] == "possible; LoRA was preferred for the reasons above"
    assert plan["ruled_out"]["full"] == (
        "possible; leaves a copy of the whole model, and forgets more of what the base model knew"
    )
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
        f"There is no technique 'lara'. There are: {', '.join(TUNING)}. Did you mean 'lora'?"
    ]
    assert blockers(project, Settings(technique="few_shot")) == [
        f"Few-shot prompting trains nothing: it is measured in 05. Choose one of: {', '.join(TUNING)}."
    ]
    assert blockers(project, Settings()) == blockers(project, Settings(technique="full")) == []


def test_rows_that_hold_more_than_lora_can_ask_for_every_weight(dataset):
    dataset.record.splits["train"].learned_tokens = 10 * lora_parameters(shape_of(BASE), 16)
    options = weigh(TECHNIQUES, dataset, BASE, MACHINE)
    name, reasons = propose(options, dataset, BASE)
    assert name == "full"
    assert reasons[-2].endswith("every weight is needed.")
    assert reasons[-1] == "07 reads each row 40 times, because there are few: fewer steps would teach little."


def test_an_encoder_learns_from_pairs_where_rows_are_few_and_from_labels_where_they_are_many(dataset):
    encoder = ModelSource("encoder", "folder", "/nowhere", "encoder", parameters=20_000_000, context=512)

    def proposed(rows):
        dataset.record.splits["train"].rows = rows
        name, reasons = propose(weigh(TECHNIQUES, dataset, encoder, MACHINE), dataset, encoder)
        return name, reasons[-1]

    assert proposed(24) == (
        "setfit",
        "The base model is an encoder, and each of the 3 labels has about 8 rows: with fewer than 50, pairs of rows "
        "teach it most.",
    )
    assert proposed(300) == (
        "encoder_classifier",
        "The base model is an encoder, and each of the 3 labels has about 100 rows: enough to train its layers on the "
        "labels themselves.",
    )


def test_a_model_too_large_for_the_machine_is_refused_with_its_figure(dataset, project, monkeypatch):
    large = ModelSource("large", "folder", "/nowhere", "decoder", parameters=7_000_000_000, context=4096)
    options = weigh(TECHNIQUES, dataset, large, MACHINE)
    assert propose(options, dataset, large)[0] == ""
    monkeypatch.setattr("tailor.models.catalog.resolve", lambda name: large)
    monkeypatch.setattr("tailor.machine.find_machine", lambda: MACHINE)
    step = find_step("06_choose_technique")
    with pytest.raises(WorkbenchError) as error:
        step.module.run(project, Settings(), None)
    assert error.value.found.startswith(
        "no tuning is possible as chosen: Prompt tuning of large needs about "
    )


def test_a_model_that_fits_only_with_lora_gets_lora(dataset):
    middle = ModelSource("middle", "folder", "/nowhere", "decoder", parameters=700_000_000, context=4096)
    dataset.record.splits["train"].learned_tokens = 10**9
    options = weigh(TECHNIQUES, dataset, middle, MACHINE)
    assert options["full"].blocked
    assert not options["lora"].blocked
    assert propose(options, dataset, middle)[0] == "lora"


def test_estimates_are_of_the_right_size():
    # counted on tailor-base: LoRA of rank 16 trains 496,640 numbers, one layer and the norm after it 1,270,720
    base = resolve("tailor-base")
    assert lora_parameters(shape_of(base), 16) == TECHNIQUES["lora"].trained(LoRAConfig(), base) == 496_640
    one = TECHNIQUES["last_layers"].trained(TECHNIQUES["last_layers"].Config(), base)
    assert one == pytest.approx(1_270_720, rel=0.01)
    soft = TECHNIQUES["prompt_tuning"]
    assert soft.trained(soft.Config(virtual_tokens=20), base) == 20 * 320
    unknown = ModelSource("hub", "hub", "a/b", "decoder", parameters=7_000_000_000)
    assert lora_parameters(shape_of(unknown), 16) == pytest.approx(40e6, rel=0.4)  # a Llama of 7 B has 40 M
    assert 1.0 < memory_gib(10_000_000, 1.0, 8, 256) < 3.0
    assert 15 < training_seconds(10_000_000, 1.0, 100_000, MACHINE) < 60
    assert training_seconds(10_000_000, 0.05, 1000, MACHINE) < training_seconds(
        10_000_000, 1.0, 1000, MACHINE
    )
