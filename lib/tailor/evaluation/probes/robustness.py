"""Robustness: does the model answer the same when people write as they do: with slips, in capitals, in fewer words?

Each change leaves the answer what it was, so every loss is the model's own. Ribeiro et al. 2020 call these invariance
tests. What goes beyond a change of form stands beside: a text that is far too long, and one that says nothing.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from tailor.blocks import Block, Table, Text
from tailor.data.augmentation.rules import Synonyms, contraction, typo
from tailor.data.dataset import Example
from tailor.evaluation.compare import name_of, paired, show_difference, show_estimate, show_p
from tailor.evaluation.probes.base import Bench
from tailor.evaluation.statistics import estimate, holm
from tailor.project import Project
from tailor.records import Estimate, Probed, Term
from tailor.settings import Settings, setting

TITLE = "Robustness"
FILLER = (
    "By the way, the weather has been mild this week.",
    "The trees in front of the house have lost their leaves.",
    "My neighbour is painting his fence green.",
    "The bus was on time today, and there was a seat by the window.",
)
"""Sentences that have to do with nothing, for texts that are too long."""
EMPTY = {"nothing": "", "blanks": "   ", "punctuation": "?!", "one letter": "x"}


class RobustnessSettings(Settings):
    robustness: bool = setting(
        True,
        "Ask the same test rows again with slips of the finger, in capitals, in small letters, without punctuation, in "
        "other words, and with a long tail of small talk; and ask what comes to an empty question.",
        section=TITLE,
        source="Ribeiro et al. 2020, CheckList (invariance tests)",
    )
    robustness_rows: int = setting(
        20,
        "At most this many test rows are asked again, once for each kind of change; 0 means all.",
        unit="rows",
        ge=0,
        section=TITLE,
    )
    robustness_filler: int = setting(
        400,
        "How many words of small talk are put behind a question to make it too long.",
        unit="words",
        ge=0,
        le=20_000,
        section=TITLE,
    )


Change = Callable[[str, random.Random], str]


def _bare(text: str, _draw: random.Random) -> str:
    return " ".join("".join(c if c.isalnum() or c.isspace() else " " for c in text).split()) or text


def make_changes(glossary: Sequence[Term], filler: int) -> dict[str, Change]:
    """Kind of change -> what makes it; the text as it was where a rule finds nothing to change."""
    synonyms = Synonyms(glossary)

    def reworded(text: str, draw: random.Random) -> str:
        text = contraction(text, draw) or text
        return synonyms(text, draw) or text

    def long(text: str, draw: random.Random) -> str:
        words = [word for n in range(filler // 8 + 1) for word in FILLER[n % len(FILLER)].split()]
        return f"{text} {' '.join(words[:filler])}"

    changes: dict[str, Change] = {
        "slips of the finger": lambda text, draw: typo(text, draw) or text,
        "capitals": lambda text, _: text.upper(),
        "small letters": lambda text, _: text.lower(),
        "no punctuation": _bare,
        "other words": reworded,
    }
    return changes | ({f"{filler:,} words of small talk behind it": long} if filler else {})


class Robustness:
    name = "robustness"
    title = TITLE
    question = "Does it answer the same when people write less carefully?"
    source = "Ribeiro et al. 2020, Beyond Accuracy: Behavioral Testing of NLP Models with CheckList"
    tasks = ("classify", "respond")
    Settings = RobustnessSettings

    def blockers(self, project: Project, settings: RobustnessSettings) -> list[str]:
        return []

    def measure(self, bench: Bench, settings: RobustnessSettings) -> Probed:
        examples = bench.some(settings.robustness_rows)
        plain = bench.metric(bench.ask(bench.best, examples, "answers as before"))
        rows = []
        for kind, change in make_changes(bench.use_case.glossary, settings.robustness_filler).items():
            asked = _changed(examples, change)
            touched = sum(new.input != old.input for new, old in zip(asked, examples, strict=True))
            changed = bench.metric(bench.ask(bench.best, asked, f"answers: {kind}"))
            difference, p_value = paired(changed, plain, samples=bench.samples, seed=bench.seed)
            value = estimate(changed, samples=bench.samples, seed=bench.seed)
            rows.append(
                {
                    "part": "change",
                    "kind": kind,
                    "changed": touched,
                    "value": value.model_dump(),
                    "difference": difference.model_dump(),
                    "p_value": p_value,
                }
            )
        for row, corrected in zip(rows, holm([row["p_value"] for row in rows]), strict=True):
            row["p_value"] = corrected
        status, verdict = _judge(bench.headline, rows, len(examples))
        return Probed(
            probe=self.name,
            run=bench.best.run.id,
            base=bench.base.run.id,
            status=status,
            verdict=verdict,
            figures={bench.headline: estimate(plain, samples=bench.samples, seed=bench.seed)},
            rows=[*rows, *_empty_answers(bench)],
        )

    def blocks(self, found: Probed) -> list[Block]:
        (headline,) = found.figures
        lines = [["as written", "", show_estimate(headline, found.figures[headline]), "", ""]]
        for row in (row for row in found.rows if row["part"] == "change"):
            value, difference = Estimate(**row["value"]), Estimate(**row["difference"])
            shown = show_estimate(headline, value), show_difference(headline, difference)
            lines.append([row["kind"], row["changed"], *shown, show_p(row["p_value"])])
        columns = ["the input", "rows it changes", name_of(headline), "change", "p-value (corrected)"]
        empty = [[row["kind"], row["answer"], row["sure"]] for row in found.rows if row["part"] == "empty"]
        return [
            Table(columns, lines, "The same rows, written otherwise"),
            Table(["the input", "answer", "how sure"], empty, "What comes to a question that asks nothing"),
            Text("An empty question has no right answer: it should be asked back, or passed on to a person."),
        ]


def _judge(headline: str, rows: list[dict], asked: int) -> tuple[str, str]:
    """Status and verdict. A loss that is beyond chance by itself, and not after correction, is watched as well."""
    lost = [row for row in rows if row["difference"]["value"] < 0 and row["p_value"] < 0.05]
    worst = min(lost or rows, key=lambda row: row["difference"]["value"])
    difference = Estimate(**worst["difference"])
    if difference.value >= 0:
        return "ok", f"No change of form made the answers to {asked} test rows any worse."
    said = f"Worst under {worst['kind']}: {show_difference(headline, difference)} on {asked} test rows"
    told = f"{said}, {show_p(worst['p_value'])} after correction for {len(rows)} kinds of change"
    if lost:
        return "watch", f"{told}."
    if difference.high < 0:
        return "watch", f"{told}: likely, and not proven. Ask more rows (robustness_rows)."
    return "ok", f"{said}, which may be chance; more rows would tell (robustness_rows)."


def _changed(examples: Sequence[Example], change: Change) -> list[Example]:
    """The examples with their inputs changed; each has its own random numbers, whatever stands before it."""
    return [replace(example, input=change(example.input, random.Random(example.id))) for example in examples]


def _empty_answers(bench: Bench) -> list[dict]:
    """What the model says to inputs that ask nothing."""
    asked = [Example(f"empty:{n}", text, "") for n, text in enumerate(EMPTY.values())]
    table = bench.ask(bench.best, asked, "answers to empty inputs")
    sure = table["confidence"].to_list() if "confidence" in table.columns else [None] * len(asked)
    return [
        {"part": "empty", "kind": kind, "answer": answer, "sure": "" if p is None else f"{p:.0%}"}
        for kind, answer, p in zip(EMPTY, table["prediction"].to_list(), sure, strict=True)
    ]
