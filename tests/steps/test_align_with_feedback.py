"""09: pairs from people and from the models' own answers, each with its source; which side each model takes."""

import json

import polars as pl
import pytest
import small_project
import tuned_project

from tailor.data.dataset import Dataset
from tailor.data.tables import write_table
from tailor.errors import WorkbenchError
from tailor.records import Guideline, Search, Tone, TonePair, UseCase
from tailor.steps.align_with_feedback import Settings, blockers
from tailor.training.preferences import Pair, breaks, pairs_from_answers, prefers_chosen, read_feedback

STEP = "09_align_with_feedback"
RULE = Guideline(id="no-promise", text="Promise nothing.", must_not_match="today")


@pytest.fixture(scope="module", params=["classify", "respond"])
def project(request, tmp_path_factory):
    patch = pytest.MonkeyPatch()
    folder = tmp_path_factory.mktemp("home")
    patch.setenv("TAILOR_HOME", str(folder))
    made = tuned_project.tuned(folder, request.param)
    Search(metric="validation loss", trials=[], best={}).save(made.path("search/search.json"))
    yield made
    patch.undo()


def test_pairs_of_both_models_are_made_and_measured(project):
    record = small_project.run_step(project, STEP, own_answers=3, max_new_tokens=8)
    assert record["sources"] == {"the base model's own answer": 3, "the tuned model's own answer": 3}
    lines = project.path("preferences.jsonl").read_text(encoding="utf-8").splitlines()
    pairs = [json.loads(line) for line in lines]
    assert len(pairs) == record["pairs"] == 6
    outputs = {example.id: example.output for example in Dataset.open(project).train}
    assert all(outputs[pair["id"]] == pair["chosen"] != pair["rejected"] for pair in pairs), (
        "of training rows alone"
    )
    base, tuned = record["agreement"]
    assert base.startswith("zero_shot-")
    assert tuned.startswith("lora-")
    for found in record["agreement"].values():
        assert 0 <= found["low"] <= found["value"] <= found["high"] <= 1
    text = tuned_project.shown(project, STEP)
    assert "6 pairs. Zero-shot prompting takes the chosen side in" in text
    again = small_project.run_step(project, STEP, own_answers=3, max_new_tokens=8)
    assert {k: v for k, v in again.items() if k != "measured"} == {
        k: v for k, v in record.items() if k != "measured"
    }


def test_guidelines_and_tone_become_pairs(project):
    case = project.load(UseCase, "use_case.json")
    kept = case.model_copy(deep=True)
    case.guidelines = [Guideline(id="price", text="Promise nothing.", must_not_match=r"\bguaranteed\b")]
    case.tone = Tone(pairs=[TonePair(before="As per", after="You can")])
    case.save(project.path("use_case.json"))
    record = small_project.run_step(project, STEP, own_answers=0, rule_pairs=2)
    kept.save(project.path("use_case.json"))
    if case.task == "classify":
        assert record["pairs"] == 0
        return
    assert record["sources"] == {"guideline: price": 2, "tone": 1}
    lines = project.path("preferences.jsonl").read_text(encoding="utf-8").splitlines()
    first = json.loads(lines[0])
    assert first["rejected"].replace("Guaranteed. ", "") == first["chosen"]


def test_feedback_is_read_and_bad_lines_are_told(project, tmp_path):
    path = tmp_path / "feedback.jsonl"
    good = {"prompt": "Where is my card", "chosen": "card lost", "rejected": "fees"}
    lines = [
        json.dumps(good),
        "{broken",
        json.dumps(good | {"rejected": ""}),
        json.dumps(good | {"chosen": "fees"}),
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    record = small_project.run_step(project, STEP, feedback_file=str(path), own_answers=0)
    assert record["sources"] == {"feedback file": 1}
    assert [line.split(":")[0] for line in record["left_out"]] == ["line 2", "line 3", "line 4"]
    assert record["left_out"][1:] == [
        "line 3: 'rejected' is empty",
        "line 4: chosen and rejected are the same",
    ]
    assert str(path) in record["inputs"]
    assert "3 lines of the feedback file" in tuned_project.shown(project, STEP)


def test_pairs_of_the_data_themselves_come_first(project):
    pair = {
        "id": "a:1", "system": "Be brief.", "history": "", "prompt": "Where is my card",
        "chosen": "card lost", "rejected": "fees",
    }  # fmt: skip
    path = project.path("dataset/preferences.parquet")
    write_table(pl.DataFrame([pair]), path)
    try:
        assert blockers(project, Settings(own_answers=0)) == []
        record = small_project.run_step(project, STEP, own_answers=0)
    finally:
        path.unlink()
    assert record["sources"] == {"the data": 1}
    (line,) = project.path("preferences.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line) == pair | {"source": "the data"}


def test_a_missing_column_is_told(tmp_path):
    path = tmp_path / "feedback.csv"
    path.write_text("prompt,choosen,rejected\na,b,c\n", encoding="utf-8")
    with pytest.raises(WorkbenchError) as error:
        read_feedback(path)
    assert str(error.value) == (
        "Found: feedback.csv has no column 'chosen'; it has prompt, choosen, rejected\n"
        "Needed: the columns prompt, chosen, rejected\n"
        "Do: rename or add the column. Did you mean 'choosen'?"
    )


def test_no_source_of_pairs_is_told(project):
    assert blockers(project, Settings(own_answers=0)) == [
        "There is no source of pairs: name a feedback_file, or let own_answers be more than 0."
    ]
    assert blockers(project, Settings()) == []


def test_an_answer_that_breaks_a_rule_the_reference_keeps_is_told_apart(home):
    dataset = Dataset.open(small_project.make_project(home, "respond", rows=6))
    wrong = small_project.RuleModel("respond", share=1.0)
    wrong.generate = lambda prompts, config: ["We do it today."] * len(prompts)
    pairs = pairs_from_answers(wrong, "the model", dataset, dataset.train[:2], [RULE], 8)
    assert [breaks(RULE, example.output) for example in dataset.train[:2]] == [True, False]
    assert [pair.source for pair in pairs] == ["the model", "the model, breaks no-promise"]


def test_guidelines_ask_for_and_forbid():
    wanted = Guideline(id="greet", text="Greet.", must_match="hello|dear")
    assert not breaks(wanted, "Hello there")
    assert breaks(wanted, "There you are")
    assert breaks(RULE, "TODAY")
    assert not breaks(RULE, "tomorrow")


def test_the_rejected_label_is_the_likeliest_wrong_one(home):
    dataset = Dataset.open(small_project.make_project(home, "classify", rows=6))
    knows = small_project.RuleModel("classify", share=1.0, bias=0.5)
    pairs = pairs_from_answers(knows, "the model", dataset, dataset.train[:3], [], 8)
    assert [(pair.chosen, pair.rejected) for pair in pairs] == [
        ("card lost", "fees"),
        ("fees", "card lost"),
        ("login", "card lost"),
    ]
    assert prefers_chosen(knows, dataset, pairs).tolist() == [1.0, 1.0, 1.0]


def test_long_answers_are_not_punished_for_their_length(home):
    dataset = Dataset.open(small_project.make_project(home, "respond", rows=6))

    class Even:
        def score(self, prompts, completions):
            return [-0.5 * len(text) for text in completions]

    pairs = [Pair("1", "q", "a long and good answer", "bad", "people")]
    assert prefers_chosen(Even(), dataset, pairs).tolist() == [0.5]
