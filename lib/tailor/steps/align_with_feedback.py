"""09: which answer is better: pairs from people or from the models' own answers, and which side each model takes."""

from collections import Counter
from typing import TYPE_CHECKING

from tailor.blocks import Block, Callout, Figure, Heading, Table, Text
from tailor.data.dataset import Dataset
from tailor.progress import Log
from tailor.project import Project
from tailor.records import Alignment, Estimate, RunRecord, Search, Tuned, UseCase
from tailor.settings import Settings as BaseSettings
from tailor.settings import setting

if TYPE_CHECKING:
    import numpy as np

    from tailor.models.language_model import LanguageModel
    from tailor.training.preferences import Pair


class Settings(BaseSettings):
    feedback_file: str = setting(
        "",
        "A file with the columns prompt, chosen and rejected (JSONL, CSV, Parquet or Excel): what people preferred. "
        "Empty makes pairs from the models' own answers alone.",
    )
    own_answers: int = setting(
        24,
        "Training rows that the base model and the tuned model each answer, to be compared with the reference; 0 for "
        "none.",
        unit="rows",
        ge=0,
        le=10_000,
    )
    max_new_tokens: int = setting(64, "The longest answer written for that.", unit="tokens", ge=1, le=2048)
    rule_pairs: int = setting(
        0,
        "Pairs made for each guideline that has a pattern: an answer from the training rows that keeps it, and the "
        "same answer changed to break it; and one for each pair of the tone sheet. 0 for none.",
        unit="pairs",
        ge=0,
        le=1000,
    )


def reads_files(project: Project, settings: Settings) -> list[str]:
    return [settings.feedback_file] if settings.feedback_file else []


def blockers(project: Project, settings: Settings) -> list[str]:
    from tailor.training.preferences import DATASET_PAIRS

    in_data = project.path(f"dataset/{DATASET_PAIRS}").exists()
    if not (in_data or settings.feedback_file or settings.own_answers or settings.rule_pairs):
        return ["There is no source of pairs: name a feedback_file, or let own_answers be more than 0."]
    return []


def run(project: Project, settings: Settings, log: Log) -> Alignment:
    from tailor.training.preferences import prefers_chosen, read_dataset_pairs, read_feedback, write_pairs
    from tailor.training.runs import load_run

    dataset = Dataset.open(project)
    pairs: list[Pair] = read_dataset_pairs(project.path("dataset"))
    left_out: list[str] = []
    if settings.feedback_file:
        given, left_out = read_feedback(project.resolve(settings.feedback_file))
        pairs += given
    runs = compared_runs(project, dataset, log)
    models = {run.id: load_run(project, run.id, dataset) for run in log.track(runs, "models loaded")}
    seed = runs[-1].seed
    if settings.own_answers:
        pairs += _own_pairs(project, dataset, settings, models, seed, log)
    if settings.rule_pairs:
        pairs += _rule_pairs(project, dataset, settings.rule_pairs, seed)
    write_pairs(pairs, project.path("preferences.jsonl"))
    record = Alignment(
        pairs=len(pairs), sources=dict(sorted(Counter(p.source for p in pairs).items())), left_out=left_out
    )
    if not pairs:
        return record
    sides = {
        ident: prefers_chosen(model, dataset, pairs)
        for ident, model in log.track(list(models.items()), "models asked which answer is likelier")
    }
    record.agreement = {ident: _share(side, seed) for ident, side in sides.items()}
    for source in record.sources:
        rows = [i for i, pair in enumerate(pairs) if pair.source == source]
        record.by_source[source] = {ident: _share(side[rows], seed) for ident, side in sides.items()}
    return record


def compared_runs(project: Project, dataset: Dataset, log: Log) -> list[RunRecord]:
    """The base model's run, where it can answer, and the best tuned one: 08's where it was better, else 07's."""
    from tailor.models.catalog import resolve
    from tailor.techniques.zero_shot import ZeroShot
    from tailor.training.runs import make_run, read_run

    chosen = project.load(Search, "search/search.json").run or project.load(Tuned, "tuned.json").run
    tuned = read_run(project, chosen)
    if resolve(tuned.base_model).architecture == "encoder":
        return [tuned]  # without its tuned head an encoder has nothing to say
    zero = make_run(
        project, ZeroShot.name, ZeroShot.Config(), dataset, base=tuned.base_model, seed=tuned.seed, log=log
    )
    return [zero, tuned]


def _rule_pairs(project: Project, dataset: Dataset, per_rule: int, seed: int) -> "list[Pair]":
    """Pairs that the guidelines and the tone sheet of 01 make of the training rows; none for labels."""
    from tailor.data.knowledge import contrastive_pairs

    if dataset.task == "classify":
        return []
    return contrastive_pairs(dataset.given, project.load(UseCase, "use_case.json"), per_rule, seed)


def _own_pairs(
    project: Project,
    dataset: Dataset,
    settings: Settings,
    models: "dict[str, LanguageModel]",
    seed: int,
    log: Log,
) -> "list[Pair]":
    """Each model's answers to its own part of the training rows, beside the references."""
    import numpy as np

    from tailor.training.preferences import pairs_from_answers

    guidelines = project.load(UseCase, "use_case.json").guidelines
    count = min(settings.own_answers * len(models), len(dataset.train))
    drawn = np.random.default_rng(seed).choice(len(dataset.train), count, replace=False)
    names = ["the base model's own answer", "the tuned model's own answer"][-len(models) :]
    pairs = []
    for place, (name, model) in enumerate(
        zip(names, log.track(list(models.values()), "models asked"), strict=True)
    ):
        rows = [dataset.train[i] for i in sorted(drawn[place :: len(models)])]
        pairs += pairs_from_answers(model, name, dataset, rows, guidelines, settings.max_new_tokens)
    return pairs


def _share(sides: "np.ndarray", seed: int) -> Estimate:
    """The mean with its 95% interval."""
    from tailor.evaluation.metrics import mean_metric
    from tailor.evaluation.statistics import estimate

    return estimate(mean_metric("prefers chosen", sides), seed=seed)


def blocks(project: Project) -> list[Block]:
    from tailor.training.preferences import read_pairs
    from tailor.training.runs import read_run

    record = project.load(Alignment, "alignment.json")
    pairs = read_pairs(project.path("preferences.jsonl"))
    titles = {ident: read_run(project, ident).title for ident in record.agreement}
    shown: list[Block] = [Heading("Pairs of answers"), Callout(_verdict(record, titles), "note")]
    if record.left_out:
        rows = [[sentence] for sentence in record.left_out]
        shown.append(Table(("could not be used",), rows, f"{len(rows):,} lines of the feedback file"))
    if not pairs:
        return shown
    lines = []
    for source, count in record.sources.items():
        of_source = [pair for pair in pairs if pair.source == source]
        lengths = [
            round(sum(len(getattr(p, side)) for p in of_source) / count) for side in ("chosen", "rejected")
        ]
        lines.append((source, count, *lengths, *record.by_source[source].values()))
    columns = ("rejected answer from", "pairs", "letters, chosen", "letters, rejected", *titles.values())
    examples = [(p.prompt, p.chosen, p.rejected, p.source) for p in pairs]
    return [
        *shown,
        Figure(
            lambda: _draw(record, titles),
            "Share of pairs in which each model finds the chosen answer likelier",
        ),
        Table(columns, lines, "Share of pairs in which the chosen answer is likelier, with 95% interval"),
        Text(
            "A model finds what it wrote itself likely: on pairs with its own answer it starts at a disadvantage. "
            "These figures say how far there is to go, not how good a model is; that is 10's matter."
        ),
        Table(("asked", "chosen", "rejected", "source"), examples, "Pairs", show=6),
    ]


def _verdict(record: Alignment, titles: dict[str, str]) -> str:
    if not record.pairs:
        return "There is no pair: the models answer as the references do, or there was nothing to compare."
    shares = [
        f"{title} takes the chosen side in {found.value:.0%} (95% interval {found.low:.0%} to {found.high:.0%})"
        for title, found in zip(titles.values(), record.agreement.values(), strict=True)
    ]
    return f"{record.pairs:,} pairs. {'; '.join(shares)}."


def _draw(record: Alignment, titles: dict[str, str]):
    from tailor.plots import bars_with_intervals

    return bars_with_intervals(
        list(titles.values()), list(record.agreement.values()), "share preferring the chosen"
    )
