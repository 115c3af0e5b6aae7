"""A small project for tests of the steps after formatting: real records and files, and models that answer by rule."""

from pathlib import Path

import numpy as np
import polars as pl

from tailor.data.dataset import Dataset, Example
from tailor.data.tables import write_table
from tailor.files import sha256_file
from tailor.models.language_model import Usage
from tailor.project import Project
from tailor.records import Criterion, DatasetRecord, ProjectRecord, RunRecord, Split, UseCase

LABELS = ["card lost", "fees", "login"]
_WORDS = {"card lost": "card gone missing", "fees": "charge costs price", "login": "password app sign"}
_ANSWERS = {
    "card lost": "We blocked your card number {n} and send a new one today.",
    "fees": "The charge of {n} pounds is the monthly price of your account.",
    "login": "Please set a new password for device {n} in the app.",
}


def examples(task: str, split: str, rows: int) -> list[Example]:
    """Rows whose answer follows from a word of the input, the labels in turn."""
    start, made = {"train": 1000, "validation": 2000}.get(split, 0), []
    for n in range(rows):
        label = LABELS[n % 3]
        word = _WORDS[label].split()[n // 3 % 3]
        text = f"Hello, a question on my {word}, case {start + n}" + ", please answer soon" * (n % 4)
        answer = label if task == "classify" else _ANSWERS[label].format(n=n)
        made.append(Example(f"{split}.csv:{n + 2}", text, answer, source=f"{'ab'[n % 2]}.csv"))
    return made


def make_project(
    home: Path, task: str = "classify", rows: int = 60, criteria: list[Criterion] | None = None
) -> Project:
    """A project as it stands after 04_format_data. Set TAILOR_HOME to `home` first."""
    project = Project("small")
    ProjectRecord(name="small", base_model="tiny", seed=3).save(project.path("project.json"))
    UseCase(title="Small", task=task, description="Answers customers.", success=criteria or []).save(
        project.path("use_case.json")
    )
    splits = {}
    for split, count in (("train", rows * 2), ("validation", rows), ("test", rows)):
        path = project.path(f"dataset/{split}.parquet")
        write_table(pl.DataFrame([vars(example) for example in examples(task, split, count)]), path)
        splits[split] = Split(
            rows=count, tokens=0, learned_tokens=0, truncated=0, longest=0, sha256=sha256_file(path)
        )
    DatasetRecord(
        task=task,
        base_model="tiny",
        roles={"input": "text"},
        labels=LABELS if task == "classify" else [],
        system_prompt="Be kind.",
        max_length=256,
        splits=splits,
    ).save(project.path("dataset.json"))
    return project


class RuleModel:
    """Knows the answer to a share of the rows (which ones follows from the text), and answers "fees" to the others.

    Args:
        share: of the rows that it answers rightly.
        bias: nats added to "card lost" whatever the input says: a prior opinion, for tests of calibration.
    """

    def __init__(self, task: str, share: float, bias: float = 0.0) -> None:
        self.task, self.share, self.bias = task, share, bias
        self.usage = Usage()
        self.asked: list[str] = []

    def _label(self, text: str) -> str:
        """The right label, for a share of the texts."""
        right = next((label for label in LABELS if any(word in text for word in _WORDS[label].split())), "")
        number = int(self._number(text))
        return right if number * 37 % 100 < self.share * 100 else ""

    @staticmethod
    def _number(text: str) -> str:
        """The first number of a text, "0" where it has none."""
        return next((word for word in text.split() if word.strip(",.").isdigit()), "0").strip(",.")

    def _see(self, prompts) -> list[str]:
        assert all(prompt[0] == {"role": "system", "content": "Be kind."} for prompt in prompts)
        texts = [prompt[-1]["content"] for prompt in prompts]
        self.asked += texts
        return texts

    def generate(self, prompts, config) -> list[str]:
        with self.usage.timed(len(prompts)):
            answers = []
            for text in self._see(prompts):
                label = self._label(text) or "fees"
                number = self._number(text)
                answers.append(_ANSWERS[label].format(n=number) + "\n")
        return answers

    def score_choices(self, prompts, choices) -> np.ndarray:
        with self.usage.timed(len(prompts)):
            scores = np.full((len(prompts), len(choices)), -4.0)
            for row, text in zip(scores, self._see(prompts), strict=True):
                row[list(choices).index("card lost")] += self.bias
                if self._label(text):
                    row[list(choices).index(self._label(text))] += 1.0
        return scores


def add_run(project: Project, technique: str, title: str) -> str:
    """A finished run's record; which model it is decides `load_run`, which tests replace."""
    ident = f"{technique}-0000000000"
    RunRecord(
        id=ident,
        technique=technique,
        title=title,
        base_model="tiny",
        config={},
        seed=3,
        dataset=Dataset.open(project).record.content_hash(),
        bytes=2_500_000 if technique == "lora" else 0,
    ).save(project.path(f"runs/{ident}/run.json"))
    return ident


def answer_by_rule(monkeypatch, models: dict[str, RuleModel]) -> None:
    """Let `load_run` give the model of the run's technique: {"zero_shot": RuleModel(...)}."""
    from tailor.training import runs

    monkeypatch.setattr(
        runs, "load_run", lambda project, ident, dataset=None: models[ident.rsplit("-", 1)[0]]
    )


def run_step(project: Project, name: str, **settings):
    """Run a step as a notebook does; returns its record's values."""
    import json

    from tailor.notebook import run_step as run
    from tailor.progress import Log
    from tailor.series import find_step

    step = find_step(name)
    chosen = project.settings(step, settings)
    run(project, step, chosen, project.inputs(step, chosen), Log())
    assert project.state(step, settings).state == "done"
    return json.loads(project.path(step.record).read_text(encoding="utf-8"))


def evaluated_project(
    home: Path, monkeypatch, task: str = "classify", shares=(0.2, 0.4, 0.9), **options
) -> Project:
    """A project after 10_evaluate whose zero-shot, few-shot and LoRA models answer these shares of rows rightly."""
    from tailor.records import Alignment, Baselines, Search, Tuned

    project = make_project(home, task, **options)
    titles = {"zero_shot": "Zero-shot prompting", "few_shot": "Few-shot prompting", "lora": "LoRA"}
    ids = [add_run(project, name, title) for name, title in titles.items()]
    answer_by_rule(
        monkeypatch, {name: RuleModel(task, share) for name, share in zip(titles, shares, strict=True)}
    )
    Baselines(runs=ids[:2], verdict="").save(project.path("baselines.json"))
    Tuned(run=ids[2]).save(project.path("tuned.json"))
    Search(metric="accuracy", trials=[], best={}).save(project.path("search/search.json"))
    Alignment(pairs=0, sources={}).save(project.path("alignment.json"))
    run_step(project, "10_evaluate")
    return project
