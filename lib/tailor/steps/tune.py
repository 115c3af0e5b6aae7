"""07: train the technique of the plan, and show what it learned."""

from typing import Any

from tailor.blocks import Block, Callout, Figure, Heading, Table, Text
from tailor.data.dataset import Dataset, Example
from tailor.models.language_model import GenerationConfig, LanguageModel
from tailor.progress import Log
from tailor.project import Project
from tailor.records import UPDATE_RATIO, Plan, ProjectRecord, RunRecord, Sample, Tuned
from tailor.settings import Settings as BaseSettings

SAMPLES = 3
ROWS_SHOWN = 3


def settings_model(project: Project) -> type[BaseSettings]:
    """The settings of the technique in the plan; LoRA's where there is no plan yet."""
    from tailor.techniques import find_technique

    plan = project.path("plan.json")
    return find_technique(Plan.load(plan).technique if plan.exists() else "lora").Config


def blockers(project: Project, settings: BaseSettings) -> list[str]:
    from tailor.machine import find_machine
    from tailor.models.catalog import resolve
    from tailor.techniques import find_technique

    plan = project.load(Plan, "plan.json")
    technique = find_technique(plan.technique)
    return technique.find_blockers(settings, Dataset.open(project), resolve(plan.base_model), find_machine())


def reads_files(project: Project, settings: BaseSettings) -> list[str]:
    named = [*getattr(settings, "texts", []), getattr(settings, "from_model", "")]
    return [path for path in named if path]


def run(project: Project, settings: BaseSettings, log: Log) -> Tuned:
    from tailor.data.preflight import preflight, refuse
    from tailor.models.catalog import resolve
    from tailor.techniques import find_technique
    from tailor.techniques.anatomy import anatomy
    from tailor.training.runs import load_run, make_run

    plan = project.load(Plan, "plan.json")
    seed = project.load(ProjectRecord, "project.json").seed
    dataset = Dataset.open(project)
    refuse(preflight(dataset, resolve(plan.base_model), log))
    record = make_run(
        project,
        plan.technique,
        settings,
        dataset,
        base=plan.base_model,
        seed=seed,
        log=log,
        measure=measure_of(dataset, settings, seed),
    )
    samples = compare_answers(project, dataset, plan.base_model, load_run(project, record.id, dataset))
    parts = anatomy(find_technique(plan.technique), settings, resolve(plan.base_model), dataset.labels)
    tuned = Tuned(run=record.id, parts=parts, samples=samples)
    tuned.measured["training"] = record.measured
    return tuned


def measure_of(dataset: Dataset, settings: BaseSettings, seed: int):
    """The task's metric on the few validation rows that the settings allow; None for none."""
    from tailor.evaluation.measure import make_measure

    rows = getattr(settings, "metric_rows", 0)
    return make_measure(dataset, rows, seed) if rows and dataset.validation else None


def compare_answers(project: Project, dataset: Dataset, base: str, tuned: LanguageModel) -> list[Sample]:
    """The first validation rows of each label (or of the split), answered by the base model and by the tuned one."""
    from tailor.models.catalog import resolve
    from tailor.techniques.zero_shot import ZeroShot

    source = resolve(base)
    rows = _different(dataset.validation)
    before = ["(an encoder has no answers before it is tuned)"] * len(rows)
    if source.architecture != "encoder":
        before = _answers(ZeroShot().load(source, dataset, project.folder), dataset, rows)
    return [
        Sample(id=row.id, input=row.input, reference=row.output, before=old, after=new)
        for row, old, new in zip(rows, before, _answers(tuned, dataset, rows), strict=True)
    ]


def _different(examples: list[Example]) -> list[Example]:
    """The first rows with answers that differ from each other."""
    kept: dict[str, Example] = {}
    for example in examples:
        kept.setdefault(example.output, example)
    return list(kept.values())[:SAMPLES]


def _answers(model: LanguageModel, dataset: Dataset, rows: list[Example]) -> list[str]:
    prompts = [dataset.prompt(row) for row in rows]
    if not prompts:
        return []
    if dataset.task == "classify":
        return [dataset.labels[i] for i in model.score_choices(prompts, dataset.labels).argmax(axis=1)]
    return model.generate(prompts, GenerationConfig(max_new_tokens=96))


def blocks(project: Project) -> list[Block]:
    from tailor.techniques import find_technique
    from tailor.techniques.page import page_blocks
    from tailor.training.runs import read_run

    tuned = project.load(Tuned, "tuned.json")
    record = read_run(project, tuned.run)
    shown: list[Block] = [
        Heading(f"{record.title} on {record.base_model}"),
        Callout(_verdict(record), "good" if _fell(record) else "warning"),
        Figure(lambda: _draw(record), _alt(record)),
        *_ratio_figure(record),
        *_rate_figure(record),
        *[Text(note) for note in record.notes],
        _figures(record),
        *page_blocks(find_technique(record.technique), tuned.parts),
        Heading("What one batch looks like to the model"),
        *_batch(project, record),
    ]
    rows = [(s.input, s.reference, s.before, s.after) for s in tuned.samples]
    caption = "Validation rows that training never saw"
    return [
        *shown,
        Heading("Before and after"),
        Table(("asked", "reference", "base model", "tuned model"), rows, caption),
    ]


def _fell(record: RunRecord) -> bool:
    points = record.curves.get("validation loss", [])
    return bool(points) and min(p.value for p in points) < points[0].value


def _verdict(record: RunRecord) -> str:
    points = record.curves.get("validation loss", [])
    if not points:
        return (
            "There were no validation rows: whether the model learned anything that carries over is unknown."
        )
    best = min(points, key=lambda p: p.value)
    said = f"Validation loss {points[0].value:.3f} before training, {best.value:.3f} at best (step {best.step:,})."
    for name, series in record.curves.items():
        if name.startswith("validation ") and name != "validation loss":
            at_best = next((p.value for p in series if p.step == best.step), series[-1].value)
            said += f" {name.capitalize()} {series[0].value:.3f} before, {at_best:.3f} there."
    return said


def _draw(record: RunRecord):
    from tailor.plots import loss_curve

    return loss_curve({name: points for name, points in record.curves.items() if name not in _ratios(record)})


def _ratios(record: RunRecord) -> dict[str, list]:
    """The curves of update-to-weight ratios, which techniques with a rate for each layer leave."""
    return {name: points for name, points in record.curves.items() if name.startswith(UPDATE_RATIO)}


def _ratio_figure(record: RunRecord) -> list[Block]:
    ratios = {name.removeprefix(UPDATE_RATIO): points for name, points in _ratios(record).items()}
    if not ratios:
        return []

    def draw() -> Any:
        from tailor.plots import update_ratios

        return update_ratios(ratios)

    ends = ", ".join(f"{layer} {points[-1].value:.1e}" for layer, points in ratios.items())
    return [
        Text(
            "How far each layer moves in a step, as a share of its weights' length. Around 0.001 is usual; a layer "
            "far above the others is being rewritten, one far below learns nothing."
        ),
        Figure(draw, f"Update-to-weight ratio by layer; at the end: {ends}"),
    ]


def _rate_figure(record: RunRecord) -> list[Block]:
    """The learning-rate range test, where one was made; what it found stands among the notes."""
    if (found := record.rate_test) is None:
        return []

    def draw() -> Any:
        from tailor.plots import rate_range

        return rate_range(found)

    return [Figure(draw, f"Training loss by learning rate; the rate taken is {found.chosen:g}")]


def _alt(record: RunRecord) -> str:
    return f"Curves over the optimizer's steps. {_verdict(record)}"


def _figures(record: RunRecord) -> Table:
    share = record.trainable_parameters / max(record.total_parameters, 1)
    rows = [
        ("weights trained", f"{record.trainable_parameters:,} of {record.total_parameters:,} ({share:.1%})"),
        ("file size", f"{record.bytes / 2**20:.2f} MiB"),
        ("training", f"{record.measured.get('training_seconds', 0):.0f} s"),
        ("with loading and measuring", f"{record.measured.get('seconds', 0):.0f} s"),
        ("tokens a second while training", f"{record.measured.get('tokens_per_second', 0):,}"),
        ("highest memory", f"{record.measured.get('peak_gib', 0):.2f} GiB"),
    ]
    return Table(("", record.id), rows, "What it took")


def _batch(project: Project, record: RunRecord) -> list[Block]:
    """The first batch, through the functions that training uses."""
    from tailor.models.catalog import resolve
    from tailor.training.batch_view import batch_blocks

    size = min(record.config.get("rows_at_once", 8), record.config.get("effective_batch_size", 8))
    return batch_blocks(Dataset.open(project), resolve(record.base_model), size, record.seed, ROWS_SHOWN)
