"""Forgetting: what tuning cost elsewhere: general text, answers in an asked form, other projects' tasks."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tailor.blocks import Block, Callout, Figure, Table, Text
from tailor.data.dataset import Dataset
from tailor.errors import did_you_mean
from tailor.evaluation.compare import name_of, paired, show_difference, show_estimate
from tailor.evaluation.forgetting import GENERAL_TEXT, bits_per_character, form_questions, read_passages
from tailor.evaluation.metrics import HEADLINE, Metric, mean_metric
from tailor.evaluation.probes.base import Bench, Subject, not_measured
from tailor.evaluation.remedies import REMEDIES, applicable, try_remedy
from tailor.evaluation.statistics import estimate, estimate_difference
from tailor.models.language_model import GenerationConfig
from tailor.project import Project, home
from tailor.records import Estimate, Probed
from tailor.settings import Settings, setting

TITLE = "Forgetting"
ANSWER_TOKENS = 32
"""Of an answer in an asked form: the longest right one has about 20."""


class ForgettingSettings(Settings):
    forgetting: bool = setting(
        True,
        "Let the base model and the best model read general text and answer in forms that are asked for.",
        section=TITLE,
        source="Luo et al. 2023, An Empirical Study of Catastrophic Forgetting in Large Language Models",
    )
    forgetting_budget: float = setting(
        0.1,
        "How much worse the tuned model may read general text. 0.1 bits make every character 7% less probable.",
        unit="bits per character",
        ge=0.0,
        le=10.0,
        section=TITLE,
    )
    forgetting_text: str = setting(
        "",
        "A text file of what the model must go on reading well; blank lines part its passages. Empty: 14 bundled "
        "paragraphs of different kinds.",
        section=TITLE,
    )
    forgetting_questions: int = setting(
        5, "Questions for each of six forms: JSON, a list, a number and so on.", unit="questions", ge=1, le=200,
        section=TITLE,
    )  # fmt: skip
    forgetting_projects: list[str] = setting(
        [],
        "Names of other projects whose test rows are asked before and after: tasks that the model must keep.",
        section=TITLE,
    )
    forgetting_rows: int = setting(
        50,
        "At most this many test rows of each of these projects; 0 means all.",
        unit="rows",
        ge=0,
        section=TITLE,
    )
    forgetting_try_remedies: bool = setting(
        False,
        "Tune again with replayed text, a third of the learning rate and a quarter of the rank, and show what each "
        "keeps and costs. Takes as long as 07_tune up to three times.",
        section=TITLE,
    )


class Forgetting:
    name = "forgetting"
    title = TITLE
    question = "What did the model forget while it learned the task?"
    source = "McCloskey and Cohen 1989, Catastrophic Interference in Connectionist Networks"
    tasks = ("classify", "respond")
    asks_all = True
    Settings = ForgettingSettings

    def blockers(self, project: Project, settings: ForgettingSettings) -> list[str]:
        known = sorted(path.parent.name for path in home().glob("outputs/*/dataset.json"))
        return [
            f"10_evaluate.forgetting_projects names '{name}', which has no dataset: run it up to 04_format_data, or "
            f"take it out.{did_you_mean(name, known)}"
            for name in settings.forgetting_projects
            if name not in known
        ]

    def reads(self, project: Project, settings: ForgettingSettings) -> list[str]:
        """One's own text, and the datasets of the projects named."""
        datasets = [f"outputs/{name}/dataset.json" for name in settings.forgetting_projects]
        return [
            *filter(None, [settings.forgetting_text]),
            *(path for path in datasets if (home() / path).exists()),
        ]

    def measure(self, bench: Bench, settings: ForgettingSettings) -> Probed:
        from tailor.training.runs import role_of

        if role_of(bench.best.run) != "tuned":
            verdict = (
                f"Nothing to forget: {bench.best.run.title} leaves the base model's weights as they are."
            )
            found = Probed(
                probe=self.name, run=bench.best.run.id, base=bench.base.run.id, status="ok", verdict=verdict
            )
            _read_by_others(found, bench, read_passages(settings.forgetting_text))
            return found
        passages = read_passages(settings.forgetting_text)
        after = bits_per_character(bench.best.model.model, passages)
        before = bits_per_character(bench.base.model.model, passages)
        if after is None or before is None:
            return not_measured(
                self, bench, "only models on this machine that write text tell how probable a text is"
            )
        found = _text_found(self.name, bench, before, after, settings.forgetting_budget)
        _read_by_others(found, bench, passages)
        _ask_forms(found, bench, settings.forgetting_questions)
        for name in settings.forgetting_projects:
            _ask_project(found, bench, name, settings.forgetting_rows)
        if settings.forgetting_try_remedies:
            for remedy in applicable(bench.best.run):
                found.rows.append(try_remedy(remedy, bench, passages, before))
        return found

    def blocks(self, found: Probed) -> list[Block]:
        if not found.rows:
            return []
        lines = [_line(row) for row in found.rows if row["part"] != "remedy"]
        own = found.settings["forgetting_text"]
        source = own or f"{GENERAL_TEXT.name}, paragraphs written for this workbench"
        shown: list[Block] = [
            Table(["what", "before", "after", "change"], lines, f"Before and after tuning. Text: {source}")
        ]
        remedies = [row for row in found.rows if row["part"] == "remedy"]
        if remedies:
            shown += _remedy_blocks(found, remedies)
        elif found.status == "act":
            said = "What may help: " + "; ".join(remedy.advice for remedy in REMEDIES)
            shown.append(Text(f"{said}. Switch on forgetting_try_remedies to see them tried on this data."))
        return shown


# --- measuring -------------------------------------------------------------------------------------------------------
def _text_found(name: str, bench: Bench, before: Metric, after: Metric, budget: float) -> Probed:
    row = _text_row(bench, before, after, part="text")
    first, second, change = (Estimate(**row[name]) for name in ("before", "after", "change"))
    status = "act" if change.low > budget else "watch" if change.value > budget else "ok"
    verdict = f"General text takes {first.value:.2f} bits per character before tuning and {second.value:.2f} "
    verdict += f"after it, a change of {show_bits(change)}: "
    verdict += {
        "act": f"over the budget of {budget:g}.",
        "watch": f"over the budget of {budget:g}, though that may be chance.",
        "ok": f"within the budget of {budget:g}.",
    }[status]
    return Probed(
        probe=name,
        run=bench.best.run.id,
        base=bench.base.run.id,
        status=status,
        verdict=verdict,
        figures={
            "bits per character, before": first,
            "bits per character, after": second,
            "change": change,
        },
        rows=[row],
    )


def _text_row(bench: Bench, before: Metric, after: Metric, **more: Any) -> dict[str, Any]:
    """How general text is read before and after tuning."""
    figures = [
        estimate(each, samples=bench.samples, seed=bench.seed).model_dump() for each in (before, after)
    ]
    change = estimate_difference(after, before, samples=bench.samples, seed=bench.seed)
    return {"before": figures[0], "after": figures[1], "change": change.model_dump()} | more


def _read_by_others(found: Probed, bench: Bench, passages: list[str]) -> None:
    """Add how the other tuned models of the comparison read the text, so that all can be held side by side."""
    from tailor.training.runs import role_of

    tuned = [other for other in bench.others if role_of(other.run) == "tuned"]
    before = bits_per_character(bench.base.model.model, passages) if tuned else None
    for subject in tuned if before else []:
        if (after := bits_per_character(subject.model.model, passages)) is not None:
            names = {"run": subject.run.id, "title": subject.run.title}
            found.rows.append(_text_row(bench, before, after, part="run", **names))
        subject.model.release()  # one model more in memory at a time, however many are compared


def forgotten_by(probed: Sequence[Probed], run: str) -> Estimate | None:
    """Bits per character that a run takes more than the base model for general text; None where it was not asked."""
    rows = [
        row | {"run": row.get("run", one.run)}
        for one in probed
        if one.probe == Forgetting.name
        for row in one.rows
    ]
    changes = [row["change"] for row in rows if row["part"] in ("text", "run") and row["run"] == run]
    return Estimate(**changes[0]) if changes else None


def _ask_forms(found: Probed, bench: Bench, each: int) -> None:
    """Add whether answers keep to the form that was asked for, without the use case's own system prompt."""
    questions = form_questions(each, bench.seed)
    prompts = [[{"role": "user", "content": question.asked}] for question in questions]
    config = GenerationConfig(max_new_tokens=ANSWER_TOKENS)
    kept = {}
    for when, subject in (("before", bench.base), ("after", bench.best)):
        bench.log.note(f"Questions for {len(prompts)} answers in an asked form, {when} tuning.")
        answers = subject.model.generate(prompts, config)
        kept[when] = np.array([float(q.kept(text)) for q, text in zip(questions, answers, strict=True)])
    metrics = [mean_metric("form", kept[when], share=True) for when in ("before", "after")]
    change, p_value = paired(metrics[1], metrics[0], samples=bench.samples, seed=bench.seed)
    values = [estimate(metric, samples=bench.samples, seed=bench.seed).model_dump() for metric in metrics]
    found.rows.append(
        {
            "part": "forms",
            "before": values[0],
            "after": values[1],
            "change": change.model_dump(),
            "p_value": p_value,
        }
    )
    for form in dict.fromkeys(question.form for question in questions):
        mine = [place for place, question in enumerate(questions) if question.form == form]
        found.rows.append(
            {"part": "form", "form": form, "of": len(mine)}
            | {when: int(values[mine].sum()) for when, values in kept.items()}
        )
    if change.high < 0 and p_value < 0.05:
        found.status = "act" if found.status == "act" else "watch"
        found.verdict += f" Answers in an asked form: {show_difference('share', change)}."


def _ask_project(found: Probed, bench: Bench, name: str, rows: int) -> None:
    """Add how the test rows of another project are answered before and after."""
    from tailor.evaluation.answering import choose_rows
    from tailor.evaluation.compare import metric_of

    dataset = Dataset.open(Project(name))
    examples, headline = choose_rows(dataset.test, rows, bench.seed), HEADLINE[dataset.task]

    def answers(subject: Subject) -> Metric:
        table = bench.ask(replace(subject, dataset=dataset), examples, f"test rows of project {name}")
        return metric_of(table, headline, dataset.task, dataset.labels)

    before, after = answers(bench.base), answers(bench.best)
    change, p_value = paired(after, before, samples=bench.samples, seed=bench.seed)
    values = [
        estimate(metric, samples=bench.samples, seed=bench.seed).model_dump() for metric in (before, after)
    ]
    found.rows.append(
        {"part": "project", "name": name, "metric": headline, "rows": len(examples), "before": values[0]}
        | {"after": values[1], "change": change.model_dump(), "p_value": p_value}
    )
    if change.high < 0:
        found.status = "act" if found.status == "act" else "watch"
        found.verdict += f" Project {name} lost {show_difference(headline, change)} of {name_of(headline)}."


# --- showing ---------------------------------------------------------------------------------------------------------
def show_bits(change: Estimate) -> str:
    """ "+0.31 (+0.25 to +0.38)"."""
    return f"{change.value:+.2f} ({change.low:+.2f} to {change.high:+.2f})"


def _line(row: dict[str, Any]) -> list[str]:
    if row["part"] == "form":
        return [
            f"of these, {row['form']}",
            *(f"{row[when]} of {row['of']}" for when in ("before", "after")),
            "",
        ]
    before, after, change = (Estimate(**row[name]) for name in ("before", "after", "change"))
    if row["part"] in ("text", "run"):
        values = [f"{each.value:.2f} ({each.low:.2f} to {each.high:.2f})" for each in (before, after)]
        reader = f", as {row['title']} reads it" if "title" in row else ""
        return [f"general text, bits per character (less is better){reader}", *values, show_bits(change)]
    metric = row.get("metric", "share")
    what = "answers that keep to an asked form"
    if row["part"] == "project":
        what = f"project {row['name']}, {name_of(metric)} on {row['rows']} test rows"
    shown = [show_estimate(metric, each) for each in (before, after)]
    return [what, *shown, show_difference(metric, change)]


def _remedy_blocks(found: Probed, remedies: list[dict[str, Any]]) -> list[Block]:
    tuned = next(row for row in found.rows if row["part"] == "text")
    (metric,) = {row["metric"] for row in remedies}
    asked = Estimate(**remedies[0]["task_before"])
    lines = [["as it was tuned", show_bits(Estimate(**tuned["change"])), show_estimate(metric, asked), ""]]
    for row in remedies:
        task, change = Estimate(**row["task"]), Estimate(**row["task_change"])
        values = show_estimate(metric, task), show_difference(metric, change)
        lines.append([row["remedy"], show_bits(Estimate(**row["change"])), *values])
    columns = [
        "tuned again with",
        "forgotten, bits per character",
        f"{name_of(metric)}, validation",
        "change",
    ]
    budget = found.settings["forgetting_budget"]
    kept = [row for row in remedies if row["change"]["value"] <= budget]
    best = max(kept, key=lambda row: row["task"]["value"], default=None)
    said = f"None of them keeps to the budget of {budget:g}."
    if best:
        said = (
            f"Within the budget of {budget:g}, {best['remedy']} does the task best on the validation rows: "
        )
        said += f"{best['advice']}."

    def draw() -> Any:
        from tailor.plots import bars_with_intervals

        names = ["as it was tuned", *(row["remedy"] for row in remedies)]
        changes = [Estimate(**row["change"]) for row in (tuned, *remedies)]
        return bars_with_intervals(names, changes, "forgotten, bits per character")

    return [
        Table(columns, lines, "Remedies, each tried by tuning again on the same rows"),
        Callout(said, "good" if best else "warning"),
        Figure(draw, f"Bits per character forgotten, as tuned and with {len(remedies)} remedies"),
    ]
