"""Influence: which training rows lead to wrong answers. A row with a wrong label stands near the top of its victims."""

from tailor.blocks import Block, Table
from tailor.data.dataset import Example
from tailor.evaluation.attribution import can_attribute
from tailor.evaluation.influence import Influence, influences, most_alike
from tailor.evaluation.probes.base import Bench, not_measured
from tailor.evaluation.probes.explanation import choose
from tailor.evaluation.results import shorten
from tailor.project import Project
from tailor.records import Probed, Task
from tailor.settings import Settings, setting

TITLE = "Which training rows decide"
SHOWN = 3  # training rows for each answer
STRONG = 0.5
"""Cosine of gradients from which a row leads to the answer: half of its step goes that way."""
ALIKE = 0.5
"""Likeness of words from which a row asks the same, so that its other answer may be a wrong label."""


class InfluenceSettings(Settings):
    influence: bool = setting(
        True,
        "Name for a few wrong answers the training rows that spoke most for them.",
        section=TITLE,
        source="Pruthi et al. 2020, TracIn",
    )
    influence_answers: int = setting(
        2, "Wrong (or worst) answers looked into.", unit="rows", ge=1, le=50, section=TITLE
    )
    influence_rows: int = setting(
        25,
        "Training rows compared for each of these: those whose inputs share most words with it. More take longer and "
        "find what is told in other words.",
        unit="rows",
        ge=1,
        le=5000,
        section=TITLE,
    )


class InfluenceProbe:
    name = "influence"
    title = TITLE
    question = "Which training rows lead to its wrong answers?"
    source = (
        "Pruthi et al. 2020, TracIn (at the last checkpoint); divided by lengths as in Barshan et al. 2020"
    )
    tasks = ("classify", "respond")
    Settings = InfluenceSettings

    def blockers(self, project: Project, settings: InfluenceSettings) -> list[str]:
        return []

    def measure(self, bench: Bench, settings: InfluenceSettings) -> Probed:
        from tailor.training.runs import load_run, role_of

        run = bench.best.run
        if not can_attribute(bench.best.model.model) or role_of(run) != "tuned":
            return not_measured(
                self, bench, "only a model tuned on this machine has trained weights to look into"
            )
        model = load_run(
            bench.project, run.id, bench.dataset
        )  # a copy of its own: gradients are switched on in it
        network, objective, weights = _prepare(bench, model)
        if not weights:
            return not_measured(
                self, bench, "the tuned model has no weight that its base model does not have too"
            )
        found = Probed(probe=self.name, run=run.id, base=bench.base.run.id, status="ok", verdict="")
        asked = [
            pick
            for pick in choose(bench, 2 * settings.influence_answers)
            if pick[0] in ("wrong answer", "worst answer")
        ]
        for _, example, answer in asked:
            rows = most_alike(bench.dataset.train, example.input, settings.influence_rows)
            given = Example(example.id, example.input, answer, system=example.system, history=example.history)
            likeness = {row.id: alike for row, alike in rows}
            best = influences(network, objective, weights, given, [row for row, _ in rows], bench.log)[:SHOWN]
            found.rows += [
                _row(example, answer, place, each, likeness[each.row.id])
                for place, each in enumerate(best, 1)
            ]
        suspects = [row for row in found.rows if row["suspect"]]
        found.status = "watch" if suspects else "ok"
        found.verdict = _say(len(asked), suspects, len(found.rows), bench.dataset.task)
        return found

    def blocks(self, found: Probed) -> list[Block]:
        lines = [
            (
                row["id"] if row["place"] == 1 else "",
                f"{shorten(row['asked'])} -> {shorten(row['answer'])}" if row["place"] == 1 else "",
                row["train_id"],
                shorten(row["train_input"]),
                shorten(row["train_output"]),
                f"{row['cosine']:.2f}",
                f"{row['likeness']:.2f}",
            )
            for row in found.rows
        ]
        columns = (
            "test row",
            "asked and answered",
            "training row",
            "its input",
            "its answer",
            "gradients alike",
            "words alike",
        )
        return [Table(columns, lines, "Training rows that speak most for the given answer")] if lines else []


def _prepare(bench: Bench, model) -> tuple:
    """The tuned network, what it learned from a row, and its trained weights."""
    from tailor.evaluation.weight_changes import base_network, trained_weights
    from tailor.models.catalog import resolve
    from tailor.techniques.prompt_tuning import WithSoftPrompt
    from tailor.training.objectives import objective_for

    base = resolve(bench.best.run.base_model)
    objective = objective_for(base, model.tokenizer, bench.dataset)
    if prefix := getattr(model, "prefix", None):
        objective = WithSoftPrompt(objective, prefix, base)
    weights = trained_weights(model.model, base_network(bench.best.run, bench.dataset))
    return model.model, objective, list(weights.values())


def _row(example: Example, answer: str, place: int, each: Influence, likeness: float) -> dict:
    """One line; a suspect asked much the same and taught the very answer that was wrong."""
    row = each.row
    return {
        "id": example.id,
        "asked": example.input,
        "answer": answer,
        "place": place,
        "train_id": row.id,
        "train_input": row.input,
        "train_output": row.output,
        "cosine": round(each.cosine, 4),
        "likeness": round(likeness, 4),
        "suspect": each.cosine >= STRONG and likeness >= ALIKE and row.output == answer != example.output,
    }


def _say(answers: int, suspects: list[dict], rows: int, task: Task) -> str:
    if not answers:
        return "There is no wrong answer to look into."
    if not rows:
        return "Not one training row like the wrong answers could be compared."
    if not suspects and task == "respond":
        return (
            f"The training rows that spoke most for the {answers} worst answers are listed. None of them taught the "
            "very answer in much the same words; whether one taught it otherwise is for you to read."
        )
    if not suspects:
        return (
            f"None of the training rows compared has much the same words as one of the {answers} wrong answers looked "
            "into and taught that very answer: no single label is to blame."
        )
    names = list(dict.fromkeys(row["train_id"] for row in suspects))
    shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    said = f"{len(names)} training row{'s' * (len(names) != 1)} with much the same words taught the very answer that "
    return f"{said}was wrong ({shown}): see in 03_clean_data, or by hand in 04_format_data, whether the label is right."
