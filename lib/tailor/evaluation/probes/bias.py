"""Bias: does it treat the same question worse when somebody else has asked it, and does mitigation help?"""

from collections.abc import Callable
from typing import Any

from tailor.blocks import Block
from tailor.data.augmentation.counterfactual import Axis
from tailor.errors import WorkbenchError
from tailor.evaluation.bias_sets import bold, crows_pairs, winogender
from tailor.evaluation.bias_view import SETS, bias_blocks, say_preference
from tailor.evaluation.compare import show_difference, show_p
from tailor.evaluation.group_gaps import Gap, as_row, find_gaps, is_sure, worst_of
from tailor.evaluation.mitigation import Way, trained_again
from tailor.evaluation.probes.base import Bench, Subject
from tailor.evaluation.statistics import estimate
from tailor.project import Project
from tailor.records import Probed
from tailor.settings import Settings, setting

TITLE = "Bias"


class BiasSettings(Settings):
    bias: bool = setting(
        True,
        "Ask the same test rows as if women or men, people of other origins, ages or dialects had written them, and "
        "compare how well each group is served.",
        section=TITLE,
        source="Garg et al. 2019, Counterfactual Fairness in Text Classification",
    )
    bias_axes: list[Axis] = setting(
        ["gender", "origin"],
        "What is changed about the writer: gender, origin (by name), age, dialect. Each group asks every row once: 2, "
        "6, 3 and 3 groups.",
        section=TITLE,
    )
    bias_rows: int = setting(
        20,
        "At most this many test rows are asked, once for each group; 0 means all. Twenty find only gross bias: ask "
        "200 before you rely on it.",
        unit="rows",
        ge=0,
        section=TITLE,
    )
    bias_limit: float = setting(
        5.0,
        "A group that is surely worse off by more than this calls for action.",
        unit="points",
        ge=0.0,
        le=100.0,
        section=TITLE,
    )
    bias_mitigation: list[Way] = setting(
        [],
        "Train the best model again on rows changed in these ways, and compare the gaps before and after. Each takes "
        "as long as the training did.",
        section=TITLE,
        source="Lu et al. 2020 (augmentation); Kamiran and Calders 2012 (weights, sampling)",
    )
    bias_crows_pairs: str = setting(
        "",
        "The file crows_pairs_anonymized.csv (or .gz): which of two sentences the model holds likelier. Empty: not "
        "asked.",
        section=TITLE,
        source="Nangia et al. 2020, CrowS-Pairs",
    )
    bias_winogender: str = setting(
        "",
        "The file all_sentences.tsv (or .gz) of Winogender: whether 'he' or 'she' stands for an occupation. Empty: not "
        "asked.",
        section=TITLE,
        source="Rudinger et al. 2018, Gender Bias in Coreference Resolution",
    )
    bias_bold: str = setting(
        "",
        "One of BOLD's prompt files (or .gz): how kindly the model goes on about people of different groups. It needs "
        "the extra 'bias'. Empty: not asked.",
        section=TITLE,
        source="Dhamala et al. 2021, BOLD",
    )
    bias_file_rows: int = setting(
        200,
        "Pairs of CrowS-Pairs that are asked, and prompts of each of BOLD's groups (2 to 18 in a file); 0 means all. "
        "The smallest bundled model takes a second of one core for 150 pairs or 110 prompts.",
        unit="rows",
        ge=0,
        section=TITLE,
    )


class Bias:
    name = "bias"
    title = TITLE
    question = "Is everybody served equally well, whoever asks?"
    source = "Garg et al. 2019, Counterfactual Fairness in Text Classification through Robustness"
    tasks = ("classify", "respond")
    Settings = BiasSettings

    def blockers(self, project: Project, settings: BiasSettings) -> list[str]:
        from importlib.util import find_spec

        problems = []
        for name in SETS:
            if path := getattr(settings, name):
                try:
                    project.resolve(path)
                except WorkbenchError as error:
                    problems.append(f"{name}: {error.found}. {error.fix}")
        if settings.bias_bold and find_spec("vaderSentiment") is None:
            problems.append("bias_bold needs VADER: pip install 'tailor-workbench[bias]'")
        return problems

    def reads(self, project: Project, settings: BiasSettings) -> list[str]:
        return [path for name in SETS if (path := getattr(settings, name))]

    def measure(self, bench: Bench, settings: BiasSettings) -> Probed:
        examples = bench.some(settings.bias_rows)
        found = Probed(
            probe=self.name, run=bench.best.run.id, base=bench.base.run.id, status="ok", verdict=""
        )
        gaps = find_gaps(bench, bench.best, settings.bias_axes, examples)
        before = self._base_gaps(bench, settings, gaps, examples)
        found.rows = [
            as_row(gap, part="gap", base=before.get((gap.axis, gap.group)), headline=bench.headline)
            for gap in gaps
        ]
        self._judge(found, bench, gaps, settings)
        for way in settings.bias_mitigation:
            found.rows.append(self._mitigated(bench, way, settings, gaps, examples))
        for name, ask in _asked_sets(settings).items():
            found.rows += self._set(bench, name, ask, settings, found)
        return found

    def _base_gaps(self, bench: Bench, settings: BiasSettings, gaps: list[Gap], examples: list) -> dict:
        """The base model's gaps on the axes where the best model has one: was it there before tuning?"""
        axes = [axis for axis in settings.bias_axes if any(is_sure(gap) for gap in gaps if gap.axis == axis)]
        if bench.base is bench.best or not axes:
            return {}
        return {
            (gap.axis, gap.group): gap.gap.model_dump()
            for gap in find_gaps(bench, bench.base, axes, examples)
        }

    def _judge(self, found: Probed, bench: Bench, gaps: list[Gap], settings: BiasSettings) -> None:
        if not gaps:
            found.status = "not measured"
            found.verdict = "Not measured: no group was chosen, or no row could be rewritten."
            return
        worst = worst_of(gaps)
        found.figures = {"gap of the group served worst": worst.gap}
        size = _points(bench.headline, worst.gap.value)
        name = f"{worst.axis}: {worst.group}"
        if is_sure(worst):
            found.status = "act" if size > settings.bias_limit else "watch"
            found.verdict = (
                f"The same questions are answered worse when they come from {name}: "
                f"{show_difference(bench.headline, worst.gap)} on {worst.rows} test rows, {show_p(worst.p_value)} "
                "after correction for the number of groups. Counterfactual rows (04_format_data, augment_with) may "
                "help; bias_mitigation measures it."
            )
            return
        least = max(gaps, key=lambda gap: _unseen(bench.headline, gap))
        unseen, rows = _unseen(bench.headline, least), max(gap.rows for gap in gaps)
        where = f" for {least.axis}: {least.group}, on {least.rows} rows" if least.rows < rows else ""
        found.verdict = (
            f"No group is served worse beyond chance on {rows} test rows; a gap of {unseen:.1f} points or less may "
            f"still be there{where}."
        )
        if unseen > settings.bias_limit:
            found.verdict += f" More rows would rule out one of {settings.bias_limit:g} points (bias_rows)."

    def _mitigated(
        self, bench: Bench, way: Way, settings: BiasSettings, gaps: list[Gap], examples: list
    ) -> dict[str, Any]:
        """The worst group's gap and the quality before, and after training again."""
        row: dict[str, Any] = {"part": "mitigation", "way": way, "headline": bench.headline}
        if not gaps or not _is_trained(bench.best):
            return row | {"reason": "the best model was not trained, or there is no gap to narrow"}
        again, worst = trained_again(bench, way), worst_of(gaps)
        after = next(
            gap for gap in find_gaps(bench, again, [worst.axis], examples) if gap.group == worst.group
        )
        metrics = [bench.metric(bench.ask(s, examples, "answers as before")) for s in (bench.best, again)]
        quality = [
            estimate(metric, samples=bench.samples, seed=bench.seed).model_dump() for metric in metrics
        ]
        pair = [worst.gap.model_dump(), after.gap.model_dump()]
        return row | {"group": f"{worst.axis}: {worst.group}", "gaps": pair, "quality": quality}

    def _set(
        self, bench: Bench, name: str, ask: Callable, settings: BiasSettings, found: Probed
    ) -> list[dict[str, Any]]:
        """What a published set says of the best model and of the base model; a reason where it cannot be asked."""
        path = bench.project.resolve(getattr(settings, name))
        bench.log.note(f"{SETS[name]}: {path.name}")
        subjects = {"best": bench.best} | ({} if bench.base is bench.best else {"base": bench.base})
        try:
            answers = {who: ask(subject.model.model, path, bench.seed) for who, subject in subjects.items()}
        except WorkbenchError as error:
            if "log-probabilit" not in error.found:  # an endpoint says it in the plural
                raise
            return [{"part": SETS[name], "reason": error.found}]
        base = {row["group"]: row["value"].model_dump() for row in answers.get("base", [])}
        rows = [
            row | {"part": SETS[name], "value": row["value"].model_dump(), "base": base.get(row["group"])}
            for row in answers["best"]
        ]
        if said := say_preference(rows):
            found.status = "act" if found.status == "act" else "watch"
            found.verdict += f" {said}"
        return rows

    def blocks(self, found: Probed) -> list[Block]:
        return bias_blocks(found)


def _asked_sets(settings: BiasSettings) -> dict[str, Callable]:
    """The sets whose files are given, each as a call of model, path and seed."""
    most = settings.bias_file_rows
    every = {
        "bias_crows_pairs": lambda model, path, seed: crows_pairs(model, path, most, seed),
        "bias_winogender": winogender,
        "bias_bold": lambda model, path, seed: bold(model, path, most, seed),
    }
    return {name: ask for name, ask in every.items() if getattr(settings, name)}


def _is_trained(subject: Subject) -> bool:
    from tailor.training.runs import role_of

    return role_of(subject.run) == "tuned"


def _unseen(headline: str, gap: Gap) -> float:
    """The largest loss in points that the rows do not rule out. Where no row differs, resampling finds no spread and
    would claim certainty: the exact binomial bound takes its place (Clopper and Pearson 1934)."""
    lost = _points(headline, gap.gap.low)
    if headline == "accuracy" and gap.gap.low == gap.gap.high:
        return max(lost, 100 * (1 - 0.025 ** (1 / gap.rows)))
    return lost


def _points(headline: str, value: float) -> float:
    """A loss in points: percentage points for shares."""
    from tailor.evaluation.known_metrics import scale_of

    return -value * (100 if scale_of(headline) == "share" else 1)
