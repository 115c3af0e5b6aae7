"""08: trials kept one by one, a full run only where it promises enough, and an honest word where not."""

import shutil

import pytest
import small_project
import tuned_project

from tailor.errors import WorkbenchError
from tailor.progress import Log
from tailor.records import Point, Search, Trial, Tuned
from tailor.steps import search_hyperparameters
from tailor.steps.search_hyperparameters import Settings
from tailor.techniques.lora import LoRA, LoRAConfig
from tailor.training.search import Choice, best_of, choices_for

STEP = "08_search_hyperparameters"
QUICK = {"trials": 3, "steps": 3, "rows": 8, "validation_rows": 4}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    folder = tmp_path_factory.mktemp("home")
    patch.setenv("TAILOR_HOME", str(folder))
    yield tuned_project.tuned(folder)
    patch.undo()


def without_measured(record):
    return {key: value for key, value in record.items() if key != "measured"}


def test_a_search_can_be_cut_and_ends_the_same(project, monkeypatch):
    fits = []
    plain = LoRA.fit

    def counted(self, *given, **named):
        fits.append("fit")
        if len(fits) == 3:
            raise KeyboardInterrupt
        return plain(self, *given, **named)

    monkeypatch.setattr(LoRA, "fit", counted)
    with pytest.raises(KeyboardInterrupt):
        small_project.run_step(project, STEP, **QUICK)
    resumed = small_project.run_step(project, STEP, **QUICK, worth=1.0)
    assert len(fits) == 4, "the first two trials were not run again"
    shutil.rmtree(project.path("search"))
    whole = small_project.run_step(project, STEP, **QUICK, worth=1.0)
    assert len(fits) == 7
    for a, b in zip(resumed["trials"], whole["trials"], strict=True):
        assert a == b
    assert without_measured(resumed) == without_measured(whole)
    assert [trial["number"] for trial in whole["trials"]] == [0, 1, 2]
    assert whole["trials"][0]["config"] == {"learning_rate": 0.01, "rank": 16}
    assert [point["step"] for point in whole["trials"][0]["points"]] == [0, 1, 2, 3]


def test_the_result_shows_trials(project):
    small_project.run_step(project, STEP, **QUICK)
    text = tuned_project.shown(project, STEP)
    assert "the present settings" in text
    assert "validation loss" in text
    assert "With so few trials" in text


def test_no_trials_is_said(project):
    record = small_project.run_step(project, STEP, trials=0)
    assert (record["trials"], record["run"]) == ([], None)
    assert (
        record["verdict"]
        == "The search was skipped (trials is 0): 07's settings stand, untested against others."
    )
    assert record["verdict"] in tuned_project.shown(project, STEP)


def scripted(monkeypatch, *values):
    trials = [
        Trial(number=n, config={"learning_rate": 0.01 * (n + 1), "rank": 16}, value=value, state="complete")
        for n, value in enumerate(values)
    ]
    monkeypatch.setattr(search_hyperparameters, "_search", lambda *given: trials)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((1.0, 1.5), "No trial was better than the present settings: 07's run stands."),
        (
            (1.0, 0.97),
            "The best trial's validation loss is lower by 3.0%: less than the 5% that a full run would be worth. "
            "07's run stands.",
        ),
        (
            (None, None),
            "No trial came to an end: the ranges are too wild for this model. 07's settings stand.",
        ),
    ],
)
def test_why_there_is_no_full_run(project, monkeypatch, values, said):
    scripted(monkeypatch, *values)
    record = small_project.run_step(project, STEP)
    assert (record["run"], record["verdict"]) == (None, said)


@pytest.mark.parametrize("better", [True, False])
def test_a_full_run_counts_only_where_it_is_better(project, monkeypatch, better):
    scripted(monkeypatch, 1.0, 0.5)
    first = project.load(Tuned, "tuned.json").run
    from tailor.training import runs

    plain = runs.read_run(project, first)
    loss = 0.1 if better else 99.0
    other = plain.model_copy(
        update={"id": "lora-other", "curves": {"validation loss": [Point(step=1, value=loss)]}}
    )
    asked = []
    monkeypatch.setattr(
        runs, "make_run", lambda project, name, config, *given, **named: asked.append(config) or other
    )
    record = small_project.run_step(project, STEP)
    assert asked[0].learning_rate == 0.02
    assert asked[0].epochs == plain.config["epochs"], "a full run, not a short one"
    assert record["run"] == ("lora-other" if better else None)
    assert ("is better:" if better else "is no better (") in record["verdict"]


def test_what_is_tried():
    config = LoRAConfig(learning_rate=0.5)
    assert choices_for(config, ["learning_rate", "rank", "targets"], 5.0) == [
        Choice("learning_rate", low=0.1, high=1.0),
        Choice("rank", values=(8, 16, 32)),
        Choice("targets", values=("all-linear", "attention")),
    ]
    with pytest.raises(WorkbenchError) as error:
        choices_for(config, ["learning_rat"], 5.0)
    assert error.value.found == "there is no setting 'learning_rat' to search"
    assert error.value.fix == "correct 'vary' in 08_search_hyperparameters. Did you mean 'learning_rate'?"
    with pytest.raises(WorkbenchError) as error:
        choices_for(config, ["dropout"], 5.0)
    assert error.value.found == "the setting 'dropout' is 0.05: the search does not know what else to try"


def test_a_trial_that_breaks_is_kept_with_its_reason(project, monkeypatch):
    from tailor.training.breaks import broken

    def fit(self, base, dataset, config, folder, **named):
        raise broken("the training loss", 2, config)

    monkeypatch.setattr(LoRA, "fit", fit)
    trials = search_hyperparameters._search(
        project, search_tuned(project), Settings(**QUICK | {"rows": 7}), Log()
    )
    assert {trial.state for trial in trials} == {"failed"}
    assert trials[0].note.startswith("the training loss is not a finite number at step 2")
    assert best_of(trials) is None


def search_tuned(project):
    from tailor.training.runs import read_run

    return read_run(project, project.load(Tuned, "tuned.json").run)


def test_the_edge_of_a_range_is_told(project, monkeypatch):
    scripted(monkeypatch, 1.0, 0.97)
    small_project.run_step(project, STEP, width=1.5)
    record = project.load(Search, "search/search.json")
    assert record.best == {"learning_rate": 0.02, "rank": 16}
    assert "The best learning_rate lies at the edge of what was tried" in tuned_project.shown(project, STEP)
