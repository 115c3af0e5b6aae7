"""The report: one file, nothing from outside, everything escaped, the headline table on top."""

import re
from html import unescape

import pytest
import small_project

from tailor.errors import WorkbenchError
from tailor.evaluation.probes.run import load_probed
from tailor.project import Project
from tailor.records import Comparison, RunRecord, UseCase
from tailor.report import write_report
from tailor.report_cards import summary_table


@pytest.fixture
def project(home, monkeypatch):
    return small_project.evaluated_project(home, monkeypatch)


def test_summary_names_each_model_with_its_metric_and_price(project):
    table = summary_table(project)
    assert table.columns == [
        "", "model", "accuracy", "against the base model", "made in", "answered in", "memory", "file size",
    ]  # fmt: skip
    assert [row[:2] for row in table.rows] == [
        ["base model", "Zero-shot prompting"],
        ["prompting", "Few-shot prompting"],
        ["tuned", "LoRA (best)"],
    ]
    assert re.fullmatch(r"\d+\.\d% \(\d+\.\d% to \d+\.\d%\)", table.rows[2][2])
    assert table.rows[2][-1] == "2.5 MB"


def test_report_needs_nothing_from_outside_and_runs_nothing(project):
    page = write_report(project).read_text(encoding="utf-8")
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in page
    assert 'name="viewport"' in page
    assert "@media print" in page
    assert not re.search(r"<script|javascript:|<iframe|<link|@import|\son\w+=", page, re.IGNORECASE)
    assert set(re.findall(r'src="(\w+):', page)) <= {"data"}
    assert all(target.startswith("#") for target in re.findall(r'href="([^"]*)"', page))


def test_contents_lead_to_every_step_that_ran(project):
    page = write_report(project).read_text(encoding="utf-8")
    anchors = re.findall(r'<li><a href="#([^"]+)"', page)
    assert "10_evaluate" in anchors
    assert "11_deploy" not in anchors
    assert all(f'id="{anchor}"' in page for anchor in anchors)
    assert page.index("LoRA (best)") < page.index('<a href="#10_evaluate"')


def test_markup_in_data_stays_text(project):
    attack = '<img src=x onerror="alert(1)"></td><script>alert(2)</script>'
    path = project.path("use_case.json")
    use_case = UseCase.load(path)
    use_case.title = use_case.description = attack
    use_case.save(path)
    run = project.path("runs/lora-0000000000/run.json")
    record = RunRecord.load(run)
    record.title = attack
    record.save(run)
    small_project.run_step(project, "10_evaluate")
    page = write_report(project).read_text(encoding="utf-8")
    assert "<img src=x" not in page
    assert "<script" not in page
    assert "&lt;script&gt;alert(2)&lt;/script&gt;" in page


def test_a_damaged_step_does_not_cost_the_report(project):
    project.path("evaluations/lora-0000000000.parquet").write_bytes(b"broken")
    page = write_report(project).read_text(encoding="utf-8")
    assert "This result is stale: evaluations/lora-0000000000.parquet was changed by hand" in page
    assert "This step cannot be shown:" in page
    assert "Hashes and versions" in page


def test_provenance_lists_hashes_and_versions(project):
    page = write_report(project).read_text(encoding="utf-8")
    assert project.hash_of(project.path("comparison.json")) in page
    assert project.hash_of(project.path("evaluations/lora-0000000000.parquet")) in page
    assert ">2.6.0<" in page


def test_the_answer_the_cards_and_the_limits_stand_before_the_steps(project):
    page = write_report(project).read_text(encoding="utf-8")
    places = [
        page.index(text) for text in ("Recommended: LoRA.", 'id="model"', 'id="limits"', 'id="04_format')
    ]
    assert places == sorted(places)
    for probe in project.load(Comparison, "comparison.json").probes:
        found = load_probed(project, probe)
        assert (found.status == "ok") or found.verdict in unescape(page)


def test_markdown_says_the_same_and_reads_no_markup_from_data(project):
    path = project.path("use_case.json")
    use_case = UseCase.load(path)
    use_case.title = "A | B <script>"
    use_case.save(path)
    write_report(project)
    text = project.path("report.md").read_text(encoding="utf-8")
    assert text.startswith("# A \\| B \\<script\\>\n")
    assert "<script" not in text.replace("\\<script", "")
    assert "## Limits" in text
    assert project.hash_of(project.path("comparison.json")) in text
    rows = [line for line in text.splitlines() if line.startswith("| tuned | LoRA")]
    assert rows
    assert rows[0].count(" | ") == 7


def test_nothing_to_report_is_told(home):
    with pytest.raises(WorkbenchError) as error:
        write_report(Project("empty"))
    assert str(error.value) == (
        "Found: no step of project 'empty' has run yet\n"
        "Needed: at least one finished step to report\n"
        "Do: run the series: tailor run --project empty"
    )
