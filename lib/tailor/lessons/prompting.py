"""Lesson: what words before a question can do. Nothing is trained."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from tailor.blocks import Block, Figure, Tokens
from tailor.data.dataset import Dataset
from tailor.lessons.prediction import share
from tailor.lessons.questions import TOPICS
from tailor.lessons.trials import (
    Plan,
    Trial,
    likeliest_topics,
    model_of,
    run_trials,
    share_right,
    topic_scores,
)
from tailor.records import Estimate
from tailor.settings import Settings
from tailor.techniques.demonstrations import by_letters

ROOM = {"answer_room": 16}  # the topics have few tokens: the rest of the context is for examples
DRAWS = 5
PLANS: dict[str, Plan] = {
    "nothing_shown": ("no examples", "zero_shot", {}),
    "four_shown": ("4 examples", "few_shot", {"demonstrations": 4, **ROOM}),
    "twelve_shown": ("12 examples", "few_shot", {"demonstrations": 12, **ROOM}),
    "four_alike": ("the 4 most alike", "few_shot", {"demonstrations": 4, "choose": "nearest", **ROOM}),
}


class Prediction(Settings):
    """What share of the held-out questions will be sorted rightly? Guessing blindly gives one in six."""

    nothing_shown: float = share("The model reads an instruction and the question, nothing else.")
    four_shown: float = share("Before every question it reads four solved ones, of four different topics.")
    twelve_shown: float = share("It reads twelve solved questions, two of each topic.")
    four_alike: float = share("It reads four solved questions, for each new one those most like it.")


def as_the_model_sees_it(dataset: Dataset, trial: Trial) -> Tokens:
    """The whole prompt of the first test question, each speaker in its colour."""
    model = model_of(trial, dataset)
    prompt = dataset.prompt(dataset.test[0])
    extended = model.extend([prompt])[0] if hasattr(model, "extend") else prompt
    legend = {"system": "instruction", "user": "question", "assistant": "topic", "next": "to be answered"}
    pieces = [(message["content"] + "\n", message["role"]) for message in extended]
    return Tokens([*pieces, ("?", "next")], legend, f"What the model reads: {trial.name}")


def what_it_says(trials: Iterable[Trial]) -> list[Block]:
    """How often each topic was answered: a model without examples has a favourite, whatever is asked."""
    from tailor.plots import counted_bars

    return [_said(trial, counted_bars) for trial in trials]


def _said(trial: Trial, draw) -> Figure:
    counts = Counter(dict.fromkeys(TOPICS, 0))  # a topic never answered has a bar too, of no length
    counts.update(trial.answers)
    told = ", ".join(f"{topic} {count}" for topic, count in counts.most_common())
    return Figure(lambda: draw(counts, f"answers with {trial.name}"), f"Answers with {trial.name}: {told}")


def without_opinion(dataset: Dataset, trials: Mapping[str, Trial]) -> dict[str, Trial]:
    """The same prompts, with the model's opinion about empty questions divided out, as 05 does it."""
    return {key: _calibrated(dataset, trial) for key, trial in trials.items()}


def _calibrated(dataset: Dataset, trial: Trial) -> Trial:
    from tailor.evaluation.answering import calibrate, log_prior

    model = model_of(trial, dataset)
    scores = calibrate(topic_scores(model, dataset), log_prior(model, dataset))
    answers = likeliest_topics(scores, dataset)
    return replace(trial, answers=answers, accuracy=share_right(dataset, answers))


def nearest_neighbour(dataset: Dataset) -> Estimate:
    """What a program without any language model reaches that gives the topic of the training question most alike."""
    likeness = by_letters([row.input for row in dataset.train])([row.input for row in dataset.test])
    return share_right(dataset, [dataset.train[place].output for place in likeness.argmax(axis=1)])


def with_and_without(
    dataset: Dataset, trials: Mapping[str, Trial], calibrated: Mapping[str, Trial]
) -> list[Block]:
    """Each prompt before and after its opinion was divided out, and what does without a language model."""
    from tailor.plots import BLUE, GREY, ORANGE, bars_with_intervals

    rows = [(f"{trial.name}{how}", trial.accuracy, colour) for key in trials for trial, how, colour in
            ((trials[key], ", as it answers", GREY), (calibrated[key], ", calibrated", BLUE))]  # fmt: skip
    rows.append(("nearest example, no model", nearest_neighbour(dataset), ORANGE))
    names, estimates, colours = zip(*rows, strict=True)
    told = "; ".join(f"{name}: {e.value:.0%}" for name, e in zip(names, estimates, strict=True))
    return [Figure(lambda: bars_with_intervals(names, estimates, "share sorted rightly", colours), told)]


def luck_of_the_draw(dataset: Dataset) -> list[Block]:
    """Four examples drawn several times over: how far the calibrated results lie apart."""
    from tailor.plots import lucky_draws

    groups = {}
    for how in ("random", "balanced"):
        plan = (f"4 examples, {how}", "few_shot", {"demonstrations": 4, "choose": how, **ROOM})
        found = [run_trials(dataset, {"draw": plan}, number)["draw"] for number in range(1, DRAWS + 1)]
        groups[plan[0]] = [_calibrated(dataset, trial).accuracy.value for trial in found]
    told = "; ".join(f"{name}: {min(values):.0%} to {max(values):.0%}" for name, values in groups.items())
    return [Figure(lambda: lucky_draws(groups, 1 / len(dataset.labels)), f"{DRAWS} draws each. {told}")]


def price_of_examples(trials: Iterable[Trial]) -> list[Block]:
    """Accuracy over the tokens that are read for every single question."""
    from tailor.plots import price_and_result

    trials = list(trials)
    names, results = [trial.name for trial in trials], [trial.accuracy for trial in trials]
    prices = [trial.tokens for trial in trials]
    told = "; ".join(
        f"{n}: {p:.0f} tokens, {e.value:.0%}" for n, p, e in zip(names, prices, results, strict=True)
    )
    return [Figure(lambda: price_and_result(names, prices, results, "tokens read for each question"), told)]
