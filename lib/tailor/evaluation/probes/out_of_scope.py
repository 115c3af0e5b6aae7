"""Out of scope: does the model know what it does not know?

Questions from other fields are asked, and the model's confidence in its answers is compared with that on the test rows.
A model whose confidence tells the two apart can be told to pass a question on to a person. Beside it stands what needs
no model: how like a question is to the nearest training question.

Of the ways to measure that, groups of two to four letters did best: with 1,000 questions of banking77 as training rows
they told foreign fields with AUROC .99 and questions under labels never seen with .80; single words .82 and .75, the
share of known words 1.00 and .65. Of written answers no probability did as well: with tailor-base tuned on the demo
bank_support, 40 questions in scope and 30 from other fields, an answer's mean log-probability reached .54, its lowest
.28, the mean entropy .60, the highest .68, the question's own mean log-probability .81, and the letters 1.00.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from tailor.blocks import Block, Figure, Table
from tailor.data.dataset import Example
from tailor.evaluation.probes.base import Bench, Subject, not_measured
from tailor.models.endpoint import EndpointModel
from tailor.project import Project
from tailor.records import Estimate, Probed
from tailor.settings import Settings, setting

TITLE = "Out of scope"
KEPT = 0.95
"""Share of questions in scope that a threshold should let through."""
GOOD = 0.8
"""AUROC above which, surely, a measure is worth a threshold."""
LIKENESS = "AUROC of likeness to the nearest training question"
FIELDS = 6
"""Of the eight fields, those least like the project's own rows."""


class OutOfScopeSettings(Settings):
    out_of_scope: bool = setting(
        True,
        "Ask questions from other fields (gardening, astronomy...) and see whether the model is less sure of itself "
        "there than on the test rows.",
        section=TITLE,
        source="Hendrycks and Gimpel 2017 (maximum probability as confidence, AUROC)",
    )
    out_of_scope_rows: int = setting(
        40,
        "At most this many test rows are compared with the questions from other fields; 0 means all.",
        unit="rows",
        ge=0,
        section=TITLE,
    )


class OutOfScope:
    name = "out_of_scope"
    title = TITLE
    question = "Does it know what it does not know?"
    source = "Hendrycks and Gimpel 2017, Detecting Misclassified and Out-of-Distribution Examples"
    tasks = ("classify", "respond")
    Settings = OutOfScopeSettings

    def blockers(self, project: Project, settings: OutOfScopeSettings) -> list[str]:
        return []

    def measure(self, bench: Bench, settings: OutOfScopeSettings) -> Probed:
        inside, outside = bench.some(settings.out_of_scope_rows), strange_rows(bench.dataset.train)
        if not can_tell(bench.best, bench):
            return not_measured(self, bench, "this model gives no log-probabilities of its answers")
        sure = [confidences(bench, bench.best, rows) for rows in (inside, outside)]
        alike = [likeness(bench.dataset.train, rows) for rows in (inside, outside)]
        confidence = _separation(bench, *(values for values, _ in sure))
        nearness = _separation(bench, *alike)
        figures = {"AUROC of confidence": confidence.auroc, LIKENESS: nearness.auroc}
        if bench.base is not bench.best and can_tell(bench.base, bench):
            base = [confidences(bench, bench.base, rows)[0] for rows in (inside, outside)]
            figures["AUROC of the base model's confidence"] = auroc(
                *base, samples=bench.samples, seed=bench.seed
            )
        return Probed(
            probe=self.name,
            run=bench.best.run.id,
            base=bench.base.run.id,
            status="ok" if confidence.good else "watch",
            verdict=_say(confidence, nearness, len(inside), len(outside)),
            figures=figures,
            rows=[
                {"scope": scope, "asked": row.input, "answer": answer, "confidence": round(float(value), 4)}
                | {"likeness": round(float(near), 4)}
                for scope, rows, (values, answers), near_to in (
                    ("in", inside, sure[0], alike[0]),
                    ("out", outside, sure[1], alike[1]),
                )
                for row, value, answer, near in zip(rows, values, answers, near_to, strict=True)
            ],
        )

    def blocks(self, found: Probed) -> list[Block]:
        if not found.rows:
            return []
        lines = [[name, f"{e.value:.2f} ({e.low:.2f} to {e.high:.2f})"] for name, e in found.figures.items()]
        outside = sorted(
            (row for row in found.rows if row["scope"] == "out"), key=lambda row: -row["confidence"]
        )
        most = [
            [row["asked"], row["answer"], f"{row['confidence']:.2f}", f"{row.get('likeness', 0):.2f}"]
            for row in outside[:6]
        ]
        columns = ["asked", "answer", "confidence", "likeness to a training question"]
        caption = (
            "How well the two are told apart: 1 always, 0.5 not at all. The fields asked are those least like the "
            "training rows: questions nearer to them are told less well"
        )
        return [
            Table(["", "value"], lines, caption),
            _figure(found),
            Table(columns, most, "Where it was surest of what it cannot know"),
        ]


def can_tell(subject: Subject, bench: Bench) -> bool:
    """Whether the model tells how likely its answers are; one behind an address does not."""
    if bench.dataset.task == "classify":
        return True
    model = subject.model.model
    return hasattr(model, "score") and not isinstance(model, EndpointModel)


def confidences(bench: Bench, subject: Subject, rows: Sequence[Example]) -> tuple[np.ndarray, list[str]]:
    """[n] confidences and the answers: for labels the likeliest one's probability, for free text the mean probability
    of a token of the answer (the exponential of its mean log-probability; of a word, where tokens cannot be counted).
    """
    table = bench.ask(subject, rows, "answers in and out of scope")
    answers = table["prediction"].to_list()
    if "confidence" in table.columns:
        return table["confidence"].to_numpy(), answers
    model = subject.model.model
    prompts = [bench.dataset.prompt(row) for row in rows]
    count = getattr(model, "answer_ids", lambda _, answer: answer.split())
    tokens = [max(len(count(p, a)), 1) for p, a in zip(prompts, answers, strict=True)]
    return np.exp(np.array(model.score(prompts, answers)) / np.array(tokens)), answers


def auroc(inside: np.ndarray, outside: np.ndarray, *, samples: int, seed: int) -> Estimate:
    """The chance that a question in scope gets a higher confidence than one out of scope, ties counting half, with its
    95% interval by drawing both kinds of rows again (equal to scikit-learn's roc_auc_score)."""
    # [inside, outside] 1 where the one in scope is surer: drawing rows again only reweighs this table
    wins = (inside[:, None] > outside) + 0.5 * (inside[:, None] == outside)
    draw = np.random.default_rng(seed)
    first = draw.multinomial(len(inside), np.full(len(inside), 1 / len(inside)), samples) / len(inside)
    second = draw.multinomial(len(outside), np.full(len(outside), 1 / len(outside)), samples) / len(outside)
    values = ((first @ wins) * second).sum(axis=1)
    low, high = np.percentile(values, [2.5, 97.5])
    return Estimate(value=float(wins.mean()), low=float(low), high=float(high))


def likeness(train: Sequence[Example], rows: Sequence[Example]) -> np.ndarray:
    """[n] how like each question is to the training question nearest to it: cosine of TF-IDF over groups of letters."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True)
    known = letters.fit_transform([row.input for row in train])
    return (letters.transform([row.input for row in rows]) @ known.T).max(axis=1).toarray().ravel()


@dataclass(frozen=True)
class Separation:
    """How well a measure tells both kinds of questions apart.

    Attributes:
        threshold: what 95% of the questions in scope reach; `caught`: the share of the others below it.
    """

    auroc: Estimate
    threshold: float
    caught: float

    @property
    def good(self) -> bool:
        return self.auroc.low > GOOD

    @property
    def shown(self) -> str:
        return f"AUROC {self.auroc.value:.2f} ({self.auroc.low:.2f} to {self.auroc.high:.2f})"


def _separation(bench: Bench, inside: np.ndarray, outside: np.ndarray) -> Separation:
    threshold = float(np.quantile(inside, 1 - KEPT, method="lower"))
    found = auroc(inside, outside, samples=bench.samples, seed=bench.seed)
    return Separation(found, threshold, float((outside < threshold).mean()))


def _say(confidence: Separation, nearness: Separation, inside: int, outside: int) -> str:
    said = f"Confidence tells questions of the use case from others with {confidence.shown} on {inside} and {outside} "
    said += f"questions. Passing on what is answered with less than {confidence.threshold:.2f} would catch "
    said += f"{confidence.caught:.0%} of the others"
    if confidence.good:
        return f"{said}, at the price of 5% of the rightful ones."
    said += ": confidence alone does not keep foreign questions out."
    if not nearness.good:
        return f"{said} Nor does likeness to the nearest training question ({nearness.shown})."
    return (
        f"{said} Likeness to the nearest training question tells them apart better, with {nearness.shown}: passing on "
        f"what is less like any of them than {nearness.threshold:.2f} would catch {nearness.caught:.0%}, at the price "
        "of 5% of the rightful ones."
    )


def strange_rows(train: Sequence[Example]) -> list[Example]:
    """Questions of the six fields that are least like the training rows, by their words (TF-IDF cosine)."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    fields = _fields()
    words = TfidfVectorizer(sublinear_tf=True, stop_words="english")
    known = words.fit_transform([" ".join(row.input for row in train), *map(" ".join, fields.values())])
    likeness = (known[1:] @ known[0].T).toarray().ravel()
    order = sorted(range(len(fields)), key=lambda i: (likeness[i], i))[:FIELDS]
    return [
        Example(f"{name}:{n}", text, "")
        for place, (name, texts) in enumerate(fields.items())
        if place in order
        for n, text in enumerate(texts)
    ]


@lru_cache(maxsize=1)
def _fields() -> dict[str, list[str]]:
    import yaml

    return yaml.safe_load((Path(__file__).parent / "out_of_scope.yaml").read_text(encoding="utf-8"))


def _figure(found: Probed) -> Figure:
    from tailor.plots import two_distributions

    values = [[row["confidence"] for row in found.rows if row["scope"] == scope] for scope in ("in", "out")]
    return Figure(
        lambda: two_distributions(*values, ("test rows", "other fields"), "confidence"),
        "How sure the model was on test rows and on questions from other fields",
    )
