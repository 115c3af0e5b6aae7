"""Searching settings: short trials on part of the rows, poor ones stopped early, every finished one kept.

Optuna's TPE (Bergstra et al. 2011, Algorithms for Hyper-Parameter Optimization, section 4) proposes, its median rule
stops. Each trial draws from its own seed, so that a search that was killed goes on as if it had not been.
"""

import shutil
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tailor.data.dataset import Dataset
from tailor.errors import WorkbenchError, did_you_mean
from tailor.files import canonical_json, sha256_bytes, write_json
from tailor.models.catalog import ModelSource
from tailor.progress import Log
from tailor.records import Point, Trial
from tailor.settings import Described, describe
from tailor.techniques.base import Technique
from tailor.training.breaks import TrainingBroke
from tailor.training.settings import TrainingConfig

METRIC = "validation loss"
DRAWN_BLINDLY = 3  # trials before TPE has something to go by


@dataclass(frozen=True)
class Choice:
    """What a trial may give to one setting: any value between two on a logarithmic scale, or one of a few."""

    name: str
    low: float = 0.0
    high: float = 0.0
    values: tuple[Any, ...] = ()


def choices_for(config: TrainingConfig, names: Sequence[str], width: float) -> list[Choice]:
    """What to try for each named setting, around its present value.

    Args:
        width: rates are tried from value / width to value * width, whole numbers at half, once and twice their value.

    Raises:
        WorkbenchError: no such setting, or one that is neither a rate nor a whole number nor a choice.
    """
    fields = {field.name: field for field in describe(type(config))}
    return [_choice(fields, name, getattr(config, name, None), width) for name in names]


def _choice(fields: dict[str, Described], name: str, value: Any, width: float) -> Choice:
    if name not in fields:
        raise WorkbenchError(
            f"there is no setting '{name}' to search",
            f"one of: {', '.join(fields)}",
            f"correct 'vary' in 08_search_hyperparameters.{did_you_mean(name, fields)}",
        )
    field = fields[name]
    low = field.low if field.low is not None else 0
    high = field.high if field.high is not None else float("inf")
    if field.log:
        return Choice(name, low=max(value / width, low), high=min(value * width, high))
    if field.choices:
        return Choice(name, values=field.choices)
    if isinstance(value, int) and not isinstance(value, bool):
        return Choice(
            name, values=tuple(sorted({v for v in (value // 2, value, value * 2) if low <= v <= high}))
        )
    raise WorkbenchError(
        f"the setting '{name}' is {value!r}: the search does not know what else to try",
        "settings that are rates, whole numbers or choices",
        f"take '{name}' out of 'vary' in 08_search_hyperparameters",
    )


class Searcher:
    """Runs trials of one technique.

    Args:
        config: the settings to beat; trial 0 runs exactly these, on the same rows as the others.
        choices: what may vary.
        folder: finished trials are kept here, so that more trials later go on from these.
    """

    def __init__(
        self,
        technique: Technique,
        base: ModelSource,
        dataset: Dataset,
        config: TrainingConfig,
        choices: Sequence[Choice],
        folder: Path,
        seed: int,
        log: Log,
    ) -> None:
        self.technique, self.base, self.dataset, self.config = technique, base, dataset, config
        self.choices, self.seed, self.log = choices, seed, log
        made_of = [technique.name, base.name, dataset.record.content_hash(), config.model_dump(mode="json")]
        made_of += [[vars(choice) for choice in choices], seed, [example.id for example in dataset.train]]
        self.folder = folder / sha256_bytes(canonical_json(made_of).encode())[:10]

    def run(self, trials: int) -> list[Trial]:
        """Run what is not finished yet; all trials in order."""
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        # the last word is a full run's; a short trial that stands below the median so far is not worth finishing
        pruner = optuna.pruners.MedianPruner(n_startup_trials=2, n_warmup_steps=1)
        study = optuna.create_study(direction="minimize", pruner=pruner)
        study.enqueue_trial({c.name: getattr(self.config, c.name) for c in self.choices})
        done = []
        for number in range(trials):
            self.log.progress(number, trials, "trials")
            study.sampler = optuna.samplers.TPESampler(
                seed=self.seed + number, n_startup_trials=DRAWN_BLINDLY
            )
            asked = study.ask()
            values = {choice.name: _suggest(asked, choice) for choice in self.choices}
            done.append(self._one(number, values, asked))
            _tell(study, asked, done[-1])
        self.log.progress(trials, trials, "trials")
        return done

    def _one(self, number: int, values: dict[str, Any], asked: Any) -> Trial:
        """A finished trial from its file, or a new one."""
        path = self.folder / f"{number}.json"
        if path.exists():
            return Trial.model_validate_json(path.read_text(encoding="utf-8"))
        trial = self._train(number, values, asked)
        write_json(path, trial.model_dump(mode="json"))
        return trial

    def _train(self, number: int, values: dict[str, Any], asked: Any) -> Trial:
        from optuna import TrialPruned

        heard = _Hears(asked, self.log, number)
        config = type(self.config).model_validate(self.config.model_dump() | values)
        place = self.folder / f"{number}.run"
        state, note = "complete", ""
        try:
            place.mkdir(parents=True, exist_ok=True)
            self.technique.fit(self.base, self.dataset, config, place, seed=self.seed, log=heard)
        except TrialPruned:
            state, note = "stopped early", "worse than the median of the trials before it at the same step"
        except TrainingBroke as error:
            state, note = "failed", error.found
        finally:
            shutil.rmtree(place, ignore_errors=True)
        measured = [point.value for point in heard.points if point.step > 0]
        value = min(measured) if measured and state != "failed" else None
        return Trial(number=number, config=values, value=value, state=state, points=heard.points, note=note)


class _Hears(Log):
    """Listens to a trial's validation losses, and ends it when Optuna's rule says so."""

    def __init__(self, trial: Any, log: Log, number: int) -> None:
        self.trial, self.log, self.number = trial, log, number
        self.points: list[Point] = []

    def point(self, series: str, step: int, value: float) -> None:
        if series != METRIC:
            return
        from optuna import TrialPruned

        self.points.append(Point(step=step, value=round(value, 6)))
        self.log.point(f"trial {self.number}", step, value)
        if step > 0:
            self.trial.report(round(value, 6), step)  # as it is kept: a resumed search decides alike
            if self.trial.should_prune():
                raise TrialPruned


def _suggest(trial: Any, choice: Choice) -> Any:
    if choice.values:
        return trial.suggest_categorical(choice.name, list(choice.values))
    # three digits are plenty for a rate, and read better
    return float(f"{trial.suggest_float(choice.name, choice.low, choice.high, log=True):.3g}")


def _tell(study: Any, asked: Any, trial: Trial) -> None:
    """Report a trial to the study; one read back from its file reports its points first."""
    from optuna.trial import TrialState

    states = {"complete": TrialState.COMPLETE, "stopped early": TrialState.PRUNED, "failed": TrialState.FAIL}
    known = study.trials[asked.number].intermediate_values
    for point in trial.points:
        if point.step > 0 and point.step not in known:
            asked.report(point.value, point.step)
    complete = trial.state == "complete"
    study.tell(asked, trial.value if complete else None, state=states[trial.state])


def part_of(dataset: Dataset, rows: int, validation_rows: int, seed: int) -> Dataset:
    """The dataset with fewer training and validation rows: a fixed draw, in their order; 0 keeps all."""
    import numpy as np

    smaller = copy(dataset)
    for place, (split, most) in enumerate((("train", rows), ("validation", validation_rows))):
        examples = getattr(dataset, split)
        if 0 < most < len(examples):
            drawn = np.random.default_rng([seed, place]).choice(len(examples), most, replace=False)
            examples = [examples[i] for i in sorted(drawn)]
        setattr(smaller, split, examples)
    return smaller


def best_of(trials: Sequence[Trial]) -> Trial | None:
    """The complete trial with the lowest validation loss."""
    complete = [trial for trial in trials if trial.state == "complete" and trial.value is not None]
    return min(complete, key=lambda trial: trial.value, default=None)


def lowest_loss(curves: dict[str, list[Point]]) -> float:
    """The lowest validation loss of a run; infinite where none was measured."""
    return min((point.value for point in curves.get(METRIC, [])), default=float("inf"))
