"""The learner's prediction: asked before anything runs, and laid beside what came out."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tailor.blocks import Block, Figure, Table, Text
from tailor.lessons.trials import Trial
from tailor.settings import Settings, make_settings, setting

if TYPE_CHECKING:
    from tailor.ui.form import Form


def share(explain: str) -> Any:
    """A field of a prediction: the share of the test questions that will be sorted rightly."""
    return setting(0.5, explain, unit="share of the test questions", ge=0.0, le=1.0)


def ask(model: type[Settings], guess: dict[str, Any]) -> "Form":
    """A form with the prediction's fields; `form.value` is what the learner expects.

    Args:
        guess: field -> value; in a headless run, all there is.

    Raises:
        WorkbenchError: an unknown field or a value out of bounds.
    """
    from tailor.ui.form import Form

    return Form(make_settings(model, guess, "prediction"), "What do you expect?", where="prediction")


def compare(prediction: Settings, trials: Mapping[str, Trial]) -> list[Block]:
    """Guess beside result for every field that a trial answers, and where the guess was farthest off.

    Args:
        trials: the prediction's field -> the trial that answers it; trials of which nothing was asked are passed over.
    """
    from tailor.plots import guesses_and_results

    trials = {field: trial for field, trial in trials.items() if hasattr(prediction, field)}
    names = [trial.name for trial in trials.values()]
    guesses = [getattr(prediction, field) for field in trials]
    results = [trial.accuracy for trial in trials.values()]
    rows = [
        (name, f"{guess:.0%}", f"{e.value:.0%}", f"{abs(guess - e.value) * 100:.0f} points")
        for name, guess, e in zip(names, guesses, results, strict=True)
    ]
    farthest = max(zip(names, guesses, results, strict=True), key=lambda row: abs(row[1] - row[2].value))
    return [
        Figure(lambda: guesses_and_results(names, guesses, results), _alt(names, guesses, results)),
        Table(("tried", "your guess", "came out", "apart"), rows),
        Text(_surprise(*farthest)),
    ]


def _alt(names: Sequence[str], guesses: Sequence[float], results: Sequence[Any]) -> str:
    told = (
        f"{n}: guessed {g:.0%}, came out {e.value:.0%}"
        for n, g, e in zip(names, guesses, results, strict=True)
    )
    return "; ".join(told)


def _surprise(name: str, guess: float, result: Any) -> str:
    if result.low <= guess <= result.high:
        return f"Even your farthest guess ({name}) lies within the interval: nothing here surprises you."
    way = "better" if result.value > guess else "worse"
    return f"The largest surprise: {name} did {way} than you thought. What would explain it?"
