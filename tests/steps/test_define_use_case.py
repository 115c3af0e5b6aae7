"""01 Define use case."""

import pytest

from tailor.blocks import Callout, Table
from tailor.errors import WorkbenchError
from tailor.notebook import open_step
from tailor.project import Project
from tailor.records import Criterion, UseCase

STEP = "01_define_use_case"


pytestmark = pytest.mark.usefixtures("home")


def run(**settings):
    result = open_step(STEP, "my_mails", settings).run()
    return Project("my_mails").load(UseCase, "use_case.json"), result


def test_defaults_are_enough():
    case, result = run()
    assert (case.title, case.task, case.system_prompt) == ("my mails", "respond", "Answer the message.")
    warnings = [block.text for block in result.blocks() if isinstance(block, Callout)]
    assert warnings == [
        "No success criteria are set: 10_evaluate will compare models but not say 'good enough'."
    ]


def test_everything_given_is_recorded_and_shown(home):
    (home / "g.csv").write_text("term,definition\nAPR,yearly rate\n", encoding="utf-8")
    (home / "r.yaml").write_text(
        "- {id: pin, rule: Never ask for a PIN., must_not_match: 'your PIN'}", encoding="utf-8"
    )
    (home / "t.yaml").write_text("voice: [warm]\npairs: [{bad: a, good: b}]\nperson: we", encoding="utf-8")
    case, result = run(
        title="Mails",
        description="You answer customers.",
        users="Customers.",
        success=[{"metric": "chrf", "at_least": 40, "why": "Agents reach 45."}],
        limits=["No promises."],
        glossary_file="g.csv",
        guidelines_file="r.yaml",
        tone_file="t.yaml",
    )
    assert case.system_prompt == "You answer customers. Style: warm. Never ask for a PIN. Person: we."
    assert case.success == [Criterion(metric="chrf", at_least=40, why="Agents reach 45.")]
    assert [rule.id for rule in case.guidelines] == ["pin", "tone_person"]
    assert set(case.inputs) == {"g.csv", "r.yaml", "t.yaml"}
    captions = [block.caption for block in result.blocks() if isinstance(block, Table)]
    assert "1 of 2 are checked by a pattern; the others are read by people." in captions


def test_own_prompt_is_kept_word_for_word_and_can_be_left_out():
    assert run(system_prompt="Be brief!", description="x")[0].system_prompt == "Be brief!"
    assert run(system_prompt="Be brief!", use_system_prompt=False)[0].system_prompt == ""


def test_a_changed_file_makes_the_step_stale(home):
    (home / "r.yaml").write_text("- {id: a, rule: x}", encoding="utf-8")
    run(guidelines_file="r.yaml")
    step = open_step(STEP, "my_mails")
    assert step.state.state == "done"
    (home / "r.yaml").write_text("- {id: a, rule: another}", encoding="utf-8")
    assert (step.state.state, step.state.reason) == ("stale", "r.yaml changed since")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"success": [{"metric": "accuracy", "at_least": 0.9}]},
            "The success criterion 'accuracy' is no metric of the task respond; there are chrf, bleu, rouge_1, "
            "rouge_2, rouge_l, exact_match, token_f1, json_validity, field_f1, numeric_match, code_validity, "
            "distinct_1, distinct_2, repetition, reading_ease, similarity, bits_per_character, perplexity, "
            "seconds_per_answer, seconds_per_answer_p95, tokens_per_second, peak_gib, watt_hours_per_1000.",
        ),
        (
            {"task": "classify", "success": [{"metric": "accuracy", "at_least": 90}]},
            "The success criterion accuracy runs from 0 to 1; at_least is 90.",
        ),
        (
            {"task": "classify", "success": [{"metric": "acuracy", "at_least": 0.9}]},
            "The success criterion 'acuracy' is no metric of the task classify; there are accuracy, macro_f1, mcc, "
            "ece, seconds_per_answer, seconds_per_answer_p95, tokens_per_second, peak_gib, watt_hours_per_1000. Did "
            "you mean 'accuracy'?",
        ),
        (
            {"success": [{"metric": "repetition", "at_least": 0.1}]},
            "The success criterion 'repetition' is better the less it is: give at_most in place of at_least.",
        ),
        (
            {"success": [{"metric": "keeps pin", "at_least": 1}]},
            "The success criterion 'keeps pin' names no guideline with a pattern; there are none: name a "
            "guidelines_file.",
        ),
    ],
)
def test_criteria_that_cannot_be_decided_block(settings, sentence):
    step = open_step(STEP, "my_mails", settings)
    assert step.form().problems == [sentence]
    with pytest.raises(WorkbenchError, match="01_define_use_case cannot run"):
        step.run()


def test_criteria_about_rules_costs_and_own_metrics_do(home):
    (home / "r.yaml").write_text(
        "- {id: pin, rule: Never ask for a PIN., must_not_match: 'your PIN'}", encoding="utf-8"
    )
    (home / "mine.py").write_text("def polite(answer, reference):\n    return 1\n", encoding="utf-8")
    goals = [
        {"metric": "keeps pin", "at_least": 1},
        {"metric": "mine:polite", "at_least": 0.9},
        {"metric": "seconds_per_answer", "at_most": 0.5},
    ]
    case, result = run(title="Mails", description="x", success=goals, guidelines_file="r.yaml")
    assert [c.goal for c in case.success] == [1, 0.9, 0.5]
    table = next(b for b in result.blocks() if isinstance(b, Table) and b.columns[0] == "metric")
    assert [row[:3] for row in table.rows][2] == ("seconds_per_answer", "at most", 0.5)
    near = open_step(
        STEP, "my_mails", {"success": [{"metric": "keeps pim", "at_least": 1}], "guidelines_file": "r.yaml"}
    )
    assert near.form().problems == [
        "The success criterion 'keeps pim' names no guideline with a pattern; there are keeps pin. Did you mean "
        "'keeps pin'?"
    ]
    gone = open_step(STEP, "my_mails", {"success": [{"metric": "mine:polit", "at_least": 1}]})
    assert gone.form().problems == [
        "mine.py has no function 'polit'. correct the name. Did you mean 'polite'?"
    ]


def test_a_criterion_takes_one_goal(home):
    with pytest.raises(WorkbenchError) as error:
        open_step(STEP, "my_mails", {"success": [{"metric": "chrf", "at_least": 1, "at_most": 2}]}).run()
    assert "the criterion 'chrf' takes one of at_least and at_most" in str(error.value)


def test_missing_file_names_the_near_one(home):
    (home / "glossary.csv").write_text("term,definition\na,b\n", encoding="utf-8")
    with pytest.raises(WorkbenchError) as error:
        open_step(STEP, "my_mails", {"glossary_file": "glosary.csv"}).run()
    assert str(error.value) == (
        "Found: there is no file or folder glosary.csv\nNeeded: an existing path, absolute or relative to the "
        "workspace\nDo: check the path. Did you mean 'glossary.csv'?"
    )


def test_unknown_task_is_refused():
    with pytest.raises(WorkbenchError) as error:
        open_step(STEP, "my_mails", {"task": "classfy"})
    assert str(error.value) == (
        "Found: 01_define_use_case.task is 'classfy'\nNeeded: input should be 'respond' or 'classify'\n"
        "Do: change 01_define_use_case.task. Did you mean 'classify'?"
    )
