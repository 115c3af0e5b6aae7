"""Lesson: all weights trained, how fast each layer should move, and what is forgotten on the way."""

from collections.abc import Iterable
from typing import Literal

from tailor.blocks import Block, Callout, Figure, Table
from tailor.data.dataset import Dataset
from tailor.lessons.prediction import share
from tailor.lessons.trials import Plan, Trial, model_of
from tailor.records import UPDATE_RATIO
from tailor.settings import Settings, setting

EPOCHS = {"epochs": 3.0, "patience": 0}
ONE_RATE = {"layer_decay": 1.0, **EPOCHS}  # layer by layer the same: plain full fine-tuning, with its chart
PLANS: dict[str, Plan] = {
    "slow": ("rate 0.00001", "layerwise", {"learning_rate": 1e-5, **ONE_RATE}),
    "usual": ("rate 0.001", "layerwise", {"learning_rate": 1e-3, **ONE_RATE}),
    "fast": ("rate 0.1", "layerwise", {"learning_rate": 0.1, **ONE_RATE}),
}
LAYERWISE: dict[str, Plan] = {
    "decay": ("falling by half", "layerwise", {"learning_rate": 1e-3, "layer_decay": 0.5, **EPOCHS}),
    "larc": ("LARC", "larc", EPOCHS),
}


class Prediction(Settings):
    """What share of the held-out questions will be sorted rightly, and which layer moves most?"""

    slow: float = share("Learning rate 0.00001: what a model of a billion parameters would get.")
    usual: float = share("Learning rate 0.001: what 07 proposes for this small model.")
    fast: float = share("Learning rate 0.1: a hundred times as much.")
    moves_most: Literal["embeddings", "layer 1", "layer 2", "layer 3", "layer 4"] = setting(
        "layer 4",
        "With one rate for all: which layer moves farthest in a step, as a share of the size of its weights?",
    )


def curves(trials: Iterable[Trial]) -> list[Block]:
    """Each trial's validation loss over its steps."""
    from tailor.plots import compared_losses

    trials = list(trials)
    losses = {trial.name: trial.curves["validation loss"] for trial in trials}
    told = "; ".join(
        f"{t.name}: lowest {min(p.value for p in t.curves['validation loss']):.2f}" for t in trials
    )
    return [Figure(lambda: compared_losses(losses), f"Validation loss in nats per token. {told}")]


def moves_of(trial: Trial) -> dict[str, float]:
    """Layer -> how far it moved in a step, as a share of its weights' length; the mean over the steps looked at."""
    ratios = {
        name.removeprefix(UPDATE_RATIO): [point.value for point in points]
        for name, points in trial.curves.items()
        if name.startswith(UPDATE_RATIO)
    }
    return {layer: sum(values) / len(values) for layer, values in ratios.items()}


def layer_chart(trials: Iterable[Trial]) -> list[Block]:
    """The trials' moves, layer by layer."""
    from tailor.plots import step_sizes

    runs = {trial.name: moves_of(trial) for trial in trials}
    told = "; ".join(f"{name}: most in {max(moves, key=moves.get)}" for name, moves in runs.items())
    return [Figure(lambda: step_sizes(runs), f"Change of a step as a share of the weights' size. {told}")]


def which_moved_most(prediction: Prediction, trial: Trial) -> Callout:
    """The layer that moved farthest, beside the one that was guessed."""
    moves = moves_of(trial)
    most = max(moves, key=moves.get)
    if most == prediction.moves_most:
        return Callout(
            f"You said {most}, and {most} it is: {moves[most]:.2%} of its weights' size in a step.", "good"
        )
    said = prediction.moves_most
    return Callout(
        f"You said {said} ({moves[said]:.2%} of its weights' size in a step); {most} moves more ({moves[most]:.2%}).",
        "note",
    )


def forgetting(dataset: Dataset, trials: Iterable[Trial]) -> list[Block]:
    """What each trial learned of the task, and what it lost of plain English, as 10 measures it."""
    from tailor.evaluation.forgetting import bits_per_character, read_passages
    from tailor.models.catalog import resolve
    from tailor.models.local_model import LocalModel
    from tailor.plots import price_and_result

    trials = list(trials)
    passages = read_passages()
    before = bits_per_character(LocalModel.open(resolve(dataset.record.base_model)), passages).value
    lost = [bits_per_character(model_of(trial, dataset), passages).value - before for trial in trials]
    names, results = [trial.name for trial in trials], [trial.accuracy for trial in trials]
    rows = [
        (name, f"{before + rise:.2f}", f"{rise:+.2f}", f"{e.value:.0%}")
        for name, rise, e in zip(names, lost, results, strict=True)
    ]
    told = "; ".join(f"{n}: {rise:+.2f} bits" for n, rise in zip(names, lost, strict=True))
    columns = ("tuned with", "bits per character", "more than before", "questions sorted rightly")
    caption = (
        f"Fourteen paragraphs of general text. The base model needs {before:.2f} bits for a character of them"
    )
    return [
        Figure(
            lambda: price_and_result(names, lost, results, "bits per character lost on general text"), told
        ),
        Table(columns, rows, caption),
    ]
