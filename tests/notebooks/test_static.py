"""The notebooks' form: what every one of them must have, whatever it is about."""

import ast
from pathlib import Path

import nbformat
import pytest

from tailor.series import STEPS

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "notebooks"
TAGS = ["parameters", "setup", "form", "run", "result"]
HEADINGS = [
    "What you will have at the end",
    "Before you start",
    "Choose",
    "Run",
    "Read the result",
    "What can go wrong",
    "Next",
]
SERIES = [FOLDER / f"{step.name}.ipynb" for step in STEPS]
ALL = sorted(FOLDER.rglob("*.ipynb"))


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def code_cells(path: Path) -> list:
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def test_the_series_is_complete_and_nothing_else_is_numbered():
    assert sorted(FOLDER.glob("[0-9]*.ipynb")) == SERIES


@pytest.mark.parametrize("path", SERIES, ids=lambda path: path.stem)
def test_cells_are_tagged_in_order(path):
    tags = [tag for cell in code_cells(path) for tag in cell.metadata.get("tags", [])]
    assert [tag for tag in tags if tag in TAGS] == TAGS


@pytest.mark.parametrize("path", SERIES, ids=lambda path: path.stem)
def test_headings_in_order(path):
    lines = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown").splitlines()
    assert [line[3:] for line in lines if line.startswith("## ")] == HEADINGS
    assert lines[0].startswith(f"# {path.stem[:2]} · ")


@pytest.mark.parametrize("path", SERIES, ids=lambda path: path.stem)
def test_before_you_start_says_what_it_reads_and_costs(path):
    table = next(cell.source for cell in read(path).cells if cell.source.startswith("## Before you start"))
    for word in ("reads", "writes", "takes", "memory"):
        assert f"| **{word}** |" in table


@pytest.mark.parametrize("path", SERIES, ids=lambda path: path.stem)
def test_opens_its_own_step(path):
    assert f'open_step("{path.stem}", project, settings)' in code_cells(path)[1].source


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_a_notebook_tells_and_the_library_does(path):
    for cell in code_cells(path):
        assert not any(line.lstrip().startswith(("!", "%")) for line in cell.source.splitlines())
        forbidden = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.Try)
        found = [
            type(node).__name__ for node in ast.walk(ast.parse(cell.source)) if isinstance(node, forbidden)
        ]
        assert found == []
        assert len(cell.source.splitlines()) <= 12


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_stored_without_outputs(path):
    for cell in code_cells(path):
        assert cell.outputs == []
        assert cell.execution_count is None


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_prose_before_code_and_links_that_lead_somewhere(path):
    notebook = read(path)
    assert notebook.cells[0].cell_type == "markdown"
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            continue
        for target in [part.split(")")[0] for part in cell.source.split("](")[1:]]:
            assert (path.parent / target).exists(), f"{path.name} links to {target}"
