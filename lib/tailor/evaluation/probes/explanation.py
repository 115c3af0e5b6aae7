"""Explanation: which words an answer rests on, and whether taking these away really takes the answer away."""

from random import Random

import numpy as np

from tailor.blocks import Block, Table, Tokens
from tailor.data.dataset import Example
from tailor.evaluation.attribution import Attribution, attribute_words, can_attribute, without_words
from tailor.evaluation.metrics import mean_metric
from tailor.evaluation.probes.base import Bench, not_measured
from tailor.evaluation.statistics import estimate
from tailor.project import Project
from tailor.records import Estimate, Probed
from tailor.settings import Settings, setting

TITLE = "Which words decide"
DROPPED = 0.2
"""Share of the words that is taken away in the check (DeYoung et al. 2020, ERASER: 1% to 50%)."""
ENOUGH = 6
"""Rows without which the check proves nothing: five differences share a sign by chance once in 16 times, two-sided."""
DRAWS = 5  # sets of words drawn by lot beside the important ones
LEGEND = {  # in the order of the marks' colours: most words matter little, and are to be plain
    "strongly": "speaks strongly for the answer",
    "little": "matters little",
    "for": "speaks for it",
    "against": "speaks against it",
}


class ExplanationSettings(Settings):
    explanation: bool = setting(
        True,
        "Show for a few wrong and a few right answers which words of the input they rest on.",
        section=TITLE,
        source="Sundararajan et al. 2017, Axiomatic Attribution for Deep Networks, section 3 (integrated gradients)",
    )
    explanation_rows: int = setting(
        8,
        "Answers explained, half of them the worst and half the best. Each takes the time of about 40 answers; more "
        f"make the check surer, and fewer than {ENOUGH} leave it open.",
        unit="rows",
        ge=2,
        le=200,
        section=TITLE,
    )


class Explanation:
    name = "explanation"
    title = TITLE
    question = "Which words of the input do its answers rest on?"
    source = "Sundararajan et al. 2017, section 3; the check: DeYoung et al. 2020, ERASER (comprehensiveness)"
    tasks = ("classify", "respond")
    Settings = ExplanationSettings

    def blockers(self, project: Project, settings: ExplanationSettings) -> list[str]:
        return []

    def measure(self, bench: Bench, settings: ExplanationSettings) -> Probed:
        model = bench.best.model.model
        if not can_attribute(model):
            reason = (
                "gradients are at hand only for a model on this machine that answers without further prompts"
            )
            return not_measured(self, bench, reason)
        rows = []
        for kind, example, answer in bench.log.track(
            choose(bench, settings.explanation_rows), "answers explained"
        ):
            found = attribute_words(model, bench.dataset, example, answer)
            if found is not None and len(found.words) > 1:
                rows.append(_row(bench, kind, example, answer, found))
        if not rows:
            return not_measured(self, bench, "none of the rows has words that reach the model")
        drops = [np.array([row[name] for row in rows]) for name in ("drop_important", "drop_random")]
        more = mean_metric("nats", drops[0] - drops[1])
        figures = {
            "taken away, the important words cost": _estimate(bench, drops[0]),
            "words drawn by lot cost": _estimate(bench, drops[1]),
            "difference": estimate(more, samples=bench.samples, seed=bench.seed),
        }
        faithful = figures["difference"].low > 0 and len(rows) >= ENOUGH
        return Probed(
            probe=self.name,
            run=bench.best.run.id,
            base=bench.base.run.id,
            status="ok" if faithful else "watch",
            verdict=_say(figures, len(rows), faithful),
            figures=figures,
            rows=rows,
        )

    def blocks(self, found: Probed) -> list[Block]:
        shown: list[Block] = [
            Tokens(
                [
                    (word, _kind(score, row["scores"]))
                    for word, score in zip(row["words"], row["scores"], strict=True)
                ],
                LEGEND,
                f"{row['kind']}, row {row['id']}: answered {row['answer']!r}; the reference is {row['reference']!r}.",
            )
            for row in found.rows
        ]
        if found.rows:
            lines = [
                (row["id"], row["kind"], f"{row['drop_important']:+.2f}", f"{row['drop_random']:+.2f}")
                for row in found.rows
            ]
            columns = ("row", "answer", "without its important words", "without words drawn by lot")
            caption = (
                "The check: nats of log-probability that the answer loses; more in the first column is better"
            )
            shown.append(Table(columns, lines, caption))
        return shown


def choose(bench: Bench, rows: int) -> list[tuple[str, Example, str]]:
    """(kind, example, answer) of the worst and the best answers by the headline metric, the surest first for labels."""
    table, examples = bench.best.table, {example.id: example for example in bench.examples}
    values = table[bench.headline].to_list()
    sure = table["confidence"].to_list() if "confidence" in table.columns else [0.0] * table.height
    asked = list(zip(table["id"].to_list(), table["prediction"].to_list(), values, sure, strict=True))
    usable = [
        row for row in asked if row[0] in examples and row[1].strip() and examples[row[0]].input.strip()
    ]
    ordered = sorted(usable, key=lambda row: (row[2], -row[3], row[0]))
    share = bench.dataset.task == "classify"
    worst = [row for row in ordered if not share or row[2] < 1][: (rows + 1) // 2]
    best = sorted((row for row in usable if row not in worst and (not share or row[2] == 1)), key=_best_first)
    names = ("wrong answer", "right answer") if share else ("worst answer", "best answer")
    picked = [(names[0], *row) for row in worst] + [(names[1], *row) for row in best[: rows - len(worst)]]
    return [(kind, examples[name], answer) for kind, name, answer, *_ in picked]


def _best_first(row: tuple[str, str, float, float]) -> tuple[float, float, str]:
    return -row[2], -row[3], row[0]


def _row(bench: Bench, kind: str, example: Example, answer: str, found: Attribution) -> dict:
    from dataclasses import replace

    count, places = max(1, round(DROPPED * len(found.words))), range(len(found.words))
    important = sorted(places, key=lambda place: -found.scores[place])[:count]
    draw = Random(f"{bench.seed}/{example.id}")
    sets = [important, *(draw.sample(places, count) for _ in range(DRAWS))]
    texts = ["".join(found.words).strip(), *(without_words(found.words, dropped) for dropped in sets)]
    prompts = [bench.dataset.prompt(replace(example, input=text)) for text in texts]
    whole, without, *by_lot = bench.best.model.model.score(prompts, [answer] * len(prompts))
    return {
        "kind": kind,
        "id": example.id,
        "reference": example.output,
        "answer": answer,
        "words": found.words,
        "scores": [round(score, 4) for score in found.scores],
        "error": round(found.error, 4),
        "drop_important": round(whole - without, 4),
        "drop_random": round(whole - float(np.mean(by_lot)), 4),
    }


def _estimate(bench: Bench, values: np.ndarray) -> Estimate:
    return estimate(mean_metric("nats", values), samples=bench.samples, seed=bench.seed)


def _kind(score: float, scores: list[float]) -> str:
    largest = max(max(map(abs, scores)), 1e-9)
    if score > 0.5 * largest:
        return "strongly"
    if score > 0.15 * largest:
        return "for"
    return "against" if score < -0.15 * largest else "little"


def _say(figures: dict[str, Estimate], rows: int, faithful: bool) -> str:
    taken, by_lot, difference = figures.values()
    said = f"Without its most important words an answer loses {taken.value:.2f} nats of log-probability, without as "
    said += f"many drawn by lot {by_lot.value:.2f} ({rows} answers): "
    if faithful:
        return said + "on these the coloured words matter more than others."
    if rows < ENOUGH:
        return (
            f"{said}too few to tell the difference from chance. Explain {ENOUGH} or more (explanation_rows)."
        )
    span = f"{difference.low:+.2f} to {difference.high:+.2f}"
    return (
        said + f"the difference ({span}) may be chance, so read the colours with care or explain more rows."
    )
