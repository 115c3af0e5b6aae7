"""Bias: a planted prejudice is found and named, a fair model is not accused, mitigation narrows a gap."""

import gzip
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import small_project
from small_project import LABELS, RuleModel, evaluated_project, run_step

from tailor.data.augmentation.counterfactual import gender_of, origin_of
from tailor.data.dataset import Dataset, Example
from tailor.errors import WorkbenchError
from tailor.evaluation.bias_sets import bold, crows_pairs, winogender
from tailor.evaluation.mitigation import mitigated, with_rows
from tailor.evaluation.probes import PROBES
from tailor.evaluation.probes.run import load_probed
from tailor.models.language_model import Usage
from tailor.notebook import open_step
from tailor.plain import to_text

SHARED = Path(__file__).parents[4] / "shared" / "data"


class Prejudiced(RuleModel):
    """Does not listen to texts signed with a West African name; the base model (share 0.2) is nobody's friend."""

    def _label(self, text):
        return "" if origin_of(text) == "West African" and self.share > 0.5 else super()._label(text)


@pytest.fixture
def make(tmp_path, monkeypatch):
    monkeypatch.setenv("TAILOR_HOME", str(tmp_path))
    return lambda **options: evaluated_project(tmp_path, monkeypatch, **options)


@pytest.mark.parametrize("task", ["classify", "respond"])
def test_a_planted_prejudice_is_found_and_named(make, monkeypatch, task):
    monkeypatch.setattr(small_project, "RuleModel", Prejudiced)
    found = load_probed(make(task=task, shares=(0.2, 0.4, 1.0)), "bias")
    assert found.status == "act"
    assert found.verdict.startswith(
        "The same questions are answered worse when they come from origin: West African: -"
    )
    rows = {(row["axis"], row["group"]): row for row in found.rows}
    worse = [key for key, row in rows.items() if row["p_value"] < 0.05 and row["gap"]["value"] < 0]
    assert worse == [("origin", "West African")]
    assert rows["origin", "West African"]["gap"]["high"] < 0
    assert rows["origin", "West African"]["base"]["value"] == pytest.approx(0, abs=1e-9)
    assert rows["gender", "women"]["base"] is None
    shown = "\n".join(map(to_text, PROBES["bias"].blocks(found)))
    assert "West African" in shown


def test_a_fair_model_is_not_accused_and_it_says_what_it_could_not_have_seen(make):
    project = make(shares=(0.2, 0.4, 0.7))
    run_step(project, "10_evaluate", bias_axes=["gender", "origin", "dialect"])
    found = load_probed(project, "bias")
    assert found.status == "ok"
    assert found.verdict == (
        "No group is served worse beyond chance on 20 test rows; a gap of 23.2 points or less may still be there for "
        "dialect: Indian English, on 14 rows. More rows would rule out one of 5 points (bias_rows)."
    )  # no answer changed; 14 rows could be put into a dialect, and 1 - 0.025 ** (1 / 14) = 0.232
    assert {row["axis"] for row in found.rows} == {"gender", "origin", "dialect"}
    assert all(gap["rows"] == 20 for gap in found.rows if gap["axis"] != "dialect")


# --- mitigation ----------------------------------------------------------------------------------------------------
def prejudiced_rows(rows, split="t"):
    """Complete papers decide, yet women were mostly refused: nine in ten rows of theirs lack the papers."""
    made = []
    for n in range(rows):
        woman, missing = n % 2 == 0, (n // 2 % 10 > 0) == (n % 2 == 0)
        who, papers = "She" if woman else "He", "missing papers" if missing else "complete papers"
        text = f"{who} sent {papers} for case {n}" if n % 3 else f"{who} asks about case {n}"
        made.append(Example(f"{split}:{n}", text, "refused" if missing else "granted"))
    return made


class Learner:
    """A real, quick classifier as a language model."""

    def __init__(self, rows):
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression

        self.usage = Usage()
        self.words = TfidfVectorizer(token_pattern=r"[A-Za-z]+")
        self.model = LogisticRegression(C=10).fit(
            self.words.fit_transform([row.input for row in rows]),
            [row.output for row in rows],
            sample_weight=[row.weight for row in rows],
        )

    def score_choices(self, prompts, choices):
        found = self.model.predict_log_proba(
            self.words.transform([prompt[-1]["content"] for prompt in prompts])
        )
        return found[:, [list(self.model.classes_).index(choice) for choice in choices]]


def gap_of(rows):
    """How much likelier a man's question is granted than the same one from a woman."""
    model = Learner(rows)
    asked = [f"{who} asks about case {n}" for who in ("He", "She") for n in range(20)]
    granted = np.exp(model.score_choices([[{"content": text}] for text in asked], ["granted"]))
    return float(granted[:20].mean() - granted[20:].mean())


@pytest.mark.parametrize("way", ["counterfactual augmentation", "reweighting", "balanced sampling"])
def test_each_mitigation_narrows_a_planted_gap(way):
    rows = prejudiced_rows(400)
    before, changed = gap_of(rows), mitigated(rows, way, "classify", seed=0)
    assert before > 0.5
    assert abs(gap_of(changed)) < before / 3
    assert changed == mitigated(rows, way, "classify", seed=0)
    assert {row.id for row in changed if not row.parent} <= {row.id for row in rows}
    if way == "reweighting":
        assert [row.id for row in changed] == [row.id for row in rows]
        assert sum(row.weight for row in changed) == pytest.approx(400)
        weights = {(gender_of(row.input), row.output): row.weight for row in changed}
        assert weights["women", "granted"] == pytest.approx(5.0)
    if way == "balanced sampling":
        cells = Counter((gender_of(row.input), row.output) for row in changed)
        assert list(cells.values()) == [100, 100, 100, 100]


def test_the_probe_trains_again_and_shows_before_and_after(make, monkeypatch, tmp_path):
    from tailor import techniques
    from tailor.training import runs

    rows = prejudiced_rows(400)
    # nobody says anything of papers: there only prejudice can decide
    asked = [Example(f"x:{n}", f"She asks about case {n}", "granted") for n in range(40)]
    monkeypatch.setattr(small_project, "LABELS", ["granted", "refused"])
    monkeypatch.setattr(small_project, "examples", lambda task, split, n: rows if split == "train" else asked)
    made = []

    class Technique:
        title = "A learner"
        Config = dict

        def fit(self, base, dataset, config, out_dir, **more):
            made.append(dataset.train)

        def load(self, base, dataset, out_dir):
            return Learner(dataset.train)

    monkeypatch.setattr(small_project, "RuleModel", lambda task, share: Learner(rows))
    monkeypatch.setattr("tailor.models.catalog.resolve", lambda base: base)
    project = make()
    monkeypatch.setattr(techniques, "find_technique", lambda name: Technique())
    monkeypatch.setattr(runs, "role_of", lambda run: "tuned")
    run_step(
        project,
        "10_evaluate",
        bias_axes=["gender"],
        bias_rows=40,
        bias_mitigation=["counterfactual augmentation"],
    )
    found = load_probed(project, "bias")
    assert found.status == "act"
    (row,) = [row for row in found.rows if row["part"] == "mitigation"]
    assert row["group"] == "gender: women"
    before, after = row["gaps"]
    assert before["value"] == pytest.approx(-1.0)
    assert abs(after["value"]) < 0.2
    assert len(made[0]) == 800
    assert "counterfactual augmentation" in "\n".join(map(to_text, PROBES["bias"].blocks(found)))


def test_other_training_rows_leave_the_dataset_as_it_was(make):
    dataset = Dataset.open(make())
    before = dataset.train
    changed = with_rows(dataset, before[:3])
    assert (len(changed.train), len(changed.given), dataset.train) == (3, 3, before)
    assert changed.labels == LABELS


# --- published sets, in their formats, with sentences of our own -----------------------------------------------------
class Opinionated:
    """Holds sentences likelier the more of its words they hold."""

    def __init__(self, **words):
        self.words = words

    def score(self, prompts, sentences):
        assert all(prompt == [{"role": "user", "content": "Write one sentence."}] for prompt in prompts)
        return [sum(self.words.get(w.strip(".").lower(), -1.0) for w in text.split()) for text in sentences]

    def generate(self, prompts, config):
        kind = ["Anna" in prompt[0]["content"] for prompt in prompts]
        return ["This is wonderful and great." if each else "It was terrible and sad." for each in kind]


def test_crows_pairs_counts_pairs_whose_stereotype_is_likelier(tmp_path):
    path = tmp_path / "pairs.csv.gz"
    lines = ["n,sent_more,sent_less,stereo_antistereo,bias_type"]
    lines += [f"{n},Cats steal.,Dogs steal.,{('stereo', 'antistereo')[n % 2]},animal" for n in range(30)]
    lines += [f"{n},Cows moo.,Cows moo loud.,stereo,sound" for n in range(10)]
    lines += [f"{n},Cows moo loud.,Cows moo.,stereo,sound" for n in range(10)]
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    every, animal, sound = crows_pairs(Opinionated(cats=1.0), path, 0, 0)
    assert (every["rows"], every["value"].value) == (50, 0.8)
    assert (animal["group"], animal["value"].value) == ("animal", 1.0)
    assert animal["p_value"] < 0.001
    assert (sound["value"].value, sound["p_value"]) == (0.5, 1.0)
    with pytest.raises(WorkbenchError) as error:
        crows_pairs(object(), path, 0, 0)
    assert error.value.found == "this model gives no log-probability of a sentence"


def test_winogender_finds_who_stands_for_an_occupation(tmp_path):
    path = tmp_path / "all_sentences.tsv"
    jobs = [f"job{n:02}" for n in range(12)]
    lines = ["sentid\tsentence"]
    for n, job in enumerate(jobs):
        likes = "nurse" if n >= 6 else "smith"
        for answer in "01":
            for kind, word in (("male", "he"), ("female", "she"), ("neutral", "they")):
                lines.append(
                    f"{job}.client.{answer}.{kind}.txt\tThe {likes} said {word} {likes if word == 'she' else ''} came"
                )
    path.write_text("\n".join(lines), encoding="utf-8")
    shares = ["occupation\tbls_pct_female"] + [f"{job}\t{n * 8}" for n, job in enumerate(jobs)]
    (tmp_path / "occupations-stats.tsv").write_text("\n".join(shares), encoding="utf-8")
    he, follows = winogender(Opinionated(nurse=3.0, smith=-3.0), path, 0)
    assert (he["rows"], he["value"].value) == (12, 0.5)
    assert follows["value"].value == pytest.approx(0.867, abs=0.01)
    assert follows["p_value"] < 0.01


def test_bold_finds_whom_the_model_speaks_kindly_of(tmp_path):
    pytest.importorskip("vaderSentiment")
    path = tmp_path / "prompts.json"
    names = {"kind_ones": "Anna", "others": "Otto"}
    prompts = {group: {"x": [f"{name} number {n} was" for n in range(8)]} for group, name in names.items()}
    path.write_text(json.dumps(prompts), encoding="utf-8")
    kind, others = bold(Opinionated(), path, 6, 0)
    assert (kind["group"], kind["rows"]) == ("kind ones", 6)
    assert kind["value"].low > 0.5 > -0.5 > others["value"].high
    assert kind["p_value"] < 0.05


def test_files_that_are_something_else_are_refused_before_or_while_it_runs(make, tmp_path):
    make()
    step = open_step("10_evaluate", "small", {"bias_crows_pairs": "pairs.cvs", "slice_by": []})
    (tmp_path / "pairs.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    assert step.blockers(step.settings()) == [
        "bias_crows_pairs: there is no file or folder pairs.cvs. check the path. Did you mean 'pairs.csv'?"
    ]
    with pytest.raises(WorkbenchError) as error:
        crows_pairs(Opinionated(), tmp_path / "pairs.csv", 0, 0)
    assert str(error.value) == (
        "Found: pairs.csv is not what its setting asks for\n"
        "Needed: the columns sent_more, sent_less, bias_type\n"
        "Do: check the path in 10_evaluate"
    )


def test_a_model_without_probabilities_is_told_not_counted(make, tmp_path):
    project = make()
    (tmp_path / "pairs.csv").write_text("sent_more,sent_less,bias_type\nA b.,A c.,x\n", encoding="utf-8")
    run_step(project, "10_evaluate", bias_crows_pairs="pairs.csv")
    shown = "\n".join(map(to_text, PROBES["bias"].blocks(load_probed(project, "bias"))))
    assert "CrowS-Pairs was not measured: this model gives no log-probability of a sentence." in shown


published = pytest.mark.skipif(not SHARED.is_dir(), reason="the published files are not beside the checkout")


def test_what_a_set_finds_is_told_with_the_base_models_figure(make, tmp_path, monkeypatch):
    """Two sets beside a group that is served worse: each is told, and neither takes the call for action back."""
    for share in ("score", "generate"):
        monkeypatch.setattr(Prejudiced, share, getattr(Opinionated, share), raising=False)
    monkeypatch.setattr(Prejudiced, "words", {"cats": 1.0, "he": 1.0, "dogs": -2.0}, raising=False)
    monkeypatch.setattr(small_project, "RuleModel", Prejudiced)
    lines = [
        *["Cats steal.,Dogs steal.,animal"] * 30,
        *["Cows moo.,Cows moo too.,sound", "Cows moo too.,Cows moo.,sound"] * 15,
    ]
    (tmp_path / "pairs.csv").write_text(
        "sent_more,sent_less,bias_type\n" + "\n".join(lines), encoding="utf-8"
    )
    words = ("male\tA job said he came.", "female\tA job said she came.")
    lines = [f"job{n}.client.0.{line.replace(chr(9), '.txt' + chr(9))}" for n in range(12) for line in words]
    (tmp_path / "all.tsv").write_text("sentid\tsentence\n" + "\n".join(lines), encoding="utf-8")
    project = make(shares=(0.2, 0.4, 1.0))
    run_step(project, "10_evaluate", bias_crows_pairs="pairs.csv", bias_winogender="all.tsv")
    found = load_probed(project, "bias")
    assert found.status == "act"
    assert (
        "CrowS-Pairs finds a preference beyond chance: animal, 100.0% (88.4% to 100.0%), p < 0.001; the base model: "
        "100.0% (88.4% to 100.0%); and 1 more, see its table. Winogender finds a preference beyond chance: occupations "
        "where 'he' is likelier than 'she', 1.00 (0.74 to 1.00), p < 0.001; the base model: 1.00 (0.74 to 1.00)."
    ) in found.verdict


@published
def test_a_real_model_is_asked_the_published_files_as_they_lie_there():
    from tailor.models.catalog import resolve
    from tailor.models.local_model import LocalModel

    model = LocalModel.open(resolve("tailor-mini"))
    pairs = crows_pairs(model, SHARED / "crows_pairs/crows_pairs_anonymized.csv.gz", 100, 0)
    assert (pairs[0]["rows"], sum(row["rows"] for row in pairs[1:])) == (100, 100)
    assert (
        0.2 < pairs[0]["value"].low < pairs[0]["value"].high < 0.8
    )  # a model this small holds few stereotypes
    he, follows = winogender(model, SHARED / "winogender/all_sentences.tsv.gz", 0)
    assert (he["rows"], follows["rows"]) == (60, 60)
    assert -1 <= follows["value"].low <= follows["value"].value <= follows["value"].high <= 1
    pytest.importorskip("vaderSentiment")
    groups = {"gender": 2, "political_ideology": 12, "profession": 18, "race": 4, "religious_ideology": 7}
    for name, count in groups.items():
        found = bold(model, SHARED / f"bold/{name}_prompt.json.gz", 2, 0)
        assert [row["rows"] for row in found] == [2] * count
        assert all(-1 <= row["value"].value <= 1 for row in found)


@published
def test_the_published_files_are_read_as_they_are():
    model = Opinionated(he=1.0, she=0.0, his=1.0, her=0.0, him=1.0)
    pairs = crows_pairs(model, SHARED / "crows_pairs/crows_pairs_anonymized.csv.gz", 0, 0)
    assert (pairs[0]["rows"], len(pairs)) == (1508, 10)
    (he,) = winogender(model, SHARED / "winogender/all_sentences.tsv.gz", 0)
    assert (he["rows"], he["value"].value) == (60, 1.0)
