"""What the techniques reach on public sets: python benchmarks/quality.py FOLDER [--json FILE] [--only banking77.full].

FOLDER holds banking77/, sms_spam/ and sentiment_sentences/ (the published files, gzipped). The base is the sentence
encoder of the extra `encoder`; every setting is the technique's default. Few-shot rows are drawn evenly with three
seeds, of which the mean is told. banking77 is tested on its published test rows, the others, which have none, on a
third of the rows, of which no twin is learned. ``--kept-apart`` tests on 2,000 of banking77's training rows instead:
settings were chosen on these.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tailor.machine import use_cores_politely

use_cores_politely()

import numpy as np  # noqa: E402
from made_dataset import write_dataset  # noqa: E402
from training_rows import draw, draw_evenly, read_banking, read_spam  # noqa: E402

from tailor.data.dataset import Dataset, Example  # noqa: E402
from tailor.models.catalog import resolve  # noqa: E402
from tailor.models.encoder import ENCODER_NAME, embed  # noqa: E402
from tailor.pretraining.tasks import read_sentiment  # noqa: E402
from tailor.progress import Log  # noqa: E402
from tailor.settings import make_settings  # noqa: E402
from tailor.techniques import find_technique  # noqa: E402

SEEDS, KEPT_APART, LONGEST = (0, 1, 2), 2000, 128
PUBLISHED = {
    "banking77.full": "93.66 (BERT, Casanueva et al. 2020)",
    "banking77.10_shot": "84.3 (RoBERTa), 87.2 (CPFT, Zhang et al. 2021)",
    "banking77.5_shot": "77.8 (USE+ConveRT), 80.9 (CPFT)",
}


@dataclass(frozen=True)
class Trial:
    """One figure: a technique on rows, once for each seed.

    Attributes:
        shots: rows of each label to learn from; 0 takes all.
    """

    name: str
    technique: str
    shots: int = 0

    @property
    def seeds(self) -> tuple[int, ...]:
        return SEEDS if self.shots else SEEDS[:1]


TRIALS = (
    Trial("banking77.full", "encoder_classifier"),
    Trial("banking77.10_shot", "setfit", 10),
    Trial("banking77.5_shot", "setfit", 5),
    Trial("sms_spam", "encoder_classifier"),
    Trial("sentiment_sentences", "encoder_classifier"),
)


def read_rows(name: str, folder: Path, kept_apart: bool) -> tuple[list[Example], list[Example]]:
    """Rows to learn from, and rows to test on."""
    source = name.partition(".")[0]
    if source == "banking77":
        train, test = read_banking(folder)
        if kept_apart:
            mixed = draw(train, len(train), 99)
            train, test = mixed[KEPT_APART:], mixed[:KEPT_APART]
        return train, test
    if source == "sms_spam":
        rows = [row for part in read_spam(folder) for row in part]
    else:
        texts = read_sentiment(folder).rows
        rows = [Example(f"review:{n}", text, label) for n, (text, label) in enumerate(texts)]
    rows = draw(without_twins(rows), len(rows), 99)
    return [row for n, row in enumerate(rows) if n % 3], rows[::3]


def without_twins(rows: list[Example]) -> list[Example]:
    """The first of rows that differ in case, blanks, punctuation and digits alone: none is both learned and tested."""
    seen: dict[str, Example] = {}
    for row in rows:
        seen.setdefault("".join(letter for letter in row.input.casefold() if letter.isalpha()), row)
    return list(seen.values())


def chosen(trial: Trial, train: list[Example], seed: int) -> list[Example]:
    """All rows, or as many of each label as the trial says."""
    labels = {row.output for row in train}
    return draw_evenly(train, trial.shots * len(labels), seed) if trial.shots else train


def run_trial(
    trial: Trial, train: list[Example], test: list[Example], settings: dict[str, Any], folder: Path
) -> dict[str, float]:
    """Accuracy in percent, its spread over the seeds, and the seconds of all of them, testing included."""
    found, start = [], time.perf_counter()
    for seed in trial.seeds:
        parts = {"train": chosen(trial, train, seed), "test": test}
        place = folder / f"{trial.name}-{seed}"
        dataset = write_dataset(place, parts, task="classify", base=ENCODER_NAME, max_length=LONGEST)
        found.append(accuracy(trial, dataset, settings, place / "run", seed))
    return {
        f"{trial.name}.accuracy": float(np.mean(found)),
        **({f"{trial.name}.deviation": float(np.std(found, ddof=1))} if len(found) > 1 else {}),
        f"{trial.name}.seconds": time.perf_counter() - start,
    }


def accuracy(trial: Trial, dataset: Dataset, settings: dict[str, Any], out: Path, seed: int) -> float:
    """Fit, load what was left on disk, and answer the test rows with it."""
    technique, base = find_technique(trial.technique), resolve(ENCODER_NAME)
    config = make_settings(technique.Config, settings, trial.technique)
    out.mkdir()
    technique.fit(base, dataset, config, out, seed=seed, log=Log())
    model = technique.load(base, dataset, out)
    scores = model.score_choices([dataset.prompt(row) for row in dataset.test], dataset.labels)
    answers = [dataset.labels[i] for i in scores.argmax(axis=1)]
    return share_right(answers, dataset.test)


def frozen(trial: Trial, train: list[Example], test: list[Example]) -> float:
    """What logistic regression reaches on the encoder's embeddings as they come: the yardstick for tuning it."""
    from sklearn.linear_model import LogisticRegression

    asked, found = embed([row.input for row in test]), []
    for seed in trial.seeds:
        rows = chosen(trial, train, seed)
        head = LogisticRegression(C=10, max_iter=2000)
        head.fit(embed([row.input for row in rows]), [row.output for row in rows])
        found.append(share_right(head.predict(asked), test))
    return float(np.mean(found))


def share_right(answers: Sequence[str], rows: Sequence[Example]) -> float:
    return 100 * float(np.mean([answer == row.output for answer, row in zip(answers, rows, strict=True)]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="holds banking77/, sms_spam/, sentiment_sentences/")
    parser.add_argument("--json", type=Path, help="write the figures here, as one flat object")
    parser.add_argument("--only", nargs="*", help="the figures to measure")
    parser.add_argument("--technique", help="another technique than the usual one")
    parser.add_argument("--settings", type=json.loads, default={}, help="its settings, as JSON")
    parser.add_argument("--kept-apart", action="store_true", help="test on training rows kept apart")
    options = parser.parse_args()
    figures: dict[str, float] = {}
    for trial in TRIALS:
        if options.only and trial.name not in options.only:
            continue
        if options.technique:
            trial = Trial(trial.name, options.technique, trial.shots)
        train, test = read_rows(trial.name, options.folder, options.kept_apart)
        with tempfile.TemporaryDirectory() as folder:
            figures |= run_trial(trial, train, test, options.settings, Path(folder))
        figures[f"{trial.name}.frozen_accuracy"] = frozen(trial, train, test)
        spread = figures.get(f"{trial.name}.deviation")
        print(
            f"{trial.name:20s} {trial.technique:18s} {figures[f'{trial.name}.accuracy']:6.2f}"
            f"{'' if spread is None else f' ± {spread:.2f}'}, frozen with logistic regression "
            f"{figures[f'{trial.name}.frozen_accuracy']:.2f}, {figures[f'{trial.name}.seconds']:.0f} s"
            f"  published: {PUBLISHED.get(trial.name, 'none')}",
            flush=True,
        )
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
