"""A language model's verdict on the best model's answers beside the base model's, and how far to believe it."""

from dataclasses import asdict

from tailor.blocks import Block, Table, Text
from tailor.evaluation.blind import FILE as COMPARISONS
from tailor.evaluation.blind import human_choices, make_pairs
from tailor.evaluation.judging import ENOUGH_HUMANS, Judgement, JudgeReport, judge_pairs, report
from tailor.evaluation.kept_answers import KeptAnswers
from tailor.evaluation.probes.base import Bench
from tailor.evaluation.results import shorten
from tailor.files import sha256_bytes
from tailor.project import Project
from tailor.records import Estimate, Probed
from tailor.settings import Settings, setting

TITLE = "A judge's verdict"
MOST_UNREAD, MOST_CONTRADICTED = 0.3, 0.35
"""Above these shares a judge is not believed. One that draws lots contradicts itself in half of the pairs."""


class JudgeSettings(Settings):
    judge: bool = setting(
        False,
        "Let a language model compare the best model's answers with the base model's, each pair in both orders. Takes "
        "two questions for each row, and a capable judge: small bundled models cannot judge, and the result says so.",
        section=TITLE,
        source="Zheng et al. 2023, Judging LLM-as-a-Judge, section 3",
    )
    judge_model: str = setting(
        "",
        "The judge: a bundled model, a folder, a hub id, or its name on the server of judge address.",
        section=TITLE,
    )
    judge_address: str = setting(
        "",
        "An OpenAI-compatible server (http://localhost:8000/v1). Test rows and answers are sent there. Empty: this "
        "machine.",
        section=TITLE,
    )
    judge_key_env: str = setting(
        "", "The environment variable that holds the server's key. Empty: none is needed.", section=TITLE
    )
    judge_criterion: str = setting(
        "The better answer is right, complete, clear and polite.",
        "What makes an answer good, in one sentence; the judge reads it before every pair.",
        section=TITLE,
    )
    judge_rows: int = setting(
        100, "At most this many pairs are judged; 0 means all.", unit="rows", ge=0, section=TITLE
    )


class Judge:
    name = "judge"
    title = TITLE
    question = "Would a reader who does not know which is which prefer the tuned answers?"
    source = "Zheng et al. 2023, sections 3.3 and 3.4; Angelopoulos et al. 2023, Prediction-powered inference"
    tasks = ("respond",)
    Settings = JudgeSettings

    def blockers(self, project: Project, settings: JudgeSettings) -> list[str]:
        if not settings.judge_model:
            return ["10_evaluate.judge is on and names no model: set judge_model, or switch it off."]
        if settings.judge_address:
            return []
        from tailor.errors import WorkbenchError
        from tailor.models.catalog import resolve

        try:
            resolve(settings.judge_model)
        except WorkbenchError as error:
            return [f"10_evaluate.judge_model: {error.found}. {error.fix}"]
        return []

    def reads(self, project: Project, settings: JudgeSettings) -> list[str]:
        """What people chose between two answers, where they did."""
        return [f"outputs/{project.name}/{COMPARISONS}"] if project.path(COMPARISONS).exists() else []

    def measure(self, bench: Bench, settings: JudgeSettings) -> Probed:
        from tailor.models.writers import open_writer

        pairs = make_pairs(bench.best.table, bench.base.table)
        chosen = {example.id for example in bench.some(settings.judge_rows)}
        asked = [pair for pair in pairs if pair.id in chosen]
        judgements = []
        if asked:
            model = open_writer(settings.judge_model, settings.judge_address, settings.judge_key_env)
            who = sha256_bytes(f"{settings.judge_address} {settings.judge_model}".encode())[:10]
            kept = KeptAnswers(bench.project.path(f"evaluations/.answers/judge-{who}.sqlite"))
            judgements = judge_pairs(model, asked, settings.judge_criterion, kept, bench.log)
        found = report(
            judgements, human_choices(bench.project, asked), samples=bench.samples, seed=bench.seed
        )
        status, verdict = _verdict(found, len(asked), settings.judge_model)
        figures = {name: value for name, value in _estimates(found).items() if status != "not measured"}
        return Probed(
            probe=self.name,
            run=bench.best.run.id,
            base=bench.base.run.id,
            status=status,
            verdict=verdict,
            figures=figures,
            rows=[_trust(found, len(asked)), *(_row(each) for each in judgements)],
        )

    def blocks(self, found: Probed) -> list[Block]:
        trust, *rows = found.rows
        lost = [row for row in rows if row["value"] == 0.0]
        shown: list[Block] = [Table(["about the judge", ""], list(trust.items()), "How far to believe it")]
        if lost and found.status != "not measured":
            cells = [[row["id"], *(shorten(row[c]) for c in ("question", "best", "base"))] for row in lost]
            columns = ["row", "input", "best model", "base model"]
            shown.append(Table(columns, cells, "Where the judge prefers the base model", show=10))
        if trust["pairs that people compared"] < ENOUGH_HUMANS:
            shown.append(
                Text(
                    f"Compare {ENOUGH_HUMANS} pairs yourself, in the card of this notebook, and run it again: then "
                    "the judge's agreement with people is reported, and its figure corrected by it."
                )
            )
        return shown


def _estimates(found: JudgeReport) -> dict[str, Estimate]:
    """The report's estimates by name, without those that could not be made."""
    named = {
        "preferred": found.preferred,
        "preferred, corrected by people": found.corrected,
        "first answer wins": found.first,
        "longer answer wins": found.longer,
    }
    return {name: value for name, value in named.items() if value is not None}


def _verdict(found: JudgeReport, pairs: int, judge: str) -> tuple[str, str]:
    if not pairs:
        return "not measured", "The two models answered every row alike: there is nothing to judge."
    if found.unread > MOST_UNREAD:
        return "not measured", (
            f"{found.unread:.0%} of {judge}'s verdicts could not be read: it is no judge for this, and nothing is "
            "concluded from the others."
        )
    if found.contradicted > MOST_CONTRADICTED or found.preferred is None:
        return "not measured", (
            f"{judge} contradicts itself in {found.contradicted:.0%} of the pairs when the order is swapped (the "
            f"answer shown first wins {found.first.value:.0%}): it judges the place, not the answer."
        )
    value = found.corrected or found.preferred
    basis = f"{judge}, corrected by {found.humans} pairs that people compared," if found.corrected else judge
    said = (
        f"{basis} prefers the best model's answer in {_share(value)} of the {found.agreed:,} pairs, out of {pairs:,}, "
        "that it judged alike in both orders (a tie counts half)"
    )
    if found.kappa is not None:
        said += f"; it agrees with people at kappa {found.kappa:.2f}"
    status = "ok" if value.low > 0.5 else "act" if value.high < 0.5 else "watch"
    return status, said + (
        "." if status == "ok" else ": no clear preference." if status == "watch" else ": a loss."
    )


def _share(value: Estimate) -> str:
    return f"{value.value:.0%} ({value.low:.0%} to {value.high:.0%})"


def _trust(found: JudgeReport, pairs: int) -> dict:
    """What tells how far to believe the judge, as the table shows it."""
    return {
        "pairs judged": pairs,
        "verdicts that could not be read": f"{found.unread:.0%}",
        "pairs whose verdict turned with the order": f"{found.contradicted:.0%}",
        "the answer shown first wins": _share(found.first) if found.first else "",
        "the longer answer wins": _share(found.longer) if found.longer else "",
        "pairs that people compared": found.humans,
        "agreement with people (Cohen's kappa)": "" if found.kappa is None else f"{found.kappa:.2f}",
    }


def _row(each: Judgement) -> dict:
    pair = {name: value for name, value in asdict(each.pair).items() if name != "reference"}
    return pair | {"plain": each.plain, "swapped": each.swapped, "value": each.value}
