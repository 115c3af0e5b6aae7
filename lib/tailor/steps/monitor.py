"""12: whether new rows still are what the model was made for, and whether it still answers well."""

from dataclasses import asdict
from typing import Any

from tailor.blocks import Block, Callout, Figure, Heading, Table, Text
from tailor.data.dataset import Dataset, Example
from tailor.data.tables import read_table, write_table
from tailor.evaluation.answering import choose_rows
from tailor.evaluation.results import shorten
from tailor.models.encoder import embedding_problems
from tailor.monitoring.drift import Limits, Measure
from tailor.monitoring.new_rows import read_new_rows
from tailor.monitoring.watch import Thresholds, ask_new_rows, model_measures, sum_up, text_measures
from tailor.progress import Log
from tailor.project import Project
from tailor.records import Export, Monitoring, ProjectRecord
from tailor.series import find_step
from tailor.settings import Settings as Base
from tailor.settings import setting

ANSWERS = "monitoring/answers.parquet"
_PSI = "Siddiqi 2006, Credit Risk Scorecards, ch. 10 (0.1 and 0.25)"


class Settings(Base):
    new_data: str = setting(
        "",
        "A file of new rows with the columns of your sources; right answers may be in it or not. Empty: the test "
        "rows, the newest of your own where rows have a time, stand in.",
    )
    max_rows: int = setting(
        150,
        "At most this many new rows are answered by the model; drift looks at all of them.",
        unit="rows",
        ge=1,
    )
    watch_index: float = setting(
        0.1,
        "Length, labels and confidence: watch from this stability index over chance.",
        gt=0,
        le=5,
        source=_PSI,
    )
    act_index: float = setting(
        0.25,
        "Length, labels and confidence: act from this stability index over chance.",
        gt=0,
        le=5,
        source=_PSI,
    )
    watch_quality: float = setting(
        0.05, "Watch when the answers lost this share of their value on the test rows.", gt=0, le=1
    )
    act_quality: float = setting(
        0.1, "Act when the answers lost this share of their value on the test rows.", gt=0, le=1
    )
    watch_words: float = setting(
        0.02, "New words: watch from this rise in their share.", gt=0, le=1, advanced=True
    )
    act_words: float = setting(
        0.05, "New words: act from this rise in their share.", gt=0, le=1, advanced=True
    )
    watch_divergence: float = setting(
        0.01,
        "Vocabulary: watch from this Jensen-Shannon divergence over chance.",
        unit="bits",
        gt=0,
        le=1,
        advanced=True,
    )
    act_divergence: float = setting(
        0.03,
        "Vocabulary: act from this Jensen-Shannon divergence over chance.",
        unit="bits",
        gt=0,
        le=1,
        advanced=True,
    )
    embedding_model: str = setting(
        "",
        "The encoder whose embeddings tell whether new inputs mean something else, such as all-minilm-l6-v2 (the extra "
        "'encoder') or a model folder. Empty: meaning is not measured.",
        advanced=True,
        source="Gretton et al. 2012, A Kernel Two-Sample Test, section 2",
    )
    watch_meaning: float = setting(
        0.01,
        "Meaning: watch from this squared distance of the mean embeddings over chance.",
        gt=0,
        le=4,
        advanced=True,
        source="measured on banking77: 0.012 when a tenth of 150 new rows were unrelated short messages",
    )
    act_meaning: float = setting(
        0.04,
        "Meaning: act from this squared distance of the mean embeddings over chance.",
        gt=0,
        le=4,
        advanced=True,
        source="measured on banking77: 0.044 when a fifth of 150 new rows were unrelated short messages",
    )
    alpha: float = setting(
        0.01,
        "A difference counts only where chance would bring one as large less often than this. Several things are "
        "measured at once, so it is stricter than the usual 0.05.",
        gt=0,
        lt=1,
        advanced=True,
    )


def blockers(project: Project, settings: Settings) -> list[str]:
    pairs = [
        (name, getattr(settings, f"watch_{name}"), getattr(settings, f"act_{name}"))
        for name in ("index", "quality", "words", "divergence", "meaning")
    ]
    problems = embedding_problems(settings.embedding_model, "12_monitor.embedding_model")
    return problems + [
        f"watch_{name} is {watch:g} and act_{name} is {act:g}: acting must start above watching"
        for name, watch, act in pairs
        if watch > act
    ]


def reads_files(project: Project, settings: Settings) -> list[str]:
    return [settings.new_data] if settings.new_data else []


def run(project: Project, settings: Settings, log: Log) -> Monitoring:
    dataset = Dataset.open(project)
    seed = project.load(ProjectRecord, "project.json").seed
    limits = _thresholds(settings)
    told = {"labelled": dataset.task == "classify", "seed": seed, "embedding_model": settings.embedding_model}
    if not settings.new_data:
        measures = text_measures(dataset.given, dataset.validation, dataset.test, limits, **told)
        return _record(measures, len(dataset.test), "your own test split (no new data was named)", {})
    path = project.resolve(settings.new_data)
    found = read_new_rows(project, path, log)
    reference = [*dataset.validation, *dataset.test]
    measures = text_measures(dataset.given, reference, found.examples, limits, **told)
    asked = choose_rows(found.examples, settings.max_rows, seed)
    measures += _ask(project, dataset, asked, limits, seed, log)
    outputs = {name: project.hash_of(project.path(name)) for name in (ANSWERS, "monitoring/new")}
    left_out = f", {found.dropped:,} left out by cleaning" if found.dropped else ""
    left_out += f", {found.unreadable:,} unreadable" if found.unreadable else ""
    return _record(measures, len(found.examples), path.name + left_out, outputs)


def _thresholds(settings: Settings) -> Thresholds:
    def pair(name: str) -> Limits:
        return Limits(getattr(settings, f"watch_{name}"), getattr(settings, f"act_{name}"), settings.alpha)

    return Thresholds(**{name: pair(name) for name in ("index", "words", "divergence", "quality", "meaning")})


def _ask(
    project: Project, dataset: Dataset, asked: list[Example], limits: Thresholds, seed: int, log: Log
) -> list[Measure]:
    """Answer new rows with the exported model, keep the answers, and measure them."""
    from tailor.serving.export import load_export
    from tailor.training.runs import read_run

    run = read_run(project, project.load(Export, "export/export.json").run)
    model = load_export(project, dataset, run.technique)
    table = ask_new_rows(project, dataset, model, run.id, asked, log)
    write_table(table, project.path(ANSWERS))
    return model_measures(project, dataset, run.id, table, limits, seed)


def _record(measures: list[Measure], rows: int, origin: str, outputs: dict[str, str]) -> Monitoring:
    status, verdict = sum_up(measures, rows, origin)
    values: list[dict[str, Any]] = [asdict(measure) for measure in measures]
    for value in values:
        value |= {"value": round(value["value"], 6), "p_value": round(value["p_value"], 6)}
    return Monitoring(rows=rows, measures=values, status=status, verdict=verdict, outputs=outputs)


def blocks(project: Project) -> list[Block]:
    record = project.load(Monitoring, "monitoring/monitoring.json")
    kinds = {"ok": "good", "watch": "warning", "act": "bad"}
    rows = [[m["title"], m["value"], m["p_value"], m["status"], m["says"]] for m in record.measures]
    shown = [
        Heading(find_step("12").question),
        Callout(record.verdict, kinds[record.status]),
        Table(
            ["measure", "distance over chance", "p-value", "verdict", "finding"], rows, "What was measured"
        ),
        _figure(record),
        Text(
            "Drift is not damage: the model may answer new kinds of rows well. Quality says, where answers are known."
        ),
    ]
    if project.path(ANSWERS).exists() and ANSWERS in record.outputs:
        shown.append(_least_sure(project))
    return shown


def _figure(record: Monitoring) -> Figure:
    from tailor.plots import drift_bars

    limits = {name: f"watch_{name}" for name in ("quality", "meaning")}
    limits |= {"new_words": "watch_words", "vocabulary": "watch_divergence"}
    watch = [record.settings[limits.get(m["name"], "watch_index")] for m in record.measures]
    rows = [(m["title"], m["value"] / limit, 1.0) for m, limit in zip(record.measures, watch, strict=True)]
    return Figure(
        lambda: drift_bars(rows, "distance over chance, divided by its threshold"),
        "Each measure of drift beside the threshold from which it is to be watched",
    )


def _least_sure(project: Project) -> Table:
    """New rows to look at: those that the model is least sure of, else the first."""
    table = read_table(project.path(ANSWERS), "12_monitor")
    sure = "confidence" in table.columns
    table = table.sort("confidence", "id") if sure else table
    rows = [
        [
            row["id"],
            shorten(row["input"]),
            shorten(row["prediction"]),
            *([f"{row['confidence']:.0%}"] if sure else []),
        ]
        for row in table.head(8).to_dicts()
    ]
    columns = ["row", "input", "answer", *(["confidence"] if sure else [])]
    caption = (
        "New rows that the model is least sure of: have these labelled first"
        if sure
        else "New rows, answered"
    )
    return Table(columns, rows, caption)
