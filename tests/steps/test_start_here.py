"""00 Start here."""

import subprocess
import sys

import pytest

from tailor.blocks import Table
from tailor.errors import WorkbenchError
from tailor.machine import Machine
from tailor.notebook import open_step
from tailor.project import Project
from tailor.records import ProjectRecord
from tailor.steps.start_here import abilities

pytestmark = pytest.mark.usefixtures("home")


def tables(result):
    return [block for block in result.blocks() if isinstance(block, Table)]


def test_record_holds_base_model_and_seed_and_the_machine_only_as_measured():
    open_step("00_start_here", "mine", {"base_model": "tailor-mini", "seed": 7}).run()
    record = Project("mine").load(ProjectRecord, "project.json")
    assert (record.name, record.base_model, record.seed) == ("mine", "tailor-mini", 7)
    assert record.measured["machine"]["cores"] >= 1
    assert record.measured["base_model"]["architecture"] == "decoder"


def test_it_shows_machine_model_folder_and_the_series():
    result = open_step("00_start_here", "mine", {"base_model": "tailor-mini"}).run()
    machine, model, series = tables(result)
    assert [row[0] for row in machine.rows] == [
        "system",
        "processor cores",
        "memory",
        "accelerator",
        "free disk",
    ]
    assert model.rows[0][0] == "tailor-mini (bundled, decoder)"
    assert len(series.rows) == 14
    states = {row[0]: row[3:] for row in series.rows}
    assert states["00_start_here"] == ("done", "up to date")
    assert states["02_gather_data"] == ("blocked", "use_case.json is missing: run 01_define_use_case first")
    assert any("outputs/mine/ in the workspace" in getattr(block, "text", "") for block in result.blocks())


def test_unknown_base_model_is_refused_and_nothing_is_recorded(tmp_path):
    with pytest.raises(WorkbenchError) as error:
        open_step("00_start_here", "mine", {"base_model": "tailor-bass"}).run()
    assert "tailor-bass" in error.value.found
    assert "Did you mean 'tailor-base'?" in str(error.value)
    assert not (tmp_path / "outputs/mine/project.json").exists()


@pytest.mark.parametrize(
    ("machine", "sentence"),
    [
        (
            Machine("Linux", 2, 16.0, "", True),
            "Training runs on the processor, which suits models of up to some hundred million parameters; it computes "
            "in bf16, two to four times as fast as fp32. By memory alone, models of up to about 537 million parameters "
            "can be tuned as a whole, and of up to about 1.7 billion with adapters such as LoRA.",
        ),
        (
            Machine("Linux", 8, 32.0, "Some GPU", False),
            "Training runs on Some GPU. By memory alone, models of up to about 1.1 billion parameters can be tuned as "
            "a whole, and of up to about 3.4 billion with adapters such as LoRA.",
        ),
    ],
)
def test_abilities_in_a_sentence(machine, sentence):
    assert abilities(machine) == sentence


def test_it_loads_no_torch():
    code = (
        "import sys; from tailor.notebook import open_step; "
        "open_step('00_start_here', 'mine', {'base_model': 'tailor-mini'}).run().blocks(); "
        "print(*sys.modules)"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"torch", "transformers", "matplotlib"} & set(loaded)
