"""What holds for every probe: its settings, its record, that it runs on any model that fits its task, and only once."""

import pytest
from small_project import evaluated_project, run_step

from tailor.blocks import Callout, Heading
from tailor.evaluation.probes import PROBES
from tailor.evaluation.probes.run import load_probed
from tailor.records import Comparison
from tailor.settings import describe
from tailor.steps import evaluate


@pytest.mark.parametrize("probe", PROBES.values(), ids=PROBES)
def test_settings_belong_to_the_probe_and_say_what_they_do(probe):
    switch, *others = describe(probe.Settings)
    assert (switch.name, switch.type) == (probe.name, bool)
    assert all(field.name.startswith(f"{probe.name}_") for field in others)
    assert all(field.section == probe.title and len(field.explain) > 20 for field in (switch, *others))
    assert probe.question.endswith("?")
    assert probe.source
    assert set(probe.tasks) <= {"classify", "respond"}


@pytest.fixture(scope="module", params=["classify", "respond"])
def project(request, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("probed")
        patch.setenv("TAILOR_HOME", str(home))
        yield evaluated_project(home, patch, task=request.param)


def test_each_probe_leaves_a_record_with_a_verdict_and_shows_it(project):
    record = project.load(Comparison, "comparison.json")
    task = "classify" if record.headline == "accuracy" else "respond"
    assert list(record.probes) == [
        name
        for name, probe in PROBES.items()
        if task in probe.tasks and probe.Settings.model_fields[name].default
    ]
    shown = evaluate.blocks(project)
    for name, status in record.probes.items():
        found = load_probed(project, name)
        assert found.status == status
        assert found.verdict.endswith((".", ")"))
        assert found.test_set == record.test_set
        assert Heading(PROBES[name].title) in shown
        assert found.verdict in [block.text for block in shown if isinstance(block, Callout)]


def test_probes_run_where_nothing_beat_the_base_model(tmp_path, monkeypatch):
    monkeypatch.setenv("TAILOR_HOME", str(tmp_path))
    project = evaluated_project(tmp_path, monkeypatch, shares=(0.5, 0.5, 0.5))
    for name in project.load(Comparison, "comparison.json").probes:
        assert load_probed(project, name).run == load_probed(project, name).base


def test_what_was_asked_before_is_not_asked_again(project):
    paths = [
        project.path(f"evaluations/probes/{name}.json")
        for name in project.load(Comparison, "comparison.json").probes
    ]
    before = [path.stat().st_mtime_ns for path in paths]
    run_step(project, "10_evaluate")
    assert [path.stat().st_mtime_ns for path in paths] == before


def test_what_a_probe_reads_is_an_input_of_the_step(tmp_path, monkeypatch):
    """The person's own text for `forgetting`: changed, 10 is stale and the probe is asked again."""
    from tailor.series import find_step

    monkeypatch.setenv("TAILOR_HOME", str(tmp_path))
    project = evaluated_project(tmp_path, monkeypatch)
    text = tmp_path / "own.txt"
    text.write_text("One.\n\nTwo.", encoding="utf-8")
    chosen = {"forgetting_text": "own.txt"}
    run_step(project, "10_evaluate", **chosen)
    assert "own.txt" in load_probed(project, "forgetting").inputs
    text.write_text("One.\n\nThree.", encoding="utf-8")
    assert project.state(find_step("10"), chosen).state == "stale"
