"""The report: what was reached, the data's and the model's card, limits, and everything the steps show.

One HTML file that needs nothing else and runs nothing, and the same as Markdown beside it, without the figures.

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
from tailor.markdown import plain_markdown, to_markdown
from tailor.project import Project, State
from tailor.records import UseCase
from tailor.report_cards import data_card, limits, model_card, summary
from tailor.series import StepSpec, find_step

FILE, MARKDOWN = "report.html", "report.md"
CARDS = {"data": ("Data card", data_card), "model": ("Model card", model_card), "limits": ("Limits", limits)}
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
    """Write outputs/<project>/report.html, and report.md beside it, from every step that has run.

    Returns:
        The HTML file's path.

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
    cards = [(name, title, make(project)) for name, (title, make) in CARDS.items()]
    cards = [card for card in cards if card[2]]
    steps = [(step, state, _blocks(project, step)) for step, state in done]
    sections = "".join([*(_card(*card) for card in cards), *(_section(*step) for step in steps)])
    provenance = _provenance(project, [step for step, _ in done])
    page = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{safe(_title(project))}</title><style>{_STYLE}</style></head>
<body><header>{_head(project)}</header>
<nav><h4>Contents</h4><ol>{_contents(cards, done)}</ol></nav>
<main>{sections}</main>
<section id="provenance"><h2>Hashes and versions</h2>{"".join(map(_html, provenance))}</section>
</body></html>
"""
    path = project.path(FILE)
    write_text(path, page)
    write_text(project.path(MARKDOWN), _markdown(project, cards, steps, provenance))
    return path


def _markdown(project: Project, cards: list, steps: list, provenance: list[Block]) -> str:
    parts = [f"# {plain_markdown(_title(project))}"]
    if project.path("use_case.json").exists():
        parts.append(plain_markdown(UseCase.load(project.path("use_case.json")).description))
    parts += map(to_markdown, summary(project))
    for _, title, blocks in cards:
        parts += [f"## {title}", *map(to_markdown, blocks)]
    for step, state, blocks in steps:
        stale = "" if state.state == "done" else f" ({state.state})"
        parts += [f"## {step.name[:2]} {step.title}{stale}", *map(to_markdown, blocks)]
    return "\n\n".join([*parts, "## Hashes and versions", *map(to_markdown, provenance)]) + "\n"


def _title(project: Project) -> str:
    path = project.path("use_case.json")
    return UseCase.load(path).title if path.exists() else project.name


def _head(project: Project) -> str:
    parts = [f"<h1>{safe(_title(project))}</h1>"]
    if project.path("use_case.json").exists():
        parts.append(f"<p>{safe(UseCase.load(project.path('use_case.json')).description)}</p>")
    parts.append(f'<p class="faint">Project {safe(project.name)}, made with Tailor.</p>')
    return "".join([*parts, *map(_html, summary(project))])


def _contents(cards: list, done: list[tuple[StepSpec, State]]) -> str:
    items = [f'<li><a href="#{name}">{safe(title)}</a></li>' for name, title, _ in cards]
    items += [
        f'<li><a href="#{step.name}">{step.name[:2]} {safe(step.title)}</a>'
        + ("" if state.state == "done" else f' <span class="faint">({state.state})</span>')
        + "</li>"
        for step, state in done
    ]
    return "".join([*items, '<li><a href="#provenance">Hashes and versions</a></li>'])


def _card(name: str, title: str, blocks: list[Block]) -> str:
    return f'<section id="{name}"><h2>{safe(title)}</h2>{"".join(map(_html, blocks))}</section>'


def _section(step: StepSpec, state: State, blocks: list[Block]) -> str:
    head = f'<section id="{step.name}"><h2>{step.name[:2]} {safe(step.title)}</h2>'
    head += f'<p class="faint">{safe(step.question)}</p>'
    if state.state != "done":
        head += _html(Callout(f"This result is {state.state}: {state.reason}.", "warning"))
    return head + "".join(map(_html, blocks)) + "</section>"


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


def _provenance(project: Project, steps: list[StepSpec]) -> list[Block]:
    records = [[step.record, project.hash_of(project.path(step.record))] for step in steps]
    files = sorted({item for step in steps for item in _outputs(project.path(step.record)).items()})
    versions = [[name, version(name)] for name in LIBRARIES]
    return [
        Text(
            "Equal choices give equal hashes; what was merely measured, such as seconds, takes no part in them."
        ),
        Table(["record", "SHA-256 of its content"], records, show=100),
        Table(["file or folder", "SHA-256"], files, show=200),
        Table(["library", "version"], versions),
    ]


def _outputs(path: Path) -> dict[str, str]:
    return json.loads(path.read_text(encoding="utf-8")).get("outputs", {})
