"""What to do next: each proposal follows from a figure on disk, and names the setting it would change."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tailor.data.dataset import Dataset
from tailor.data.notes import FILE as NOTES
from tailor.data.notes import Note, count_faults, read_notes
from tailor.evaluation.compare import confusions, name_of, show_estimate, show_p, show_value
from tailor.evaluation.predictions import load_evaluation, read_predictions
from tailor.evaluation.references import TITLES, references_for
from tailor.evaluation.slices import parts_by, slices
from tailor.project import Project
from tailor.records import Compared, Comparison, Monitoring, RunRecord
from tailor.techniques import find_technique

LEAST_CONFUSED = 3
"""Mistakes of one kind fewer than this are chance."""


@dataclass(frozen=True)
class Proposal:
    """One thing to do.

    Attributes:
        what: the deed, in words.
        why: the figure it follows from.
        step: the step it changes.
        settings: what to change there; empty where a person has to do something that is no setting.
    """

    what: str
    why: str
    step: str
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Evidence:
    """What proposals are drawn from."""

    project: Project
    dataset: Dataset
    comparison: Comparison
    monitoring: Monitoring
    tuned: RunRecord | None
    seed: int

    @property
    def best(self) -> Compared:
        """The best model's line of the comparison."""
        return next(line for line in self.comparison.compared if line.run == self.comparison.best)


def propose(evidence: Evidence) -> list[Proposal]:
    """All proposals, the most pressing first."""
    return [proposal for rule in RULES for proposal in rule(evidence)]


def from_new_data(evidence: Evidence) -> list[Proposal]:
    """Drift that matters: learn from the new rows, or have them answered first."""
    record = evidence.monitoring
    moved = [m for m in record.measures if m["status"] != "ok"]
    path = record.settings.get("new_data", "")
    if not moved or not path:
        return []
    why = ". ".join(m["says"] for m in moved)
    terms = next((m["details"].get("terms", []) for m in moved if m["name"] == "new_words"), [])
    topic = f" They bring new words: {', '.join(terms[:5])}." if terms else ""
    if any(m["name"] == "quality" for m in record.measures):
        sources = evidence.project.blueprint().steps.get("02_gather_data", {}).get("sources", [])
        if path in sources:
            return []
        settings = {"sources": [*sources, path]}
        return [
            Proposal(f"Learn from the new rows of {path} as well.{topic}", why, "02_gather_data", settings)
        ]
    return [
        Proposal(f"Have the new rows of {path} answered, then learn from them.{topic}", why, "02_gather_data")
    ]


def from_confusions(evidence: Evidence) -> list[Proposal]:
    """Pairs of labels that the best model takes for each other."""
    if evidence.dataset.task != "classify":
        return []
    table = read_predictions(evidence.project, evidence.best.run)
    train = Counter(example.output for example in evidence.dataset.train)
    found = [pair for pair in confusions(table, most=3) if pair[2] >= LEAST_CONFUSED]
    return [
        Proposal(
            f"Add rows that tell '{right}' from '{given}', or make them one label if nobody needs the difference.",
            f"'{right}' was taken for '{given}' in {count} of {total} test rows; training has {train[right]:,} and "
            f"{train[given]:,} rows of them.",
            "02_gather_data",
        )
        for right, given, count, total in found
    ]


def from_slices(evidence: Evidence) -> list[Proposal]:
    """The weakest part of the rows, if it is worse than the rest beyond chance."""
    headline, settings = evidence.comparison.headline, evidence.comparison.settings
    table = read_predictions(evidence.project, evidence.best.run)
    more = parts_by(evidence.project, table, settings.get("slice_by", []))
    parts = slices(table, headline, samples=settings["bootstrap_samples"], seed=evidence.seed, more=more)
    if not parts or not parts[0].is_worse:
        return []
    part = parts[0]
    why = (
        f"{name_of(headline)} is {show_estimate(headline, part.found)} on {part.rows} test rows there, and "
        f"{show_value(headline, part.rest)} on all others ({show_p(part.p_value)}, corrected)."
    )
    return [
        Proposal(
            f"Look at the rows of {part.kind} '{part.value}', and add more of them.", why, "02_gather_data"
        )
    ]


def from_criteria(evidence: Evidence) -> list[Proposal]:
    """Goals that the test rows are too few to decide."""
    undecided = [c for c in evidence.comparison.criteria if c["result"] == "not decidable"]
    if not undecided:
        return []
    why = f"{name_of(undecided[0]['metric'])} is {undecided[0]['says']}."
    if evidence.dataset.record.splits["test"].rows > evidence.comparison.rows:
        return [Proposal("Test on all test rows.", why, "10_evaluate", {"max_rows": 0})]
    return [Proposal("Gather more rows, or give the test a larger share.", why, "04_format_data")]


def from_curves(evidence: Evidence) -> list[Proposal]:
    """Training that stopped while the validation loss was still falling, or went on long after it rose."""
    if evidence.tuned is None:
        return []
    losses = [point.value for point in evidence.tuned.curves.get("validation loss", [])]
    if len(losses) < 3:
        return []
    if losses[-1] == min(losses) and losses[-2] - losses[-1] > 0.01 * losses[-1]:
        why = f"The validation loss was still falling at the end: {losses[-2]:.3f}, then {losses[-1]:.3f}."
        config = find_technique(evidence.tuned.technique).Config(**evidence.tuned.config)
        passes = config.passes(evidence.dataset.record.splits["train"].rows)
        return [Proposal("Train longer.", why, "07_tune", {"epochs": min(2 * passes, 100.0)})]
    if losses[-1] > 1.05 * min(losses):
        why = f"The validation loss rose from {min(losses):.3f} to {losses[-1]:.3f}; the best weights were kept."
        return [Proposal("Add varied rows: the model learns these by heart.", why, "02_gather_data")]
    return []


def from_truncation(evidence: Evidence) -> list[Proposal]:
    """Answers cut in training because rows are longer than the model is shown."""
    split = evidence.dataset.record.splits["train"]
    if not split.rows or split.truncated < 0.02 * split.rows:
        return []
    why = f"{split.truncated:,} of {split.rows:,} training rows are longer than {evidence.dataset.max_length:,} tokens."
    return [Proposal("Show the model longer rows.", why, "04_format_data", {"max_length": split.longest})]


def from_ranking(evidence: Evidence) -> list[Proposal]:
    """When the tuned model is not the best, or a line of reference without a language model beats it."""
    headline, best = evidence.comparison.headline, evidence.best
    found = []
    if best.role != "tuned":
        why = f"{best.title} reaches {show_estimate(headline, best.metrics[headline])}, and no tuned model more."
        found.append(Proposal("Keep prompting, or tune a larger base model.", why, "00_start_here"))
    for name in references_for(evidence.dataset.task):
        plain = load_evaluation(evidence.project, name)
        if plain and plain.metrics[headline].low > best.metrics[headline].high:
            why = f"{TITLES[name]} reaches {show_estimate(headline, plain.metrics[headline])} without a language model."
            what = "Search other settings or a larger base model; until then the plain method serves better."
            found.append(Proposal(what, why, "08_search_hyperparameters"))
    return found


def from_notes(evidence: Evidence) -> list[Proposal]:
    """What people noted while they read answers in 10, by where they saw the fault."""
    notes, _ = read_notes(evidence.project.path(NOTES))
    return [
        Proposal(NOTED[fault][0], f"{_said(some)} in 10_evaluate: {_named(some)}.", NOTED[fault][1])
        for fault, some in count_faults(notes).items()
        if fault in NOTED
    ]


NOTED = {
    "the reference is wrong": ("Mend the answers in the data that people found wrong.", "04_format_data"),
    "the model is wrong": ("Add rows like those whose answers people found wrong.", "02_gather_data"),
    "the question is unclear": (
        "Decide what the model should do with unclear questions, and add rows that do it.",
        "01_define_use_case",
    ),
    "both are right": (
        "Allow for more than one right answer: measure house rules or meaning, not wording alone.",
        "10_evaluate",
    ),
}
"""Where a fault lies -> what to do, and in which step."""


def _said(notes: list[Note]) -> str:
    return f"{len(notes)} row{'s were' if len(notes) > 1 else ' was'} noted so"


def _named(notes: list[Note]) -> str:
    shown = ", ".join(dict.fromkeys(note.row_id for note in notes[:5]))
    return shown + (", ..." if len(notes) > 5 else "")


RULES: tuple[Callable[[Evidence], list[Proposal]], ...] = (
    from_new_data,
    from_ranking,
    from_curves,
    from_confusions,
    from_slices,
    from_notes,
    from_truncation,
    from_criteria,
)
