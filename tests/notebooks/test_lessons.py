"""The lessons, cell by cell as a kernel would run them, on few questions and with two steps of training."""

from pathlib import Path

import nbformat
import pytest
from matplotlib.figure import Figure

from tailor.lessons import adapters, prompt_learning, prompting, questions, rates

FOLDER = Path(__file__).resolve().parents[2] / "notebooks" / "lessons"
PLANS = {
    "prompting": [],
    "prompt_learning": [prompt_learning.PLANS],
    "adapters": [adapters.PLANS],
    "full_tuning": [rates.PLANS, rates.LAYERWISE],
}
GUESSES = {
    "prompting": ("nothing_shown", prompting.Prediction),
    "prompt_learning": ("one_token", prompt_learning.Prediction),
    "adapters": ("rank_1", adapters.Prediction),
    "full_tuning": ("usual", rates.Prediction),
}


@pytest.fixture
def small(monkeypatch):
    """Two questions of each topic in each split; trainings of two steps."""
    monkeypatch.setattr(questions, "ROWS", dict.fromkeys(questions.ROWS, 2))
    monkeypatch.setattr(prompting, "DRAWS", 2)
    for plans in (plans for every in PLANS.values() for plans in every):
        for key, (name, technique, settings) in plans.items():
            monkeypatch.setitem(plans, key, (name, technique, settings | {"max_steps": 2, "evaluations": 1}))


def test_every_family_has_its_lesson():
    assert {path.stem for path in FOLDER.glob("*.ipynb")} == {*PLANS, "how_a_base_model_is_made"}


@pytest.mark.parametrize("name", PLANS)
def test_a_lesson_runs_headless_with_the_prediction_as_a_parameter(name, small, monkeypatch, capsys):
    drawn, save = [], Figure.savefig

    def save_small(figure, *given, **options):
        drawn.append(figure)
        save(figure, *given, **options | {"dpi": 30})

    monkeypatch.setattr(Figure, "savefig", save_small)
    cells = [c for c in nbformat.read(FOLDER / f"{name}.ipynb", as_version=4).cells if c.cell_type == "code"]
    space: dict = {}
    field, model = GUESSES[name]
    for cell in cells:
        exec(cell.source, space)
        if cell.metadata.get("tags") == ["parameters"]:
            space["prediction"] = {field: 0.25}  # as papermill does
    assert space["form"].value == model(**{field: 0.25})
    shown = capsys.readouterr().out
    assert "guessed 25%, came out" in shown
    assert len(drawn) >= 4, "plots that teach"


@pytest.mark.parametrize("name", PLANS)
def test_a_lesson_asks_before_it_runs_and_folds_its_answer(name):
    cells = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4).cells
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    asked = next(i for i, source in enumerate(code) if "ask(" in source)
    assert asked < next(i for i, source in enumerate(code) if "run_trials(" in source)
    assert prose.count("<details><summary>An answer</summary>") == prose.count("</details>") == 1
    for heading in ("## Say what you expect", "## What can go wrong", "## A question", "## Try"):
        assert heading in prose
