"""Judges: a good one is believed, one that looks at the place, mumbles or draws lots is not; people correct it."""

import random

import pytest
from small_project import evaluated_project, run_step

from tailor.data.annotations import Annotation, row_key, save_annotations
from tailor.evaluation.blind import CHOICES, FILE, Pair, human_choices, make_pairs, open_blind
from tailor.evaluation.judging import judge_pairs, prediction_powered, read_verdict, report
from tailor.evaluation.kept_answers import KeptAnswers
from tailor.evaluation.predictions import read_predictions
from tailor.evaluation.probes.run import load_probed
from tailor.models.language_model import Usage
from tailor.progress import Log


class Writer:
    """A judge that decides by `say(answer a, answer b)` -> what it writes."""

    def __init__(self, say) -> None:
        self.say, self.asked, self.usage = say, 0, Usage()

    def generate(self, prompts, config):
        self.asked += len(prompts)
        texts = [prompt[-1]["content"] for prompt in prompts]
        parts = [
            text.split("Answer A:\n")[1].split("\n\nWhich answer")[0].split("\n\nAnswer B:\n")
            for text in texts
        ]
        return [self.say(*part) for part in parts]


PAIRS = [
    Pair(f"row:{n}", f"question {n}", "", f"good answer {n}", f"bad {n}" + " long" * (n % 8), n % 3 == 0)
    for n in range(60)
]


def judged(say, tmp_path):
    return judge_pairs(Writer(say), PAIRS, "Be right.", KeptAnswers(tmp_path / "kept.sqlite"), Log())


def good(a, b):
    return f"One is better. [[{'A' if a.startswith('good') else 'B'}]]"


def figures(say, tmp_path, humans=None):
    return report(judged(say, tmp_path), humans or {}, samples=500, seed=1)


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("A is short. [[B]]", "B"),
        ("[[A]] no, rather [[C]]", "C"),
        (" B. ", "B"),
        ("A better answer would be B", None),
        ("", None),
        ("[[D]]", None),
    ],
)
def test_only_a_clear_verdict_is_read(text, verdict):
    assert read_verdict(text) == verdict


def test_a_good_judge_prefers_the_better_answers_wherever_they_stand(tmp_path):
    found = figures(good, tmp_path)
    assert (found.preferred.value, found.contradicted, found.unread) == (1.0, 0.0, 0.0)
    assert found.first.value == 0.5
    assert (found.kappa, found.corrected) == (None, None)


def test_a_judge_of_the_place_contradicts_itself_on_every_pair(tmp_path):
    found = figures(lambda a, b: "[[A]]", tmp_path)
    assert (found.contradicted, found.first.value, found.preferred) == (1.0, 1.0, None)


def test_a_judge_of_length_is_caught(tmp_path):
    found = figures(lambda a, b: f"[[{'A' if len(a) > len(b) else 'B'}]]", tmp_path)
    assert found.longer.value == 1.0
    assert found.contradicted < 0.1


def test_what_cannot_be_read_is_unmeasured_and_no_loss(tmp_path):
    found = figures(lambda a, b: good(a, b) if "1" in a + b else "Hard to say.", tmp_path)
    assert found.preferred.value == 1.0
    assert 0.3 < found.unread < 0.9


def test_agreement_and_correction_need_thirty_people(tmp_path):
    humans = {pair.id: 1.0 for pair in PAIRS[:29]}
    assert figures(good, tmp_path, humans).kappa is None
    humans = {pair.id: float(n % 2) for n, pair in enumerate(PAIRS[:40])}
    found = figures(good, tmp_path, humans)
    assert found.kappa == pytest.approx(0.0)
    assert found.corrected.value == pytest.approx(0.5)
    assert found.corrected.low < 0.5 < found.corrected.high < 0.8


def test_prediction_powered_mean_by_hand():
    judge = {"a": 1.0, "b": 1.0, "c": 0.0, "d": 1.0, "e": 1.0, "f": 0.0}
    humans = {"a": 1.0, "b": 0.0, "c": 0.0}
    # rest: mean 2/3; people differ by 0, -1, 0: mean -1/3
    assert prediction_powered(judge, humans).value == pytest.approx(1 / 3)
    everyone = dict.fromkeys(judge, 1.0)
    assert prediction_powered(judge, everyone).value == 1.0


def test_corrected_interval_holds_the_truth_about_as_often_as_it_says():
    rng, held = random.Random(0), 0
    for _ in range(200):
        truth = {str(n): float(rng.random() < 0.6) for n in range(300)}
        judge = {n: value if rng.random() < 0.8 else 1.0 for n, value in truth.items()}
        few = dict(list(truth.items())[:80])
        found = prediction_powered(judge, few)
        held += found.low <= 0.6 <= found.high
    assert 0.9 <= held / 200 <= 0.99


def test_nothing_is_asked_twice(tmp_path):
    judge, kept = Writer(good), KeptAnswers(tmp_path / "kept.sqlite")
    judge_pairs(judge, PAIRS[:20], "Be right.", kept, Log())
    assert judge.asked == 40
    judge_pairs(judge, PAIRS[:30], "Be right.", kept, Log())
    assert judge.asked == 60


# --- in 10_evaluate --------------------------------------------------------------------------------------------------
@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setenv("TAILOR_HOME", str(tmp_path))
    return evaluated_project(tmp_path, monkeypatch, task="respond", rows=90)


def let_judge(monkeypatch, say):
    from tailor.evaluation.probes.judge import Judge
    from tailor.models import writers

    monkeypatch.setattr(writers, "open_writer", lambda *args: Writer(say))
    monkeypatch.setattr(Judge, "blockers", lambda *args: [])


def shown_pairs(project):
    record = load_probed(project, "robustness")
    return make_pairs(*(read_predictions(project, run) for run in (record.run, record.base)))


def test_the_judge_is_named_with_what_people_said(project, monkeypatch):
    best = {pair.best for pair in shown_pairs(project)}
    let_judge(monkeypatch, lambda a, b: f"[[{'A' if a in best else 'B'}]]")
    session = open_blind(project, count=90)
    session.sign_in("Ann")
    pairs = {pair.id: pair for pair in shown_pairs(project)}
    while session.state()["done"] < session.state()["total"]:
        pair = pairs[session.state()["row"]]
        session.say("answer", CHOICES[0] if pair.best_first else CHOICES[1])
    assert set(human_choices(project, list(pairs.values())).values()) == {1.0}
    run_step(project, "10_evaluate", judge=True, judge_model="stub")
    found = load_probed(project, "judge")
    assert found.status == "ok"
    assert found.verdict.startswith(f"stub, corrected by {len(pairs)} pairs that people compared, prefers")
    assert (
        f" of the {len(pairs)} pairs, out of {len(pairs)}, that it judged alike in both orders"
        in found.verdict
    )
    assert found.verdict.endswith("kappa 1.00.")


def test_a_broken_judge_is_found(project, monkeypatch):
    let_judge(monkeypatch, lambda a, b: "[[A]]")
    run_step(project, "10_evaluate", judge=True, judge_model="stub")
    found = load_probed(project, "judge")
    assert (found.status, found.figures) == ("not measured", {})
    assert found.verdict == (
        "stub contradicts itself in 100% of the pairs when the order is swapped (the answer shown first wins 100%): "
        "it judges the place, not the answer."
    )


def test_a_mumbling_judge_is_not_counted_as_a_loss(project, monkeypatch):
    let_judge(monkeypatch, lambda a, b: "Both have merits.")
    run_step(project, "10_evaluate", judge=True, judge_model="stub")
    assert load_probed(project, "judge").verdict == (
        "100% of stub's verdicts could not be read: it is no judge for this, and nothing is concluded from the others."
    )


def test_pairs_are_compared_in_an_order_drawn_by_lot(project):
    """The first thirty stand for the others: they may come from any source, and are the same for every annotator."""
    walks = []
    for name in ("Ann", "Ben"):
        session = open_blind(project, count=30)
        session.sign_in(name)
        walks.append([place for place, _ in session.order])
    assert walks[0] == walks[1]
    assert len(set(walks[0])) == 30
    assert sorted(walks[0]) != walks[0]
    assert max(walks[0]) > 30


def test_split_annotators_count_as_neither(project):
    pair = shown_pairs(project)[0]
    key = row_key(pair.draft())
    for name, choice in (("Ann", CHOICES[0]), ("Ben", CHOICES[1])):
        save_annotations(project.path(FILE), name, [Annotation(pair.id, key, name, "answer", choice)])
    assert human_choices(project, [pair]) == {pair.id: 0.5}
