"""Robustness: does the model answer the same when people write as they do: with slips, in capitals, in fewer words?

Each change leaves the answer what it was, so every loss is the model's own. Ribeiro et al. 2020 call these invariance
tests.
"""

import random
from collections.abc import Callable
from dataclasses import replace

from tailor.blocks import Block, Table
from tailor.data.augmentation.rules import typo
from tailor.data.dataset import Example
from tailor.evaluation.compare import paired, show_difference, show_estimate, show_p
from tailor.evaluation.probes.base import Bench
from tailor.evaluation.statistics import estimate
from tailor.project import Project
from tailor.records import Probed
from tailor.settings import Settings, setting

TITLE = "Robustness"


class RobustnessSettings(Settings):
    robustness: bool = setting(
        True,
        "Ask the same test rows again with slips of the finger, in capitals, in small letters, without punctuation.",
        section=TITLE,
        source="Ribeiro et al. 2020, CheckList, section 2.1 (invariance tests)",
    )
    robustness_rows: int = setting(
        40,
        "At most this many test rows are asked again, once for each kind of change; 0 means all.",
        unit="rows",
        ge=0,
        section=TITLE,
    )


def _typos(text: str, draw: random.Random) -> str:
    return typo(text, draw) or text


def _bare(text: str, _draw: random.Random) -> str:
    return " ".join("".join(c if c.isalnum() or c.isspace() else " " for c in text).split()) or text


CHANGES: dict[str, Callable[[str, random.Random], str]] = {
    "slips of the finger": _typos,
    "capitals": lambda text, _: text.upper(),
    "small letters": lambda text, _: text.lower(),
    "no punctuation": _bare,
}


class Robustness:
    name = "robustness"
    title = TITLE
    question = "Does it answer the same when people write less carefully?"
    source = (
        "Ribeiro et al. 2020, Beyond Accuracy: Behavioral Testing of NLP Models with CheckList, section 2.1"
    )
    tasks = ("classify", "respond")
    Settings = RobustnessSettings

    def blockers(self, project: Project, settings: RobustnessSettings) -> list[str]:
        return []

    def measure(self, bench: Bench, settings: RobustnessSettings) -> Probed:
        examples = bench.some(settings.robustness_rows)
        plain = bench.metric(bench.ask(bench.best, examples, "answers as before"))
        rows = []
        for kind, change in CHANGES.items():
            changed = bench.metric(bench.ask(bench.best, _changed(examples, change), f"answers: {kind}"))
            difference, p_value = paired(changed, plain, samples=bench.samples, seed=bench.seed)
            value = estimate(changed, samples=bench.samples, seed=bench.seed)
            rows.append({"kind": kind, "value": value, "difference": difference, "p_value": p_value})
        worst = min(rows, key=lambda row: row["difference"].value)
        lost = [row for row in rows if row["difference"].high < 0]
        verdict = f"Worst under {worst['kind']}: {show_difference(bench.headline, worst['difference'])}"
        verdict += f" on {len(examples)} test rows." if lost else ", which may be chance."
        return Probed(
            probe=self.name,
            run=bench.best.run.id,
            base=bench.base.run.id,
            status="watch" if lost else "ok",
            verdict=verdict,
            figures={bench.headline: estimate(plain, samples=bench.samples, seed=bench.seed)},
            rows=[
                row | {"value": row["value"].model_dump(), "difference": row["difference"].model_dump()}
                for row in rows
            ],
        )

    def blocks(self, found: Probed) -> list[Block]:
        from tailor.records import Estimate

        (headline,) = found.figures
        rows = [["as written", show_estimate(headline, found.figures[headline]), "", ""]]
        for row in found.rows:
            value, difference = Estimate(**row["value"]), Estimate(**row["difference"])
            shown = show_estimate(headline, value), show_difference(headline, difference)
            rows.append([row["kind"], *shown, show_p(row["p_value"])])
        return [Table(["the input", headline, "change", "p-value"], rows, "The same rows, written otherwise")]


def _changed(examples: list[Example], change: Callable[[str, random.Random], str]) -> list[Example]:
    """The examples with their inputs changed; each has its own random numbers, whatever stands before it."""
    return [replace(example, input=change(example.input, random.Random(example.id))) for example in examples]
