"""What tuning changed: how far each layer of the network moved, in how many directions, and what soft prompts say."""

from typing import Any

from tailor.blocks import Block, Figure, Table, Text
from tailor.evaluation.attribution import can_attribute
from tailor.evaluation.probes.base import Bench, not_measured
from tailor.project import Project
from tailor.records import Probed
from tailor.settings import Settings, setting

TITLE = "What tuning changed"
REWRITTEN = 0.5
"""Share of its length by which a layer may move before it counts as rewritten."""


class AdapterChangesSettings(Settings):
    adapter_changes: bool = setting(
        True,
        "Compare the tuned model's weights with the base model's, layer by layer.",
        section=TITLE,
        source="Roy and Vetterli 2007, The Effective Rank; Lester et al. 2021, Prompt Tuning (nearest words)",
    )


class AdapterChanges:
    name = "adapter_changes"
    title = TITLE
    question = "Which layers moved, how far, and in how many directions?"
    source = (
        "Hu et al. 2021, LoRA, section 7.3 (what the change of weights looks like); Roy and Vetterli 2007"
    )
    tasks = ("classify", "respond")
    Settings = AdapterChangesSettings

    def blockers(self, project: Project, settings: AdapterChangesSettings) -> list[str]:
        return []

    def measure(self, bench: Bench, settings: AdapterChangesSettings) -> Probed:
        from tailor.evaluation.weight_changes import base_network, layer_changes, soft_prompt_words
        from tailor.training.runs import load_run, role_of

        run = bench.best.run
        found = Probed(probe=self.name, run=run.id, base=bench.base.run.id, status="ok", verdict="")
        if not can_attribute(bench.best.model.model):
            return not_measured(
                self, bench, "the weights of a model elsewhere, or of an unknown kind, cannot be seen"
            )
        if role_of(run) != "tuned":
            found.verdict = f"Nothing was changed: {run.title} leaves the base model's weights as they are."
            return found
        model = load_run(
            bench.project, run.id, bench.dataset
        )  # a copy of its own: adapters are merged into it
        words = soft_prompt_words(model)
        changes = layer_changes(model.model, base_network(run, bench.dataset))
        if not changes:
            return not_measured(
                self, bench, f"{run.title} has no weight that can be compared with the base model's"
            )
        found.rows = [
            {
                "part": "layer",
                "layer": each.layer,
                "relative": round(each.relative, 6),
                "rank": round(each.rank, 3),
            }
            for each in changes
        ] + [{"part": "virtual token", "number": n, "words": near} for n, near in enumerate(words, start=1)]
        found.verdict, rewritten = _say(found.rows, run)
        found.status = "watch" if rewritten else "ok"
        return found

    def blocks(self, found: Probed) -> list[Block]:
        layers = [row for row in found.rows if row["part"] == "layer"]
        tokens = [row for row in found.rows if row["part"] == "virtual token"]
        shown: list[Block] = []
        if any(row["relative"] for row in layers):
            shown.append(Figure(lambda: _draw(layers), f"How far each layer moved. {found.verdict}"))
            lines = [
                (row["layer"], f"{row['relative']:.2%}", f"{row['rank']:.1f}" if row["rank"] else "")
                for row in layers
            ]
            columns = ("layer", "moved by, of its length", "effective rank")
            shown.append(
                Table(columns, lines, "Effective rank: in how many directions a layer's matrices moved")
            )
        if tokens:
            shown.append(
                Table(
                    ("virtual token", "nearest words of the vocabulary"),
                    [(row["number"], ", ".join(row["words"])) for row in tokens],
                    "The soft prompt",
                )
            )
            shown.append(
                Text(
                    "A virtual token may lie near no word and work all the same: do not read the words as an "
                    "instruction (Khashabi et al. 2022, Prompt Waywardness)."
                )
            )
        return shown


def _draw(layers: list[dict[str, Any]]) -> Any:
    from tailor.plots import weight_changes

    return weight_changes([(row["layer"], row["relative"], row["rank"]) for row in layers])


def _say(rows: list[dict[str, Any]], run: Any) -> tuple[str, list[str]]:
    layers = [row for row in rows if row["part"] == "layer"]
    moved = [row for row in layers if row["relative"] > 0]
    if not moved:
        said = f"{run.title} changed none of the base model's own weights"
        return f"{said}; it put {run.trainable_parameters:,} new numbers beside them.", []
    most = max(moved, key=lambda row: row["relative"])
    said = f"{len(moved)} of {len(layers)} layers moved; {most['layer']} most, by {most['relative']:.1%} of its length"
    ranks = [row["rank"] for row in moved if row["rank"]]
    said += f", in {sum(ranks) / len(ranks):.1f} directions on average." if ranks else "."
    rewritten = [row["layer"] for row in moved if row["relative"] > REWRITTEN]
    if rewritten:
        said += f" {', '.join(rewritten)} moved by more than half: little of the base model is left there. "
        said += "Lower the learning rate."
    return said, rewritten
