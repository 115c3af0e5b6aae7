"""A series of four small steps for tests of the runner: real records, real files, time to be killed in.

`install()` puts it in place of the real series, in the driver and in the kernels alike, and `write_notebooks` makes
its notebooks, which have the five cells of every notebook. SMALL_SERIES_SLEEP slows each file down; SMALL_SERIES_FAULT
names what goes wrong ("grow:error", "grow:kill", "grow:workbench").
"""

import json
import os
import signal
import sys
import time
from pathlib import Path
from types import ModuleType

import tailor.blueprint
import tailor.project
import tailor.series
from tailor.blocks import Callout
from tailor.errors import WorkbenchError
from tailor.files import write_text, writing
from tailor.records import Record
from tailor.series import StepSpec
from tailor.settings import Settings, setting

STEPS = (
    StepSpec("00_plant", "What is sown?", (), "plant.json", ("seeds.txt",)),
    StepSpec("01_grow", "What grows?", ("plant.json",), "grow.json", ("garden",)),
    StepSpec(
        "02_harvest", "What is brought in?", ("plant.json", "grow.json"), "harvest.json", ("basket.txt",)
    ),
    StepSpec("03_count", "How much is it?", ("harvest.json",), "count.json"),
)


class SmallRecord(Record):
    amount: int


class SmallSettings(Settings):
    amount: int = setting(5, "How many pieces.", unit="pieces", ge=1, le=50)


class CountSettings(Settings):
    word: str = setting("pieces", "What they are called.")


def install() -> None:
    """Replace the series for this process."""
    tailor.series.STEPS = tailor.project.STEPS = STEPS
    tailor.series.STEP_NAMES = tuple(step.name for step in STEPS)
    for name, (model, run) in _MODULES.items():
        module = ModuleType(f"tailor.steps.{name}")
        module.Settings, module.run, module.blocks = model, run, _blocks
        sys.modules[module.__name__] = module


def _pause(step: str, project) -> None:
    time.sleep(float(os.environ.get("SMALL_SERIES_SLEEP", "0")))
    fault = os.environ.get("SMALL_SERIES_FAULT", "")
    if fault.startswith(f"{step}:") and not project.path("mended").exists():
        if fault.endswith(":error"):
            raise ValueError("the watering can is empty")
        if fault.endswith(":workbench"):
            raise WorkbenchError("no water", "a full watering can", "fill it")
        os.kill(os.getpid(), signal.SIGKILL)


def _plant(project, settings, log):
    with writing(project.path("seeds.txt")) as path:
        path.write_text("seed\n" * settings.amount)
        _pause("plant", project)
    return SmallRecord(amount=settings.amount)


def _grow(project, settings, log):
    with writing(project.path("garden")) as folder:
        folder.mkdir()
        for number in log.track(range(settings.amount), "plants watered"):
            write_text(folder / f"{number}.txt", f"plant {number}\n" * 200)
            _pause("grow", project)
    return SmallRecord(amount=settings.amount)


def _harvest(project, settings, log):
    texts = [path.read_text() for path in sorted(project.path("garden").iterdir())]
    with writing(project.path("basket.txt")) as path:
        path.write_text("".join(texts))
        _pause("harvest", project)
    return SmallRecord(amount=len(texts))


def _count(project, settings, log):
    _pause("count", project)
    return SmallRecord(amount=project.load(SmallRecord, "harvest.json").amount)


def _blocks(project):
    return [Callout("Done.", "good")]


_MODULES = {
    "plant": (SmallSettings, _plant),
    "grow": (SmallSettings, _grow),
    "harvest": (SmallSettings, _harvest),
    "count": (CountSettings, _count),
}


def write_notebooks(folder: Path) -> Path:
    """Write the four notebooks, with the five tagged cells of every notebook but without prose."""
    folder.mkdir(parents=True, exist_ok=True)
    for step in STEPS:
        sources = {
            "parameters": 'project: str = "small"\nsettings: dict = {}',
            "setup": "import small_series\nsmall_series.install()\nfrom tailor.notebook import open_step\n"
            f'step = open_step("{step.name}", project, settings)',
            "form": "value = step.settings()\nvalue",
            "run": "result = step.run(value)",
            "result": "result",
        }
        (folder / f"{step.name}.ipynb").write_text(json.dumps(notebook(sources)))
    return folder


def notebook(sources: dict[str, str]) -> dict:
    """A notebook with one code cell for each tag."""
    cells = [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": tag,
            "metadata": {"tags": [tag]},
            "outputs": [],
            "source": source,
        }
        for tag, source in sources.items()
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


if __name__ == "__main__":
    # python small_series.py PROJECT [heavy]: drive the series as `tailor run` does
    install()
    if sys.argv[2:] == ["heavy"]:
        from dataclasses import replace

        STEPS = tuple(replace(step, heavy=True) for step in STEPS)
    from tailor.cli import guarded
    from tailor.project import Project, home
    from tailor.runner import run_series

    sys.exit(guarded(lambda: print(run_series(Project(sys.argv[1]), STEPS, notebooks=home() / "notebooks"))))
