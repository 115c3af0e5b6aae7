"""The report: everything a project's steps show, in one HTML file that needs nothing else and runs nothing.

Text from data is escaped where blocks become HTML; the content policy forbids scripts and anything from outside, so
that even a mistake there could load nothing.
"""

import json
from importlib.metadata import version
from pathlib import Path

from tailor.blocks import Block, Callout, Heading, Table, Text
from tailor.errors import WorkbenchError
from tailor.files import write_text
from tailor.html import safe, to_html
from tailor.project import Project, State
from tailor.records import Comparison, RunRecord, UseCase
from tailor.series import StepSpec, find_step

FILE = "report.html"
LIBRARIES = ("tailor-workbench", "torch", "transformers", "peft", "scikit-learn", "sacrebleu", "rouge-score")

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STYLE = """
:root{color-scheme:light}
body{font:15px/1.5 system-ui,sans-serif;color:#1b1b1b;background:#fff;margin:0 auto;padding:16px;max-width:1000px;
overflow-wrap:break-word} header p,section p,section span{overflow-wrap:anywhere}
h1{font-size:26px;margin:8px 0} h2{font-size:20px;margin:36px 0 4px;border-top:2px solid #d0d0d0;padding-top:12px}
a{color:#0072b2} nav ol{list-style:none;columns:2;padding:0;margin:4px 0 16px} nav li{padding:3px 0}
.scroll{overflow-x:auto;-webkit-overflow-scrolling:touch} .scroll table{border-collapse:collapse;min-width:60%}
.scroll div{max-height:none!important;overflow:visible!important}
.scroll th,.scroll td{overflow-wrap:break-word!important} th{position:static!important}
.faint{color:#5c5c5c} img{max-width:100%;height:auto} code{font-size:13px;overflow-wrap:anywhere}
@media (max-width:600px){body{padding:10px;font-size:14px} nav ol{columns:1} h1{font-size:22px}}
@media print{body{max-width:none;padding:0;font-size:11px} .scroll{overflow:visible} h2{break-after:avoid}
tr,img{break-inside:avoid} nav{break-after:page} a{color:inherit;text-decoration:none}}
"""


def write_report(project: Project) -> Path:
    """Write outputs/<project>/report.html from every step that has run; returns its path.

    Raises:
        WorkbenchError: no step has run yet, or the file cannot be written.
    """
    done = [
        (find_step(state.step), state)
        for state in project.states()
        if project.path(find_step(state.step).record).exists()
    ]
    if not done:
        raise WorkbenchError(
            f"no step of project '{project.name}' has run yet",
            "at least one finished step to report",
            f"run the series: tailor run --project {project.name}",
        )
    sections = "".join(_section(project, step, state) for step, state in done)
    page = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{safe(_title(project))}</title><style>{_STYLE}</style></head>
<body><header>{_head(project)}</header>
<nav><h4>Contents</h4><ol>{_contents(done)}</ol></nav>
<main>{sections}</main>
<section id="provenance"><h2>Hashes and versions</h2>{_provenance(project, [step for step, _ in done])}</section>
</body></html>
"""
    path = project.path(FILE)
    write_text(path, page)
    return path


def summary_table(project: Project) -> Table:
    """Base model, prompting and tuned models: metric with interval, difference, seconds, memory, file size.

    Raises:
        WorkbenchError: 10_evaluate has not run.
    """
    from tailor.evaluation.compare import name_of, show_difference, show_estimate
    from tailor.evaluation.results import show_bytes, show_cost

    record = project.load(Comparison, "comparison.json")
    costs = record.measured.get("models", {})
    rows = [
        [
            line.role,
            line.title + (" (best)" if line.run == record.best else ""),
            show_estimate(record.headline, line.metrics[record.headline]),
            show_difference(record.headline, line.difference) if line.difference else "",
            _seconds_made(project, line.run),
            *show_cost(costs.get(line.run, {})),
            show_bytes(line.bytes),
        ]
        for line in record.compared
    ]
    columns = ["", "model", name_of(record.headline), "against the base model", "made in", "answered in"]
    caption = (
        f"On {record.rows:,} test rows; in brackets the 95% interval; file size is beside the base model's"
    )
    return Table([*columns, "memory", "file size"], rows, caption)


def _seconds_made(project: Project, ident: str) -> str:
    path = project.path(f"runs/{ident}/run.json")
    seconds = RunRecord.load(path).measured.get("seconds") if path.exists() else None
    return f"{seconds:.1f} s" if seconds is not None else ""


def _title(project: Project) -> str:
    path = project.path("use_case.json")
    return UseCase.load(path).title if path.exists() else project.name


def _head(project: Project) -> str:
    parts = [f"<h1>{safe(_title(project))}</h1>"]
    if project.path("use_case.json").exists():
        parts.append(f"<p>{safe(UseCase.load(project.path('use_case.json')).description)}</p>")
    parts.append(f'<p class="faint">Project {safe(project.name)}, made with Tailor.</p>')
    if project.path("comparison.json").exists():
        record = project.load(Comparison, "comparison.json")
        parts += [_html(summary_table(project)), _html(Callout(record.verdict, "note"))]
        criteria = [Callout(f"{c['metric']}: {c['says']}", _KINDS[c["result"]]) for c in record.criteria]
        parts += [_html(block) for block in criteria]
    return "".join(parts)


_KINDS = {"met": "good", "not met": "bad", "not decidable": "warning", "not measured": "warning"}


def _contents(done: list[tuple[StepSpec, State]]) -> str:
    items = [
        f'<li><a href="#{step.name}">{step.name[:2]} {safe(step.title)}</a>'
        + ("" if state.state == "done" else f' <span class="faint">({state.state})</span>')
        + "</li>"
        for step, state in done
    ]
    return "".join([*items, '<li><a href="#provenance">Hashes and versions</a></li>'])


def _section(project: Project, step: StepSpec, state: State) -> str:
    head = f'<section id="{step.name}"><h2>{step.name[:2]} {safe(step.title)}</h2>'
    head += f'<p class="faint">{safe(step.question)}</p>'
    if state.state != "done":
        head += _html(Callout(f"This result is {state.state}: {state.reason}.", "warning"))
    return head + "".join(_html(block) for block in _blocks(project, step)) + "</section>"


def _blocks(project: Project, step: StepSpec) -> list[Block]:
    """A step's blocks; one damaged or missing file must not cost the whole report."""
    try:
        # the question stands in the section's head already
        return [block for block in step.module.blocks(project) if block != Heading(step.question)]
    except WorkbenchError as error:
        return [Callout(f"This step cannot be shown: {error.found}. Do: {error.fix}.", "bad")]
    except Exception as error:  # whatever it is: the other steps' results are still worth reading
        said = f"This step cannot be shown ({type(error).__name__}: {error}). Do: run {step.name} again."
        return [Callout(said, "bad")]


def _html(block: Block) -> str:
    if isinstance(block, Table):
        return f'<div class="scroll">{to_html(block)}</div>'
    return to_html(block)


def _provenance(project: Project, steps: list[StepSpec]) -> str:
    records = [[step.record, project.hash_of(project.path(step.record))] for step in steps]
    files = sorted({item for step in steps for item in _outputs(project.path(step.record)).items()})
    versions = [[name, version(name)] for name in LIBRARIES]
    blocks: list[Block] = [
        Text(
            "Equal choices give equal hashes; what was merely measured, such as seconds, takes no part in them."
        ),
        Table(["record", "SHA-256 of its content"], records, show=100),
        Table(["file or folder", "SHA-256"], files, show=200),
        Table(["library", "version"], versions),
    ]
    return "".join(_html(block) for block in blocks)


def _outputs(path: Path) -> dict[str, str]:
    return json.loads(path.read_text(encoding="utf-8")).get("outputs", {})
