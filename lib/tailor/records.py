"""Records: the typed, versioned files through which one notebook speaks to the next.

Every record carries the hash of each input it was made from, the settings it was made with and the hash of each file
made beside it; a step's state is computed from these (`tailor.project`). What was merely measured (seconds, memory)
is kept under `measured`, which takes no part in a record's hash: the same blueprint gives the same hashes.
"""

import json
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_serializer, model_validator

from tailor.errors import WorkbenchError, did_you_mean
from tailor.files import canonical_json, sha256_bytes, write_json

Task = Literal["respond", "classify"]


class Part(BaseModel):
    """Base of the pieces inside records: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid")


class Record(Part):
    """Base of all records.

    Attributes:
        version: raised when a field changes its meaning; an older file is refused with a sentence.
        inputs: hash of each input by its path under the project folder (or as the person gave it).
        settings: the step's settings, complete, as used; without those that change nothing that is made.
        outputs: hash of each file or folder made together with this record.
        test_set: hash of the test rows (what they ask and answer) that this record's figures rest on; "" before 04.
        measured: figures that differ from run to run: seconds, peak memory.
    """

    VERSION: ClassVar[int] = 1

    version: int = 1
    inputs: dict[str, str] = {}
    settings: dict[str, Any] = {}
    outputs: dict[str, str] = {}
    test_set: str = ""
    measured: dict[str, Any] = {}

    def content_hash(self) -> str:
        """Hash of everything but what was merely measured."""
        return sha256_bytes(canonical_json(self.model_dump(mode="json", exclude={"measured"})).encode())

    def save(self, path: Path) -> None:
        write_json(path, self.model_dump(mode="json"))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a record.

        Raises:
            WorkbenchError: no such file, not JSON, another version, an unknown key or a wrong value.
        """
        try:
            values = json.loads(Path(path).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise WorkbenchError(
                f"there is no {path}", "the record of an earlier step", "run that step first"
            ) from None
        except (ValueError, RecursionError) as error:
            raise WorkbenchError(
                f"{path} is not valid JSON ({error})",
                "a record as Tailor writes it",
                "delete the file and run its step again",
            ) from None
        return cls._check(values, path)

    @classmethod
    def _check(cls, values: Any, path: Path) -> Self:
        again = "delete the file and run its step again"
        if not isinstance(values, dict):
            raise WorkbenchError(f"{path} holds {type(values).__name__}", "a JSON object", again)
        if values.get("version") != cls.VERSION:
            raise WorkbenchError(
                f"{path} has version {values.get('version')}", f"version {cls.VERSION}", again
            )
        for key in values:
            if key not in cls.model_fields:
                raise WorkbenchError(
                    f"{path} has the unknown key '{key}'",
                    f"keys of {cls.__name__}",
                    f"correct the key or run its step again.{did_you_mean(key, cls.model_fields)}",
                )
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise WorkbenchError(f"{path}: {where} is {first['input']!r}", first["msg"], again) from None


# --- 00 start here -------------------------------------------------------------------------------------------------
class ProjectRecord(Record):
    """project.json. `settings` holds base_model and seed; what machine it is stands under `measured`."""

    name: str
    base_model: str
    seed: int


# --- 01 define use case --------------------------------------------------------------------------------------------
class Criterion(Part):
    """One success criterion: the metric must reach `at_least`, or must not exceed `at_most` where less is better."""

    metric: str
    at_least: float | None = None
    at_most: float | None = None
    why: str = ""

    @model_validator(mode="after")
    def _one_goal(self) -> Self:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError(f"the criterion '{self.metric}' takes one of at_least and at_most")
        return self

    @model_serializer(mode="wrap")
    def _without_the_other(self, write: Any) -> dict[str, Any]:
        return {name: value for name, value in write(self).items() if value is not None}

    @property
    def goal(self) -> float:
        return self.at_most if self.at_least is None else self.at_least


class Guideline(Part):
    """One rule for answers. Patterns are regular expressions, case-insensitive; either may be empty."""

    id: str
    text: str
    must_match: str = ""
    must_not_match: str = ""


class Term(Part):
    term: str
    definition: str
    variants: list[str] = []


class TonePair(Part):
    before: str
    after: str


class Tone(Part):
    adjectives: list[str] = []
    use: list[str] = []
    avoid: list[str] = []
    pairs: list[TonePair] = []


class UseCase(Record):
    """use_case.json: what the model should do, for whom, how success is measured, the limits, rules and tone."""

    title: str
    task: Task
    description: str
    users: str = ""
    success: list[Criterion] = []
    limits: list[str] = []
    system_prompt: str = ""
    glossary: list[Term] = []
    guidelines: list[Guideline] = []
    tone: Tone = Tone()


# --- 02 gather data ------------------------------------------------------------------------------------------------
class SourceCard(Part):
    """What a person says about a source, since no file tells it."""

    source: str = Field(
        "", description="the source's name, or the path as it was named; all sources where empty"
    )
    origin: str = Field("", description="where it comes from: a system's export, a web site, a data set")
    owner: str = Field("", description="who it belongs to")
    licence: str = Field("", description="under which terms it may be used")
    consent: str = Field("", description="who agreed to this use, and how")
    encoding: str = Field("", description="of this source, where it is not found out rightly")
    delimiter: str = Field("", description="of this source")
    header: Literal["", "auto", "yes", "no"] = Field(
        "", description="whether its first row names the columns"
    )

    @model_validator(mode="before")
    @classmethod
    def _known(cls, values: Any) -> Any:
        """An unknown key is told with the near name: cards are written by hand."""
        for key in values if isinstance(values, dict) else ():
            if key not in cls.model_fields:
                near = did_you_mean(key, cls.model_fields)
                raise ValueError(
                    f"a card with the keys {', '.join(cls.model_fields)}, and not '{key}'.{near}"
                )
        return values

    @model_serializer(mode="wrap")
    def _without_blanks(self, write: Any) -> dict[str, str]:
        """Only what was said, so that a blueprint stays readable."""
        return {name: value for name, value in write(self).items() if value}


class Check(Part):
    """The answer to one of the four questions about a source, with the figures it rests on."""

    verdict: Literal["good", "note", "warning", "bad"]
    says: str
    values: dict[str, float] = {}


class Source(Part):
    """One source as found. `name` is the file's or folder's name under raw/; bad rows are in raw/unreadable.parquet.

    Attributes:
        given: how a person named it; a folder or an archive gives several sources.
        languages: share of texts by language code; "" for texts too short to tell.
        period: first and last day in its column of dates; empty where there is none.
        characters: of running text.
        tokens: of running text, by the base model's tokenizer on a sample.
        checks: enough, relevant, good, compatible.
    """

    name: str
    given: str = ""
    format: str
    encoding: str | None = None
    delimiter: str | None = None
    rows: int
    unreadable: int = 0
    columns: list[str]
    files: int = 1
    bytes: int
    sha256: str
    origin: str = ""
    owner: str = ""
    licence: str = ""
    consent: str = ""
    languages: dict[str, float] = {}
    period: list[str] = []
    characters: int = 0
    tokens: int = 0
    checks: dict[str, Check] = {}
    frozen_test: bool = Field(False, description="its rows are the test set, given by the user")
    notes: list[str] = []


class Sources(Record):
    """sources.json, beside raw/rows.parquet: every row read, as text, with `row_id` ("source:line") and `source`."""

    sources: list[Source]
    rows: int
    left_out: list[str] = Field([], description="a sentence for each file that was not read")


# --- 03 clean data -------------------------------------------------------------------------------------------------
class Operation(Part):
    """What one entry of the cleaning history did."""

    name: str
    number: int = Field(description="its place in the history, from 1; `entry` in dropped.parquet")
    off: bool = False
    changed: int = Field(description="rows in which it rewrote a cell")
    dropped: int
    found: dict[str, dict[str, int]] = Field(
        {}, description="column -> kind of personal data -> how often it was found"
    )
    examples: list[tuple[str, str, str]] = Field(
        [], description="row_id, before, after (or the reason for dropping)"
    )


class Credit(Part):
    """What an entry of the cleaning history did to a cheap stand-in for the model."""

    number: int = Field(description="its place in the history, from 1")
    name: str
    metric: str = Field(description="what the effect is counted in: 'accuracy' or 'chrf'")
    effect: "Estimate | None" = Field(
        description="metric with it minus without it; None: nothing to learn from then"
    )
    rows: int = Field(description="rows to learn from that differ without it")
    note: str = ""
    model: str = Field("", description="the stand-in")
    drawn: int = Field(0, description="raw rows that it was measured on")


class Cleaning(Record):
    """cleaning.json, beside clean.parquet and dropped.parquet (same columns, and `operation`, `entry`, `reason`)."""

    rows_in: int
    rows_out: int
    operations: list[Operation]
    credit: list[Credit] = []


# --- 04 format data ------------------------------------------------------------------------------------------------
class Split(Part):
    rows: int
    tokens: int
    learned_tokens: int
    truncated: int
    longest: int
    sha256: str


class Estimate(Part):
    """A metric with its 95% interval (percentile bootstrap over rows)."""

    value: float
    low: float
    high: float


class Generated(Part):
    """Training rows that Tailor made in one way, and why some were not kept (dataset/filtered.parquet)."""

    source: str = Field(description="as in the rows' column `source`, for example 'augmentation:typo'")
    made: int
    kept: int
    filtered: dict[str, int] = Field({}, description="reason -> rows")


class ProxyComparison(Part):
    """A quick proxy with and without some training rows, on the same validation rows."""

    proxy: str
    metric: str
    rows: int = Field(description="validation rows measured on")
    without: Estimate
    difference: Estimate = Field(description="with minus without, in points, paired")


class LearningCurve(Part):
    """The quick proxy on growing draws of the training rows, in the metric's own unit."""

    metric: str
    proxy: str
    sizes: list[int] = []
    values: list[Estimate] = []
    rows: int = 0
    gain: Estimate | None = Field(None, description="points that twice the rows would bring, by a power law")
    skipped: str = ""


class Finding(Part):
    """What a check before tuning found (tailor.data.preflight). `rows` are the first few ids of `count` rows."""

    check: str = ""
    rows: list[str]
    count: int
    what: str
    fix: str
    accepted: bool = False

    @property
    def sentence(self) -> str:
        named = ", ".join(self.rows) + (", ..." if self.count > len(self.rows) else "")
        return f"{self.count:,} row{'s' * (self.count != 1)} {self.what} ({named})."


class Shot(Part):
    """A solved example that stands before every question. Its row is in no split."""

    id: str = ""
    input: str
    output: str


class Exported(Part):
    """One file under dataset/exports/, as it was written and checked."""

    format: str
    split: str
    file: str = Field(description="path under the project folder")
    rows: int
    tokens: int
    answers: int = Field(
        description="rows of the dataset that it tells; more than its rows where lines hold several"
    )
    left_out: dict[str, int] = Field({}, description="reason -> rows that this format cannot tell")
    problems: list[str] = Field(
        [], description="rules of the format that it breaks, by row; the first of them"
    )
    more_problems: int = 0
    sha256: str = ""


class DatasetRecord(Record):
    """dataset.json, beside dataset/{train,validation,test}.parquet (columns: see tailor.data.dataset.Example)."""

    task: Task
    base_model: str
    roles: dict[str, str] = Field(description="role (input, output, label, group, time...) -> column")
    shape: str = Field("", description="'prompt-completion', 'messages', 'Alpaca'... (tailor.data.shapes)")
    shape_reason: str = ""
    left_out: list[str] = Field([], description="sentences on what conversations had to leave out")
    labels: list[str] = []
    system_prompt: str = ""
    instruction: str = Field("", description="stands around every input, which takes the place of {input}")
    shots: list[Shot] = []
    templates: dict[str, str] = Field({}, description="'input', 'output' -> template over the data's columns")
    tokenizer: str = Field(
        "", description="hash of the tokenizer and chat template that the rows were counted with"
    )
    tokens_made_by: str = Field("", description="hash of tokenizer and prompt behind dataset/tokens/")
    max_length: int
    splits: dict[str, Split]
    set_aside: dict[str, int] = Field({}, description="reason -> rows kept in dataset/set_aside.parquet")
    preflight: list[Finding] = Field(
        [], description="what the checks before tuning found; 07 runs them again"
    )
    leaks: dict[str, int] = Field(
        {}, description="kind of leak -> rows that would have leaked and were moved"
    )
    annotated: dict[str, int] = Field(
        {}, description="rows by what became of what people said about them by hand"
    )
    exports: list[Exported] = []
    terms: list[str] = Field([], description="the glossary's words, whose tokens count `term_weight` times")
    term_weight: float = 1.0
    generated: list[Generated] = []
    augmentation: ProxyComparison | None = None
    learning_curve: LearningCurve | None = None


# --- 05 to 09: runs ------------------------------------------------------------------------------------------------
class Point(Part):
    step: int
    value: float


UPDATE_RATIO = "update ratio, "
"""Curves of how far a layer moved in a step begin with this; the layer's name follows."""


class RateTest(Part):
    """What a learning-rate range test tried and found: the rates, and the loss after a step with each."""

    rates: list[float]
    losses: list[float]
    given: float = Field(description="the setting's rate")
    chosen: float = Field(description="the rate that training used")


class RunRecord(Record):
    """runs/<id>/run.json, written last: its presence means the run is done."""

    id: str
    technique: str
    title: str
    base_model: str
    config: dict[str, Any]
    seed: int
    dataset: str = Field(description="content hash of dataset.json")
    trainable_parameters: int = 0
    total_parameters: int = 0
    bytes: int = 0
    curves: dict[str, list[Point]] = {}
    rate_test: RateTest | None = None
    notes: list[str] = []


class Evaluation(Record):
    """evaluations/<run id>.json, beside evaluations/<run id>.parquet with one row per test row."""

    run: str
    split: str = "test"
    rows: int
    headline: str = Field(description="the metric that decides: 'accuracy' or 'chrf'")
    metrics: dict[str, Estimate]
    labels: list[str] = []
    confusion: list[list[int]] = []


class Rung(Part):
    """One rung of the ladder of 05, and what it brings over the best of those below it."""

    run: str = Field(description="the run's id, or the name of a line of reference")
    title: str
    role: Literal["reference", "base model", "prompting"]
    value: Estimate = Field(description="the headline metric on validation rows")
    over: str = Field("", description="title of the best rung so far; empty on the first")
    difference: Estimate | None = Field(None, description="headline metric minus that rung's, paired")
    p_value: float | None = None
    p_corrected: float | None = Field(None, description="corrected for the number of rungs (Holm 1979)")
    says: str = ""


class LabelNeed(Part):
    """A label that a quick proxy gets wrong too often, and about how many rows more it needs."""

    label: str
    rows: int = Field(description="training rows that it has")
    found: Estimate = Field(description="share of its rows that the proxy gets right, rows held out")
    more: int | None = Field(description="rows needed beside those; None where rows alone will not do")


class Baselines(Record):
    """baselines.json: the runs that need no tuning, in order, and what they say."""

    runs: list[str]
    verdict: str
    decision: Literal["stop", "gather rows", "look at the data", "tune", ""] = ""
    rungs: list[Rung] = []
    labels: list[LabelNeed] = []


class Plan(Record):
    """plan.json: the base model and technique chosen, with the reasons and what was ruled out."""

    base_model: str
    technique: str
    reasons: list[str]
    ruled_out: dict[str, str] = {}
    examples_per_step: int = 0


class Sample(Part):
    """One validation row, with what the base model and the tuned model answered."""

    id: str
    input: str
    reference: str
    before: str
    after: str


class NetworkPart(Part):
    """A part of the network, as `tailor.techniques.anatomy` counts it."""

    layer: str = Field(description="'input', 'layer 1' and so on, 'output'")
    part: str = Field(description="prompt, embedding, attention, feed-forward, norms or head")
    numbers: int = Field(description="the base model's own numbers in it")
    trained: int = Field(description="how many of these training changes")
    new: int = Field(description="numbers that the technique puts in and trains")


class Tuned(Record):
    """tuned.json: which run 07 made, which parts of the network it trains, and a few answers before and after."""

    run: str
    parts: list[NetworkPart] = []
    samples: list[Sample] = []


class Trial(Part):
    number: int
    config: dict[str, Any]
    value: float | None
    state: str
    points: list[Point] = []
    note: str = ""


class Search(Record):
    """search/search.json: the trials and the best settings."""

    metric: str
    trials: list[Trial]
    best: dict[str, Any]
    run: str | None = Field(None, description="run trained with the best settings, if better than 07's")
    verdict: str = ""


class Alignment(Record):
    """alignment.json, beside preferences.jsonl (prompt, chosen, rejected, source)."""

    pairs: int
    sources: dict[str, int]
    run: str | None = None
    agreement: dict[str, Estimate] = Field(
        {}, description="run -> share of pairs whose chosen answer is likelier"
    )
    by_source: dict[str, dict[str, Estimate]] = Field({}, description="source of the pairs -> the same")
    left_out: list[str] = Field([], description="lines of the feedback file that could not be used, and why")


class Compared(Part):
    """One line of the final table."""

    run: str
    role: Literal["base model", "prompting", "tuned"]
    title: str
    metrics: dict[str, Estimate]
    difference: Estimate | None = Field(None, description="headline metric minus the base model's, paired")
    p_value: float | None = None
    p_corrected: float | None = Field(None, description="corrected for the number of models (Holm 1979)")
    behind: Estimate | None = Field(None, description="headline metric minus the best line's, paired")
    forgotten: Estimate | None = Field(
        None,
        description="bits per character that general text takes more than before tuning, where it was asked",
    )
    bytes: int = 0

    @property
    def p_told(self) -> float | None:
        """The p-value to show: corrected where it was one of several."""
        return self.p_value if self.p_corrected is None else self.p_corrected


class Probed(Record):
    """evaluations/probes/<probe>.json: the answer to one further question about the best model, beside the base's."""

    probe: str
    run: str
    base: str
    status: Literal["ok", "watch", "act", "not measured"]
    verdict: str = Field(description="one or two sentences that stand by themselves in the report")
    figures: dict[str, Estimate] = {}
    rows: list[dict[str, Any]] = Field(
        [], description="details, as the tables and plots of this probe need them"
    )


class Comparison(Record):
    """comparison.json: base model, prompting and tuned model on the same test rows."""

    headline: str
    rows: int
    compared: list[Compared]
    best: str
    criteria: list[dict[str, Any]] = []
    probes: dict[str, str] = Field(
        {}, description="probe -> its status; the records are in evaluations/probes/"
    )
    seeds: dict[str, float] = Field(
        {}, description="seed -> headline metric of the best run, made again with it"
    )
    too_small: str = Field(
        "", description="a sentence where the test rows are too few for an interval this wide"
    )
    leaked: str = Field("", description="a sentence where test rows stand in the training rows too")
    verdict: str

    @property
    def judged(self) -> list[dict[str, Any]]:
        """Every success criterion as judged; those about cost, which are measured anew on each machine, last."""
        return [*self.criteria, *self.measured.get("criteria", [])]


class UsesOfTestSet(Record):
    """evaluations/test_set_uses.json: which runs were judged on which test rows, so that nobody fits them unawares."""

    runs: dict[str, list[str]] = Field(
        {}, description="hash of the test rows -> runs judged on them, in order"
    )


class Export(Record):
    """export/export.json: the folder shipped, and whether it answers as what was tested."""

    run: str
    format: str
    identical: int
    compared: int
    different: list[tuple[str, str, str]] = Field([], description="row id, tested answer, exported answer")


class Monitoring(Record):
    """monitoring/monitoring.json: how new data differs from the training data."""

    rows: int
    measures: list[dict[str, Any]]
    status: Literal["ok", "watch", "act"] = "ok"
    verdict: str


class Ledger(Record):
    """ledger.json: what was tried, what it brought, what to do next."""

    entries: list[dict[str, Any]]
    proposals: list[dict[str, Any]]
