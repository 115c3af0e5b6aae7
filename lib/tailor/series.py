"""The series: the order of the steps, and what each reads and writes. Written here and nowhere else."""

from dataclasses import dataclass
from importlib import import_module
from types import ModuleType

from tailor.errors import WorkbenchError, did_you_mean


@dataclass(frozen=True)
class StepSpec:
    """One step of the series.

    Attributes:
        name: also the notebook's file name without ending.
        question: what the step answers.
        reads: records (paths under the project folder) that must be there; a hash of each goes into the step's record.
        record: the record the step writes last.
        writes: other files and folders it makes.
        heavy: it needs torch or transformers; the headless runner has them imported beforehand.
    """

    name: str
    question: str
    reads: tuple[str, ...]
    record: str
    writes: tuple[str, ...] = ()
    heavy: bool = False

    @property
    def title(self) -> str:
        return self.name[3:].replace("_", " ").capitalize()

    @property
    def module(self) -> ModuleType:
        """The module that does the step's work: `Settings`, `run(project, settings, log)`, `blocks(project)`."""
        return import_module(f"tailor.steps.{self.name[3:]}")


STEPS = (
    StepSpec("00_start_here", "What machine is this, which project?", (), "project.json"),
    StepSpec(
        "01_define_use_case",
        "What should the model do, for whom, and how is success measured?",
        (),
        "use_case.json",
    ),
    StepSpec(
        "02_gather_data",
        "Which sources, whose, how good, how much?",
        ("use_case.json",),
        "sources.json",
        ("raw",),
    ),
    StepSpec(
        "03_clean_data",
        "What is broken, and what does each repair change?",
        ("sources.json",),
        "cleaning.json",
        ("clean.parquet", "dropped.parquet"),
    ),
    StepSpec(
        "04_format_data",
        "Which column plays which role; what exactly will the model see?",
        ("project.json", "use_case.json", "cleaning.json"),
        "dataset.json",
        ("dataset",),
        heavy=True,
    ),
    StepSpec(
        "05_measure_baselines",
        "How far does prompting alone get?",
        ("project.json", "use_case.json", "dataset.json"),
        "baselines.json",
        heavy=True,
    ),
    StepSpec(
        "06_choose_technique",
        "Which base model and technique fit this data and machine?",
        ("project.json", "dataset.json", "baselines.json"),
        "plan.json",
    ),
    StepSpec("07_tune", "Fit it.", ("project.json", "dataset.json", "plan.json"), "tuned.json", heavy=True),
    StepSpec(
        "08_search_hyperparameters",
        "Which settings?",
        ("dataset.json", "plan.json", "tuned.json"),
        "search/search.json",
        heavy=True,
    ),
    StepSpec(
        "09_align_with_feedback",
        "What do people prefer?",
        ("use_case.json", "dataset.json", "tuned.json", "search/search.json"),
        "alignment.json",
        ("preferences.jsonl",),
        heavy=True,
    ),
    StepSpec(
        "10_evaluate",
        "Is it better, for whom, at what price?",
        (
            "use_case.json",
            "dataset.json",
            "baselines.json",
            "tuned.json",
            "search/search.json",
            "alignment.json",
        ),
        "comparison.json",
        heavy=True,
    ),
    StepSpec(
        "11_deploy",
        "Does what I ship answer as what I tested?",
        ("dataset.json", "comparison.json"),
        "export/export.json",
        heavy=True,
    ),
    StepSpec(
        "12_monitor",
        "Is it still good?",
        ("use_case.json", "dataset.json", "comparison.json", "export/export.json"),
        "monitoring/monitoring.json",
    ),
    StepSpec(
        "13_refine",
        "What next?",
        ("use_case.json", "dataset.json", "comparison.json", "monitoring/monitoring.json"),
        "ledger.json",
    ),
)

STEP_NAMES = tuple(step.name for step in STEPS)


def find_step(name: str) -> StepSpec:
    """The step called `name`; its number ("03") or its name without number will do as well.

    Raises:
        WorkbenchError: there is no such step.
    """
    for step in STEPS:
        if name in (step.name, step.name[:2], step.name[3:]):
            return step
    raise WorkbenchError(
        f"there is no step '{name}'",
        f"one of: {', '.join(STEP_NAMES)}",
        f"correct the step's name.{did_you_mean(name, STEP_NAMES)}",
    )


def maker_of(path: str) -> StepSpec:
    """The step that writes `path` (under the project folder)."""
    return next(step for step in STEPS if path == step.record or path in step.writes)
